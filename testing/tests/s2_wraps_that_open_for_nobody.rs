//! S2: wraps that are garbage. A member who may rotate makes a key that nobody else can open, or a wrap is spoilt on its
//! way: he keeps nobody from going on without him, and whoever holds the key wraps it anew.

use keyfold_client::{Algorithm, Client, Code, PermissionFlags, ShareKeys, ShareOptions, Value};
use keyfold_format::{
    ScopeId,
    wrap::{Wrap, WrapKind},
};
use keyfold_protocol::wire::{MissingWrap, MissingWraps, OwnWraps, Placed, Scopes};
use keyfold_testing::evil::EvilWorld;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The wraps as they would be if whoever made key 2 had uploaded garbage.
fn with_garbage(wraps: &[Wrap]) -> Vec<Wrap> {
    let garbage = |wrap: &Wrap| {
        let place = wrap.place(WrapKind::Keychain, wrap.recipient);
        Wrap::new(&place, vec![7; wrap.sealed().len()]).unwrap()
    };
    wraps.iter().map(|wrap| if wrap.number == 2 { garbage(wrap) } else { wrap.clone() }).collect()
}

/// Alice's `notes`, and bob, who makes key 2 so that nobody else can open it. What alice sealed under key 1.
async fn attacked(world: &EvilWorld) -> (Client, Client, String) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let old = alice.encrypt_value("notes", &text("old"), None).await.unwrap();
    let permissions = PermissionFlags { allow_rotation: true, ..PermissionFlags::default() };
    let options = ShareOptions { permissions, ..ShareOptions::default() };
    alice.share("notes", &["bob"], ShareKeys::All, options).await.unwrap();
    bob.sync().await.unwrap();
    world.evil.lie(|asked, answer| {
        if asked.path.ends_with("/wraps") && answer.status == 200 {
            let own = OwnWraps::decode(&answer.body).unwrap();
            answer.body = OwnWraps { wraps: with_garbage(&own.wraps) }.encode();
        } else if asked.path.ends_with("/placed") && answer.status == 200 {
            let placed = Placed::decode(&answer.body).unwrap();
            answer.body = Placed { wraps: with_garbage(&placed.wraps), ..placed }.encode();
        }
    });
    bob.rotate("notes").await.unwrap();
    alice.sync().await.unwrap();
    let refused = alice.encrypt_value("notes", &text("new"), None).await.unwrap_err();
    assert_eq!(refused.code, Code::WrapMissing, "the attack works so far");
    (alice, bob, old)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_made_a_key_that_nobody_can_open_is_banned_and_everybody_goes_on() {
    let world = EvilWorld::start().await;
    let (alice, bob, old) = attacked(&world).await;
    let theirs = bob.encrypt_value("notes", &text("theirs"), None).await.unwrap();
    alice.ban("notes", "bob").await.unwrap();
    let new = alice.encrypt_value("notes", &text("new"), None).await.unwrap();
    alice.rotate("notes").await.unwrap();
    let newest = alice.encrypt_value("notes", &text("newest"), None).await.unwrap();
    for (sealed, plain) in [(&old, "old"), (&new, "new"), (&newest, "newest")] {
        assert_eq!(alice.decrypt_value(sealed, None).await.unwrap().value, text(plain));
    }
    assert!(alice.decrypt_value(&theirs, None).await.is_err());
    assert!(bob.decrypt_value(&new, None).await.is_err());

    // The complete keychain is what alice can open of it: around the hole.
    let carol = world.person("carol").await;
    alice.share("notes", &["carol"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    carol.sync().await.unwrap();
    for (sealed, plain) in [(&old, "old"), (&new, "new"), (&newest, "newest")] {
        assert_eq!(carol.decrypt_value(sealed, None).await.unwrap().value, text(plain));
    }
    assert!(carol.decrypt_value(&theirs, None).await.is_err());
    // She follows, and so do the keys after hers.
    alice.rotate("notes").await.unwrap();
    let last = alice.encrypt_value("notes", &text("last"), None).await.unwrap();
    carol.sync().await.unwrap();
    assert_eq!(carol.decrypt_value(&last, None).await.unwrap().value, text("last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_late_is_asked_for_before_it_is_given_up_for_lost() {
    let world = EvilWorld::start().await;
    let (alice, bob, _) = attacked(&world).await;
    let theirs = bob.encrypt_value("notes", &text("theirs"), None).await.unwrap();
    world.evil.be_honest();
    alice.ban("notes", "bob").await.unwrap();
    assert_eq!(alice.decrypt_value(&theirs, None).await.unwrap().value, text("theirs"));
    let carol = world.person("carol").await;
    alice.share("notes", &["carol"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    carol.sync().await.unwrap();
    assert_eq!(carol.decrypt_value(&theirs, None).await.unwrap().value, text("theirs"), "history is whole");
}

/// Whatever was wrapped for whoever answers next is garbage, now and later; what is wrapped anew is not touched.
fn spoil_the_next_share(world: &EvilWorld) {
    let mut spoilt: Vec<Vec<u8>> = Vec::new();
    let garbled = move |wraps: Vec<Wrap>, spoilt: &[Vec<u8>]| -> Vec<Wrap> {
        let garbage = |wrap: Wrap| match spoilt.iter().any(|sealed| sealed == wrap.sealed()) {
            true => Wrap::new(&wrap.place(WrapKind::Keychain, wrap.recipient), vec![7; wrap.sealed().len()]).unwrap(),
            false => wrap,
        };
        wraps.into_iter().map(garbage).collect()
    };
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with("/placed") && answer.status == 200 {
            let placed = Placed::decode(&answer.body).unwrap();
            spoilt.extend(placed.wraps.iter().map(|wrap| wrap.sealed().to_vec()));
            answer.body = Placed { wraps: garbled(placed.wraps.clone(), &spoilt), ..placed }.encode();
        } else if asked.path.ends_with("/wraps") && asked.method == "GET" && answer.status == 200 {
            let own = OwnWraps::decode(&answer.body).unwrap();
            answer.body = OwnWraps { wraps: garbled(own.wraps, &spoilt) }.encode();
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_who_got_garbage_says_so_and_another_holder_wraps_the_key_anew() {
    let world = EvilWorld::start().await;
    let (alice, bob, carol) = (world.person("alice").await, world.person("bob").await, world.person("carol").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let old = alice.encrypt_value("notes", &text("old"), None).await.unwrap();
    alice.rotate("notes").await.unwrap();
    let new = alice.encrypt_value("notes", &text("new"), None).await.unwrap();
    alice.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();

    spoil_the_next_share(&world);
    alice.share("notes", &["carol"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    carol.sync().await.unwrap();
    assert_eq!(carol.decrypt_value(&new, None).await.unwrap_err().code, Code::WrapMissing, "the attack works so far");

    // Bob never wrapped anything for her; his client holds the keys, and hears that she lacks them.
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();
    for (sealed, plain) in [(&old, "old"), (&new, "new")] {
        assert_eq!(carol.decrypt_value(sealed, None).await.unwrap().value, text(plain));
    }
    // Nothing is missing any more, so nobody is asked again.
    world.evil.take_seen();
    alice.sync().await.unwrap();
    bob.sync().await.unwrap();
    carol.sync().await.unwrap();
    let seen = world.evil.take_seen();
    assert!(!seen.iter().any(|asked| asked.path.contains("/missing") || asked.path.ends_with("/wraps")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_whoever_is_out_is_wrapped_nothing_whatever_the_server_says_is_missing() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let keychain = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    alice.ban("notes", "bob").await.unwrap();
    let recipient = bob.whoami().await.unwrap().account_id.parse().unwrap();
    let scope: ScopeId = keychain.keychain_fingerprint.parse().unwrap();
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/scopes" && asked.method == "GET" {
            let mut listed = Scopes::decode(&answer.body).unwrap();
            listed
                .scopes
                .iter_mut()
                .filter(|summary| summary.scope == scope)
                .for_each(|summary| summary.missing = true);
            answer.body = listed.encode();
        } else if asked.path.ends_with("/missing") && asked.method == "GET" {
            let missing = [1, 2, 3].map(|number| MissingWrap { recipient, number }).to_vec();
            answer.body = MissingWraps { missing }.encode();
            answer.status = 200;
        }
    });
    world.evil.take_seen();
    alice.sync().await.unwrap();
    let seen = world.evil.take_seen();
    assert!(seen.iter().any(|asked| asked.path.ends_with("/missing")), "she was asked");
    assert!(!seen.iter().any(|asked| asked.method == "POST" && asked.path.ends_with("/wraps")), "nothing was wrapped");
}
