//! Shares that wait for their recipient's answer: the client against the real server.

use keyfold_client::{
    AcceptShares, Client, ClientEvent, Code, Error, IncomingShare, MemberState, PermissionFlags, ShareKeys,
    ShareOptions, Value,
};
use keyfold_format::Rejected;
use keyfold_protocol::wire::{OwnWraps, Placed};
use keyfold_testing::{
    evil::EvilWorld,
    people::{Person, TestServer},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const NOT_PENDING: Code = Code::Rejected(Rejected::NotPending);

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Alice with `notes`, and bob, whose home takes these shares without asking.
async fn people(which: AcceptShares) -> (TestServer, Person, Person, String) {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let bob = Person::signed_up("bob", &server).await;
    bob.client.accept_shares(which).await.unwrap();
    // That he has an account is told.
    bob.client.sync().await.unwrap();
    let fingerprint = alice.keychain("notes").await.keychain_fingerprint;
    (server, alice, bob, fingerprint)
}

async fn share(from: &Client, kc: &str) {
    from.share(kc, &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
}

/// The fingerprints of what waits.
async fn waiting(client: &Client) -> Vec<String> {
    client.incoming_shares().await.unwrap().into_iter().map(|share| share.keychain_fingerprint).collect()
}

/// How bob stands in a keychain, as somebody who is in it sees it.
async fn bob_in(client: &Client, kc: &str) -> Option<MemberState> {
    let all = client.participants(kc, None, true).await.unwrap();
    all.into_iter().find(|participant| participant.user_id == "bob").map(|bob| bob.state)
}

fn received(events: &[ClientEvent]) -> usize {
    events.iter().filter(|event| matches!(event, ClientEvent::ShareReceived { .. })).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_waits_is_told_once_and_opens_when_it_is_accepted() {
    let (_server, alice, bob, fingerprint) = people(AcceptShares::Ask).await;
    let sealed = alice.client.encrypt_value("notes", &text("hello"), None).await.unwrap();
    let options = ShareOptions {
        permissions: PermissionFlags { allow_sharing: true, ..PermissionFlags::default() },
        ..ShareOptions::default()
    };
    alice.client.share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();

    let told = bob.client.sync().await.unwrap();
    let [ClientEvent::ShareReceived { keychain_fingerprint, shared_by }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((keychain_fingerprint.as_str(), shared_by.user_id.as_str()), (fingerprint.as_str(), "alice"));
    let shares = bob.client.incoming_shares().await.unwrap();
    let [IncomingShare { shared_by, known, permissions, read_only, key_fingerprints, expires_at, .. }] =
        shares.as_slice()
    else {
        panic!("{shares:?}");
    };
    assert_eq!((shared_by.user_id.as_str(), *known, *read_only, *expires_at), ("alice", false, false, None));
    assert!(permissions.allow_sharing && !permissions.allow_management);
    assert_eq!(key_fingerprints.len(), 1);
    assert!(bob.client.keychains().await.unwrap().is_empty());
    assert!(bob.client.decrypt_value(&sealed, None).await.is_err());
    assert_eq!(bob_in(&alice.client, "notes").await, Some(MemberState::Pending));
    // Another process on the home, and another look: it still waits, and is no news.
    assert_eq!(waiting(&bob.again()).await, std::slice::from_ref(&fingerprint));
    assert_eq!(received(&bob.again().sync().await.unwrap()), 0);

    let keychain = bob.client.accept_share(&fingerprint).await.unwrap();
    assert_eq!((keychain.purpose.as_str(), keychain.keys.len()), ("notes", 1));
    assert_eq!(bob.client.decrypt_value(&sealed, None).await.unwrap().value, text("hello"));
    assert!(waiting(&bob.client).await.is_empty());
    assert_eq!(bob_in(&alice.client, "notes").await, Some(MemberState::Accepted));
    let told = bob.client.sync().await.unwrap();
    assert!(matches!(told.as_slice(), [ClientEvent::KeychainUpdated { .. }, ClientEvent::KeyReceived { .. }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_key_is_served_before_it_is_accepted_and_nothing_at_all_when_it_is_declined() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    bob.accept_shares(AcceptShares::Ask).await.unwrap();
    let keychain = alice.create_keychain("notes", keyfold_client::Algorithm::SecretBox).await.unwrap();
    let fingerprint = keychain.keychain_fingerprint;
    let served = Arc::new(AtomicUsize::new(0));
    let counter = served.clone();
    world.evil.lie(move |asked, answer| {
        let wraps = if asked.path.ends_with("/placed") {
            Placed::decode(&answer.body).map(|placed| placed.wraps.len())
        } else {
            OwnWraps::decode(&answer.body).map(|own| own.wraps.len())
        };
        if asked.path.ends_with("/placed") || asked.path.ends_with("/wraps") {
            counter.fetch_add(wraps.unwrap_or_default(), Ordering::SeqCst);
        }
    });
    share(&alice, "notes").await;
    bob.sync().await.unwrap();
    let declined = bob.decline_share(&fingerprint).await.unwrap();
    assert_eq!((declined.shared_by.user_id.as_str(), declined.keychain_fingerprint), ("alice", fingerprint.clone()));
    bob.sync().await.unwrap();
    assert_eq!(served.load(Ordering::SeqCst), 0);
    assert_eq!(bob_in(&alice, "notes").await, None, "it waits no more");
    assert!(waiting(&bob).await.is_empty());

    // It can be shared again, and taken then.
    share(&alice, "notes").await;
    assert_eq!(waiting(&bob).await, std::slice::from_ref(&fingerprint));
    assert_eq!(served.load(Ordering::SeqCst), 0);
    bob.accept_share(&fingerprint).await.unwrap();
    assert_ne!(served.load(Ordering::SeqCst), 0);
    assert_eq!(bob.keychains().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_share_that_waits_is_not_pending() {
    let (_server, alice, bob, fingerprint) = people(AcceptShares::Ask).await;
    let code = |error: Error| error.code;
    for name in [fingerprint.as_str(), "notes", ""] {
        assert_eq!(bob.client.accept_share(name).await.map_err(code).unwrap_err(), NOT_PENDING, "{name}");
        assert_eq!(bob.client.decline_share(name).await.map_err(code).unwrap_err(), NOT_PENDING, "{name}");
    }
    share(&alice.client, "notes").await;
    bob.client.decline_share(&fingerprint).await.unwrap();
    assert_eq!(bob.client.accept_share(&fingerprint).await.map_err(code).unwrap_err(), NOT_PENDING);
    assert_eq!(bob.client.decline_share(&fingerprint).await.map_err(code).unwrap_err(), NOT_PENDING);
    share(&alice.client, "notes").await;
    bob.client.accept_share(&fingerprint).await.unwrap();
    assert_eq!(bob.client.accept_share(&fingerprint).await.map_err(code).unwrap_err(), NOT_PENDING);
    assert_eq!(bob.client.decline_share(&fingerprint).await.map_err(code).unwrap_err(), NOT_PENDING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_withdrawn_while_it_waits_waits_no_more() {
    let (_server, alice, bob, fingerprint) = people(AcceptShares::Ask).await;
    share(&alice.client, "notes").await;
    assert_eq!(waiting(&bob.client).await.len(), 1);
    let key = alice.client.outgoing_shares().await.unwrap()[0].key_fingerprint.clone();
    alice.client.cancel_share("bob", &key).await.unwrap();
    assert_eq!(bob.client.accept_share(&fingerprint).await.unwrap_err().code, NOT_PENDING);
    assert!(waiting(&bob.client).await.is_empty());
    share(&alice.client, "notes").await;
    assert_eq!(waiting(&bob.client).await.len(), 1, "another one is news");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_people_known_before_shares_are_taken_and_a_strangers_wait_however_many_there_are() {
    let (server, alice, bob, first) = people(AcceptShares::Known).await;
    let carol = Person::signed_up("carol", &server).await;
    let second = alice.keychain("plans").await.keychain_fingerprint;
    carol.keychain("letters").await;
    bob.client.identity("carol").await.unwrap();
    share(&alice.client, "notes").await;
    share(&carol.client, "letters").await;
    let told = bob.client.sync().await.unwrap();
    assert_eq!(received(&told), 1);
    assert_eq!(bob.client.keychains().await.unwrap()[0].purpose, "letters");
    // That alice's ledger had to be read for the first share makes her nobody's acquaintance, and looking at who
    // shared does not take what waits.
    share(&alice.client, "plans").await;
    assert_eq!(waiting(&bob.client).await, [first.as_str(), second.as_str()]);
    bob.client.identity("alice").await.unwrap();
    assert_eq!(received(&bob.client.sync().await.unwrap()), 1);
    assert_eq!(waiting(&bob.client).await, [first.as_str(), second.as_str()]);
    assert!(bob.client.incoming_shares().await.unwrap().iter().all(|share| share.known));

    bob.client.accept_share(&first).await.unwrap();
    bob.client.decline_share(&second).await.unwrap();
    share(&alice.client, "plans").await;
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.keychains().await.unwrap().len(), 3, "she is known by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_all_again_takes_what_waits_and_the_home_remembers() {
    let (_server, alice, bob, _) = people(AcceptShares::Ask).await;
    share(&alice.client, "notes").await;
    bob.client.sync().await.unwrap();
    assert_eq!(bob.again().whoami().await.unwrap().accept_shares, AcceptShares::Ask);
    bob.again().accept_shares(AcceptShares::Auto).await.unwrap();
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.keychains().await.unwrap().len(), 1);
    assert!(waiting(&bob.client).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_banned_and_is_invited_in_vain_keeps_what_he_had_and_hears_of_no_rollback() {
    let (_server, alice, bob, fingerprint) = people(AcceptShares::Auto).await;
    let old = alice.client.encrypt_value("notes", &text("old"), None).await.unwrap();
    share(&alice.client, "notes").await;
    bob.client.sync().await.unwrap();
    bob.client.accept_shares(AcceptShares::Ask).await.unwrap();
    alice.client.ban("notes", "bob").await.unwrap();

    share(&alice.client, "notes").await;
    assert_eq!(waiting(&bob.client).await.len(), 1);
    let key = alice.client.outgoing_shares().await.unwrap()[0].key_fingerprint.clone();
    alice.client.cancel_share("bob", &key).await.unwrap();
    bob.client.sync().await.unwrap();
    assert!(waiting(&bob.client).await.is_empty());

    share(&alice.client, "notes").await;
    assert_eq!(waiting(&bob.client).await.len(), 1);
    bob.client.decline_share(&fingerprint).await.unwrap();
    bob.client.sync().await.unwrap();
    assert_eq!(bob_in(&alice.client, "notes").await, None);
    assert_eq!(bob.client.decrypt_value(&old, None).await.unwrap().value, text("old"));
    assert!(bob.client.keychains().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_over_before_it_was_answered_stops_nothing() {
    let (_server, alice, bob, fingerprint) = people(AcceptShares::Ask).await;
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(1);
    let options = ShareOptions { expires_at: Some(soon.as_millis() as u64), ..ShareOptions::default() };
    alice.client.share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();
    bob.client.sync().await.unwrap();
    while !waiting(&bob.client).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(bob.client.accept_share(&fingerprint).await.unwrap_err().code, NOT_PENDING);
    // Nor where it is tried unasked.
    bob.client.accept_shares(AcceptShares::Auto).await.unwrap();
    bob.client.sync().await.unwrap();
    assert!(bob.client.keychains().await.unwrap().is_empty());
}
