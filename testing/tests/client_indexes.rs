//! Indexes of keychains: real clients against real servers. Who reads and who writes; and what holds while several write,
//! keys change, somebody is put out, an answer is lost, or the server dies.

use futures_util::future::join_all;
use keyfold_client::{
    Algorithm, Changes, Client, Code, IndexChanged, IndexDifference, IndexQuery, ShareKeys, ShareOptions,
    key::{Part, encode},
};
use keyfold_testing::{
    evil::EvilWorld,
    keyfold_bin::Server,
    people::{Person, TestServer},
    table::{put, table, word},
};
use std::{
    ops::Bound,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

async fn value(client: &Client, key: &str) -> Option<String> {
    let value = table(client).get(&word(key)).await.unwrap();
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// Keys and values, in order.
async fn all(client: &Client) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let see = |key: Vec<Part>, value: &[u8]| {
        let [Part::Text(key)] = &key[..] else { panic!("{key:?}") };
        entries.push((key.clone(), String::from_utf8(value.to_vec()).unwrap()));
        Ok(())
    };
    table(client).each(&IndexQuery::default(), usize::MAX, see).await.unwrap();
    entries
}

fn is(entries: &[(String, String)], expected: &[(&str, &str)]) -> bool {
    entries.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected.iter().copied())
}

/// What reading and writing answer to somebody.
async fn refusals(client: &Client) -> [Option<Code>; 3] {
    let read = table(client).get(&word("k")).await;
    let count = table(client).count(&IndexQuery::default()).await;
    let write = table(client).put(&word("k"), b"theirs").await;
    [read.err().map(|e| e.code), count.err().map(|e| e.code), write.err().map(|e| e.code)]
}

async fn share(from: &Client, with: &str, keys: ShareKeys, read_only: bool) {
    let options = ShareOptions { read_only, ..ShareOptions::default() };
    from.share("notes", &[with], keys, options).await.unwrap();
}

/// Alice's `notes`, with bob in it.
async fn alice_and_bob(server: &TestServer) -> [Person; 2] {
    let [alice, bob] = [Person::signed_up("alice", server).await, Person::signed_up("bob", server).await];
    alice.keychain("notes").await;
    share(&alice.client, "bob", ShareKeys::All, false).await;
    bob.client.sync().await.unwrap();
    [alice, bob]
}

