//! Three people and a keychain, driven at random: what must hold whatever they try.
//!
//! The properties are written without looking at the rules. A person's knowledge is modelled symbolically: what he
//! can open with the wraps that he was handed and the history links that stand in the ledger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;

use keyfold_format::{
    Permissions, ScopeId,
    scope::{Algorithm, KeySet, Ledger, Op, ScopeEntry, Share, State},
};
use people::{Person, World, cancel, key_entry, share_latest};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Something that somebody tries; most of it is not allowed.
#[derive(Clone, Debug)]
enum Try {
    Share { by: usize, with: Vec<usize>, first: u32, last: u32, terms: Terms },
    Accept { by: usize },
    Cancel { by: usize, whose: usize },
    Rotate { by: usize, link: bool },
}

#[derive(Clone, Debug)]
struct Terms {
    permissions: u8,
    follows: bool,
    history: Option<u32>,
    read_only: bool,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = 0..3usize;
    let terms = (0..16u8, prop::bool::weighted(0.8), prop::option::of(1..4u32), prop::bool::weighted(0.2))
        .prop_map(|(permissions, follows, history, read_only)| Terms { permissions, follows, history, read_only });
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
    let plain = (who.clone(), who.clone(), 0..16u8).prop_map(|(by, with, permissions)| Try::Share {
        by,
        with: vec![with],
        first: 0,
        last: 0,
        terms: Terms { permissions, follows: true, history: None, read_only: false },
    });
    let one = prop_oneof![
        3 => share,
        3 => plain,
        4 => who.clone().prop_map(|by| Try::Accept { by }),
        1 => (who.clone(), who.clone()).prop_map(|(by, whose)| Try::Cancel { by, whose }),
        3 => (who, any::<bool>()).prop_map(|(by, link)| Try::Rotate { by, link }),
    ];
    prop::collection::vec(one, 1..40)
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

fn entry_of(world: &World, attempt: &Try) -> keyfold_format::entry::SignedEntry {
    let people = people(world);
    let ledger = &world.ledger;
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
                ..share_latest(ledger, &with, Permissions::from_bits(terms.permissions).unwrap())
            };
            people[*by].sign(&people[*by].entry(ledger, vec![Op::Share(share)], &with))
        }
        Try::Accept { by } => people[*by].sign_placed(&people[*by].accept(ledger)),
        Try::Cancel { by, whose } => {
            let op = cancel(ledger, people[*whose]);
            people[*by].sign(&people[*by].entry(ledger, vec![op], &[]))
        }
        Try::Rotate { by, link } => {
            let key = key_entry(ledger.current_key() + 1, Algorithm::SecretBox, *link);
            people[*by].sign(&people[*by].entry(ledger, vec![Op::Rotate(keyfold_format::scope::Rotate { key })], &[]))
        }
    }
}

