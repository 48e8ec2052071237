//! Groups that stand in each other and in keychains, replayed beside the server from the entries that it took.

use super::{
    Person, World, error, now_ms,
    person::{key_entry_of, sign_entry, wraps_for},
};
use keyfold_format::{
    EntryHash, Permissions, Rejected, ScopeId, account,
    entry::{Cite, SignedEntry},
    label::SignatureLabel,
    scope::{
        self, Algorithm, Ban, Genesis, KEYCHAIN_RANK, KeySet, Ledger, Ledgers, Op, Past, Principal, Rotate, ScopeEntry,
        Share, State,
    },
};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{
        AddWraps, AddedWraps, After, Append, CreateScope, LedgerPage, LedgerPages, OwnWraps, Place, Placed,
        ScopeSummary, Scopes,
    },
};
use std::collections::{BTreeMap, BTreeSet};

pub const TEAM: u16 = 100;
pub const DEPARTMENT: u16 = 150;

pub struct Town {
    pub world: World,
    accounts: BTreeMap<ScopeId, account::Ledger>,
    scopes: BTreeMap<ScopeId, Past>,
}

impl Ledgers for Town {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.accounts.get(id)
    }

    fn group(&self, id: &ScopeId, seq: u64) -> Option<&State> {
        self.scopes.get(id)?.at(seq)
    }
}

impl Town {
    pub async fn start() -> Self {
        Self { world: World::start().await, accounts: BTreeMap::new(), scopes: BTreeMap::new() }
    }

    pub async fn restart(self) -> Self {
        Self { world: self.world.restart().await, ..self }
    }

    pub async fn person(&mut self, user: &str) -> Person {
        let person = Person::sign_up(&self.world, user).await;
        self.accounts.insert(person.id(), person.account.clone());
        person
    }

    /// Founds a group of this rank, or with [`KEYCHAIN_RANK`] a keychain.
    pub async fn found(&mut self, who: &Person, rank: u16) -> ScopeId {
        let algorithm = if rank == KEYCHAIN_RANK { Algorithm::SecretBox } else { Algorithm::Group };
        let key = key_entry_of(1, algorithm, false);
        let genesis = Op::Genesis(Genesis { nonce: super::random(), algorithm, rank, key });
        let entry = scope::Entry {
            group: rank != KEYCHAIN_RANK,
            scope: None,
            seq: 0,
            prev: None,
            author: who.id(),
            via: Vec::new(),
            cites: vec![who.cite()],
            time: now_ms(),
            ops: vec![genesis.clone()],
        };
        let genesis_entry = sign_entry(who, &ScopeEntry::Ordinary(entry), SignatureLabel::Entry);
        let past = Past::genesis(genesis_entry.clone(), self).unwrap();
        let wraps = wraps_for(past.newest(), &[genesis]);
        let body = CreateScope { genesis: genesis_entry, wraps }.encode();
        let answer = who.ask(&self.world, Method::Post, route::SCOPES, body).await;
        assert_eq!(answer.status, 200, "{:?}", error(&answer));
        let id = past.newest().id();
        self.scopes.insert(id, past);
        id
    }

    pub fn ledger(&self, scope: ScopeId) -> &Ledger {
        self.scopes[&scope].newest()
    }

    pub fn entries(&self, scope: ScopeId) -> &[SignedEntry] {
        self.scopes[&scope].entries()
    }

    fn is_group(&self, id: &ScopeId) -> bool {
        self.scopes.get(id).is_some_and(|past| past.newest().rank() != KEYCHAIN_RANK)
    }

    /// The newest head of a person or scope.
    pub fn cite(&self, id: &ScopeId) -> Cite {
        match self.accounts.get(id) {
            Some(account) => Cite { principal: *id, head: account.head(), exclusions: account.generation() },
            None => {
                let state = self.ledger(*id);
                Cite { principal: *id, head: state.head(), exclusions: state.exclusions() }
            }
        }
    }

