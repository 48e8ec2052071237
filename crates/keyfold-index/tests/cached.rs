//! A cache before a storage: it saves questions, and whatever it gives back, nobody is told anything wrong.

use crate::support::{ALICE, BOB, Dice, Faulty, all, index, moment};
use futures_executor::block_on;
use futures_util::FutureExt;
use keyfold_format::ObjectId;
use keyfold_index::{
    Batch, Index, IndexError, Query,
    store::{Cache, Cached, MemoryStore, Store, conformance::checks},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

/// A cache that the test looks into.
#[derive(Clone, Default)]
struct Drawer(Arc<Mutex<BTreeMap<ObjectId, Vec<u8>>>>);

impl Cache for Drawer {
    async fn find(&self, ids: &[ObjectId]) -> Vec<Option<Vec<u8>>> {
        let drawer = self.0.lock().unwrap();
        ids.iter().map(|id| drawer.get(id).cloned()).collect()
    }

    async fn keep(&self, objects: Vec<(ObjectId, Vec<u8>)>) {
        self.0.lock().unwrap().extend(objects);
    }

    async fn forget(&self, ids: &[ObjectId]) {
        self.0.lock().unwrap().retain(|id, _| !ids.contains(id));
    }
}

/// One that keeps nothing and answers nothing, not even that.
#[derive(Clone, Copy)]
struct Broken;

impl Cache for Broken {
    async fn find(&self, _: &[ObjectId]) -> Vec<Option<Vec<u8>>> {
        Vec::new()
    }

    async fn keep(&self, _: Vec<(ObjectId, Vec<u8>)>) {}

    async fn forget(&self, _: &[ObjectId]) {}
}

type Contents = Vec<(Vec<u8>, Vec<u8>)>;

/// An index with some thousand entries and values that stand apart, and what is in it.
fn filled() -> (Faulty, Contents) {
    let (store, mut dice, mut batch) = (Faulty::default(), Dice(1), Batch::new());
    let value = |n: u32| vec![n as u8; if n.is_multiple_of(500) { 5_000 } else { 90 }];
    let contents: Contents = (0..5_000u32).map(|n| (n.to_be_bytes().to_vec(), value(n))).collect();
    contents.iter().for_each(|(key, value)| _ = batch.put(0, key, value));
    block_on(index(store.clone(), ALICE).commit(batch, moment(&mut dice))).unwrap();
    store.calls();
    (store, contents)
}

fn read<S: Store>(store: S) -> Result<Contents, IndexError> {
    block_on(async { all(&index(store, BOB).latest().await?, 0, Query::default()).await })
}

#[test]
fn who_reads_again_asks_for_the_reference_only() {
    let (store, contents) = filled();
    let cached = Cached::new(store.clone(), Drawer::default());
    assert!(read(cached.clone()).unwrap() == contents);
    assert!(store.calls().iter().filter(|call| **call == "get").count() > 1);
    assert!(read(cached).unwrap() == contents);
    assert_eq!(store.calls(), ["read"]);
}

#[test]
fn what_one_wrote_a_little_of_is_near() {
    let (store, _) = filled();
    let cached = Cached::new(store.clone(), Drawer::default());
    let writer = index(cached.clone(), ALICE);
    let (mut dice, mut batch) = (Dice(2), Batch::new());
    // So much that it is an object of its own.
    (0..200u32).for_each(|n| _ = batch.put(1, &n.to_be_bytes(), &[7; 100]));
    block_on(writer.commit(batch, moment(&mut dice))).unwrap();
    store.calls();
    let found = block_on(async { index(cached, BOB).latest().await?.get(1, &3u32.to_be_bytes()).await });
    assert_eq!(found.unwrap().unwrap().as_slice(), [7; 100]);
    assert_eq!(store.calls(), ["read"]);
}

#[test]
fn what_a_cache_altered_cut_or_swapped_is_fetched_anew_and_replaced() {
    let (store, contents) = filled();
    let drawer = Drawer::default();
    read(Cached::new(store.clone(), drawer.clone())).unwrap();
    let whole = drawer.0.lock().unwrap().clone();
    let other = whole.values().next_back().unwrap().clone();
    type Spoil<'a> = &'a dyn Fn(&mut Vec<u8>);
    let spoils: [Spoil<'_>; 4] =
        [&|bytes| bytes[100] ^= 1, &|bytes| bytes.truncate(10), &|bytes| bytes.clear(), &|bytes| {
            *bytes = other.clone()
        }];
    for spoil in spoils {
        drawer.0.lock().unwrap().values_mut().for_each(spoil);
        assert!(read(Cached::new(store.clone(), drawer.clone())).unwrap() == contents);
        assert!(*drawer.0.lock().unwrap() == whole, "it is as it was");
    }
}

#[test]
fn what_a_storage_altered_is_refused_and_not_kept() {
    let (store, contents) = filled();
    let drawer = Drawer::default();
    *store.alter.lock().unwrap() = Some(Box::new(|_, bytes| bytes.as_mut().unwrap()[50] ^= 1));
    let cached = Cached::new(store.clone(), drawer.clone());
    assert!(matches!(read(cached.clone()), Err(IndexError::Damaged(_))));
    assert!(drawer.0.lock().unwrap().is_empty());
    *store.alter.lock().unwrap() = None;
    assert!(read(cached).unwrap() == contents);
}

#[test]
fn a_cache_that_keeps_nothing_is_as_good_as_none() {
    let (store, contents) = filled();
    assert!(read(Cached::new(store, Broken)).unwrap() == contents);
}

#[test]
fn what_was_deleted_is_not_near_either() {
    let (store, _) = filled();
    let drawer = Drawer::default();
    let cached = Cached::new(store, drawer.clone());
    read(cached.clone()).unwrap();
    let ids: Vec<ObjectId> = drawer.0.lock().unwrap().keys().copied().collect();
    block_on(cached.delete(&ids)).unwrap();
    assert!(drawer.0.lock().unwrap().is_empty());
    assert!(block_on(cached.get(&ids)).unwrap().iter().all(Option::is_none));
}

#[test]
fn a_storage_with_a_cache_is_a_storage() {
    type Stores = RefCell<HashMap<&'static str, Cached<MemoryStore, Drawer>>>;
    let stores: Stores = RefCell::default();
    let open = |name| {
        let mut stores = stores.borrow_mut();
        let store = stores.entry(name).or_insert_with(|| Cached::new(MemoryStore::default(), Drawer::default()));
        let store = store.clone();
        async move { store }.boxed()
    };
    for (name, check) in checks() {
        println!("{name}");
        block_on(check(&open));
    }
}

#[test]
fn an_index_is_read_as_it_stood_and_no_older_than_it_was_seen() {
    let (store, contents) = filled();
    let cached = Cached::new(store.clone(), Drawer::default());
    let (reader, mut dice) = (index(cached.clone(), BOB), Dice(3));
    block_on(reader.latest()).unwrap();
    read(cached.clone()).unwrap();
    let stood = cached.stood(&reader.version().unwrap()).unwrap();
    assert_eq!(cached.stood("another version"), None);
    block_on(reader.commit(Batch::new().put(0, &[1], &[1]).clone(), moment(&mut dice))).unwrap();
    let newer = cached.stood(&reader.version().unwrap()).unwrap();
    assert!(newer != stood);
    store.calls();
    let later = |seen| Index::new(cached.clone(), BOB, crate::support::NAME, crate::support::INDEX, seen);
    let read_at = |reference, seen| {
        let later = later(seen);
        block_on(async { all(&later.as_it_stood(reference).await?, 0, Query::default()).await })
    };
    assert!(read_at(stood.clone(), None).unwrap() == contents);
    assert_eq!(read_at(newer, reader.seen()).unwrap().len(), contents.len() + 1);
    assert_eq!(store.calls(), [""; 0], "nothing is asked");
    assert_eq!(read_at(stood, reader.seen()), Err(IndexError::Rollback));
}
