//! Three people in a terminal: permissions, a ban, and leaving, with the real binary and a server that is killed and
//! started again in between.

use keyfold_testing::keyfold_bin::{Person, Server};
use serde_json::{Value, json};

/// Seals `text` and writes it where the others find it.
fn seal(by: &Person, text: &str, readers: &[&Person], name: &str) {
    let sealed = by.pipe(["encrypt", "notes"], text.as_bytes());
    assert!(sealed.status.success(), "{}: {}", by.name(), String::from_utf8_lossy(&sealed.stderr));
    for reader in readers {
        reader.write(name, &sealed.stdout);
    }
}

#[track_caller]
fn reads(who: &Person, name: &str, text: &str) {
    assert_eq!(String::from_utf8_lossy(&who.run(["decrypt", name]).stdout), text, "{} reads {name}", who.name());
}

#[track_caller]
fn cannot_read(who: &Person, name: &str) {
    let failure = who.failure(["decrypt", name]);
    assert_eq!((failure.code.as_str(), failure.exit), ("NoSlot", 3), "{} reads {name}: {failure:?}", who.name());
    assert!(failure.stdout.is_empty());
}

fn names(who: &Person) -> Vec<String> {
    let listed = who.json(["participants", "notes"]);
    listed.as_array().unwrap().iter().map(|p| p["userId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_is_banned_and_who_leaves_read_nothing_new() {
    let mut server = Server::start();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| Person::signed_up(name, &server));
    alice.json(["keychain", "create", "notes"]);
    alice.json(["share", "notes", "bob"]);
    bob.json(["sync"]);

    // Bob may share, so he brings carol in. He may not make keys.
    alice.json(["permissions", "notes", "bob", "--allow", "sharing"]);
    bob.json(["share", "notes", "carol"]);
    carol.json(["sync"]);
    assert_eq!(bob.failure(["keychain", "rotate", "notes"]).exit, 3);
    assert_eq!(names(&carol), ["alice", "bob", "carol"]);
    seal(&carol, "before", &[&alice, &bob], "before");
    reads(&bob, "before", "before");

    let watch = carol.watch();
    alice.json(["ban", "notes", "bob"]);
    server.kill_and_restart();
    let told: Vec<Value> = std::iter::repeat_with(|| watch.next()).take(3).collect();
    let events: Vec<&str> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["keychainUpdated", "memberBanned", "keyRotated"]);
    assert_eq!(told[1]["userId"], json!("bob"));
    watch.stop();
    seal(&alice, "after the ban", &[&bob, &carol], "after");
    reads(&carol, "after", "after the ban");
    cannot_read(&bob, "after");
    reads(&bob, "before", "before");
    assert_eq!(bob.json(["keychain", "list"]), json!([]));
    let refused = bob.failure(["encrypt", "notes", "before"]);
    assert_eq!((refused.code.as_str(), refused.exit), ("AuthorBanned", 3));
    // Whom bob had brought in stays.
    assert_eq!(names(&alice), ["alice", "carol"]);

    carol.json(["leave", "notes"]);
    server.kill_and_restart();
    seal(&alice, "after carol left", &[&bob, &carol], "last");
    cannot_read(&carol, "last");
    cannot_read(&bob, "last");
    reads(&carol, "after", "after the ban");
    assert_eq!(names(&alice), ["alice"]);
}
