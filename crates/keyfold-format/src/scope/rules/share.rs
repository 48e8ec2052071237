//! `Share`: keys and rights go to others, each within the sharer's own.

use super::{
    super::{
        key_set::KeySet,
        op::{Principal, Share},
        reach::group_at,
        state::{Member, MemberGroup, PendingShare, State},
        wraps::wraps_of_keys,
    },
    Actor, Context,
};
use crate::{Permissions, Rejected, limits};

pub(super) fn share(state: &mut State, op: &Share, context: &Context<'_>) -> Result<(), Rejected> {
    check_grant(state, op, &context.actor)?;
    for principal in &op.principals {
        check_principal(state, op, principal, context)?;
    }
    let new = op.principals.iter().filter(|p| !state.members.contains_key(&p.id())).count();
    if state.members.len() + state.pending.len() + new > limits::SCOPE_MEMBERS {
        return Err(Rejected::TooManyMembers);
    }
    let wraps = wraps_of_keys(state, &op.keys, op.history).len();
    if wraps.saturating_mul(op.principals.len()) > limits::ENTRY_WRAPS {
        return Err(Rejected::TooManyWraps);
    }
    for principal in &op.principals {
        grant(state, op, principal, context);
    }
    Ok(())
}

/// What is granted stays within what the author holds.
fn check_grant(state: &State, op: &Share, actor: &Actor) -> Result<(), Rejected> {
    let own = state.members.get(&actor.through).ok_or(Rejected::NotAMember)?;
    let permissions = actor.permissions;
    let current = state.current_key();
    if !permissions.contains(Permissions::SHARING) {
        return Err(Rejected::SharingNotAllowed);
    }
    if op.principals.is_empty() || op.keys.is_empty() {
        return Err(Rejected::ShareOfNothing);
    }
    if !own.held_keys().contains_all(&op.keys) {
        return Err(Rejected::KeyNotHeld);
    }
    if op.follows && !actor.follows {
        return Err(Rejected::FollowingNotHeld);
    }
    if op.follows && !op.keys.contains(current) {
        return Err(Rejected::FollowingWithoutCurrentKey);
    }
    // Each later key reaches back to all before it: whoever has history must be entitled to every key on the way.
    if op.history.is_some() && !op.follows {
        return Err(Rejected::HistoryWithoutFollowing);
    }
    if let Some(from) = op.history {
        let held = own.history.is_some_and(|own| own <= from);
        // A history secret opens its segment down to the start, so a grant from the middle would say less than it gives.
        let starts = state.key(from).is_some_and(|key| key.history_link.is_none());
        let whole = starts && op.keys.contains_range(from, current);
        if !held || !whole {
            return Err(Rejected::HistoryNotHeld);
        }
    }
    if !permissions.contains(op.permissions) {
        return Err(Rejected::PermissionsNotHeld);
    }
    if !op.permissions.is_empty() && !permissions.contains(Permissions::MANAGEMENT) {
        return Err(Rejected::ManagementNotAllowed);
    }
    if !(op.permissions & (Permissions::ROTATION | Permissions::DELETION)).is_empty() && !op.follows {
        return Err(Rejected::RightsWithoutFollowing);
    }
    if actor.read_only && !op.read_only {
        return Err(Rejected::ReadOnlyNotKept);
    }
    Ok(())
}

/// Whether this principal can be shared with in this way.
fn check_principal(state: &State, op: &Share, principal: &Principal, context: &Context<'_>) -> Result<(), Rejected> {
    let id = &principal.id();
    let cite = context.observed.cite(id).ok_or(Rejected::CitationMissing)?;
    if let Principal::Group(_) = principal
        && group_at(cite, context.ledgers)?.rank >= state.rank
    {
        return Err(Rejected::RankTooHigh);
    }
    if state.bans.contains(id) && !context.actor.permissions.contains(Permissions::MANAGEMENT) {
        return Err(Rejected::PrincipalBanned);
    }
    if state.pending.contains_key(id) {
        return Err(Rejected::AlreadyPending);
    }
    let plain = op.permissions.is_empty() && !op.read_only && op.expires_at.is_none();
    // A read-only sharer cannot but say so; to a member that changes nothing.
    let forced = context.actor.read_only && op.permissions.is_empty() && op.expires_at.is_none();
    if state.members.contains_key(id) && !plain && !forced {
        return Err(Rejected::MemberTerms);
    }
    Ok(())
}

/// To a member at once, and only keys, following and history; to a group at once too, for nobody answers for it; to
/// anybody else a share that waits for an answer.
fn grant(state: &mut State, op: &Share, principal: &Principal, context: &Context<'_>) {
    let id = principal.id();
    state.bans.remove(&id);
    if let Some(member) = state.members.get_mut(&id) {
        member.keys.extend(&op.keys);
        member.dropped = member.dropped.without(&op.keys);
        member.follows |= op.follows;
        member.history = match (member.history, op.history) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        return;
    }
    let terms = Member {
        permissions: op.permissions,
        read_only: op.read_only,
        keys: op.keys.clone(),
        dropped: KeySet::default(),
        follows: op.follows,
        history: op.history,
        since: context.hash,
        since_time: context.entry.time,
        shared_by: Some(context.entry.author),
        expires_at: op.expires_at,
    };
    if let Principal::Group(_) = principal {
        state.members.insert(id, terms);
        // What its ledger says is read once the whole entry is applied.
        state.groups.insert(id, MemberGroup { key: 0, clean: false, depth: 0 });
        return;
    }
    let (author, through) = (context.entry.author, context.actor.through);
    state.pending.insert(id, PendingShare { entry: context.hash, terms, author, through });
}
