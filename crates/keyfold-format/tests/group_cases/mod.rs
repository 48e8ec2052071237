//! Entries that act through groups or concern them, and what each must be answered with.
#![allow(unreachable_pub)]

mod cites;
mod clean;
mod members;
mod via;

use crate::town::Town;
use keyfold_format::{
    Permissions, ScopeId,
    entry::SignedEntry,
    scope::{Ban, Entry, KEYCHAIN_RANK, Observe, Op, SetPermissions},
};

pub const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;

const ALL: Permissions = Permissions::ALL;
const NONE: Permissions = Permissions::NONE;

/// Scopes, one of them, and the entry that it must answer with `expect`.
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub town: Town,
    pub scope: ScopeId,
    pub last: SignedEntry,
    pub expect: &'static str,
}

pub fn cases() -> Vec<Case> {
    let mut all = members::cases();
    all.extend(via::cases());
    all.extend(cites::cases());
    all.extend(clean::cases());
    all
}

/// Alice's team, with bob, stands in carol's department, and that in dave's keychain; all with all permissions.
#[derive(Clone)]
struct Place {
    town: Town,
    team: ScopeId,
    department: ScopeId,
    keychain: ScopeId,
}

impl Place {
    fn new() -> Self {
        Self::with(ALL, ALL, ALL)
    }

    /// With what bob may do in the team, the team in the department, and the department in the keychain.
    fn with(bob: Permissions, team: Permissions, department: Permissions) -> Self {
        let mut place = Self::apart();
        let Self { team: inner, department: middle, keychain, .. } = place;
        let bob_id = place.id(BOB);
        place.town.brings(ALICE, &inner, bob_id, bob);
        place.town.brings(CAROL, &middle, inner, team);
        place.town.brings(DAVE, &keychain, middle, department);
        place
    }

    /// Each with its founder alone.
    fn apart() -> Self {
        let mut town = Town::new(&PEOPLE);
        let team = town.found("team", ALICE, 100);
        let department = town.found("department", CAROL, 150);
        let keychain = town.found("keychain", DAVE, KEYCHAIN_RANK);
        Self { town, team, department, keychain }
    }

    fn id(&self, person: usize) -> ScopeId {
        self.town.people[person].id()
    }

    /// The way of who is in the team to the keychain.
    fn way(&self) -> Vec<ScopeId> {
        vec![self.department, self.team]
    }

    fn observe(&self, principal: ScopeId) -> Op {
        Op::Observe(Observe { principal })
    }

    fn ban(&self, person: usize) -> Op {
        Op::Ban(Ban { principal: self.id(person) })
    }

    fn next_key(&self, person: usize, scope: &ScopeId, way: &[ScopeId]) -> Op {
        self.town.next_key(person, scope, way)
    }

    fn permissions(&self, principal: ScopeId, granted: Permissions, withdrawn: Permissions) -> Op {
        Op::SetPermissions(SetPermissions { principal, granted, withdrawn })
    }

    /// Something that is allowed.
    fn after(mut self, person: usize, scope: ScopeId, way: &[ScopeId], ops: Vec<Op>) -> Self {
        self.town.does(person, &scope, way, ops).unwrap();
        self
    }

    fn observed(self, person: usize, scope: ScopeId, principal: ScopeId) -> Self {
        let op = self.observe(principal);
        self.after(person, scope, &[], vec![op])
    }

    fn rotated(self, person: usize, scope: ScopeId) -> Self {
        let op = self.next_key(person, &scope, &[]);
        self.after(person, scope, &[], vec![op])
    }

    fn left(mut self, person: usize, scope: ScopeId) -> Self {
        self.town.answers(person, &scope, Op::Leave).unwrap();
        self
    }

    /// Dave bans somebody from the keychain.
    fn banned(self, person: usize) -> Self {
        let keychain = self.keychain;
        let ops = vec![self.ban(person), self.next_key(DAVE, &keychain, &[])];
        self.after(DAVE, keychain, &[], ops)
    }

    /// The case of an entry as it comes.
    fn case(
        self,
        name: &'static str,
        about: &'static str,
        (person, scope, way): (usize, ScopeId, &[ScopeId]),
        ops: Vec<Op>,
        expect: &'static str,
    ) -> Case {
        self.altered(name, about, (person, scope, way), ops, expect, |_, _| ())
    }

    /// The case of an entry that is altered before it is signed.
    fn altered(
        self,
        name: &'static str,
        about: &'static str,
        (person, scope, way): (usize, ScopeId, &[ScopeId]),
        ops: Vec<Op>,
        expect: &'static str,
        alter: impl FnOnce(&mut Entry, &Town),
    ) -> Case {
        let mut entry = self.town.entry(person, &scope, way, ops);
        alter(&mut entry, &self.town);
        let last = self.town.people[person].sign(&entry);
        Case { name, about, town: self.town, scope, last, expect }
    }

    /// The case of an answer.
    fn answer(
        self,
        name: &'static str,
        about: &'static str,
        (person, scope): (usize, ScopeId),
        op: Op,
        expect: &'static str,
    ) -> Case {
        let last = self.town.people[person].sign_placed(&self.town.placed(person, &scope, op));
        Case { name, about, town: self.town, scope, last, expect }
    }
}
