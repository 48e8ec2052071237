//! Who signs an account's entry, and what: the author, and everybody whose key it lists. Without that a stranger's key
//! could be listed as one's own.
//!
//! Spec: `docs/spec/account-ledger.md`, "Signatures".

use super::op::{AccountKeys, AccountOp, HolderKeys};
use crate::{
    Rejected,
    entry::SignedEntry,
    id::{HolderId, ScopeId},
    key::{Signature, VerifyingKey},
    label::SignatureLabel,
};

/// The signatures of an entry that are still to be verified, in their order.
struct Signatures<'a> {
    entry: &'a [u8],
    rest: core::slice::Iter<'a, Signature>,
}

impl Signatures<'_> {
    fn next(&mut self, key: &VerifyingKey, label: SignatureLabel, parts: &[&[u8]]) -> Result<(), Rejected> {
        let signature = self.rest.next().ok_or(Rejected::BadSignature)?;
        key.verify(label, parts, signature).map_err(|_| Rejected::BadSignature)
    }

    /// Each new account key that can sign shows that its holder made this entry.
    fn account_keys(&mut self, keys: &AccountKeys) -> Result<(), Rejected> {
        let new = [&keys.ledger, &keys.publication, &keys.signature];
        new.into_iter().try_for_each(|key| self.next(key, SignatureLabel::AccountKey, &[self.entry]))
    }
}

/// Who joins an account: `account id ‖ holder's id ‖ id of the new keys`, to be signed with the new signing key.
pub fn holder_statement(account: &ScopeId, holder: &HolderId, keys: &HolderId) -> [u8; 96] {
    let mut statement = [0; 96];
    for (part, id) in statement.chunks_exact_mut(32).zip([account.as_bytes(), holder.as_bytes(), keys.as_bytes()]) {
        part.copy_from_slice(id);
    }
    statement
}

/// The signatures of a first entry.
pub(super) fn verify_genesis(entry: &SignedEntry, device: &HolderKeys, keys: &AccountKeys) -> Result<(), Rejected> {
    let mut signatures = Signatures { entry: &entry.signed, rest: entry.signatures.iter() };
    signatures.next(&device.signing, SignatureLabel::Entry, &[&entry.signed])?;
    signatures.account_keys(keys)?;
    if signatures.rest.len() == 0 { Ok(()) } else { Err(Rejected::BadSignature) }
}

/// Who signs a later entry.
pub(super) struct Signers<'a> {
    pub(super) account: ScopeId,
    pub(super) author: HolderId,
    pub(super) author_key: &'a VerifyingKey,
    /// The newest ledger key before the entry; `None` where the author need not know it.
    pub(super) former: Option<&'a VerifyingKey>,
}

/// The signatures of a later entry.
pub(super) fn verify(entry: &SignedEntry, ops: &[AccountOp], signers: &Signers<'_>) -> Result<(), Rejected> {
    let mut signatures = Signatures { entry: &entry.signed, rest: entry.signatures.iter() };
    signatures.next(signers.author_key, SignatureLabel::Entry, &[&entry.signed])?;
    for op in ops {
        let (holder, keys, id) = match op {
            AccountOp::AddDevice(keys) => (keys.id(), keys, keys.id()),
            AccountOp::AddRecovery(op) => (op.keys.recovery_id(), &op.keys, op.keys.recovery_id()),
            AccountOp::RotateDevice(keys) => (signers.author, keys, keys.id()),
            AccountOp::RotateAccount(op) => {
                if let Some(former) = signers.former {
                    signatures.next(former, SignatureLabel::AccountRotation, &[&entry.signed])?;
                }
                signatures.account_keys(&op.keys)?;
                continue;
            }
            _ => continue,
        };
        let statement = holder_statement(&signers.account, &holder, &id);
        signatures.next(&keys.signing, SignatureLabel::HolderKey, &[&statement])?;
    }
    if signatures.rest.len() == 0 { Ok(()) } else { Err(Rejected::BadSignature) }
}
