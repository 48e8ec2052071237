//! The ledgers that a history brings along: those of accounts are replayed at once, those of groups as far and as often
//! as a state of them is asked for, because groups stand in each other, and each is needed as it was when it was cited.
//!
//! Spec: `docs/spec/audit.md`, "History".

use super::history::{Unproved, founded_by};
use crate::{
    Rejected, account,
    entry::SignedEntry,
    id::ScopeId,
    scope::{Kind, Ledgers, Past, State},
    sorted::SortedMap,
};
use alloc::{vec, vec::Vec};

/// States of groups that are kept from one entry to the next. One entry may ask for more.
const AT_HAND: usize = 64;

/// Verified accounts and groups.
pub(super) struct Cited<'a> {
    /// Ascending by id.
    accounts: Vec<account::Ledger>,
    groups: SortedMap<ScopeId, Group<'a>>,
    /// Of groups, right after the entry with this number.
    states: SortedMap<(ScopeId, u64), State>,
}

struct Group<'a> {
    entries: &'a [SignedEntry],
    /// As far as it was asked for.
    replayed: Option<Past>,
}

impl Ledgers for Cited<'_> {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        let at = self.accounts.binary_search_by_key(id, account::Ledger::id).ok()?;
        self.accounts.get(at)
    }

    fn group(&self, id: &ScopeId, seq: u64) -> Option<&State> {
        self.states.get(&(*id, seq))
    }
}

impl<'a> Cited<'a> {
    pub(super) fn new(accounts: &[Vec<SignedEntry>], groups: &'a [Vec<SignedEntry>]) -> Result<Self, Unproved> {
        let mut ledgers = Vec::with_capacity(accounts.len());
        for entries in accounts {
            let id = founded_by(entries).ok_or(Unproved::Empty)?;
            ledgers.push(account::Ledger::replay(entries).map_err(|rule| Unproved::Account(id, rule))?);
        }
        let group = |entries: &'a Vec<SignedEntry>| Some((founded_by(entries)?, Group { entries, replayed: None }));
        let groups = groups.iter().map(|entries| group(entries).ok_or(Unproved::Empty)).collect::<Result<_, _>>()?;
        Ok(Self { accounts: ledgers, groups, states: SortedMap::new() })
    }

    pub(super) fn has_group(&self, id: &ScopeId) -> bool {
        self.groups.contains_key(id)
    }

    /// Replays every group to its end, asked for or not.
    pub(super) fn replay_groups(&mut self) -> Result<(), Unproved> {
        let ends: Vec<_> = self.groups.iter().map(|(id, group)| (*id, group.entries.len() as u64 - 1)).collect();
        for (id, end) in ends {
            self.recall(id, end)?;
            self.let_go();
        }
        Ok(())
    }

    /// Makes a state of a group ready, after those that its own replay asks for. None of them can wait for one that
    /// waits for it: a group cites only lower ranks, so in a ledger that holds there are no circles.
    pub(super) fn recall(&mut self, id: ScopeId, seq: u64) -> Result<(), Unproved> {
        let mut waiting = vec![(id, seq)];
        while let Some((id, seq)) = waiting.last().copied() {
            match self.replay(id, seq) {
                Ok(()) => drop(waiting.pop()),
                Err(Rejected::MissingState(next, at))
                    if self.has_group(&next) && waiting.iter().all(|(waits, _)| *waits != next) =>
                {
                    waiting.push((next, at));
                }
                Err(rule) => return Err(Unproved::Group(id, rule)),
            }
        }
        Ok(())
    }

    /// Lets go of what one entry has asked for, once it is much.
    pub(super) fn let_go(&mut self) {
        if self.states.len() > AT_HAND {
            self.states.clear();
        }
    }

    /// Replays a group up to an entry and keeps the state after it, or says which state is needed first.
    fn replay(&mut self, id: ScopeId, seq: u64) -> Result<(), Rejected> {
        let missing = Rejected::MissingState(id, seq);
        // Out of the map while it is replayed, for it is replayed on the others.
        let Group { entries, mut replayed } = self.groups.remove(&id).ok_or(missing)?;
        let state = self.state(entries, &mut replayed, seq);
        self.groups.insert(id, Group { entries, replayed });
        self.states.insert((id, seq), state?.ok_or(missing)?);
        Ok(())
    }

    fn state(&self, entries: &[SignedEntry], replayed: &mut Option<Past>, seq: u64) -> Result<Option<State>, Rejected> {
        let mut next = replayed.as_ref().map_or(0, |past| past.entries().len());
        let Some(until) = usize::try_from(seq).ok().filter(|until| *until < entries.len()) else { return Ok(None) };
        while next <= until {
            let Some(entry) = entries.get(next).cloned() else { return Ok(None) };
            match replayed {
                Some(past) => past.append(entry, self)?,
                None => *replayed = Some(Past::genesis(entry, self)?),
            }
            next += 1;
        }
        let Some(past) = replayed else { return Ok(None) };
        past.recall(seq, self)?;
        Ok(past.at(seq).filter(|state| state.kind() == Kind::Group).cloned())
    }
}
