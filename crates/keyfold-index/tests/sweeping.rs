//! Sweeping what nobody refers to, while others write, die and sweep.

use crate::support::{ALICE, BOB, Dice, Fault, Faulty, INDEX, Map, Member, NAME, all, batch, moment};
use futures_executor::block_on;
use keyfold_format::{IndexId, ObjectId, id::hash, label::HashLabel};
use keyfold_index::{
    Batch, Holder, Index, Query, Result, Swept,
    store::{MemoryStore, Reference, Store, StoreError, Swapped},
    sweep,
};
use proptest::prelude::*;
use std::{
    result::Result as Answer,
    sync::{Arc, Mutex},
};

const OTHER: &str = "another index";

fn open<S: Store>(store: S, member: Member, name: &str) -> Index<S, Member> {
    let id = if name == NAME { INDEX } else { IndexId([8; 32]) };
    Index::new(store, member, name, id, None)
}

/// Sweeps both indexes, with nothing in memory.
async fn swept<S: Store + Clone>(store: &S, member: Member, seed: u64) -> Result<Swept> {
    let indexes = [NAME, OTHER].map(|name| open(store.clone(), member, name));
    let holders = indexes.each_ref().map(|index| Holder { index, named: None });
    sweep(store, &holders, moment(&mut Dice(seed))).await
}

async fn contents<S: Store + Clone>(store: &S, name: &str) -> Map {
    let snapshot = open(store.clone(), BOB, name).latest().await.unwrap();
    assert_eq!(snapshot.check().await.unwrap().wrong, []);
    all(&snapshot, 0, Query::default()).await.unwrap().into_iter().collect()
}

fn many(count: u32, fill: u8) -> Map {
    (0..count).map(|n| (n.to_be_bytes().repeat(3), vec![fill; if n % 100 == 0 { 2_000 } else { 50 }])).collect()
}

fn of(map: &Map) -> Batch {
    batch(map.iter().map(|(key, value)| (key, Some(value))))
}

#[test]
fn what_was_put_for_nothing_is_swept_and_all_else_stays() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    block_on(async {
        assert_eq!(swept(&store, ALICE, 2).await.unwrap(), Swept::default());
        let (one, other) = (open(store.clone(), ALICE, NAME), open(store.clone(), BOB, OTHER));
        other.commit(of(&many(300, 9)), moment(&mut dice)).await.unwrap();
        one.commit(of(&many(3_000, 1)), moment(&mut dice)).await.unwrap();
        for n in 0..70u32 {
            one.commit(of(&many(1 + n % 7, n as u8)), moment(&mut dice)).await.unwrap();
        }
        let seen = one.seen();
        let old = one.latest().await.unwrap();
        one.commit(of(&many(2_500, 2)), moment(&mut dice)).await.unwrap();
        // A tail with long values, of which some are replaced there.
        one.commit(of(&many(400, 3)), moment(&mut dice)).await.unwrap();
        one.commit(of(&many(200, 4)), moment(&mut dice)).await.unwrap();
        swept(&store, ALICE, 3).await.unwrap();
        let (objects, bytes) = store.inner.stored();
        // Put, and not swapped.
        let mut long = Batch::new();
        (0..60u8).for_each(|n| drop(long.put(0, &[n], &[n; 20_000]).clone()));
        store.calls();
        store.fault(1, Fault::Lost);
        assert!(one.commit(long, moment(&mut dice)).await.is_err());
        assert_eq!(store.calls(), ["put", "swap"]);
        assert!(store.inner.stored().1 > bytes + 100_000);
        let before = [contents(&store, NAME).await, contents(&store, OTHER).await];
        assert_eq!(before[0].len(), 3_000);
        let did = swept(&store, BOB, 4).await.unwrap();
        assert!(did.deleted > 20 && did.unknown.is_empty(), "{did:?}");
        assert!(store.inner.stored().0 <= objects + 8, "{} objects, before {objects}", store.inner.stored().0);
        assert_eq!([contents(&store, NAME).await, contents(&store, OTHER).await], before);
        // Who reads what it was, and who was away, find what they need.
        assert_eq!(all(&old, 0, Query::default()).await.unwrap().len(), 3_000);
        Index::new(store.clone(), BOB, NAME, INDEX, seen).latest().await.unwrap();
        assert!(one.collect_garbage(u64::MAX).await.unwrap() > 20);
        assert_eq!(contents(&store, NAME).await, before[0]);
    });
}

