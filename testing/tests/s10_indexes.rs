//! S10 for indexes: an operator shows an older state of an index, none, or another one. The client says `Rollback` or
//! `IndexDamaged`, writes nothing, and goes on as before once it is told the truth.

use keyfold_client::{Algorithm, Client, Code, Index, IndexQuery, PartialPermissions, ShareKeys, ShareOptions};
use keyfold_format::{IndexId, entry::Head, scope::AnchoredRecord};
use keyfold_protocol::wire::{Objects, ReadReference, Reference, ReferenceNow};
use keyfold_testing::{
    evil::EvilWorld,
    hand::Hand,
    table::{put, table, word},
};
use std::sync::{Arc, Mutex};

const READ: &str = "/references/read";

/// Whether a request changes what is stored.
fn writes(world: &EvilWorld) -> Vec<String> {
    let seen = world.evil.take_seen().into_iter().map(|asked| asked.path);
    seen.filter(|path| path.ends_with("/objects") || path.ends_with("/swap") || path.ends_with("/delete")).collect()
}

/// What stands under the reference of an index now.
async fn stands(world: &EvilWorld, index: &Index) -> Reference {
    let found: Arc<Mutex<Option<Reference>>> = Arc::default();
    let keep = Arc::clone(&found);
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with(READ) {
            *keep.lock().unwrap() = ReferenceNow::decode(&answer.body).unwrap().reference;
        }
    });
    index.count(&IndexQuery::default()).await.unwrap();
    world.evil.be_honest();
    let reference = found.lock().unwrap().take();
    reference.expect("something stands there")
}

/// From now on this stands there.
fn show(world: &EvilWorld, reference: Option<Reference>) {
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with(READ) && answer.status == 200 {
            answer.body = ReferenceNow { reference: reference.clone() }.encode();
        }
    });
}

