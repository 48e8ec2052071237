//! `Propose` and `Approve`: what only owners decide, and only more than half of all of them.
//!
//! Joining costs as much as leaving, or friends could be voted in; and nobody counts when it is about himself, so of two
//! owners neither can expel the other.

use super::{
    super::{
        op::Decision,
        state::{Proposal, State},
    },
    Context,
};
use crate::{Permissions, Rejected, limits};

/// Puts a decision to the owners; its author is for it.
pub(super) fn propose(state: &mut State, decision: Decision, context: &Context<'_>) -> Result<(), Rejected> {
    let author = context.entry.author;
    check(state, decision, context)?;
    if state.proposals.iter().any(|proposal| proposal.decision == decision) {
        return Err(Rejected::AlreadyProposed);
    }
    let own = state.proposals.iter().filter(|proposal| proposal.approvals.first() == Some(&author)).count();
    if own >= limits::OWNER_PROPOSALS {
        return Err(Rejected::TooManyProposals);
    }
    state.proposals.push(Proposal { decision, approvals: alloc::vec![author] });
    decide(state, decision);
    Ok(())
}

/// A further owner is for it.
pub(super) fn approve(state: &mut State, decision: Decision, context: &Context<'_>) -> Result<(), Rejected> {
    let author = context.entry.author;
    check(state, decision, context)?;
    let proposal = state.proposals.iter_mut().find(|proposal| proposal.decision == decision);
    let proposal = proposal.ok_or(Rejected::NoSuchProposal)?;
    if proposal.approvals.contains(&author) {
        return Err(Rejected::AlreadyApproved);
    }
    proposal.approvals.push(author);
    decide(state, decision);
    Ok(())
}

/// Who may say so, and whether it makes sense.
fn check(state: &State, decision: Decision, context: &Context<'_>) -> Result<(), Rejected> {
    let author = context.entry.author;
    // Owners act as themselves.
    if !state.owners.contains(&author) || context.actor.through != author {
        return Err(Rejected::NotAnOwner);
    }
    match decision {
        Decision::AddOwner(account) => {
            let member = state.members.get(&account).ok_or(Rejected::NoSuchMember)?;
            if state.groups.contains_key(&account) {
                return Err(Rejected::OwnerIsGroup);
            }
            if state.owners.contains(&account) {
                return Err(Rejected::AlreadyOwner);
            }
            // Owners may rotate and ban.
            if member.follows { Ok(()) } else { Err(Rejected::RightsWithoutFollowing) }
        }
        Decision::RemoveOwner(account) if account == author => Err(Rejected::RemovalOfOneself),
        Decision::RemoveOwner(account) if !state.owners.contains(&account) => Err(Rejected::NoSuchOwner),
        Decision::Successor(scope) if scope == state.id => Err(Rejected::SuccessorOfItself),
        Decision::RemoveOwner(_) | Decision::Successor(_) => Ok(()),
    }
}

/// Does what enough owners are for.
fn decide(state: &mut State, decision: Decision) {
    let quorum = state.quorum();
    let place = state.proposals.iter().position(|proposal| proposal.decision == decision);
    let Some(place) = place.filter(|at| state.proposals.get(*at).is_some_and(|p| p.approvals.len() >= quorum)) else {
        return;
    };
    match decision {
        Decision::AddOwner(account) => {
            if let Some(member) = state.members.get_mut(&account) {
                member.read_only = false;
                member.expires_at = None;
            }
            state.owners.insert(account);
            state.proposals.clear();
        }
        Decision::RemoveOwner(account) => {
            if let Some(member) = state.members.get_mut(&account) {
                member.permissions = Permissions::NONE;
            }
            state.owners.remove(&account);
            state.proposals.clear();
        }
        Decision::Successor(scope) => {
            state.successor = Some(scope);
            state.proposals.remove(place);
        }
    }
}