    /// An entry that cites everybody whom it concerns at the newest head.
    pub fn entry(&self, who: &Person, scope: ScopeId, via: &[ScopeId], ops: Vec<Op>) -> scope::Entry {
        let state = self.ledger(scope);
        let mut concerned: BTreeSet<ScopeId> = via.iter().copied().chain([who.id()]).collect();
        for op in &ops {
            match op {
                Op::Share(share) => concerned.extend(share.principals.iter().map(|principal| principal.id())),
                Op::Observe(observe) => concerned.extend([observe.principal]),
                Op::Rotate(_) => {
                    let followers = state.followers().map(|(id, _)| *id);
                    concerned.extend(followers.filter(|id| !state.is_put_out_by(&ops, id)));
                }
                _ => {}
            }
        }
        scope::Entry {
            group: self.is_group(&scope),
            scope: Some(scope),
            seq: state.head().seq + 1,
            prev: Some(state.head().hash),
            author: who.id(),
            via: via.to_vec(),
            cites: concerned.iter().map(|id| self.cite(id)).collect(),
            time: now_ms().max(state.time()),
            ops,
        }
    }

    /// An entry to be sent, of which the town knows nothing yet. With the wraps that it needs, if it is valid.
    pub fn signed(&mut self, who: &Person, entry: &scope::Entry) -> Append {
        let scope = entry.scope.unwrap();
        let before = self.scopes[&scope].clone();
        let signed = sign_entry(who, &ScopeEntry::Ordinary(entry.clone()), SignatureLabel::Entry);
        let valid = self.take(scope, &signed).is_ok();
        let wraps = if valid { wraps_for(self.ledger(scope), &entry.ops) } else { Vec::new() };
        let expected = before.newest().head();
        self.scopes.insert(scope, before);
        Append { expected, entry: signed, wraps }
    }

    /// Appends what was signed to the town's own ledger, with what past states it asks for.
    pub fn take(&mut self, scope: ScopeId, entry: &SignedEntry) -> Result<(), Rejected> {
        loop {
            let mut past = self.scopes.remove(&scope).unwrap();
            let taken = past.append(entry.clone(), self);
            self.scopes.insert(scope, past);
            match taken {
                Err(Rejected::MissingState(id, seq)) if self.recall(id, seq) => {}
                taken => return taken,
            }
        }
    }

    fn recall(&mut self, id: ScopeId, seq: u64) -> bool {
        loop {
            let Some(mut past) = self.scopes.remove(&id) else { return false };
            let recalled = past.recall(seq, self);
            self.scopes.insert(id, past);
            match recalled {
                Err(Rejected::MissingState(id, seq)) if self.recall(id, seq) => {}
                recalled => return recalled.unwrap(),
            }
        }
    }

    /// Sends an entry as it is, whatever replay says of it. What the server takes the town takes.
    pub async fn send(&mut self, who: &Person, entry: scope::Entry) -> Result<(), Code> {
        let scope = entry.scope.unwrap();
        let append = self.signed(who, &entry);
        let answer = who.append(&self.world, scope, &append).await;
        if answer.status != 200 {
            return Err(super::code(&answer));
        }
        self.take(scope, &append.entry).expect("the server takes only what replays");
        Ok(())
    }

    pub async fn does(&mut self, who: &Person, scope: ScopeId, via: &[ScopeId], ops: Vec<Op>) -> Result<(), Code> {
        let entry = self.entry(who, scope, via, ops);
        self.send(who, entry).await
    }

    /// A share of everything with one principal.
    pub fn share_op(&self, scope: ScopeId, with: ScopeId, permissions: Permissions) -> Op {
        let principal = if self.is_group(&with) { Principal::Group(with) } else { Principal::Account(with) };
        Op::Share(Share {
            principals: vec![principal],
            keys: KeySet::range(1, self.ledger(scope).current_key()),
            permissions,
            follows: true,
            history: Some(1),
            read_only: false,
            expires_at: None,
        })
    }

    pub async fn share(&mut self, who: &Person, scope: ScopeId, with: ScopeId, permissions: Permissions) {
        let op = self.share_op(scope, with, permissions);
        self.does(who, scope, &[], vec![op]).await.unwrap();
    }

    /// Shares with a person who accepts.
    pub async fn bring(&mut self, who: &Person, scope: ScopeId, whom: &Person, permissions: Permissions) {
        self.share(who, scope, whom.id(), permissions).await;
        self.answer(whom, scope, Op::Accept).await.unwrap();
    }

