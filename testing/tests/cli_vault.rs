//! `keyfold vault` as people and scripts use it: what it prints, what it refuses, and what is left after it was stopped.

use crate::cli_documents::is;
use keyfold_testing::keyfold_bin::{Person, Server, files, interrupt};
use serde_json::json;
use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

fn vault(words: &str) -> impl Iterator<Item = &str> {
    ["vault", "notes"].into_iter().chain(words.split_whitespace())
}

/// Alice with `notes`, which bob is in.
fn alice_and_bob(server: &Server) -> [Person; 2] {
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, server));
    alice.json(["keychain", "create", "notes"]);
    alice.json(["share", "notes", "bob"]);
    bob.json(["sync"]);
    [alice, bob]
}

#[test]
fn vaults_print_their_documents() {
    let server = Server::start();
    let [alice, bob] = alice_and_bob(&server);
    assert_eq!(alice.json(vault("ls")), json!([]));
    alice.write("summer.jpg", b"not really a picture");
    let put = alice.json(vault("put summer.jpg pictures/"));
    is("vaultItem", &put);
    assert_eq!((&put["path"], &put["mediaType"]), (&json!("pictures/summer.jpg"), &json!("image/jpeg")));
    let listed = bob.json(vault("ls"));
    is("vaultItems", &listed);
    assert_eq!((&listed[0]["name"], &listed[0]["kind"]), (&json!("pictures"), &json!("folder")));
    let stat = bob.json(vault("stat /pictures/summer.jpg"));
    is("vaultItem", &stat);
    assert_eq!((&stat["size"], &stat["version"]), (&json!(20), &json!(1)));
    is("vaultItem", &bob.json(vault("stat /")));
    let got = bob.json(vault("get pictures/summer.jpg -o picture"));
    is("vaultGot", &got);
    assert_eq!(fs::read(bob.file("picture")).unwrap(), b"not really a picture");
    assert_eq!(bob.run(vault("get pictures/summer.jpg --range 4-10")).stdout, b"really");

    let piped = bob.pipe(vault("put - pictures/summer.jpg"), b"another one");
    assert!(piped.status.success(), "{piped:?}");
    let versions = alice.json(vault("versions pictures/summer.jpg"));
    is("fileVersions", &versions);
    assert_eq!((&versions[0]["version"], &versions[1]["version"]), (&json!(2), &json!(1)));
    assert_eq!(alice.run(vault("get pictures/summer.jpg --version 1")).stdout, b"not really a picture");
    let restored = alice.json(vault("restore pictures/summer.jpg 1"));
    is("vaultItem", &restored);
    assert_eq!(alice.run(vault("get pictures/summer.jpg")).stdout, b"not really a picture");

    is("vaultItem", &alice.json(vault("mkdir old/years")));
    let moved = alice.json(vault("mv pictures/summer.jpg old/years"));
    is("vaultItem", &moved);
    assert_eq!(moved["path"], "old/years/summer.jpg");
    is("vaultItem", &alice.json(vault("mv old/years old/better")));
    let count = alice.json(vault("sweep --count"));
    is("stillReadable", &count);
    assert_eq!(count, json!({"contents": 0, "bytes": 0}));
    alice.json(["ban", "notes", "bob"]);
    // The file, and two former contents of it.
    assert_eq!(alice.json(vault("sweep --count"))["contents"], 3);
    is("vaultSwept", &alice.json(vault("sweep")));
    assert_eq!(alice.json(vault("sweep --count")), json!({"contents": 0, "bytes": 0}));
    assert_eq!(alice.run(vault("get old/better/summer.jpg")).stdout, b"not really a picture");
    is("vaultItem", &alice.json(vault("rm old --recursive")));
    is("vaultItem", &alice.json(vault("rm pictures")));
    assert_eq!(alice.json(vault("ls")), json!([]));
}

