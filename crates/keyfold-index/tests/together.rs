//! Several who commit at once through one client.

use crate::support::{ALICE, BOB, Dice, Member, all, index, moment};
use futures_executor::block_on;
use futures_util::{FutureExt, future::join_all};
use keyfold_format::ObjectId;
use keyfold_index::{
    Batch, Index, IndexError, Query,
    store::{MemoryStore, Reference, Store, StoreError, Swapped},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

fn put(key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.put(0, key, value);
    batch
}

/// A storage that takes its time to swap.
#[derive(Clone, Default)]
struct Slow {
    inner: MemoryStore,
    is_shut: Arc<AtomicBool>,
    is_lost: Arc<AtomicBool>,
    swaps: Arc<AtomicUsize>,
}

impl Store for Slow {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        self.inner.put(objects).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.inner.get(ids).await
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        self.inner.delete(ids).await
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        self.inner.read(name).await
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        let is_open = |context: &mut Context<'_>| {
            context.waker().wake_by_ref();
            if self.is_shut.load(Ordering::Relaxed) { Poll::Pending } else { Poll::Ready(()) }
        };
        std::future::poll_fn(is_open).await;
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(StoreError::Unreachable("a test".to_owned()));
        }
        self.swaps.fetch_add(1, Ordering::Relaxed);
        self.inner.swap(name, expected, bytes).await
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.inner.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        self.inner.list(after).await
    }
}

/// Commits that all wait before the first of them is done.
async fn at_once(alice: &Index<Slow, Member>, store: &Slow, batches: Vec<Batch>) -> Vec<Result<(), IndexError>> {
    store.is_shut.store(true, Ordering::Relaxed);
    let commits = (2u64..).zip(batches).map(|(seed, batch)| async move {
        let mut dice = Dice(seed);
        alice.commit(batch, moment(&mut dice)).await
    });
    let mut commits = Box::pin(join_all(commits));
    assert!((&mut commits).now_or_never().is_none());
    store.is_shut.store(false, Ordering::Relaxed);
    commits.await
}

#[test]
fn commits_that_wait_at_the_same_time_go_out_as_one_swap_in_their_order() {
    let store = Slow::default();
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let batches = (0..50u32).map(|n| put(&n.to_be_bytes(), b"").put(0, b"last", &n.to_be_bytes()).clone());
        assert!(at_once(&alice, &store, batches.collect()).await.iter().all(Result::is_ok));
        assert_eq!(store.swaps.load(Ordering::Relaxed), 2, "the first, and those that waited for it");
        let snapshot = index(store, BOB).latest().await.unwrap();
        assert_eq!(snapshot.count(0, &Query::default()).await.unwrap(), 51);
        assert_eq!(snapshot.get(0, b"last").await.unwrap().unwrap().as_slice(), 49u32.to_be_bytes());
    });
}

#[test]
fn no_more_go_out_together_than_the_tail_takes() {
    let store = Slow::default();
    let alice = index(store.clone(), ALICE);
    block_on(async {
        alice.commit(put(b"first", b""), moment(&mut Dice(1))).await.unwrap();
        store.swaps.store(0, Ordering::Relaxed);
        let batches = (0..12u32).map(|n| {
            let mut batch = Batch::new();
            (0..600u32).for_each(|m| _ = batch.put(0, &[n.to_be_bytes(), m.to_be_bytes()].concat(), b""));
            batch
        });
        assert!(at_once(&alice, &store, batches.collect()).await.iter().all(Result::is_ok));
        // One, then three at a time.
        assert_eq!(store.swaps.load(Ordering::Relaxed), 5);
        assert_eq!(alice.latest().await.unwrap().count(0, &Query::default()).await.unwrap(), 7_201);
    });
}

#[test]
fn each_is_told_its_own_outcome_and_a_fault_of_the_storage_is_told_to_all() {
    let store = Slow::default();
    let alice = index(store.clone(), ALICE);
    let told = |outcomes: Vec<Result<(), IndexError>>| -> Vec<Option<&'static str>> {
        outcomes.iter().map(|outcome| outcome.as_ref().err().map(IndexError::code)).collect()
    };
    let batches = || [&b"one"[..], &[7; 1_025], b"two"].map(|key| put(key, b"")).to_vec();
    block_on(async {
        assert_eq!(told(at_once(&alice, &store, batches()).await), [None, Some("TooLarge"), None]);
        store.is_lost.store(true, Ordering::Relaxed);
        let lost = Some("ServerUnavailable");
        assert_eq!(told(at_once(&alice, &store, batches()).await), [lost, Some("TooLarge"), lost]);
        assert_eq!(alice.latest().await.unwrap().count(0, &Query::default()).await.unwrap(), 2);
    });
}

#[test]
fn who_gives_up_waiting_commits_nothing_and_keeps_nobody_else_waiting() {
    let store = Slow::default();
    let alice = index(store.clone(), ALICE);
    let keys = async || {
        let found = all(&alice.latest().await.unwrap(), 0, Query::default()).await.unwrap();
        found.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect::<Vec<_>>()
    };
    block_on(async {
        alice.commit(put(b"first", b""), moment(&mut Dice(1))).await.unwrap();
        let mut dice = [Dice(2), Dice(3), Dice(4), Dice(5)];
        let [one, two, three, four] = &mut dice;
        store.is_shut.store(true, Ordering::Relaxed);
        let mut leads = Box::pin(alice.commit(put(b"leads", b""), moment(one)));
        let mut gives_up = Box::pin(alice.commit(put(b"gives up", b""), moment(two)));
        let mut waits = Box::pin(alice.commit(put(b"waits", b""), moment(three)));
        assert!((&mut leads).now_or_never().is_none());
        assert!((&mut gives_up).now_or_never().is_none() && (&mut waits).now_or_never().is_none());
        drop(gives_up);
        // Who commits for the others stops, before anything was swapped.
        drop(leads);
        assert!((&mut waits).now_or_never().is_none(), "it is his turn now");
        store.is_shut.store(false, Ordering::Relaxed);
        waits.await.unwrap();
        assert_eq!(keys().await, ["first", "waits"]);
        // One who commits for others and stops: theirs wait for the next.
        store.is_shut.store(true, Ordering::Relaxed);
        let (mut one, mut two, mut three) = (Dice(6), Dice(7), Dice(8));
        let mut busy = Box::pin(alice.commit(put(b"a busy one", b""), moment(&mut one)));
        assert!((&mut busy).now_or_never().is_none());
        let mut leads = Box::pin(alice.commit(put(b"leads", b""), moment(&mut two)));
        let mut led = Box::pin(alice.commit(put(b"led", b""), moment(&mut three)));
        assert!((&mut leads).now_or_never().is_none() && (&mut led).now_or_never().is_none());
        store.is_shut.store(false, Ordering::Relaxed);
        busy.await.unwrap();
        store.is_shut.store(true, Ordering::Relaxed);
        assert!((&mut leads).now_or_never().is_none(), "with both");
        drop(leads);
        store.is_shut.store(false, Ordering::Relaxed);
        alice.commit(put(b"z", b""), moment(four)).await.unwrap();
        led.await.unwrap();
        assert_eq!(keys().await, ["a busy one", "first", "led", "waits", "z"]);
    });
}
