//! Records on a disk: one transactional file, every value sealed under the device's storage key and bound to its
//! name. A commit returns when it would survive a power cut.

use super::home::private;
use crate::host::{Content, Put, StoreFault};
use keyfold_core::StateKey;
use redb::{Builder, ConcurrencyMode, Database, ReadableDatabase, TableDefinition};
use std::{fs, io, path::Path};

/// The lock, if there is one, in the transaction that seals the records under its key: so they change together.
const LOCK: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("lock");
const LOCK_NAME: &str = "lock";
const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");
/// A home is small; redb's own default of a gibibyte would count against a file's encryption.
const CACHE_BYTES: usize = 4 << 20;

/// The file, before anything in it can be read.
pub(crate) struct Records {
    db: Database,
}

/// The records of one home.
pub(crate) struct Store {
    db: Database,
    key: StateKey,
    /// The lock under whose key they are.
    lock: Option<Vec<u8>>,
}

impl Records {
    /// Opens the file, and makes it if it is not there. Several processes may have it open; the home's lock makes
    /// them take turns.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreFault> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES).set_concurrency_mode(ConcurrencyMode::MultiWriter);
        if !path.exists() {
            // A new file is filled in steps, and a process may be killed between them: only a whole one gets the name.
            let new = path.with_extension("new");
            let made = || -> Result<(), redb::Error> {
                drop(fs::remove_file(&new));
                drop(private().write(true).create_new(true).open(&new)?);
                drop(builder.create(&new)?);
                Ok(fs::rename(&new, path)?)
            };
            made().map_err(fault)?;
        }
        let db = builder.create(path).map_err(redb::Error::from).map_err(fault)?;
        Ok(Self { db })
    }

    /// The lock that they are sealed under, if there is one.
    pub(crate) fn lock(&self) -> Result<Option<Vec<u8>>, StoreFault> {
        lock_in(&self.db)
    }

    /// For who has the key.
    pub(crate) fn with(self, key: StateKey, lock: Option<Vec<u8>>) -> Store {
        Store { db: self.db, key, lock }
    }
}

impl Store {
    /// Whether they are still sealed as they were: another process may have set a lock, or taken it away.
    pub(crate) fn is_current(&self) -> Result<bool, StoreFault> {
        Ok(lock_in(&self.db)? == self.lock)
    }

    /// Seals all of them anew under another key, with another lock or none, at once.
    pub(crate) fn reseal(&self, key: &StateKey, lock: Option<&[u8]>) -> Result<(), StoreFault> {
        let mut sealed = Vec::new();
        for (name, value) in self.scan("")? {
            let value = key.seal(name.as_bytes(), &value, &mut super::host::SystemRng);
            sealed.push((name, Some(value.map_err(|e| StoreFault::Broken(e.to_string()))?)));
        }
        self.write(sealed, Some(lock)).map_err(fault)
    }

    /// One record.
    pub(crate) fn load(&self, name: &str) -> Result<Option<Content>, StoreFault> {
        self.read(|table| match table.get(name)? {
            Some(sealed) => Ok(Some((name.to_owned(), sealed.value().to_vec()))),
            None => Ok(None),
        })?
        .map(|(name, sealed)| self.open_record(&name, &sealed))
        .transpose()
    }

    /// All records whose name starts with `prefix`, ascending by name.
    pub(crate) fn scan(&self, prefix: &str) -> Result<Vec<(String, Content)>, StoreFault> {
        let sealed = self.read(|table| {
            let mut found = Vec::new();
            for record in table.range(prefix..)? {
                let (name, sealed) = record?;
                if !name.value().starts_with(prefix) {
                    break;
                }
                found.push((name.value().to_owned(), sealed.value().to_vec()));
            }
            Ok(found)
        })?;
        sealed.into_iter().map(|(name, sealed)| self.open_record(&name, &sealed).map(|value| (name, value))).collect()
    }

    /// Writes all or nothing.
    pub(crate) fn commit(&self, puts: Vec<Put>) -> Result<(), StoreFault> {
        let mut sealed = Vec::with_capacity(puts.len());
        for (name, value) in puts {
            let value = match value {
                Some(value) => Some(
                    self.key
                        .seal(name.as_bytes(), &value, &mut super::host::SystemRng)
                        .map_err(|e| StoreFault::Broken(e.to_string()))?,
                ),
                None => None,
            };
            sealed.push((name, value));
        }
        self.write(sealed, None).map_err(fault)
    }

    fn write(&self, sealed: Vec<(String, Option<Vec<u8>>)>, lock: Option<Option<&[u8]>>) -> Result<(), redb::Error> {
        let write = self.db.begin_write()?;
        {
            let mut table = write.open_table(RECORDS)?;
            for (name, value) in &sealed {
                match value {
                    Some(value) => drop(table.insert(name.as_str(), value.as_slice())?),
                    None => drop(table.remove(name.as_str())?),
                }
            }
        }
        if let Some(lock) = lock {
            let mut table = write.open_table(LOCK)?;
            match lock {
                Some(lock) => drop(table.insert(LOCK_NAME, lock)?),
                None => drop(table.remove(LOCK_NAME)?),
            }
        }
        Ok(write.commit()?)
    }