#[test]
fn where_one_index_is_unknown_or_cannot_be_read_nothing_is_deleted() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    block_on(async {
        for name in [NAME, OTHER] {
            let index = open(store.clone(), ALICE, name);
            index.commit(of(&many(3_000, 1)), moment(&mut dice)).await.unwrap();
        }
        store.inner.put(vec![(ObjectId([1; 32]), vec![1; 1_024])]).await.unwrap();
        let before = store.inner.stored();
        let one = open(store.clone(), ALICE, NAME);
        let holders = [Holder { index: &one, named: None }];
        let did = sweep(&store, &holders, moment(&mut dice)).await.unwrap();
        assert_eq!(did, Swept { deleted: 0, unknown: vec![OTHER.to_owned()] });
        assert_eq!(store.inner.stored(), before, "not even a record");

        let lost = store.inner.list(None).await.unwrap();
        let mut refused = 0;
        for lost in lost.into_iter().filter(|id| *id != ObjectId([1; 32])) {
            store.inner.put(vec![(ObjectId([1; 32]), vec![1; 1_024])]).await.unwrap();
            *store.alter.lock().unwrap() = Some(Box::new(move |asked, bytes| {
                if *asked == lost {
                    *bytes = None;
                }
            }));
            let did = swept(&store, ALICE, refused).await;
            refused += u64::from(did.is_err());
            *store.alter.lock().unwrap() = None;
            if did.is_err() {
                let left = store.inner.get(&[ObjectId([1; 32])]).await.unwrap();
                assert!(left[0].is_some(), "what could not be looked through was swept");
            }
        }
        assert!(refused > 20, "{refused}");
    });
}

#[test]
fn what_values_name_is_kept_as_well() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    block_on(async {
        let index = open(store.clone(), ALICE, NAME);
        let pieces: Vec<ObjectId> = (0..40u8).map(|n| ObjectId(hash(HashLabel::Object, &[&[n]]))).collect();
        store.put(pieces.iter().map(|id| (*id, vec![7; 100])).collect()).await.unwrap();
        let named = |_: u16, key: &[u8], value: &[u8]| {
            let ids = if key.starts_with(b"file") { value.chunks(32) } else { [].chunks(32) };
            Ok(ids.filter_map(|id| Some(ObjectId(id.try_into().ok()?))).collect())
        };
        let ids = |of: &[ObjectId]| of.iter().flat_map(|id| id.0).collect::<Vec<u8>>();
        let mut folded = Batch::new();
        // One beside its key, one apart.
        folded.put(0, b"file a", &ids(&pieces[..3])).put(0, b"file b", &[ids(&pieces[3..10]), vec![0; 1_024]].concat());
        index.commit(folded, moment(&mut dice)).await.unwrap();
        assert!(index.fold(moment(&mut dice)).await.unwrap());
        let mut tail = Batch::new();
        tail.put(2, b"file c", &ids(&pieces[10..20])).put(0, b"note", &ids(&pieces[20..]));
        index.commit(tail, moment(&mut dice)).await.unwrap();
        let holders = [Holder { index: &index, named: Some(&named) }];
        assert_eq!(sweep(&store, &holders, moment(&mut dice)).await.unwrap().deleted, 20);
        let there = store.get(&pieces).await.unwrap();
        assert!(there[..20].iter().all(Option::is_some) && there[20..].iter().all(Option::is_none));
    });
}

