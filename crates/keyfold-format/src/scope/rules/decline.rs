//! `Decline`, placed: the recipient refuses a pending share. Its wrap was never handed out, so no key is in doubt.

use super::super::{entry::Placed, state::State};

/// What `check_pending` found is no more.
pub(in super::super) fn decline(state: &mut State, placed: &Placed) {
    state.pending.remove(&placed.author.principal);
}
