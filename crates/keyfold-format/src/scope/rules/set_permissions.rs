//! `SetPermissions`: what a member may do, granted within the author's own.

use super::{
    super::{op::SetPermissions, state::State},
    Context,
};
use crate::{Permissions, Rejected};

pub(super) fn set_permissions(state: &mut State, op: &SetPermissions, context: &Context<'_>) -> Result<(), Rejected> {
    let own = context.actor.permissions;
    if !own.contains(Permissions::MANAGEMENT) {
        return Err(Rejected::ManagementNotAllowed);
    }
    let owner = state.owners.contains(&op.principal);
    let member = state.members.get_mut(&op.principal).ok_or(Rejected::NoSuchMember)?;
    if owner {
        return Err(Rejected::OwnerProtected);
    }
    if !own.contains(op.granted) {
        return Err(Rejected::PermissionsNotHeld);
    }
    // As in a share: who makes keys, or makes others lose them, gets the ones that come.
    if !(op.granted & (Permissions::ROTATION | Permissions::DELETION)).is_empty() && !member.follows {
        return Err(Rejected::RightsWithoutFollowing);
    }

    member.permissions = (member.permissions | op.granted).without(op.withdrawn);
    Ok(())
}
