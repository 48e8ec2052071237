//! S10: an operator shows older, empty or foreign states, each signed with the server's own key. The client says
//! `Rollback`, writes nothing, and goes on as before once it is told the truth.

use keyfold_client::{Algorithm, Client, ShareKeys, ShareOptions, Value};
use keyfold_format::{EntryHash, ScopeId, entry::Head};
use keyfold_protocol::{
    Code,
    wire::{Appended, LedgerPage, LedgerPages, Ledgers, Scopes},
};
use keyfold_testing::evil::{Answer, Asked, EvilWorld, ServerKey, writes};

/// What an operator does with the page of one ledger.
type Lie = fn(&mut LedgerPage, &ServerKey);

/// Alice with a keychain of three keys.
async fn alice(world: &EvilWorld) -> (Client, ScopeId) {
    let alice = world.person("alice").await;
    let keychain = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice.rotate("notes").await.unwrap();
    alice.rotate("notes").await.unwrap();
    (alice, keychain.keychain_fingerprint.parse().unwrap())
}

/// The pages that the server gave for a ledger, truthfully, oldest state first.
fn rewrite(asked: &Asked, answer: &mut Answer, scope: ScopeId, lie: impl FnOnce(&mut Result<LedgerPage, Code>)) {
    if asked.path != "/v1/ledgers" || answer.status != 200 {
        return;
    }
    let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
    let mut pages = LedgerPages::decode(&answer.body).unwrap();
    if let Some(at) = wanted.iter().position(|after| after.scope == scope) {
        lie(&mut pages.pages[at]);
        answer.body = pages.encode();
    }
}

