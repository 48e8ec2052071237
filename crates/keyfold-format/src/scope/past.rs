//! A group's ledger with its past: others cite heads of it that it has left behind, and replaying them needs its state
//! as it was there.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Groups".

use super::{
    ledger::{Ledger, Ledgers},
    state::State,
};
use crate::{Rejected, entry::SignedEntry, sorted::SortedMap};
use alloc::vec::Vec;

/// States of a group that are kept beside the newest one. A further one takes the place of the oldest.
const KEPT: usize = 32;

/// A verified ledger, its entries, and its state as of those that were asked for.
#[derive(Clone, Debug)]
pub struct Past {
    newest: Ledger,
    entries: Vec<SignedEntry>,
    kept: SortedMap<u64, Ledger>,
}

impl Past {
    /// Founds a group from its first entry.
    pub fn genesis(entry: SignedEntry, ledgers: &dyn Ledgers) -> Result<Self, Rejected> {
        let newest = Ledger::genesis(&entry, ledgers)?;
        Ok(Self { newest, entries: alloc::vec![entry], kept: SortedMap::new() })
    }

    /// Back from what [`Ledger::to_snapshot`] and [`Self::entries`] gave. Like a snapshot it proves nothing, and is only
    /// to be read from where nobody else writes. `None` if the two do not fit.
    pub fn restored(newest: Ledger, entries: Vec<SignedEntry>) -> Option<Self> {
        let fits = newest.head().seq.checked_add(1) == Some(entries.len() as u64);
        fits.then(|| Self { newest, entries, kept: SortedMap::new() })
    }

    /// Appends the next entry, or says which rule it breaks and stays as it was.
    pub fn append(&mut self, entry: SignedEntry, ledgers: &dyn Ledgers) -> Result<(), Rejected> {
        self.newest.append(&entry, ledgers)?;
        self.entries.push(entry);
        Ok(())
    }

    /// The newest state.
    pub fn newest(&self) -> &Ledger {
        &self.newest
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[SignedEntry] {
        &self.entries
    }

    /// The state right after entry `seq`, if it is the newest one or was recalled.
    pub fn at(&self, seq: u64) -> Option<&State> {
        let ledger = if seq == self.newest.head().seq { Some(&self.newest) } else { self.kept.get(&seq) };
        ledger.map(|ledger| &ledger.state)
    }

    /// Makes the state after entry `seq` ready for [`Self::at`], replaying from the nearest one before it that is kept.
    /// `false` if there is no such entry. What groups of its own are needed for that, the error says.
    pub fn recall(&mut self, seq: u64, ledgers: &dyn Ledgers) -> Result<bool, Rejected> {
        if self.at(seq).is_some() {
            return Ok(true);
        }
        let Some(until) = usize::try_from(seq).ok().filter(|seq| *seq < self.entries.len()) else { return Ok(false) };
        let before = self.kept.iter().rfind(|(kept, _)| **kept < seq).map(|(_, ledger)| ledger.clone());
        let mut ledger = match (before, self.entries.first()) {
            (Some(ledger), _) => ledger,
            (None, Some(first)) => Ledger::genesis(first, ledgers)?,
            (None, None) => return Ok(false),
        };
        let done = ledger.head().seq as usize;
        let mut outcome = Ok(true);
        for entry in self.entries.get(done + 1..=until).unwrap_or_default() {
            outcome = ledger.append(entry, ledgers).map(|_| true);
            if outcome.is_err() {
                break;
            }
        }
        // Also when it stopped for a state of another group: the next attempt goes on from there.
        let oldest = self.kept.keys().next().copied().filter(|_| self.kept.len() >= KEPT);
        if let Some(oldest) = oldest {
            self.kept.remove(&oldest);
        }
        self.kept.insert(ledger.head().seq, ledger);
        outcome
    }
}
