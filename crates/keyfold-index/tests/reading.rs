//! How often reading asks the storage: what belongs together is fetched together, and no more than is wanted.

use crate::support::{ALICE, BOB, Dice, Faulty, all, index, moment};
use futures_executor::block_on;
use keyfold_index::{Batch, Query, Snapshot};
use std::ops::Bound;

fn key(n: u32) -> Vec<u8> {
    n.to_be_bytes().repeat(3)
}

/// Many entries in tree 0 and few in tree 3, folded, with a tail above them.
fn filled(store: &Faulty, count: u32, value: impl Fn(u32) -> Vec<u8>) {
    let (mut dice, alice) = (Dice(1), index(store.clone(), ALICE));
    block_on(async {
        let mut batch = Batch::new();
        for n in 0..count {
            batch.put(0, &key(n), &value(n));
        }
        for n in 0..300u32 {
            batch.put(3, &key(n), &[3; 300]);
        }
        alice.commit(batch, moment(&mut dice)).await.unwrap();
        assert!(alice.fold(moment(&mut dice)).await.unwrap());
        let mut tail = Batch::new();
        tail.put(0, &key(7), b"newer").remove(0, &key(8)).put(0, &key(count + 5), &[5; 2_000]);
        alice.commit(tail, moment(&mut dice)).await.unwrap();
    });
    store.calls();
}

async fn read_by_somebody_else(store: &Faulty) -> Snapshot<Faulty, crate::support::Member> {
    let snapshot = index(store.clone(), BOB).latest().await.unwrap();
    store.calls();
    snapshot
}

#[test]
fn many_keys_of_several_trees_cost_as_many_round_trips_as_one() {
    let store = Faulty::default();
    filled(&store, 60_000, |n| if n % 500 == 0 { vec![n as u8; 2_000] } else { vec![n as u8; 90] });
    block_on(async {
        // Three levels, of which the topmost stands in the record; then what stands apart.
        let one = read_by_somebody_else(&store).await;
        assert_eq!(one.get(0, &key(30_500)).await.unwrap().unwrap().len(), 2_000);
        assert_eq!(store.calls(), ["get"; 3]);

        let snapshot = read_by_somebody_else(&store).await;
        let mut keys: Vec<(u16, Vec<u8>)> = (0..60_000).step_by(250).map(|n| (0, key(n))).collect();
        keys.extend([(0, key(7)), (0, key(8)), (0, b"nobody".to_vec()), (0, key(60_005))]);
        keys.extend([(3, key(9)), (3, key(999)), (9, key(1)), (3, key(9))]);
        let values = snapshot.get_many(&keys).await.unwrap();
        assert_eq!(store.calls(), ["get"; 3]);
        let lengths: Vec<_> = values.iter().map(|value| value.as_ref().map(|value| value.len())).collect();
        assert!(lengths[..240].chunks(2).all(|pair| pair == [Some(2_000), Some(90)]));
        assert_eq!(lengths[240..], [Some(5), None, None, Some(2_000), Some(300), None, None, Some(300)]);
        for ((tree, key), value) in keys.iter().zip(&values) {
            assert_eq!(snapshot.get(*tree, key).await.unwrap(), *value);
        }
        assert_eq!(snapshot.get_many::<Vec<u8>>(&[]).await.unwrap(), []);
    });
}

#[test]
fn reading_on_fetches_more_at_once_in_both_directions() {
    let store = Faulty::default();
    filled(&store, 60_000, |n| vec![n as u8; 90]);
    block_on(async {
        for reverse in [false, true] {
            let snapshot = read_by_somebody_else(&store).await;
            let mut range = snapshot.range(0, Query { reverse, ..Query::default() });
            let (mut pages, mut calls) = (0, Vec::new());
            while range.next().await.unwrap().is_some() {
                pages += 1;
                calls.push(store.calls().len());
            }
            let all: usize = calls.iter().sum();
            assert!(pages > 700, "{pages}");
            // 1, 2, 3, 5, 9, … 65 leaves, and the nodes above them.
            assert!(all < pages / 64 + 20, "{all} round trips for {pages} leaves");
            assert_eq!(calls[..9].iter().filter(|calls| **calls > 0).count(), 4, "little by little: {calls:?}");
        }
    });
}

#[test]
fn values_that_stand_apart_are_fetched_with_those_of_the_leaves_ahead_and_within_bounds() {
    let (small, large) = (Faulty::default(), Faulty::default());
    filled(&small, 6_000, |n| if n % 3 == 0 { vec![n as u8; 1_100] } else { vec![n as u8; 700] });
    filled(&large, 60, |n| vec![n as u8; if n % 2 == 0 { 600_000 } else { 1_000 }]);
    block_on(async {
        for reverse in [false, true] {
            let query = Query { reverse, ..Query::default() };
            let found = all(&read_by_somebody_else(&small).await, 0, query.clone()).await.unwrap();
            let calls = small.calls().len();
            assert!(found.len() == 6_000 && calls < 60, "{calls} round trips for 2,000 values in hundreds of leaves");
            let found = all(&read_by_somebody_else(&large).await, 0, query).await.unwrap();
            let bytes: usize = found.iter().map(|(_, value)| value.len()).sum();
            assert!(found.len() == 60 && bytes > 17_000_000);
        }
    });
}

