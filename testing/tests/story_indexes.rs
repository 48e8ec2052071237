//! The story of a table: alice imports a CSV of 100,000 rows into an index, bob finds things in it and adds to it, and
//! the server that keeps it has read nothing. `KEYFOLD_ROWS` says how many rows instead.

use keyfold_testing::keyfold_bin::{Person, Server, files_with};
use serde_json::{Value, json};

const MINUTES_OF_A_DAY: usize = 24 * 60;

fn rows() -> usize {
    std::env::var("KEYFOLD_ROWS").map_or(100_000, |rows| rows.parse().expect("KEYFOLD_ROWS is a number"))
}

/// A measurement each minute from 2025 on; no year among them has a 29th of February.
fn minutes() -> impl Iterator<Item = String> {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = (2025..2028).flat_map(move |year| {
        let months = (1..).zip(lengths);
        months.flat_map(move |(month, days)| (1..=days).map(move |day| format!("{year}-{month:02}-{day:02}")))
    });
    days.flat_map(|day| {
        (0..MINUTES_OF_A_DAY).map(move |minute| format!("{day}T{:02}:{:02}:00Z", minute / 60, minute % 60))
    })
}

fn index(person: &Person, words: &str) -> Value {
    person.json(["index", "lab", "measurements", "--as", "date"].into_iter().chain(words.split(' ')))
}

fn keys(range: &Value) -> Vec<&str> {
    range.as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap()).collect()
}

#[test]
fn alice_imports_a_big_table_and_bob_finds_things_in_it() {
    let rows = rows();
    assert!(rows > 2 * MINUTES_OF_A_DAY, "the story is about the second of January too");
    let server = Server::start();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    alice.json(["keychain", "create", "lab"]);
    let mut table = "at,celsius,note\n".to_owned();
    for (number, minute) in minutes().take(rows).enumerate() {
        let (degrees, tenths) = (15 + number % 17, number % 10);
        table.push_str(&format!("{minute},{degrees}.{tenths},\"incubator, shelf {}\"\n", number % 7));
    }
    alice.write("table.csv", table.as_bytes());
    assert_eq!(index(&alice, "import table.csv --key at"), json!({ "imported": rows }));
    alice.json(["share", "lab", "bob"]);
    bob.json(["sync"]);

    assert_eq!(index(&bob, "count"), json!({ "count": rows }));
    assert_eq!(index(&bob, "count --from 2025-01-02 --to 2025-01-03"), json!({ "count": MINUTES_OF_A_DAY }));
    let range = index(&bob, "range --from 2025-01-02T12:00:00Z --limit 3");
    assert_eq!(keys(&range), ["2025-01-02T12:00:00Z", "2025-01-02T12:01:00Z", "2025-01-02T12:02:00Z"]);
    let row: Value = serde_json::from_str(range[0]["value"].as_str().unwrap()).unwrap();
    let number = MINUTES_OF_A_DAY + 12 * 60;
    let celsius = format!("{}.{}", 15 + number % 17, number % 10);
    let note = format!("incubator, shelf {}", number % 7);
    assert_eq!(row, json!({ "at": "2025-01-02T12:00:00Z", "celsius": celsius, "note": note }));
    let range = index(&bob, "range --to 2025-01-01T00:02:00Z --reverse");
    assert_eq!(keys(&range), ["2025-01-01T00:01:00Z", "2025-01-01T00:00:00Z"]);
    let last = minutes().nth(rows - 1).unwrap();
    assert_eq!(keys(&index(&bob, "range --reverse --limit 1")), [last.as_str()]);

    // Both go on.
    index(&bob, "put 2025-01-02T12:00:30Z by-hand");
    index(&alice, "rm 2025-01-02T12:00:00Z");
    let range = index(&alice, "range --from 2025-01-02T12:00:00Z --limit 2");
    assert_eq!(keys(&range), ["2025-01-02T12:00:30Z", "2025-01-02T12:01:00Z"]);
    // The same table again: what was there is there once, and bob's own row stays.
    assert_eq!(index(&alice, "import table.csv --key at"), json!({ "imported": rows }));
    assert_eq!(index(&bob, "count"), json!({ "count": rows + 1 }));
    let checked = index(&bob, "check");
    assert_eq!(checked["wrong"], json!([]));
    assert!(checked["entries"].as_u64() >= Some(rows as u64), "{checked}");
    for plain in ["incubator", "celsius", "measurements", "2025-01-02T12"] {
        assert_eq!(files_with(server.folder(), plain.as_bytes()), Vec::<std::path::PathBuf>::new(), "{plain}");
    }
}
