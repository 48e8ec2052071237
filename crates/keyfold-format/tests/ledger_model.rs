//! Three people and a keychain, driven at random: what must hold whatever they try.
//!
//! The properties are written without looking at the rules. A person's knowledge is modelled symbolically: what he
//! can open with the wraps that he was handed and the history links that stand in the ledger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;
mod rights;

use keyfold_format::{
    Permissions, ScopeId,
    entry::SignedEntry,
    scope::{KeySet, Ledger, Op, ScopeEntry, Share, State},
};
use people::{Person, World, add_owner, ban, cancel, expire, remove_owner, rotate, set_permissions, share_latest};
use proptest::prelude::*;
use rights::Step;
use std::collections::{BTreeMap, BTreeSet};

/// Something that somebody tries; most of it is not allowed.
#[derive(Clone, Debug)]
enum Try {
    Share { by: usize, with: Vec<usize>, first: u32, last: u32, terms: Terms },
    Accept { by: usize },
    Cancel { by: usize, whose: usize },
    Rotate { by: usize, link: bool },
    SetPermissions { by: usize, whose: usize, granted: u8, withdrawn: u8 },
    Ban { by: usize, whom: Vec<usize>, order: BanOrder, link: bool },
    Leave { by: usize },
    Decline { by: usize },
    DropKey { by: usize, key: u32 },
    Expire { by: usize, whose: usize, rotates: bool },
    Decide { by: usize, whose: usize, adds: bool, approves: bool, then_ban: bool },
}

/// Where the new key of a ban stands.
#[derive(Clone, Copy, Debug)]
enum BanOrder {
    /// As it must.
    Last,
    First,
    Missing,
}

#[derive(Clone, Debug)]
struct Terms {
    permissions: u8,
    follows: bool,
    history: Option<u32>,
    read_only: bool,
    ends: bool,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = 0..3usize;
    let terms = (
        0..16u8,
        prop::bool::weighted(0.8),
        prop::option::of(1..4u32),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(permissions, follows, history, read_only, ends)| Terms {
            permissions,
            follows,
            history,
            read_only,
            ends,
        });
    let share = (who.clone(), prop::collection::btree_set(who.clone(), 1..3), 1..4u32, 0..3u32, terms).prop_map(
        |(by, with, first, more, terms)| Try::Share {
            by,
            with: with.into_iter().collect(),
            first,
            last: first + more,
            terms,
        },
    );
    // Honest moves, so that random walks get somewhere: the current key to one other person.
    let plain =
        (who.clone(), who.clone(), 0..16u8, any::<bool>()).prop_map(|(by, with, permissions, ends)| Try::Share {
            by,
            with: vec![with],
            first: 0,
            last: 0,
            terms: Terms { permissions, follows: true, history: None, read_only: false, ends },
        });
    let orders = prop_oneof![8 => Just(BanOrder::Last), 1 => Just(BanOrder::First), 1 => Just(BanOrder::Missing)];
    let one = prop_oneof![
        3 => share,
        3 => plain,
        4 => who.clone().prop_map(|by| Try::Accept { by }),
        1 => (who.clone(), who.clone()).prop_map(|(by, whose)| Try::Cancel { by, whose }),
        3 => (who.clone(), any::<bool>()).prop_map(|(by, link)| Try::Rotate { by, link }),
        2 => (who.clone(), who.clone(), 0..16u8, 0..16u8)
            .prop_map(|(by, whose, granted, withdrawn)| Try::SetPermissions { by, whose, granted, withdrawn }),
        2 => (who.clone(), prop::collection::vec(who.clone(), 1..3), orders, any::<bool>())
            .prop_map(|(by, whom, order, link)| Try::Ban { by, whom, order, link }),
        1 => who.clone().prop_map(|by| Try::Leave { by }),
        1 => who.clone().prop_map(|by| Try::Decline { by }),
        1 => (who.clone(), 1..4u32).prop_map(|(by, key)| Try::DropKey { by, key }),
        2 => (who.clone(), who.clone(), any::<bool>()).prop_map(|(by, whose, rotates)| Try::Expire { by, whose, rotates }),
        4 => (who.clone(), who, any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            |(by, whose, adds, approves, then_ban)| Try::Decide { by, whose, adds, approves, then_ban }),
    ];
    // Most walks start with three members, some with three owners, or few would get far enough to put somebody out.
    let in_it = |(bob, carol, owners): (u8, u8, bool)| {
        let brought_in = |with: usize, permissions: u8| {
            let terms = Terms { permissions, follows: true, history: None, read_only: false, ends: with == 2 };
            [Try::Share { by: 0, with: vec![with], first: 0, last: 0, terms }, Try::Accept { by: with }]
        };
        let decide = |by, whose, approves| Try::Decide { by, whose, adds: true, approves, then_ban: false };
        let promoted = [decide(0, 1, false), decide(0, 2, false), decide(1, 2, true)].into_iter().filter(|_| owners);
        [brought_in(1, bob), brought_in(2, carol)].into_iter().flatten().chain(promoted).collect::<Vec<Try>>()
    };
    let start = prop::option::weighted(0.8, (0..16u8, 0..16u8, prop::bool::weighted(0.3)));
    (start, prop::collection::vec(one, 1..40))
        .prop_map(move |(start, tries)| start.map(in_it).into_iter().flatten().chain(tries).collect())
}

