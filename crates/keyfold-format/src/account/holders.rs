//! Who holds the master key: devices and recovery methods, in the order in which they came.
//!
//! Apart from the ledger, for an entry with several ops is tried on a copy of these, and of nothing that grows with
//! every entry but the ids that were used.
//!
//! Spec: `docs/spec/account-ledger.md`, "Holders".

use super::op::{HolderKeys, RecoveryMethod};
use crate::{
    Rejected,
    id::HolderId,
    limits,
    sorted::{SortedMap, SortedSet},
};
use alloc::vec::Vec;

/// A device, or a recovery method: it holds the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Which of the two.
    pub kind: HolderKind,
    /// Its public keys and sealed label.
    pub keys: HolderKeys,
    /// When it was added, as its adder claims, in milliseconds since 1970.
    pub added: u64,
    /// Who added it; a first device has nobody.
    pub added_by: Option<HolderId>,
    /// The nearest of its adder, that one's adder and so on who is a holder still: with him it goes.
    under: Option<HolderId>,
    /// Its place among all who ever were holders: less is older.
    order: u32,
}

/// What a holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// A device, whose keys were made on it.
    Device,
    /// A recovery method, whose keys derive from its secret.
    Recovery(RecoveryMethod),
}

impl Holder {
    /// Whether it may do what only recovery methods may.
    pub fn is_recovery(&self) -> bool {
        self.kind != HolderKind::Device
    }

    /// Whom it goes with: who added it, or the nearest above that one who is a holder still.
    pub fn under(&self) -> Option<HolderId> {
        self.under
    }

    /// Its place among all who ever held the account: less is older.
    pub fn age(&self) -> u32 {
        self.order
    }

    /// Whether this is a recovery method that outranks `other`.
    pub(super) fn is_recovery_older_than(&self, other: &Self) -> bool {
        self.is_recovery() && self.order < other.order
    }
}

/// The holders of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holders {
    current: SortedMap<HolderId, Holder>,
    /// The ids of all keys that holders have or had. None comes twice, so nobody can be made a holder again by what he
    /// signed once.
    used: SortedSet<HolderId>,
    added: u32,
}

impl Holders {
    /// The first device.
    pub(super) fn founded(device: &HolderKeys, time: u64) -> Self {
        let keys = device.clone();
        let first = Holder { kind: HolderKind::Device, keys, added: time, added_by: None, under: None, order: 0 };
        let id = device.id();
        Self { current: SortedMap::from_iter([(id, first)]), used: SortedSet::from_iter([id]), added: 1 }
    }

    pub(super) fn current(&self) -> &SortedMap<HolderId, Holder> {
        &self.current
    }

    /// Adds a holder, the youngest, under who added it.
    pub(super) fn add(&mut self, kind: HolderKind, keys: &HolderKeys, by: HolderId, time: u64) -> Result<(), Rejected> {
        let id = match kind {
            HolderKind::Device => keys.id(),
            HolderKind::Recovery(_) => keys.recovery_id(),
        };
        if self.used.contains(&id) {
            return Err(Rejected::HolderRepeated);
        }
        if self.current.len() >= limits::ACCOUNT_HOLDERS {
            return Err(Rejected::TooManyHolders);
        }

        let (added_by, order) = (Some(by), self.added);
        self.current.insert(id, Holder { kind, keys: keys.clone(), added: time, added_by, under: added_by, order });
        self.used.insert(id);
        self.added += 1;
        Ok(())
    }

    /// Gives a device new keys.
    pub(super) fn renew(&mut self, device: &HolderId, keys: &HolderKeys) -> Result<(), Rejected> {
        if self.used.contains(&keys.id()) {
            return Err(Rejected::HolderRepeated);
        }
        let holder = self.current.get_mut(device).ok_or(Rejected::NoSuchHolder)?;

        holder.keys = keys.clone();
        self.used.insert(keys.id());
        Ok(())
    }

    /// A holder and all those under him, oldest first.
    pub(super) fn branch(&self, root: &HolderId) -> Vec<HolderId> {
        let mut by_age: Vec<(&HolderId, &Holder)> = self.current.iter().collect();
        by_age.sort_unstable_by_key(|(_, holder)| holder.order);
        let mut branch = Vec::new();
        for (id, holder) in by_age {
            // Whom somebody is under is older than he.
            if id == root || holder.under.is_some_and(|above| branch.contains(&above)) {
                branch.push(*id);
            }
        }
        branch
    }

    /// Takes a holder away. Those under him are under whom he was under: who took him may take them too.
    pub(super) fn remove(&mut self, id: &HolderId) {
        let Some(gone) = self.current.remove(id) else { return };
        for holder in self.current.values_mut().filter(|holder| holder.under == Some(*id)) {
            holder.under = gone.under;
        }
    }
}
