//! `Ban`: somebody is out, and the key that he holds is not the current one any more, in one entry.

use super::{
    super::{
        op::{Ban, Op},
        state::State,
    },
    Context,
};
use crate::{Permissions, Rejected};

pub(super) fn ban(state: &mut State, op: &Ban, context: &Context<'_>) -> Result<(), Rejected> {
    let (author, banned) = (context.entry.author, op.principal);
    let own = context.actor.permissions;
    if !own.contains(Permissions::DELETION) {
        return Err(Rejected::DeletionNotAllowed);
    }
    if banned == author {
        return Err(Rejected::BanOfOneself);
    }
    if banned == context.actor.through {
        return Err(Rejected::BanOfOwnGroup);
    }
    if state.owners.contains(&banned) {
        return Err(Rejected::OwnerProtected);
    }
    let manages = |of: Permissions| of.contains(Permissions::MANAGEMENT);
    if manages(state.permissions(&banned)) && !manages(own) {
        return Err(Rejected::ManagerProtected);
    }
    // After all bans, so that its recipients are those who are left; a second one is `RotatedTwice`.
    if !matches!(context.entry.ops.last(), Some(Op::Rotate(_))) {
        return Err(Rejected::BanWithoutRotation);
    }

    // Also if he has not answered: a server that is with him may have given him what waits for him.
    state.exclude(&banned);
    // Shares that wait for him, and those that he made.
    state.pending.retain(|recipient, share| *recipient != banned && share.author != banned && share.through != banned);
    state.bans.insert(banned);
    Ok(())
}