/// Who was handed what: `(person, key number, with history secret)`.
#[derive(Default)]
struct Knowledge {
    keys: BTreeSet<(ScopeId, u32)>,
    histories: BTreeSet<(ScopeId, u32)>,
}

impl Knowledge {
    fn learn(&mut self, who: ScopeId, key: u32, history: bool) {
        self.keys.insert((who, key));
        if history {
            self.histories.insert((who, key));
        }
    }

    /// Everything that follows by walking links backwards.
    fn close(&mut self, state: &State) {
        for n in (2..=state.current_key()).rev() {
            if state.key(n).unwrap().history_link.is_none() {
                continue;
            }
            let holders: Vec<ScopeId> = self.histories.iter().filter(|(_, m)| *m == n).map(|(who, _)| *who).collect();
            for who in holders {
                self.learn(who, n - 1, true);
            }
        }
    }
}

fn people(world: &World) -> [&Person; 3] {
    [&world.alice, &world.bob, &world.carol]
}

fn entry_of(world: &World, attempt: &Try) -> SignedEntry {
    let people = people(world);
    let ledger = &world.ledger;
    let next = |link: bool| rotate(ledger.current_key() + 1, link);
    let ordinary =
        |by: usize, ops: Vec<Op>, others: &[&Person]| people[by].sign(&people[by].entry(ledger, ops, others));
    match attempt {
        Try::Share { by, with, first, last, terms } => {
            let with: Vec<&Person> = with.iter().map(|i| people[*i]).collect();
            let current = ledger.current_key();
            let (first, last) = if *first == 0 { (current, current) } else { (*first, (*last).min(current)) };
            let share = Share {
                keys: KeySet::range(first, last),
                follows: terms.follows,
                history: terms.history,
                read_only: terms.read_only,
                expires_at: terms.ends.then_some(people::TIME),
                ..share_latest(ledger, &with, Permissions::from_bits(terms.permissions).unwrap())
            };
            ordinary(*by, vec![Op::Share(share)], &with)
        }
        Try::Accept { by } => people[*by].sign_placed(&people[*by].accept(ledger)),
        Try::Leave { by } => people[*by].sign_placed(&people[*by].leave(ledger)),
        Try::Decline { by } => people[*by].sign_placed(&people[*by].decline(ledger)),
        Try::DropKey { by, key } => people[*by].sign_placed(&people[*by].drop_key(ledger, *key)),
        Try::Expire { by, whose, rotates } => {
            let link = ledger.members().get(&people[*by].id()).is_some_and(|member| member.history.is_some());
            let key = rotates.then(|| next(link));
            ordinary(*by, [expire(ledger, people[*whose])].into_iter().chain(key).collect(), &[])
        }
        Try::Decide { by, whose, adds, approves, then_ban } => {
            let decision = if *adds { add_owner(people[*whose]) } else { remove_owner(people[*whose]) };
            let mut ops = vec![if *approves { Op::Approve(decision) } else { Op::Propose(decision) }];
            if *then_ban {
                let link = ledger.members().get(&people[*by].id()).is_some_and(|member| member.history.is_some());
                ops.extend([ban(people[*whose]), next(link)]);
            }
            ordinary(*by, ops, &[])
        }
        Try::Cancel { by, whose } => ordinary(*by, vec![cancel(ledger, people[*whose])], &[]),
        Try::Rotate { by, link } => ordinary(*by, vec![next(*link)], &[]),
        Try::SetPermissions { by, whose, granted, withdrawn } => {
            let [granted, withdrawn] = [granted, withdrawn].map(|bits| Permissions::from_bits(*bits).unwrap());
            ordinary(*by, vec![set_permissions(people[*whose], granted, withdrawn)], &[])
        }
        Try::Ban { by, whom, order, link } => {
            let mut ops: Vec<Op> = whom.iter().map(|i| ban(people[*i])).collect();
            match order {
                BanOrder::Last => ops.push(next(*link)),
                BanOrder::First => ops.insert(0, next(*link)),
                BanOrder::Missing => {}
            }
            ordinary(*by, ops, &[])
        }
    }
}

