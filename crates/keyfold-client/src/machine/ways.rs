//! How this account comes into a scope: as a member, or through groups that stand in it. Judged by the newest states
//! that are known, which are those that an entry would cite.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Acting through groups".

use super::{Belief, KnownScope};
use keyfold_format::{
    Permissions, ScopeId, limits,
    scope::{KeySet, Ledgers, Member, State},
    sorted::SortedMap,
};

/// The groups through which one comes, from the scope downwards; empty for a member.
pub(crate) type Way = Vec<ScopeId>;

/// How many ways are looked at. Somebody may be in many groups that stand in many others.
const WAYS: usize = 16;

/// What one may do who comes along a way: of each right what he has at every step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    pub(crate) permissions: Permissions,
    pub(crate) follows: bool,
    pub(crate) read_only: bool,
}

/// The rights of `who` along a way; `None` if it does not lead to him.
pub(crate) fn rights(scope: &State, who: &ScopeId, way: &[ScopeId], ledgers: &impl Ledgers) -> Option<Rights> {
    let mut rights = Rights { permissions: Permissions::ALL, follows: true, read_only: false };
    let mut here = scope;
    for (place, step) in way.iter().chain([who]).enumerate() {
        let member = here.members().get(step)?;
        rights.permissions = rights.permissions & here.permissions(step);
        rights.follows &= member.follows;
        rights.read_only |= member.read_only;
        if place < way.len() {
            here = ledgers.newest_group(step)?;
        }
    }
    Some(rights)
}

struct Walk<'a, L> {
    who: ScopeId,
    ledgers: &'a L,
    path: Way,
    /// Whether a group is known to lead to him, or not to.
    leads: SortedMap<ScopeId, bool>,
    found: Vec<Way>,
}

impl<L: Ledgers> Walk<'_, L> {
    fn walk(&mut self, here: &State) -> bool {
        // Who is banned does not come in by any way.
        if here.bans().contains(&self.who) {
            return false;
        }
        let mut leads = here.members().contains_key(&self.who);
        if leads {
            self.found.push(self.path.clone());
        }
        for id in here.groups().keys().filter(|_| self.path.len() < limits::GROUP_DEPTH).copied().collect::<Way>() {
            if self.found.len() >= WAYS || self.leads.get(&id) == Some(&false) {
                continue;
            }
            let Some(group) = self.ledgers.newest_group(&id) else { continue };
            self.path.push(id);
            let below = self.walk(group);
            self.path.pop();
            self.leads.insert(id, below);
            leads |= below;
        }
        leads
    }
}

/// The ways of `who` into a scope, as a member first.
pub(crate) fn ways(scope: &State, who: ScopeId, ledgers: &impl Ledgers) -> Vec<Way> {
    let mut walk = Walk { who, ledgers, path: Way::new(), leads: SortedMap::new(), found: Vec::new() };
    walk.walk(scope);
    walk.found
}

impl Belief {
    /// The ways of this account into a scope, as a member first.
    pub(crate) fn ways(&self, known: &KnownScope) -> Vec<Way> {
        self.enrolled.as_ref().map_or_else(Vec::new, |me| ways(known.ledger(), me.account, &self.ledgers()))
    }

    /// Whether this account is in: a member, by an answer that the server placed beyond what is known here, or through
    /// groups.
    pub(crate) fn is_in(&self, known: &KnownScope) -> bool {
        let is_member = self.enrolled.as_ref().is_some_and(|me| known.is_in(&me.account));
        is_member || (!known.ledger().groups().is_empty() && !self.ways(known).is_empty())
    }

    /// What this account has in a scope, by all its ways together; `None` if it is not in.
    pub(crate) fn terms(&self, known: &KnownScope) -> Option<Member> {
        let me = self.enrolled.as_ref()?.account;
        let ledger = known.ledger();
        let own = ledger.standing(&me).filter(|_| known.is_in(&me));
        let mut terms = own.map(|own| Member { permissions: ledger.permissions(&me), ..own.clone() });
        for way in self.ways(known) {
            let Some(group) = way.first().and_then(|first| ledger.members().get(first)) else { continue };
            let Some(rights) = rights(ledger, &me, &way, &self.ledgers()) else { continue };
            let Some(terms) = &mut terms else {
                terms = Some(Member {
                    permissions: rights.permissions,
                    follows: rights.follows,
                    read_only: rights.read_only,
                    ..group.clone()
                });
                continue;
            };
            let held: KeySet = terms.held_keys().iter().chain(group.held_keys().iter()).collect();
            terms.keys = terms.keys.iter().chain(group.keys.iter()).collect();
            terms.dropped = terms.keys.without(&held);
            terms.history = terms.history.into_iter().chain(group.history).min();
            terms.permissions = terms.permissions | rights.permissions;
            terms.follows |= rights.follows;
            terms.read_only &= rights.read_only;
            terms.expires_at = terms.expires_at.and_then(|end| group.expires_at.map(|other| end.max(other)));
        }
        terms
    }

    /// Whether a way is there on which a new key can be made: one follows at every step, and no step waits for a key.
    pub(crate) fn can_rotate(&self, known: &KnownScope) -> bool {
        let ledgers = self.ledgers();
        let waits = |group: &ScopeId| ledgers.newest_group(group).is_none_or(|group| group.needs_rotation());
        let follows = |way: &Way| {
            let me = self.enrolled.as_ref().map(|me| me.account);
            me.and_then(|me| rights(known.ledger(), &me, way, &ledgers)).is_some_and(|rights| rights.follows)
        };
        self.ways(known).iter().any(|way| follows(way) && !way.iter().any(waits))
    }

    /// The memberships by which this account gets keys of a scope: its own, and those of the groups that lead to it.
    pub(crate) fn holdings<'a>(&self, known: &'a KnownScope) -> Vec<(ScopeId, &'a Member)> {
        let Some(me) = self.enrolled.as_ref().map(|me| me.account) else { return Vec::new() };
        let members = known.ledger().members();
        let mut through: Vec<ScopeId> = self.ways(known).iter().map(|way| *way.first().unwrap_or(&me)).collect();
        through.dedup();
        through.into_iter().filter_map(|id| Some((id, members.get(&id)?))).collect()
    }
}
