//! Entries of one's own account: who holds it. Apart from those of scopes, for they have other authors and other
//! signatures, and an envelope comes with them instead of wraps.
//!
//! Spec: `docs/spec/account-ledger.md`.

use crate::{Error, Result, machine::KnownAccount};
use keyfold_core::{
    SigningKey,
    account::{AccountSecrets, MasterKeys},
};
use keyfold_format::{
    HolderId, Signature,
    account::{AccountOp, Entry, HolderKind, Ledger, RotateAccount},
    entry::SignedEntry,
    label::SignatureLabel,
};
use keyfold_protocol::wire::ExtendAccount;
use rand_core::CryptoRng;

/// Who writes: a device, or a recovery method.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    pub(crate) id: HolderId,
    pub(crate) signing: &'a SigningKey,
    pub(crate) now_ms: u64,
}

/// What an entry does, with the signature of whose keys it lists.
pub(crate) type Deed = (AccountOp, Option<Signature>);

/// An entry that is ready to be sent, and what will be true when the server has taken it.
#[derive(Debug)]
pub(crate) struct AccountDraft {
    pub(crate) extend: ExtendAccount,
    pub(crate) next: KnownAccount,
}

/// The op by which the account goes on with the newest of these master keys.
pub(crate) fn next_generation(masters: &MasterKeys, ledger: &Ledger) -> Result<(AccountOp, AccountSecrets)> {
    let secrets = masters.secrets(ledger.nonce())?;
    Ok((AccountOp::RotateAccount(RotateAccount { generation: masters.generation(), keys: secrets.public() }), secrets))
}

/// Composes and replays an entry. `masters` are those that its holders open afterwards; `former` is the ledger key
/// before it, which a device's `RotateAccount` is signed with, and `new` are the keys of the one that it makes.
pub(crate) fn extend_account(
    known: &KnownAccount,
    deeds: Vec<Deed>,
    author: Holder<'_>,
    masters: &MasterKeys,
    former: Option<&SigningKey>,
    new: Option<&AccountSecrets>,
    rng: &mut impl CryptoRng,
) -> Result<AccountDraft> {
    let ledger = known.ledger();
    let (ops, signatures): (Vec<AccountOp>, Vec<Option<Signature>>) = deeds.into_iter().unzip();
    let head = ledger.head();
    let signed = Entry {
        scope: Some(ledger.id()),
        seq: head.seq + 1,
        prev: Some(head.hash),
        author: author.id,
        // A clock that is behind does not make an entry invalid.
        time: author.now_ms.max(ledger.time()),
        ops: ops.clone(),
    }
    .encode();
    let mut all = vec![author.signing.sign(SignatureLabel::Entry, &[&signed])];
    for (op, signature) in ops.iter().zip(signatures) {
        all.extend(signature);
        if let (AccountOp::RotateAccount(_), Some(new)) = (op, new) {
            all.extend(former.map(|key| key.sign(SignatureLabel::AccountRotation, &[&signed])));
            let keys = [&new.ledger, &new.publication, &new.signature];
            all.extend(keys.map(|key| key.sign(SignatureLabel::AccountKey, &[&signed])));
        }
    }
    let entry = SignedEntry { signed, signatures: all };
    let next = known.tried(&entry)?;
    let master_key = if ops.iter().any(changes_slots) { Some(envelope(&next, masters, rng)?) } else { None };
    Ok(AccountDraft {
        extend: ExtendAccount { expected: head, entry, master_key, expires_ms: None, password: None },
        next,
    })
}

fn envelope(next: &KnownAccount, masters: &MasterKeys, rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
    let ledger = next.ledger();
    if masters.generation() != ledger.generation() {
        return Err(Error::internal("the master keys are of another generation than the account"));
    }
    let holders: Vec<_> = ledger.holders().values().map(|holder| &holder.keys.wrapping).collect();
    Ok(masters.seal(ledger.id(), &holders, rng)?)
}

/// Whether other keys open the account after it than before.
fn changes_slots(op: &AccountOp) -> bool {
    matches!(
        op,
        AccountOp::AddDevice(_) | AccountOp::RotateDevice(_) | AccountOp::AddRecovery(_) | AccountOp::RotateAccount(_)
    )
}

/// The devices among those who hold an account, oldest first.
pub(crate) fn devices(ledger: &Ledger) -> Vec<HolderId> {
    let holders = ledger.holders().iter();
    let mut devices: Vec<_> = holders.filter(|(_, holder)| holder.kind == HolderKind::Device).collect();
    devices.sort_by_key(|(_, holder)| holder.age());
    devices.into_iter().map(|(id, _)| *id).collect()
}
