//! What differs between two moments, and what it costs to find out.

use crate::support::{ALICE, BOB, Dice, Faulty, Map, all, batch, index, moment};
use futures_executor::block_on;
use keyfold_index::{Batch, Difference, Query, store::MemoryStore};
use proptest::prelude::*;

fn key(n: u32) -> Vec<u8> {
    n.wrapping_mul(2_654_435_761).to_be_bytes().repeat(3)
}

/// What differs, as a map of tree 0.
fn keys(difference: Difference) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let Difference::Keys(changed) = difference else { panic!("it can be said") };
    assert!(changed.iter().all(|changed| changed.tree == 0));
    changed.into_iter().map(|changed| (changed.key.into_vec(), changed.value.map(|value| value.to_vec()))).collect()
}

/// What makes of one map another.
fn between(before: &Map, after: &Map) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differing.map(|key| (key.clone(), after.get(key).cloned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_differs_is_what_was_changed_whoever_folds_meanwhile(
        rounds in prop::collection::vec((prop::collection::vec((0u32..4_000, prop::option::of(0usize..60)), 1..300), 0u8..4), 2..12),
        seed in any::<u64>(),
    ) {
        let (mut dice, store) = (Dice(seed), MemoryStore::default());
        let (alice, bob) = (index(store.clone(), ALICE), index(store, BOB));
        let mut moments = vec![(None, Map::new())];
        block_on(async {
            for (changes, then) in rounds {
                let mut map = moments.last().unwrap().1.clone();
                let changes: Map = changes.into_iter().map(|(n, length)| (key(n), vec![9; length.unwrap_or(70)])).collect();
                let gone = |value: &Vec<u8>| value.len() == 70;
                let wishes = changes.iter().map(|(key, value)| (key, Some(value).filter(|value| !gone(value))));
                alice.commit(batch(wishes), moment(&mut dice)).await.unwrap();
                for (key, value) in changes.clone() {
                    if gone(&value) { map.remove(&key) } else { map.insert(key, value) };
                }
                match then {
                    0 => assert!(alice.fold(moment(&mut dice)).await.unwrap()),
                    // All at once, so that trees get higher and lower.
                    1 => {
                        let many: Map = (0..3_000).map(|n| (key(n), vec![1; 40])).collect();
                        alice.commit(batch(many.iter().map(|(key, value)| (key, Some(value)))), moment(&mut dice)).await.unwrap();
                        map.extend(many);
                    }
                    2 => {
                        let all: Vec<_> = map.keys().cloned().collect();
                        alice.commit(batch(all.iter().map(|key| (key, None))), moment(&mut dice)).await.unwrap();
                        map.clear();
                    }
                    _ => {}
                }
                moments.push((bob.latest().await.unwrap().generation(), map));
            }
            let now = bob.latest().await.unwrap();
            let last = moments.last().unwrap().1.clone();
            for (generation, map) in &moments[1..] {
                let (newest, difference) = bob.changes(*generation).await.unwrap();
                prop_assert_eq!(newest, now.generation());
                prop_assert_eq!(keys(difference), between(map, &last));
                for n in [5, 900, 3_500] {
                    let query = Query::prefix(&key(n));
                    let is_changed = map.get(&key(n)) != last.get(&key(n));
                    prop_assert_eq!(bob.is_changed(0, &query, *generation).await.unwrap().1, is_changed);
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn what_differs_in_the_tail_asks_nobody_and_in_a_tree_what_is_above_it() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    let (alice, bob) = (index(store.clone(), ALICE), index(store.clone(), BOB));
    block_on(async {
        let mut many = Batch::new();
        for n in 0..40_000u32 {
            many.put(0, &n.to_be_bytes().repeat(3), &[1; 90]);
        }
        alice.commit(many, moment(&mut dice)).await.unwrap();
        let whole = all(&bob.latest().await.unwrap(), 0, Query::default()).await.unwrap().len();
        let before = bob.latest().await.unwrap().generation();
        let changed = [7u32, 8, 39_000].map(|n| n.to_be_bytes().repeat(3));
        let mut few = Batch::new();
        few.put(0, &changed[0], b"new").remove(0, &changed[1]).put(0, &changed[2], &[2; 3_000]);
        few.put(0, b"the same", b"").remove(0, b"nobody").put(0, &9u32.to_be_bytes().repeat(3), &[1; 90]);
        alice.commit(few, moment(&mut dice)).await.unwrap();
        bob.latest().await.unwrap();
        let expected = |difference| {
            let keys = keys(difference);
            assert_eq!(
                keys.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(),
                [&changed[0][..], &changed[1], &changed[2], b"the same"]
            );
            assert_eq!(
                keys.iter().map(|(_, value)| value.as_ref().map(Vec::len)).collect::<Vec<_>>(),
                [Some(3), None, Some(3_000), Some(0)]
            );
        };
        store.calls();
        expected(bob.changes(before).await.unwrap().1);
        assert_eq!(store.calls(), ["read", "get"], "the value that stands apart");

        assert!(alice.fold(moment(&mut dice)).await.unwrap());
        bob.latest().await.unwrap();
        store.calls();
        expected(bob.changes(before).await.unwrap().1);
        let calls = store.calls();
        assert!(calls.len() <= 5 && whole == 40_000, "{calls:?}");
        // Where nothing of it changed, nobody is told so.
        let elsewhere = Query::parts(&[]).unwrap();
        assert!(bob.is_changed(0, &elsewhere, before).await.unwrap().1);
        assert!(!bob.is_changed(0, &Query::prefix(b"unknown"), before).await.unwrap().1);
        assert!(!bob.is_changed(1, &elsewhere, before).await.unwrap().1);

        // What nobody remembers, and what is collected, is to be read whole.
        assert_eq!(index(store.clone(), BOB).changes(before).await.unwrap().1, Difference::Whole);
        let carol = index(store.clone(), BOB);
        let seen = carol.latest().await.unwrap().generation();
        let mut all_of_it = Batch::new();
        for n in 0..40_000u32 {
            all_of_it.put(0, &n.to_be_bytes().repeat(3), &[3; 90]);
        }
        alice.commit(all_of_it, moment(&mut dice)).await.unwrap();
        alice.collect_garbage(u64::MAX).await.unwrap();
        assert_eq!(carol.changes(seen).await.unwrap().1, Difference::Whole);
        assert!(carol.is_changed(0, &Query::prefix(b"unknown"), seen).await.unwrap().1);
        assert_eq!(carol.changes(None).await.unwrap().1, Difference::Whole);
    });
}
