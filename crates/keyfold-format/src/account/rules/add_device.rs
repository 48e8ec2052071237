//! `AddDevice`: another device holds the master key. A recovery method adds one too: that is how somebody comes back.

use super::{
    super::{holders::HolderKind, op::HolderKeys},
    Context, State,
};
use crate::Rejected;

pub(super) fn add_device(state: &mut State, keys: &HolderKeys, context: &Context<'_>) -> Result<(), Rejected> {
    state.holders.add(HolderKind::Device, keys, context.entry.author, context.entry.time)
}