#[test]
fn a_folder_goes_in_and_comes_out_with_everything_in_it() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    alice.json(["keychain", "create", "notes"]);
    for (name, content) in [("trip/plan.txt", "plan"), ("trip/days/one.txt", "one"), ("trip/days/two.txt", "two")] {
        let path = alice.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir_all(alice.file("trip/empty")).unwrap();
    let put = alice.json(vault("put trip --recursive"));
    is("vaultItems", &put);
    assert_eq!(put.as_array().unwrap().len(), 6, "three folders and three files");
    let got = alice.json(vault("get trip -o back --recursive"));
    is("vaultGots", &got);
    assert_eq!(fs::read(alice.file("back/days/two.txt")).unwrap(), b"two");
    assert!(alice.file("back/empty").is_dir());
    assert_eq!(alice.failure(vault("get trip -o back --recursive")).code, "OutputExists");
    assert_eq!(alice.json(vault("get trip -o back --recursive --force")).as_array().unwrap().len(), 3);
}

#[test]
fn what_is_wrong_is_said_with_its_code_and_changes_nothing() {
    let server = Server::start();
    let [alice, bob] = alice_and_bob(&server);
    alice.write("a", b"text");
    alice.json(vault("put a folder/a"));
    let refused = |words: &str, code: &str, exit: u8| {
        let failure = alice.failure(vault(words));
        assert_eq!((failure.code.as_str(), failure.exit), (code, i32::from(exit)), "{words}: {failure:?}");
    };
    refused("get nothing", "UnknownFile", 4);
    refused("get folder", "NotAFile", 2);
    refused("get folder/a --version 9", "UnknownFile", 4);
    refused("get folder/a --range 5-2", "Usage", 2);
    refused("get folder/a/b", "NotAFolder", 2);
    refused("ls folder/a", "NotAFolder", 2);
    refused("stat ../folder", "BadText", 2);
    refused("put a folder//b", "BadText", 2);
    refused("put nowhere", "UnknownFile", 4);
    refused("put -", "Usage", 2);
    refused("rm folder", "FolderNotEmpty", 2);
    refused("mv folder folder/b", "NotAFolder", 2);
    refused("mv nothing b", "UnknownFile", 4);
    refused("restore folder/a 7", "UnknownFile", 4);
    refused("mkdir folder/a", "NotAFolder", 2);
    let path = alice.write("out", b"mine");
    refused("get folder/a -o out", "OutputExists", 2);
    assert_eq!(fs::read(path).unwrap(), b"mine");
    assert_eq!(alice.failure(["vault", "nowhere", "ls"]).code, "UnknownKeychain");
    assert_eq!(bob.json(vault("ls"))[0]["name"], "folder");
    assert_eq!(bob.run(vault("get folder/a")).stdout, b"text");
    alice.json(["ban", "notes", "bob"]);
    let failure = bob.failure(vault("get folder/a"));
    assert!([3, 4].contains(&failure.exit), "{failure:?}");
}

#[test]
fn a_put_that_was_interrupted_leaves_the_vault_as_it_was_and_goes_on_the_next_time() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    alice.json(["keychain", "create", "notes"]);
    let film: Vec<u8> = (0..48_u32 << 18).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    alice.write("film", &film);
    let child = alice.command(vault("put film")).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Until something of it is noted in the home, there is nothing to go on with; then it is stopped in the middle.
    let before = Instant::now();
    let stored =
        || -> u64 { files(server.folder()).iter().filter_map(|path| fs::metadata(path).ok()).map(|of| of.len()).sum() };
    let grown = || stored() > 6 << 20;
    while !grown() && before.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let listed = alice.json(vault("ls")).as_array().unwrap().len();
    assert!(listed == 1 || !output.status.success(), "what was acknowledged is there");
    alice.json(vault("put film"));
    assert_eq!(alice.json(vault("stat film"))["size"], film.len());
    alice.json(vault("get film -o back"));
    assert!(fs::read(alice.file("back")).unwrap() == film);
}