    fn read<T: Default>(
        &self,
        take: impl FnOnce(redb::ReadOnlyTable<&'static str, &'static [u8]>) -> Result<T, redb::Error>,
    ) -> Result<T, StoreFault> {
        let read = || {
            let read = self.db.begin_read()?;
            match read.open_table(RECORDS) {
                Ok(table) => take(table),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(T::default()),
                Err(e) => Err(e.into()),
            }
        };
        read().map_err(fault)
    }

    fn open_record(&self, name: &str, sealed: &[u8]) -> Result<Content, StoreFault> {
        let opened = self.key.open(name.as_bytes(), sealed);
        opened.ok_or_else(|| StoreFault::Broken(format!("the record `{name}` was altered")))
    }
}

fn lock_in(db: &Database) -> Result<Option<Vec<u8>>, StoreFault> {
    let read = || -> Result<_, redb::Error> {
        let read = db.begin_read()?;
        match read.open_table(LOCK) {
            Ok(table) => Ok(table.get(LOCK_NAME)?.map(|lock| lock.value().to_vec())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    };
    read().map_err(fault)
}

fn fault(error: redb::Error) -> StoreFault {
    match error {
        redb::Error::Io(e) if matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            StoreFault::Full
        }
        other => StoreFault::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfold_core::{DeviceSeed, device::DeviceKeys};
    use redb::ReadableTable;

    fn open(dir: &Path, seed: u8) -> Store {
        let keys = DeviceKeys::derive(&DeviceSeed::from_slice(&[seed; 32]).unwrap()).unwrap();
        Records::open(&dir.join("home.redb")).unwrap().with(keys.storage, None)
    }

    fn put(name: &str, value: &[u8]) -> Put {
        (name.to_owned(), Some(Content::new(value.to_vec())))
    }

    #[test]
    fn records_come_back_after_opening_again_and_scans_are_ordered() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), 1).commit(vec![put("a/2", b"two"), put("a/1", b"one"), put("b", b"other")]).unwrap();
        let store = open(dir.path(), 1);
        assert_eq!(**store.load("a/1").unwrap().unwrap(), *b"one");
        assert_eq!(store.load("a/3").unwrap(), None);
        let found = store.scan("a/").unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        assert_eq!(found, [("a/1", &b"one"[..]), ("a/2", &b"two"[..])]);
        store.commit(vec![("a/1".to_owned(), None)]).unwrap();
        assert_eq!(store.scan("a/").unwrap().len(), 1);
    }

    #[test]
    fn nothing_of_a_value_rests_in_the_clear() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path(), 1).commit(vec![put("a", b"a very secret value")]));
        let bytes = std::fs::read(dir.path().join("home.redb")).unwrap();
        assert!(!bytes.windows(11).any(|w| w == b"very secret"));
    }

    #[test]
    fn a_record_under_another_name_or_of_another_device_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), 1);
        store.commit(vec![put("a", b"value")]).unwrap();
        let write = store.db.begin_write().unwrap();
        {
            let mut table = write.open_table(RECORDS).unwrap();
            let sealed = table.get("a").unwrap().unwrap().value().to_vec();
            table.insert("b", sealed.as_slice()).unwrap();
        }
        write.commit().unwrap();
        assert!(matches!(store.load("b"), Err(StoreFault::Broken(_))));
        assert!(matches!(open(dir.path(), 2).load("a"), Err(StoreFault::Broken(_))));
    }

    #[test]
    fn records_are_sealed_anew_with_their_lock_and_whoever_had_them_open_notices() {
        let dir = tempfile::tempdir().unwrap();
        let (store, other) = (open(dir.path(), 1), open(dir.path(), 1));
        store.commit(vec![put("a", b"1"), put("b", b"2")]).unwrap();
        let key = |seed| DeviceKeys::derive(&DeviceSeed::from_slice(&[seed; 32]).unwrap()).unwrap().storage;
        store.reseal(&key(2), Some(b"a lock")).unwrap();
        assert!(!store.is_current().unwrap() && !other.is_current().unwrap());
        assert!(matches!(other.load("a"), Err(StoreFault::Broken(_))));
        let records = Records::open(&dir.path().join("home.redb")).unwrap();
        assert_eq!(records.lock().unwrap().as_deref(), Some(&b"a lock"[..]));
        let store = records.with(key(2), Some(b"a lock".to_vec()));
        assert!(store.is_current().unwrap());
        assert_eq!(**store.load("b").unwrap().unwrap(), *b"2");
        store.reseal(&key(1), None).unwrap();
        assert_eq!(**other.load("a").unwrap().unwrap(), *b"1");
        assert!(other.is_current().unwrap());
    }

    #[test]
    fn two_openers_see_each_other_s_commits() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (open(dir.path(), 1), open(dir.path(), 1));
        one.commit(vec![put("a", b"1")]).unwrap();
        assert_eq!(**two.load("a").unwrap().unwrap(), *b"1");
        two.commit(vec![put("a", b"2")]).unwrap();
        assert_eq!(**one.load("a").unwrap().unwrap(), *b"2");
    }
}
