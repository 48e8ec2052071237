//! S18, from the client's side: what is not signed by the pinned server, or answers another request, is a network
//! error and never a verdict.

use keyfold_client::{Algorithm, Client, Schema, key::Part};
use keyfold_protocol::{
    Code, ErrorBody,
    wire::{Reference, SwapReference, Swapped},
};
use keyfold_testing::evil::EvilWorld;
use std::sync::{Arc, Mutex};

#[tokio::test(flavor = "multi_thread")]
async fn s18_an_unsigned_401_404_or_500_is_a_network_error_and_changes_nothing() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    for (status, code) in
        [(401, Code::LoggedOut), (401, Code::UnknownDevice), (404, Code::UnknownUser), (500, Code::Internal)]
    {
        world.evil.lie(move |_, answer| {
            answer.status = status;
            answer.body = ErrorBody::new(code, "a lie").encode();
            answer.signed = false;
        });
        let error = alice.identity("bob").await.unwrap_err();
        assert_eq!(error.code, Code::BadServerSignature, "{status}: {error}");
        assert_eq!(error.code.class().exit(), 6);
    }
    world.evil.be_honest();
    assert!(alice.whoami().await.unwrap().logged_in, "a lie logged alice out");
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_an_answer_whose_body_was_changed_on_the_way_is_a_network_error() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    world.evil.lie(|_, answer| {
        answer.signed = false;
        if let Some(byte) = answer.body.last_mut() {
            *byte ^= 1;
        }
    });
    assert_eq!(alice.identity("alice").await.unwrap_err().code, Code::BadServerSignature);
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_another_server_in_the_place_of_the_pinned_one_is_refused() {
    let (world, other) = (EvilWorld::start().await, EvilWorld::start().await);
    let folder = tempfile::tempdir().unwrap();
    let client = Client::open(folder.path()).unwrap();
    let wrong = other.server.server_key().to_string();
    let error = client.signup("alice", &world.evil.url(), Some(&wrong)).await.unwrap_err();
    assert_eq!(error.code, Code::WrongServerKey, "{error}");
    assert_eq!(error.code.class().exit(), 5);
    // Nothing of it is left: the right key works on the same home.
    let right = world.server.server_key().to_string();
    client.signup("alice", &world.evil.url(), Some(&right)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_a_request_that_is_sent_again_takes_effect_once() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    let sent = Arc::new(Mutex::new(0));
    let count = sent.clone();
    // The reply to the first creation is lost: the client learns nothing, the server did it.
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/scopes" && asked.method == "POST" {
            *count.lock().unwrap() += 1;
            answer.signed = false;
            answer.status = 502;
            answer.body.clear();
        }
    });
    let error = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap_err();
    assert_eq!(error.code.class().exit(), 6, "{error}");
    assert!(*sent.lock().unwrap() >= 1);
    world.evil.be_honest();
    alice.sync().await.unwrap();
    let notes: Vec<_> = alice.keychains().await.unwrap().into_iter().filter(|kc| kc.purpose == "notes").collect();
    assert_eq!(notes.len(), 1, "a lost reply made a second keychain, or lost the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_an_update_that_was_done_is_not_done_again_because_its_answer_says_that_it_was_not() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let key = |_: &u64| vec![Part::Null];
    let counter = alice.records("notes", "counter", Schema::new(key));
    counter.put([0]).await.unwrap();
    for round in 1..=6 {
        let mut is_first = true;
        world.evil.lie(move |asked, answer| {
            if !asked.path.ends_with("/references/swap") || answer.status != 200 || !std::mem::take(&mut is_first) {
                return;
            }
            let done = Swapped::decode(&answer.body).unwrap();
            match round % 3 {
                // A proxy on the way gave up.
                0 => (answer.status, answer.signed) = (502, false),
                // What was sent arrived twice.
                1 => (answer.status, answer.body) = (409, ErrorBody::new(Code::Replayed, "seen before").encode()),
                // Somebody else is said to have been faster, with the same.
                _ => {
                    let sent = SwapReference::decode(&asked.body).unwrap().bytes;
                    let stands = done.version.map(|version| Reference { version, bytes: sent });
                    answer.body = Swapped { version: None, stands }.encode();
                }
            }
        });
        counter.update(&[Part::Null], |count| count.map(|count| count + 1)).await.unwrap();
        world.evil.be_honest();
        assert_eq!(counter.get(&[Part::Null]).await.unwrap(), Some(round));
    }
}
