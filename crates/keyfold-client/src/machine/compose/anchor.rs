//! Entries that say how far indexes are.

use super::{Author, Draft, Keys, append};
use crate::machine::{KnownScope, scope::Stop};
use keyfold_format::{
    IndexId,
    scope::{Anchor, AnchoredRecord, Ledger, Ledgers, Op},
};
use rand_core::CryptoRng;

/// Whether the ledger has not said how far an index is since there is the current key: who was put out before may write on
/// where a storage is with him.
pub(crate) fn wants_anchor(ledger: &Ledger, index: &IndexId) -> bool {
    ledger.anchors().get(index).map_or(0, |anchored| anchored.seq) < ledger.rotated_at()
}

/// Says how far indexes are, those of which somebody else has said it meanwhile aside. `None` if none is left, or there is
/// a key that was not yet there, since the entry `rotated`, when they were read: who was put out with it may have
/// written behind what was read while he still might.
pub(crate) fn anchor(
    scope: &KnownScope,
    rotated: u64,
    records: &[AnchoredRecord],
    author: Author<'_>,
    accounts: &impl Ledgers,
    rng: &mut impl CryptoRng,
) -> Result<Option<Draft>, Stop> {
    let ledger = scope.ledger();
    let records: Vec<_> = records.iter().filter(|record| wants_anchor(ledger, &record.index)).copied().collect();
    if records.is_empty() || ledger.rotated_at() != rotated {
        return Ok(None);
    }
    let ops = vec![Op::Anchor(Anchor { records })];
    append(scope, ops, &[], author, Keys { ring: None, made: None }, accounts, rng).map(Some)
}
