//! S1: an operator hands out another identity for bob. Nothing is wrapped to it, and no byte of a key leaves.

use keyfold_client::{Algorithm, ShareKeys, ShareOptions};
use keyfold_protocol::{
    Code,
    wire::{AccountLedger, Accounts, LedgerPage, LedgerPages, Ledgers, SignUp},
};
use keyfold_testing::evil::{EvilServer, EvilWorld, writes};

/// A second, self-consistent account with bob's user id, as an operator can make one: its first entry.
async fn another_bob() -> keyfold_format::entry::SignedEntry {
    let elsewhere = EvilWorld::start().await;
    elsewhere.person("bob").await;
    let seen = elsewhere.evil.take_seen();
    let signup = seen.iter().find(|asked| asked.path == "/v1/accounts" && asked.method == "POST").unwrap();
    SignUp::decode(&signup.body).unwrap().genesis
}

/// Every answer that holds an account ledger of the true bob now holds that of the other.
fn swap(evil: &EvilServer, bob: keyfold_format::ScopeId, other: keyfold_format::entry::SignedEntry) {
    let key = evil.key().clone();
    let head = keyfold_format::entry::Head { seq: 0, hash: other.hash(keyfold_format::EntryHash::NONE, 0) };
    evil.lie(move |asked, answer| {
        let entries = vec![other.clone()];
        if asked.path == "/v1/accounts/lookup" && answer.status == 200 {
            let receipt = key.receipt(other.scope_id(), head, 0);
            answer.body = Accounts { accounts: vec![Some(AccountLedger { entries, receipt })] }.encode();
        } else if asked.path == "/v1/ledgers" && answer.status == 200 {
            let wanted = Ledgers::decode(&asked.body).unwrap().wanted;
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (_, page) in wanted.iter().zip(&mut pages.pages).filter(|(after, _)| after.scope == bob) {
                *page = Ok(LedgerPage {
                    entries: entries.clone(),
                    receipt: key.receipt(bob, head, 0),
                    more: false,
                    unseen: Vec::new(),
                });
            }
            answer.body = pages.encode();
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_another_identity_after_the_first_use_is_identity_changed_and_nothing_is_wrapped() {
    let world = EvilWorld::start().await;
    let (alice, _bob) = (world.person("alice").await, world.person("bob").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let bob = alice.identity("bob").await.unwrap();
    swap(&world.evil, bob.account_id.parse().unwrap(), another_bob().await);
    world.evil.take_seen();

    let error = alice.identity("bob").await.unwrap_err();
    assert_eq!(error.code, Code::IdentityChanged, "{error}");
    let shared = alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await;
    let error = shared.unwrap_err();
    assert_eq!(error.code, Code::IdentityChanged, "{error}");
    assert_eq!(error.code.class().exit(), 5);
    assert_eq!(writes(&world.evil.take_seen()).len(), 0, "something was wrapped to a stranger");

    world.evil.be_honest();
    alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.expect("the pinned bob is bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_somebody_elses_identity_under_bobs_name_is_refused_at_first_use() {
    let world = EvilWorld::start().await;
    let (alice, _, _) = (world.person("alice").await, world.person("bob").await, world.person("carol").await);
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let carol: keyfold_format::ScopeId = alice.identity("carol").await.unwrap().account_id.parse().unwrap();
    // The ledger of carol, truthful and signed, in answer to a question about bob.
    let elsewhere = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keep = elsewhere.clone();
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/accounts/lookup" && answer.status == 200 {
            let accounts = Accounts::decode(&answer.body).unwrap();
            keep.lock().unwrap().get_or_insert(accounts);
        }
    });
    alice.identity("carol").await.unwrap();
    let carols = elsewhere.lock().unwrap().take().expect("carol was looked up");
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/accounts/lookup" && answer.status == 200 {
            answer.body = carols.encode();
        }
    });
    world.evil.take_seen();
    let error =
        alice.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.expect_err("carol is not bob");
    assert_eq!(error.code.class().exit(), 5, "{error}");
    assert_eq!(writes(&world.evil.take_seen()).len(), 0, "something was wrapped to {carol}");
}
