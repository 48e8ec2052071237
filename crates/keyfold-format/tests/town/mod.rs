//! A town: people, groups that stand in each other, and keychains, with what everybody was handed.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::people::{Person, TIME, bytes_of, key_entry};
use keyfold_format::{
    EntryHash, Permissions, Rejected, ScopeId, account,
    entry::{Cite, SignedEntry},
    scope::{
        Algorithm, Entry, Genesis, KEYCHAIN_RANK, KeySet, Ledgers, Op, Past, Placed, Principal, Rotate, Share, State,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// One wrap that somebody could fetch: a key of a scope, sealed to a recipient's key of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrap {
    pub scope: ScopeId,
    pub key: u32,
    pub history: bool,
    pub recipient: ScopeId,
    pub number: u32,
}

/// Something that a person may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// A key of a scope by its number, or an account's by its generation.
    Key(ScopeId, u32),
    /// The history secret of a key.
    History(ScopeId, u32),
}

#[derive(Clone)]
pub struct Town {
    pub people: Vec<Person>,
    pub accounts: BTreeMap<ScopeId, account::Ledger>,
    pub scopes: BTreeMap<ScopeId, Past>,
    /// In the order in which they were founded.
    pub order: Vec<ScopeId>,
    pub names: BTreeMap<ScopeId, String>,
    pub wraps: BTreeSet<Wrap>,
    /// What people made themselves.
    pub made: BTreeSet<(ScopeId, Secret)>,
}

impl Ledgers for Town {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.accounts.get(id)
    }

    fn group(&self, id: &ScopeId, seq: u64) -> Option<&State> {
        self.scopes.get(id)?.at(seq)
    }

    fn newest_group(&self, id: &ScopeId) -> Option<&State> {
        self.scopes.get(id).map(|past| &**past.newest())
    }
}