    /// The next key of a scope.
    pub fn next_key(&self, scope: ScopeId) -> Op {
        let state = self.ledger(scope);
        Op::Rotate(Rotate { key: key_entry_of(state.current_key() + 1, state.algorithm(), true) })
    }

    pub async fn ban(&mut self, who: &Person, scope: ScopeId, whom: ScopeId) {
        let ops = vec![Op::Ban(Ban { principal: whom }), self.next_key(scope)];
        self.does(who, scope, &[], ops).await.unwrap();
    }

    /// An answer, or a leaving.
    pub async fn answer(&mut self, who: &Person, scope: ScopeId, op: Op) -> Result<Placed, Code> {
        let state = self.ledger(scope);
        let since = state.members().get(&who.id()).map(|member| member.since);
        let share = state.pending().get(&who.id()).map(|share| share.entry);
        let placed = scope::Placed {
            group: self.is_group(&scope),
            scope,
            answers: since.or(share).unwrap_or(EntryHash::NONE),
            author: who.cite(),
            time: now_ms(),
            op,
        };
        let entry = sign_entry(who, &ScopeEntry::Placed(placed), SignatureLabel::PlacedEntry);
        let body = Place { entry: entry.clone() }.encode();
        let answer = who.ask(&self.world, Method::Post, &route::placed(&scope), body).await;
        if answer.status != 200 {
            return Err(super::code(&answer));
        }
        self.take(scope, &entry).expect("the server takes only what replays");
        Ok(Placed::decode(&answer.body).unwrap())
    }

    /// A whole ledger as somebody is shown it.
    pub async fn reads(&self, who: &Person, scope: ScopeId) -> Result<LedgerPage, Code> {
        let body = keyfold_protocol::wire::Ledgers { wanted: vec![After { scope, after: None }] }.encode();
        let answer = who.ask(&self.world, Method::Post, route::LEDGERS, body).await;
        LedgerPages::decode(&answer.body).unwrap().pages.remove(0)
    }

    /// How many entries somebody is shown; `None` for a ledger that is not there for him.
    pub async fn sees(&self, who: &Person, scope: ScopeId) -> Option<u64> {
        match self.reads(who, scope).await {
            Ok(page) => {
                let head = page.receipt.verify(&self.world.server.server_key()).unwrap().head;
                assert_eq!(head.seq + 1, page.entries.len() as u64, "the receipt tells of nothing else");
                assert_eq!(page.entries[..], self.entries(scope)[..page.entries.len()]);
                Some(page.entries.len() as u64)
            }
            Err(code) => {
                assert_eq!(code, Code::UnknownKeychain);
                None
            }
        }
    }

    /// The number of entries that there are.
    pub fn all(&self, scope: ScopeId) -> Option<u64> {
        Some(self.entries(scope).len() as u64)
    }

    pub async fn listed(&self, who: &Person) -> BTreeSet<ScopeId> {
        let scopes = Scopes::decode(&who.get(&self.world, route::SCOPES).await.body).unwrap().scopes;
        scopes.iter().map(|summary: &ScopeSummary| summary.scope).collect()
    }

    /// The wraps that somebody is served: `(key, recipient)`.
    pub async fn wraps(&self, who: &Person, scope: ScopeId) -> Result<Vec<(u32, ScopeId)>, Code> {
        let answer = who.get(&self.world, &route::wraps(&scope)).await;
        if answer.status != 200 {
            return Err(super::code(&answer));
        }
        let wraps = OwnWraps::decode(&answer.body).unwrap().wraps;
        Ok(wraps.iter().map(|wrap| (wrap.number, wrap.recipient)).collect())
    }

    pub async fn add_wraps(&self, who: &Person, scope: ScopeId, add: &AddWraps) -> Result<u32, Code> {
        let answer = who.ask(&self.world, Method::Post, &route::wraps(&scope), add.encode()).await;
        if answer.status != 200 {
            return Err(super::code(&answer));
        }
        Ok(AddedWraps::decode(&answer.body).unwrap().kept)
    }
}
