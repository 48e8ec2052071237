//! `Leave`, placed: a member ends his own membership. He holds the current key, so another one is needed.

use super::super::{entry::Placed, state::State};
use crate::Rejected;

/// Whether the membership that it answers is the present one: a `Leave` of a former membership, sent again, ends no
/// later one.
pub(in super::super) fn check_membership(state: &State, placed: &Placed) -> Result<(), Rejected> {
    let member = state.members.get(&placed.author.principal).filter(|member| member.since == placed.answers);
    match member {
        None => Err(Rejected::NotAMember),
        Some(member) if placed.time < member.since_time => Err(Rejected::TimeGoesBack),
        Some(_) => Ok(()),
    }
}

/// Ends the membership that [`check_membership`] found, unless nobody would own the scope.
pub(in super::super) fn leave(state: &mut State, placed: &Placed) -> Result<(), Rejected> {
    let id = placed.author.principal;
    if state.owners.len() == 1 && state.owners.contains(&id) {
        return Err(Rejected::LastOwner);
    }

    state.exclude(&id);
    state.needs_rotation = true;
    Ok(())
}
