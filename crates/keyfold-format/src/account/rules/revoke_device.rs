//! `RevokeDevice`: a device holds the master key no more, nor does anybody whom it brought in, for whoever took it may
//! have added others. Recovery methods are spared, or a thief would begin with them; only an older one outranks them.

use super::{super::op::RevokeDevice, Context, State};
use crate::{Rejected, id::HolderId};

pub(super) fn revoke_device(state: &mut State, op: &RevokeDevice, context: &Context<'_>) -> Result<(), Rejected> {
    let (author, holders) = (context.entry.author, state.holders.current());
    if holders.get(&op.device).is_none_or(|device| device.is_recovery()) {
        return Err(Rejected::NoSuchHolder);
    }
    if op.device == author {
        return Err(Rejected::RevocationOfOneself);
    }
    if op.kept.iter().any(|kept| *kept == op.device || !holders.contains_key(kept)) {
        return Err(Rejected::NoSuchHolder);
    }
    context.check_rotates()?;

    let outranked = |id: &HolderId| {
        holders.get(id).is_some_and(|holder| !holder.is_recovery() || context.author.is_recovery_older_than(holder))
    };
    let mut gone = state.holders.branch(&op.device);
    gone.retain(|id| *id != author && !op.kept.contains(id) && outranked(id));
    gone.iter().for_each(|id| state.holders.remove(id));
    Ok(())
}
