//! Citations: they never go back, concern somebody, and passing an exclusion asks for a rotation.

use super::super::{Accounts, entry::Entry, op::Op, state::State};
use crate::{Rejected, entry::Cite, id::ScopeId, sorted::SortedSet};
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

    /// Makes the citations part of the state. Every entry does, whatever its ops: every citation observes. One that
    /// rotates has answered what they bring.
    pub(in super::super) fn apply(self, state: &mut State, rotates: bool) {
        state.needs_rotation |= self.passes_exclusion && !rotates;
        for cite in self.cites {
            state.cited.insert(cite.principal, cite);
        }
    }
}

/// Checks all citations of an entry.
pub(in super::super) fn check(state: &State, entry: &Entry, accounts: &dyn Accounts) -> Result<Observed, Rejected> {
    let concerned = concerned(state, entry);
    let mut observed = Observed { cites: Vec::with_capacity(entry.cites.len()), passes_exclusion: false };
    for cite in &entry.cites {
        let follows = || concerned.receives(state, &cite.principal);
        if !concerned.principals.contains(&cite.principal) && !follows() {
            return Err(Rejected::CitationUnneeded);
        }
        observed.passes_exclusion |= check_cite(state, cite, accounts)?;
        observed.cites.push(*cite);
    }
    Ok(observed)
}

/// Checks the one citation of a placed entry.
pub(in super::super) fn check_one(state: &State, cite: &Cite, accounts: &dyn Accounts) -> Result<Observed, Rejected> {
    Ok(Observed { passes_exclusion: check_cite(state, cite, accounts)?, cites: alloc::vec![*cite] })
}

/// Whether a citation is in order; `true` if it moves the scope's view of its principal past an exclusion.
///
/// A newcomer's ledger may be compared later: his first citation grants nobody anything. Every further one needs it,
/// or a made-up exclusion would let a follower rotate, and a made-up head would silence its owner.
fn check_cite(state: &State, cite: &Cite, accounts: &dyn Accounts) -> Result<bool, Rejected> {
    let before = state.cited.get(&cite.principal);
    if let Some(before) = before {
        if cite.head.seq < before.head.seq || cite.exclusions < before.exclusions {
            return Err(Rejected::CitationGoesBack);
        }
        if cite.head.seq == before.head.seq && cite != before {
            return Err(Rejected::CitationFork);
        }
    }
    let missing = Rejected::MissingLedger(cite.principal);
    match accounts.account(&cite.principal) {
        None if before.is_none() => {}
        None => return Err(missing),
        Some(ledger) => {
            for cite in before.into_iter().chain([cite]) {
                if ledger.head().seq < cite.head.seq {
                    return Err(missing);
                }
                if ledger.generation_at(cite.head) != Some(cite.exclusions) {
                    return Err(Rejected::CitationUnknown);
                }
            }
        }
    }
    Ok(before.is_some_and(|before| cite.exclusions > before.exclusions))
}

/// Whom an entry concerns: its author, those shared with, and on a rotation its recipients.
struct Concerned<'a> {
    /// Ascending.
    principals: SortedSet<ScopeId>,
    rotates: bool,
    ops: &'a [Op],
}

impl Concerned<'_> {
    /// Whether a rotation of this entry gives somebody who was there before it the new key.
    fn receives(&self, state: &State, principal: &ScopeId) -> bool {
        let follows = || state.standing(principal).is_some_and(|member| member.follows);
        self.rotates && follows() && !state.is_put_out_by(self.ops, principal)
    }
}

fn concerned<'a>(state: &State, entry: &'a Entry) -> Concerned<'a> {
    let principals = SortedSet::from_iter([entry.author]);
    let mut concerned = Concerned { principals, rotates: false, ops: &entry.ops };
    for op in &entry.ops {
        match op {
            Op::Share(share) => share.principals.iter().for_each(|principal| {
                concerned.principals.insert(principal.id());
            }),
            Op::Rotate(_) => concerned.rotates = true,
            _ => {}
        }
    }
    debug_assert!(state.members.contains_key(&entry.author), "only members write");
    concerned
}
