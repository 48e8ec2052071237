//! Two people share a key: the client against the real server.

use keyfold_client::{
    Algorithm, ClientEvent, Code, MemberState, PermissionFlags, Person as Named, ShareKeys, ShareOptions, SyncState,
    Value,
};
use keyfold_testing::people::{Person, TestServer, next, next_event};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

async fn share(from: &Person, kc: &str, to: &[&str], keys: ShareKeys) -> keyfold_client::ShareOutcome {
    from.client.share(kc, to, keys, ShareOptions::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_arrives_at_who_watches_and_opens_what_was_encrypted() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let key = alice.keychain("notes").await;
    let sealed = alice.client.encrypt_value("notes", &text("hello"), Some(b"row 1")).await.unwrap();
    let mut watch = bob.client.watch();
    assert!(matches!(next(&mut watch).await, ClientEvent::IdentityUpdated { .. }));
    assert_eq!(next(&mut watch).await, ClientEvent::SyncStateChanged { state: SyncState::Online });

    let outcome = share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    assert_eq!((outcome.recipients[0].state, outcome.recipients[0].already), (MemberState::Pending, false));

    let keychain_fingerprint = key.keychain_fingerprint.clone();
    let updated =
        ClientEvent::KeychainUpdated { keychain_fingerprint: keychain_fingerprint.clone(), purpose: "notes".into() };
    assert_eq!(next_event(&mut watch).await, updated);
    let account_id = alice.client.whoami().await.unwrap().account_id;
    let shared_by = Named { user_id: "alice".into(), account_id };
    let received =
        ClientEvent::KeyReceived { keychain_fingerprint, key_fingerprint: key.key_fingerprint.clone(), shared_by };
    assert_eq!(next_event(&mut watch).await, received);

    let opened = bob.client.decrypt_value(&sealed, Some(b"row 1")).await.unwrap();
    assert_eq!((opened.value, opened.current, opened.key_number), (text("hello"), true, 1));
    let other = bob.client.decrypt_value(&sealed, Some(b"row 2")).await.unwrap_err();
    assert_eq!(other.code, Code::Unauthentic);
    let participants = alice.client.participants("notes", None, false).await.unwrap();
    assert_eq!(participants.iter().map(|p| p.user_id.as_str()).collect::<Vec<_>>(), ["alice", "bob"]);
    assert!(participants[0].owner && !participants[1].owner);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_catches_up_once_and_a_later_watch_does_not_tell_again() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    alice.keychain("notes").await;
    share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    let events = bob.client.sync().await.unwrap();
    assert!(
        matches!(
            events.as_slice(),
            [ClientEvent::IdentityUpdated { .. }, ClientEvent::KeychainUpdated { .. }, ClientEvent::KeyReceived { .. }]
        ),
        "{events:?}"
    );
    assert_eq!(bob.client.sync().await.unwrap(), []);
    let mut watch = bob.again().watch();
    assert_eq!(next(&mut watch).await, ClientEvent::SyncStateChanged { state: SyncState::Online });
    alice.client.rotate("notes").await.unwrap();
    assert!(matches!(next_event(&mut watch).await, ClientEvent::KeychainUpdated { .. }));
    assert!(matches!(next_event(&mut watch).await, ClientEvent::KeyRotated { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_each_event_once_although_another_process_on_the_home_took_it_in() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let mut watch = bob.client.watch();
    while next(&mut watch).await != (ClientEvent::SyncStateChanged { state: SyncState::Online }) {}
    let other = bob.again();
    for purpose in ["a", "b", "c"] {
        alice.keychain(purpose).await;
        share(&alice, purpose, &["bob"], ShareKeys::Latest).await;
        other.keychains().await.unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(next_event(&mut watch).await);
    }
    let updated = told.iter().filter(|event| matches!(event, ClientEvent::KeychainUpdated { .. })).count();
    let received = told.iter().filter(|event| matches!(event, ClientEvent::KeyReceived { .. })).count();
    assert_eq!((updated, received), (3, 3), "{told:?}");
    for pair in told.chunks(2) {
        assert!(matches!(pair, [ClientEvent::KeychainUpdated { .. }, ClientEvent::KeyReceived { .. }]), "{told:?}");
    }
    assert!(tokio::time::timeout(std::time::Duration::from_millis(400), next_event(&mut watch)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn carol_is_in_nothing_and_opens_nothing() {
    let server = TestServer::start().await;
    let (alice, carol) = (Person::signed_up("alice", &server).await, Person::signed_up("carol", &server).await);
    let key = alice.keychain("notes").await;
    let sealed = alice.client.encrypt_value("notes", &text("hello"), None).await.unwrap();
    assert_eq!(carol.client.decrypt_value(&sealed, None).await.unwrap_err().code, Code::NoSlot);
    for kc in ["notes", key.keychain_fingerprint.as_str()] {
        assert_eq!(carol.client.keychain(kc).await.unwrap_err().code, Code::UnknownKeychain);
    }
    assert_eq!(carol.client.keychains().await.unwrap(), []);
    let unknown = alice.client.share("notes", &["dave"], ShareKeys::Latest, ShareOptions::default()).await.unwrap_err();
    assert_eq!(unknown.code, Code::UnknownUser);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_cancelled_before_its_recipient_comes_online_never_reaches_him() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let key = alice.keychain("notes").await;
    share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    let waiting = alice.client.outgoing_shares().await.unwrap();
    assert_eq!((waiting.len(), waiting[0].user_id.as_str(), waiting[0].purpose.as_str()), (1, "bob", "notes"));
    alice.client.cancel_share("bob", &key.key_fingerprint).await.unwrap();
    assert_eq!(alice.client.outgoing_shares().await.unwrap(), []);
    let events = bob.client.sync().await.unwrap();
    assert!(matches!(events.as_slice(), [ClientEvent::IdentityUpdated { .. }]), "{events:?}");
    assert_eq!(bob.client.keychains().await.unwrap(), []);
    let again = alice.client.cancel_share("bob", &key.key_fingerprint).await.unwrap_err();
    assert_eq!(again.code.as_str(), "NotPending");
    // And it can be shared anew.
    share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    assert_eq!(bob.client.keychains().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_share_twice_is_told_and_not_sent() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    alice.keychain("notes").await;
    assert!(!share(&alice, "notes", &["bob"], ShareKeys::Latest).await.recipients[0].already);
    let again = share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    assert_eq!((again.recipients[0].already, again.recipients[0].state), (true, MemberState::Pending));
    bob.client.sync().await.unwrap();
    let again = share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    assert!(again.recipients[0].already);
    alice.client.participants("notes", None, true).await.unwrap();
    let again = share(&alice, "notes", &["bob", "alice"], ShareKeys::All).await;
    assert_eq!(again.recipients.iter().map(|r| r.already).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_keychain_opens_everything_and_a_single_key_only_what_is_its_own() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let (bob, carol) = (Person::signed_up("bob", &server).await, Person::signed_up("carol", &server).await);
    alice.keychain("notes").await;
    let mut sealed = Vec::new();
    for n in 0..4 {
        sealed.push(alice.client.encrypt_value("notes", &Value::Number(f64::from(n)), None).await.unwrap());
        alice.client.rotate("notes").await.unwrap();
    }
    let keychain = alice.client.keychain("notes").await.unwrap();
    assert_eq!(keychain.keys.iter().map(|k| k.key_number).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    share(&alice, "notes", &["bob"], ShareKeys::All).await;
    let second = keychain.keys[3].key_fingerprint.clone();
    share(&alice, "notes", &["carol"], ShareKeys::One(second)).await;

    let events = bob.client.sync().await.unwrap();
    let received = events.iter().filter(|event| matches!(event, ClientEvent::KeyReceived { .. })).count();
    assert_eq!(received, 1, "keys that history leads to fire none");
    for (n, sealed) in sealed.iter().enumerate() {
        let opened = bob.client.decrypt_value(sealed, None).await.unwrap();
        assert_eq!((opened.value, opened.current), (Value::Number(n as f64), false));
        let carols = carol.client.decrypt_value(sealed, None).await;
        if n == 1 { assert!(carols.is_ok()) } else { assert!(carols.is_err(), "{n}") }
    }
    assert_eq!(bob.client.keychain("notes").await.unwrap().keys.len(), 5);
    alice.client.rotate("notes").await.unwrap();
    let newest = alice.client.encrypt_value("notes", &text("new"), None).await.unwrap();
    assert!(bob.client.decrypt_value(&newest, None).await.unwrap().current);
    assert_eq!(carol.client.decrypt_value(&newest, None).await.unwrap_err().code, Code::NoSlot);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_may_not_is_refused_before_anything_is_sent() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let (bob, _carol) = (Person::signed_up("bob", &server).await, Person::signed_up("carol", &server).await);
    alice.keychain("notes").await;
    share(&alice, "notes", &["bob"], ShareKeys::Latest).await;
    bob.client.sync().await.unwrap();
    let refused = bob.client.share("notes", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap_err();
    assert_eq!(refused.code.as_str(), "SharingNotAllowed");
    assert_eq!(bob.client.rotate("notes").await.unwrap_err().code.as_str(), "RotationNotAllowed");
    let rights = ShareOptions {
        permissions: PermissionFlags { allow_sharing: true, ..Default::default() },
        ..Default::default()
    };
    let terms = alice.client.share("notes", &["bob"], ShareKeys::Latest, rights).await.unwrap_err();
    assert_eq!(terms.code.as_str(), "MemberTerms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_box_is_written_with_the_public_key_and_read_by_members() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let key = alice.client.create_keychain("inbox", Algorithm::SealedBox).await.unwrap();
    assert!(key.public_key.is_some());
    share(&alice, "inbox", &["bob"], ShareKeys::All).await;
    bob.client.sync().await.unwrap();
    let sealed = bob.client.encrypt_value("inbox", &text("hello"), None).await.unwrap();
    assert_eq!(alice.client.decrypt_value(&sealed, None).await.unwrap().value, text("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_keychain_wins_over_a_stranger_s_of_the_same_purpose() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let carol = Person::signed_up("carol", &server).await;
    for other in [&bob, &carol] {
        other.keychain("notes").await;
        share(other, "notes", &["alice"], ShareKeys::Latest).await;
    }
    alice.client.sync().await.unwrap();
    assert_eq!(alice.client.keychain("notes").await.unwrap_err().code, Code::AmbiguousPurpose);
    let own = alice.keychain("notes").await;
    assert_eq!(alice.client.keychain("notes").await.unwrap().keychain_fingerprint, own.keychain_fingerprint);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_people_get_a_key_by_one_entry() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.keychain("notes").await;
    let mut people = Vec::new();
    for n in 0..50 {
        people.push(Person::signed_up(&format!("bob-{n}"), &server).await);
    }
    let mut watches: Vec<_> = people.iter().map(|person| person.client.watch()).collect();
    for watch in &mut watches {
        while next(watch).await != (ClientEvent::SyncStateChanged { state: SyncState::Online }) {}
    }
    let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
    alice.client.identities(&names).await.unwrap();
    let start = std::time::Instant::now();
    share(&alice, "notes", &names, ShareKeys::Latest).await;
    let sent = start.elapsed();
    for watch in &mut watches {
        while !matches!(next_event(watch).await, ClientEvent::KeyReceived { .. }) {}
    }
    println!("shared in {sent:?}, all had it after {:?}", start.elapsed());
    let participants = alice.client.participants("notes", None, false).await.unwrap();
    assert_eq!(participants.len(), 51);
}