/// Whatever looks at the keychain says `Rollback` and writes nothing.
async fn refuses(world: &EvilWorld, alice: &Client, what: &str) {
    world.evil.take_seen();
    for attempt in [
        alice.keychain("notes").await.map(drop),
        alice.participants("notes", None, true).await.map(drop),
        alice.encrypt_value("notes", &Value::Text("secret".into()), None).await.map(drop),
        alice.sync().await.map(drop),
    ] {
        let error = attempt.expect_err(what);
        assert_eq!(error.code, Code::Rollback, "{what}: {error}");
        assert_eq!(error.code.class().exit(), 5);
    }
    assert_eq!(writes(&world.evil.take_seen()).len(), 0, "{what}: the client wrote after it was lied to");
    world.evil.be_honest();
    alice.rotate("notes").await.expect("told the truth, it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_write_confirmed_at_an_older_or_another_head_is_rollback() {
    let world = EvilWorld::start().await;
    let (alice, scope) = alice(&world).await;
    let lies: [fn(&mut Head); 2] = [|head| head.seq -= 1, |head| head.hash = EntryHash([7; 32])];
    for lie in lies {
        let key = world.evil.key().clone();
        world.evil.lie(move |asked, answer| {
            if asked.path.ends_with("/entries") && answer.status == 200 {
                let mut head = Appended::decode(&answer.body).unwrap().receipt.statement.head;
                lie(&mut head);
                answer.body = Appended { receipt: key.receipt(scope, head, 0) }.encode();
            }
        });
        let error = alice.rotate("notes").await.unwrap_err();
        assert_eq!(error.code, Code::Rollback, "{error}");
        world.evil.be_honest();
        // The server did it all the same: told the truth, the client takes it in and goes on.
        alice.rotate("notes").await.unwrap();
    }
    let keys = alice.keychain("notes").await.unwrap().keys.len();
    assert_eq!(keys, 3 + 4, "two rotations that were lied about, two that were not");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_keychain_served_at_an_older_head_is_rollback() {
    let world = EvilWorld::start().await;
    let (alice, scope) = alice(&world).await;
    // The operator keeps the receipt of an earlier state and serves it: signed, and true once.
    let key = world.evil.key().clone();
    let before = alice.keychain("notes").await.unwrap().keys.len();
    let earlier = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keep = earlier.clone();
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |page| {
            if let Ok(page) = page {
                keep.lock().unwrap().get_or_insert(page.receipt);
            }
        });
    });
    alice.keychain("notes").await.unwrap();
    world.evil.be_honest();
    alice.rotate("notes").await.unwrap();
    let old = earlier.lock().unwrap().take().expect("a receipt was seen");
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |page| {
            if let Ok(page) = page {
                page.entries.clear();
                page.receipt = key.receipt(scope, old.statement.head, page.receipt.statement.time);
                page.more = false;
            }
        });
        if asked.path == "/v1/scopes" && asked.method == "GET" {
            let mut scopes = Scopes::decode(&answer.body).unwrap();
            scopes.scopes.iter_mut().filter(|s| s.scope == scope).for_each(|s| s.head = old.statement.head);
            answer.body = scopes.encode();
        }
    });
    refuses(&world, &alice, "an older head").await;
    assert_eq!(alice.keychain("notes").await.unwrap().keys.len(), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_keychain_that_vanished_is_rollback() {
    let world = EvilWorld::start().await;
    let (alice, scope) = alice(&world).await;
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |page| *page = Err(Code::UnknownKeychain));
        if asked.path == "/v1/scopes" && asked.method == "GET" {
            answer.body = Scopes { scopes: vec![] }.encode();
        }
    });
    refuses(&world, &alice, "no keychain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_another_ledger_in_its_place_is_rollback() {
    let world = EvilWorld::start().await;
    let (alice, scope) = alice(&world).await;
    let lies: [(&str, Lie); 3] = [
        ("a receipt of another scope", |page, key| {
            let said = page.receipt.statement;
            page.receipt = key.receipt(ScopeId([7; 32]), said.head, said.time);
        }),
        ("another head under the same number", |page, key| {
            let mut head = page.receipt.statement.head;
            head.hash = keyfold_format::EntryHash([7; 32]);
            page.receipt = key.receipt(page.receipt.statement.scope, head, page.receipt.statement.time);
        }),
        ("a newer head without its entries", |page, key| {
            let mut head = page.receipt.statement.head;
            head.seq += 1;
            page.entries.clear();
            page.receipt = key.receipt(page.receipt.statement.scope, head, page.receipt.statement.time);
        }),
    ];
    for (what, lie) in lies {
        let key = world.evil.key().clone();
        world.evil.lie(move |asked, answer| {
            rewrite(asked, answer, scope, |page| {
                if let Ok(page) = page {
                    lie(page, &key);
                }
            });
            if asked.path == "/v1/scopes" && asked.method == "GET" {
                // So that `sync` looks.
                let mut scopes = Scopes::decode(&answer.body).unwrap();
                scopes.scopes.iter_mut().filter(|s| s.scope == scope).for_each(|s| s.head.seq += 1);
                answer.body = scopes.encode();
            }
        });
        refuses(&world, &alice, what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_new_key_that_is_due_is_not_made_on_what_is_rolled_back() {
    let world = EvilWorld::start().await;
    let (alice, scope) = alice(&world).await;
    let bob = world.person("bob").await;
    alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    bob.leave("notes").await.unwrap();
    // She knows that a key is due; it is made when she writes, or syncs.
    assert!(alice.keychain("notes").await.unwrap().needs_rotation);
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        rewrite(asked, answer, scope, |page| {
            if let Ok(page) = page {
                let before = Head { seq: 1, hash: EntryHash([7; 32]) };
                page.entries.clear();
                page.receipt = key.receipt(scope, before, page.receipt.statement.time);
            }
        });
        if asked.path == "/v1/scopes" && asked.method == "GET" {
            let mut scopes = Scopes::decode(&answer.body).unwrap();
            scopes.scopes.iter_mut().filter(|s| s.scope == scope).for_each(|s| s.head.seq = 1);
            answer.body = scopes.encode();
        }
    });
    refuses(&world, &alice, "a key is due").await;
    assert!(!alice.keychain("notes").await.unwrap().needs_rotation);
}
