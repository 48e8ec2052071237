//! How a share or a copy of a key ends other than by a ban: the client against the real server.

use keyfold_client::{ClientEvent, Code, ShareKeys, ShareOptions, SyncState, Value};
use keyfold_testing::people::{Person, TestServer, next, next_event};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Alice's `notes`, a server, bob and carol.
async fn people() -> (TestServer, Person, Person, Person) {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let bob = Person::signed_up("bob", &server).await;
    let carol = Person::signed_up("carol", &server).await;
    alice.keychain("notes").await;
    (server, alice, bob, carol)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_over_is_ended_by_the_client_of_its_author_with_a_new_key() {
    let (_server, alice, bob, carol) = people().await;
    alice.client.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = now + Duration::from_secs(5);
    let options = ShareOptions { expires_at: Some(end.as_millis() as u64), ..ShareOptions::default() };
    alice.client.share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();
    bob.client.sync().await.unwrap();
    carol.client.sync().await.unwrap();
    let before = alice.client.keychain("notes").await.unwrap().keys.len();
    // Nothing but the clock ends it.
    tokio::time::sleep(end.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())).await;
    tokio::time::sleep(Duration::from_millis(50)).await;

    // Carol may not end it; alice does, in passing, before she writes.
    carol.client.sync().await.unwrap();
    assert_eq!(carol.client.participants("notes", None, true).await.unwrap().len(), 3);
    let sealed = alice.client.encrypt_value("notes", &text("later"), None).await.unwrap();
    let names: Vec<String> =
        carol.client.participants("notes", None, true).await.unwrap().into_iter().map(|p| p.user_id).collect();
    assert_eq!(names, ["alice", "carol"]);
    assert_eq!(alice.client.keychain("notes").await.unwrap().keys.len(), before + 1, "he held the key before");
    assert_eq!(carol.client.decrypt_value(&sealed, None).await.unwrap().value, text("later"));
    assert!(bob.client.decrypt_value(&sealed, None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_ends_a_share_when_it_is_over_though_nothing_else_happens() {
    let (_server, alice, bob, _carol) = people().await;
    let mut watch = alice.client.watch();
    while next(&mut watch).await != (ClientEvent::SyncStateChanged { state: SyncState::Online }) {}
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(4);
    let options = ShareOptions { expires_at: Some(end.as_millis() as u64), ..ShareOptions::default() };
    alice.again().share("notes", &["bob"], ShareKeys::Latest, options).await.unwrap();
    bob.client.sync().await.unwrap();
    // Nobody asks for anything, and bob's client is silent.
    while !matches!(next_event(&mut watch).await, ClientEvent::KeyRotated { .. }) {}
    assert_eq!(alice.client.participants("notes", None, true).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_given_up_is_gone_on_every_device_and_comes_back_with_a_share() {
    let (_server, alice, bob, _carol) = people().await;
    let old = alice.client.encrypt_value("notes", &text("old"), None).await.unwrap();
    let first = alice.client.keychain("notes").await.unwrap().keys[0].key_fingerprint.clone();
    alice.client.rotate("notes").await.unwrap();
    alice.client.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.decrypt_value(&old, None).await.unwrap().value, text("old"));

    bob.client.delete_key("notes", &first).await.unwrap();
    bob.client.delete_key("notes", &first).await.unwrap();
    let keys = bob.client.keychain("notes").await.unwrap().keys;
    assert!(keys.iter().all(|key| key.key_fingerprint != first) && keys.len() == 1);
    assert_eq!(bob.client.decrypt_value(&old, None).await.unwrap_err().code, Code::NoSlot);
    let holders = alice.client.participants("notes", Some(&first), false).await.unwrap();
    assert_eq!(holders.iter().map(|p| p.user_id.as_str()).collect::<Vec<_>>(), ["alice"]);

    // He is still a member, and follows.
    alice.client.rotate("notes").await.unwrap();
    let new = alice.client.encrypt_value("notes", &text("new"), None).await.unwrap();
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.decrypt_value(&new, None).await.unwrap().value, text("new"));

    alice.client.share("notes", &["bob"], ShareKeys::One(first), ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.decrypt_value(&old, None).await.unwrap().value, text("old"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_under_a_current_key_that_he_gave_up() {
    let (_server, alice, bob, _carol) = people().await;
    alice.client.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    let key = bob.client.keychain("notes").await.unwrap().keys[0].key_fingerprint.clone();
    bob.client.delete_key("notes", &key).await.unwrap();
    let refused = bob.client.encrypt_value("notes", &text("mine"), None).await.unwrap_err();
    assert_eq!(refused.code, Code::UnknownKey);
    assert!(refused.hint.is_some());
    assert_eq!(bob.client.delete_key("notes", "nonsense").await.unwrap_err().code, Code::UnknownKey);
    alice.client.rotate("notes").await.unwrap();
    bob.client.sync().await.unwrap();
    bob.client.encrypt_value("notes", &text("mine"), None).await.unwrap();
}
