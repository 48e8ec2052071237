//! An index is a sorted map: whatever is done to both, they say the same.

use crate::support::{ALICE, BOB, Dice, Map, Member, all, batch, index, moment};
use futures_executor::block_on;
use keyfold_index::{
    Batch, Query,
    key::{Part, encode, encode_text_prefix},
    store::MemoryStore,
};
use proptest::prelude::*;
use std::ops::Bound;

#[derive(Clone, Debug)]
enum Deed {
    Commit(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Fold,
    Collect,
    /// Another client, with nothing in memory.
    Reopen,
    /// The keychain has a new key.
    Rotate,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0u16..600).prop_map(|n| format!("key {n:05}").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => (0u8..9).prop_map(|n| vec![n; 1_024]),
    ]
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..150).prop_map(Some),
        2 => Just(None),
        1 => (0usize..1_500).prop_map(|n| Some(vec![7; n])),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => prop::collection::vec((key(), value()), 1..120).prop_map(Deed::Commit),
        2 => Just(Deed::Fold),
        1 => Just(Deed::Collect),
        1 => Just(Deed::Reopen),
        1 => Just(Deed::Rotate),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Box<[u8]>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(|key| Bound::Included(key.into())),
        key().prop_map(|key| Bound::Excluded(key.into())),
    ]
}

