//! redb: a B-tree in a file, in Rust. Not encrypted.

use crate::entries::{self, Change, KEY, VALUE};
use crate::table::{Reader, Table};
use anyhow::Context;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;

const TABLE: TableDefinition<&[u8; KEY], &[u8; VALUE]> = TableDefinition::new("entries");

pub(crate) struct Redb(Database);

impl Redb {
    fn commit(&self, changes: impl Iterator<Item = Change>, durability: Durability) -> anyhow::Result<()> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for (key, value) in changes {
                match value {
                    Some(value) => table.insert(&key, &value)?,
                    None => table.remove(&key)?,
                };
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Table for Redb {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(Database::create(folder.join("redb"))?))
    }

    fn write(&mut self, changes: impl Iterator<Item = Change>) -> anyhow::Result<()> {
        self.commit(changes, Durability::Immediate)
    }

    fn reader(&self, read: impl FnOnce(&dyn Reader) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let transaction = self.0.begin_read()?;
        read(&transaction.open_table(TABLE)?)
    }

    fn commits(&self, writers: u64, each: u64, first: u64) -> anyhow::Result<()> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..writers)
                .map(|writer| {
                    scope.spawn(move || {
                        let mut mine = (0..each).map(|n| first + writer * each + n);
                        // Nobody waits for the disk.
                        mine.try_for_each(|entry| {
                            let change = (entries::key(entry), Some(entries::value(entry, 0)));
                            self.commit(std::iter::once(change), Durability::None)
                        })
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|thread| thread.join().ok().context("a writer broke")?)
        })
    }

    fn stored(self, folder: &Path) -> anyhow::Result<u64> {
        drop(self.0);
        Ok(std::fs::metadata(folder.join("redb"))?.len())
    }
}

impl Reader for ReadOnlyTable<&'static [u8; KEY], &'static [u8; VALUE]> {
    fn get(&self, key: &[u8; KEY], see: &mut dyn FnMut(&[u8])) -> anyhow::Result<()> {
        if let Some(value) = ReadableTable::get(self, key)? {
            see(value.value());
        }
        Ok(())
    }

    fn range(&self, from: &[u8; KEY], most: usize, see: &mut dyn FnMut(&[u8], &[u8])) -> anyhow::Result<()> {
        for entry in ReadableTable::range::<&[u8; KEY]>(self, from..)?.take(most) {
            let (key, value) = entry?;
            see(key.value(), value.value());
        }
        Ok(())
    }
}