/// What somebody else does meanwhile.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// He deletes what was replaced, and sweeps both indexes.
    Sweeps,
    /// He commits [`his()`].
    Commits,
}

/// So much that nodes are written.
fn his() -> Map {
    many(150, 6)
}

/// A storage in which somebody else does something just before one of its calls, as if whose call it is had slept.
#[derive(Clone, Default)]
struct Meanwhile {
    inner: MemoryStore,
    /// Behind how many calls, and what; only swaps count, or all.
    next: Arc<Mutex<Option<(usize, Deed)>>>,
    only_swaps: bool,
}

impl Meanwhile {
    fn set(&self, calls: usize, deed: Deed) {
        *self.next.lock().unwrap() = Some((calls, deed));
    }

    fn is_done(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }

    async fn call(&self, is_swap: bool) {
        if self.only_swaps && !is_swap {
            return;
        }
        let now = {
            let mut next = self.next.lock().unwrap();
            let now = next.and_then(|(left, deed)| (left == 0).then_some(deed));
            *next = next.and_then(|(left, deed)| Some((left.checked_sub(1)?, deed)));
            now
        };
        let bob = open(self.inner.clone(), BOB, NAME);
        match now {
            Some(Deed::Sweeps) => {
                bob.collect_garbage(u64::MAX).await.unwrap();
                swept(&self.inner, BOB, 77).await.unwrap();
            }
            Some(Deed::Commits) => bob.commit(of(&his()), moment(&mut Dice(78))).await.unwrap(),
            None => {}
        }
    }
}

impl Store for Meanwhile {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Answer<(), StoreError> {
        self.call(false).await;
        self.inner.put(objects).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Answer<Vec<Option<Vec<u8>>>, StoreError> {
        self.call(false).await;
        self.inner.get(ids).await
    }

    async fn delete(&self, ids: &[ObjectId]) -> Answer<(), StoreError> {
        self.call(false).await;
        self.inner.delete(ids).await
    }

