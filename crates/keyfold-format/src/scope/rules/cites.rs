//! Citations: they never go back, concern somebody, and passing an exclusion asks for a rotation.

use super::super::{Accounts, entry::Entry, op::Op, state::State};
use crate::{Rejected, entry::Cite, id::ScopeId};
use alloc::vec::Vec;

/// Citations that were checked against the state: what applying them means.
pub(in super::super) struct Observed {
    cites: Vec<Cite>,
    /// Whether one moves the scope's view past an exclusion.
    pub(in super::super) passes_exclusion: bool,
}

impl Observed {
    /// Whether a principal is cited here.
    pub(super) fn cites(&self, principal: &ScopeId) -> bool {
        self.cites.binary_search_by(|cite| cite.principal.cmp(principal)).is_ok()
    }

    /// Makes the citations part of the state. Every entry does, whatever its ops: every citation observes.
    pub(in super::super) fn apply(self, state: &mut State) {
        state.needs_rotation |= self.passes_exclusion;
        for cite in self.cites {
            state.cited.insert(cite.principal, cite);
        }
    }
}

/// Checks all citations of an entry.
pub(in super::super) fn check(state: &State, entry: &Entry, accounts: &impl Accounts) -> Result<Observed, Rejected> {
    let mut observed = Observed { cites: Vec::with_capacity(entry.cites.len()), passes_exclusion: false };
    for cite in &entry.cites {
        if !concerns(state, entry, &cite.principal) {
            return Err(Rejected::CitationUnneeded);
        }
        observed.passes_exclusion |= check_cite(state, cite, accounts)?;
        observed.cites.push(*cite);
    }
    Ok(observed)
}

/// Checks the one citation of a placed entry.
pub(in super::super) fn check_one(state: &State, cite: &Cite, accounts: &impl Accounts) -> Result<Observed, Rejected> {
    Ok(Observed { passes_exclusion: check_cite(state, cite, accounts)?, cites: alloc::vec![*cite] })
}

/// Whether a citation is in order; `true` if it moves the scope's view of its principal past an exclusion.
fn check_cite(state: &State, cite: &Cite, accounts: &impl Accounts) -> Result<bool, Rejected> {
    // A ledger that is not at hand yet, or not that far, is compared later: before anybody wraps to it.
    if let Some(ledger) = accounts.account(&cite.principal)
        && ledger.head().seq >= cite.head.seq
        && ledger.generation_at(cite.head) != Some(cite.exclusions)
    {
        return Err(Rejected::CitationUnknown);
    }
    let Some(before) = state.cited.get(&cite.principal) else { return Ok(false) };
    if cite.head.seq < before.head.seq || cite.exclusions < before.exclusions {
        return Err(Rejected::CitationGoesBack);
    }
    if cite.head.seq == before.head.seq && cite != before {
        return Err(Rejected::CitationFork);
    }
    Ok(cite.exclusions > before.exclusions)
}

/// The author, those shared with, and on a rotation its recipients.
fn concerns(state: &State, entry: &Entry, principal: &ScopeId) -> bool {
    *principal == entry.author
        || entry.ops.iter().any(|op| match op {
            Op::Share(share) => share.principals.iter().any(|p| p.id() == *principal),
            Op::Rotate(_) => state.standing(principal).is_some_and(|m| m.follows),
            _ => false,
        })
}
