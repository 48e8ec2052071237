//! `Accept`, placed: the recipient takes a pending share and becomes a member on its terms.

use super::super::{entry::Placed, state::State};
use crate::Rejected;

/// Whether there is such a share, and it was made before.
pub(in super::super) fn check_pending(state: &State, placed: &Placed) -> Result<(), Rejected> {
    let share = state.pending.get(&placed.author.principal).filter(|share| share.entry == placed.answers);
    match share {
        None => Err(Rejected::NotPending),
        Some(share) if placed.time < share.terms.since_time => Err(Rejected::TimeGoesBack),
        Some(_) => Ok(()),
    }
}

/// What [`check_pending`] found becomes a membership.
pub(in super::super) fn accept(state: &mut State, placed: &Placed) {
    let id = placed.author.principal;
    if let Some(share) = state.pending.remove(&id) {
        state.members.insert(id, share.terms);
    }
}
