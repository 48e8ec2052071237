//! Who is reached through groups, judged only from the heads that a scope cites: so everybody who replays it judges
//! alike, whatever newer ledgers he knows.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Groups".

use super::{
    ledger::Ledgers,
    state::{Kind, MemberGroup, State},
};
use crate::{Rejected, entry::Cite, id::ScopeId, limits};
use alloc::{vec, vec::Vec};
use core::ops::ControlFlow;

/// The state of a group as of a head that somebody cites.
pub(super) fn group_at<'a>(cite: &Cite, ledgers: &'a dyn Ledgers) -> Result<&'a State, Rejected> {
    let missing = Rejected::MissingState(cite.principal, cite.head.seq);
    let state = ledgers.group(&cite.principal, cite.head.seq).ok_or(missing)?;
    let fits = state.head == cite.head && state.exclusions == cite.exclusions && state.kind() == Kind::Group;
    if fits { Ok(state) } else { Err(Rejected::CitationUnknown) }
}

/// The newest citation of a principal along a path.
pub(super) fn newest<'a>(path: &[&'a State], principal: &ScopeId) -> Option<&'a Cite> {
    path.iter().filter_map(|state| state.cited.get(principal)).max_by_key(|cite| cite.head.seq)
}

/// Shows the path to every group that has our keys wrapped to it, at any depth, until it has seen enough.
pub(super) fn each_group<'a>(
    path: &mut Vec<&'a State>,
    ledgers: &'a dyn Ledgers,
    look: &mut dyn FnMut(&[&'a State]) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Rejected> {
    let Some(here) = path.last().copied() else { return Ok(ControlFlow::Continue(())) };
    for (id, _) in here.groups.iter().filter(|(_, group)| group.clean) {
        let cite = here.cited.get(id).ok_or(Rejected::CitationMissing)?;
        path.push(group_at(cite, ledgers)?);
        let seen = look(path).is_break() || each_group(path, ledgers, look)?.is_break();
        path.pop();
        if seen {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn unseen_below<'a>(path: &mut Vec<&'a State>, ledgers: &'a dyn Ledgers) -> Option<ScopeId> {
    let (top, here, through) = (path.first().copied()?, path.last().copied()?, path.get(1).map(|group| group.id));
    for id in here.members.keys() {
        let group = here.groups.get(id).map(|group| (group.clean, ledgers.newest_group(id)));
        let newest_exclusions = match group {
            Some((_, state)) => state.map(|state| state.exclusions),
            None => ledgers.account(id).map(crate::account::Ledger::generation),
        };
        // Only what the ledger says in which he stands. What those above cite of him may be older than the way to him:
        // then it asked for no rotation, and whoever was put out of there holds the key.
        let seen = here.cited.get(id).map_or(0, |cite| cite.exclusions);
        if let Some(newest) = newest_exclusions.filter(|newest| *newest > seen) {
            return Some(top.to_observe(id, newest, through, ledgers));
        }
        if top.bans.contains(id) && through.is_some() {
            return through;
        }
        if let Some((true, Some(inner))) = group {
            path.push(inner);
            let found = unseen_below(path, ledgers);
            path.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

impl State {
    /// Somebody whose newest known head an entry must observe before anything is encrypted here: who can open the
    /// current key through a ledger that has seen an exclusion which this one has not, or the group through which
    /// somebody is reached who is banned here.
    ///
    /// Where a group further down has taken somebody in and the group above it has not looked since, no entry here can
    /// change that. What is returned then is not reached, or is cited at its newest head already, and the scope waits
    /// for the followers of the group between.
    pub fn unseen(&self, ledgers: &dyn Ledgers) -> Option<ScopeId> {
        unseen_below(&mut vec![self], ledgers)
    }

    /// Whether the scope reaches a principal, as itself or through clean groups in their cited states.
    pub(super) fn reaches(&self, principal: &ScopeId, ledgers: &dyn Ledgers) -> Result<bool, Rejected> {
        if self.members.contains_key(principal) {
            return Ok(true);
        }
        let mut look = |path: &[&State]| match path.last() {
            Some(group) if group.members.contains_key(principal) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        Ok(each_group(&mut vec![self], ledgers, &mut look)?.is_break())
    }

    /// Whom to observe for news of a principal that was found through the member `through`: himself, if that brings
    /// the news, else first the group in whose newer state he was found.
    fn to_observe(&self, id: &ScopeId, newest: u32, through: Option<ScopeId>, ledgers: &dyn Ledgers) -> ScopeId {
        let is_news = self.cited.get(id).is_none_or(|cite| cite.exclusions < newest);
        if is_news && self.reaches(id, ledgers).unwrap_or(false) {
            return *id;
        }
        let is_behind = |group: &ScopeId| {
            let seen = self.cited.get(group).map(|cite| cite.head.seq);
            ledgers.newest_group(group).is_some_and(|state| Some(state.head.seq) > seen)
        };
        through.filter(is_behind).unwrap_or(*id)
    }

    /// Judges every member group anew. Returns whether one is not clean any more to which keys were wrapped: then those
    /// who hold them must not get what comes.
    pub(super) fn judge_groups(&mut self, ledgers: &dyn Ledgers) -> Result<bool, Rejected> {
        let mut fell = false;
        let ids: Vec<ScopeId> = self.groups.keys().copied().collect();
        for id in ids {
            let judged = self.judge(&id, ledgers)?;
            if let Some(group) = self.groups.get_mut(&id) {
                fell |= group.clean && !judged.clean;
                *group = judged;
            }
        }
        Ok(fell)
    }

    /// Judges a member group. It is not clean while it needs a rotation itself, while this scope has seen a newer
    /// exclusion below it than it has, while it reaches somebody who is banned here, and when groups stand too deep.
    pub(super) fn judge(&self, id: &ScopeId, ledgers: &dyn Ledgers) -> Result<MemberGroup, Rejected> {
        let group = group_at(self.cited.get(id).ok_or(Rejected::CitationMissing)?, ledgers)?;
        let depth = group.depth().saturating_add(1);
        let mut clean = !group.needs_rotation && usize::from(depth) <= limits::GROUP_DEPTH;
        let mut look = |path: &[&State]| {
            let Some(here) = path.last() else { return ControlFlow::Break(()) };
            let must_not = here.members.keys().any(|principal| {
                let seen_there = newest(path, principal).map_or(0, |cite| cite.exclusions);
                let seen_here = self.cited.get(principal).map_or(0, |cite| cite.exclusions);
                self.bans.contains(principal) || seen_here > seen_there
            });
            if must_not { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        clean = clean && look(&[group]).is_continue();
        clean = clean && each_group(&mut vec![group], ledgers, &mut look)?.is_continue();
        Ok(MemberGroup { key: group.current_key(), clean, depth })
    }
}
