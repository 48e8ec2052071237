//! S2: a member who may rotate makes a key whose wraps are garbage for everybody else. He keeps nobody from going on
//! without him.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use keyfold_client::{Algorithm, Client, Code, PermissionFlags, ShareKeys, ShareOptions, Value};
use keyfold_format::wrap::{Wrap, WrapKind};
use keyfold_protocol::wire::{OwnWraps, Placed};
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
