//! What a sharer sends: one request, however many people and keys, once he has met them. A rotation looks at the
//! ledger first, and reaches everybody with one request more.

use keyfold_client::{Algorithm, ShareKeys, ShareOptions};
use keyfold_testing::evil::EvilWorld;

/// The paths of what was asked since the last look, without the keychain's fingerprint.
fn asked(world: &EvilWorld) -> Vec<String> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    world.evil.take_seen().iter().map(|asked| format!("{} {}", asked.method, last(&asked.path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_and_rotating_are_one_request_each() {
    let world = EvilWorld::start().await;
    let alice = world.person("alice").await;
    let people: Vec<String> = (0..12).map(|n| format!("member{n}")).collect();
    for name in &people {
        world.person(name).await;
    }
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    alice.identities(&people).await.unwrap();
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    asked(&world);

    for _ in 1..20 {
        alice.rotate("notes").await.unwrap();
        asked(&world);
    }
    alice.share("notes", &people[..6], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    assert_eq!(asked(&world), ["POST entries"], "the latest key for six");
    alice.share("notes", &people[6..], ShareKeys::All, ShareOptions::default()).await.unwrap();
    assert_eq!(asked(&world), ["POST entries"], "twenty keys for six");
    alice.rotate("notes").await.unwrap();
    assert_eq!(
        asked(&world),
        ["POST ledgers", "POST entries"],
        "a look at the ledger, and a rotation that reaches twelve"
    );
}
