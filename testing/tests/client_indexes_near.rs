//! What a home keeps near of indexes: real clients, each call of another process, and what they ask of the server. What
//! is kept there saves questions, and is read while the server is not reached; nobody is told anything wrong by it.

use keyfold_client::{Changes, Client, Code, Index, IndexQuery, ShareKeys, ShareOptions, key::Part};
use keyfold_testing::{
    disk::Disk,
    evil::EvilWorld,
    people::{Person, TestServer},
    table::table,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn number(n: u32) -> [Part; 1] {
    [Part::Integer(n.into())]
}

fn value(n: u32) -> Vec<u8> {
    format!("{n:->100}").into_bytes()
}

/// Rows of the table, of 100 bytes each.
async fn fill(client: &Client, rows: u32) {
    let mut changes = Changes::new();
    for n in 0..rows {
        changes.put(&number(n), &value(n)).unwrap();
    }
    table(client).commit(&changes).await.unwrap();
}

/// The first rows from a key on.
async fn some(table: &Index, from: u32, limit: usize) -> keyfold_client::Result<Vec<Vec<u8>>> {
    let from = keyfold_client::key::encode(&number(from)).unwrap();
    let query = IndexQuery { from: std::ops::Bound::Included(from.into()), ..IndexQuery::default() };
    let mut found = Vec::new();
    let see = |_, value: &[u8]| {
        found.push(value.to_vec());
        Ok(())
    };
    table.each(&query, limit, see).await?;
    Ok(found)
}

fn rows(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(value).collect()
}

/// What was asked of the storage since the last look.
fn asked(world: &EvilWorld) -> Vec<String> {
    let paths = world.evil.take_seen().into_iter().map(|asked| asked.path);
    let named =
        paths.filter_map(|path| Some(path.split_once("/objects/").or(path.split_once("/references/"))?.1.into()));
    named.collect()
}

/// The files of a home's cache.
fn kept(home: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(home.join("cache")).into_iter().flatten().map(|folder| folder.unwrap().path());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path())).collect()
}

