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
    /// For an account, its generation as the scope has it cited.
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
    /// whom a later op of the same entry has put out again.
    pub fn wraps_needed(&self, ops: &[Op]) -> Vec<WrapFor> {
        let mut needed = Vec::new();
        for op in ops {
            match op {
                Op::Genesis(_) | Op::Rotate(_) => {
                    let key = self.current_key();
                    for (recipient, member) in self.followers() {
                        needed.push(self.wrap_for(*recipient, key, member.history.is_some_and(|from| key >= from)));
                    }
                }
                Op::Share(share) => {
                    let wraps = wraps_of_keys(self, &share.keys, share.history);
                    let present = share.principals.iter().map(|p| p.id()).filter(|id| self.standing(id).is_some());
                    for recipient in present {
                        needed.extend(wraps.iter().map(|(key, history)| self.wrap_for(recipient, *key, *history)));
                    }
                }
                Op::Accept | Op::Decline | Op::Leave | Op::DropKey(_) => {}
                Op::CancelShare(_) | Op::Expire(_) | Op::SetPermissions(_) | Op::Ban(_) => {}
                Op::Propose(_) | Op::Approve(_) => {}
            }
        }
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    fn wrap_for(&self, recipient: ScopeId, key: u32, history: bool) -> WrapFor {
        let recipient_number = self.cited.get(&recipient).map_or(0, |cite| cite.exclusions);
        WrapFor { key, recipient, recipient_number, history }
    }

    /// Whether the state entitles `recipient` to a wrap of this key, with or without its history secret, now.
    /// A pending share entitles to nothing until it is accepted.
    pub fn entitles(&self, recipient: &ScopeId, key: u32, history: bool) -> bool {
        self.members.get(recipient).is_some_and(|member| {
            member.keys.contains(key) && (!history || member.history.is_some_and(|from| key >= from))
        })
    }
}
