//! The story of a table on a train: alice and bob write from the command line while the server is gone, each command is a
//! process that ends, and when the server is back both have everything.

use keyfold_testing::keyfold_bin::{Person, Server, files_with};
use serde_json::json;
use std::process::Output;

fn run(person: &Person, words: &str) -> Output {
    person.run(["index", "trip", "costs"].into_iter().chain(words.split(' ')))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it prints, and what it remarks.
fn said(person: &Person, words: &str) -> (String, String) {
    let output = run(person, words);
    assert!(output.status.success(), "{words}: {output:?}");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_is_put_without_the_server_is_kept_in_the_home_and_sent_by_the_next_command_that_reaches_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    alice.json(["keychain", "create", "trip"]);
    alice.json(["share", "trip", "bob"]);
    bob.json(["sync"]);
    said(&alice, "put ferry 120");
    said(&alice, "put hotel 400");
    for person in [&alice, &bob] {
        assert_eq!(said(person, "range"), ("ferry\t120\nhotel\t400\n".to_owned(), String::new()));
    }

    server.kill();
    let address = server.address().to_owned();
    let (printed, remark) = said(&bob, "put museum 31-quietly");
    assert!(printed.is_empty() && remark.contains("kept in this home"), "{printed}{remark}");
    assert!(said(&bob, "rm hotel").1.contains("kept in this home"));
    assert!(said(&bob, "rm nothing-here").1.contains("kept in this home"));
    assert!(said(&alice, "put ferry 130").1.contains("kept in this home"));
    let (printed, remark) = said(&bob, "range");
    assert_eq!(printed, "ferry\t120\nmuseum\t31-quietly\n");
    assert!(remark.contains("as this home saw it last"), "{remark}");
    assert_eq!(said(&bob, "count").0, "2\n");
    assert_eq!(said(&bob, "waiting"), ("3\n".to_owned(), String::new()));
    assert_eq!(bob.json(["index", "trip", "costs", "waiting"]), json!({ "waiting": 3 }));
    assert_eq!(files_with(&bob.home(), b"31-quietly"), Vec::<std::path::PathBuf>::new());
    // Documents say what is so, and a table is not kept until later.
    for words in ["put ferry 1", "get ferry", "range", "rm ferry", "check"] {
        let refused = bob.failure(["index", "trip", "costs"].into_iter().chain(words.split(' ')));
        assert_eq!((refused.code.as_str(), refused.exit), ("ServerUnavailable", 6), "{words}");
    }
    bob.write("more.csv", b"what,eur\nbus,3\n");
    assert_eq!(run(&bob, "import more.csv --key what").status.code(), Some(6));
    let never = bob.run(["index", "trip", "never-seen", "put", "a", "b"]);
    assert_eq!(never.status.code(), Some(6), "{never:?}");
    assert_eq!(said(&bob, "waiting").0, "3\n");

    let _server = Server::start_in(folder.path(), &address);
    assert_eq!(said(&bob, "count"), ("2\n".to_owned(), String::new()));
    assert_eq!(bob.json(["index", "trip", "costs", "waiting"]), json!({ "waiting": 0 }));
    assert_eq!(said(&alice, "range"), ("ferry\t130\nmuseum\t31-quietly\n".to_owned(), String::new()));
    assert_eq!(said(&bob, "get ferry").0, "130\n");
    assert!(run(&bob, "check").status.success());
}

#[test]
fn what_is_refused_when_the_server_is_back_is_named_by_every_command_until_it_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    alice.json(["keychain", "create", "trip"]);
    alice.json(["share", "trip", "bob"]);
    bob.json(["sync"]);
    said(&alice, "put ferry 120");
    said(&bob, "range");
    server.kill();
    let address = server.address().to_owned();
    said(&bob, "put ferry 1");
    let _server = Server::start_in(folder.path(), &address);
    alice.json(["ban", "trip", "bob"]);
    alice.json(["share", "trip", "bob", "--read-only", "--keys", "all"]);
    bob.json(["sync"]);
    let (printed, remark) = said(&bob, "get ferry");
    assert_eq!(printed, "1\n");
    assert!(remark.contains("1 wait") && remark.contains("may only read"), "{remark}");
    // A document shows what is there.
    assert_eq!(bob.json(["index", "trip", "costs", "get", "ferry"])["value"], "120");
    let refused = bob.failure(["index", "trip", "costs", "put", "ferry", "2"]);
    assert_eq!((refused.code.as_str(), refused.exit), ("NotAllowed", 3));
    assert_eq!(said(&bob, "waiting --give-up").0, "1\n");
    assert_eq!(said(&bob, "get ferry"), ("120\n".to_owned(), String::new()));
    assert_eq!(said(&alice, "get ferry").0, "120\n");
}
