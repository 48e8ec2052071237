//! `Accept`, placed: the recipient takes a pending share and becomes a member on its terms.

use super::super::{entry::Placed, state::State};
use crate::Rejected;

pub(in super::super) fn accept(state: &mut State, placed: &Placed) -> Result<(), Rejected> {
    let id = placed.author.principal;
    let share = state.pending.get(&id).filter(|share| share.entry == placed.answers).ok_or(Rejected::NotPending)?;
    if placed.time < share.terms.since_time {
        return Err(Rejected::TimeGoesBack);
    }
    if let Some(share) = state.pending.remove(&id) {
        state.members.insert(id, share.terms);
    }
    Ok(())
}
