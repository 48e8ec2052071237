//! S3 and S2, for what exists: entries by strangers, and wraps of other keys. Nobody is listed, no key is taken.

use keyfold_client::{Algorithm, ShareKeys, ShareOptions, Value};
use keyfold_format::{ScopeId, entry::Head};
use keyfold_protocol::wire::{LedgerPages, Ledgers, Placed};
use keyfold_testing::evil::{EvilWorld, writes};

#[tokio::test(flavor = "multi_thread")]
async fn s3_an_entry_by_a_stranger_in_a_signed_page_is_not_believed() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let notes = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    // Bob makes a keychain of his own; its first entries are well signed, and served as alice's next ones.
    bob.create_keychain("mine", Algorithm::SecretBox).await.unwrap();
    bob.rotate("mine").await.unwrap();
    let seen = world.evil.take_seen();
    let append = seen.iter().rev().find(|asked| asked.path.ends_with("/entries")).unwrap();
    let stranger = keyfold_protocol::wire::Append::decode(&append.body).unwrap().entry;

    let scope: ScopeId = notes.keychain_fingerprint.parse().unwrap();
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        if asked.path != "/v1/ledgers" {
            return;
        }
        let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
        let mut pages = LedgerPages::decode(&answer.body).unwrap();
        for (after, page) in wanted.iter().zip(&mut pages.pages) {
            if let (true, Ok(page)) = (after.scope == scope, page) {
                let last = page.receipt.statement.head;
                let head = Head { seq: last.seq + 1, hash: stranger.hash(last.hash, last.seq + 1) };
                page.entries.push(stranger.clone());
                page.receipt = key.receipt(scope, head, page.receipt.statement.time);
            }
        }
        answer.body = pages.encode();
    });
    let error = alice.participants("notes", None, true).await.unwrap_err();
    assert_eq!(error.code.class().exit(), 5, "{error}");
    assert_eq!(alice.rotate("notes").await.unwrap_err().code.class().exit(), 5);
    assert_eq!(writes(&world.evil.take_seen()).len(), 0);
    world.evil.be_honest();
    let people = alice.participants("notes", None, true).await.unwrap();
    assert_eq!(people.iter().map(|p| p.user_id.as_str()).collect::<Vec<_>>(), ["alice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_wraps_that_open_to_another_key_are_ignored_and_the_true_one_is_found_later() {
    let world = EvilWorld::start().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let text = alice.encrypt_value("notes", &Value::Text("hello".into()), None).await.unwrap();
    alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    // The server hands bob a wrap whose bytes it altered.
    world.evil.lie(|asked, answer| {
        if asked.path.ends_with("/placed") && answer.status == 200 {
            let mut placed = Placed::decode(&answer.body).unwrap();
            placed.wraps.clear();
            answer.body = placed.encode();
        } else if asked.path.ends_with("/wraps") && answer.status == 200 {
            answer.body = keyfold_protocol::wire::OwnWraps { wraps: vec![] }.encode();
        }
    });
    bob.sync().await.ok();
    assert!(bob.decrypt_value(&text, None).await.is_err());
    world.evil.be_honest();
    bob.sync().await.unwrap();
    assert_eq!(bob.decrypt_value(&text, None).await.unwrap().value, Value::Text("hello".into()));
}
