//! Several devices of one person: let in by another one or by a text, given new keys, revoked. Against a real server.

use futures_util::StreamExt;
use keyfold_client::{
    Algorithm, Client, ClientEvent, Code, DeviceRequested, ShareKeys, ShareOptions, SignIn, SignInProof, SyncState,
    Value, Watch,
};
use keyfold_testing::people::{Person, TestServer, next};
use std::time::Duration;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

async fn until(watch: &mut Watch, is_it: impl Fn(&ClientEvent) -> bool) {
    while !is_it(&next(watch).await) {}
}

async fn ask(server: &TestServer, device: &Person, label: &str) -> DeviceRequested {
    let (url, key) = (server.url(), server.key());
    let sign_in = SignIn { user_id: "alice", server_url: &url, server_key: Some(&key), proof: SignInProof::Nothing };
    device.client.request_enrolment(sign_in, label).await.unwrap()
}

/// A second device, let in by its code.
async fn second(server: &TestServer, first: &Client, label: &str) -> Person {
    let device = Person::new("alice");
    let asked = ask(server, &device, label).await;
    first.approve_device(&asked.code, None).await.unwrap();
    device.client.await_enrolment().await.unwrap().unwrap();
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_by_its_code_and_reads_what_the_other_wrote() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let sealed = alice.client.encrypt_value("notes", &text("hello"), None).await.unwrap();

    let phone = Person::new("alice");
    let asked = ask(&server, &phone, "phone").await;
    let waiting = alice.client.enrolment_requests().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].label.as_deref(), &waiting[0].device_id), (Some("phone"), &asked.device_id));
    assert_eq!(waiting[0].words, asked.words, "both show the same words");

    let let_in = alice.client.approve_device(&asked.code, None).await.unwrap();
    assert_eq!((let_in.label.as_deref(), let_in.is_current), (Some("phone"), false));
    let joined = phone.client.await_enrolment().await.unwrap().unwrap();
    assert_eq!(joined.account_id, alice.client.whoami().await.unwrap().account_id);
    assert_eq!(phone.client.decrypt_value(&sealed, None).await.unwrap().value, text("hello"));

    // What one founds the other has, and both are listed by both.
    phone.client.create_keychain("photos", Algorithm::SecretBox).await.unwrap();
    alice.client.sync().await.unwrap();
    assert_eq!(alice.client.keychains().await.unwrap().len(), 2);
    for device in [&alice, &phone] {
        let listed = device.client.devices().await.unwrap();
        let labels: Vec<_> = listed.iter().map(|device| device.label.as_deref()).collect();
        assert_eq!(labels, [None, Some("phone")]);
    }
    assert!(alice.client.enrolment_requests().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_a_code_lets_in_once_and_altered_declined_and_foreign_ones_let_nobody_in() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let phone = Person::new("alice");
    let asked = ask(&server, &phone, "phone").await;

    let foreign = bob.client.approve_device(&asked.code, None).await.unwrap_err();
    assert_eq!(foreign.code, Code::BadCode);
    // By the device's id alone bob finds nothing either: who asks alice is not shown to him.
    let foreign = bob.client.approve_device(&asked.device_id, None).await.unwrap_err();
    assert_eq!(foreign.code, Code::UnknownEnrolment);
    let cut = &asked.code[..asked.code.len() - 8];
    assert_eq!(alice.client.approve_device(cut, None).await.unwrap_err().code, Code::BadCode);
    let altered = asked.code.replacen(&asked.device_id[..4], "AAAA", 1);
    assert_eq!(alice.client.approve_device(&altered, None).await.unwrap_err().code, Code::UnknownEnrolment);

    alice.client.decline_device(&asked.code).await.unwrap();
    let ended = phone.client.await_enrolment().await.unwrap_err();
    assert_eq!(ended.code, Code::UnknownEnrolment);
    assert_eq!(alice.client.approve_device(&asked.code, None).await.unwrap_err().code, Code::UnknownEnrolment);
    assert_eq!(alice.client.decline_device(&asked.code).await.unwrap_err().code, Code::UnknownEnrolment);

    // It may ask again; a second answer to one request changes nothing.
    let asked = ask(&server, &phone, "phone").await;
    alice.client.approve_device(&asked.code, None).await.unwrap();
    alice.client.approve_device(&asked.code, None).await.unwrap();
    assert_eq!(alice.client.devices().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_everywhere_ends_the_other_devices_requests_and_streams_and_they_can_log_in_again() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let bob = Person::signed_up("bob", &server).await;
    let phone = second(&server, &alice.client, "phone").await;
    let notes = alice.keychain("notes").await;
    let devices = alice.client.devices().await.unwrap();
    for device in &devices {
        assert!(device.logged_in_since.is_some() && device.last_used >= device.logged_in_since, "{device:?}");
    }

    let mut watch = phone.client.watch();
    let is_online = |event: &ClientEvent| matches!(event, ClientEvent::SyncStateChanged { state: SyncState::Online });
    until(&mut watch, is_online).await;
    alice.client.logout_everywhere(false).await.unwrap();
    let ended = loop {
        match tokio::time::timeout(Duration::from_secs(60), watch.next()).await.unwrap() {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("the stream ended without a word"),
        }
    };
    assert_eq!(ended.code, Code::LoggedOut, "{ended}");
    assert_eq!(phone.again().rotate("notes").await.unwrap_err().code, Code::LoggedOut);
    assert!(!alice.client.whoami().await.unwrap().logged_in);
    assert!(bob.client.sync().await.is_ok(), "nobody else's session ended");
    // Asked again by who did not hear the answer.
    alice.client.logout_everywhere(false).await.unwrap();

    alice.client.login().await.unwrap();
    let listed = alice.client.devices().await.unwrap();
    let since: Vec<_> = listed.iter().map(|device| device.logged_in_since.is_some()).collect();
    assert_eq!(since, [true, false]);
    phone.client.login().await.unwrap();
    assert_eq!(phone.client.keychains().await.unwrap()[0].key_fingerprint, notes.key_fingerprint);
    assert!(alice.client.devices().await.unwrap()[1].logged_in_since.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_brings_a_device_in_once() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let sealed = alice.client.encrypt_value("notes", &text("hello"), None).await.unwrap();
    let uri = alice.client.enroll_new_device(Some("laptop"), None).await.unwrap();

    let laptop = Person::new("alice");
    let joined = laptop.client.register_enrolled_device(&uri).await.unwrap();
    assert_eq!(laptop.client.decrypt_value(&sealed, None).await.unwrap().value, text("hello"));
    assert_eq!(laptop.client.whoami().await.unwrap().device_id, joined.device_id);
    let devices = alice.client.devices().await.unwrap();
    assert_eq!(devices[1].label.as_deref(), Some("laptop"), "its name is kept");
    assert_eq!(devices[1].device_id, joined.device_id);

    let thief = Person::new("alice");
    let used = thief.client.register_enrolled_device(&uri).await.unwrap_err();
    assert_eq!(used.code, Code::Unauthorized);
    assert!(thief.client.whoami().await.is_err());
    for bad in ["", "keyfold:enroll/", &uri[..uri.len() - 1], &uri.replacen("enroll", "device", 1)] {
        assert_eq!(thief.client.register_enrolled_device(bad).await.unwrap_err().code, Code::BadCode, "{bad}");
    }
    let full = laptop.client.register_enrolled_device(&uri).await.unwrap_err();
    assert_eq!(full.code, Code::HomeExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_too_old_brings_nobody_in() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let uri = alice.client.enroll_new_device(None, Some(Duration::from_millis(1))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let late = Person::new("alice");
    assert_eq!(late.client.register_enrolled_device(&uri).await.unwrap_err().code, Code::EnrolmentExpired);
    // The owner takes back what was not used.
    let waiting = alice.client.devices().await.unwrap()[1].device_id.clone();
    alice.client.revoke_devices(&[&waiting], &[], |_, _| {}).await.unwrap();
    assert_eq!(alice.client.devices().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_of_a_device_change_its_slot_and_one_entry_and_nothing_else() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let phone = second(&server, &alice.client, "phone").await;
    let before = phone.client.whoami().await.unwrap();
    let renewed = phone.client.rotate_device(Some("new phone")).await.unwrap();
    assert_eq!((renewed.device_id.as_str(), renewed.label.as_deref()), (&*before.device_id, Some("new phone")));
    let after = phone.client.whoami().await.unwrap();
    assert_eq!((after.generation, &after.device_id), (before.generation, &before.device_id));
    let sealed = phone.client.encrypt_value("notes", &text("still me"), None).await.unwrap();
    assert_eq!(alice.client.decrypt_value(&sealed, None).await.unwrap().value, text("still me"));
    // Also when it is started again, and twice.
    phone.client.rotate_device(None).await.unwrap();
    let again = phone.again();
    assert_eq!(again.decrypt_value(&sealed, None).await.unwrap().value, text("still me"));
    again.logout(false).await.unwrap();
    again.login().await.unwrap();
    assert_eq!(again.devices().await.unwrap()[1].label.as_deref(), Some("new phone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn s14_a_revoked_device_reads_nothing_that_comes_and_everybody_else_goes_on() {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    for purpose in ["one", "two", "three"] {
        alice.client.create_keychain(purpose, Algorithm::SecretBox).await.unwrap();
        alice.client.share(purpose, &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    }
    bob.client.sync().await.unwrap();
    let old = bob.client.encrypt_value("one", &text("old"), None).await.unwrap();
    let stolen = second(&server, &alice.client, "phone").await;
    let stolen_too = second(&server, &stolen.client, "thief's own").await;
    assert_eq!(stolen.client.decrypt_value(&old, None).await.unwrap().value, text("old"));

    let mut heard = Vec::new();
    let revoked = alice.client.revoke_devices(&["phone"], &[], |done, all| heard.push((done, all))).await.unwrap();
    assert_eq!((revoked.device_ids.len(), revoked.generation), (2, 1), "and whom it let in");
    assert_eq!((heard.first(), heard.last()), (Some(&(0, 3)), Some(&(3, 3))));
    bob.client.sync().await.unwrap();
    for purpose in ["one", "two", "three"] {
        let new = bob.client.encrypt_value(purpose, &text("new"), None).await.unwrap();
        assert_eq!(alice.client.decrypt_value(&new, None).await.unwrap().value, text("new"));
        for thief in [&stolen, &stolen_too] {
            assert!(thief.client.decrypt_value(&new, None).await.is_err());
            assert_eq!(thief.client.sync().await.unwrap_err().code, Code::UnknownDevice);
        }
        assert!(bob.client.keychain(purpose).await.unwrap().keys.len() == 2);
    }
    assert_eq!(alice.client.decrypt_value(&old, None).await.unwrap().value, text("old"));
    let unknown = alice.client.revoke_devices(&["phone"], &[], |_, _| {}).await.unwrap_err();
    assert_eq!(unknown.code, Code::UnknownHolder);
    let own = alice.client.whoami().await.unwrap().device_id;
    let oneself = alice.client.revoke_devices(&[&own], &[], |_, _| {}).await.unwrap_err();
    assert_eq!(oneself.code.as_str(), "RevocationOfOneself");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_devices_hear_who_asks_and_who_is_gone() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let laptop = second(&server, &alice.client, "laptop").await;
    let mut watch = alice.client.watch();
    let phone = Person::new("alice");
    let asked = ask(&server, &phone, "phone").await;
    let is_asking = |event: &ClientEvent| *event == ClientEvent::DeviceRequested { device_id: asked.device_id.clone() };
    until(&mut watch, is_asking).await;
    laptop.client.approve_device(&asked.device_id, Some("my phone")).await.unwrap();
    phone.client.await_enrolment().await.unwrap().unwrap();
    laptop.client.revoke_devices(&["my phone"], &[], |_, _| {}).await.unwrap();
    let is_gone = |event: &ClientEvent| *event == ClientEvent::DeviceRevoked { device_id: asked.device_id.clone() };
    until(&mut watch, is_gone).await;
    assert_eq!(alice.client.whoami().await.unwrap().generation, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_go_together_also_where_whoever_let_one_of_them_in_is_gone() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    let phone = second(&server, &alice.client, "phone").await;
    let tablet = second(&server, &phone.client, "tablet").await;
    alice.client.revoke_devices(&["phone"], &["tablet"], |_, _| {}).await.unwrap();
    // The tablet is under the first device now, and goes with it: to name both is no contradiction.
    let laptop = second(&server, &alice.client, "laptop").await;
    let first = alice.client.whoami().await.unwrap().device_id;
    let revoked = laptop.client.revoke_devices(&[&first, "tablet"], &[], |_, _| {}).await.unwrap();
    assert_eq!((revoked.device_ids.len(), revoked.generation), (2, 2));
    for out in [&alice, &phone, &tablet] {
        assert_eq!(out.client.sync().await.unwrap_err().code, Code::UnknownDevice);
    }
    assert_eq!(laptop.client.devices().await.unwrap().len(), 1);
}