/// What was handed to whom so far, and what each was entitled to when it was.
#[derive(Default)]
struct Hands {
    handed: Knowledge,
    /// Wraps of pending shares wait at the server until the share is accepted.
    waiting: BTreeMap<ScopeId, Vec<(u32, bool)>>,
    /// Keys that somebody was entitled to at some time.
    once: BTreeSet<(ScopeId, u32)>,
}

impl Hands {
    /// The wraps of an entry that was taken, and what follows from them.
    fn take(&mut self, ledger: &Ledger, entry: &ScopeEntry) {
        match entry {
            ScopeEntry::Ordinary(ordinary) => {
                self.waiting.retain(|who, _| ledger.pending().contains_key(who));
                for wrap in ledger.wraps_needed(&ordinary.ops) {
                    let entitled = ledger.entitles(&wrap.recipient, wrap.key, wrap.history);
                    if ledger.members().contains_key(&wrap.recipient) {
                        assert!(entitled);
                        self.handed.learn(wrap.recipient, wrap.key, wrap.history);
                    } else {
                        assert!(ledger.pending().contains_key(&wrap.recipient), "a wrap for somebody who is out");
                        assert!(!entitled, "a pending share entitles to nothing");
                        self.waiting.entry(wrap.recipient).or_default().push((wrap.key, wrap.history));
                    }
                }
            }
            ScopeEntry::Placed(placed) => {
                let author = placed.author.principal;
                if placed.op == Op::Decline {
                    self.waiting.remove(&author);
                }
                for (key, history) in self.waiting.remove(&author).unwrap_or_default() {
                    assert!(ledger.entitles(&author, key, history));
                    self.handed.learn(author, key, history);
                }
            }
        }
        self.handed.close(ledger);
        self.once.extend(ledger.members().iter().flat_map(|(who, m)| m.keys.iter().map(|n| (*who, n))));
    }

    /// Whoever shares must hold what he wraps, and whoever links to the key before must know it.
    fn check_author(&self, before: &Ledger, after: &Ledger, entry: &ScopeEntry) {
        let ScopeEntry::Ordinary(ordinary) = entry else { return };
        let (author, known, newest) = (ordinary.author, before.current_key(), after.current_key());
        if newest > known && after.key(newest).unwrap().history_link.is_some() {
            assert!(self.handed.histories.contains(&(author, known)), "a link that its author cannot make");
        }
        for wrap in after.wraps_needed(&ordinary.ops).iter().filter(|wrap| wrap.key <= known) {
            assert!(self.handed.keys.contains(&(author, wrap.key)), "a key that its author lacks");
            let reaches = !wrap.history || self.handed.histories.contains(&(author, wrap.key));
            assert!(reaches, "a history that its author lacks");
        }
    }

