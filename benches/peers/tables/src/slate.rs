//! SlateDB: a log-structured merge tree on an object storage. Its objects are in memory, so that what is counted is its own
//! work; where storage takes its time, each request waits.

use crate::costs::{Afar, Costs};
use crate::cpu;
use crate::entries::{self, BATCH, Change, KEY, RANGE, VALUE, WRITERS};
use crate::line::{BYTE, REQUEST};
use crate::table::{EACH, PLACES, POINTS, sight};
use anyhow::{Context, ensure};
use futures_util::TryStreamExt;
use slatedb::config::ScanOptions;
use slatedb::object_store::ObjectStore;
use slatedb::object_store::memory::InMemory;
use slatedb::object_store::throttle::{ThrottleConfig, ThrottledStore};
use slatedb::{Db, DbReader, WriteBatch};
use std::sync::Arc;
use std::time::Instant;

/// Ranges of a turn: each takes milliseconds.
const RANGES: u64 = 200;
const NAME: &str = "entries";
/// Inserts of 1, and of 1,000, of a turn.
const INSERTS: u64 = 5;
const TOGETHER: u64 = 1_000;

type Store = ThrottledStore<Arc<InMemory>>;

pub(crate) fn measure(all: u64, few: u64) -> anyhow::Result<Costs> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut costs = Costs::default();
        points_and_commits(few, &mut costs).await?;
        let objects = Arc::new(InMemory::new());
        let db = opened(&objects, ThrottleConfig::default()).await?;
        let start = cpu::seconds();
        for first in (0..all).step_by(usize::try_from(BATCH)?) {
            let batch = first..(first + BATCH).min(all);
            write(&db, batch.map(|entry| (entries::key(entry), Some(entries::value(entry, 0))))).await?;
        }
        db.flush().await?;
        db.close().await?;
        costs.load_s = Some(cpu::seconds() - start);
        costs.stored_mb = Some(stored_mb(&objects).await?);

        let db = opened(&objects, ThrottleConfig::default()).await?;
        ensure!(count(&db).await? == all, "entries are missing");
        let start = cpu::seconds();
        ensure!(count(&db).await? == all, "entries are missing");
        costs.scan_ms = Some((cpu::seconds() - start) * 1e3);
        let mut start = 0.0;
        for turn in 0..PLACES + RANGES {
            if turn == PLACES {
                start = cpu::seconds();
            }
            range(&db, &entries::key(entries::any(turn % PLACES, all)), RANGE).await?;
        }
        costs.range_us = Some((cpu::seconds() - start) * 1e6 / RANGES as f64);
        db.close().await?;
        afar(&objects, all, &mut costs).await?;

        let db = opened(&objects, ThrottleConfig::default()).await?;
        let changes: Vec<_> = entries::churn(all).collect();
        let start = cpu::seconds();
        for batch in changes.chunks(usize::try_from(BATCH)?) {
            write(&db, batch.iter().copied()).await?;
        }
        db.flush().await?;
        costs.churn_s = Some(cpu::seconds() - start);
        let added = INSERTS * (1 + TOGETHER);
        ensure!(count(&db).await? == entries::churned(all) + added, "another number of entries than were left");
        db.close().await?;
        costs.churned_mb = Some(stored_mb(&objects).await?);
        Ok(costs)
    })
}

async fn opened(objects: &Arc<InMemory>, throttle: ThrottleConfig) -> anyhow::Result<Arc<Db>> {
    Ok(Arc::new(Db::open(NAME, Arc::new(Store::new(objects.clone(), throttle))).await?))
}

async fn write(db: &Db, changes: impl Iterator<Item = Change>) -> anyhow::Result<()> {
    let mut batch = WriteBatch::new();
    for (key, value) in changes {
        match value {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        }
    }
    db.write(batch).await?;
    Ok(())
}

