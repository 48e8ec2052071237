//! A storage in a folder, for one person's machine or a file server that several share. Any number of processes may work
//! on it at once, and any of them may be killed, or lose its power, at any moment.
//!
//! ```text
//! objects/ab/ab…    an object, by its id in hexadecimal
//! references/…      what stands under a name (in hexadecimal): 16 random bytes, then the bytes
//! new/              what is being written; what a killed process left there goes after an hour
//! lock              held while a reference is swapped
//! ```
//!
//! A file appears by being renamed to its place, whole, after its bytes reached the disk; and whoever put it there is
//! told so once its folder reached the disk too.

use super::{LISTED_AFTER, MAX_OBJECT, PAGE, stamped};
use keyfold_format::ObjectId;
use keyfold_index::store::{Reference, Store, StoreError, Swapped};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::{Builder, NamedTempFile};

/// Objects that are written before the first of them is waited for: the file system writes them out together.
const TOGETHER: usize = 256;
/// How long to wait for another process before giving up.
const LOCK_WAIT: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(2);
/// Bytes of a name: in hexadecimal it is still a name of a file.
const MAX_NAME: usize = 100;

/// A storage in a folder. A clone is the same storage.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    dir: PathBuf,
    listed_after: Duration,
}

impl DirectoryStore {
    /// Opens the folder, and makes it if it is not there. Who may read and write in it is up to its permissions.
    pub async fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { dir: dir.into(), listed_after: LISTED_AFTER };
        let opened = store.clone();
        blocking(move || opened.make_folders()).await?;
        Ok(store)
    }

    /// Lists objects of this age and older, in place of [`LISTED_AFTER`]. Only for who knows that nobody writes.
    #[must_use]
    pub fn listed_after(self, age: Duration) -> Self {
        Self { listed_after: age, ..self }
    }

    /// All at once, so that no writer depends on a folder that another has made and not yet brought to the disk.
    fn make_folders(&self) -> Result<(), StoreError> {
        let objects = self.dir.join("objects");
        for folder in [&objects, &self.dir.join("references"), &self.new_files()] {
            fs::create_dir_all(folder).map_err(|e| fault(folder, &e))?;
        }
        for first in 0..=u8::MAX {
            let folder = objects.join(stamped::hex(&[first]));
            match fs::create_dir(&folder) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(fault(&folder, &e)),
                _ => {}
            }
        }
        settle(&objects)?;
        settle(&self.dir)
    }

    fn new_files(&self) -> PathBuf {
        self.dir.join("new")
    }

    fn object(&self, id: &ObjectId) -> PathBuf {
        let name = stamped::hex(id.as_bytes());
        self.dir.join("objects").join(name.get(..2).unwrap_or_default()).join(name)
    }

    fn reference(&self, name: &str) -> Result<PathBuf, StoreError> {
        if name.len() > MAX_NAME {
            return Err(StoreError::Denied(format!("a name has at most {MAX_NAME} bytes here")));
        }
        Ok(self.dir.join("references").join(stamped::hex(name.as_bytes())))
    }

    /// Waits until no other process swaps.
    async fn lock(&self) -> Result<File, StoreError> {
        let path = self.dir.join("lock");
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path).map_err(|e| fault(&path, &e))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if waited < LOCK_WAIT => {
                    // Polled, because a thread that blocks in the kernel cannot be cancelled.
                    tokio::time::sleep(LOCK_POLL).await;
                    waited += LOCK_POLL;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Unreachable("another process has held its lock for a minute".to_owned()));
                }
                Err(TryLockError::Error(e)) => return Err(fault(&path, &e)),
            }
        }
    }

    /// A file without a place yet, with these bytes.
    fn write(&self, bytes: &[u8]) -> Result<NamedTempFile, StoreError> {
        let folder = self.new_files();
        let mut builder = Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(&folder).map_err(|e| fault(&folder, &e))?;
        file.write_all(bytes).map_err(|e| fault(&folder, &e))?;
        Ok(file)
    }

    /// Gives files that were written their places, so that they survive a power cut.
    fn place(&self, files: Vec<(NamedTempFile, PathBuf)>) -> Result<(), StoreError> {
        for (file, place) in &files {
            file.as_file().sync_all().map_err(|e| fault(place, &e))?;
        }
        let mut folders = BTreeSet::new();
        for (file, place) in files {
            file.persist(&place).map_err(|e| fault(&place, &e.error))?;
            folders.extend(place.parent().map(Path::to_owned));
        }
        folders.iter().try_for_each(|folder| settle(folder))
    }

    fn put_now(&self, objects: &[(ObjectId, Vec<u8>)]) -> Result<(), StoreError> {
        for objects in objects.chunks(TOGETHER) {
            // One that is there already too: that whoever put it there came so far as its folder is not known.
            let files = objects.iter().map(|(id, bytes)| Ok((self.write(bytes)?, self.object(id))));
            self.place(files.collect::<Result<_, StoreError>>()?)?;
        }
        Ok(())
    }

    fn swap_now(&self, place: PathBuf, expected: Option<&str>, bytes: &[u8]) -> Result<Swapped, StoreError> {
        let stands = stands(&place)?;
        if stands.as_ref().map(|stands| stands.version.as_str()) != expected {
            return Ok(Swapped::Stands(stands));
        }
        let stamped = stamped::stamp(bytes)?;
        let version = stamped::reference(&stamped).map(|reference| reference.version).unwrap_or_default();
        self.place(vec![(self.write(&stamped)?, place)])?;
        Ok(Swapped::Done(version))
    }

    fn list_now(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let old = self.old()?;
        let objects = self.dir.join("objects");
        let mut page = Vec::new();
        for first in after.map_or(0, |id| id.0[0])..=u8::MAX {
            let folder = objects.join(stamped::hex(&[first]));
            let mut ids = BTreeSet::new();
            for (path, modified) in files(&folder)? {
                let id = path.file_name().and_then(|name| name.to_str()).and_then(object_id);
                ids.extend(id.filter(|id| modified <= old && after.is_none_or(|after| *id > after)));
            }
            page.extend(ids);
            if page.len() >= PAGE {
                page.truncate(PAGE);
                break;
            }
        }
        Ok(page)
    }

    /// Before when something was written to be old enough, by the clock of the file system, which may be another
    /// machine's. What killed processes left behind goes on the way.
    fn old(&self) -> Result<SystemTime, StoreError> {
        let folder = self.new_files();
        let now = self.write(&[])?.as_file().metadata().and_then(|about| about.modified());
        let now = now.map_err(|e| fault(&folder, &e))?;
        let left = now.checked_sub(LISTED_AFTER).unwrap_or(SystemTime::UNIX_EPOCH);
        for (path, _) in files(&folder)?.into_iter().filter(|(_, modified)| *modified < left) {
            remove(&path)?;
        }
        Ok(now.checked_sub(self.listed_after).unwrap_or(SystemTime::UNIX_EPOCH))
    }
}

