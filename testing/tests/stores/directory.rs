//! A folder, and what becomes of it when several processes write there, or one is killed.

use super::Fixture;
use futures_util::{FutureExt as _, future::BoxFuture};
use keyfold_client::stores::{DirectoryStore, LISTED_AFTER, MAX_OBJECT, Store, StoreError, Swapped};
use keyfold_testing::{disk::Disk, numbered};
use std::{
    fs::{self, File, FileTimes},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

struct Folder(tempfile::TempDir);

impl Fixture for Folder {
    type Store = DirectoryStore;

    async fn start() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn open<'a>(&'a self, name: &'static str) -> BoxFuture<'a, DirectoryStore> {
        let folder = self.0.path().join(name);
        async move { DirectoryStore::open(folder).await.unwrap().listed_after(Duration::ZERO) }.boxed()
    }
}

super::conforms!(Folder);

fn writer(folder: &Path, what: &str, number: u64) -> Child {
    let mut writer = Command::new(env!("CARGO_BIN_EXE_store_writer"));
    writer.arg(folder).args([what, &number.to_string()]).stdout(Stdio::piped()).spawn().unwrap()
}

async fn number_under(store: &DirectoryStore, name: &str) -> Option<u64> {
    let stands = store.read(name).await.unwrap()?;
    Some(u64::from_be_bytes(stands.bytes.try_into().unwrap()))
}

/// All files that are being written.
fn half_written(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder.join("new")).unwrap().map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn of_processes_that_count_at_once_none_loses_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..3).map(|_| writer(folder.path(), "count", 60)).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let store = DirectoryStore::open(folder.path()).await.unwrap();
    assert_eq!(number_under(&store, "count").await, Some(180));
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_there_and_the_rest_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(folder.path()).await.unwrap().listed_after(Duration::ZERO);
    let mut next = 0;
    for round in 0..12 {
        let mut writer = writer(folder.path(), "fill", next);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut told: Vec<String> = lines.by_ref().take(round + 1).map(Result::unwrap).collect();
        // In the middle of whatever it does next: a put after a swap, and the other way round.
        writer.kill().unwrap();
        writer.wait().unwrap();
        told.extend(lines.map(Result::unwrap));
        let last = |what: &str| told.iter().rev().find_map(|line| line.strip_prefix(what)?.trim().parse::<u64>().ok());
        let put = last("put").unwrap();
        for number in 0..=put {
            assert_eq!(store.get(&[numbered::id(number)]).await.unwrap(), [Some(numbered::object(number).1)]);
        }
        for number in put + 1..=put + 10 {
            let found = store.get(&[numbered::id(number)]).await.unwrap().remove(0);
            assert!(found.is_none_or(|found| found == numbered::object(number).1), "half of object {number}");
        }
        let stands = number_under(&store, "last").await;
        assert!(stands == last("swapped").or(stands) || stands == Some(put), "{stands:?} after {told:?}");
        assert!(last("swapped").is_none_or(|swapped| stands >= Some(swapped)), "{stands:?} after {told:?}");
        let listed = store.list(None).await.unwrap();
        assert!((put + 1..=put + 11).contains(&(listed.len() as u64)), "{} are listed", listed.len());
        next = put + 1;
    }
}

#[tokio::test]
async fn what_is_younger_than_an_hour_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(folder.path()).await.unwrap();
    store.put((0..4).map(numbered::object).collect()).await.unwrap();
    assert_eq!(store.list(None).await.unwrap(), []);
    let old = [numbered::id(1), numbered::id(3)];
    for id in old {
        let hex: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        age(&folder.path().join("objects").join(&hex[..2]).join(hex));
    }
    let mut listed = store.list(None).await.unwrap();
    listed.sort_by_key(|id| old.iter().position(|old| old == id));
    assert_eq!(listed, old);
    // Whoever puts it again may be about to name it.
    store.put(vec![numbered::object(3)]).await.unwrap();
    assert_eq!(store.list(None).await.unwrap(), [numbered::id(1)]);
}

/// Makes a file older than what is listed.
fn age(file: &Path) {
    let long_ago = SystemTime::now() - LISTED_AFTER - Duration::from_secs(60);
    File::options().write(true).open(file).unwrap().set_times(FileTimes::new().set_modified(long_ago)).unwrap();
}

#[tokio::test]
async fn what_a_killed_process_left_half_written_goes_with_a_sweep_once_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(folder.path()).await.unwrap().listed_after(Duration::ZERO);
    let [young, old] = ["young", "old"].map(|name| folder.path().join("new").join(name));
    fs::write(&young, "half").unwrap();
    fs::write(&old, "half").unwrap();
    age(&old);
    store.list(None).await.unwrap();
    assert_eq!(half_written(folder.path()), [young]);
}

#[tokio::test]
async fn a_full_disk_says_so_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of_kilobytes(folder.path().join("disk"), 8 << 10) else { return };
    let store = DirectoryStore::open(disk.path()).await.unwrap();
    store.put(vec![numbered::object(1)]).await.unwrap();
    let Swapped::Done(version) = store.swap("name", None, vec![1; 5_000]).await.unwrap() else { panic!() };
    disk.fill();
    assert_eq!(store.put((2..9).map(numbered::object).collect()).await, Err(StoreError::Full));
    assert_eq!(store.swap("name", Some(&version), vec![2; 5_000]).await, Err(StoreError::Full));
    assert_eq!(store.get(&[numbered::id(1), numbered::id(2)]).await.unwrap(), [Some(numbered::object(1).1), None]);
    assert_eq!(store.read("name").await.unwrap().unwrap().bytes, vec![1; 5_000]);
    assert_eq!(half_written(disk.path()), [] as [PathBuf; 0]);
    disk.free();
    store.put((2..9).map(numbered::object).collect()).await.unwrap();
    assert!(matches!(store.swap("name", Some(&version), vec![2; 5_000]).await, Ok(Swapped::Done(_))));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_one_may_not_write_one_is_told() {
    // Where nobody makes a folder, root neither.
    assert!(matches!(DirectoryStore::open("/sys/keyfold").await, Err(StoreError::Denied(_))));
}

#[tokio::test]
async fn a_file_that_somebody_made_huge_is_not_read_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(folder.path()).await.unwrap();
    store.put(vec![numbered::object(0)]).await.unwrap();
    let place = folder.path().join("objects/00").join("0".repeat(64));
    File::options().write(true).open(place).unwrap().set_len(1 << 40).unwrap();
    let found = store.get(&[numbered::id(0)]).await.unwrap().remove(0).unwrap();
    assert_eq!(found.len(), MAX_OBJECT + 1);
}