async fn points_and_commits(few: u64, costs: &mut Costs) -> anyhow::Result<()> {
    let objects = Arc::new(InMemory::new());
    let db = opened(&objects, ThrottleConfig::default()).await?;
    write(&db, (0..few).map(|entry| (entries::key(entry), Some(entries::value(entry, 0))))).await?;
    // From what is stored, as the others read, and not from what is about to be.
    db.close().await?;
    let db = opened(&objects, ThrottleConfig::default()).await?;
    let mut start = 0.0;
    for turn in 0..few + POINTS {
        if turn == few {
            start = cpu::seconds();
        }
        let value = db.get(entries::key(entries::any(turn, few))).await?.context("an entry is missing")?;
        ensure!(value.len() == VALUE, "another entry");
    }
    costs.point_ns = Some((cpu::seconds() - start) * 1e9 / POINTS as f64);
    let start = Instant::now();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let db = db.clone();
        // Nobody waits until it is stored.
        writers.push(tokio::spawn(async move {
            for entry in (0..EACH).map(|n| few + writer * EACH + n) {
                db.put(entries::key(entry), entries::value(entry, 0)).await?;
            }
            anyhow::Ok(())
        }));
    }
    for writer in writers {
        writer.await??;
    }
    costs.commits_per_s = Some((WRITERS * EACH) as f64 / start.elapsed().as_secs_f64());
    ensure!(count(&db).await? == few + WRITERS * EACH, "commits were lost");
    Ok(db.close().await?)
}

/// The works that wait for the storage; bytes that are put take no time in this one.
async fn afar(objects: &Arc<InMemory>, all: u64, costs: &mut Costs) -> anyhow::Result<()> {
    let throttle = ThrottleConfig {
        wait_get_per_call: REQUEST,
        wait_get_per_byte: BYTE,
        wait_put_per_call: REQUEST,
        wait_delete_per_call: REQUEST,
        wait_list_per_call: REQUEST,
        wait_list_with_delimiter_per_call: REQUEST,
        ..ThrottleConfig::default()
    };
    let store = || -> Arc<dyn ObjectStore> { Arc::new(Store::new(objects.clone(), throttle)) };
    let reader = || DbReader::builder(NAME, store()).build();
    let start = Instant::now();
    let read = reader().await?;
    read.get(entries::key(0)).await?.context("an entry is missing")?;
    costs.cold_point = Some(since(start));
    for entry in 1..100 {
        read.get(entries::key(entry)).await?.context("an entry is missing")?;
    }
    let start = Instant::now();
    read.get(entries::key(100)).await?.context("an entry is missing")?;
    costs.cached_point = Some(since(start));
    read.close().await?;

    let start = Instant::now();
    let read = reader().await?;
    let mut found = read.scan_with_options(entries::key(entries::any(0, all)).to_vec().., &ahead()).await?;
    for _ in 0..RANGE {
        if found.next().await?.is_none() {
            break;
        }
    }
    costs.cold_range = Some(since(start));
    read.close().await?;

    let db = opened(objects, throttle).await?;
    let mut times = [Vec::new(), Vec::new()];
    let mut entry = 3 * all;
    for _ in 0..INSERTS {
        for (times, count) in times.iter_mut().zip([1, TOGETHER]) {
            let start = Instant::now();
            write(&db, (entry..entry + count).map(|entry| (entries::key(entry), Some(entries::value(entry, 0)))))
                .await?;
            db.flush().await?;
            times.push(since(start));
            entry += count;
        }
    }
    [costs.insert, costs.inserts] = times.map(|mut times| {
        times.sort_by(|a: &Afar, b: &Afar| a.ms.total_cmp(&b.ms));
        times.get(times.len() / 2).copied()
    });
    Ok(db.close().await?)
}

fn since(start: Instant) -> Afar {
    Afar { ms: start.elapsed().as_secs_f64() * 1e3, requests: None }
}

/// A scan that fetches some blocks before they are asked for.
fn ahead() -> ScanOptions {
    ScanOptions { read_ahead_bytes: 256 << 10, max_fetch_tasks: 8, cache_blocks: true, ..ScanOptions::default() }
}

async fn range(db: &Db, from: &[u8; KEY], most: usize) -> anyhow::Result<()> {
    let (mut found, mut sum) = (db.scan_with_options(from.to_vec().., &ahead()).await?, 0);
    for _ in 0..most {
        let Some(entry) = found.next().await? else { break };
        sum += sight(&entry.key, &entry.value);
    }
    ensure!(sum > 0, "entries are missing");
    Ok(())
}

async fn count(db: &Db) -> anyhow::Result<u64> {
    let (mut found, mut count, mut sum) = (db.scan_with_options(Vec::<u8>::new().., &ahead()).await?, 0, 0);
    while let Some(entry) = found.next().await? {
        count += 1;
        sum += sight(&entry.key, &entry.value);
    }
    ensure!(sum > 0, "entries are missing");
    Ok(count)
}

async fn stored_mb(objects: &Arc<InMemory>) -> anyhow::Result<f64> {
    let sizes = objects.list(None).map_ok(|object| object.size);
    let bytes = sizes.try_fold(0, async |sum, size| Ok(sum + size)).await?;
    Ok(bytes as f64 / 1e6)
}
