//! Sealed bytes that were fetched before, near: a folder in the home, of which what was used longest ago goes first. Any
//! number of processes may work on it at once. Nothing in it is trusted or waited for to reach the disk, and nothing that
//! goes wrong with it is an error: what is not there is fetched again.
//!
//! ```text
//! cache/a/…    what is kept, by its name, under the name's first letter
//! ```

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// What is kept, in bytes, unless said otherwise.
const MOST_BYTES: u64 = 256 << 20;
/// Folders in it: names begin with letters of hexadecimal.
const FOLDERS: u64 = 16;
/// What was used is marked so, if it was not for so long: reading writes seldom.
const USED_AGAIN: Duration = Duration::from_secs(60 * 60);

/// What is kept near.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    most: u64,
}

impl Cache {
    /// In this folder, which is made when something is kept.
    pub(crate) fn at(dir: PathBuf) -> Self {
        Self { dir, most: MOST_BYTES }
    }

    /// What is there under names, in their order.
    pub(crate) fn find(&self, names: &[String]) -> Vec<Option<Vec<u8>>> {
        names.iter().map(|name| read(&self.place(name)).ok()).collect()
    }

    /// Keeps bytes under names, or nothing from now on.
    pub(crate) fn keep(&self, puts: &[(String, Option<Vec<u8>>)]) {
        for (name, bytes) in puts {
            let place = self.place(name);
            match bytes {
                None => drop(fs::remove_file(&place)),
                Some(bytes) => {
                    if self.write(&place, bytes).is_ok() && takes_stock(name) {
                        self.make_room(&place);
                    }
                }
            }
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir.join(name.get(..1).unwrap_or("0")).join(name)
    }

    /// Whole or not at all, as far as other processes see; after a power cut it may be anything.
    fn write(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = place.parent().unwrap_or(&self.dir);
        let mut file = match NamedTempFile::new_in(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                // Not the home: whoever is not in it any more brings nothing back.
                private_folder(&self.dir)?;
                private_folder(folder)?;
                NamedTempFile::new_in(folder)?
            }
            file => file?,
        };
        file.write_all(bytes)?;
        file.persist(place)?;
        Ok(())
    }

    /// What was used longest ago goes until there is some room again.
    fn make_room(&self, place: &Path) {
        let Some(folder) = place.parent() else { return };
        let most = self.most / FOLDERS;
        let mut files = Vec::new();
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            if let Ok(about) = file.metadata() {
                files.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), file.path()));
            }
        }
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        if bytes <= most {
            return;
        }
        files.sort_unstable();
        for (_, length, path) in files {
            if bytes <= most - most / 8 {
                return;
            }
            // Another process may have been quicker.
            drop(fs::remove_file(path));
            bytes = bytes.saturating_sub(length);
        }
    }
}

/// Whether its folder is looked through once this is there: with one in 64 names, which are as good as random.
fn takes_stock(name: &str) -> bool {
    matches!(name.as_bytes(), [_, b'0' | b'4' | b'8' | b'c', b'0', ..])
}

fn read(place: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(place)?;
    let about = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    if about.modified()?.elapsed().is_ok_and(|since| since > USED_AGAIN) {
        // Where that does not work, it goes sooner.
        drop(File::options().append(true).open(place).and_then(|file| file.set_modified(SystemTime::now())));
    }
    Ok(bytes)
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As objects are named: letters of hexadecimal, spread as hashes are (SplitMix64).
    fn name(number: usize) -> String {
        let mut z = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", z ^ (z >> 31))
    }

    fn all(dir: &Path) -> Vec<PathBuf> {
        let folders = fs::read_dir(dir).unwrap().map(|folder| folder.unwrap().path());
        folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path())).collect()
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_let_go_of() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("cache"));
        let names: Vec<String> = (0..3).map(name).collect();
        assert_eq!(cache.find(&names), [None, None, None]);
        cache.keep(&[(names[0].clone(), Some(vec![1; 8_192])), (names[2].clone(), Some(vec![]))]);
        assert_eq!(cache.find(&names), [Some(vec![1; 8_192]), None, Some(vec![])]);
        cache.keep(&[(names[0].clone(), Some(vec![2])), (names[2].clone(), None)]);
        assert_eq!(Cache::at(home.path().join("cache")).find(&names), [Some(vec![2]), None, None]);
    }

    #[test]
    fn it_has_a_bound_and_what_was_used_last_stays() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache { dir: home.path().join("cache"), most: 4 << 20 };
        let loved = name(1_000_000);
        cache.keep(&[(loved.clone(), Some(vec![7; 1_024]))]);
        for number in 0..4_000 {
            cache.keep(&[(name(number), Some(vec![1; 4_096]))]);
            // As if an hour had passed since it was used.
            let long_ago = SystemTime::now() - 2 * USED_AGAIN;
            for name in [&name(number), &loved] {
                File::options().append(true).open(cache.place(name)).unwrap().set_modified(long_ago).unwrap();
            }
            assert_eq!(cache.find(std::slice::from_ref(&loved)), [Some(vec![7; 1_024])], "after {number}");
        }
        let bytes: u64 = all(&cache.dir).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(((2 << 20)..(6 << 20)).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_home_that_is_gone_is_not_made_again_for_it() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("gone/cache"));
        cache.keep(&[(name(1), Some(vec![1]))]);
        assert!(!home.path().join("gone").exists());
        assert_eq!(cache.find(&[name(1)]), [None]);
    }

    #[cfg(unix)]
    #[test]
    fn others_can_read_nothing_of_it() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("cache"));
        cache.keep(&[(name(1), Some(vec![1]))]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cache.dir), mode(&cache.place(&name(1)))), (0o700, 0o600));
    }

    #[test]
    fn many_who_keep_and_find_at_once_never_find_a_part() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("cache");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let cache = Cache { dir: dir.clone(), most: 64 << 10 };
                    for number in 0..500 {
                        let name = name(number % 40);
                        cache.keep(&[(name.clone(), Some(vec![number as u8; 4_096]))]);
                        if let [Some(found)] = &cache.find(&[name])[..] {
                            assert!(found.len() == 4_096 && found.iter().all(|byte| *byte == found[0]));
                        }
                    }
                });
            }
        });
    }
}
