//! What entries were replayed into. Of a keychain the state is enough. Others cite heads of a group that it has left
//! behind, so of that its entries are kept too.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Groups".

use keyfold_format::{
    Rejected,
    entry::SignedEntry,
    scope::{Kind, Ledger, Ledgers, Past, State},
};

/// A verified ledger.
#[derive(Clone, Debug)]
pub(crate) enum Replayed {
    Keychain(Ledger),
    Group(Past),
}

impl Replayed {
    /// From a first entry.
    pub(crate) fn genesis(entry: &SignedEntry, ledgers: &impl Ledgers) -> Result<Self, Rejected> {
        let ledger = Ledger::genesis(entry, ledgers)?;
        Ok(match ledger.kind() {
            Kind::Keychain => Self::Keychain(ledger),
            Kind::Group => Self::Group(Past::genesis(entry.clone(), ledgers)?),
        })
    }

    /// From the own store; entries are those of a group. `None` if they are not all there.
    pub(crate) fn restored(ledger: Ledger, entries: Vec<SignedEntry>) -> Option<Self> {
        match ledger.kind() {
            Kind::Keychain => Some(Self::Keychain(ledger)),
            Kind::Group => Past::restored(ledger, entries).map(Self::Group),
        }
    }

    /// Appends the next entry, or says which rule it breaks and stays as it was.
    pub(crate) fn append(&mut self, entry: &SignedEntry, ledgers: &impl Ledgers) -> Result<(), Rejected> {
        match self {
            Self::Keychain(ledger) => ledger.append(entry, ledgers).map(drop),
            Self::Group(past) => past.append(entry.clone(), ledgers),
        }
    }

    /// The newest state.
    pub(crate) fn newest(&self) -> &Ledger {
        match self {
            Self::Keychain(ledger) => ledger,
            Self::Group(past) => past.newest(),
        }
    }

    /// A group's entries.
    pub(crate) fn entries(&self) -> &[SignedEntry] {
        match self {
            Self::Keychain(_) => &[],
            Self::Group(past) => past.entries(),
        }
    }

    /// A group's state right after entry `seq`, if it is the newest or was recalled.
    pub(crate) fn at(&self, seq: u64) -> Option<&State> {
        match self {
            Self::Keychain(_) => None,
            Self::Group(past) => past.at(seq),
        }
    }

    /// Makes such a state ready. `false` if there is none.
    pub(crate) fn recall(&mut self, seq: u64, ledgers: &impl Ledgers) -> Result<bool, Rejected> {
        match self {
            Self::Keychain(_) => Ok(false),
            Self::Group(past) => past.recall(seq, ledgers),
        }
    }
}