impl Store for DirectoryStore {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        let store = self.clone();
        blocking(move || store.put_now(&objects)).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let places: Vec<_> = ids.iter().map(|id| self.object(id)).collect();
        blocking(move || places.iter().map(|place| read(place, MAX_OBJECT)).collect()).await
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        let places: Vec<_> = ids.iter().map(|id| self.object(id)).collect();
        // One that comes back with a power cut is swept again.
        blocking(move || places.iter().try_for_each(|place| remove(place))).await
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        let place = self.reference(name)?;
        blocking(move || stands(&place)).await
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        let (store, place, expected) = (self.clone(), self.reference(name)?, expected.map(str::to_owned));
        let lock = self.lock().await?;
        blocking(move || {
            // Held until it is done, also by who does not wait for it any more.
            let _lock = lock;
            store.swap_now(place, expected.as_deref(), &bytes)
        })
        .await
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let (folder, after) = (self.dir.join("references"), after.map(str::to_owned));
        let name = |path: PathBuf| {
            let name = path.file_name()?.to_str().and_then(stamped::unhex)?;
            String::from_utf8(name).ok()
        };
        blocking(move || {
            let names: BTreeSet<String> = files(&folder)?.into_iter().filter_map(|(path, _)| name(path)).collect();
            Ok(names.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after)).take(PAGE).collect())
        })
        .await
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let store = self.clone();
        blocking(move || store.list_now(after)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let ended = |e| Err(StoreError::Unreachable(format!("it was cut off: {e}")));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(ended)
}

/// What stands in the place of a reference.
fn stands(place: &Path) -> Result<Option<Reference>, StoreError> {
    let Some(bytes) = read(place, stamped::MAX_STAMPED)? else { return Ok(None) };
    let damaged = || StoreError::Unreachable(format!("{} is damaged", place.display()));
    stamped::reference(&bytes).ok_or_else(damaged).map(Some)
}

/// A file's bytes, or `None` if it is not there. Of one that is too long to be ours one byte more than it may have,
/// which is enough to refuse it.
fn read(place: &Path, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let mut bytes = Vec::new();
    match File::open(place).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(fault(place, &e)),
    }
}

fn remove(place: &Path) -> Result<(), StoreError> {
    match fs::remove_file(place) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(fault(place, &e)),
        _ => Ok(()),
    }
}

/// The files of a folder, and when each was written. One that goes meanwhile is not among them.
fn files(folder: &Path) -> Result<Vec<(PathBuf, SystemTime)>, StoreError> {
    let mut files = Vec::new();
    for file in fs::read_dir(folder).map_err(|e| fault(folder, &e))? {
        let about = file.and_then(|file| Ok((file.path(), file.metadata()?.modified()?)));
        match about {
            Ok(about) => files.push(about),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(fault(folder, &e)),
        }
    }
    Ok(files)
}

/// The id that a file is named by.
fn object_id(name: &str) -> Option<ObjectId> {
    stamped::unhex(name)?.try_into().ok().map(ObjectId)
}

/// Brings the names in a folder to the disk.
fn settle(folder: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| fault(folder, &e))?;
    Ok(())
}

fn fault(path: &Path, error: &io::Error) -> StoreError {
    let said = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::Denied(said),
        _ => StoreError::Unreachable(said),
    }
}
