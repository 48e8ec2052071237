//! S16 for groups: entries that act through groups or concern them, each with the verdict, and what follows from those
//! that hold, as vectors that any implementation can run.
//!
//! `cargo test -p keyfold-format --test s16_groups -- --ignored` writes `vectors/groups/` anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod group_cases;
mod people;
mod town;

use group_cases::{Case, PEOPLE, cases};
use keyfold_format::{
    EntryHash, Rejected, ScopeId,
    entry::SignedEntry,
    scope::{Past, ScopeEntry, State},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};
use town::Town;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/groups"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// What an implementation must find in the scope after an entry that holds.
fn outcome(town: &Town, state: &State, entry: &SignedEntry) -> Value {
    let name = |id: &ScopeId| town.names.get(id).cloned().unwrap();
    let groups: Value = state
        .groups()
        .iter()
        .map(|(id, group)| (name(id), json!({ "key": group.key, "clean": group.clean, "depth": group.depth })))
        .collect();
    let ops = match ScopeEntry::decode(&entry.signed).unwrap() {
        ScopeEntry::Ordinary(entry) => entry.ops,
        ScopeEntry::Placed(placed) => vec![placed.op],
    };
    let wraps: Vec<Value> = state
        .wraps_needed(&ops)
        .iter()
        .map(|wrap| json!([wrap.key, name(&wrap.recipient), wrap.recipient_number, wrap.history]))
        .collect();
    json!({
        "needsRotation": state.needs_rotation(),
        "exclusions": state.exclusions(),
        "groups": groups,
        "wraps": wraps,
    })
}

/// A case as a vector: every scope's entries, in an order in which they can be replayed, and the one that is judged.
fn vector(case: &Case) -> Value {
    let Case { name: _, about, town, scope, last, expect } = case;
    let scopes: Vec<Value> = town
        .order
        .iter()
        .map(|id| {
            let entries: Vec<String> = town.scopes[id].entries().iter().map(|entry| hex(&entry.encode())).collect();
            json!({ "name": town.names[id], "entries": entries })
        })
        .collect();
    let mut after = town.clone();
    let verdict = match after.append(scope, last.clone()) {
        Ok(()) => "ok",
        Err(rejected) => rejected.code(),
    };
    assert_eq!(verdict, *expect, "{about}");
    let then = if verdict == "ok" { outcome(&after, after.state(scope), last) } else { Value::Null };
    json!({
        "about": about,
        "scopes": scopes,
        "scope": town.names[scope],
        "last": hex(&last.encode()),
        "expect": expect,
        "then": then,
    })
}

fn accounts() -> Value {
    let people = PEOPLE.map(people::Person::new);
    people.iter().map(|p| (p.name.to_string(), json!([hex(&p.genesis.encode())]))).collect()
}

#[test]
#[ignore = "writes the vectors"]
fn regenerate() {
    let _ = fs::remove_dir_all(folder());
    fs::create_dir_all(folder()).unwrap();
    fs::write(folder().join("accounts.json"), serde_json::to_string_pretty(&accounts()).unwrap() + "\n").unwrap();
    for case in cases() {
        let name = format!("{}.json", case.name);
        fs::write(folder().join(name), serde_json::to_string_pretty(&vector(&case)).unwrap() + "\n").unwrap();
    }
}

/// Replays a vector's scopes side by side: what is cited of a group stands before whoever cites it only by its number,
/// so each is taken as far as it goes, again and again.
fn replayed(vector: &Value) -> Town {
    let mut town = Town::new(&PEOPLE);
    let scopes = vector["scopes"].as_array().unwrap();
    for scope in scopes {
        let entries: Vec<SignedEntry> =
            scope["entries"].as_array().unwrap().iter().map(|e| SignedEntry::decode(&unhex(e)).unwrap()).collect();
        let mut past = Past::genesis(entries[0].clone(), &town).unwrap();
        for entry in &entries[1..] {
            while let Err(missing) = past.append(entry.clone(), &town) {
                let Rejected::MissingState(id, seq) = missing else {
                    panic!("the entries before must hold: {missing}")
                };
                assert!(town.recall(&id, seq), "a group that is not among the scopes before");
            }
        }
        let id = past.newest().id();
        assert_eq!(id, ScopeId::from(entries[0].hash(EntryHash::NONE, 0)));
        town.scopes.insert(id, past);
        town.order.push(id);
        town.names.insert(id, scope["name"].as_str().unwrap().to_owned());
    }
    town
}

#[test]
fn every_vector_has_its_verdict_and_what_follows() {
    let mut seen = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if path.ends_with("accounts.json") {
            assert_eq!(vector, accounts());
            continue;
        }
        let mut town = replayed(&vector);
        let scope = *town.names.iter().find(|(_, name)| vector["scope"] == **name).unwrap().0;
        let last = SignedEntry::decode(&unhex(&vector["last"])).unwrap();
        let before = town.state(&scope).clone();
        let verdict = town.append(&scope, last.clone()).map_or_else(Rejected::code, |()| "ok");
        assert_eq!(verdict, vector["expect"].as_str().unwrap(), "{}", path.display());
        if verdict == "ok" {
            assert_eq!(outcome(&town, town.state(&scope), &last), vector["then"], "{}", path.display());
        } else {
            assert_eq!(*town.state(&scope), before, "a rejected entry changed the state");
        }
        seen += 1;
    }
    println!("{seen} vectors of groups");
    assert!(seen >= 40, "only {seen} vectors");
}

#[test]
fn every_rule_that_only_groups_can_break_has_a_vector() {
    let broken: BTreeSet<&str> = cases().iter().map(|case| case.expect).collect();
    let rules = ["ViaBroken", "ObserveUnreached", "RankTooHigh", "BanOfOwnGroup", "OwnerIsGroup", "GroupUnclean"];
    let missing: Vec<&str> = rules.into_iter().filter(|rule| !broken.contains(rule)).collect();
    assert!(missing.is_empty(), "no vector breaks {missing:?}");
}

#[test]
fn the_vectors_are_those_that_the_cases_make() {
    let mut names = BTreeSet::new();
    for case in cases() {
        assert!(names.insert(case.name), "{} twice", case.name);
        let path = folder().join(format!("{}.json", case.name));
        let stored: Value = serde_json::from_slice(&fs::read(&path).unwrap_or_default()).unwrap_or_default();
        assert_eq!(stored, vector(&case), "{}: vectors are stale, regenerate them", case.name);
    }
}
