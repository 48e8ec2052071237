//! `Rotate`: the next key. Its recipients are fixed by the state, so making one grants no power over who reads.

use super::{
    super::{
        op::{Algorithm, KeyEntry, Op, Rotate},
        reach::group_at,
        state::State,
    },
    Actor, Context,
};
use crate::{Permissions, Rejected, limits};

pub(super) fn rotate(state: &mut State, op: &Rotate, context: &Context<'_>) -> Result<(), Rejected> {
    let Actor { through, permissions, follows, .. } = context.actor;
    let own = state.members.get(&through).ok_or(Rejected::NotAMember)?;
    let needed = state.needs_rotation || context.observed.passes_exclusion;
    let may_repair = needed && follows;
    // A ban implies its rotation. One that was not allowed has stopped the batch, or will.
    let bans = context.entry.ops.iter().any(|op| matches!(op, Op::Ban(_)));
    if !permissions.contains(Permissions::ROTATION) && !bans && !may_repair {
        return Err(Rejected::RotationNotAllowed);
    }
    // Wraps stand for the newest key only: of two, one would reach nobody.
    if context.entry.ops.iter().filter(|op| matches!(op, Op::Rotate(_))).count() > 1 {
        return Err(Rejected::RotatedTwice);
    }
    check_way(state, context)?;
    let number = op.key.number;
    if number != state.current_key() + 1 {
        return Err(Rejected::WrongKeyNumber);
    }
    check_key_kind(state.algorithm, &op.key)?;
    if op.key.history_link.is_some() != own.history.is_some() {
        return Err(Rejected::WrongHistoryLink);
    }
    if state.numbers.contains_key(&op.key.fingerprint) {
        return Err(Rejected::KeyRepeated);
    }
    if number > limits::SCOPE_KEYS {
        return Err(Rejected::TooManyKeys);
    }

    state.needs_rotation = false;
    state.rotated_at = context.entry.seq;
    state.keys.push(op.key.clone());
    state.numbers.insert(op.key.fingerprint, number);
    for member in state.members.values_mut().filter(|m| m.follows) {
        member.keys.push(number);
    }
    for share in state.pending.values_mut().filter(|s| s.terms.follows) {
        share.terms.keys.push(number);
    }
    if let Some(own) = state.members.get_mut(&through) {
        own.follows = true;
        own.keys.push(number);
        // Without history of its own it starts a segment, and is entitled from there.
        own.history.get_or_insert(number);
    }
    Ok(())
}

/// Whoever rotates through groups gets the new key through them: each must be one to which is wrapped. Judged here, for a
/// ban of the same entry may have changed it.
fn check_way(state: &State, context: &Context<'_>) -> Result<(), Rejected> {
    let mut here = state;
    for step in &context.entry.via {
        if !here.judge(step, context.ledgers)?.clean {
            return Err(Rejected::GroupUnclean);
        }
        let cite = context.entry.cites.iter().find(|cite| cite.principal == *step).ok_or(Rejected::CitationMissing)?;
        here = group_at(cite, context.ledgers)?;
    }
    Ok(())
}

/// A public key stands in an entry exactly when the scope's keys are pairs.
pub(super) fn check_key_kind(algorithm: Algorithm, key: &KeyEntry) -> Result<(), Rejected> {
    if key.public.is_some() == algorithm.is_key_pair() { Ok(()) } else { Err(Rejected::WrongKeyKind) }
}
