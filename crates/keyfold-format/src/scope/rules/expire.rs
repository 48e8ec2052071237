//! `Expire`: a share that has an end is ended in the ledger, pending or taken. Replay reads no clock: that the time has
//! come is the word of the entry's author, and that he does not run ahead is seen to by the server. Whoever wants to end
//! it before needs what a ban or a cancellation needs.

use super::{
    super::{
        op::{Expire, Op},
        state::State,
    },
    Context,
};
use crate::{Permissions, Rejected};

pub(super) fn expire(state: &mut State, op: &Expire, context: &Context<'_>) -> Result<(), Rejected> {
    let (author, principal) = (context.entry.author, op.principal);
    let pending = state.pending.get(&principal).filter(|share| share.entry == op.share);
    let member = state.members.get(&principal).filter(|member| member.since == op.share);
    let terms = pending.map(|share| &share.terms).or(member).ok_or(Rejected::NoSuchShare)?;
    let end = terms.expires_at.ok_or(Rejected::ShareWithoutEnd)?;
    if principal == author {
        return Err(Rejected::ExpireOfOneself);
    }
    let may = context.actor.permissions;
    let ends = may.contains(Permissions::DELETION) || may.contains(Permissions::MANAGEMENT);
    if terms.shared_by != Some(author) && !ends {
        return Err(Rejected::ExpireNotAllowed);
    }
    if context.entry.time < end {
        return Err(Rejected::ExpireTooEarly);
    }
    // A key that was made before would be his too.
    let earlier = context.entry.ops.iter().take_while(|other| !matches!(other, Op::Expire(other) if other == op));
    if earlier.into_iter().any(|op| matches!(op, Op::Rotate(_))) {
        return Err(Rejected::ExpireAfterRotation);
    }

    if pending.is_some() {
        state.pending.remove(&principal);
    } else {
        state.exclude(&principal);
        // He holds the current key.
        state.needs_rotation = true;
    }
    Ok(())
}