    /// The one thing that all of it is for: members open what the ledger says, and nobody opens what he was never
    /// entitled to. While encryption is allowed, nobody outside holds the current key.
    fn check(&self, ledger: &Ledger, names: &BTreeMap<ScopeId, &'static str>) {
        for (who, name) in names {
            let opens: BTreeSet<u32> = self.handed.keys.iter().filter(|(id, _)| id == who).map(|(_, n)| *n).collect();
            let entitled: BTreeSet<u32> =
                ledger.members().get(who).map(|m| m.keys.iter().collect()).unwrap_or_default();
            assert!(opens.is_superset(&entitled), "{name} lacks a key");
            let beyond: Vec<&u32> = opens.iter().filter(|n| !self.once.contains(&(*who, **n))).collect();
            assert!(beyond.is_empty(), "{name} opens {beyond:?}, to which he never was entitled");
            if !ledger.members().contains_key(who) && !ledger.needs_rotation() {
                assert!(!opens.contains(&ledger.current_key()), "{name} is out, and opens what is written now");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_three_people_try_rights_and_knowledge_follow_the_ledger(attempts in tries()) {
        let mut world = World::new();
        let names: BTreeMap<ScopeId, &str> = people(&world).map(|p| (p.id(), p.name)).into();
        let mut hands = Hands::default();
        let mut votes = Vec::new();
        hands.handed.learn(world.alice.id(), 1, true);
        hands.once.insert((world.alice.id(), 1));

        for attempt in &attempts {
            let before = world.ledger.clone();
            let entry = entry_of(&world, attempt);
            let taken = world.append(entry.clone());
            if taken.is_err() {
                prop_assert_eq!(&world.ledger, &before, "a rejected entry changed the state");
                continue;
            }
            let parsed = ScopeEntry::decode(&entry.signed).unwrap();
            votes.extend(rights::votes_of(&parsed));
            Step { before: &before, after: &world.ledger, entry: &parsed, names: &names, votes: &votes }.check();
            if before.owners() != world.ledger.owners() {
                votes.clear();
            }
            hands.check_author(&before, &world.ledger, &parsed);
            hands.take(&world.ledger, &parsed);
            hands.check(&world.ledger, &names);
        }

        // Replicas converge: from nothing, and from a snapshot.
        prop_assert_eq!(&Ledger::replay(&world.entries, &world.accounts).unwrap(), &world.ledger);
        prop_assert_eq!(&Ledger::from_snapshot(&world.ledger.to_snapshot()).unwrap(), &world.ledger);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn s12_from_a_cached_state_on_replay_comes_to_what_a_whole_one_does_and_takes_no_other_entry(attempts in tries()) {
        let mut world = World::new();
        for attempt in &attempts {
            // What is refused is no part of the ledger.
            world.append(entry_of(&world, attempt)).ok();
        }
        for cut in 1..world.entries.len() {
            let cached = Ledger::replay(&world.entries[..cut], &world.accounts).unwrap().to_snapshot();
            let mut ledger = Ledger::from_snapshot(&cached).unwrap();
            for (at, other) in world.entries.iter().enumerate() {
                // An answer is bound to a share, not to a place.
                let is_bound = matches!(ScopeEntry::decode(&other.signed), Ok(ScopeEntry::Ordinary(_)));
                if at != cut && is_bound {
                    prop_assert!(ledger.clone().append(other, &world.accounts).is_err(), "{at} in the place of {cut}");
                }
            }
            for entry in &world.entries[cut..] {
                ledger.append(entry, &world.accounts).unwrap();
            }
            prop_assert_eq!(&ledger, &world.ledger);
        }
    }
}

#[test]
fn two_clients_that_answer_at_once_converge_in_the_order_the_server_chose() {
    for first_bob in [true, false] {
        let mut world = World::new();
        let share = share_latest(&world.ledger, &[&world.bob, &world.carol], Permissions::NONE);
        world.alice_shares(share, &[|w| &w.bob, |w| &w.carol]).unwrap();
        // Both sign before either stands.
        let bob = world.bob.sign_placed(&world.bob.accept(&world.ledger));
        let carol = world.carol.sign_placed(&world.carol.accept(&world.ledger));
        let order = if first_bob { [bob, carol] } else { [carol, bob] };
        for entry in order {
            world.append(entry).unwrap();
        }
        assert_eq!(world.ledger.members().len(), 3);
        assert_eq!(Ledger::replay(&world.entries, &world.accounts).unwrap(), world.ledger);
    }
}

#[test]
fn accept_and_cancel_race_and_the_first_in_the_ledger_wins() {
    let pending = || {
        let mut world = World::new();
        let share = share_latest(&world.ledger, &[&world.bob], Permissions::NONE);
        world.alice_shares(share, &[|w| &w.bob]).unwrap();
        world
    };
    let mut accepted = pending();
    let accept = accepted.bob.sign_placed(&accepted.bob.accept(&accepted.ledger));
    accepted.append(accept.clone()).unwrap();
    assert!(accepted.ledger.members().contains_key(&accepted.bob.id()));

    let mut cancelled = pending();
    let op = cancel(&cancelled.ledger, &cancelled.bob);
    let entry = cancelled.alice.sign(&cancelled.alice.entry(&cancelled.ledger, vec![op], &[]));
    cancelled.append(entry).unwrap();
    assert_eq!(cancelled.append(accept).unwrap_err().code(), "NotPending");
    assert!(!cancelled.ledger.members().contains_key(&cancelled.bob.id()));
}

#[test]
fn a_complete_keychain_costs_one_wrap_for_each_recipient_however_many_keys_it_has() {
    let mut world = World::new();
    for keys in [1, 20, 1_000] {
        while world.ledger.current_key() < keys {
            let op = people::rotate(world.ledger.current_key() + 1, true);
            let entry = world.alice.sign(&world.alice.entry(&world.ledger, vec![op], &[]));
            world.append(entry).unwrap();
        }
        let share = people::share_complete(&world.ledger, &[&world.bob], Permissions::NONE);
        let mut after = world.ledger.clone();
        let entry = world.alice.sign(&world.alice.entry(&world.ledger, vec![Op::Share(share.clone())], &[&world.bob]));
        after.append(&entry, &world.accounts).unwrap();
        assert_eq!(after.wraps_needed(&[Op::Share(share)]).len(), 1, "{keys} keys");
    }
}

#[test]
fn a_ban_and_the_rotation_of_somebody_else_race_and_no_order_leaves_the_banned_the_current_key() {
    let world = || World::with_bob(Permissions::NONE).and_carol(Permissions::ROTATION);
    for ban_first in [true, false] {
        let mut world = world();
        let turn = |world: &World| {
            world.carol.sign(&world.carol.entry(
                &world.ledger,
                vec![rotate(world.ledger.current_key() + 1, false)],
                &[],
            ))
        };
        let out = |world: &World, link: bool| {
            let ops = people::ban_and_rotate(&world.ledger, &world.bob, link);
            world.alice.sign(&world.alice.entry(&world.ledger, ops, &[]))
        };
        let (first, second) =
            if ban_first { (out(&world, true), turn(&world)) } else { (turn(&world), out(&world, true)) };
        world.append(first).unwrap();
        assert_eq!(world.append(second).unwrap_err().code(), "WrongSeq", "who comes second signs again");
        let again = if ban_first { turn(&world) } else { out(&world, true) };
        world.append(again).unwrap();
        assert_eq!(world.ledger.current_key(), 3);
        assert!(!world.ledger.members().contains_key(&world.bob.id()) && !world.ledger.needs_rotation());
        assert!(world.ledger.followers().all(|(who, _)| *who != world.bob.id()));
    }
}

#[test]
fn a_share_with_a_member_adds_to_what_he_has_and_takes_nothing() {
    let mut world = World::new();
    let one_key =
        |world: &World| Share { follows: false, ..share_latest(&world.ledger, &[&world.bob], Permissions::NONE) };
    let follows = |world: &World| world.ledger.members()[&world.bob.id()].follows;
    let first = one_key(&world);
    world.alice_shares(first, &[|w| &w.bob]).unwrap();
    world.bob_accepts().unwrap();
    let mut world = world.after(|w| &w.alice, |_| vec![rotate(2, true)]);
    assert!(!follows(&world), "he was given one key");
    assert!(!world.ledger.entitles(&world.bob.id(), 2, false));
    let latest = share_latest(&world.ledger, &[&world.bob], Permissions::NONE);
    world.alice_shares(latest, &[|w| &w.bob]).unwrap();
    assert!(follows(&world), "he follows from now on");
    let again = one_key(&world);
    world.alice_shares(again, &[|w| &w.bob]).unwrap();
    assert!(follows(&world), "one key more takes nothing away");
    let world = world.after(|w| &w.alice, |_| vec![rotate(3, true)]);
    for key in 1..=3 {
        assert!(world.ledger.entitles(&world.bob.id(), key, false), "key {key}");
    }
}
