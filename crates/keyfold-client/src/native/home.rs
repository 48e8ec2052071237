//! A home: the folder that holds one person's device. The device's seed is a file that only its owner can read;
//! everything else in the folder is sealed under a key that derives from it. A home with a lock ([`super::lock`]) has no
//! such file: its seed is in the records, sealed too.
//!
//! ```text
//! device.key   32 bytes, mode 0600: the device seed
//! home.redb    mode 0600: sealed records
//! home.lock    mode 0600: held while an operation runs, so that two processes on one home wait for each other
//! cache        mode 0700: what was fetched of indexes, sealed as it was fetched ([`super::cache`])
//! ```

use crate::{Error, Result};
use keyfold_core::DeviceSeed;
use keyfold_protocol::Code;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

const DEVICE_KEY: &str = "device.key";
const RECORDS: &str = "home.redb";
const LOCK: &str = "home.lock";
const CACHE: &str = "cache";
/// How long to wait for another process before giving up.
const LOCK_WAIT: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(2);
const FORGET_TRIES: usize = 3;

/// The folder of one device.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
}

/// While it lives, no other process works on the home.
#[derive(Debug)]
pub(crate) struct HomeLock {
    _file: File,
}

impl Home {
    /// Opens the folder, and makes it (mode 0700) if it is not there.
    pub fn open_or_create(dir: &Path) -> Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir).map_err(|e| fault(dir, &e))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// The folder, whether or not it is there.
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Whether a device lives here. That of a home with a lock is in its records.
    pub fn has_device(&self) -> bool {
        self.dir.join(DEVICE_KEY).exists() || self.records().exists()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.dir.join(RECORDS)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.dir.join(CACHE)
    }

    /// Waits until no other process works on this home.
    pub(crate) async fn lock(&self) -> Result<HomeLock> {
        let path = self.dir.join(LOCK);
        let file = private().create(true).truncate(false).write(true).open(&path).map_err(|e| fault(&path, &e))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(HomeLock { _file: file }),
                Err(fs::TryLockError::WouldBlock) if waited < LOCK_WAIT => {
                    // Polled, because a thread that blocks in the kernel cannot be cancelled.
                    tokio::time::sleep(LOCK_POLL).await;
                    waited += LOCK_POLL;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(Error::new(Code::HomeInUse, "another process has used this home for a minute")
                        .hint("Wait for it, or end it."));
                }
                Err(fs::TryLockError::Error(e)) => return Err(fault(&path, &e)),
            }
        }
    }

    /// The device's seed, if a device lives here. Refused if others can read it.
    pub(crate) fn device_seed(&self) -> Result<Option<DeviceSeed>> {
        let path = self.dir.join(DEVICE_KEY);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(fault(&path, &e)),
        };
        check_private(&file, &path)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(33));
        (&mut file).take(33).read_to_end(&mut bytes).map_err(|e| fault(&path, &e))?;
        let seed = DeviceSeed::from_slice(&bytes).ok_or_else(|| {
            Error::new(Code::Malformed, format!("{} is not a device key", path.display()))
                .hint("Restore it from a backup, or use another home.")
        })?;
        Ok(Some(seed))
    }

    /// Writes a new device's seed, durably and all or nothing.
    pub(crate) fn keep_device_seed(&self, seed: &DeviceSeed) -> Result<()> {
        let path = self.dir.join(DEVICE_KEY);
        let new = self.dir.join("device.key.new");
        let write = || {
            let mut file = private().create(true).write(true).truncate(true).open(&new)?;
            file.write_all(seed.expose())?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|e| fault(&path, &e))
    }

    /// Removes the seed, which lies in the records from now on, sealed. What it was is written over first; what a disk
    /// keeps of it all the same is the file system's affair.
    pub(crate) fn drop_device_seed(&self) -> Result<()> {
        let path = self.dir.join(DEVICE_KEY);
        let drop = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.write_all(&[0; 32])?;
            file.sync_all()?;
            fs::remove_file(&path)?;
            File::open(&self.dir)?.sync_all()
        };
        match drop() {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(fault(&path, &e)),
            _ => Ok(()),
        }
    }

    /// Removes the device: its account can only be used from other devices afterwards.
    pub(crate) fn forget(&self) -> Result<()> {
        for name in [DEVICE_KEY, RECORDS] {
            let path = self.dir.join(name);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(fault(&path, &e)),
                _ => {}
            }
        }
        for _ in 0..FORGET_TRIES {
            match fs::remove_dir_all(self.cache()) {
                // Somebody who was reading kept something at this moment.
                Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(fault(&self.cache(), &e)),
                _ => break,
            }
        }
        Ok(())
    }
}

/// What it creates, only its owner can read (mode 0600).
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn check_private(file: &File, path: &Path) -> Result<()> {
    let mode = file.metadata().map_err(|e| fault(path, &e))?.permissions();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::new(Code::NotAllowed, format!("others can read {}", path.display()))
        .hint(format!("Run `chmod 600 {}`; if anybody may have read it, revoke this device.", path.display())))
}

#[cfg(not(unix))]
fn check_private(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

/// What went wrong with a file, as an error of ours.
pub(crate) fn fault(path: &Path, error: &io::Error) -> Error {
    let at = path.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(Code::StorageFull, format!("{at}: the disk is full")).hint("Make room, then try again.")
        }
        io::ErrorKind::NotFound => Error::new(Code::UnknownFile, format!("{at} is not there")),
        _ => Error::new(Code::Io, format!("{at}: {error}")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_seed_comes_back_and_others_cannot_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open_or_create(&dir.path().join("home")).unwrap();
        assert!(home.device_seed().unwrap().is_none());
        home.keep_device_seed(&DeviceSeed::from_slice(&[7; 32]).unwrap()).unwrap();
        assert_eq!(home.device_seed().unwrap().unwrap().expose(), &[7; 32]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(home.dir()), mode(&home.dir.join(DEVICE_KEY))), (0o700, 0o600));
    }

    #[test]
    fn a_seed_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open_or_create(dir.path()).unwrap();
        home.keep_device_seed(&DeviceSeed::from_slice(&[7; 32]).unwrap()).unwrap();
        fs::set_permissions(home.dir.join(DEVICE_KEY), fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(home.device_seed().unwrap_err().code, Code::NotAllowed);
    }

    #[tokio::test]
    async fn others_can_read_nothing_of_a_home() {
        let dir = tempfile::tempdir().unwrap();
        // Somebody else's folder, which is open to all.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home::open_or_create(dir.path()).unwrap();
        let seed = DeviceSeed::from_slice(&[7; 32]).unwrap();
        home.keep_device_seed(&seed).unwrap();
        drop(home.lock().await.unwrap());
        let storage = keyfold_core::device::DeviceKeys::derive(&seed).unwrap().storage;
        drop(crate::native::store::Records::open(&home.records()).unwrap().with(storage, None));
        let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap()).collect();
        files.sort_by_key(fs::DirEntry::file_name);
        let names: Vec<_> = files.iter().map(|file| file.file_name().into_string().unwrap()).collect();
        assert_eq!(names, [DEVICE_KEY, LOCK, RECORDS]);
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
        }
    }

    #[tokio::test]
    async fn a_second_holder_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open_or_create(dir.path()).unwrap();
        let first = home.lock().await.unwrap();
        let waiting = tokio::spawn({
            let home = home.clone();
            async move { home.lock().await.map(drop) }
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap().unwrap();
    }
}
