//! `Observe`: an entry takes in what became of somebody whom the scope reaches, a member or a member of its groups.
//! What follows from the newer head, citing it has done.

use super::{
    super::{op::Observe, reach::each_group, state::State},
    Ledgers,
};
use crate::{Rejected, entry::Cite};
use alloc::vec;
use core::ops::ControlFlow;

/// Checked before what the entry cites is taken in: a group may not be entered any more after it.
pub(super) fn check(state: &State, op: &Observe, cites: &[Cite], ledgers: &dyn Ledgers) -> Result<(), Rejected> {
    if !cites.iter().any(|cite| cite.principal == op.principal) {
        return Err(Rejected::CitationMissing);
    }
    if state.members.contains_key(&op.principal) {
        return Ok(());
    }
    let mut look = |path: &[&State]| match path.last() {
        Some(group) if group.members.contains_key(&op.principal) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    match each_group(&mut vec![state], ledgers, &mut look)? {
        ControlFlow::Break(()) => Ok(()),
        ControlFlow::Continue(()) => Err(Rejected::ObserveUnreached),
    }
}
