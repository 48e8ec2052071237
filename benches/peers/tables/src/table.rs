//! What is done with each peer, and what it costs.

use crate::costs::Costs;
use crate::cpu;
use crate::entries::{self, BATCH, Change, KEY, RANGE, VALUE, WRITERS};
use anyhow::ensure;
use std::path::Path;
use std::time::Instant;

/// A peer.
pub(crate) trait Table: Sized {
    /// One without entries, or the one that is there.
    fn open(folder: &Path) -> anyhow::Result<Self>;
    /// All in one transaction.
    fn write(&mut self, changes: impl Iterator<Item = Change>) -> anyhow::Result<()>;
    /// What is read is seen where it lies, where the peer can.
    fn reader(&self, read: impl FnOnce(&dyn Reader) -> anyhow::Result<()>) -> anyhow::Result<()>;
    /// Commits of one entry each, by so many threads.
    fn commits(&self, writers: u64, each: u64, first: u64) -> anyhow::Result<()>;
    /// Closes it. What it takes on the disk.
    fn stored(self, folder: &Path) -> anyhow::Result<u64>;
}

/// Reading at one moment.
pub(crate) trait Reader {
    fn get(&self, key: &[u8; KEY], see: &mut dyn FnMut(&[u8])) -> anyhow::Result<()>;
    /// Entries from a key on, at most so many.
    fn range(&self, from: &[u8; KEY], most: usize, see: &mut dyn FnMut(&[u8], &[u8])) -> anyhow::Result<()>;
}

/// Commits of each writer.
pub(crate) const EACH: u64 = 250;
/// Reads of a turn.
pub(crate) const POINTS: u64 = 200_000;
/// Ranges of a turn, at so many places.
const RANGES: u64 = 2_000;
pub(crate) const PLACES: u64 = 50;

pub(crate) fn measure<T: Table>(folder: &Path, all: u64, few: u64) -> anyhow::Result<Costs> {
    let mut costs = Costs::default();
    let (small, large) = (folder.join("few"), folder.join("all"));
    for folder in [&small, &large] {
        std::fs::create_dir_all(folder)?;
    }
    let of = |entries: u64| (0..entries).map(|entry| (entries::key(entry), Some(entries::value(entry, 0))));

    let mut table = T::open(&small)?;
    table.write(of(few))?;
    table.reader(|reader| {
        costs.point_ns = Some(points(reader, few)?);
        Ok(())
    })?;
    let start = Instant::now();
    table.commits(WRITERS, EACH, few)?;
    costs.commits_per_s = Some((WRITERS * EACH) as f64 / start.elapsed().as_secs_f64());
    table.reader(|reader| {
        ensure!(count(reader)? == few + WRITERS * EACH, "commits were lost");
        Ok(())
    })?;
    drop(table);

    let mut table = T::open(&large)?;
    let start = cpu::seconds();
    table.write(of(all))?;
    costs.load_s = Some(cpu::seconds() - start);
    costs.stored_mb = Some(table.stored(&large)? as f64 / 1e6);
    let mut table = T::open(&large)?;
    table.reader(|reader| {
        // Once before, so that it is warm.
        ensure!(count(reader)? == all, "entries are missing");
        let start = cpu::seconds();
        ensure!(count(reader)? == all, "entries are missing");
        costs.scan_ms = Some((cpu::seconds() - start) * 1e3);
        costs.range_us = Some(ranges(reader, all)?);
        Ok(())
    })?;
    let changes: Vec<_> = entries::churn(all).collect();
    let start = cpu::seconds();
    for batch in changes.chunks(usize::try_from(BATCH)?) {
        table.write(batch.iter().copied())?;
    }
    costs.churn_s = Some(cpu::seconds() - start);
    table.reader(|reader| {
        ensure!(count(reader)? == entries::churned(all), "another number of entries than were left");
        Ok(())
    })?;
    costs.churned_mb = Some(table.stored(&large)? as f64 / 1e6);
    Ok(costs)
}

/// Nanoseconds of CPU time of one.
fn points(reader: &dyn Reader, entries: u64) -> anyhow::Result<f64> {
    let mut seen = 0;
    let mut turn = |count: u64| -> anyhow::Result<f64> {
        let start = cpu::seconds();
        for turn in 0..count {
            reader.get(&entries::key(entries::any(turn, entries)), &mut |value| seen += value.len())?;
        }
        Ok((cpu::seconds() - start) * 1e9 / count as f64)
    };
    turn(entries)?;
    let cost = turn(POINTS)?;
    ensure!(seen as u64 == (entries + POINTS) * VALUE as u64, "entries are missing");
    Ok(cost)
}

/// Microseconds of CPU time of one.
fn ranges(reader: &dyn Reader, entries: u64) -> anyhow::Result<f64> {
    let mut sum = 0;
    let mut turn = |count: u64| -> anyhow::Result<f64> {
        let start = cpu::seconds();
        for turn in 0..count {
            let from = entries::key(entries::any(turn % PLACES, entries));
            reader.range(&from, RANGE, &mut |key, value| sum += sight(key, value))?;
        }
        Ok((cpu::seconds() - start) * 1e6 / count as f64)
    };
    turn(PLACES)?;
    let cost = turn(RANGES)?;
    ensure!(sum > 0, "entries are missing");
    Ok(cost)
}

/// Something that depends on a key and a value, so that both are looked at.
pub(crate) fn sight(key: &[u8], value: &[u8]) -> u64 {
    u64::from(key.last().copied().unwrap_or_default()) + u64::from(value.last().copied().unwrap_or_default())
}

/// Reads all of them.
fn count(reader: &dyn Reader) -> anyhow::Result<u64> {
    let (mut count, mut sum) = (0, 0);
    reader.range(&[0; KEY], usize::MAX, &mut |key, value| {
        count += 1;
        sum += sight(key, value);
    })?;
    ensure!(sum > 0, "entries are missing");
    Ok(count)
}
