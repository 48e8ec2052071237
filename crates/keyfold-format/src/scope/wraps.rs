//! Which wraps a grant needs: the current key and the last key of each earlier segment carry their history secret,
//! and everything else of a segment follows from those. So a complete keychain costs the same for 1 and 1,000 keys.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Wraps that an entry needs".

use super::{key_set::KeySet, op::Op, state::State};
use crate::id::ScopeId;
use alloc::vec::Vec;

/// A wrap that is needed: of which key, with its history secret or without, to which number of the recipient's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WrapFor {
    /// Number of the key.
    pub key: u32,
    /// To whom.
    pub recipient: ScopeId,
    /// For an account its generation, for a group the number of its current key, as the scope has it cited.
    pub recipient_number: u32,
    /// Whether the history secret goes along.
    pub history: bool,
}

/// The wraps that give somebody `keys` and history from `history`: `(key number, with history secret)`, ascending.
pub fn wraps_of_keys(state: &State, keys: &KeySet, history: Option<u32>) -> Vec<(u32, bool)> {
    let mut needed = Vec::new();
    let mut number = keys.last();
    // Downwards: from the last key of a segment its history reaches all others of it.
    let mut covered_from = u32::MAX;
    let numbers: Vec<u32> = keys.iter().collect();
    let mut rest = numbers.as_slice();
    while let (Some(n), Some((_, before))) = (number, rest.split_last()) {
        rest = before;
        number = before.last().copied();
        if n >= covered_from {
            continue;
        }
        let with_history = history.is_some_and(|from| n >= from);
        if with_history {
            covered_from = state.segment_start(n);
        }
        needed.push((n, with_history));
    }
    needed.reverse();
    needed
}

impl State {
    /// The wraps that must come with an entry whose ops have just been applied to make this state: each share's
    /// principals get its keys, and on a rotation each follower gets the new one. Ascending. Nothing is wrapped to
    /// whom a later op of the same entry has put out again, nor to a group that is not clean.
    pub fn wraps_needed(&self, ops: &[Op]) -> Vec<WrapFor> {
        let mut needed = Vec::new();
        for op in ops {
            match op {
                Op::Genesis(_) | Op::Rotate(_) => {
                    let key = self.current_key();
                    for (recipient, member) in self.followers().filter(|(id, _)| self.takes_wraps(id)) {
                        needed.push(self.wrap_for(*recipient, key, member.history.is_some_and(|from| key >= from)));
                    }
                }
                Op::Share(share) => {
                    let wraps = wraps_of_keys(self, &share.keys, share.history);
                    let ids = share.principals.iter().map(|principal| principal.id());
                    let present = ids.filter(|id| self.standing(id).is_some() && self.takes_wraps(id));
                    for recipient in present {
                        needed.extend(wraps.iter().map(|(key, history)| self.wrap_for(recipient, *key, *history)));
                    }
                }
                Op::Accept | Op::Decline | Op::Leave | Op::DropKey(_) => {}
                Op::CancelShare(_) | Op::Expire(_) | Op::SetPermissions(_) | Op::Ban(_) => {}
                Op::Observe(_) | Op::Propose(_) | Op::Approve(_) | Op::Anchor(_) => {}
            }
        }
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    fn wrap_for(&self, recipient: ScopeId, key: u32, history: bool) -> WrapFor {
        WrapFor { key, recipient, recipient_number: self.wrap_number(&recipient), history }
    }

    /// The number of a recipient's key to which is wrapped: an account's generation, a group's current key, as cited.
    pub fn wrap_number(&self, recipient: &ScopeId) -> u32 {
        let generation = || self.cited.get(recipient).map_or(0, |cite| cite.exclusions);
        self.groups.get(recipient).map_or_else(generation, |group| group.key)
    }

    /// Whether keys may be wrapped to a recipient now: to a person always, to a group while it is clean.
    pub fn takes_wraps(&self, recipient: &ScopeId) -> bool {
        self.groups.get(recipient).is_none_or(|group| group.clean)
    }

    /// Whether the state entitles `recipient` to a wrap of this key, with or without its history secret, now.
    /// A pending share entitles to nothing until it is accepted.
    pub fn entitles(&self, recipient: &ScopeId, key: u32, history: bool) -> bool {
        self.members.get(recipient).is_some_and(|member| {
            member.keys.contains(key) && (!history || member.history.is_some_and(|from| key >= from))
        })
    }
}
