//! `CancelShare`: a share that nobody has answered is withdrawn. One order for everybody decides the race.

use super::{
    super::{op::CancelShare, state::State},
    Context,
};
use crate::{Permissions, Rejected};

pub(super) fn cancel_share(state: &mut State, op: &CancelShare, context: &Context<'_>) -> Result<(), Rejected> {
    let author = context.entry.author;
    let share = state.pending.get(&op.principal).filter(|share| share.entry == op.share).ok_or(Rejected::NotPending)?;
    if share.author != author && !context.actor.permissions.contains(Permissions::MANAGEMENT) {
        return Err(Rejected::CancelNotAllowed);
    }
    state.pending.remove(&op.principal);
    Ok(())
}
