//! Ways back into an account, used when every device is lost and when a thief has one. Against a real server.

use keyfold_client::{
    Algorithm, Client, Code, RecoverOptions, Recovered, RecoveryGap, RecoveryInput, Result, Revoke, ShareKeys,
    ShareOptions, SignIn, SignInProof, Value, Zeroizing,
};
use keyfold_testing::people::{Person, TestServer};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

async fn recover(
    server: &TestServer,
    user: &str,
    device: &Person,
    with: &RecoveryInput,
    revoke: Revoke<'_>,
) -> Result<Recovered> {
    let (url, key) = (server.url(), server.key());
    let sign_in = SignIn { user_id: user, server_url: &url, server_key: Some(&key), proof: SignInProof::Nothing };
    let options = RecoverOptions { label: Some("new laptop"), revoke };
    device.client.recover(sign_in, with, options, |_, _| {}).await
}

/// Alice with a keychain, and what is sealed under it.
async fn owner(server: &TestServer) -> (Person, String) {
    let alice = Person::signed_up("alice", server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let sealed = alice.client.encrypt_value("notes", &text("hello"), None).await.unwrap();
    (alice, sealed)
}

/// A thief's own device, brought in by a stolen one.
async fn brought_in(by: &Client) -> Person {
    let device = Person::new("alice");
    let uri = by.enroll_new_device(Some("mine now"), None).await.unwrap();
    device.client.register_enrolled_device(&uri).await.unwrap();
    device
}

async fn opens(client: &Client, sealed: &str, plain: &str) -> bool {
    client.decrypt_value(sealed, None).await.is_ok_and(|opened| opened.value == text(plain))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_brings_a_person_back_who_lost_every_device() {
    let server = TestServer::start().await;
    let (alice, sealed) = owner(&server).await;
    let status = alice.client.recovery_status().await.unwrap();
    assert_eq!(status.missing, [RecoveryGap::NoRecovery, RecoveryGap::NothingOffline]);

    alice.client.add_password("correct horse battery staple", None, None).await.unwrap();
    assert_eq!(alice.client.recovery_status().await.unwrap().missing, [RecoveryGap::NothingOffline]);
    let paper = alice.client.add_paper(Some("in the safe"), None).await.unwrap();
    let shares = alice.client.add_shares((2, 3), None, None).await.unwrap();
    let status = alice.client.recovery_status().await.unwrap();
    assert_eq!((status.methods.len(), status.missing.len()), (3, 0));
    assert_eq!(status.methods[1].label.as_deref(), Some("in the safe"));

    let ways = [
        RecoveryInput::Password(secret("correct horse battery staple")),
        RecoveryInput::Paper(secret(&paper.words.to_uppercase().replace(' ', "\n"))),
        RecoveryInput::Shares(vec![shares.shares[2].clone(), shares.shares[0].clone()]),
    ];
    for (at, way) in ways.iter().enumerate() {
        let new = Person::new("alice");
        let recovered = recover(&server, "alice", &new, way, Revoke::None).await.unwrap();
        assert_eq!(recovered.who.account_id, alice.client.whoami().await.unwrap().account_id);
        assert!(opens(&new.client, &sealed, "hello").await, "{way:?}");
        let devices = new.client.devices().await.unwrap();
        assert_eq!((devices.len(), devices[at + 1].label.as_deref()), (at + 2, Some("new laptop")));
        assert_eq!(devices[at + 1].added_by.as_deref(), Some(&*status.methods[at].recovery_id));
    }
    assert!(opens(&alice.client, &sealed, "hello").await, "the old device stays, unless it is said to be lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_devices_are_out_and_everybody_goes_on() {
    let server = TestServer::start().await;
    let (alice, sealed) = owner(&server).await;
    let bob = Person::signed_up("bob", &server).await;
    alice.client.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.client.sync().await.unwrap();
    let paper = alice.client.add_paper(None, None).await.unwrap();

    let new = Person::new("alice");
    let way = RecoveryInput::Paper(paper.words);
    let recovered = recover(&server, "alice", &new, &way, Revoke::All).await.unwrap();
    assert_eq!(recovered.revoked_device_ids, [alice.client.whoami().await.unwrap().device_id]);
    assert_eq!(recovered.who.generation, 1);
    let fresh = new.client.encrypt_value("notes", &text("fresh"), None).await.unwrap();
    assert!(opens(&bob.client, &fresh, "fresh").await && opens(&new.client, &sealed, "hello").await);
    assert!(!opens(&alice.client, &fresh, "fresh").await, "the lost device reads nothing that comes");
    assert_eq!(alice.client.sync().await.unwrap_err().code, Code::UnknownDevice);
}

/// Whatever the thief of a device did first, the owner's paper brings her back and throws the thief out.
#[tokio::test(flavor = "multi_thread")]
async fn s20_a_thief_who_was_quicker_is_thrown_out_by_an_older_way_back() {
    let server = TestServer::start().await;
    let (stolen, sealed) = owner(&server).await;
    let paper = stolen.client.add_paper(None, None).await.unwrap();
    let owners_other = brought_in(&stolen.client).await;

    // He brings in a device of his own, puts the owner's other one out, moves the account on again and again, and keeps
    // a way back for himself.
    let thiefs = brought_in(&stolen.client).await;
    let others = owners_other.client.whoami().await.unwrap().device_id;
    thiefs.client.revoke_devices(&[&others], &[], |_, _| {}).await.unwrap();
    for _ in 0..3 {
        let more = brought_in(&thiefs.client).await;
        let id = more.client.whoami().await.unwrap().device_id;
        thiefs.client.revoke_devices(&[&id], &[], |_, _| {}).await.unwrap();
    }
    let thiefs_paper = thiefs.client.add_paper(Some("thief's"), None).await.unwrap();
    let protected = thiefs.client.recovery_status().await.unwrap().methods[0].recovery_id.clone();
    let way = RecoveryInput::Paper(thiefs_paper.words);
    let refused = thiefs.client.remove_recovery(&protected, &way).await.unwrap_err();
    assert_eq!(refused.code.as_str(), "RecoveryProtected", "a younger way back does not take an older one away");
    assert_eq!(owners_other.client.sync().await.unwrap_err().code, Code::UnknownDevice);

    let new = Person::new("alice");
    let recovered = recover(&server, "alice", &new, &RecoveryInput::Paper(paper.words), Revoke::All).await.unwrap();
    assert_eq!(recovered.removed_recovery_ids, [thiefs_paper.recovery.recovery_id]);
    assert_eq!(new.client.devices().await.unwrap().len(), 1);
    assert!(opens(&new.client, &sealed, "hello").await);
    let fresh = new.client.encrypt_value("notes", &text("fresh"), None).await.unwrap();
    for out in [&stolen, &thiefs] {
        assert!(!opens(&out.client, &fresh, "fresh").await);
        assert_eq!(out.client.sync().await.unwrap_err().code, Code::UnknownDevice);
    }
    // His own way back is worth nothing any more.
    let back = recover(&server, "alice", &Person::new("alice"), &way, Revoke::All).await.unwrap_err();
    assert_eq!(back.code, Code::WrongSecret);
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_wrong_secrets_let_nobody_in_and_say_what_is_wrong() {
    let server = TestServer::start().await;
    let (alice, _) = owner(&server).await;
    let bob = Person::signed_up("bob", &server).await;
    let paper = alice.client.add_paper(None, None).await.unwrap();
    let shares = alice.client.add_shares((2, 3), None, None).await.unwrap().shares;
    let others = alice.client.add_shares((2, 3), None, None).await.unwrap().shares;
    let bobs_shares = bob.client.add_shares((2, 3), None, None).await.unwrap().shares;
    let bobs_paper = bob.client.add_paper(None, None).await.unwrap();
    alice.client.add_password("correct horse", None, None).await.unwrap();

    let words: Vec<&str> = paper.words.split(' ').collect();
    let mut swapped = words.clone();
    swapped.swap(0, words.iter().position(|word| *word != words[0]).unwrap());
    let swapped = swapped.join(" ");
    let shares_of = |texts: &[&Zeroizing<String>]| RecoveryInput::Shares(texts.iter().copied().cloned().collect());
    let mut altered = shares[1].to_string();
    altered.replace_range(40..41, if &altered[40..41] == "A" { "B" } else { "A" });
    let wrong = [
        (RecoveryInput::Paper(secret(&words[1..].join(" "))), Code::WrongWordCount),
        (RecoveryInput::Paper(secret("nonsense")), Code::UnknownWord),
        (RecoveryInput::Paper(bobs_paper.words), Code::WrongSecret),
        (shares_of(&[&shares[0]]), Code::TooFewShares),
        (shares_of(&[&shares[0], &shares[0]]), Code::ShareRepeated),
        (shares_of(&[&shares[0], &others[1]]), Code::SharesMixed),
        (shares_of(&[&bobs_shares[0], &bobs_shares[1]]), Code::ShareOfAnotherAccount),
        (shares_of(&[&shares[0], &secret(&altered)]), Code::ShareDamaged),
        (RecoveryInput::Password(secret("wrong horse")), Code::WrongPassword),
    ];
    let somebody = Person::new("alice");
    for (input, code) in wrong {
        let refused = recover(&server, "alice", &somebody, &input, Revoke::None).await.unwrap_err();
        assert_eq!(refused.code, code, "{refused}");
        assert_eq!(somebody.client.whoami().await.unwrap_err().code, Code::NoHome);
    }
    // One mistake in 256 passes the checksum; then it is nobody's paper.
    let refused = recover(&server, "alice", &somebody, &RecoveryInput::Paper(secret(&swapped)), Revoke::None).await;
    let code = refused.unwrap_err().code;
    assert!([Code::WrongWords, Code::WrongSecret].contains(&code), "{code}");
    assert_eq!(alice.client.devices().await.unwrap().len(), 1);
    // Who has none is told so, and not that the secret is wrong.
    let dave = Person::signed_up("dave", &server).await;
    let none = recover(&server, "dave", &somebody, &RecoveryInput::Paper(paper.words), Revoke::None).await;
    assert_eq!(none.unwrap_err().code, Code::NoRecovery);
    drop(dave);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_is_replaced_and_taken_away_by_its_own_secret() {
    let server = TestServer::start().await;
    let (alice, sealed) = owner(&server).await;
    alice.client.add_password("former", None, None).await.unwrap();
    let former = RecoveryInput::Password(secret("former"));
    let wrong = alice.client.add_password("new", None, Some(&RecoveryInput::Password(secret("no")))).await;
    assert_eq!(wrong.unwrap_err().code, Code::WrongPassword);
    alice.client.add_password("new", None, Some(&former)).await.unwrap();
    let status = alice.client.recovery_status().await.unwrap();
    assert_eq!(status.methods.len(), 1);
    let gone = recover(&server, "alice", &Person::new("alice"), &former, Revoke::None).await.unwrap_err();
    assert_eq!(gone.code, Code::WrongPassword);
    let new = RecoveryInput::Password(secret("new"));
    let back = Person::new("alice");
    recover(&server, "alice", &back, &new, Revoke::None).await.unwrap();
    assert!(opens(&back.client, &sealed, "hello").await);

    let paper = alice.client.add_paper(None, None).await.unwrap();
    alice.client.remove_recovery(&paper.recovery.recovery_id, &new).await.unwrap();
    assert_eq!(alice.client.recovery_status().await.unwrap().methods.len(), 1);
    let unknown = alice.client.remove_recovery(&paper.recovery.recovery_id, &new).await.unwrap_err();
    assert_eq!(unknown.code, Code::NoRecovery);
    assert!(opens(&alice.client, &sealed, "hello").await && opens(&back.client, &sealed, "hello").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn s9_passwords_are_tried_slowly_and_the_owner_is_not_locked_out_of_what_she_holds() {
    let server = TestServer::start().await;
    let (alice, sealed) = owner(&server).await;
    alice.client.add_password("correct horse", None, None).await.unwrap();
    let paper = alice.client.add_paper(None, None).await.unwrap();
    let guesser = Person::new("alice");
    let mut codes = Vec::new();
    for guess in 0..12 {
        let input = RecoveryInput::Password(secret(&format!("guess {guess}")));
        codes.push(recover(&server, "alice", &guesser, &input, Revoke::None).await.unwrap_err().code);
    }
    assert_eq!((codes[0], codes[11]), (Code::WrongPassword, Code::RateLimited));
    assert!(opens(&alice.client, &sealed, "hello").await);
    recover(&server, "alice", &guesser, &RecoveryInput::Paper(paper.words), Revoke::None).await.unwrap();
}