    async fn read(&self, name: &str) -> Answer<Option<Reference>, StoreError> {
        self.call(false).await;
        self.inner.read(name).await
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Answer<Swapped, StoreError> {
        self.call(true).await;
        self.inner.swap(name, expected, bytes).await
    }

    async fn references(&self, after: Option<&str>) -> Answer<Vec<String>, StoreError> {
        self.call(false).await;
        self.inner.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> Answer<Vec<ObjectId>, StoreError> {
        self.call(false).await;
        self.inner.list(after).await
    }
}

/// Several states of an index, with what was replaced and what was put for nothing. What it holds now.
async fn worn(store: &Meanwhile) -> Map {
    let (mut dice, mut map) = (Dice(4), Map::new());
    let alice = open(store.clone(), ALICE, NAME);
    for (count, fill) in [(700, 1), (3, 2), (400, 3), (250, 4)] {
        alice.commit(of(&many(count, fill)), moment(&mut dice)).await.unwrap();
        map.extend(many(count, fill));
    }
    store.put((0..9).map(|n| (ObjectId([n; 32]), vec![n; 1_024])).collect()).await.unwrap();
    map
}

#[test]
fn two_who_collect_and_sweep_at_once_and_who_writes_meanwhile_lose_nothing() {
    block_on(async {
        for deed in [Deed::Sweeps, Deed::Commits] {
            let mut calls = 0;
            loop {
                let store = Meanwhile::default();
                let mut map = worn(&store).await;
                let alice = open(store.clone(), ALICE, NAME);
                store.set(calls, deed);
                alice.collect_garbage(u64::MAX).await.unwrap();
                let did = swept(&store, ALICE, 3).await.unwrap();
                assert!(did.unknown.is_empty(), "{deed:?} before call {calls}: {did:?}");
                if !store.is_done() {
                    break;
                }
                if matches!(deed, Deed::Commits) {
                    map.extend(his());
                }
                assert!(contents(&store.inner, NAME).await == map, "{deed:?} before call {calls}");
                // Whoever was too late to swap has put for nothing: that is found by the next one, and nothing behind him.
                open(store.inner.clone(), BOB, NAME).collect_garbage(u64::MAX).await.unwrap();
                let left = swept(&store.inner, BOB, 5).await.unwrap().deleted;
                assert!(left < 9, "{left} were left, {deed:?} before call {calls}");
                assert_eq!(swept(&store.inner, BOB, 6).await.unwrap().deleted, 0, "{deed:?} before call {calls}");
                assert!(contents(&store.inner, NAME).await == map, "{deed:?} before call {calls}");
                calls += 1;
            }
            assert!(calls > 8, "{deed:?}: only {calls} calls");
        }
    });
}

#[test]
fn who_sleeps_between_putting_and_swapping_loses_nothing_to_a_sweep() {
    block_on(async {
        for swaps in 0..4 {
            // The first record of all, a bulk, a small change with a long value, a fold.
            let store = Meanwhile { only_swaps: true, ..Meanwhile::default() };
            let alice = open(store.clone(), ALICE, NAME);
            let mut map = Map::new();
            store.set(swaps, Deed::Sweeps);
            for (count, fill) in [(2_500, 1), (1, 2), (101, 3)] {
                alice.commit(of(&many(count, fill)), moment(&mut Dice(u64::from(fill)))).await.unwrap();
                map.extend(many(count, fill));
                assert!(contents(&store.inner, NAME).await == map, "sweeping before swap {swaps}");
            }
            alice.fold(moment(&mut Dice(9))).await.unwrap();
            assert!(store.is_done(), "it was swept");
            assert!(contents(&store.inner, NAME).await == map);
            alice.collect_garbage(u64::MAX).await.unwrap();
            assert!(contents(&store.inner, NAME).await == map);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sweepers_that_die_between_any_two_calls_lose_nothing_that_is_referred_to(
        rounds in prop::collection::vec((0u32..3, 1u32..900, prop::option::of((0usize..12, 0usize..3)), 0u8..6), 1..14),
        seed in any::<u64>(),
    ) {
        let (mut dice, store) = (Dice(seed), Faulty::default());
        let names = [NAME, OTHER];
        let writers = names.map(|name| open(store.clone(), ALICE, name));
        let mut truth = [Map::new(), Map::new()];
        block_on(async {
            for (round, (start, count, fault, then)) in rounds.into_iter().enumerate() {
                let which = round % 2;
                let entries: Map = (start * 200..start * 200 + count).map(|n| (n.to_be_bytes().to_vec(), vec![round as u8; if n % 90 == 0 { 1_500 } else { 30 }])).collect();
                let mut with = truth[which].clone();
                with.extend(entries.clone());
                if let Some((after, kind)) = fault {
                    store.fault(after, [Fault::Lost, Fault::Unanswered, Fault::Half][kind]);
                }
                let done = writers[which].commit(of(&entries), moment(&mut dice)).await;
                match then {
                    0 => drop(writers[which].fold(moment(&mut dice)).await),
                    1 => drop(writers[which].collect_garbage(u64::MAX).await),
                    2 | 3 => drop(swept(&store, [ALICE, BOB][round % 2], dice.0).await),
                    4 => {
                        drop(swept(&store, ALICE, dice.0).await);
                        drop(swept(&store, BOB, dice.0 ^ 1).await);
                    }
                    _ => {}
                }
                let now = contents(&store.inner, names[which]).await;
                prop_assert!(now == with || (done.is_err() && now == truth[which]));
                truth[which] = now;
                prop_assert!(contents(&store.inner, names[1 - which]).await == truth[1 - which]);
            }
            prop_assert!(swept(&store.inner, ALICE, 5).await.unwrap().unknown.is_empty());
            for (name, truth) in names.iter().zip(&truth) {
                prop_assert!(contents(&store.inner, name).await == *truth);
            }
            Ok(())
        })?;
    }
}