async fn alice_with(world: &EvilWorld, rows: u32) -> PathBuf {
    let alice = world.person("alice").await;
    alice.create_keychain("notes", keyfold_client::Algorithm::SecretBox).await.unwrap();
    fill(&alice, rows).await;
    world.home("alice")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_reads_a_range_of_100_000_rows_and_asks_for_the_reference_only() {
    let world = EvilWorld::start().await;
    let home = alice_with(&world, 100_000).await;
    let first = Client::open(&home).unwrap();
    assert!(some(&table(&first), 50_000, 1_000).await.unwrap() == rows(50_000..51_000));
    assert!(asked(&world).iter().any(|path| path == "read"), "the first one fetches");
    let second = Client::open(&home).unwrap();
    world.evil.take_seen();
    assert!(some(&table(&second), 50_000, 1_000).await.unwrap() == rows(50_000..51_000));
    let seen: Vec<String> = world.evil.take_seen().into_iter().map(|asked| asked.path).collect();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].ends_with("/references/read"), "{seen:?}");
    assert_eq!(table(&second).count(&IndexQuery::default()).await.unwrap(), 100_000);
    assert_eq!(asked(&world), ["read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_altered_in_the_cache_is_fetched_anew_and_is_then_whole_again() {
    let world = EvilWorld::start().await;
    let home = alice_with(&world, 5_000).await;
    let read = async || some(&table(&Client::open(&home).unwrap()), 0, 5_000).await.unwrap();
    assert!(read().await == rows(0..5_000));
    let other = fs::read(&kept(&home)[0]).unwrap();
    type Spoil<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let spoils: [Spoil<'_>; 3] = [
        &|mut bytes| {
            bytes[20] ^= 1;
            bytes
        },
        &|bytes| bytes[..bytes.len() / 2].to_vec(),
        &|_| other.clone(),
    ];
    for spoil in spoils {
        for file in kept(&home) {
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, spoil(bytes)).unwrap();
        }
        asked(&world);
        assert!(read().await == rows(0..5_000));
        assert!(asked(&world).len() > 1, "it is fetched");
        assert!(read().await == rows(0..5_000));
        assert_eq!(asked(&world), ["read"], "and kept");
    }
    // A folder that is something else, and one that cannot be read.
    fs::remove_dir_all(home.join("cache")).unwrap();
    fs::write(home.join("cache"), b"no folder").unwrap();
    assert!(read().await == rows(0..5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_reads_what_the_server_has_and_not_what_is_near() {
    let world = EvilWorld::start().await;
    let home = alice_with(&world, 5_000).await;
    let client = Client::open(&home).unwrap();
    assert!(some(&table(&client), 0, 5_000).await.unwrap() == rows(0..5_000));
    assert!(table(&client).check().await.unwrap().wrong.is_empty());
    world.evil.lie(|asked, answer| {
        if asked.path.ends_with("/objects/read") {
            let mut objects = keyfold_protocol::wire::Objects::decode(&answer.body).unwrap();
            objects.objects.iter_mut().for_each(Vec::clear);
            answer.body = objects.encode();
        }
    });
    assert!(!table(&client).check().await.unwrap().wrong.is_empty());
    assert!(some(&table(&client), 0, 5_000).await.unwrap() == rows(0..5_000), "what was read is still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_what_was_read_is_read_as_it_was_and_the_rest_is_not_there() {
    let world = EvilWorld::start().await;
    let home = alice_with(&world, 100_000).await;
    let reader = Client::open(&home).unwrap();
    let table_here = table(&reader);
    assert!(some(&table_here, 200, 100).await.unwrap() == rows(200..300));
    assert!(!table_here.is_offline());

    world.evil.be_down(true);
    // The same process, and one that was just started.
    for client in [reader, Client::open(&home).unwrap()] {
        let table = table(&client);
        assert!(some(&table, 200, 100).await.unwrap() == rows(200..300));
        assert!(table.is_offline());
        assert_eq!(table.get(&number(250)).await.unwrap().unwrap().to_vec(), value(250));
        assert_eq!(table.count(&IndexQuery::default()).await.unwrap(), 100_000);
        let missing = some(&table, 90_000, 10).await.unwrap_err();
        assert_eq!((missing.code, missing.retryable()), (Code::ServerUnavailable, true));
        assert_eq!(table.check().await.unwrap_err().code, Code::ServerUnavailable);
    }

    world.evil.be_down(false);
    let client = Client::open(&home).unwrap();
    let table = table(&client);
    table.put(&number(250), b"new").await.unwrap();
    assert_eq!(table.get(&number(250)).await.unwrap().unwrap().to_vec(), b"new");
    assert!(!table.is_offline());
    world.evil.be_down(true);
    let table = Client::open(&home).unwrap().index("notes", "table");
    assert_eq!(table.get(&number(250)).await.unwrap().unwrap().to_vec(), b"new", "what one wrote oneself is seen too");
    assert!(table.is_offline());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_nothing_is_shown_that_is_older_than_what_was_seen() {
    let world = EvilWorld::start().await;
    let home = alice_with(&world, 10).await;
    let read = async || {
        let client = Client::open(&home).unwrap();
        table(&client).get(&number(3)).await.map(|value| value.unwrap().to_vec())
    };
    assert_eq!(read().await.unwrap(), value(3));
    let root = kept(&home).into_iter().find(|file| file.extension().is_some_and(|end| end == "root")).unwrap();
    let old = fs::read(&root).unwrap();
    table(&Client::open(&home).unwrap()).put(&number(3), b"new").await.unwrap();
    world.evil.be_down(true);
    assert_eq!(read().await.unwrap(), b"new");
    let spoils: [Vec<u8>; 4] = [old, Vec::new(), vec![1], vec![0; 5_000]];
    for spoiled in spoils {
        fs::write(&root, spoiled).unwrap();
        assert_eq!(read().await.unwrap_err().code, Code::ServerUnavailable);
    }
    fs::remove_dir_all(home.join("cache")).unwrap();
    assert_eq!(read().await.unwrap_err().code, Code::ServerUnavailable);
    world.evil.be_down(false);
    assert_eq!(read().await.unwrap(), b"new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_is_not_one_that_is_not_reached() {
    let world = EvilWorld::start().await;
    let home = alice_with(&world, 10).await;
    let client = Client::open(&home).unwrap();
    table(&client).get(&number(3)).await.unwrap();
    world.evil.lie(|asked, answer| {
        if asked.path.ends_with("/references/read") {
            answer.body = keyfold_protocol::wire::ReferenceNow { reference: None }.encode();
        }
    });
    let refused = table(&client).get(&number(3)).await.unwrap_err();
    assert_eq!(refused.code, Code::Rollback, "it does not help that it is near");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_disk_is_full_everything_is_read_all_the_same() {
    let server = TestServer::start().await;
    let [alice, bob] = [Person::signed_up("alice", &server).await, Person::new("bob")];
    let Some(disk) = Disk::of_kilobytes(bob.folder().join("small"), 4_096) else { return };
    let client = Client::open(&disk.path().join("home")).unwrap();
    client.signup("bob", &server.url(), Some(&server.key())).await.unwrap();
    alice.keychain("notes").await;
    alice.client.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    client.sync().await.unwrap();
    fill(&alice.client, 30_000).await;
    // What stands there now is seen while there is room for that.
    assert_eq!(table(&client).count(&IndexQuery::default()).await.unwrap(), 30_000);
    disk.fill();
    for _ in 0..2 {
        let client = Client::open(&disk.path().join("home")).unwrap();
        assert!(some(&table(&client), 0, 30_000).await.unwrap() == rows(0..30_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_that_read_and_write_at_once_see_what_is_there() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.keychain("notes").await;
    fill(&alice.client, 20_000).await;
    let work = |number: u32| {
        let client = alice.again();
        async move {
            for round in 0..5 {
                let from = (number * 5 + round) * 900;
                assert!(some(&table(&client), from, 500).await.unwrap() == rows(from..from + 500));
                table(&client).put(&self::number(1_000_000 + number * 10 + round), b"more").await.unwrap();
            }
        }
    };
    futures_util::future::join_all((0..4).map(work)).await;
    assert_eq!(table(&alice.again()).count(&IndexQuery::default()).await.unwrap(), 20_020);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_near_goes_with_the_device_and_there_is_nothing_to_read_in_it() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.keychain("notes").await;
    fill(&alice.client, 5_000).await;
    assert!(some(&table(&alice.client), 0, 5_000).await.unwrap() == rows(0..5_000));
    let all = kept(&alice.home());
    assert!(all.len() > 10);
    for file in all {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(10).any(|window| window == b"----------"), "{}", file.display());
    }
    alice.client.logout(true).await.unwrap();
    assert!(!alice.home().join("cache").exists());
}
