//! `DropKey`, placed: a member gives up his own copy of a key. Bookkeeping: neither membership nor following ends, what
//! his history reaches stays, and nobody can be made to forget.

use super::super::{entry::Placed, key_set::KeySet, op::DropKey, state::State};
use crate::Rejected;

/// Notes that the member that `check_membership` found has no copy any more.
pub(in super::super) fn drop_key(state: &mut State, op: &DropKey, placed: &Placed) -> Result<(), Rejected> {
    let member = state.members.get_mut(&placed.author.principal).ok_or(Rejected::NotAMember)?;
    if !member.keys.contains(op.key) || member.dropped.contains(op.key) {
        return Err(Rejected::KeyNotHeld);
    }
    member.dropped.extend(&KeySet::one(op.key));
    Ok(())
}