impl Town {
    pub fn new(people: &[&'static str]) -> Self {
        let people: Vec<Person> = people.iter().map(|name| Person::new(name)).collect();
        Self {
            accounts: people.iter().map(|p| (p.id(), p.account.clone())).collect(),
            names: people.iter().map(|p| (p.id(), p.name.to_owned())).collect(),
            people,
            scopes: BTreeMap::new(),
            order: Vec::new(),
            wraps: BTreeSet::new(),
            made: BTreeSet::new(),
        }
    }

    /// Founds a group of this rank, or with [`KEYCHAIN_RANK`] a keychain.
    pub fn found(&mut self, name: &str, creator: usize, rank: u16) -> ScopeId {
        let entry = self.people[creator].sign(&self.genesis(name, creator, rank));
        let past = Past::genesis(entry, &*self).unwrap();
        let id = past.newest().id();
        self.scopes.insert(id, past);
        self.order.push(id);
        self.names.insert(id, name.to_owned());
        let creator = self.people[creator].id();
        self.made.extend([(creator, Secret::Key(id, 1)), (creator, Secret::History(id, 1))]);
        self.hand_out();
        id
    }

    pub fn genesis(&self, name: &str, creator: usize, rank: u16) -> Entry {
        let creator = &self.people[creator];
        let is_group = rank != KEYCHAIN_RANK;
        let algorithm = if is_group { Algorithm::Group } else { Algorithm::SecretBox };
        let mut entry = creator.keychain_genesis(algorithm);
        entry.group = is_group;
        let key = key_entry(1, algorithm, false);
        entry.ops = vec![Op::Genesis(Genesis { nonce: bytes_of(name), algorithm, rank, key })];
        entry
    }

    pub fn state(&self, scope: &ScopeId) -> &State {
        self.scopes[scope].newest()
    }

    pub fn is_group(&self, id: &ScopeId) -> bool {
        self.scopes.get(id).is_some_and(|past| past.newest().rank() != KEYCHAIN_RANK)
    }

    pub fn principal(&self, id: ScopeId) -> Principal {
        if self.is_group(&id) { Principal::Group(id) } else { Principal::Account(id) }
    }

    /// The newest head of a person or scope.
    pub fn cite(&self, id: &ScopeId) -> Cite {
        match self.accounts.get(id) {
            Some(account) => Cite { principal: *id, head: account.head(), exclusions: account.generation() },
            None => {
                let state = self.state(id);
                Cite { principal: *id, head: state.head(), exclusions: state.exclusions() }
            }
        }
    }

    /// The ways in which a person may act on a scope: as himself, and through groups.
    pub fn ways(&self, person: &ScopeId, scope: &ScopeId) -> Vec<Vec<ScopeId>> {
        let state = self.state(scope);
        let mut ways = Vec::new();
        if state.members().contains_key(person) {
            ways.push(vec![]);
        }
        for group in state.groups().keys() {
            ways.extend(self.ways(person, group).into_iter().map(|way| [vec![*group], way].concat()));
        }
        ways
    }

    /// What a person may do along a way, and whether he follows.
    pub fn rights(&self, person: &ScopeId, scope: &ScopeId, way: &[ScopeId]) -> (Permissions, bool) {
        let mut here = self.state(scope);
        let (mut permissions, mut follows) = (Permissions::ALL, true);
        for step in way.iter().chain([person]) {
            permissions = permissions & here.permissions(step);
            follows &= here.members()[step].follows;
            if self.scopes.contains_key(step) {
                here = self.state(step);
            }
        }
        (permissions, follows)
    }

    /// An entry of a person that cites everybody whom it concerns at the newest head.
    pub fn entry(&self, person: usize, scope: &ScopeId, way: &[ScopeId], ops: Vec<Op>) -> Entry {
        let (author, state) = (&self.people[person], self.state(scope));
        let mut concerned: BTreeSet<ScopeId> = way.iter().copied().chain([author.id()]).collect();
        for op in &ops {
            match op {
                Op::Share(share) => concerned.extend(share.principals.iter().map(|p| p.id())),
                Op::Observe(observe) => concerned.extend([observe.principal]),
                Op::Rotate(_) => {
                    concerned.extend(state.followers().map(|(id, _)| *id).filter(|id| !state.is_put_out_by(&ops, id)))
                }
                _ => {}
            }
        }
        Entry {
            group: self.is_group(scope),
            scope: Some(*scope),
            seq: state.head().seq + 1,
            prev: Some(state.head().hash),
            author: author.id(),
            via: way.to_vec(),
            cites: concerned.iter().map(|id| self.cite(id)).collect(),
            time: TIME,
            ops,
        }
    }

    /// The next key, as the way's first member may make it.
    pub fn next_key(&self, person: usize, scope: &ScopeId, way: &[ScopeId]) -> Op {
        let state = self.state(scope);
        let through = way.first().copied().unwrap_or(self.people[person].id());
        let link = state.members().get(&through).is_some_and(|member| member.history.is_some());
        Op::Rotate(Rotate { key: key_entry(state.current_key() + 1, state.algorithm(), link) })
    }

    pub fn share_of(&self, scope: &ScopeId, with: ScopeId, permissions: Permissions) -> Share {
        Share {
            principals: vec![self.principal(with)],
            keys: KeySet::one(self.state(scope).current_key()),
            permissions,
            follows: true,
            history: None,
            read_only: false,
            expires_at: None,
        }
    }

    /// An answer, or a leaving.
    pub fn placed(&self, person: usize, scope: &ScopeId, op: Op) -> Placed {
        let (who, state) = (&self.people[person], self.state(scope));
        let since = state.members().get(&who.id()).map(|member| member.since);
        let share = state.pending().get(&who.id()).map(|share| share.entry);
        let answers = if op == Op::Leave { since } else { share };
        Placed {
            group: self.is_group(scope),
            scope: *scope,
            answers: answers.unwrap_or(EntryHash::NONE),
            author: who.cite(),
            time: TIME,
            op,
        }
    }

    pub fn does(&mut self, person: usize, scope: &ScopeId, way: &[ScopeId], ops: Vec<Op>) -> Result<(), Rejected> {
        let entry = self.people[person].sign(&self.entry(person, scope, way, ops));
        self.append(scope, entry)
    }

    pub fn answers(&mut self, person: usize, scope: &ScopeId, op: Op) -> Result<(), Rejected> {
        let entry = self.people[person].sign_placed(&self.placed(person, scope, op));
        self.append(scope, entry)
    }

    /// Shares the current key, and has a person accept it.
    pub fn brings(&mut self, person: usize, scope: &ScopeId, with: ScopeId, permissions: Permissions) {
        let share = self.share_of(scope, with, permissions);
        self.does(person, scope, &[], vec![Op::Share(share)]).unwrap();
        if let Some(with) = self.people.iter().position(|p| p.id() == with) {
            self.answers(with, scope, Op::Accept).unwrap();
        }
    }

    /// Appends an entry, with what past states it asks for, and hands out what may be handed out then.
    pub fn append(&mut self, scope: &ScopeId, entry: SignedEntry) -> Result<(), Rejected> {
        let before = self.state(scope).current_key();
        loop {
            let mut past = self.scopes.remove(scope).unwrap();
            let result = past.append(entry.clone(), &*self);
            self.scopes.insert(*scope, past);
            match result {
                Err(Rejected::MissingState(id, seq)) if self.recall(&id, seq) => {}
                other => {
                    other?;
                    break;
                }
            }
        }
        let current = self.state(scope).current_key();
        if current > before {
            let parsed = keyfold_format::scope::ScopeEntry::decode(&entry.signed).unwrap();
            let secrets = [Secret::Key(*scope, current), Secret::History(*scope, current)];
            self.made.extend(secrets.map(|secret| (parsed.author(), secret)));
        }
        self.hand_out();
        Ok(())
    }

    pub fn recall(&mut self, id: &ScopeId, seq: u64) -> bool {
        loop {
            let Some(mut past) = self.scopes.remove(id) else { return false };
            let result = past.recall(seq, &*self);
            self.scopes.insert(*id, past);
            match result {
                Err(Rejected::MissingState(id, seq)) if self.recall(&id, seq) => {}
                other => return other.unwrap(),
            }
        }
    }

    /// Honest holders wrap every key to whoever is entitled to it and takes wraps.
    fn hand_out(&mut self) {
        for (scope, past) in &self.scopes {
            let state = past.newest();
            for (recipient, member) in state.members().iter().filter(|(id, _)| state.takes_wraps(id)) {
                for key in member.keys.iter() {
                    let history = member.history.is_some_and(|from| key >= from);
                    let number = state.wrap_number(recipient);
                    self.wraps.insert(Wrap { scope: *scope, key, history, recipient: *recipient, number });
                }
            }
        }
    }

    /// Everything that a person can open, by wraps and by links.
    pub fn knows(&self, person: &ScopeId) -> BTreeSet<Secret> {
        let mut known: BTreeSet<Secret> = self.made.iter().filter(|(who, _)| who == person).map(|(_, s)| *s).collect();
        known.extend((0..=self.accounts[person].generation()).map(|generation| Secret::Key(*person, generation)));
        loop {
            let before = known.len();
            for wrap in &self.wraps {
                if known.contains(&Secret::Key(wrap.recipient, wrap.number)) {
                    known.insert(Secret::Key(wrap.scope, wrap.key));
                    if wrap.history {
                        known.insert(Secret::History(wrap.scope, wrap.key));
                    }
                }
            }
            for secret in known.clone() {
                let Secret::History(scope, key) = secret else { continue };
                if key > 1 && self.state(&scope).key(key).unwrap().history_link.is_some() {
                    known.extend([Secret::Key(scope, key - 1), Secret::History(scope, key - 1)]);
                }
            }
            if known.len() == before {
                return known;
            }
        }
    }

    /// Whom a scope has now: its members, and theirs.
    pub fn everybody_in(&self, scope: &ScopeId) -> BTreeSet<ScopeId> {
        let state = self.state(scope);
        let mut all: BTreeSet<ScopeId> = state.members().keys().copied().collect();
        for group in state.groups().keys() {
            all.extend(self.everybody_in(group));
        }
        all
    }

    /// Whether somebody may encrypt to it, knowing all newest heads.
    pub fn is_open(&self, scope: &ScopeId) -> bool {
        let state = self.state(scope);
        !state.needs_rotation() && state.unseen(self).is_none()
    }
}
