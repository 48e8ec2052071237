//! `RemoveRecovery`: a way to come back is closed, by itself or by an older one. No device may: a thief has one.

use super::{Context, State};
use crate::{Rejected, id::HolderId};

pub(super) fn remove_recovery(state: &mut State, recovery: &HolderId, context: &Context<'_>) -> Result<(), Rejected> {
    let holder = state.holders.current().get(recovery).filter(|holder| holder.is_recovery());
    let holder = holder.ok_or(Rejected::NoSuchHolder)?;
    if *recovery != context.entry.author && !context.author.is_recovery_older_than(holder) {
        return Err(Rejected::RecoveryProtected);
    }
    context.check_rotates()?;

    state.holders.remove(recovery);
    Ok(())
}
