//! Works that wait for nothing: what an index costs the processor, on storage in memory.

use super::costs::Costs;
use super::entries::{self, BATCH, KEY, RANGE, VALUE, WRITERS};
use super::member::{Member, moment, rng};
use super::{Options, cpu};
use anyhow::{Context, ensure};
use keyfold_index::store::{MemoryStore, Store};
use keyfold_index::{Batch, Index, IndexError, Query, Snapshot};
use std::ops::Bound;
use std::time::Instant;

/// Reads of a turn.
const POINTS: u64 = 200_000;
/// Ranges of a turn, at so many places.
const RANGES: u64 = 2_000;
const PLACES: u64 = 50;
/// Commits of each writer.
const EACH: u64 = 250;

type View = Snapshot<MemoryStore, Member>;

/// An index that was loaded, and who may read it.
pub(super) struct Loaded {
    pub(super) member: Member,
    pub(super) store: MemoryStore,
}

/// Loads entries, in one batch.
pub(super) async fn load(entries: u64) -> anyhow::Result<Loaded> {
    let (member, store) = (Member::new(), MemoryStore::default());
    let mut batch = Batch::new();
    for entry in 0..entries {
        batch.put(0, &entries::key(entry), &entries::value(entry, 0));
    }
    member.index(store.clone()).commit(batch, moment(0, &mut rng())).await?;
    Ok(Loaded { member, store })
}

/// One turn. The index stays for what follows, as it was before the changes.
pub(super) async fn measure(options: &Options) -> anyhow::Result<(Costs, Loaded)> {
    let mut costs = Costs::default();
    let few = load(options.few).await?;
    costs.point_ns = Some(points(&few.member.index(few.store.clone()).latest().await?, options.few).await?);
    costs.commits_per_s = Some(commits(&few, options.few).await?);

    let start = cpu::seconds();
    let all = load(options.entries).await?;
    costs.load_s = Some(cpu::seconds() - start);
    costs.stored_mb = Some(all.store.stored().1 as f64 / 1e6);
    // Whoever scans opens it anew: every node is fetched, checked and decrypted, the second time too.
    for _ in 0..2 {
        let start = cpu::seconds();
        let found = count(&all.member.index(all.store.clone()).latest().await?).await?;
        costs.scan_ms = Some((cpu::seconds() - start) * 1e3);
        ensure!(found == options.entries, "entries are missing");
    }
    costs.range_us = Some(ranges(&all.member.index(all.store.clone()).latest().await?, options.entries).await?);

    let changed = load(options.entries).await?;
    let start = cpu::seconds();
    churn(&changed, options.entries).await?;
    costs.churn_s = Some(cpu::seconds() - start);
    costs.churned_mb = Some(changed.store.stored().1 as f64 / 1e6);
    Ok((costs, all))
}

/// Nanoseconds of CPU time of one, where all of them were read before.
pub(super) async fn points(view: &View, entries: u64) -> anyhow::Result<f64> {
    let (mut seen, mut start) = (0, 0.0);
    for turn in 0..entries + POINTS {
        if turn == entries {
            start = cpu::seconds();
        }
        let value = view.get(0, &entries::key(entries::any(turn, entries))).await?.context("an entry is missing")?;
        seen += value.len();
    }
    let cost = (cpu::seconds() - start) * 1e9 / POINTS as f64;
    ensure!(seen as u64 == (entries + POINTS) * VALUE as u64, "another entry");
    Ok(cost)
}

/// Microseconds of CPU time of one, where all of them were read before.
pub(super) async fn ranges(view: &View, entries: u64) -> anyhow::Result<f64> {
    let (mut sum, mut start) = (0, 0.0);
    for turn in 0..PLACES + RANGES {
        if turn == PLACES {
            start = cpu::seconds();
        }
        sum += range(view, &entries::key(entries::any(turn % PLACES, entries)), RANGE).await?;
    }
    ensure!(sum > 0, "entries are missing");
    Ok((cpu::seconds() - start) * 1e6 / RANGES as f64)
}

/// Reads entries from a key on, at most so many. Something that depends on all of them.
pub(super) async fn range<S: Store>(view: &Snapshot<S, Member>, from: &[u8; KEY], most: usize) -> anyhow::Result<u64> {
    let query = Query { from: Bound::Included((*from).into()), ..Query::default() };
    let (mut range, mut sum) = (view.range(0, query).at_most(most), 0);
    while let Some(page) = range.next().await? {
        page.each(|key, value| sum += sight(key, value));
    }
    Ok(sum)
}

/// Reads all of them.
pub(super) async fn count(view: &View) -> anyhow::Result<u64> {
    let (mut range, mut count, mut sum) = (view.range(0, Query::default()), 0, 0);
    while let Some(page) = range.next().await? {
        page.each(|key, value| {
            count += 1;
            sum += sight(key, value);
        });
    }
    ensure!(sum > 0, "entries are missing");
    Ok(count)
}

/// Something that depends on a key and a value, so that both are looked at.
fn sight(key: &[u8], value: &[u8]) -> u64 {
    u64::from(key.last().copied().unwrap_or_default()) + u64::from(value.last().copied().unwrap_or_default())
}

/// As many changes as there are entries. What they replace is deleted when the next batch is there.
async fn churn(loaded: &Loaded, entries: u64) -> anyhow::Result<()> {
    let index = loaded.member.index(loaded.store.clone());
    let (mut rng, mut now) = (rng(), 1);
    let changes: Vec<_> = entries::churn(entries).collect();
    for changes in changes.chunks(usize::try_from(BATCH)?) {
        let mut batch = Batch::new();
        for (key, value) in changes {
            match value {
                Some(value) => batch.put(0, key, value),
                None => batch.remove(0, key),
            };
        }
        index.commit(batch, moment(now, &mut rng)).await?;
        index.collect_garbage(now).await?;
        now += 1;
    }
    index.collect_garbage(now).await?;
    ensure!(count(&index.latest().await?).await? == entries::churned(entries), "another number of entries");
    Ok(())
}

/// Commits of one entry each, by several at once, each with a client of his own. A second.
async fn commits(loaded: &Loaded, entries: u64) -> anyhow::Result<f64> {
    let rate = at_once(&loaded.member, &loaded.store, EACH, entries)?;
    let found = count(&loaded.member.index(loaded.store.clone()).latest().await?).await?;
    ensure!(found == entries + WRITERS * EACH, "commits were lost");
    Ok(rate)
}

/// The same on any storage. What is committed are entries from `first` on.
pub(super) fn at_once<S: Store + Clone + Send + Sync>(
    member: &Member,
    store: &S,
    each: u64,
    first: u64,
) -> anyhow::Result<f64> {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let write = |writer: u64| {
            let (member, store) = (member.clone(), store.clone());
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build()?;
                runtime.block_on(write(&member.index(store), each, first + writer * each))
            })
        };
        let threads: Vec<_> = (0..WRITERS).map(write).collect();
        threads.into_iter().try_for_each(|thread| thread.join().ok().context("a writer broke")?)
    })?;
    Ok((WRITERS * each) as f64 / start.elapsed().as_secs_f64())
}

async fn write<S: Store>(index: &Index<S, Member>, each: u64, first: u64) -> anyhow::Result<()> {
    let mut rng = rng();
    for entry in first..first + each {
        loop {
            let mut batch = Batch::new();
            batch.put(0, &entries::key(entry), &entries::value(entry, 0));
            match index.commit(batch, moment(1, &mut rng)).await {
                // Others were faster, many times.
                Err(IndexError::Conflict) => {}
                done => break done?,
            }
        }
    }
    Ok(())
}
