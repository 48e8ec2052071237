//! `RotateDevice`: a device has new keys. Only its own: whoever could renew another's would be that other one.

use super::{super::op::HolderKeys, Context, State};
use crate::Rejected;

pub(super) fn rotate_device(state: &mut State, keys: &HolderKeys, context: &Context<'_>) -> Result<(), Rejected> {
    if context.author.is_recovery() {
        return Err(Rejected::NotADevice);
    }
    state.holders.renew(&context.entry.author, keys)
}
