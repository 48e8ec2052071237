//! SQLite: a B-tree in a file, in C; or SQLCipher, which is SQLite with encrypted pages, under the same names.

use crate::costs::{Afar, Costs};
use crate::entries::{self, Change, KEY, RANGE};
use crate::line::{BYTE, REQUEST};
use crate::table::{self, Reader, Table};
use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A key that nothing is derived from, as programs give it that have one.
#[cfg(feature = "sqlcipher")]
const CIPHER_KEY: &str = "x'2dd29ca851e7b56e4697b0e1f08507293d761a05ce4d1b628663f411a8086d99'";
/// Pages in memory, KiB: all of them.
const CACHE: i64 = 512 << 10;
/// Entries that are read until interior pages are at hand, and those that are looked at then.
const READ_BEFORE: u64 = 20_000;
const LOOKED_AT: u64 = 500;

struct Sqlite {
    file: PathBuf,
    connection: Connection,
}

/// All works. Those from afar are computed from what it reads: nobody waits for them.
pub(crate) fn measure(folder: &Path, all: u64, few: u64) -> anyhow::Result<Costs> {
    let mut costs = table::measure::<Sqlite>(folder, all, few)?;
    let folder = folder.join("all");
    Sqlite::open(&folder)?.reader(|reader| {
        costs.cold_point = Some(afar(|| reader.get(&entries::key(0), &mut |_| {}))?);
        for turn in 0..READ_BEFORE {
            reader.get(&entries::key(entries::any(turn, all)), &mut |_| {})?;
        }
        let mut cached = Vec::new();
        for turn in READ_BEFORE..READ_BEFORE + LOOKED_AT {
            let key = entries::key(entries::any(turn, all));
            cached.push(afar(|| reader.get(&key, &mut |_| {}))?);
        }
        cached.retain(|cost| cost.requests > Some(0.0));
        cached.sort_by(|a, b| a.ms.total_cmp(&b.ms));
        costs.cached_point = cached.get(cached.len() / 2).copied();
        Ok(())
    })?;
    Sqlite::open(&folder)?.reader(|reader| {
        costs.cold_range = Some(afar(|| reader.range(&entries::key(0), RANGE, &mut |_, _| {}))?);
        Ok(())
    })?;
    Ok(costs)
}

/// What work would take if each of its reads were a request.
fn afar(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Afar> {
    let (start, again) = (read_so_far()?, read_so_far()?);
    work()?;
    let end = read_so_far()?;
    // Counting reads too.
    let of = |last: f64, middle: f64, first: f64| (last - middle) - (middle - first);
    let (calls, bytes) = (of(end.0, again.0, start.0), of(end.1, again.1, start.1));
    let seconds = calls * REQUEST.as_secs_f64() + bytes * BYTE.as_secs_f64();
    Ok(Afar { ms: seconds * 1e3, requests: Some(calls) })
}

/// Calls that read, and what they read, of this process.
fn read_so_far() -> anyhow::Result<(f64, f64)> {
    let text = std::fs::read_to_string("/proc/self/io")?;
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).context("no count of reads")?;
        anyhow::Ok(line.trim().parse::<f64>()?)
    };
    Ok((of("syscr:")?, of("rchar:")?))
}

fn connect(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(file)?;
    #[cfg(feature = "sqlcipher")]
    connection.pragma_update(None, "key", CIPHER_KEY)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    // Nobody waits for the disk.
    connection.pragma_update(None, "synchronous", "off")?;
    connection.set_prepared_statement_cache_capacity(8);
    Ok(connection)
}

impl Sqlite {
    fn put(connection: &Connection, changes: impl Iterator<Item = Change>) -> anyhow::Result<()> {
        let mut put = connection.prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2)")?;
        let mut remove = connection.prepare_cached("DELETE FROM entries WHERE key = ?1")?;
        for (key, value) in changes {
            match value {
                Some(value) => put.execute((&key[..], &value[..]))?,
                None => remove.execute((&key[..],))?,
            };
        }
        Ok(())
    }
}

impl Table for Sqlite {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join("sqlite");
        let connection = connect(&file)?;
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")?;
        Ok(Self { file, connection })
    }

    fn write(&mut self, changes: impl Iterator<Item = Change>) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        Self::put(&transaction, changes)?;
        Ok(transaction.commit()?)
    }

    fn reader(&self, read: impl FnOnce(&dyn Reader) -> anyhow::Result<()>) -> anyhow::Result<()> {
        // One transaction, so that nothing is looked at again.
        let transaction = self.connection.unchecked_transaction()?;
        read(&self.connection)?;
        Ok(transaction.finish()?)
    }

    fn commits(&self, writers: u64, each: u64, first: u64) -> anyhow::Result<()> {
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        let file = &self.file;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..writers)
                .map(|writer| {
                    scope.spawn(move || {
                        let mut connection = connect(file)?;
                        for entry in (0..each).map(|n| first + writer * each + n) {
                            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                            let change = (entries::key(entry), Some(entries::value(entry, 0)));
                            Self::put(&transaction, std::iter::once(change))?;
                            transaction.commit()?;
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().ok().context("a writer broke")?)
        })
    }

    fn stored(self, _: &Path) -> anyhow::Result<u64> {
        drop(self.connection);
        Ok(std::fs::metadata(self.file)?.len())
    }
}

impl Reader for Connection {
    fn get(&self, key: &[u8; KEY], see: &mut dyn FnMut(&[u8])) -> anyhow::Result<()> {
        let mut statement = self.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
        let seen = statement.query_row((&key[..],), |row| {
            see(row.get_ref(0)?.as_blob()?);
            Ok(())
        });
        Ok(seen.optional().map(drop)?)
    }

    fn range(&self, from: &[u8; KEY], most: usize, see: &mut dyn FnMut(&[u8], &[u8])) -> anyhow::Result<()> {
        let mut statement =
            self.prepare_cached("SELECT key, value FROM entries WHERE key >= ?1 ORDER BY key LIMIT ?2")?;
        let mut rows = statement.query((&from[..], i64::try_from(most).unwrap_or(i64::MAX)))?;
        while let Some(row) = rows.next()? {
            see(row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        }
        Ok(())
    }
}
