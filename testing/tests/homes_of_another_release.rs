//! A home whose ledgers another release wrote: they are read anew from the server, and what was seen stays seen.

use keyfold_client::{Algorithm, Client, Code, ShareKeys, ShareOptions, Value};
use keyfold_core::{DeviceSeed, device::DeviceKeys};
use keyfold_format::ScopeId;
use keyfold_protocol::wire::{LedgerPages, Ledgers, Scopes};
use keyfold_testing::evil::EvilWorld;
use rand_core::UnwrapErr;
use redb::{Builder, ConcurrencyMode, ReadableTable, TableDefinition};
use std::path::Path;

const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");

/// Gives every ledger in a home the version of the release before.
fn set_back(home: &Path) {
    let seed = std::fs::read(home.join("device.key")).unwrap();
    let key = DeviceKeys::derive(&DeviceSeed::from_slice(&seed).unwrap()).unwrap().storage;
    let db = Builder::new().set_concurrency_mode(ConcurrencyMode::MultiWriter).create(home.join("home.redb")).unwrap();
    let write = db.begin_write().unwrap();
    {
        let mut table = write.open_table(RECORDS).unwrap();
        let sealed: Vec<(String, Vec<u8>)> = table
            .range("scope/".."scope0")
            .unwrap()
            .map(|record| record.unwrap())
            .map(|(name, value)| (name.value().to_owned(), value.value().to_vec()))
            .collect();
        assert!(!sealed.is_empty());
        for (name, sealed) in sealed {
            let mut record = key.open(name.as_bytes(), &sealed).unwrap();
            // `[snapshot, …]`: the first array's head, the byte string's with its length, the snapshot's array.
            let version = match record[1] {
                0x58 => 4,
                0x59 => 5,
                other => panic!("a snapshot of {other:#x}"),
            };
            assert!((2..0x18).contains(&record[version]), "the version of snapshots");
            record[version] -= 1;
            let mut rng = UnwrapErr(getrandom::SysRng);
            table.insert(name.as_str(), key.seal(name.as_bytes(), &record, &mut rng).unwrap().as_slice()).unwrap();
        }
    }
    write.commit().unwrap();
}

/// Alice with a keychain of two keys, which bob is in, and what is sealed under the first.
async fn people(world: &EvilWorld) -> (Client, ScopeId, String) {
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let keychain = alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let text = alice.encrypt_value("notes", &Value::Text("hello".into()), None).await.unwrap();
    alice.rotate("notes").await.unwrap();
    alice.share("notes", &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    bob.sync().await.unwrap();
    alice.sync().await.unwrap();
    drop(alice);
    set_back(&world.home("alice"));
    let again = Client::open(&world.home("alice")).unwrap();
    (again, keychain.keychain_fingerprint.parse().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_are_replayed_from_the_server_and_everything_works_again() {
    for first in 0..4 {
        let world = EvilWorld::start().await;
        let (alice, scope, text) = people(&world).await;
        // Whatever is done first.
        match first {
            0 => drop(alice.sync().await.unwrap()),
            1 => drop(alice.ban(&scope.to_string(), "bob").await.unwrap()),
            2 => drop(alice.rotate("notes").await.unwrap()),
            _ => drop(alice.decrypt_value(&text, None).await.unwrap()),
        }
        assert_eq!(alice.decrypt_value(&text, None).await.unwrap().value, Value::Text("hello".into()));
        assert_eq!(alice.keychains().await.unwrap().len(), 1);
        alice.encrypt_value("notes", &Value::Text("new".into()), None).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_less_than_was_seen_before_is_rollback_all_the_same() {
    let world = EvilWorld::start().await;
    let (alice, scope, _) = people(&world).await;
    let key = world.evil.key().clone();
    world.evil.lie(move |asked, answer| {
        if asked.path != "/v1/ledgers" || answer.status != 200 {
            return;
        }
        let mut pages = LedgerPages::decode(&answer.body).unwrap();
        for (after, page) in Ledgers::decode(&asked.body).unwrap().wanted.iter().zip(&mut pages.pages) {
            if let (true, Ok(page)) = (after.scope == scope, page) {
                page.entries.truncate(1);
                let head = keyfold_format::entry::Head { seq: 0, hash: keyfold_format::EntryHash(scope.0) };
                page.receipt = key.receipt(scope, head, page.receipt.statement.time);
            }
        }
        answer.body = pages.encode();
    });
    assert_eq!(alice.sync().await.unwrap_err().code, Code::Rollback);
    assert_eq!(alice.rotate(&scope.to_string()).await.unwrap_err().code, Code::Rollback);
    // Nor is it enough to show nothing of it.
    world.evil.lie(move |asked, answer| {
        if asked.path == "/v1/scopes" && answer.status == 200 {
            answer.body = Scopes { scopes: Vec::new() }.encode();
        } else if asked.path == "/v1/ledgers" && answer.status == 200 {
            let mut pages = LedgerPages::decode(&answer.body).unwrap();
            for (after, page) in Ledgers::decode(&asked.body).unwrap().wanted.iter().zip(&mut pages.pages) {
                if after.scope == scope {
                    *page = Err(Code::UnknownKeychain);
                }
            }
            answer.body = pages.encode();
        }
    });
    assert_eq!(alice.sync().await.unwrap_err().code, Code::Rollback);
    world.evil.be_honest();
    alice.sync().await.unwrap();
    alice.rotate("notes").await.unwrap();
}
