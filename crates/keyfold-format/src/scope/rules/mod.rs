//! The rules, one file per op: first every condition, then the effect. Nothing is changed before all is checked.

mod accept;
mod actor;
mod anchor;
mod ban;
mod cancel_share;
mod cites;
mod decline;
mod drop_key;
mod expire;
mod genesis;
mod leave;
mod observe;
mod owners;
mod rotate;
mod set_permissions;
mod share;

use super::{
    entry::{Entry, Placed},
    ledger::Ledgers,
    op::Op,
    state::State,
};
use crate::{Rejected, id::EntryHash};

pub(super) use accept::check_pending;
pub(super) use actor::{Actor, resolve as resolve_actor};
pub(super) use cites::{Observed, check as check_cites, check_one as check_cite};
pub(super) use genesis::{check_genesis_frame, genesis};
pub(super) use leave::check_membership;

/// What the rules of an op are told besides the state.
pub(super) struct Context<'a> {
    /// The entry, whose author acts as a member and has signed.
    pub(super) entry: &'a Entry,
    /// What he may do, as the ops before this one left it.
    pub(super) actor: Actor,
    /// Its hash.
    pub(super) hash: EntryHash,
    /// What its citations bring.
    pub(super) observed: &'a Observed,
    /// The verified ledgers that it cites.
    pub(super) ledgers: &'a dyn Ledgers,
}

/// Applies a placed op that was found to answer something.
pub(super) fn apply_placed(state: &mut State, placed: &Placed) -> Result<(), Rejected> {
    match placed.op {
        Op::Leave => leave::leave(state, placed),
        Op::DropKey(op) => drop_key::drop_key(state, &op, placed),
        Op::Decline => {
            decline::decline(state, placed);
            Ok(())
        }
        _ => {
            accept::accept(state, placed);
            Ok(())
        }
    }
}

/// Checks an ordinary op and applies it.
pub(super) fn apply(state: &mut State, op: &Op, context: &Context<'_>) -> Result<(), Rejected> {
    match op {
        Op::Genesis(_) => Err(Rejected::GenesisMisplaced),
        Op::Accept | Op::Decline | Op::Leave | Op::DropKey(_) => Err(Rejected::PlacedMisplaced),
        Op::Share(op) => share::share(state, op, context),
        Op::CancelShare(op) => cancel_share::cancel_share(state, op, context),
        Op::Expire(op) => expire::expire(state, op, context),
        Op::SetPermissions(op) => set_permissions::set_permissions(state, op, context),
        Op::Rotate(op) => rotate::rotate(state, op, context),
        Op::Ban(op) => ban::ban(state, op, context),
        // Citing has done it.
        Op::Observe(_) => Ok(()),
        Op::Propose(decision) => owners::propose(state, *decision, context),
        Op::Approve(decision) => owners::approve(state, *decision, context),
        Op::Anchor(op) => anchor::anchor(state, op, context),
    }
}
