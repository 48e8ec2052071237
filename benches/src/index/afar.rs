//! Works that wait for the storage: as far away as a server is, with a line as people have it. How often it is asked decides.

use super::costs::{Afar, Costs};
use super::entries::{self, RANGE, WRITERS};
use super::line::{BYTE, REQUEST};
use super::member::{moment, rng};
use super::near::{self, Loaded};
use anyhow::{Context, ensure};
use keyfold_format::ObjectId;
use keyfold_index::Batch;
use keyfold_index::store::{MemoryStore, Reference, Store, StoreError, Swapped};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Entries that are read until interior nodes are at hand.
const READ_BEFORE: u64 = 2_000;
/// Inserts of 1, and of 1,000, of a turn.
const INSERTS: u64 = 3;
const TOGETHER: u64 = 1_000;
/// Commits of each writer.
const EACH: u64 = 5;

/// A storage that takes its time. A clone is the same one.
#[derive(Clone)]
pub(super) struct Distant {
    inner: MemoryStore,
    requests: Arc<AtomicU64>,
    is_near: Arc<AtomicBool>,
}

impl Distant {
    pub(super) fn new(inner: MemoryStore) -> Self {
        Self { inner, requests: Arc::default(), is_near: Arc::default() }
    }

    /// Waits as long as a request with so many bytes takes.
    fn wait(&self, bytes: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.is_near.load(Ordering::Relaxed) {
            // The thread, which has nothing else to do: a timer that wakes it counts whole milliseconds.
            std::thread::sleep(REQUEST + BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX)));
        }
    }

    /// What work costs that waits.
    pub(super) async fn cost(&self, work: impl AsyncFnOnce() -> anyhow::Result<()>) -> anyhow::Result<Afar> {
        let (before, start) = (self.requests.load(Ordering::Relaxed), Instant::now());
        work().await?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(Afar { ms, requests: Some((self.requests.load(Ordering::Relaxed) - before) as f64) })
    }

    /// Work that is not waited for.
    pub(super) async fn nearby<T>(&self, work: impl AsyncFnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.is_near.store(true, Ordering::Relaxed);
        let done = work().await;
        self.is_near.store(false, Ordering::Relaxed);
        done
    }
}

impl Store for Distant {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        self.wait(objects.iter().map(|(_, bytes)| bytes.len()).sum());
        self.inner.put(objects).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let found = self.inner.get(ids).await?;
        self.wait(found.iter().flatten().map(Vec::len).sum());
        Ok(found)
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        self.wait(0);
        self.inner.delete(ids).await
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        let reference = self.inner.read(name).await?;
        self.wait(reference.as_ref().map_or(0, |reference| reference.bytes.len()));
        Ok(reference)
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        self.wait(bytes.len());
        self.inner.swap(name, expected, bytes).await
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.wait(0);
        self.inner.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        self.wait(0);
        self.inner.list(after).await
    }
}

/// One turn. `all`: as many entries.
pub(super) async fn measure(loaded: &Loaded, all: u64, turn: u64, costs: &mut Costs) -> anyhow::Result<f64> {
    let store = Distant::new(loaded.store.clone());
    let open = || loaded.member.index(store.clone());
    let entry = |turn| entries::key(entries::any(turn, all));

    let reader = open();
    let cold = store
        .cost(async || reader.latest().await?.get(0, &entry(turn)).await?.context("an entry is missing").map(drop));
    costs.cold_point = Some(cold.await?);
    let view = reader.known().await?;
    store
        .nearby(async || {
            for turn in 1_000..1_000 + READ_BEFORE {
                view.get(0, &entry(turn)).await?.context("an entry is missing")?;
            }
            Ok(())
        })
        .await?;
    // The first that is not at hand.
    for turn in 1_000 + READ_BEFORE.. {
        let cached =
            store.cost(async || view.get(0, &entry(turn)).await?.context("an entry is missing").map(drop)).await?;
        if cached.requests > Some(0.0) || turn > 10 * READ_BEFORE {
            costs.cached_point = Some(cached);
            break;
        }
    }
    let reader = open();
    let cold = store.cost(async || {
        let sum = near::range(&reader.latest().await?, &entry(turn), RANGE).await?;
        ensure!(sum > 0, "entries are missing");
        Ok(())
    });
    costs.cold_range = Some(cold.await?);

    let commits = near::at_once(&loaded.member, &store, EACH, all)?;

    let writer = open();
    store.nearby(async || Ok(writer.latest().await?)).await?;
    let (mut rng, mut next) = (rng(), all + WRITERS * EACH);
    let mut insert = async |count: u64| {
        let mut batch = Batch::new();
        for entry in next..next + count {
            batch.put(0, &entries::key(entry), &entries::value(entry, 0));
        }
        next += count;
        store.cost(async || Ok(writer.commit(batch, moment(1, &mut rng)).await?)).await
    };
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for _ in 0..INSERTS {
        one.push(insert(1).await?);
    }
    for _ in 0..INSERTS {
        many.push(insert(TOGETHER).await?);
    }
    (costs.insert, costs.inserts) = (middle(one), middle(many));
    Ok(commits)
}

fn middle(mut costs: Vec<Afar>) -> Option<Afar> {
    costs.sort_by(|a, b| a.ms.total_cmp(&b.ms));
    costs.get(costs.len() / 2).copied()
}
