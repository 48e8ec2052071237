//! Commands that are stopped, killed, or run out of disk: nothing is half-done, and trying again works.
#![cfg(target_os = "linux")]

use keyfold_testing::disk::Disk;
use keyfold_testing::keyfold_bin::{Person, Server, ended, failure, interrupt, terminate};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

fn names(person: &Person) -> Vec<String> {
    let folder = person.home().parent().unwrap().to_owned();
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_command_that_is_stopped_leaves_no_output_and_says_so() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    alice.json(["keychain", "create", "notes"]);
    for stop in [interrupt, terminate] {
        let mut child =
            alice.command(["encrypt", "notes", "-o", "out", "--json"]).stdin(Stdio::piped()).spawn().unwrap();
        // More than the buffers hold, so that it is in the middle; and the input does not end.
        let mut input = child.stdin.take().unwrap();
        input.write_all(&vec![7; 20_000_000]).unwrap();
        assert_eq!(names(&alice).len(), 2, "a draft is there while it is written");
        stop(&child);
        ended(&mut child);
        let failure = failure(&child.wait_with_output().unwrap()).unwrap();
        assert_eq!((failure.code.as_str(), failure.exit), ("Cancelled", 1));
        assert_eq!(names(&alice), ["home"]);
    }
}

#[test]
fn a_sign_up_that_was_killed_at_any_moment_can_be_tried_again() {
    let server = Server::start();
    for after in 0..12 {
        let person = Person::new("someone");
        let user = format!("user {after}");
        let arguments = ["signup", &user, "--server", &server.url, "--json"];
        let mut child = person.command(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after * 2));
        child.kill().unwrap();
        child.wait().unwrap();
        let again = person.run(arguments);
        if let Some(failure) = failure(&again) {
            assert_eq!(failure.code, "HomeExists", "the first one was done: {failure:?}");
        }
        assert_eq!(person.json(["whoami"])["userId"], user);
        person.json(["keychain", "create", "notes"]);
    }
}

#[test]
fn a_command_that_was_killed_at_any_moment_leaves_a_home_that_works() {
    let server = Server::start();
    let (alice, bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    alice.json(["keychain", "create", "notes"]);
    for after in 0..12 {
        for arguments in [&["keychain", "rotate", "notes"][..], &["share", "notes", "bob"]] {
            let mut child = alice.command(arguments).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(after));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    alice.json(["share", "notes", "bob"]);
    alice.json(["keychain", "rotate", "notes"]);
    bob.json(["sync"]);
    let newest = |person: &Person| person.json(["keychain", "show", "notes"])["keys"][0]["keyFingerprint"].clone();
    assert_eq!(newest(&alice), newest(&bob));
}

#[test]
fn a_home_on_a_full_disk_says_so_and_works_again_when_there_is_room() {
    let server = Server::start();
    let alice = Person::new("alice");
    let Some(disk) = Disk::of_kilobytes(alice.file("disk"), 4096) else { return };
    let alice = alice.at_home(disk.path().join("home"));
    alice.json(["signup", "alice", "--server", &server.url]);
    disk.fill();
    let mut full = 0;
    // What a record needs may fit into room that the file had; many do not.
    for n in 0..200 {
        let output = alice.run(["keychain", "create", &format!("keychain {n}"), "--json"]);
        if let Some(failure) = failure(&output) {
            assert_eq!((failure.code.as_str(), failure.exit), ("StorageFull", 1), "{failure:?}");
            full += 1;
            break;
        }
    }
    assert_eq!(full, 1, "the disk was full");
    disk.free();
    alice.json(["keychain", "create", "room again"]);
    alice.json(["keychain", "show", "room again"]);
}

#[test]
fn a_server_on_a_full_disk_says_so_loses_nothing_and_works_again_when_there_is_room() {
    let alice = Person::new("alice");
    let Some(disk) = Disk::of_kilobytes(alice.file("disk"), 4096) else { return };
    let server = Server::start_on(disk.path());
    alice.json(["signup", "alice", "--server", &server.url]);
    alice.json(["keychain", "create", "notes"]);
    alice.json(["index", "notes", "table", "put", "before", "1"]);
    disk.fill();
    let mut made = Vec::new();
    let refused = (0..300).find_map(|n| {
        let purpose = format!("keychain {n}");
        let output = alice.run(["keychain", "create", &purpose, "--json"]);
        let failure = failure(&output);
        if failure.is_none() {
            made.push(purpose);
        }
        failure
    });
    let refused = refused.expect("the disk was full");
    assert_eq!((refused.code.as_str(), refused.exit), ("StorageFull", 1), "{refused:?}");
    // A commit to an index is refused whole, and does not wait: it is not the line that is missing.
    let large = alice.file("large.jsonl");
    let rows =
        (0..1_000).map(|n| format!("{{\"id\": {n}, \"text\": \"{}\"}}\n", "x".repeat(n % 900))).collect::<String>();
    std::fs::write(&large, rows).unwrap();
    let import = ["index", "notes", "table", "import", large.to_str().unwrap(), "--key", "id"];
    let refused = alice.failure(import);
    assert_eq!((refused.code.as_str(), refused.exit), ("StorageFull", 1), "{refused:?}");
    assert_eq!(alice.json(["index", "notes", "table", "waiting"])["waiting"], 0);
    assert_eq!(alice.json(["index", "notes", "table", "count"])["count"], 1);
    disk.free();
    assert_eq!(alice.json(["index", "notes", "table", "get", "before"])["value"], "1");
    alice.json(import);
    assert_eq!(alice.json(["index", "notes", "table", "count"])["count"], 1_001);
    alice.json(["keychain", "create", "room again"]);
    for purpose in &made {
        alice.json(["keychain", "show", purpose]);
    }
}
