//! S10 for indexes: an operator shows an older state of an index, none, or another one. The client says `Rollback` or
//! `IndexDamaged`, writes nothing, and goes on as before once it is told the truth.

use keyfold_client::{Algorithm, Client, Code, Index, IndexQuery, ShareKeys, ShareOptions, key::Part};
use keyfold_protocol::wire::{Objects, ReadReference, Reference, ReferenceNow};
use keyfold_testing::evil::EvilWorld;
use std::sync::{Arc, Mutex};

const READ: &str = "/references/read";

fn word(word: &str) -> [Part; 1] {
    [Part::Text(word.to_owned())]
}

fn table(client: &Client) -> Index {
    client.index("notes", "table")
}

async fn put(client: &Client, key: &str, value: &str) {
    table(client).put(&word(key), value.as_bytes()).await.unwrap();
}

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
        assert_eq!(error.code.class().exit(), 5);
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