/// Another device of somebody.
async fn another(of: &Client, user_id: &str) -> Person {
    let text = of.enroll_new_device(None, None).await.unwrap();
    let device = Person::new(user_id);
    device.client.register_enrolled_device(&text).await.unwrap();
    device.client.sync().await.unwrap();
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_writes_the_other_finds_in_its_order_also_after_a_restart_of_the_server() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server).await;
    assert_eq!(table(&bob.client).count(&IndexQuery::default()).await.unwrap(), 0, "nobody has written");
    put(&alice.client, "pear", "1").await;
    put(&alice.client, "apple", "2").await;
    assert_eq!(value(&bob.client, "pear").await.as_deref(), Some("1"));
    put(&bob.client, "fig", "3").await;
    put(&bob.client, "pear", "4").await;
    let entries = [("apple", "2"), ("fig", "3"), ("pear", "4")];
    assert!(is(&all(&alice.client).await, &entries));
    assert!(!table(&alice.client).remove(&word("plum")).await.unwrap());
    assert!(table(&alice.client).remove(&word("apple")).await.unwrap());
    let server = server.restart_after(async || ()).await;
    assert!(is(&all(&bob.client).await, &entries[1..]));
    let bound = |key: &str| encode(&word(key)).unwrap().into_boxed_slice();
    let query = IndexQuery {
        from: Bound::Excluded(bound("fig")),
        to: Bound::Unbounded,
        reverse: true,
        ..IndexQuery::default()
    };
    assert_eq!(table(&bob.client).count(&query).await.unwrap(), 1);
    // What differs from an earlier reading, and many keys at once.
    let (before, _) = table(&bob.client).changes(None).await.unwrap();
    put(&alice.client, "apple", "5").await;
    let (now, difference) = table(&bob.client).changes(before).await.unwrap();
    let IndexDifference::Keys(changed) = difference else { panic!("bob has seen it") };
    let [IndexChanged { tree: 0, key, value: Some(five) }] = &changed[..] else { panic!("{changed:?}") };
    assert_eq!((&key[..], &five[..]), (&bound("apple")[..], &b"5"[..]));
    assert!(now > before);
    assert_eq!(table(&bob.client).changes(now).await.unwrap(), (now, IndexDifference::Keys(Vec::new())));
    let keys = ["pear", "plum", "apple"].map(word);
    let values = table(&bob.client).get_many(&keys.each_ref().map(|key| &key[..])).await.unwrap();
    let values: Vec<_> = values.iter().map(|value| value.as_ref().map(|value| value.as_slice())).collect();
    assert_eq!(values, [Some(&b"4"[..]), None, Some(b"5")]);
    assert!(table(&alice.client).remove(&word("apple")).await.unwrap());
    // Another name, and another keychain with the same name, are other indexes.
    assert_eq!(alice.client.index("notes", "other").get(&word("fig")).await.unwrap(), None);
    alice.keychain("photos").await;
    assert_eq!(alice.client.index("photos", "table").get(&word("fig")).await.unwrap(), None);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_who_write_at_once_lose_nothing_and_everybody_sees_whole_batches() {
    const ROUNDS: usize = 6;
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server).await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(another(&alice.client, "alice").await);
        devices.push(another(&bob.client, "bob").await);
    }
    devices.extend([alice, bob]);
    // Each batch says in four places who wrote last, and leaves a key of its own.
    let writer = async |number: usize, client: &Client| {
        for round in 0..ROUNDS {
            let name = format!("{number}/{round}");
            let mut changes = Changes::new();
            for place in ["place 0", "place 1", "place 2", "place 3"] {
                changes.put(&word(place), name.as_bytes()).unwrap();
            }
            changes.put(&word(&format!("written {name}")), name.as_bytes()).unwrap();
            // Who is overtaken too often is told so, and does it again.
            while let Err(error) = table(client).commit(&changes).await {
                assert_eq!(error.code, Code::Conflict, "{error}");
            }
            let places: Vec<_> = all(client).await.into_iter().take(4).collect();
            assert!(places.iter().all(|(key, value)| key.starts_with("place") && *value == places[0].1), "{places:?}");
        }
    };
    join_all(devices.iter().enumerate().map(|(number, device)| writer(number, &device.client))).await;
    let entries = all(&devices[0].client).await;
    assert_eq!(entries.len(), 4 + 8 * ROUNDS, "one key of each batch");
    for device in &devices {
        assert!(all(&device.client).await == entries, "{} sees the same", device.name);
    }
    assert!(table(&devices[1].client).check().await.unwrap().wrong.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_offline_is_told_so_and_goes_on_with_what_the_others_wrote() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice, "bob", ShareKeys::All, false).await;
    bob.sync().await.unwrap();
    put(&alice, "a", "1").await;
    put(&bob, "b", "1").await;
    world.evil.be_down(true);
    for client in [&alice, &bob] {
        let current = table(client).only_current();
        assert_eq!(current.put(&word("lost"), b"?").await.unwrap_err().code, Code::ServerUnavailable);
        let offline = table(client);
        assert_eq!(offline.get(&word("a")).await.unwrap().as_deref().map(Vec::as_slice), Some(&b"1"[..]));
        assert!(offline.is_offline(), "it is what was seen last");
        assert_eq!(current.get(&word("a")).await.unwrap_err().code, Code::ServerUnavailable);
    }
    world.evil.be_down(false);
    put(&alice, "a", "2").await;
    put(&bob, "b", "2").await;
    assert!(is(&all(&alice).await, &[("a", "2"), ("b", "2")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_answer_is_lost_is_there_or_not_and_once_more_changes_nothing() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice, "bob", ShareKeys::All, false).await;
    bob.sync().await.unwrap();
    put(&alice, "first", "1").await;
    let mut changes = Changes::new();
    changes.put(&word("a"), b"1").unwrap().put(&word("b"), b"1").unwrap().remove(&word("first")).unwrap();
    for arrives in [true, false] {
        let is_swap = |path: &str| path.ends_with("/references/swap");
        if arrives {
            let mut is_cut = false;
            world.evil.lie(move |asked, answer| {
                is_cut |= is_swap(&asked.path);
                if is_cut {
                    (answer.status, answer.signed) = (502, false);
                }
            });
        } else {
            world.evil.withhold(move |asked| is_swap(&asked.path));
        }
        let error = table(&alice).commit(&changes).await.unwrap_err();
        assert_eq!(error.code.class().exit(), 6, "{error}");
        world.evil.be_honest();
        let there = all(&bob).await;
        match arrives {
            true => assert!(is(&there, &[("a", "1"), ("b", "1")]), "{there:?}"),
            false => assert!(is(&there, &[("first", "1")]), "{there:?}"),
        }
        table(&alice).commit(&changes).await.unwrap();
        assert!(is(&all(&bob).await, &[("a", "1"), ("b", "1")]));
        let mut back = Changes::new();
        back.remove(&word("a")).unwrap().remove(&word("b")).unwrap().put(&word("first"), b"1").unwrap();
        table(&bob).commit(&back).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_refused_and_nothing_changes() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server).await;
    let carol = Person::signed_up("carol", &server).await;
    put(&alice.client, "k", "1").await;
    share(&alice.client, "carol", ShareKeys::All, true).await;
    carol.client.sync().await.unwrap();
    assert_eq!(refusals(&carol.client).await, [None, None, Some(Code::NotAllowed)]);
    assert!(is(&all(&carol.client).await, &[("k", "1")]));
    put(&bob.client, "k", "2").await;
    assert_eq!(value(&carol.client, "k").await.as_deref(), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_banned_reads_and_writes_nothing_and_what_he_wrote_before_is_believed() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server).await;
    let carol = Person::signed_up("carol", &server).await;
    put(&alice.client, "k", "alice's").await;
    put(&bob.client, "b", "bob's").await;
    alice.client.ban("notes", "bob").await.unwrap();
    // He does not know of it yet.
    for code in refusals(&bob.client).await {
        let code = code.expect("he is out");
        assert!([3, 4].contains(&code.class().exit()), "{code:?}");
    }
    bob.client.sync().await.unwrap();
    assert!(refusals(&bob.client).await.iter().all(Option::is_some));
    // The newest record is bob's; carol never saw him as a member.
    share(&alice.client, "carol", ShareKeys::All, false).await;
    carol.client.sync().await.unwrap();
    assert!(is(&all(&carol.client).await, &[("b", "bob's"), ("k", "alice's")]));
    put(&carol.client, "k", "carol's").await;
    for person in [&alice, &carol] {
        assert!(is(&all(&person.client).await, &[("b", "bob's"), ("k", "carol's")]), "{}", person.name);
    }
    // Let in again, he goes on.
    share(&alice.client, "bob", ShareKeys::All, false).await;
    bob.client.sync().await.unwrap();
    put(&bob.client, "b", "back").await;
    assert_eq!(value(&alice.client, "b").await.as_deref(), Some("back"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_old_and_new_is_read_and_who_lacks_a_key_is_told() {
    let server = TestServer::start().await;
    let [alice, bob] = alice_and_bob(&server).await;
    let carol = Person::signed_up("carol", &server).await;
    let long = "long ".repeat(1_000);
    put(&alice.client, "long", &long).await;
    put(&bob.client, "short", "1").await;
    alice.client.rotate("notes").await.unwrap();
    share(&alice.client, "carol", ShareKeys::Latest, false).await;
    carol.client.sync().await.unwrap();
    // Everything is still under the former key, which carol was not given.
    assert_eq!(refusals(&carol.client).await, [Some(Code::NoKey); 3]);
    assert!(is(&all(&alice.client).await, &[("long", &long), ("short", "1")]));
    put(&bob.client, "new", "2").await;
    assert_eq!(value(&alice.client, "new").await.as_deref(), Some("2"));
    // What was written anew she reads; the value that stands apart is as it was.
    assert_eq!(value(&carol.client, "short").await.as_deref(), Some("1"));
    assert_eq!(table(&carol.client).get(&word("long")).await.unwrap_err().code, Code::NoKey);
    put(&carol.client, "hers", "3").await;
    put(&alice.client, "long", &long).await;
    let entries = [("hers", "3"), ("long", long.as_str()), ("new", "2"), ("short", "1")];
    for person in [&alice, &bob, &carol] {
        assert!(is(&all(&person.client).await, &entries), "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_through_a_group_reads_and_writes_until_he_is_out_of_it() {
    let server = TestServer::start().await;
    let [alice, bob] = [Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await];
    let carol = Person::signed_up("carol", &server).await;
    alice.keychain("notes").await;
    alice.client.create_group("team", 100).await.unwrap();
    let in_team = ShareOptions::default;
    alice.client.share("group:team", &["bob", "carol"], ShareKeys::All, in_team()).await.unwrap();
    share(&alice.client, "group:team", ShareKeys::All, false).await;
    for person in [&bob, &carol] {
        person.client.sync().await.unwrap();
    }
    put(&alice.client, "k", "alice's").await;
    put(&bob.client, "b", "bob's").await;
    assert_eq!(value(&carol.client, "b").await.as_deref(), Some("bob's"));
    put(&carol.client, "c", "carol's").await;
    alice.client.ban("group:team", "bob").await.unwrap();
    assert!(refusals(&bob.client).await.iter().all(Option::is_some), "bob is out");
    let entries = [("b", "bob's"), ("c", "carol's"), ("k", "alice's")];
    for person in [&alice, &carol] {
        assert!(is(&all(&person.client).await, &entries), "{}", person.name);
    }
    put(&carol.client, "c", "again").await;
    assert_eq!(value(&alice.client, "c").await.as_deref(), Some("again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_and_two_processes_of_one_person_write_one_index() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.keychain("notes").await;
    put(&alice.client, "k", "1").await;
    let phone = another(&alice.client, "alice").await;
    assert_eq!(value(&phone.client, "k").await.as_deref(), Some("1"));
    put(&phone.client, "k", "2").await;
    let other = alice.again();
    assert_eq!(value(&other, "k").await.as_deref(), Some("2"));
    let clients = [&alice.client, &other, &phone.client];
    join_all(clients.iter().zip(["a", "b", "c"]).map(|(client, key)| put(client, key, "3"))).await;
    for client in clients {
        assert!(is(&all(client).await, &[("a", "3"), ("b", "3"), ("c", "3"), ("k", "2")]));
    }
    // A device that is out writes nothing, and what it wrote stays.
    let id = phone.client.whoami().await.unwrap().device_id;
    alice.client.revoke_devices(&[id.as_str()], &[], |_, _| ()).await.unwrap();
    assert!(refusals(&phone.client).await.iter().all(Option::is_some));
    put(&alice.client, "k", "4").await;
    assert_eq!(value(&other, "k").await.as_deref(), Some("4"));
    assert_eq!(value(&other, "c").await.as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_a_server_killed_while_an_index_is_written_has_each_batch_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(&folder.path().join("server"));
    let sign_up = async |user_id: &str, server: &Server| {
        let client = Client::open(&folder.path().join(user_id) as &Path).unwrap();
        client.signup(user_id, &server.url, Some(&server.key)).await.unwrap();
        client
    };
    let (alice, bob) = (sign_up("alice", &server).await, sign_up("bob", &server).await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice, "bob", ShareKeys::All, false).await;
    bob.sync().await.unwrap();
    let batch = |round: usize, number: usize| {
        let mut changes = Changes::new();
        for place in 0..40 {
            let key = format!("{round:02} {number:02} {place:02}");
            changes.put(&word(&key), &vec![b'v'; if place == 0 { 3_000 } else { 100 }]).unwrap();
        }
        changes
    };
    let mut landed = 0;
    for round in 0..10 {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let write = async {
            // Until the server is gone: then it waits, whether or not it arrived.
            let index = table(&alice);
            for number in 0.. {
                if index.commit(&batch(round, number)).await.is_err() || index.is_waiting() {
                    return number;
                }
                acknowledged.store(number + 1, Ordering::SeqCst);
            }
            unreachable!("it is killed")
        };
        let cut = async {
            // Somewhere in a batch that is not the first one.
            while acknowledged.load(Ordering::SeqCst) < 1 + round % 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(3 * round as u64)).await;
            tokio::task::block_in_place(|| server.kill());
        };
        let (failed, ()) = tokio::join!(write, cut);
        let address = server.address().to_owned();
        server = Server::start_in(&folder.path().join("server"), &address);
        let prefix = format!("{round:02} ");
        let there: Vec<_> = all(&bob).await.into_iter().filter(|(key, _)| key.starts_with(&prefix)).collect();
        let whole = acknowledged.load(Ordering::SeqCst);
        assert_eq!(there.len() % 40, 0, "a batch is cut");
        assert!(there.len() == whole * 40 || there.len() == (whole + 1) * 40, "{} of {whole} batches", there.len());
        // Once more: it is there then, once.
        table(&alice).commit(&batch(round, failed)).await.unwrap();
        let there = all(&bob).await.into_iter().filter(|(key, _)| key.starts_with(&prefix)).count();
        assert_eq!(there, (whole + 1) * 40);
        landed += whole;
    }
    assert!(landed > 0, "the server was killed before anything was written");
    assert!(table(&bob).check().await.unwrap().wrong.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_read_at_once_what_somebody_wrote_who_is_out_now_none_is_refused() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice, "bob", ShareKeys::All, false).await;
    bob.sync().await.unwrap();
    put(&bob, "k", "bob's").await;
    alice.ban("notes", "bob").await.unwrap();
    drop(alice);
    for _ in 0..5 {
        let alice = Client::open(&world.home("alice")).unwrap();
        let reading =
            (0..8).map(|_| async { table(&alice).get(&word("k")).await.map(|value| value.unwrap().to_vec()) });
        for read in join_all(reading).await {
            assert_eq!(read.unwrap(), b"bob's");
        }
    }
}
