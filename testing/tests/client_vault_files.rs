//! Files of keychains: real clients against real servers. What is put is what others get; who may do what; what stays of
//! what was; and going on where it stopped.

use keyfold_client::{
    Algorithm, Changes, Client, Code, GetOptions, Input, ItemKind, PermissionFlags, PutOptions, Result, ShareKeys,
    ShareOptions, Vault, key::Part,
};
use keyfold_testing::people::{Person, TestServer};
use sqlx::Connection as _;
use std::{
    fs::File,
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

const MIB: usize = 1 << 20;

fn vault(client: &Client) -> Vault {
    client.vault("notes")
}

/// Bytes that no two places of a file share.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

async fn put(client: &Client, path: &str, content: &[u8]) -> Result<()> {
    let input = Input::stream(io::Cursor::new(content.to_vec()));
    vault(client).put(path, input, PutOptions::default()).await.map(drop)
}

/// What is written, for whoever wants to look at it afterwards.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn got(client: &Client, path: &str, version: Option<u64>, range: Option<Range<u64>>) -> Result<Vec<u8>> {
    let sink = Sink::default();
    vault(client).get(path, sink.clone(), GetOptions { version, range, ..GetOptions::default() }).await?;
    Ok(std::mem::take(&mut *sink.0.lock().unwrap()))
}

async fn names(client: &Client, folder: &str) -> Vec<String> {
    vault(client).list(folder).await.unwrap().into_iter().map(|item| item.name).collect()
}

async fn share(from: &Client, read_only: bool) {
    let options = ShareOptions { read_only, ..ShareOptions::default() };
    from.share("notes", &["bob"], ShareKeys::All, options).await.unwrap();
}