fn check_rights(before: &Ledger, after: &Ledger, author: ScopeId, names: &BTreeMap<ScopeId, &str>) {
    assert!(!after.owners().is_empty(), "no owner is left");
    assert!(
        before.owners().is_subset(after.owners()) && after.owners().iter().all(|o| after.members().contains_key(o))
    );
    for (who, member) in after.members().iter().chain(after.pending().iter().map(|(w, s)| (w, &s.terms))) {
        let had = before.standing(who);
        let gained = after
            .permissions(who)
            .without(before.permissions(who))
            .without(had.map_or(Permissions::NONE, |m| m.permissions))
            | if after.pending().contains_key(who) && had.is_none() { member.permissions } else { Permissions::NONE };
        let held = before.permissions(&author);
        assert!(
            gained.is_empty() || (held.contains(Permissions::MANAGEMENT) && held.contains(gained)),
            "{} got {gained:?} from {} who holds {held:?}",
            names[who],
            names[&author]
        );
        if had.is_none() {
            assert!(held.contains(Permissions::SHARING), "{} was brought in without allowSharing", names[who]);
            assert!(before.members().contains_key(&author), "a stranger brought somebody in");
        }
        // Somebody who had no standing gets no more than the author has: keys, history, following, writing.
        if had.is_none()
            && let Some(own) = before.members().get(&author)
        {
            assert!(own.keys.contains_all(&member.keys));
            assert!(own.follows || !member.follows);
            assert!(member.history.is_none_or(|h| own.history.is_some_and(|o| o <= h)));
            assert!(member.read_only || !own.read_only);
        }
    }
    // A member gains keys, following and history from a share, each within the sharer's own; nothing else.
    for (who, had) in before.members() {
        let (has, own) = (&after.members()[who], before.members().get(&author));
        assert_eq!((has.permissions, has.read_only, has.expires_at), (had.permissions, had.read_only, had.expires_at));
        if after.current_key() == before.current_key() {
            let own = |n: u32| own.is_some_and(|own| own.keys.contains(n));
            assert!(has.keys.iter().all(|n| had.keys.contains(n) || own(n)), "{} gained a key", names[who]);
        }
        assert!(has.history.is_none() || has.follows, "history without following");
    }
    for who in before.members().keys() {
        assert!(after.members().contains_key(who), "nobody is removed by these ops");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_three_people_try_rights_and_knowledge_follow_the_ledger(attempts in tries()) {
        let mut world = World::new();
        let names: BTreeMap<ScopeId, &str> = people(&world).map(|p| (p.id(), p.name)).into();
        let mut handed = Knowledge::default();
        handed.learn(world.alice.id(), 1, true);
        // Wraps of pending shares wait at the server until the share is accepted.
        let mut waiting: BTreeMap<ScopeId, Vec<(u32, bool)>> = BTreeMap::new();

        for attempt in &attempts {
            let before = world.ledger.clone();
            let entry = entry_of(&world, attempt);
            let parsed = ScopeEntry::decode(&entry.signed).unwrap();
            let author = parsed.author();
            if world.append(entry).is_err() {
                prop_assert_eq!(&world.ledger, &before, "a rejected entry changed the state");
                continue;
            }
            check_rights(&before, &world.ledger, author, &names);
            // Whoever links to the key before must know it and its history secret.
            let (before_key, newest) = (before.current_key(), world.ledger.current_key());
            if newest > before_key && world.ledger.key(newest).unwrap().history_link.is_some() {
                prop_assert!(handed.histories.contains(&(author, before_key)), "a link that its author cannot make");
            }
            // Whoever shares must hold what he wraps.
            if let ScopeEntry::Ordinary(ordinary) = &parsed {
                for wrap in world.ledger.wraps_needed(&ordinary.ops).iter().filter(|wrap| wrap.key <= before_key) {
                    prop_assert!(handed.keys.contains(&(author, wrap.key)), "a key that its author lacks");
                    let reaches = !wrap.history || handed.histories.contains(&(author, wrap.key));
                    prop_assert!(reaches, "a history that its author lacks");
                }
            }

            match &parsed {
                ScopeEntry::Ordinary(ordinary) => {
                    for wrap in world.ledger.wraps_needed(&ordinary.ops) {
                        if world.ledger.members().contains_key(&wrap.recipient) {
                            prop_assert!(world.ledger.entitles(&wrap.recipient, wrap.key, wrap.history));
                            handed.learn(wrap.recipient, wrap.key, wrap.history);
                        } else {
                            prop_assert!(!world.ledger.entitles(&wrap.recipient, wrap.key, wrap.history), "pending");
                            waiting.entry(wrap.recipient).or_default().push((wrap.key, wrap.history));
                        }
                    }
                    waiting.retain(|who, _| world.ledger.pending().contains_key(who));
                }
                ScopeEntry::Placed(_) => {
                    for (key, history) in waiting.remove(&author).unwrap_or_default() {
                        prop_assert!(world.ledger.entitles(&author, key, history));
                        handed.learn(author, key, history);
                    }
                }
            }
            handed.close(&world.ledger);

            // The one thing that all of it is for: members open exactly what the ledger says, others nothing.
            for person in people(&world) {
                let opens: BTreeSet<u32> = handed.keys.iter().filter(|(who, _)| *who == person.id()).map(|(_, n)| *n).collect();
                let entitled: BTreeSet<u32> = world.ledger.members().get(&person.id()).map(|m| m.keys.iter().collect()).unwrap_or_default();
                prop_assert_eq!(opens, entitled, "{} opens another set of keys than he is entitled to", person.name);
            }
        }

        // Replicas converge: from nothing, and from a snapshot.
        prop_assert_eq!(&Ledger::replay(&world.entries, &world.accounts).unwrap(), &world.ledger);
        prop_assert_eq!(&Ledger::from_snapshot(&world.ledger.to_snapshot()).unwrap(), &world.ledger);
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