/// A process that was just started on this home reads and writes nothing, and goes on when it is told the truth.
async fn refuses(world: &EvilWorld, user_id: &str, expected: Code, what: &str) {
    let client = Client::open(&world.home(user_id)).unwrap();
    world.evil.take_seen();
    for outcome in [
        table(&client).get(&word("k")).await.map(drop),
        table(&client).count(&IndexQuery::default()).await.map(drop),
        table(&client).put(&word("k"), b"after a lie").await,
        table(&client).each(&IndexQuery::default(), 1, |_, _| panic!("{what}: something was read")).await,
        table(&client).check().await.map(drop),
    ] {
        let error = outcome.expect_err(what);
        assert_eq!(error.code, expected, "{what}: {error}");
        assert!(error.code == Code::NotAllowed || error.code.class().exit() == 5);
    }
    assert!(writes(world).is_empty(), "{what}: it wrote after it was lied to");
    world.evil.be_honest();
    put(&client, "honest", what).await;
    assert_eq!(&table(&client).get(&word("honest")).await.unwrap().unwrap()[..], what.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_an_index_shown_as_it_was_or_not_at_all_is_rollback_also_to_a_new_process() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let mut older = Vec::new();
    for round in 0..5 {
        put(&alice, "k", &round.to_string()).await;
        older.push(stands(&world, &table(&alice)).await);
    }
    let newest = older.pop().unwrap();
    drop(alice);
    for (age, Reference { version, bytes }) in older.into_iter().enumerate() {
        let what = format!("state {age} of 5");
        show(&world, Some(Reference { version, bytes: bytes.clone() }));
        refuses(&world, "alice", Code::Rollback, &what).await;
        // Under a version that it never had.
        show(&world, Some(Reference { version: newest.version + 100, bytes }));
        refuses(&world, "alice", Code::Rollback, &what).await;
    }
    show(&world, None);
    refuses(&world, "alice", Code::Rollback, "nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_process_that_knows_the_index_is_not_led_back_by_the_answer_to_its_own_write() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    put(&alice, "k", "1").await;
    let old = stands(&world, &table(&alice)).await;
    put(&alice, "k", "2").await;
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with("/references/swap") && answer.status == 200 {
            let stands = Reference { version: old.version + 7, bytes: old.bytes.clone() };
            let swapped = keyfold_protocol::wire::Swapped { version: None, stands: Some(stands) };
            answer.body = swapped.encode();
        }
    });
    let error = table(&alice).put(&word("k"), b"3").await.unwrap_err();
    assert_eq!(error.code, Code::Rollback, "{error}");
    world.evil.be_honest();
    put(&alice, "k", "4").await;
    assert_eq!(&table(&alice).get(&word("k")).await.unwrap().unwrap()[..], b"4");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_another_index_in_its_place_is_refused_also_by_who_never_saw_it() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    for keychain in ["notes", "photos"] {
        alice.create_keychain(keychain, Algorithm::SecretBox).await.unwrap();
        alice.share(keychain, &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    }
    bob.sync().await.unwrap();
    drop(bob);
    put(&alice, "k", "1").await;
    for (keychain, name) in [("notes", "other"), ("photos", "table")] {
        let index = alice.index(keychain, name);
        index.put(&word("k"), b"of another index").await.unwrap();
        let other = stands(&world, &index).await;
        for user_id in ["alice", "bob"] {
            show(&world, Some(other.clone()));
            refuses(&world, user_id, Code::IndexDamaged, &format!("{name} of {keychain}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_what_a_banned_member_and_the_server_write_together_is_believed_by_nobody() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    put(&alice, "k", "1").await;
    put(&bob, "k", "2").await;
    assert_eq!(&table(&alice).get(&word("k")).await.unwrap().unwrap()[..], b"2");
    // In a copy of the server nobody bans bob, and he writes on, one more than alice will.
    world.fork().await;
    for value in ["3", "4", "5"] {
        put(&bob, "k", value).await;
    }
    let theirs = stands(&world, &table(&bob)).await;
    world.show_first();
    alice.ban("notes", "bob").await.unwrap();
    put(&alice, "k", "alice's").await;
    drop(alice);
    show(&world, Some(theirs));
    let alice = Client::open(&world.home("alice")).unwrap();
    world.evil.take_seen();
    for outcome in [table(&alice).get(&word("k")).await.map(drop), table(&alice).put(&word("k"), b"6").await] {
        let error = outcome.expect_err("bob is out");
        assert!([Code::NotAllowed, Code::Rollback].contains(&error.code), "{error}");
    }
    assert!(writes(&world).is_empty());
    world.evil.be_honest();
    assert_eq!(&table(&alice).get(&word("k")).await.unwrap().unwrap()[..], b"alice's");
}

/// A keychain of alice's with bob and carol, in whose index both alice and bob have written.
async fn three(world: &EvilWorld) -> (Client, Client, Client) {
    let (alice, bob, carol) = (world.person("alice").await, world.person("bob").await, world.person("carol").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.share("notes", &["bob", "carol"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();
    put(&alice, "k", "1").await;
    put(&bob, "k", "2").await;
    (alice, bob, carol)
}

/// What bob writes in a copy of the server in which nobody bans him.
async fn beyond(world: &EvilWorld, bob: &Client) -> Reference {
    world.fork().await;
    put(bob, "k", "3").await;
    let theirs = stands(world, &table(bob)).await;
    world.show_first();
    theirs
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_storage_that_goes_on_with_a_banned_member_is_refused_by_who_never_saw_the_index() {
    let world = EvilWorld::start().await;
    let (alice, bob, carol) = three(&world).await;
    let before = stands(&world, &table(&alice)).await;
    put(&bob, "b", "his last").await;
    let theirs = beyond(&world, &bob).await;
    // Nobody writes behind the ban: bob's record is the newest.
    alice.ban("notes", "bob").await.unwrap();
    carol.sync().await.unwrap();
    drop(carol);
    show(&world, Some(theirs));
    refuses(&world, "carol", Code::NotAllowed, "what bob wrote behind his ban").await;
    let newcomer = world.person("dave").await;
    alice.share("notes", &["dave"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    newcomer.sync().await.unwrap();
    drop(newcomer);
    show(&world, Some(before));
    refuses(&world, "dave", Code::Rollback, "the index before bob's last").await;
    show(&world, None);
    refuses(&world, "dave", Code::Rollback, "no index").await;
    let dave = Client::open(&world.home("dave")).unwrap();
    assert_eq!(&table(&dave).get(&word("b")).await.unwrap().unwrap()[..], b"his last");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_whoever_writes_first_behind_a_ban_closes_the_index_to_the_banned_member() {
    let world = EvilWorld::start().await;
    let (alice, bob, carol) = three(&world).await;
    // Who bans him has never opened the index.
    let manage = PartialPermissions { allow_deletion: Some(true), ..PartialPermissions::default() };
    alice.set_permissions("notes", "carol", manage).await.unwrap();
    let theirs = beyond(&world, &bob).await;
    carol.sync().await.unwrap();
    carol.ban("notes", "bob").await.unwrap();
    put(&alice, "a", "behind the ban").await;
    let dave = world.person("dave").await;
    alice.share("notes", &["dave"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    for client in [&carol, &dave] {
        client.sync().await.unwrap();
    }
    drop((carol, dave));
    for user_id in ["carol", "dave"] {
        show(&world, Some(theirs.clone()));
        let client = Client::open(&world.home(user_id)).unwrap();
        let error = table(&client).get(&word("k")).await.expect_err("bob is out");
        assert!([Code::NotAllowed, Code::Rollback].contains(&error.code), "{error}");
        world.evil.be_honest();
        assert_eq!(&table(&client).get(&word("a")).await.unwrap().unwrap()[..], b"behind the ban");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_member_who_says_what_is_not_so_of_an_index_closes_it_until_he_is_out() {
    let world = EvilWorld::start().await;
    let (alice, bob, carol) = three(&world).await;
    assert_eq!(&table(&carol).get(&word("k")).await.unwrap().unwrap()[..], b"2");
    let asked = world.evil.seen().into_iter().find(|asked| asked.path.ends_with(READ)).unwrap();
    let index: IndexId = ReadReference::decode(&asked.body).unwrap().name.parse().unwrap();
    let keychain = alice.keychain("notes").await.unwrap().keychain_fingerprint;
    let newest = alice.audit("notes").await.unwrap().entries.pop().unwrap();
    let head = Head { seq: newest.seq, hash: newest.entry_hash.parse().unwrap() };
    let records = vec![AnchoredRecord { index, generation: 1_000_000, hash: [7; 32] }];
    Hand::on(&world, "bob").unwrap().anchor(&world, keychain.parse().unwrap(), head, records).await;
    drop(bob);
    for client in [&alice, &carol] {
        client.sync().await.unwrap();
        assert_eq!(table(client).get(&word("k")).await.unwrap_err().code, Code::Rollback);
        assert_eq!(table(client).put(&word("k"), b"upon it").await.unwrap_err().code, Code::Rollback);
    }
    // Who puts him out says what she has seen.
    alice.ban("notes", "bob").await.unwrap();
    for client in [&alice, &carol] {
        client.sync().await.unwrap();
        assert_eq!(&table(client).get(&word("k")).await.unwrap().unwrap()[..], b"2");
    }
    put(&carol, "k", "goes on").await;
    assert_eq!(&table(&alice).get(&word("k")).await.unwrap().unwrap()[..], b"goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_an_object_that_is_withheld_is_missing_and_nothing_is_written_upon_it() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    put(&alice, "k", &"long ".repeat(1_000)).await;
    drop(alice);
    // What is near is not asked for.
    std::fs::remove_dir_all(world.home("alice").join("cache")).unwrap();
    world.evil.lie(|asked, answer| {
        if asked.path.ends_with("/objects/read") && answer.status == 200 {
            let objects = Objects::decode(&answer.body).unwrap().objects;
            answer.body = Objects { objects: vec![vec![]; objects.len()] }.encode();
        }
    });
    let alice = Client::open(&world.home("alice")).unwrap();
    let error = table(&alice).get(&word("k")).await.unwrap_err();
    assert_eq!((error.code, error.code.class().exit()), (Code::ObjectMissing, 5), "{error}");
    let checked = table(&alice).check().await.unwrap();
    assert!(checked.wrong.iter().all(|wrong| wrong.error.code() == "ObjectMissing"));
    world.evil.be_honest();
    assert_eq!(table(&alice).get(&word("k")).await.unwrap().unwrap().len(), 5_000);
    // What is asked for is what is answered.
    let asked = world.evil.seen().into_iter().filter(|asked| asked.path.ends_with(READ));
    assert!(asked.map(|asked| ReadReference::decode(&asked.body).unwrap().name).all(|name| name.len() == 43));
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_process_is_not_shown_an_index_as_it_was_before_another_process_of_the_home_wrote_it() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    put(&alice, "k", "1").await;
    let old = stands(&world, &table(&alice)).await;
    let other = Client::open(&world.home("alice")).unwrap();
    for value in ["2", "3"] {
        put(&other, "k", value).await;
    }
    show(&world, Some(old));
    world.evil.take_seen();
    for outcome in [table(&alice).get(&word("k")).await.map(drop), table(&alice).put(&word("k"), b"a fork").await] {
        let error = outcome.expect_err("the other process has seen more");
        assert_eq!(error.code, Code::Rollback, "{error}");
    }
    assert!(writes(&world).is_empty());
    world.evil.be_honest();
    for client in [&alice, &other] {
        assert_eq!(&table(client).get(&word("k")).await.unwrap().unwrap()[..], b"3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_two_processes_of_a_home_that_are_shown_two_histories_say_so() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    put(&alice, "k", "1").await;
    let other = Client::open(&world.home("alice")).unwrap();
    assert_eq!(&table(&other).get(&word("k")).await.unwrap().unwrap()[..], b"1");
    // In a copy of the server one process writes more than the other one does here.
    world.fork().await;
    for value in ["2", "3"] {
        put(&other, "k", value).await;
    }
    world.show_first();
    let error = table(&alice).put(&word("k"), b"another history").await.unwrap_err();
    assert_eq!(error.code, Code::Rollback, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_what_a_member_said_wrongly_of_an_index_ends_also_where_who_put_him_out_never_saw_it() {
    let world = EvilWorld::start().await;
    let (alice, bob, carol) = three(&world).await;
    let manage = PartialPermissions { allow_deletion: Some(true), ..PartialPermissions::default() };
    alice.set_permissions("notes", "carol", manage).await.unwrap();
    assert_eq!(&table(&alice).get(&word("k")).await.unwrap().unwrap()[..], b"2");
    let asked = world.evil.seen().into_iter().find(|asked| asked.path.ends_with(READ)).unwrap();
    let index: IndexId = ReadReference::decode(&asked.body).unwrap().name.parse().unwrap();
    let keychain = alice.keychain("notes").await.unwrap().keychain_fingerprint;
    let newest = alice.audit("notes").await.unwrap().entries.pop().unwrap();
    let head = Head { seq: newest.seq, hash: newest.entry_hash.parse().unwrap() };
    let records = vec![AnchoredRecord { index, generation: 1_000_000, hash: [7; 32] }];
    Hand::on(&world, "bob").unwrap().anchor(&world, keychain.parse().unwrap(), head, records).await;
    drop(bob);
    carol.sync().await.unwrap();
    carol.ban("notes", "bob").await.unwrap();
    alice.sync().await.unwrap();
    assert_eq!(&table(&alice).get(&word("k")).await.unwrap().unwrap()[..], b"2");
    put(&alice, "k", "goes on").await;
    carol.sync().await.unwrap();
    assert_eq!(&table(&carol).get(&word("k")).await.unwrap().unwrap()[..], b"goes on");
}