#[test]
fn who_wants_few_entries_is_fetched_few_leaves_all_at_once() {
    let store = Faulty::default();
    filled(&store, 60_000, |n| vec![n as u8; 90]);
    block_on(async {
        for reverse in [false, true] {
            for (wanted, most) in [(1, 1), (10, 1), (500, 9), (3_000, 42)] {
                let snapshot = read_by_somebody_else(&store).await;
                let fetched = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
                let counted = fetched.clone();
                *store.alter.lock().unwrap() = Some(Box::new(move |_, _| {
                    counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }));
                let from = Bound::Included(key(20_000).into());
                let to = Bound::Included(key(40_000).into());
                let mut range = snapshot.range(0, Query { from, to, reverse, skip: 0 }).at_most(wanted);
                let mut found = Vec::new();
                while let Some(page) = range.next().await.unwrap() {
                    page.each(|key, _| found.push(key.to_vec()));
                }
                let expected = (0..wanted as u32).map(|n| key(if reverse { 40_000 - n } else { 20_000 + n }));
                assert!(found.into_iter().eq(expected), "{wanted} {reverse}");
                let calls = store.calls().len();
                assert!(calls <= 4, "{calls} round trips");
                let leaves = fetched.load(std::sync::atomic::Ordering::Relaxed) - 1;
                assert!(leaves <= most + 2, "{leaves} leaves and nodes for {wanted}");
            }
        }
    });
}

#[test]
fn an_offset_is_counted_in_nodes_and_not_read() {
    let store = Faulty::default();
    filled(&store, 60_000, |n| vec![n as u8; 90]);
    block_on(async {
        for reverse in [false, true] {
            let snapshot = read_by_somebody_else(&store).await;
            // Key 8 is gone in the tail, and one is behind the others there.
            let query = Query { skip: 45_000, reverse, ..Query::default() };
            assert_eq!(snapshot.count(0, &query).await.unwrap(), 15_000);
            let mut range = snapshot.range(0, query).at_most(3);
            let page = range.next().await.unwrap().unwrap().into_entries();
            let keys: Vec<_> = page.into_iter().map(|(key, _)| key.into_vec()).collect();
            let expected = if reverse { [15_000, 14_999, 14_998] } else { [45_001, 45_002, 45_003] };
            assert_eq!(keys, expected.map(key));
            let calls = store.calls().len();
            assert!(calls <= 6, "{calls} round trips");
            for skip in [60_000, 60_001, u64::MAX] {
                let mut nothing = snapshot.range(0, Query { skip, reverse, ..Query::default() });
                assert!(nothing.next().await.unwrap().is_none());
            }
        }
    });
}

#[test]
fn reading_goes_on_behind_a_key_whatever_was_committed_since() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    filled(&store, 3_000, |n| vec![n as u8; 90]);
    let alice = index(store.clone(), ALICE);
    block_on(async {
        for reverse in [false, true] {
            let (mut query, mut seen) = (Query { reverse, ..Query::default() }, Vec::new());
            loop {
                let snapshot = alice.latest().await.unwrap();
                let Some(page) = snapshot.range(0, query.clone()).at_most(100).next().await.unwrap() else { break };
                let keys: Vec<Vec<u8>> = page.into_entries().into_iter().map(|(key, _)| key.into_vec()).collect();
                // What was seen is taken away, with the key that reading goes on from; and something comes before it.
                let mut batch = Batch::new();
                for key in &keys {
                    batch.remove(0, key).put(0, &[&key[..], b"?"].concat(), b"new");
                }
                alice.commit(batch, moment(&mut dice)).await.unwrap();
                query = query.after(&[keys.last().unwrap(), &b"?"[..]].concat());
                if seen.len() % 700 == 0 {
                    assert!(alice.fold(moment(&mut dice)).await.unwrap());
                }
                seen.extend(keys);
            }
            assert!(seen.len() >= 3_000, "{}", seen.len());
            assert!(if reverse { seen.is_sorted_by(|a, b| a > b) } else { seen.is_sorted_by(|a, b| a < b) });
            let everything = all(&alice.latest().await.unwrap(), 0, Query::default()).await.unwrap();
            assert!(everything.len() >= 3_000);
        }
        // A key outside of what was asked for does not widen it.
        let asked = Query {
            from: Bound::Included(b"c".as_slice().into()),
            to: Bound::Excluded(b"f".as_slice().into()),
            ..Query::default()
        };
        assert_eq!(asked.clone().after(b"a"), asked);
        assert!(!asked.clone().after(b"d").has(b"d") && asked.clone().after(b"d").has(b"d\0"));
        let reversed = Query { reverse: true, ..asked };
        assert_eq!(reversed.clone().after(b"x"), reversed);
        assert!(!reversed.clone().after(b"d").has(b"d") && reversed.after(b"d").has(b"c"));
    });
}
