//! `Observe`: an entry takes in what became of somebody whom the scope reaches, a member or a member of its groups.
//! What follows from the newer head, citing it has done.

use super::{
    super::{op::Observe, state::State},
    Ledgers,
};
use crate::{Rejected, entry::Cite};

/// Checked before what the entry cites is taken in: a group may not be entered any more after it.
pub(super) fn check(state: &State, op: &Observe, cites: &[Cite], ledgers: &dyn Ledgers) -> Result<(), Rejected> {
    if !cites.iter().any(|cite| cite.principal == op.principal) {
        return Err(Rejected::CitationMissing);
    }
    if state.reaches(&op.principal, ledgers)? { Ok(()) } else { Err(Rejected::ObserveUnreached) }
}
