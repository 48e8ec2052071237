//! Citations: they never go back, concern somebody, and passing an exclusion asks for a rotation.

use super::{
    super::{
        entry::Entry,
        ledger::Ledgers,
        op::Op,
        reach::{each_group, group_at},
        state::State,
    },
    Actor, observe,
};
use crate::{Rejected, entry::Cite, id::ScopeId, sorted::SortedSet};
use alloc::{vec, vec::Vec};
use core::ops::ControlFlow;

/// Citations that were checked against the state: what applying them means.
pub(in super::super) struct Observed {
    cites: Vec<Cite>,
    /// Whether one moves the scope's view past an exclusion.
    pub(in super::super) passes_exclusion: bool,
}

impl Observed {
    /// The citation of a principal.
    pub(super) fn cite(&self, principal: &ScopeId) -> Option<&Cite> {
        self.cites.get(self.cites.binary_search_by(|cite| cite.principal.cmp(principal)).ok()?)
    }

    /// Makes the citations part of the state. Every entry does, whatever its ops: every citation observes.
    pub(in super::super) fn apply(&self, state: &mut State) {
        for cite in &self.cites {
            state.cited.insert(cite.principal, *cite);
        }
    }
}

/// Checks all citations of an entry.
pub(in super::super) fn check(
    state: &State,
    entry: &Entry,
    actor: &Actor,
    ledgers: &dyn Ledgers,
) -> Result<Observed, Rejected> {
    let concerned = concerned(state, entry, actor);
    let mut groups: SortedSet<ScopeId> = entry.via.iter().copied().collect();
    for op in &entry.ops {
        match op {
            Op::Share(share) => share.principals.iter().filter(|principal| principal.is_group()).for_each(|group| {
                groups.insert(group.id());
            }),
            Op::Observe(op) => observe::check(state, op, &entry.cites, ledgers)?,
            _ => {}
        }
    }
    for cite in &entry.cites {
        let id = &cite.principal;
        // No ledger rests on itself: as a member it would have the rank that it has.
        if *id == state.id {
            return Err(if groups.contains(id) { Rejected::RankTooHigh } else { Rejected::CitationUnneeded });
        }
        if !concerned.principals.contains(id) && !concerned.receives(state, id) {
            return Err(Rejected::CitationUnneeded);
        }
    }
    check_all(state, &entry.cites, groups, ledgers)
}

/// Checks the one citation of a placed entry.
pub(in super::super) fn check_one(state: &State, cite: &Cite, ledgers: &dyn Ledgers) -> Result<Observed, Rejected> {
    check_all(state, &[*cite], SortedSet::new(), ledgers)
}

/// Checks citations, `groups` being those of groups as far as the entry says so.
fn check_all(
    state: &State,
    cites: &[Cite],
    mut groups: SortedSet<ScopeId>,
    ledgers: &dyn Ledgers,
) -> Result<Observed, Rejected> {
    let mut passes_exclusion = false;
    // What the groups have seen counts too, where our key is wrapped to them. If a citation passes an exclusion that one
    // of them has not seen, it is not clean from here on, and that asks for a rotation.
    let mut inside = Ok(());
    let mut look = |path: &[&State]| {
        if let Some(group) = path.last() {
            for id in group.groups.keys() {
                groups.insert(*id);
            }
            inside = cites.iter().try_for_each(|cite| {
                group.cited.get(&cite.principal).map_or(Ok(()), |before| check_order(before, cite))
            });
        }
        if inside.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    if !state.groups.is_empty() {
        _ = each_group(&mut vec![state], ledgers, &mut look)?;
        inside?;
        for id in state.groups.keys() {
            groups.insert(*id);
        }
    }

    for cite in cites {
        let before = state.cited.get(&cite.principal);
        if let Some(before) = before {
            check_order(before, cite)?;
        }
        if groups.contains(&cite.principal) {
            let group = group_at(cite, ledgers)?;
            // Whoever comes through a group cites what it cites, or something newer.
            cites.iter().try_for_each(|other| {
                group.cited.get(&other.principal).map_or(Ok(()), |before| check_order(before, other))
            })?;
        } else {
            check_account(before, cite, ledgers)?;
        }
        passes_exclusion |= before.is_some_and(|before| cite.exclusions > before.exclusions);
    }
    Ok(Observed { cites: cites.to_vec(), passes_exclusion })
}

/// A citation is not older than another one of the same principal, and not beside it.
fn check_order(before: &Cite, cite: &Cite) -> Result<(), Rejected> {
    if cite.head.seq < before.head.seq || cite.exclusions < before.exclusions {
        return Err(Rejected::CitationGoesBack);
    }
    if cite.head.seq == before.head.seq && cite != before { Err(Rejected::CitationFork) } else { Ok(()) }
}

/// Whether an account's ledger has what is cited of it.
///
/// A newcomer's ledger may be compared later: his first citation grants nobody anything. Every further one needs it,
/// or a made-up exclusion would let a follower rotate, and a made-up head would silence its owner.
fn check_account(before: Option<&Cite>, cite: &Cite, ledgers: &dyn Ledgers) -> Result<(), Rejected> {
    let missing = Rejected::MissingLedger(cite.principal);
    let Some(ledger) = ledgers.account(&cite.principal) else {
        return if before.is_none() { Ok(()) } else { Err(missing) };
    };
    for cite in before.into_iter().chain([cite]) {
        if ledger.head().seq < cite.head.seq {
            return Err(missing);
        }
        if ledger.generation_at(cite.head) != Some(cite.exclusions) {
            return Err(Rejected::CitationUnknown);
        }
    }
    Ok(())
}

/// Whom an entry concerns: its author and the groups through which he acts, those shared with or observed, and on a
/// rotation its recipients.
struct Concerned<'a> {
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

fn concerned<'a>(state: &State, entry: &'a Entry, actor: &Actor) -> Concerned<'a> {
    let principals = SortedSet::from_iter(entry.via.iter().copied().chain([entry.author]));
    let mut concerned = Concerned { principals, rotates: false, ops: &entry.ops };
    for op in &entry.ops {
        match op {
            Op::Share(share) => share.principals.iter().for_each(|principal| {
                concerned.principals.insert(principal.id());
            }),
            Op::Observe(observe) => {
                concerned.principals.insert(observe.principal);
            }
            Op::Rotate(_) => concerned.rotates = true,
            _ => {}
        }
    }
    debug_assert!(state.members.contains_key(&actor.through), "only members write");
    concerned
}
