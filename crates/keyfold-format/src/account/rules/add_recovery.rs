//! `AddRecovery`: another way to come back. It is younger than those that are there, and they outrank it.

use super::{
    super::{holders::HolderKind, op::AddRecovery},
    Context, State,
};
use crate::Rejected;

pub(super) fn add_recovery(state: &mut State, op: &AddRecovery, context: &Context<'_>) -> Result<(), Rejected> {
    state.holders.add(HolderKind::Recovery(op.method), &op.keys, context.entry.author, context.entry.time)
}
