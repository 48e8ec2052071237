//! S1, the person's part: what a client stopped at is gone on with when the person was told by another way, and not
//! before; and what was compared is remembered.

use keyfold_client::{Algorithm, Client, Code, ShareKeys, ShareOptions};
use keyfold_testing::{
    evil::{EvilWorld, writes},
    lies::{self, Lie},
    people::{Person, TestServer},
};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use std::path::Path;

async fn share(alice: &Client, with: &str) -> Result<(), Code> {
    let shared = alice.share("notes", &[with], ShareKeys::Latest, ShareOptions::default()).await;
    shared.map(drop).map_err(|error| error.code)
}

/// What somebody would tell who is not who the server shows.
async fn wrong_tales(world: &EvilWorld) -> Vec<String> {
    let carol = world.person("carol").await;
    let uri = carol.whoami().await.unwrap().uri;
    let id = carol.whoami().await.unwrap().account_id;
    let with_carol = carol.safety_words("alice").await.unwrap();
    let of_others = "level join sea general earn amount aisle make".to_owned();
    let swapped = uri.replace("/carol", "/bob");
    vec![uri, id, with_carol, of_others, swapped, String::new(), "bob".into(), "keyfold:identity/bob".into()]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_see_the_same_words_and_whoever_compares_them_has_verified() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let words = bob.safety_words("alice").await.unwrap();
    assert_eq!(words, alice.safety_words("bob").await.unwrap());
    assert_eq!(words.split(' ').count(), 8);
    assert!(!alice.identity("bob").await.unwrap().verified, "looked at is not compared");
    assert!(alice.verify_identity("bob", &words.to_uppercase().replace(' ', ", ")).await.unwrap().verified);
    assert!(alice.identity("bob").await.unwrap().verified, "remembered");
    assert!(Client::open(&world.home("alice")).unwrap().identity("bob").await.unwrap().verified, "by the home");
    assert!(!bob.identity("alice").await.unwrap().verified, "each compares for himself");

    let uri = alice.whoami().await.unwrap().uri;
    assert!(bob.verify_identity("alice", &uri).await.unwrap().verified);
    let own = alice.identity("alice").await.unwrap();
    assert!(own.verified && own.uri == uri);
    assert_eq!(alice.safety_words("alice").await.unwrap_err().code, Code::Malformed);
    assert_eq!(alice.verify_identity("alice", &uri).await.unwrap_err().code, Code::Malformed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_verifies_nobody_and_changes_nothing() {
    let world = EvilWorld::start().await;
    let (alice, _bob) = (world.person("alice").await, world.person("bob").await);
    for told in wrong_tales(&world).await {
        for refused in [
            alice.verify_identity("bob", &told).await.unwrap_err(),
            alice.accept_identity("bob", &told).await.unwrap_err(),
        ] {
            assert_eq!((refused.code, refused.code.class().exit()), (Code::NotVerified, 5), "{told:?}: {refused}");
        }
        assert!(!alice.identity("bob").await.unwrap().verified, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_compared_show_so_wherever_they_are_shown() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice, "bob").await.unwrap();
    bob.sync().await.unwrap();
    let verified = async |client: &Client| {
        let listed = client.participants("notes", None, true).await.unwrap();
        listed.into_iter().map(|one| (one.user_id, one.verified, one.former)).collect::<Vec<_>>()
    };
    assert_eq!(verified(&bob).await, [("alice".into(), false, false), ("bob".into(), true, false)]);
    assert!(!bob.keychain("notes").await.unwrap().shared_by_verified);
    bob.verify_identity("alice", &alice.safety_words("bob").await.unwrap()).await.unwrap();
    assert_eq!(verified(&bob).await, [("alice".into(), true, false), ("bob".into(), true, false)]);
    let keychain = bob.keychain("notes").await.unwrap();
    assert!(keychain.shared_by_verified && keychain.keys[0].shared_by_verified);
    assert!(alice.keychain("notes").await.unwrap().shared_by_verified, "one's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_between_two_who_were_lied_to_from_the_beginning_the_words_differ() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    lies::tell(&world, Lie::IdentitySwap { user: "bob".into() }, None).await.unwrap();
    let seen = alice.safety_words("bob").await.unwrap();
    let told = bob.safety_words("alice").await.unwrap();
    assert_ne!(seen, told);
    for told in [told, bob.whoami().await.unwrap().uri, bob.whoami().await.unwrap().account_id] {
        assert_eq!(alice.verify_identity("bob", &told).await.unwrap_err().code, Code::NotVerified);
    }
    assert!(!alice.identity("bob").await.unwrap().verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_another_identity_is_taken_when_the_person_compared_it_and_the_client_goes_on() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    // What alice saw first was the lie, and what comes is the truth. She cannot know.
    lies::tell(&world, Lie::IdentitySwap { user: "bob".into() }, None).await.unwrap();
    let false_bob = alice.identity("bob").await.unwrap();
    lies::be_honest(&world);
    let words = bob.safety_words("alice").await.unwrap();
    let written = writes(&world.evil.seen()).len();
    assert_eq!(alice.identity("bob").await.unwrap_err().code, Code::IdentityChanged);
    assert_eq!(share(&alice, "bob").await, Err(Code::IdentityChanged));
    assert_eq!(alice.safety_words("bob").await.unwrap_err().code, Code::IdentityChanged);
    assert_eq!(alice.verify_identity("bob", &words).await.unwrap_err().code, Code::IdentityChanged);

    for told in wrong_tales(&world).await.into_iter().chain([false_bob.uri, false_bob.account_id.clone()]) {
        assert_eq!(alice.accept_identity("bob", &told).await.unwrap_err().code, Code::NotVerified, "{told:?}");
        assert_eq!(share(&alice, "bob").await, Err(Code::IdentityChanged), "{told:?} changed something");
    }
    assert_eq!(writes(&world.evil.seen()).len(), written, "something was wrapped before the person decided");

    let accepted = alice.accept_identity("bob", &words).await.unwrap();
    assert_eq!(accepted.identity.account_id, bob.whoami().await.unwrap().account_id);
    assert!(accepted.identity.verified);
    assert_eq!(accepted.former_account_id, Some(false_bob.account_id));
    assert_eq!(alice.safety_words("bob").await.unwrap(), words);
    share(&alice, "bob").await.unwrap();
    bob.sync().await.unwrap();
    assert_eq!(bob.keychain("notes").await.unwrap().keys.len(), 1);

    // What was taken once is pinned like any other.
    lies::tell(&world, Lie::IdentitySwap { user: "bob".into() }, None).await.unwrap();
    assert_eq!(alice.identity("bob").await.unwrap_err().code, Code::IdentityChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_a_contradiction_of_the_pinned_account_is_taken_by_no_word() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let words = bob.safety_words("alice").await.unwrap();
    alice.identity("bob").await.unwrap();
    for lie in [Lie::IdentityFork { user: "bob".into() }, Lie::IdentityOld { user: "bob".into() }] {
        lies::tell(&world, lie, None).await.unwrap();
        for told in [&words, &bob.whoami().await.unwrap().uri] {
            assert_eq!(alice.accept_identity("bob", told).await.unwrap_err().code, Code::IdentityChanged);
        }
        lies::be_honest(&world);
        assert!(!alice.identity("bob").await.unwrap().verified);
    }
    // Shown the pinned one again, accepting it verifies it.
    let accepted = alice.accept_identity("bob", &words).await.unwrap();
    assert!(accepted.identity.verified && accepted.former_account_id.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_takes_the_mark_away_for_as_long_as_it_lasts() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    share(&alice, "bob").await.unwrap();
    alice.verify_identity("bob", &bob.whoami().await.unwrap().account_id).await.unwrap();
    let marked = async || {
        let listed = alice.participants("notes", None, true).await.unwrap();
        listed.iter().any(|one| one.user_id == "bob" && one.verified)
    };
    assert!(marked().await);
    lies::tell(&world, Lie::IdentitySwap { user: "bob".into() }, None).await.unwrap();
    alice.identity("bob").await.unwrap_err();
    assert!(!marked().await);
    lies::be_honest(&world);
    assert!(alice.identity("bob").await.unwrap().verified);
    assert!(marked().await);
}

/// Gives bob's user id free, as an operator may who was told that bob lost every device. The account and what it is a
/// member of stay.
async fn release(data: &Path) {
    let mut store = SqliteConnectOptions::new().filename(data.join("keyfold.db")).connect().await.unwrap();
    let change = sqlx::query("UPDATE accounts SET user_id = 'bob, formerly' WHERE user_id = 'bob'");
    assert_eq!(change.execute(&mut store).await.unwrap().rows_affected(), 1);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_account_stays_where_it_is_a_member_until_somebody_removes_it() {
    let server = TestServer::start().await;
    let (alice, former) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    let keychain = alice.keychain("notes").await.keychain_fingerprint;
    share(&alice.client, "bob").await.unwrap();
    former.client.sync().await.unwrap();
    let data = server.data();
    let server = server.restart_after(async || release(&data).await).await;
    let bob = Person::signed_up("bob", &server).await;
    assert_eq!(share(&alice.client, "bob").await, Ok(()), "the pinned bob has all of it, so nothing is asked or sent");
    assert_eq!(alice.client.identity("bob").await.unwrap_err().code, Code::IdentityChanged);

    let accepted = alice.client.accept_identity("bob", &bob.client.whoami().await.unwrap().uri).await.unwrap();
    let former_id = former.client.whoami().await.unwrap().account_id;
    assert_eq!(accepted.former_account_id.as_deref(), Some(&*former_id));
    assert_eq!(accepted.former_keychains, [keychain]);
    let listed = async || {
        let listed = alice.client.participants("notes", None, true).await.unwrap();
        listed.into_iter().map(|one| (one.user_id, one.verified, one.former)).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [("alice".into(), true, false), ("bob".into(), false, true)]);

    // It follows as before, and so would whoever holds its keys; the new one gets what it is given.
    alice.client.rotate("notes").await.unwrap();
    former.client.sync().await.unwrap();
    assert_eq!(former.client.keychain("notes").await.unwrap().keys.len(), 2);
    share(&alice.client, "bob").await.unwrap();
    bob.client.sync().await.unwrap();
    assert_eq!(
        listed().await,
        [("alice".into(), true, false), ("bob".into(), true, false), ("bob".into(), false, true)]
    );

    // The user id means the new one; the former has its account id.
    alice.client.ban("notes", &former_id).await.unwrap();
    assert_eq!(listed().await, [("alice".into(), true, false), ("bob".into(), true, false)]);
    former.client.sync().await.unwrap();
    assert_eq!(former.client.keychain("notes").await.unwrap_err().code.as_str(), "AuthorBanned");
    bob.client.sync().await.unwrap();
    assert_eq!(bob.client.keychain("notes").await.unwrap().keys.len(), 2);
    assert_eq!(share(&alice.client, &former_id).await, Err(Code::UnknownUser), "nothing is shared with it any more");
    let again = Client::open(&alice.home()).unwrap();
    assert!(again.identity("bob").await.unwrap().verified, "the home remembers");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_a_keychain_with_somebody_new_stops_until_he_compared_too() {
    let server = TestServer::start().await;
    let [alice, former, carol] = [
        Person::signed_up("alice", &server).await,
        Person::signed_up("bob", &server).await,
        Person::signed_up("carol", &server).await,
    ];
    alice.keychain("notes").await;
    for person in [&former, &carol] {
        share(&alice.client, &person.name).await.unwrap();
        person.client.sync().await.unwrap();
    }
    carol.client.identity("bob").await.unwrap();
    let data = server.data();
    let server = server.restart_after(async || release(&data).await).await;
    let bob = Person::signed_up("bob", &server).await;
    alice.client.accept_identity("bob", &bob.client.safety_words("alice").await.unwrap()).await.unwrap();
    share(&alice.client, "bob").await.unwrap();
    bob.client.sync().await.unwrap();

    assert_eq!(carol.client.sync().await.unwrap_err().code, Code::IdentityChanged);
    assert_eq!(carol.client.rotate("notes").await.unwrap_err().code, Code::IdentityChanged);
    let accepted = carol.client.accept_identity("bob", &bob.client.safety_words("carol").await.unwrap()).await.unwrap();
    assert_eq!(accepted.former_keychains.len(), 1);
    carol.client.sync().await.unwrap();
    let listed = carol.client.participants("notes", None, true).await.unwrap();
    let bobs: Vec<_> = listed.iter().filter(|one| one.user_id == "bob").map(|one| (one.verified, one.former)).collect();
    assert_eq!(bobs, [(true, false), (false, true)]);
}
