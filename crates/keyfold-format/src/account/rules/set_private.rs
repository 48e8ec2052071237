//! `SetPrivate`: the private state is this object now, and no older one.

use super::{super::op::SetPrivate, State};
use crate::Rejected;

pub(super) fn set_private(state: &mut State, op: &SetPrivate) -> Result<(), Rejected> {
    let before = state.private.map_or(0, |private| private.version);
    if op.version != before + 1 {
        return Err(Rejected::WrongPrivateVersion);
    }

    state.private = Some(*op);
    Ok(())
}
