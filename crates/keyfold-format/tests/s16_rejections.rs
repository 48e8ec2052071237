//! S16: for every rule an entry that breaks it and nothing else, as vectors that any implementation can run.
//!
//! `cargo test -p keyfold-format --test s16_rejections -- --ignored` writes `vectors/ledger/` anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod household;
mod people;
mod rejections;

use keyfold_format::{Rejected, ScopeId, account, entry::SignedEntry, scope::Ledger};
use rejections::{Case, cases};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/ledger"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

#[test]
#[ignore = "writes the vectors"]
fn regenerate() {
    let _ = fs::remove_dir_all(folder());
    fs::create_dir_all(folder()).unwrap();
    let people = ["alice", "bob", "carol"].map(people::Person::new);
    let accounts: Value = people.iter().map(|p| (p.name.to_string(), json!([hex(&p.genesis.encode())]))).collect();
    fs::write(folder().join("accounts.json"), serde_json::to_string_pretty(&accounts).unwrap() + "\n").unwrap();
    for case in cases() {
        let mut vector = json!({
            "about": case.about,
            "ledger": if case.account { "account" } else { "keychain" },
            "entries": all_hex(&case.entries),
            "last": hex(&case.last),
            "expect": case.expect,
        });
        if !case.accounts.is_empty() {
            vector["accounts"] = accounts_of(&case);
        }
        let name = format!("{}.json", case.name);
        fs::write(folder().join(name), serde_json::to_string_pretty(&vector).unwrap() + "\n").unwrap();
    }
}

fn all_hex(entries: &[Vec<u8>]) -> Vec<String> {
    entries.iter().map(|entry| hex(entry)).collect()
}

fn accounts_of(case: &Case) -> Value {
    case.accounts.iter().map(|(who, entries)| (who.to_string(), json!(all_hex(entries)))).collect()
}

fn entries_of(ledger: &Value) -> Vec<SignedEntry> {
    ledger.as_array().unwrap().iter().map(|e| SignedEntry::decode(&unhex(e)).unwrap()).collect()
}

/// The ledgers of people, by what a vector or `accounts.json` has of them.
fn accounts_from(ledgers: &Value) -> impl Iterator<Item = (ScopeId, account::Ledger)> {
    let ledgers = ledgers.as_object().into_iter().flat_map(|people| people.values());
    ledgers.map(|entries| account::Ledger::replay(&entries_of(entries)).unwrap()).map(|ledger| (ledger.id(), ledger))
}

fn verdict(vector: &Value, accounts: &BTreeMap<ScopeId, account::Ledger>) -> String {
    let entries = entries_of(&vector["entries"]);
    let accounts: &BTreeMap<_, _> = &accounts.clone().into_iter().chain(accounts_from(&vector["accounts"])).collect();
    let last = match SignedEntry::decode(&unhex(&vector["last"])) {
        Ok(entry) => entry,
        Err(fault) => return fault.code().into(),
    };
    let outcome = if vector["ledger"] == "account" {
        match account::Ledger::replay(&entries) {
            Ok(mut ledger) => {
                let before = ledger.clone();
                let outcome = ledger.append(&last).map(drop);
                assert!(outcome.is_ok() || ledger == before, "a rejected entry changed the state");
                outcome
            }
            Err(_) if entries.is_empty() => account::Ledger::genesis(&last).map(drop),
            Err(e) => panic!("the entries before must hold: {e}"),
        }
    } else if entries.is_empty() {
        Ledger::genesis(&last, accounts).map(drop)
    } else {
        let mut ledger = Ledger::replay(&entries, accounts).expect("the entries before must hold");
        let before = ledger.clone();
        let outcome = ledger.append(&last, accounts).map(drop);
        assert!(outcome.is_ok() || ledger == before, "a rejected entry changed the state");
        outcome
    };
    outcome.map_or_else(|e| e.code().into(), |()| "ok".into())
}

#[test]
fn every_vector_is_rejected_by_the_rule_in_its_name() {
    let accounts_file: Value = serde_json::from_slice(&fs::read(folder().join("accounts.json")).unwrap()).unwrap();
    let accounts: BTreeMap<ScopeId, account::Ledger> = accounts_from(&accounts_file).collect();
    assert_eq!(accounts.len(), 3);
    let mut seen = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        if path.ends_with("accounts.json") {
            continue;
        }
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(verdict(&vector, &accounts), vector["expect"].as_str().unwrap(), "{}", path.display());
        seen += 1;
    }
    println!("{seen} ledger vectors");
    assert!(seen >= 180, "only {seen} vectors");
}

