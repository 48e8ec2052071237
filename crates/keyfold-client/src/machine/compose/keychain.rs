//! Entries about a keychain as such: founding it, a new key, taking a share, withdrawing one.

use super::{Author, Draft, Keys, append, newest, refused, wraps};
use crate::{
    Error, Result,
    machine::{
        Keyring, KnownScope,
        keyring::{site, unreached},
        scope::Stop,
    },
};
use keyfold_core::keychain::{KeySite, KeyWithHistory};
use keyfold_core::{HistorySecret, KeychainKey};
use keyfold_format::{
    EntryHash, Name, Rejected, ScopeId,
    entry::SignedEntry,
    label::SignatureLabel,
    scope::{
        Algorithm, CancelShare, Entry, Genesis, HISTORY_LINK_BYTES, Kind, Ledgers, Op, Placed, Rotate, ScopeEntry,
        binding,
    },
};
use rand_core::CryptoRng;

/// Founds a keychain, or with [`Algorithm::Group`] a group, whose rank is below that of keychains.
pub(crate) fn create(
    purpose: &Name,
    algorithm: Algorithm,
    rank: u16,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Draft, Stop> {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let site = KeySite { binding: binding(author.id(), &nonce), number: 1, algorithm };
    let (made, key) = site.generate(purpose, None, rng).map_err(Error::from)?;
    let ops = vec![Op::Genesis(Genesis { nonce, algorithm, rank, key })];
    let entry = ScopeEntry::Ordinary(Entry {
        group: algorithm == Algorithm::Group,
        scope: None,
        seq: 0,
        prev: None,
        author: author.id(),
        via: Vec::new(),
        cites: vec![author.cite()],
        time: author.now_ms,
        ops: ops.clone(),
    });
    let entry = author.sign(SignatureLabel::Entry, &entry);
    let next = KnownScope::founded(&entry, accounts)?;
    let wraps = wraps(next.ledger(), &ops, Keys { ring: None, made: Some((1, &made)) }, accounts, rng)?;
    Ok(Draft { expected: None, entry, wraps, next, made: Some(made) })
}

/// Makes the next key, for every follower in one entry. With history of one's own it is linked to the key before. If
/// that one never opened here the link is none: whoever made it must not be able to keep the next one from coming.
pub(crate) fn rotate(
    scope: &KnownScope,
    ring: &Keyring,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Draft, Stop> {
    with_next_key(scope, ring, Vec::new(), author, accounts, rng)
}

/// `ops`, and then the next key for the followers that they leave.
pub(super) fn with_next_key(
    scope: &KnownScope,
    ring: &Keyring,
    mut ops: Vec<Op>,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Draft, Stop> {
    let ledger = scope.ledger();
    let own = ledger.members().get(&author.through()).ok_or_else(|| refused(Rejected::NotAMember))?;
    let current = ledger.current_key();
    if ring.is_empty() {
        // What the keychain is for is not known here.
        return Err(unreached(current).into());
    }
    let previous = own.history.and_then(|_| copy(ring, current));
    let purpose = Name::new(ring.purpose()).map_err(Error::from)?;
    let number = current + 1;
    let (made, mut key) = site(ledger, number).generate(&purpose, previous.as_ref(), rng).map_err(Error::from)?;
    if own.history.is_some() && previous.is_none() {
        key.history_link = Some(lost_link(rng));
    }
    ops.push(Op::Rotate(Rotate { key }));
    let observed = ops.iter().filter_map(|op| if let Op::Observe(op) = op { Some(op.principal) } else { None });
    let mut cited: Vec<ScopeId> = observed.collect();
    // The state keeps what it has cited of the others, and to that is wrapped. See decision 0007.
    for (id, _) in ledger.followers().filter(|(id, _)| !ledger.is_put_out_by(&ops, id)) {
        if ledger.cited(id) != Some(&newest(id, accounts)?) {
            cited.push(*id);
        }
    }
    let keys = Keys { ring: Some(ring), made: Some((number, &made)) };
    let draft = append(scope, ops, &cited, author, keys, accounts, rng)?;
    Ok(Draft { made: Some(made), ..draft })
}

fn copy(ring: &Keyring, number: u32) -> Option<KeyWithHistory> {
    let key = KeychainKey::from_slice(ring.key(number)?.expose())?;
    Some(KeyWithHistory { key, history: HistorySecret::from_slice(ring.history(number)?.expose())? })
}

/// A link that opens for nobody. The ledger demands one of every author with history; whoever reads along it finds
/// that a segment starts there.
fn lost_link(rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut link = vec![0; HISTORY_LINK_BYTES];
    rng.fill_bytes(&mut link);
    link
}

/// Withdraws a share that nobody has answered.
pub(crate) fn cancel_share(
    scope: &KnownScope,
    principal: ScopeId,
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Draft, Stop> {
    let pending = scope.ledger().pending().get(&principal).ok_or_else(|| refused(Rejected::NotPending))?;
    let op = Op::CancelShare(CancelShare { share: pending.entry, principal });
    append(scope, vec![op], &[], author, Keys { ring: None, made: None }, accounts, rng)
}

/// Takes the share that `answers` made.
pub(crate) fn accept(scope: &KnownScope, answers: EntryHash, author: Author<'_>) -> SignedEntry {
    placed(scope, answers, Op::Accept, author)
}

/// Refuses the share that `answers` made.
pub(crate) fn decline(scope: &KnownScope, answers: EntryHash, author: Author<'_>) -> SignedEntry {
    placed(scope, answers, Op::Decline, author)
}

/// An answer to an entry. The server places it, so it names no place.
pub(super) fn placed(scope: &KnownScope, answers: EntryHash, op: Op, author: Author<'_>) -> SignedEntry {
    let entry = ScopeEntry::Placed(Placed {
        group: scope.ledger().kind() == Kind::Group,
        scope: scope.ledger().id(),
        answers,
        author: author.cite(),
        time: author.now_ms.max(scope.ledger().time()),
        op,
    });
    author.sign(SignatureLabel::PlacedEntry, &entry)
}
