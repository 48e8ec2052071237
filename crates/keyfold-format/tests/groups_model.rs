//! Four people, two groups of which one stands in the other, and a keychain, driven at random: what must hold whatever
//! they try. Who was put out anywhere below holds no key to which anybody encrypts, and the ways back are open.
//!
//! The properties are written without looking at the rules, from what each person could open with all wraps that
//! honest holders ever handed out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;
mod town;

use keyfold_format::{
    Permissions, ScopeId,
    scope::{Ban, KEYCHAIN_RANK, KeySet, Ledger, Observe, Op, SetPermissions, State},
};
use proptest::prelude::*;
use town::{Secret, Town};

/// Something that somebody tries; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Try {
    Share { who: Who, with: usize, permissions: u8, complete: bool, read_only: bool },
    Answer { by: usize, scope: usize, op: Op },
    SetPermissions { who: Who, whose: usize, granted: u8, withdrawn: u8 },
    Rotate { who: Who },
    Ban { who: Who, whom: usize },
    Observe { who: Who, whom: usize },
}

/// Who acts where, and through what.
#[derive(Clone, Copy, Debug)]
struct Who {
    by: usize,
    scope: usize,
    way: usize,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = (0..4usize, 0..3usize, 0..3usize).prop_map(|(by, scope, way)| Who { by, scope, way });
    let whom = 0..6usize;
    let some = || prop_oneof![3 => Just(0u8), 1 => Just(15), 1 => Just(2), 1 => 0..16u8];
    let answer = prop_oneof![4 => Just(Op::Accept), 1 => Just(Op::Decline), 2 => Just(Op::Leave)];
    let one = prop_oneof![
        4 => (who.clone(), whom.clone(), some(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            |(who, with, permissions, complete, read_only)| Try::Share { who, with, permissions, complete, read_only }),
        4 => (0..4usize, 0..3usize, answer).prop_map(|(by, scope, op)| Try::Answer { by, scope, op }),
        1 => (who.clone(), whom.clone(), some(), some()).prop_map(
            |(who, whose, granted, withdrawn)| Try::SetPermissions { who, whose, granted, withdrawn: withdrawn & !granted }),
        3 => who.clone().prop_map(|who| Try::Rotate { who }),
        3 => (who.clone(), whom.clone()).prop_map(|(who, whom)| Try::Ban { who, whom }),
        4 => (who, whom).prop_map(|(who, whom)| Try::Observe { who, whom }),
    ];
    prop::collection::vec(one, 1..30)
}

const ALL: Permissions = Permissions::ALL;

/// A team in a department in a keychain; dave owns the keychain, and bob is in the team.
fn nested() -> Town {
    let mut town = Town::new(&["alice", "bob", "carol", "dave"]);
    let team = town.found("team", 0, 100);
    let department = town.found("department", 2, 150);
    let keychain = town.found("keychain", 3, KEYCHAIN_RANK);
    let bob = town.people[1].id();
    town.brings(0, &team, bob, ALL);
    town.brings(2, &department, team, ALL);
    town.brings(3, &keychain, department, ALL);
    town
}

/// Applies an attempt. `None` if it was refused, or nobody could even try.
fn attempt(town: &mut Town, attempt: &Try) -> Option<()> {
    let place = |who: &Who, town: &Town| {
        let scope = town.order[who.scope % town.order.len()];
        let ways = town.ways(&town.people[who.by].id(), &scope);
        let way = ways.get(who.way % ways.len().max(1)).cloned()?;
        Some((who.by, scope, way))
    };
    let principal = |n: usize, town: &Town| {
        let people = town.people.len();
        if n < people { town.people[n].id() } else { town.order[n - people] }
    };
    let bits = |bits: u8| Permissions::from_bits(bits).unwrap();
    match attempt {
        Try::Share { who, with, permissions, complete, read_only } => {
            let (by, scope, way) = place(who, town)?;
            let mut share = town.share_of(&scope, principal(*with, town), bits(*permissions));
            if *complete {
                share.keys = KeySet::range(1, town.state(&scope).current_key());
                share.history = Some(1);
            }
            share.read_only = *read_only;
            town.does(by, &scope, &way, vec![Op::Share(share)]).ok()
        }
        Try::Answer { by, scope, op } => {
            let scope = town.order[scope % town.order.len()];
            town.answers(*by, &scope, op.clone()).ok()
        }
        Try::SetPermissions { who, whose, granted, withdrawn } => {
            let (by, scope, way) = place(who, town)?;
            let principal = principal(*whose, town);
            if granted | withdrawn == 0 {
                return None;
            }
            let op = SetPermissions { principal, granted: bits(*granted), withdrawn: bits(*withdrawn) };
            town.does(by, &scope, &way, vec![Op::SetPermissions(op)]).ok()
        }
        Try::Rotate { who } => {
            let (by, scope, way) = place(who, town)?;
            let op = town.next_key(by, &scope, &way);
            town.does(by, &scope, &way, vec![op]).ok()
        }
        Try::Ban { who, whom } => {
            let (by, scope, way) = place(who, town)?;
            let ops = vec![Op::Ban(Ban { principal: principal(*whom, town) }), town.next_key(by, &scope, &way)];
            town.does(by, &scope, &way, ops).ok()
        }
        Try::Observe { who, whom } => {
            let (by, scope, way) = place(who, town)?;
            let principal = principal(*whom, town);
            town.does(by, &scope, &way, vec![Op::Observe(Observe { principal })]).ok()
        }
    }
}

/// Whether the newest ledgers entitle a person to a key.
fn is_entitled(town: &Town, person: &ScopeId, scope: &ScopeId, key: u32) -> bool {
    let state = town.state(scope);
    state.members().iter().filter(|(_, member)| member.keys.contains(key)).any(|(id, _)| {
        let through = |number| is_entitled(town, person, id, number);
        let wrapped = || town.wraps.iter().filter(|w| w.scope == *scope && w.key == key && w.recipient == *id);
        id == person || (town.is_group(id) && wrapped().any(|wrap| through(wrap.number)))
    })
}

/// The one thing that all of it is for.
fn check_secrecy(town: &Town) {
    for person in &town.people {
        let known = town.knows(&person.id());
        for scope in town.order.iter().filter(|scope| town.is_open(scope)) {
            let state = town.state(scope);
            if known.contains(&Secret::Key(*scope, state.current_key())) {
                let (who, place) = (person.name, &town.names[scope]);
                assert!(
                    is_entitled(town, &person.id(), scope, state.current_key()),
                    "{who} is out of {place}, and opens it"
                );
                assert!(!state.bans().contains(&person.id()), "{who} is banned from {place}, and opens it");
            }
        }
    }
}

/// Owners are people and members, and a group stands only in what has a higher rank.
fn check_shape(town: &Town) {
    for scope in &town.order {
        let state = town.state(scope);
        assert!(!state.owners().is_empty());
        assert!(state.owners().iter().all(|id| town.accounts.contains_key(id) && state.members().contains_key(id)));
        assert!(state.groups().keys().all(|id| town.state(id).rank() < state.rank()));
        assert!(state.groups().keys().all(|id| state.members().contains_key(id)));
    }
}

/// Every right that somebody has gained was within what the author had at every step of some way, and he managed.
fn check_rights(before: &Town, after: &Town, author: usize) {
    let author = before.people[author].id();
    for scope in &after.order {
        let (old, new) = (before.state(scope), after.state(scope));
        let held = |town: &Town| {
            let ways = town.ways(&author, scope).into_iter();
            ways.map(|way| town.rights(&author, scope, &way).0).fold(Permissions::NONE, |all, way| all | way)
        };
        let (held, rights) = (held(before), |state: &State, id: &ScopeId| {
            state.standing(id).map_or(Permissions::NONE, |member| member.permissions)
        });
        let standing = new.members().keys().chain(new.pending().keys());
        for id in standing {
            let gained = rights(new, id).without(rights(old, id));
            let may = held.contains(Permissions::MANAGEMENT) && held.contains(gained);
            assert!(gained.is_empty() || may, "{} gained rights that the author lacks", after.names[id]);
        }
        for lifted in old.bans().iter().filter(|id| !new.bans().contains(id)) {
            assert!(held.contains(Permissions::MANAGEMENT), "{} is back without a manager", after.names[lifted]);
        }
        assert!(old.head() == new.head() || !old.bans().contains(&author), "somebody banned wrote");
    }
}

/// What an honest client does alone: from the lowest rank up to this scope it observes what was not seen, rotates where
/// that is needed, and looks again at groups that were not clean.
fn repair(town: &mut Town, person: usize, scope: &ScopeId) {
    let id = town.people[person].id();
    let mut scopes = town.order.clone();
    scopes.retain(|other| town.state(other).rank() <= town.state(scope).rank());
    scopes.sort_by_key(|other| town.state(other).rank());
    for scope in scopes {
        for _ in 0..12 {
            let state = town.state(&scope);
            let outdated = |(group, held): &(&ScopeId, &keyfold_format::scope::MemberGroup)| {
                !held.clean && state.cited(group).unwrap().head.seq < town.state(group).head().seq
            };
            let observed = state.unseen(town);
            let retried = state.groups().iter().find(outdated).map(|(group, _)| *group);
            let needs = state.needs_rotation();
            let done = town.ways(&id, &scope).iter().any(|way| {
                let op = match (observed, needs, retried) {
                    (Some(principal), ..) => Op::Observe(Observe { principal }),
                    (None, true, _) => town.next_key(person, &scope, way),
                    (None, false, Some(principal)) => Op::Observe(Observe { principal }),
                    (None, false, None) => return false,
                };
                town.does(person, &scope, way, vec![op]).is_ok()
            });
            if !done {
                break;
            }
        }
    }
}

/// Every follower, alone, leads a scope back to where encrypting is allowed, and holds its key then. Whoever comes
/// through a group with somebody in it who is banned further up needs that group's help.
fn check_ways_back(town: &Town) {
    for scope in town.order.iter().filter(|scope| !town.is_open(scope)) {
        for (n, person) in town.people.iter().enumerate() {
            let id = person.id();
            let is_free = |way: &Vec<ScopeId>| {
                let above: Vec<ScopeId> = [*scope].into_iter().chain(way.iter().copied()).collect();
                let blocked = |(place, group): (&ScopeId, &ScopeId)| {
                    let inside = town.everybody_in(group);
                    town.state(place).bans().iter().any(|banned| inside.contains(banned))
                };
                town.rights(&id, scope, way).1 && !above.iter().zip(way).any(blocked)
            };
            if !town.ways(&id, scope).iter().any(is_free) {
                continue;
            }
            let mut repaired = town.clone();
            repair(&mut repaired, n, scope);
            let (who, place) = (person.name, &town.names[scope]);
            assert!(repaired.is_open(scope), "{who} alone cannot open {place} again");
            let current = Secret::Key(*scope, repaired.state(scope).current_key());
            assert!(repaired.knows(&id).contains(&current), "{who} repaired {place}, and lacks its key");
        }
    }
}

/// Whatever people try, from a town on: nobody who was put out opens what comes, and the ways back are open.
fn check_attempts(mut town: Town, attempts: &[Try]) {
    for one in attempts {
        let before = town.clone();
        if attempt(&mut town, one).is_none() {
            continue;
        }
        let author = match one {
            Try::Answer { by, .. } => *by,
            Try::Share { who, .. } | Try::SetPermissions { who, .. } | Try::Rotate { who } => who.by,
            Try::Ban { who, .. } | Try::Observe { who, .. } => who.by,
        };
        check_shape(&town);
        // Whoever accepts gains what the share said, which was judged when it was made.
        if !matches!(one, Try::Answer { .. }) {
            check_rights(&before, &town, author);
        }
        check_secrecy(&town);
        check_ways_back(&town);
    }
    for past in town.scopes.values() {
        let newest = past.newest();
        assert_eq!(&Ledger::from_snapshot(&newest.to_snapshot()).unwrap(), newest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_try_through_groups_nobody_put_out_opens_what_comes(attempts in tries()) {
        check_attempts(nested(), &attempts);
    }
}

/// The keychain has seen the department before that took in the team, and the team put bob out.
fn taken_in_unseen() -> Town {
    let mut town = Town::new(&["alice", "bob", "carol", "dave"]);
    let team = town.found("team", 0, 100);
    let department = town.found("department", 2, 150);
    let keychain = town.found("keychain", 3, KEYCHAIN_RANK);
    let bob = town.people[1].id();
    town.brings(0, &team, bob, ALL);
    town.brings(3, &keychain, department, ALL);
    town.brings(2, &department, team, ALL);
    let ops = vec![Op::Ban(Ban { principal: bob }), town.next_key(0, &team, &[])];
    town.does(0, &team, &[], ops).unwrap();
    town
}

#[test]
fn what_a_group_took_in_unseen_is_observed_before_anybody_encrypts() {
    let mut town = taken_in_unseen();
    let [team, department, keychain] = [town.order[0], town.order[1], town.order[2]];
    let bob = town.people[1].id();
    assert_eq!(town.state(&keychain).unseen(&town), Some(department), "the team is not reached so far");
    // Citing the team itself takes nothing from bob, who opens the keychain through the department.
    town.brings(3, &keychain, team, ALL);
    assert!(town.knows(&bob).contains(&Secret::Key(keychain, 1)));
    assert_eq!(town.state(&keychain).unseen(&town), Some(department));

    let observe = vec![Op::Observe(Observe { principal: department })];
    town.does(3, &keychain, &[], observe).unwrap();
    assert!(town.state(&keychain).needs_rotation());
    let next = vec![town.next_key(3, &keychain, &[])];
    town.does(3, &keychain, &[], next).unwrap();
    assert!(town.is_open(&keychain));
    assert!(!town.knows(&bob).contains(&Secret::Key(keychain, 2)));
}

#[test]
fn what_a_group_took_in_unseen_is_repaired_by_any_follower_alone() {
    let town = taken_in_unseen();
    check_secrecy(&town);
    check_ways_back(&town);
}

#[test]
fn where_no_entry_of_ones_own_helps_nobody_encrypts_until_the_group_between_has_seen_it() {
    let mut town = Town::new(&["alice", "bob", "carol", "dave"]);
    let team = town.found("team", 0, 100);
    let department = town.found("department", 2, 150);
    let organisation = town.found("organisation", 2, 200);
    let keychain = town.found("keychain", 3, KEYCHAIN_RANK);
    let bob = town.people[1].id();
    town.brings(0, &team, bob, ALL);
    town.brings(2, &organisation, department, ALL);
    town.brings(3, &keychain, organisation, ALL);
    town.brings(2, &department, team, ALL);
    let ban = vec![Op::Ban(Ban { principal: bob }), town.next_key(0, &team, &[])];
    town.does(0, &team, &[], ban).unwrap();
    // Sharing with the team, or looking at it, does not make the organisation see it.
    town.brings(3, &keychain, team, ALL);
    assert_eq!(town.state(&keychain).unseen(&town), Some(team));
    town.does(3, &keychain, &[], vec![Op::Observe(Observe { principal: team })]).unwrap();
    assert!(!town.is_open(&keychain));

    repair(&mut town, 2, &organisation);
    repair(&mut town, 3, &keychain);
    assert!(town.is_open(&keychain));
    let current = town.state(&keychain).current_key();
    assert!(!town.knows(&bob).contains(&Secret::Key(keychain, current)));
}