fn within(query: &Query, key: &[u8]) -> bool {
    let from = match &query.from {
        Bound::Included(from) => key >= &**from,
        Bound::Excluded(from) => key > &**from,
        Bound::Unbounded => true,
    };
    let to = match &query.to {
        Bound::Included(to) => key <= &**to,
        Bound::Excluded(to) => key < &**to,
        Bound::Unbounded => true,
    };
    from && to
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_index_is_a_sorted_map_whatever_is_done_to_it(
        deeds in prop::collection::vec(deed(), 1..25),
        queries in prop::collection::vec((bound(), bound(), any::<bool>(), prop_oneof![1 => Just(0u64), 2 => 0u64..400]), 6),
        asked in prop::collection::vec(key(), 10),
        waiting in prop::collection::vec(prop::collection::vec((key(), value()), 1..60), 0..4),
        seed in any::<u64>(),
    ) {
        let (mut dice, store, mut map) = (Dice(seed), MemoryStore::default(), Map::new());
        let mut member = ALICE;
        let mut current = index(store.clone(), member);
        block_on(async {
            for deed in deeds {
                match deed {
                    Deed::Commit(changes) => {
                        current.commit(batch(changes.iter().map(|(k, v)| (k, v.as_ref()))), moment(&mut dice)).await.unwrap();
                        for (key, value) in changes {
                            match value {
                                Some(value) => map.insert(key, value),
                                None => map.remove(&key),
                            };
                        }
                    }
                    Deed::Fold => assert!(current.fold(moment(&mut dice)).await.unwrap()),
                    Deed::Collect => drop(current.collect_garbage(u64::MAX).await.unwrap()),
                    Deed::Reopen => current = index(store.clone(), member),
                    Deed::Rotate => {
                        member = Member { current: member.current + 1, ..member };
                        current = index(store.clone(), member);
                    }
                }
            }
            assert_eq!(index(store.clone(), member).latest().await.unwrap().check().await.unwrap().wrong, []);
            // What waits is seen as if it had been committed.
            let waits: Vec<Batch> =
                waiting.iter().map(|changes| batch(changes.iter().map(|(k, v)| (k, v.as_ref())))).collect();
            let mut with = map.clone();
            for (key, value) in waiting.into_iter().flatten() {
                match value {
                    Some(value) => with.insert(key, value),
                    None => with.remove(&key),
                };
            }
            let latest = current.latest().await.unwrap();
            let with = if latest.generation().is_some() { with } else { Map::new() };
            let on_it = latest.with(&waits);
            let fresh = index(store.clone(), member).latest().await.unwrap();
            for (snapshot, map) in [(latest, &map), (fresh, &map), (on_it, &with)] {
                for (from, to, reverse, skip) in &queries {
                    let query = Query { from: from.clone(), to: to.clone(), reverse: *reverse, skip: *skip };
                    let mut expected: Vec<_> = map.iter().filter(|(key, _)| within(&query, key)).map(|(k, v)| (k.clone(), v.clone())).collect();
                    if *reverse {
                        expected.reverse();
                    }
                    expected.drain(..expected.len().min(*skip as usize));
                    prop_assert_eq!(snapshot.count(0, &query).await.unwrap(), expected.len() as u64);
                    prop_assert_eq!(all(&snapshot, 0, query).await.unwrap(), expected);
                }
                let together: Vec<(u16, &Vec<u8>)> = asked.iter().map(|key| (0, key)).collect();
                let values = snapshot.get_many(&together).await.unwrap();
                for (key, value) in asked.iter().zip(values) {
                    prop_assert_eq!(value.map(|value| value.to_vec()), map.get(key).cloned());
                    prop_assert_eq!(snapshot.get(0, key).await.unwrap().map(|value| value.to_vec()), map.get(key).cloned());
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn many_entries_loaded_at_once_are_there_in_nodes_that_are_nearly_full() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let entries: Map = (0..50_000u32).map(|n| (n.to_be_bytes().repeat(4), vec![n as u8; 100])).collect();
    let alice = index(store.clone(), ALICE);
    block_on(async {
        alice.commit(batch(entries.iter().map(|(k, v)| (k, Some(v)))), moment(&mut dice)).await.unwrap();
        let snapshot = index(store.clone(), BOB).latest().await.unwrap();
        assert_eq!(all(&snapshot, 0, Query::default()).await.unwrap(), entries.into_iter().collect::<Vec<_>>());
        assert_eq!(snapshot.count(0, &Query::default()).await.unwrap(), 50_000);
    });
    let live = 50_000 * 116;
    assert!(store.stored().1 < live * 116 / 100, "{} bytes for {live}", store.stored().1);
}

#[test]
fn what_was_deleted_and_written_over_and_over_is_collected() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store.clone(), ALICE);
    let key = |n: u32| n.wrapping_mul(2_654_435_761).to_be_bytes().repeat(4);
    block_on(async {
        for round in 0..12u8 {
            let mut batch = Batch::new();
            for n in (0..20_000).filter(|n| round == 0 || n % 11 == u32::from(round)) {
                batch.put(0, &key(n), &[round; 100]);
            }
            alice.commit(batch, moment(&mut dice)).await.unwrap();
            alice.fold(moment(&mut dice)).await.unwrap();
        }
        assert!(alice.collect_garbage(u64::MAX).await.unwrap() > 100);
        assert_eq!(alice.latest().await.unwrap().count(0, &Query::default()).await.unwrap(), 20_000);
        assert_eq!(all(&alice.latest().await.unwrap(), 0, Query::default()).await.unwrap().len(), 20_000);
    });
    let live = 20_000 * 116;
    assert!(store.stored().1 < live * 16 / 10, "{} bytes for {live}", store.stored().1);
}

#[test]
fn trees_change_together_and_apart_from_each_other() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        for round in 0..3u32 {
            let mut batch = Batch::new();
            for n in 0..1_500u32 {
                batch.put(0, &n.to_be_bytes(), &round.to_be_bytes()).put(5, &(n * 2).to_be_bytes(), b"");
            }
            batch.remove(0, &round.to_be_bytes());
            alice.commit(batch, moment(&mut dice)).await.unwrap();
        }
        let snapshot = index(store, BOB).latest().await.unwrap();
        assert_eq!(snapshot.count(0, &Query::default()).await.unwrap(), 1_499);
        assert_eq!(snapshot.count(5, &Query::default()).await.unwrap(), 1_500);
        assert_eq!(snapshot.count(3, &Query::default()).await.unwrap(), 0);
        assert_eq!(snapshot.get(5, &7u32.to_be_bytes()).await.unwrap(), None);
    });
}

#[test]
fn composite_keys_are_found_by_their_first_parts() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store, ALICE);
    let text = |text: &str| Part::Text(text.to_owned());
    block_on(async {
        let mut batch = Batch::new();
        for (year, name) in [(2024, "rent"), (2025, "rent"), (2025, "rent\0 two"), (2025, "food"), (2026, "food")] {
            batch.put(0, &encode(&[Part::Integer(year), text(name), Part::Date(5)]).unwrap(), name.as_bytes());
        }
        alice.commit(batch, moment(&mut dice)).await.unwrap();
        let snapshot = alice.latest().await.unwrap();
        let found = |parts: Vec<Part>| {
            let snapshot = &snapshot;
            async move { snapshot.count(0, &Query::parts(&parts).unwrap()).await.unwrap() }
        };
        assert_eq!(found(vec![]).await, 5);
        assert_eq!(found(vec![Part::Float(2025.0)]).await, 3);
        assert_eq!(found(vec![Part::Integer(2025), text("rent")]).await, 1);
        assert_eq!(found(vec![text("rent")]).await, 0);
        let start = encode_text_prefix(&[Part::Integer(2025)], "re").unwrap();
        assert_eq!(snapshot.count(0, &Query::prefix(&start)).await.unwrap(), 2);
    });
}
