//! S6: the server hands out, in the place of each wrap, those of other key numbers, other recipients, other scopes and
//! other authors. No key is taken from them, and the true ones are found later.

use keyfold_client::{Algorithm, Client, Code, ShareKeys, ShareOptions, Value};
use keyfold_testing::{
    evil::EvilWorld,
    lies::{self, Lie, Other},
};

const OTHERS: [Other; 4] = [Other::Number, Other::Recipient, Other::Scope, Other::Author];

async fn swap(world: &EvilWorld, other: Other) {
    lies::tell(world, Lie::SwappedWraps { other }, None).await.unwrap();
}

async fn sealed(client: &Client, kc: &str, text: &str) -> String {
    client.encrypt_value(kc, &Value::Text(text.to_owned()), None).await.unwrap()
}

async fn opened(client: &Client, sealed: &str) -> Result<Value, Code> {
    client.decrypt_value(sealed, None).await.map(|opened| opened.value).map_err(|error| error.code)
}

/// A text under each of two keys of a keychain that alice shares with bob and carol, with history or without.
async fn two_keys(alice: &Client, purpose: &str, keys: ShareKeys) -> [String; 2] {
    alice.create_keychain(purpose, Algorithm::SecretBox).await.unwrap();
    let first = sealed(alice, purpose, "first").await;
    alice.share(purpose, &["bob", "carol"], keys, ShareOptions::default()).await.unwrap();
    alice.rotate(purpose).await.unwrap();
    [first, sealed(alice, purpose, "second").await]
}

#[tokio::test(flavor = "multi_thread")]
async fn s6_a_wrap_in_the_place_of_another_is_no_key_and_the_true_one_is_found_later() {
    for other in OTHERS {
        let world = EvilWorld::start().await;
        let alice = world.person("alice").await;
        let people = [world.person("bob").await, world.person("carol").await];
        let mut texts = Vec::new();
        // Two of each length that wraps have: so each position has others that fit it.
        for (purpose, keys) in [
            ("notes", ShareKeys::Latest),
            ("letters", ShareKeys::Latest),
            ("plans", ShareKeys::All),
            ("archive", ShareKeys::All),
        ] {
            texts.push(two_keys(&alice, purpose, keys).await);
        }
        swap(&world, other).await;
        for person in &people {
            person.sync().await.ok();
            for text in texts.as_flattened() {
                assert_eq!(opened(person, text).await, Err(Code::WrapMissing), "{other:?}");
            }
        }
        world.evil.be_honest();
        for person in &people {
            person.sync().await.unwrap();
            for [first, second] in &texts {
                assert_eq!(opened(person, first).await, Ok(Value::Text("first".into())), "{other:?}");
                assert_eq!(opened(person, second).await, Ok(Value::Text("second".into())), "{other:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s6_a_group_s_wrap_is_no_keychain_s_and_the_other_way_round() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_group("team", 100).await.unwrap();
    alice.share("group:team", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let text = sealed(&alice, "notes", "to the team").await;
    alice.share("notes", &["group:team", "bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    swap(&world, Other::Scope).await;
    bob.sync().await.ok();
    assert_eq!(opened(&bob, &text).await, Err(Code::WrapMissing));
    world.evil.be_honest();
    bob.sync().await.unwrap();
    assert_eq!(opened(&bob, &text).await, Ok(Value::Text("to the team".into())));
}
