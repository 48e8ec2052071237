//! Accounts, homes and sessions: the client against the real server.

use keyfold_client::{ClientEvent, Code, ShareKeys, ShareOptions, SyncState, Value, verify_signature};
use keyfold_testing::{
    evil::EvilWorld,
    people::{Person, TestServer, next},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_gives_an_account_and_a_second_time_on_one_home_is_refused() {
    let server = TestServer::start().await;
    let alice = Person::new("alice");
    assert_eq!(alice.client.whoami().await.unwrap_err().code, Code::NoHome);
    let who = alice.sign_up(&server.url(), Some(&server.key())).await;
    assert_eq!((who.user_id.as_str(), who.generation, who.logged_in), ("alice", 0, true));
    assert_eq!((who.server_url, who.server_key), (server.url(), server.key()));
    assert_eq!(alice.again().whoami().await.unwrap().account_id, who.account_id);
    let again = alice.client.signup("alice", &server.url(), None).await.unwrap_err();
    assert_eq!(again.code, Code::HomeExists);
    let taken = Person::new("alice").client.signup("alice", &server.url(), None).await.unwrap_err();
    assert_eq!(taken.code, Code::UserTaken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_up_leaves_the_home_free_for_another() {
    let server = TestServer::start().await;
    let _alice = Person::signed_up("alice", &server).await;
    let other = Person::new("alice");
    assert_eq!(other.client.signup("alice", &server.url(), None).await.unwrap_err().code, Code::UserTaken);
    let wrong = other.client.signup("bob", &server.url(), Some(&"A".repeat(43))).await.unwrap_err();
    assert_eq!(wrong.code, Code::WrongServerKey);
    for bad in ["", "a\nb", &"b".repeat(129)] {
        assert!(other.client.signup(bad, &server.url(), None).await.is_err(), "{bad:?}");
    }
    assert_eq!(other.client.whoami().await.unwrap_err().code, Code::NoHome);
    other.client.signup("bob", &server.url(), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_whose_answer_was_lost_is_repeated_and_gives_the_same_account() {
    let world = EvilWorld::start().await;
    let alice = Person::new("alice");
    world.evil.lie(|asked, answer| {
        if asked.path == "/v1/accounts" {
            (answer.body, answer.signed) = (Vec::new(), false);
        }
    });
    let url = world.evil.url();
    let lost = alice.client.signup("alice", &url, None).await.unwrap_err();
    assert_eq!(lost.code, Code::BadServerSignature);
    assert_eq!(alice.client.whoami().await.unwrap_err().code, Code::NoHome);
    assert_eq!(alice.client.signup("bob", &url, None).await.unwrap_err().code, Code::HomeExists);
    world.evil.be_honest();
    let who = alice.client.signup("alice", &url, None).await.unwrap();
    assert_eq!(alice.client.identity("alice").await.unwrap().account_id, who.account_id);
    alice.keychain("notes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_whose_answer_was_lost_is_not_made_twice() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    world.evil.lie(|asked, answer| {
        if asked.method == "POST" && asked.path == "/v1/scopes" {
            (answer.body, answer.signed) = (Vec::new(), false);
        }
    });
    let lost = alice.create_keychain("notes", keyfold_client::Algorithm::SecretBox).await.unwrap_err();
    assert_eq!(lost.code, Code::BadServerSignature);
    world.evil.be_honest();
    let made = alice.create_keychain("notes", keyfold_client::Algorithm::SecretBox).await.unwrap();
    let listed = alice.keychains().await.unwrap();
    assert_eq!(listed.iter().map(|key| &key.key_fingerprint).collect::<Vec<_>>(), [&made.key_fingerprint]);
    alice.encrypt_value("notes", &Value::Boolean(true), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_wipes_the_keys_and_logging_in_brings_them_back() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    alice.keychain("notes").await;
    alice.client.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    let sealed = bob.client.encrypt_value("notes", &Value::Number(1.0), None).await.unwrap();
    bob.client.logout(false).await.unwrap();
    assert!(!bob.client.whoami().await.unwrap().logged_in);
    assert_eq!(bob.client.decrypt_value(&sealed, None).await.unwrap_err().code, Code::LoggedOut);
    assert_eq!(bob.again().keychains().await.unwrap_err().code, Code::LoggedOut);
    alice.client.rotate("notes").await.unwrap();
    bob.client.login().await.unwrap();
    assert_eq!(bob.client.decrypt_value(&sealed, None).await.unwrap().value, Value::Number(1.0));
    let keychain = bob.client.keychain("notes").await.unwrap();
    assert_eq!(keychain.keys.iter().map(|key| key.key_number).collect::<Vec<_>>(), [2, 1]);
    bob.client.logout(true).await.unwrap();
    assert_eq!(bob.client.whoami().await.unwrap_err().code, Code::NoHome);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_home_take_turns_and_see_each_other_s_work() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let clients: Vec<_> = (0..4).map(|_| alice.again()).collect();
    let tasks: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(n, client)| {
            tokio::spawn(async move {
                for i in 0..3 {
                    client.create_keychain(&format!("{n}-{i}"), keyfold_client::Algorithm::SecretBox).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(alice.client.keychains().await.unwrap().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_what_is_known_can_be_read_and_changes_say_that_it_is_gone() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.keychain("notes").await;
    let sealed = alice.client.encrypt_value("notes", &Value::Boolean(true), None).await.unwrap();
    let mut watch = alice.client.watch();
    while next(&mut watch).await != (ClientEvent::SyncStateChanged { state: SyncState::Online }) {}
    let client = alice.again();
    let server = server
        .restart_after(async || {
            let gone = client.create_keychain("more", keyfold_client::Algorithm::SecretBox).await.unwrap_err();
            assert_eq!((gone.code, gone.retryable()), (Code::ServerUnavailable, true));
            assert_eq!(client.decrypt_value(&sealed, None).await.unwrap().value, Value::Boolean(true));
            assert_eq!(client.keychains().await.unwrap().len(), 1);
            client.encrypt_value("notes", &Value::Boolean(false), None).await.unwrap();
        })
        .await;
    // What was tried without the server is done with it, once, and the watch is back by itself.
    client.create_keychain("more", keyfold_client::Algorithm::SecretBox).await.unwrap();
    assert_eq!(client.keychains().await.unwrap().len(), 2);
    let mut states = Vec::new();
    while states.last() != Some(&SyncState::Online) {
        if let ClientEvent::SyncStateChanged { state } = next(&mut watch).await {
            states.push(state);
        }
    }
    assert_eq!(states, [SyncState::Offline, SyncState::Online]);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_write_at_once_all_succeed() {
    let server = TestServer::start().await;
    let alice = Arc::new(Person::signed_up("alice", &server).await);
    alice.keychain("notes").await;
    let rights = keyfold_client::PermissionFlags { allow_sharing: true, allow_rotation: true, ..Default::default() };
    let mut others = Vec::new();
    for n in 0..4 {
        let other = Person::signed_up(&format!("bob-{n}"), &server).await;
        let options = ShareOptions {
            permissions: keyfold_client::PermissionFlags { allow_management: true, ..rights },
            ..Default::default()
        };
        alice.client.share("notes", &[&other.name], ShareKeys::All, options).await.unwrap();
        other.client.sync().await.unwrap();
        others.push(other);
    }
    let done = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = others
        .into_iter()
        .map(|other| {
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                // The home goes along, or it would be removed here.
                let other = other;
                other.client.rotate("notes").await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), 4);
    assert_eq!(alice.client.keychain("notes").await.unwrap().keys.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_verified_with_the_identity_s_key() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let signature = alice.client.sign(&[b"one", b"two"]).await.unwrap();
    let key = bob.client.identity("alice").await.unwrap().signature_public_key;
    assert!(verify_signature(&signature, &key, &[b"one", b"two"]));
    assert!(!verify_signature(&signature, &key, &[b"onet", b"wo"]));
    assert_eq!(bob.client.identity("nobody").await.unwrap_err().code, Code::UnknownUser);
    let several = bob.client.identities(&["alice", "nobody", "bob"]).await.unwrap();
    assert_eq!(several.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}