async fn alice_and_bob(server: &TestServer, read_only: bool) -> [Person; 2] {
    let [alice, bob] = [Person::signed_up("alice", server).await, Person::signed_up("bob", server).await];
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice.client, read_only).await;
    bob.client.sync().await.unwrap();
    [alice, bob]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_puts_the_other_gets_whole_and_in_ranges_of_any_size() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, false).await;
    for (length, seed) in [(0, 1), (1, 2), (65_536, 3), (MIB - 8, 4), (MIB, 5), (6 * MIB + 12_345, 6)] {
        let content = bytes(length, seed);
        put(&alice.client, "pictures/summer.jpg", &content).await.unwrap();
        assert_eq!(got(&bob.client, "pictures/summer.jpg", None, None).await.unwrap(), content, "{length}");
        let length = length as u64;
        for range in [0..1, length / 2..length / 2 + 70_000, length.saturating_sub(1)..length + 9, length..length + 1] {
            let cut = |at: u64| at.min(length) as usize;
            let expected = &content[cut(range.start)..cut(range.end)];
            let read = got(&bob.client, "pictures/summer.jpg", None, Some(range.clone())).await.unwrap();
            assert_eq!(read, expected, "{range:?} of {length}");
        }
    }
    let item = vault(&bob.client).stat("/pictures/summer.jpg").await.unwrap();
    assert_eq!((item.size, item.version, item.kind), (Some(6 * MIB as u64 + 12_345), Some(6), ItemKind::File));
    assert_eq!(names(&bob.client, "").await, ["pictures"]);
    assert_eq!(names(&bob.client, "pictures").await, ["summer.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_are_renamed_moved_removed_and_refused_by_name() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, false).await;
    put(&alice.client, "a/b/one.txt", b"one").await.unwrap();
    put(&alice.client, "a/two.txt", b"two").await.unwrap();
    vault(&alice.client).make_folder("c").await.unwrap();
    vault(&bob.client).rename("a/b", "c/d").await.unwrap();
    assert_eq!(got(&alice.client, "c/d/one.txt", None, None).await.unwrap(), b"one");
    let code = |outcome: Result<_>| outcome.map(|_: keyfold_client::VaultItem| ()).unwrap_err().code;
    let alice = vault(&alice.client);
    assert_eq!(code(alice.stat("a/b").await), Code::UnknownFile);
    assert_eq!(code(alice.rename("c", "c/d/e").await), Code::NotAFolder, "into itself");
    assert_eq!(code(alice.rename("c", "c/e").await), Code::NotAFolder, "into itself");
    assert_eq!(code(alice.rename("a/two.txt", "c/d/one.txt").await), Code::FileExists);
    assert_eq!(code(alice.rename("nothing", "c/x").await), Code::UnknownFile);
    assert_eq!(code(alice.rename("a/two.txt", "nowhere/x").await), Code::UnknownFile);
    assert_eq!(code(alice.rename("a/two.txt", "c/d/one.txt/x").await), Code::NotAFolder);
    assert_eq!(code(alice.remove("c", false).await), Code::FolderNotEmpty);
    assert_eq!(code(alice.remove("", true).await), Code::FolderNotEmpty);
    assert_eq!(code(alice.make_folder("a/two.txt").await), Code::NotAFolder);
    assert_eq!(code(alice.stat("a/../a").await), Code::BadText);
    let put = |path: &'static str| alice.put(path, Input::stream(io::empty()), PutOptions::default());
    assert_eq!(code(put("c").await), Code::NotAFile);
    assert_eq!(code(put("").await), Code::NotAFile);
    assert_eq!(code(put("a/two.txt/x").await), Code::NotAFolder);
    assert_eq!(alice.list("a/two.txt").await.unwrap_err().code, Code::NotAFolder);
    alice.remove("c", true).await.unwrap();
    assert_eq!(names(&bob.client, "").await, ["a"]);
    alice.remove("a/two.txt", false).await.unwrap();
    alice.remove("a", false).await.unwrap();
    assert!(names(&bob.client, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_former_contents_stay_and_one_of_them_can_be_taken_up_again() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, false).await;
    for number in 1..=20_u8 {
        let person = if number % 2 == 0 { &alice } else { &bob };
        put(&person.client, "plan.txt", &bytes(2_000, number)).await.unwrap();
    }
    let versions = vault(&bob.client).versions("plan.txt").await.unwrap();
    assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), (4..=20).rev().collect::<Vec<_>>());
    assert!(versions[0].current && !versions[1].current);
    assert_eq!(got(&bob.client, "plan.txt", Some(4), None).await.unwrap(), bytes(2_000, 4));
    assert_eq!(got(&bob.client, "plan.txt", Some(3), None).await.unwrap_err().code, Code::UnknownFile);
    let restored = vault(&bob.client).restore("plan.txt", 7).await.unwrap();
    assert_eq!(restored.version, Some(21));
    assert_eq!(got(&alice.client, "plan.txt", None, None).await.unwrap(), bytes(2_000, 7));
    // What was taken up again stays readable when the former one is let go of.
    let keep_none =
        PutOptions { about: keyfold_client::About { keep: Some(1), ..Default::default() }, ..Default::default() };
    vault(&alice.client).put("plan.txt", Input::stream(&b"new"[..]), keep_none).await.unwrap();
    assert_eq!(vault(&alice.client).versions("plan.txt").await.unwrap().len(), 2);
    assert_eq!(got(&alice.client, "plan.txt", Some(21), None).await.unwrap(), bytes(2_000, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_read_is_not_said_of_a_file() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, false).await;
    let said = |media_type: String, modified| PutOptions {
        about: keyfold_client::About { media_type, modified: Some(modified), keep: None },
        ..PutOptions::default()
    };
    let put = async |options| vault(&alice.client).put("a", Input::stream(&b"text"[..]), options).await;
    for options in [said("t".repeat(257), 1), said(String::new(), 1 << 53), said(String::new(), u64::MAX)] {
        assert_eq!(put(options).await.unwrap_err().code, Code::TooLarge);
    }
    assert!(names(&bob.client, "").await.is_empty());
    put(said("t".repeat(256), (1 << 53) - 1)).await.unwrap();
    let item = vault(&bob.client).stat("a").await.unwrap();
    assert_eq!((item.media_type, item.modified), (Some("t".repeat(256)), Some((1 << 53) - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_puts_nothing_and_who_is_banned_gets_nothing_more() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, true).await;
    put(&alice.client, "plan.txt", b"old plan").await.unwrap();
    assert_eq!(got(&bob.client, "plan.txt", None, None).await.unwrap(), b"old plan");
    assert_eq!(put(&bob.client, "plan.txt", b"mine").await.unwrap_err().code, Code::NotAllowed);
    assert_eq!(vault(&bob.client).remove("plan.txt", false).await.unwrap_err().code, Code::NotAllowed);
    assert_eq!(vault(&alice.client).still_readable().await.unwrap().contents, 0);
    alice.client.ban("notes", "bob").await.unwrap();
    assert!(got(&bob.client, "plan.txt", None, None).await.is_err());
    let still = vault(&alice.client).still_readable().await.unwrap();
    assert_eq!((still.contents, still.bytes), (1, 8));
    put(&alice.client, "new.txt", b"new plan").await.unwrap();
    assert_eq!(vault(&alice.client).still_readable().await.unwrap(), still, "what is new is under the new key");
    let swept = vault(&alice.client).sweep().await.unwrap();
    assert_eq!((swept.contents, swept.bytes, swept.deleted), (1, 8, 0));
    assert_eq!(vault(&alice.client).still_readable().await.unwrap().contents, 0);
    assert_eq!(got(&alice.client, "plan.txt", None, None).await.unwrap(), b"old plan");
    _ = PermissionFlags::default();
}

/// A file on a disk, and how far a put of it came before it was stopped.
async fn interrupted(client: &Client, file: &Path, after: u64) {
    let options = PutOptions::default();
    let (cancel, stored) = (options.cancel.clone(), Arc::new(AtomicU64::new(0)));
    let seen = stored.clone();
    let progress = move |bytes: u64| {
        seen.store(bytes, Ordering::Relaxed);
        if bytes >= after {
            cancel.cancel();
        }
    };
    let options = PutOptions { progress: Some(Arc::new(progress)), ..options };
    let error = vault(client).put("film.mp4", File::open(file).unwrap(), options).await.unwrap_err();
    assert_eq!(error.code, Code::Cancelled);
    assert!(stored.load(Ordering::Relaxed) >= after);
}

fn file(folder: &tempfile::TempDir, content: &[u8]) -> PathBuf {
    let path = folder.path().join("film.mp4");
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_was_stopped_goes_on_where_it_stopped_and_another_file_begins_anew() {
    let world = keyfold_testing::evil::EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let content = bytes(20 * MIB, 1);
    let path = file(&folder, &content);
    let sent = || -> usize {
        let seen = world.evil.take_seen();
        seen.iter().filter(|asked| asked.path.ends_with("/objects")).map(|asked| asked.body.len()).sum()
    };
    interrupted(&alice, &path, 8 * MIB as u64).await;
    let before = sent();
    assert!(before >= 8 * MIB, "{before}");
    // Another process of the same device goes on.
    drop(alice);
    let alice = Client::open(&world.home("alice")).unwrap();
    vault(&alice).put("film.mp4", File::open(&path).unwrap(), PutOptions::default()).await.unwrap();
    let after = sent();
    assert!(after < 17 * MIB && before + after < 26 * MIB, "{before} and {after}");
    assert_eq!(got(&alice, "film.mp4", None, None).await.unwrap(), content);

    // The same length and time, and other bytes: nothing of it goes out under the key that was used.
    let other = bytes(20 * MIB, 2);
    interrupted(&alice, &path, 8 * MIB as u64).await;
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, &other).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    sent();
    vault(&alice).put("film.mp4", File::open(&path).unwrap(), PutOptions::default()).await.unwrap();
    assert!(sent() >= 20 * MIB);
    assert_eq!(got(&alice, "film.mp4", None, None).await.unwrap(), other);
    assert_eq!(vault(&alice).versions("film.mp4").await.unwrap().len(), 2);
}

/// How many objects a server keeps, after they were made older by some days.
async fn objects(server: &TestServer, days: i64) -> i64 {
    let database = format!("sqlite://{}", server.data().join("keyfold.db").display());
    let mut database = sqlx::SqliteConnection::connect(&database).await.unwrap();
    let older = sqlx::query("UPDATE objects SET since = since - ?").bind(days * 24 * 60 * 60 * 1_000);
    older.execute(&mut database).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM objects").fetch_one(&mut database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_deletes_what_was_given_up_a_week_ago_and_nothing_that_a_file_or_an_index_has() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, false).await;
    let film = bytes(3 * MIB, 1);
    put(&alice.client, "film.mp4", &film).await.unwrap();
    put(&alice.client, "a/plan.txt", b"first").await.unwrap();
    put(&bob.client, "a/plan.txt", b"second").await.unwrap();
    put(&alice.client, "gone.txt", b"gone").await.unwrap();
    vault(&alice.client).remove("gone.txt", false).await.unwrap();
    // An index that the sweeping device has never heard of, with long values and a tail.
    let mut changes = Changes::new();
    for row in 0..3_000 {
        changes.put(&[Part::Integer(row)], &bytes(if row % 100 == 0 { 5_000 } else { 50 }, row as u8)).unwrap();
    }
    let table = bob.client.index("notes", "table");
    table.commit(&changes).await.unwrap();
    table.put(&[Part::Integer(7)], &bytes(5_000, 9)).await.unwrap();
    table.put(&[Part::Integer(7)], b"seven").await.unwrap();
    let other = tempfile::tempdir().unwrap();
    interrupted(&bob.client, &file(&other, &bytes(20 * MIB, 2)), 8 * MIB as u64).await;

    let before = objects(&server, 6).await;
    assert_eq!(vault(&alice.client).sweep().await.unwrap().deleted, 0, "somebody may still go on with it");
    objects(&server, 2).await;
    let swept = vault(&alice.client).sweep().await.unwrap();
    assert!((8..=16).contains(&swept.deleted), "{swept:?} of {before}");
    assert_eq!(vault(&alice.client).sweep().await.unwrap().deleted, 0);

    assert_eq!(got(&bob.client, "film.mp4", None, None).await.unwrap(), film);
    assert_eq!(got(&bob.client, "a/plan.txt", None, None).await.unwrap(), b"second");
    assert_eq!(got(&bob.client, "a/plan.txt", Some(1), None).await.unwrap(), b"first");
    assert_eq!(table.get(&[Part::Integer(7)]).await.unwrap().as_deref().map(Vec::as_slice), Some(&b"seven"[..]));
    let checked = table.check().await.unwrap();
    assert_eq!((checked.entries, checked.wrong.len()), (3_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_where_something_is_kept_that_it_does_not_know_deletes_nothing() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server, false).await;
    let other = tempfile::tempdir().unwrap();
    interrupted(&bob.client, &file(&other, &bytes(8 * MIB, 2)), 4 * MIB as u64).await;
    put(&alice.client, "plan.txt", b"plan").await.unwrap();
    let before = objects(&server, 8).await;
    // A release to come keeps something else here.
    let database = format!("sqlite://{}", server.data().join("keyfold.db").display());
    let mut database = sqlx::SqliteConnection::connect(&database).await.unwrap();
    let another = r#"INSERT INTO "references" SELECT scope, 'another-kind', 1, x'00' FROM "references""#;
    sqlx::raw_sql(another).execute(&mut database).await.unwrap();
    assert_eq!(vault(&alice.client).sweep().await.unwrap_err().code, Code::Unsupported);
    assert!(objects(&server, 0).await >= before);
    sqlx::raw_sql(r#"DELETE FROM "references" WHERE name = 'another-kind'"#).execute(&mut database).await.unwrap();
    assert!(vault(&alice.client).sweep().await.unwrap().deleted >= 4);
    assert_eq!(got(&bob.client, "plan.txt", None, None).await.unwrap(), b"plan");
}