#[test]
fn the_vectors_are_those_that_the_cases_make() {
    for case in cases() {
        let path = folder().join(format!("{}.json", case.name));
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap_or_default()).unwrap_or_default();
        assert_eq!(vector["last"], hex(&case.last), "{}: vectors are stale, regenerate them", case.name);
        assert_eq!(vector["expect"], case.expect, "{}", case.name);
        assert_eq!(vector["ledger"], if case.account { "account" } else { "keychain" }, "{}", case.name);
        assert_eq!(vector["entries"], json!(all_hex(&case.entries)), "{}", case.name);
        let accounts = if case.accounts.is_empty() { Value::Null } else { accounts_of(&case) };
        assert_eq!(vector["accounts"], accounts, "{}", case.name);
    }
}

/// A rule that no vector breaks would be a rule that nobody would miss.
#[test]
fn every_rule_has_a_vector() {
    // The largest scopes and accounts do not fit a vector (`limits.rs`); and what only groups can break, `s16_groups` does.
    let unreachable = BTreeSet::from(["TooManyMembers", "TooManyKeys", "TooManyWraps", "TooManyHolders"]);
    let groups = ["ObserveUnreached", "RankTooHigh", "BanOfOwnGroup", "OwnerIsGroup", "GroupUnclean"];
    let unreachable: BTreeSet<&str> = unreachable.into_iter().chain(groups).collect();
    let broken: BTreeSet<String> = cases().into_iter().map(|c: Case| c.expect.to_string()).collect();
    let missing: Vec<_> = Rejected::RULES
        .iter()
        .map(|rule| rule.code())
        .filter(|code| !broken.contains(*code) && !unreachable.contains(code))
        .collect();
    assert!(missing.is_empty(), "no vector breaks {missing:?}");
}

/// Too large for a vector each.
#[test]
fn an_entry_over_its_limits_is_refused_before_it_is_looked_at() {
    use keyfold_format::{Malformed, Signature, limits};
    let entry = |bytes: usize, signatures: usize| {
        SignedEntry { signed: vec![0; bytes], signatures: vec![Signature([0; 64]); signatures] }.encode()
    };
    assert!(SignedEntry::decode(&entry(limits::ENTRY_BYTES - 16, 0)).is_ok());
    assert_eq!(SignedEntry::decode(&entry(limits::ENTRY_BYTES, 1)), Err(Malformed::TooLarge));
    assert!(SignedEntry::decode(&entry(1, limits::ENTRY_SIGNATURES)).is_ok());
    assert_eq!(SignedEntry::decode(&entry(1, limits::ENTRY_SIGNATURES + 1)), Err(Malformed::TooMany));
}

#[test]
fn an_entry_that_needs_too_many_wraps_is_refused() {
    use keyfold_format::{
        Permissions,
        entry::Cite,
        scope::{KeySet, Op, Principal, Share},
    };
    let mut world = people::World::new();
    for number in 2..=200 {
        let rotation = world.alice.sign(&world.alice.entry(&world.ledger, vec![people::rotate(number, true)], &[]));
        world.append(rotation).unwrap();
    }
    // Without history each of the 200 keys needs a wrap of its own: 164 people make 32,800.
    let share = |people: u32| {
        let mut principals: Vec<Principal> =
            (0..people).map(|n| Principal::Account(ScopeId(people::bytes_of(&n.to_string())))).collect();
        principals.sort();
        let latest = people::share_latest(&world.ledger, &[], Permissions::NONE);
        let share = Share { principals, keys: KeySet::range(1, 200), ..latest };
        let mut entry = world.alice.entry(&world.ledger, vec![Op::Share(share.clone())], &[]);
        let made_up = |p: &Principal| Cite { principal: p.id(), ..world.alice.cite() };
        entry.cites.extend(share.principals.iter().map(made_up));
        entry.cites.sort_by_key(|cite| cite.principal);
        world.ledger.clone().append(&world.alice.sign(&entry), &world.accounts).map(drop)
    };
    assert_eq!(share(163), Ok(()));
    assert_eq!(share(164), Err(Rejected::TooManyWraps));
}

#[test]
fn an_account_has_256_holders_and_one_who_comes_back_makes_room() {
    use household::{Account, Do, Secret};
    let mut account = Account::new("alice");
    let (first, password) = (account.first.clone(), account.recovery("password"));
    account = account.after(&first, &[Do::AddRecovery(&password)]);
    // A thief has taken the first device, and fills the account.
    let devices: Vec<Secret> = (0..255).map(|n| account.device(&format!("device {n}"))).collect();
    for some in devices[..254].chunks(15) {
        account = account.after(&first, &some.iter().map(Do::AddDevice).collect::<Vec<_>>());
    }
    assert_eq!(account.ledger.holders().len(), keyfold_format::limits::ACCOUNT_HOLDERS);
    let one_more = &devices[254];
    let full = |author: &Secret| account.clone().append(account.does(author, &[Do::AddDevice(one_more)]));
    assert_eq!(full(&first), Err(Rejected::TooManyHolders));
    assert_eq!(full(&password), Err(Rejected::TooManyHolders));
    let out = account.after(&password, &[Do::Revoke(&first, &[]), Do::AddDevice(one_more), Do::Rotate]);
    assert_eq!(out.ledger.holders().len(), 2);
}
