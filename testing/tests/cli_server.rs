//! `keyfold serve` as an operator meets it: starting, stopping, being killed, and what it has on its disk.

use keyfold_testing::keyfold_bin::{Person, Server, binary, ended, failure, files, files_with, terminate};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn it_starts_on_an_empty_folder_and_keeps_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let key = server.key.clone();
    let alice = Person::signed_up("alice", &server);
    let address = server.address().to_owned();
    assert_eq!(server.stop(), Some(0));
    let _server = Server::start_in(folder.path(), &address);
    assert_eq!(alice.json(["whoami"])["serverKey"], key);
    alice.json(["keychain", "create", "notes"]);
}

#[test]
fn it_prints_for_people_where_it_is_and_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", "127.0.0.1:0"]);
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = String::new();
    while !said.contains("server key") {
        said += &lines.next().unwrap();
    }
    terminate(&server);
    assert_eq!(ended(&mut server).code(), Some(0));
    assert!(said.contains("http://127.0.0.1:") && said.contains("server key"), "{said}");
}

#[test]
fn it_is_open_only_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", "0.0.0.0:0", "--json"]);
    let output = command.output().unwrap();
    let failure = failure(&output).unwrap_or_else(|| panic!("{output:?}"));
    assert_eq!((failure.exit, failure.code.as_str()), (3, "NotAllowed"), "{failure:?}");
}

#[test]
fn an_address_that_is_taken_is_said() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let mut command = Command::new(binary());
    command.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", server.address(), "--json"]);
    let failure = failure(&command.output().unwrap()).unwrap();
    assert_eq!(failure.exit, 1, "{failure:?}");
}

#[test]
fn killed_right_after_an_acknowledged_write_it_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let alice = Person::signed_up("alice", &server);
    server.kill_and_restart();
    let bob = Person::signed_up("bob", &server);
    for n in 0..5 {
        let made = alice.json(["keychain", "create", &format!("keychain {n}")]);
        server.kill_and_restart();
        let keychain = made["keychainFingerprint"].as_str().unwrap();
        assert_eq!(alice.json(["keychain", "show", keychain])["keys"][0]["keyFingerprint"], made["keyFingerprint"]);
        alice.json(["share", keychain, "bob"]);
        server.kill_and_restart();
        let events = bob.json(["sync"]);
        let names: Vec<_> = events.as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert!(names.ends_with(&["keychainUpdated", "keyReceived"]), "{names:?}");
        server.kill_and_restart();
        assert_eq!(alice.json(["participants", keychain])[1]["state"], "accepted");
    }
}

#[test]
fn gone_in_the_middle_it_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let (alice, _bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    let mut made = 0;
    for n in 0..8_u64 {
        let purpose = format!("keychain {n}");
        let command = alice.command(["keychain", "create", &purpose, "--json"]).spawn().unwrap();
        // Somewhere before, in or after the request.
        std::thread::sleep(Duration::from_millis(n * 6));
        server.kill_and_restart();
        let output = command.wait_with_output().unwrap();
        match failure(&output) {
            None => made += 1,
            Some(failure) => assert_eq!(failure.exit, 6, "{failure:?}"),
        }
        alice.json(["sync"]);
        let listed = alice.json(["keychain", "list"]);
        let listed = listed.as_array().unwrap();
        // What was acknowledged is there. What was not may be there too, whole; and it can be used.
        assert!((made..=n as usize + 1).contains(&listed.len()), "{made} acknowledged, {listed:?}");
        for key in listed {
            alice.json(["keychain", "show", key["keychainFingerprint"].as_str().unwrap()]);
        }
    }
}

#[test]
fn a_watch_survives_a_restart_and_shows_each_event_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let (alice, bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    for purpose in ["one", "two", "three"] {
        alice.json(["keychain", "create", purpose]);
    }
    alice.json(["share", "one", "bob"]);
    let watch = bob.watch();
    let names = |events: Vec<serde_json::Value>| -> Vec<String> {
        events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(vec![watch.next(), watch.next()]), ["keychainUpdated", "keyReceived"]);
    alice.json(["share", "two", "bob"]);
    assert_eq!(names(vec![watch.next(), watch.next()]), ["keychainUpdated", "keyReceived"]);
    server.kill_and_restart();
    alice.json(["share", "three", "bob"]);
    assert_eq!(names(vec![watch.next(), watch.next()]), ["keychainUpdated", "keyReceived"]);
    assert_eq!(names(watch.within(Duration::from_secs(1))), [""; 0]);
    assert_eq!(watch.stop(), Some(0));
}

#[test]
fn a_share_that_was_cancelled_before_bob_was_online_never_reaches_him() {
    let server = Server::start();
    let (alice, bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    let key = alice.json(["keychain", "create", "notes"])["keyFingerprint"].as_str().unwrap().to_owned();
    alice.json(["share", "notes", "bob"]);
    alice.json(["unshare", "bob", &key]);
    let watch = bob.watch();
    assert_eq!(watch.within(Duration::from_secs(2)), Vec::<serde_json::Value>::new());
    watch.stop();
    assert_eq!(bob.json(["keychain", "list"]).as_array().map(Vec::len), Some(0));
    assert_eq!(alice.json(["participants", "notes"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn its_disk_holds_neither_contents_nor_purposes() {
    let mut server = Server::start();
    let (alice, bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    let purpose = "a purpose that nobody else would think of";
    let plain = b"a sentence that stands in no other file on this disk";
    alice.json(["keychain", "create", purpose]);
    alice.write("plain", plain);
    alice.json(["encrypt", purpose, "plain", "-o", "sealed"]);
    let value = alice.pipe(["encrypt", purpose, "--text"], plain).stdout;
    alice.json(["share", purpose, "bob", "--keys", "all"]);
    bob.json(["sync"]);
    bob.json(["keychain", "show", purpose]);
    assert_eq!(bob.pipe(["decrypt", "--text"], &value).stdout, plain);
    let running = server.folder().to_owned();
    for needle in [purpose.as_bytes(), plain] {
        assert_eq!(files_with(&running, needle), Vec::<PathBuf>::new());
    }
    // The look finds what is there: user ids are no secret from the server.
    assert!(!files_with(&running, b"alice").is_empty(), "{:?}", files(&running));
    // And what was read holds no such thing in any home either, in the clear.
    for person in [&alice, &bob] {
        assert_eq!(files_with(&person.home(), purpose.as_bytes()), Vec::<PathBuf>::new());
    }
    server.stop();
}

#[test]
fn a_reader_who_leaves_ends_it_without_a_word() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    alice.json(["keychain", "create", "notes"]);
    let sealed = alice.pipe(["encrypt", "notes"], &vec![7; 1_000_000]).stdout;
    alice.write("sealed", &sealed);
    for arguments in [&["keychain", "list"][..], &["decrypt", "sealed"], &["completions", "bash"]] {
        let mut child = alice.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code().is_some(), "{arguments:?} was not killed");
    }
}
