//! What every verb prints with `--json` is the document that docs/spec/cli.md promises.

use keyfold_testing::keyfold_bin::{self, Person, Server};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../docs/spec/cli.schema.json");
const PAGE: &str = include_str!("../../docs/spec/cli.md");

/// What is wrong with a document, by one of the schema's definitions.
fn faults(definition: &str, document: &Value) -> Vec<String> {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(schema["$defs"][definition].is_object(), "the schema has no {definition}");
    schema["$ref"] = json!(format!("#/$defs/{definition}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[track_caller]
pub(crate) fn is(definition: &str, document: &Value) {
    let faults = faults(definition, document);
    assert!(faults.is_empty(), "{document} is not a `{definition}`: {faults:?}");
}

#[test]
fn the_schema_refuses_a_document_of_another_shape() {
    assert!(!faults("logout", &json!({"loggedOut": true})).is_empty(), "a name is missing");
    assert!(
        !faults("logout", &json!({"loggedOut": true, "everywhere": false, "forgotten": false, "more": 1})).is_empty(),
        "one too many"
    );
    assert!(!faults("fingerprint", &json!("short")).is_empty());
}

#[test]
fn the_page_names_only_documents_that_the_schema_has() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let rows = PAGE.lines().filter(|line| line.starts_with("| `")).map(|line| line.trim_end_matches(" |"));
    let named = rows.filter_map(|row| row.rsplit_once("| ").and_then(|(_, last)| last.split('`').nth(1)));
    let named: Vec<&str> = named.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    assert!(named.len() >= 40, "{named:?}");
    for name in named {
        assert!(schema["$defs"][name].is_object(), "the schema has no {name}");
    }
}

/// What a person reads.
fn text<const N: usize>(person: &Person, arguments: [&str; N]) -> String {
    String::from_utf8(person.run(arguments).stdout).unwrap()
}

#[test]
fn accounts_print_their_documents() {
    let mut server = Server::start();
    let alice = Person::new("alice");
    is("whoami", &alice.json(["signup", "alice", "--server", &server.url]));
    is("whoami", &alice.json(["whoami"]));
    let _bob = Person::signed_up("bob", &server);
    is("user", &alice.json(["user", "bob"]));
    is("user", &alice.json(["user", "alice"]));
    is("logout", &alice.json(["logout"]));
    is("whoami", &alice.json(["login"]));
    let everywhere = alice.json(["logout", "--everywhere"]);
    is("logout", &everywhere);
    assert_eq!(everywhere["everywhere"], true);
    is("whoami", &alice.json(["login"]));
    let device = &alice.json(["device", "list"])["devices"][0];
    assert!(device["loggedInSince"].as_u64() <= device["lastUsed"].as_u64(), "{device}");
    assert_eq!(server.stop(), Some(0), "a server that is asked to stop ends well");
}

#[test]
fn a_home_is_locked_and_unlocked() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    assert_eq!(alice.json(["whoami"])["secretsAt"], "file");
    let write = |name: &str, text: &str| alice.write(name, text.as_bytes()).to_str().unwrap().to_owned();
    let (first, second) = (write("first", "correct horse\n"), write("second", "battery staple"));
    let short = alice.failure(["lock", "--new", &write("short", "short")]);
    assert_eq!((short.code.as_str(), short.exit), ("BadText", 2), "{short:?}");
    let locked = alice.json(["lock", "--new", &first]);
    is("lock", &locked);
    assert_eq!(locked["lock"], "passphrase");
    let refused = alice.failure(["whoami"]);
    assert_eq!((refused.code.as_str(), refused.exit), ("Locked", 3), "{refused:?}");
    assert!(refused.hint.is_some());
    let refused = alice.failure(["whoami", "--passphrase", &second]);
    assert_eq!((refused.code.as_str(), refused.exit), ("WrongSecret", 3), "{refused:?}");
    let who = alice.json(["whoami", "--passphrase", &first]);
    is("whoami", &who);
    assert_eq!(who["secretsAt"], "passphrase");
    alice.json(["keychain", "create", "notes", "--passphrase", &first]);
    alice.json(["lock", "--passphrase", &first, "--new", &second]);
    assert_eq!(alice.failure(["unlock", "--passphrase", &first]).code, "WrongSecret");
    let unlocked = alice.json(["unlock", "--passphrase", &second]);
    is("lock", &unlocked);
    assert!(unlocked["lock"].is_null());
    assert_eq!(alice.failure(["unlock"]).code, "NoLock");
    assert_eq!(alice.json(["keychain", "list"]).as_array().unwrap().len(), 1);
    // Whoever forgot it may give the device up.
    alice.json(["lock", "--new", &first]);
    is("logout", &alice.json(["logout", "--forget"]));
    assert_eq!(alice.failure(["whoami"]).code, "NoHome");
}

#[test]
fn a_servers_next_key_is_named_before_it_is_used_and_clients_follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path());
    let alice = Person::signed_up("alice", &server);
    let (address, data) = (server.address().to_owned(), folder.path().join("data"));
    let operator = Person::new("operator");
    let next = || operator.json(["serve", "key", "next", "--data", data.to_str().unwrap()]);
    let made = next();
    is("serveKey", &made);
    assert_eq!((&made["serverKey"], &made), (&json!(server.key), &next()), "asked again it is the same");
    alice.json(["keychain", "create", "notes"]);
    assert_eq!(server.stop(), Some(0));
    let server = Server::start_in(folder.path(), &address);
    assert_eq!(made["nextServerKey"], server.key.as_str());
    alice.json(["keychain", "create", "photos"]);
    let who = alice.json(["whoami"]);
    is("whoami", &who);
    assert_eq!((&who["serverKey"], &who["formerServerKeys"]), (&made["nextServerKey"], &json!([made["serverKey"]])));
    let nowhere = folder.path().join("nowhere");
    let refused = operator.failure(["serve", "key", "next", "--data", nowhere.to_str().unwrap()]);
    assert_eq!((refused.code.as_str(), refused.exit), ("UnknownFile", 4), "{refused:?}");
}

#[test]
fn people_compare_words_and_what_does_not_fit_is_exit_5() {
    let server = Server::start();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    let seen = bob.json(["user", "alice"]);
    let (words, uri) = (seen["safetyWords"].as_str().unwrap(), bob.json(["whoami"])["uri"].clone());
    assert_eq!(alice.json(["user", "bob"])["safetyWords"], words);
    assert!(text(&alice, ["user", "bob"]).contains(words));
    let refused = alice.failure(["user", "bob", "--verify", "level", "join", "sea"]);
    assert_eq!((refused.code.as_str(), refused.exit), ("NotVerified", 5));
    let refused =
        alice.failure(["user", "bob", "--accept-new", uri.as_str().unwrap().replace("/bob", "/carol").as_str()]);
    assert_eq!((refused.code.as_str(), refused.exit), ("NotVerified", 5));
    assert_eq!(alice.json(["user", "bob"])["verified"], false);
    assert_eq!(alice.failure(["user", "bob", "--verify", words, "--accept-new", words]).code, "Usage");

    // As eight arguments, as one, as a QR code says it.
    let [a, b, c, d, e, f, g, h] = words.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let verified = alice.json(["user", "bob", "--verify", a, b, c, d, e, f, g, h]);
    is("user", &verified);
    assert_eq!(verified["verified"], true);
    assert_eq!(bob.json(["user", "alice", "--verify", words])["verified"], true);
    let accepted = bob.json(["user", "alice", "--accept-new", alice.json(["whoami"])["uri"].as_str().unwrap()]);
    is("user", &accepted);
    assert_eq!((&accepted["verified"], accepted.get("formerAccountId")), (&json!(true), None));
    // Not a terminal, so there is nothing to scan.
    assert_eq!(text(&alice, ["whoami", "--qr"]), text(&alice, ["whoami"]));
}

/// A document that a command prints which reads `input`.
#[track_caller]
fn piped<const N: usize>(person: &Person, arguments: [&str; N], input: &str) -> Value {
    let output = person.pipe(arguments.iter().chain(&["--json"]), input.as_bytes());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_else(|| panic!("{name} in {document}"))
}

#[test]
fn devices_print_their_documents() {
    let server = Server::start();
    let (alice, phone) = (Person::signed_up("alice", &server), Person::new("alice"));
    let first = alice.json(["whoami"])["deviceId"].clone();
    let ask = |device: &Person, label: &str| {
        let at = ["device", "request", "alice", "--server", &server.url, "--server-key", &server.key];
        device.json(at.into_iter().chain(["--label", label]))
    };
    let asked = ask(&phone, "phone");
    is("deviceRequested", &asked);
    assert_eq!(phone.failure(["whoami"]).code, "NoHome", "nobody has let it in");
    let listed = alice.json(["device", "list"]);
    is("devices", &listed);
    assert_eq!((&listed["devices"][0]["deviceId"], &listed["devices"][0]["isCurrent"]), (&first, &json!(true)));
    let request = &listed["requests"][0];
    assert_eq!((&request["deviceId"], &request["label"]), (&asked["deviceId"], &json!("phone")));
    assert_eq!(request["words"], asked["words"], "both show the same words");
    assert!(text(&alice, ["device", "list"]).contains(said(&asked, "words")));
    let let_in = alice.json(["device", "approve", said(&asked, "code")]);
    is("device", &let_in);
    assert_eq!((&let_in["label"], &let_in["addedBy"], &let_in["isCurrent"]), (&json!("phone"), &first, &json!(false)));
    let who = phone.json(["login"]);
    is("whoami", &who);
    assert_eq!(who["deviceId"], asked["deviceId"]);

    let renamed = phone.json(["device", "rename", "phone", "my phone"]);
    is("device", &renamed);
    assert_eq!((&renamed["label"], &renamed["deviceId"]), (&json!("my phone"), &asked["deviceId"]));
    let renewed = phone.json(["device", "rotate"]);
    is("device", &renewed);
    assert_eq!((&renewed["label"], &renewed["deviceId"]), (&json!("my phone"), &asked["deviceId"]));

    let stranger = Person::new("alice");
    let asked = ask(&stranger, "stranger");
    let declined = alice.json(["device", "decline", said(&asked, "code")]);
    is("deviceDeclined", &declined);
    assert_eq!(declined["deviceId"], asked["deviceId"]);

    // By a text: through a pipe, and from a file; and what the text brought in brings another in.
    let enrolment = phone.json(["device", "enroll", "laptop"]);
    is("enrolment", &enrolment);
    assert_eq!(text(&phone, ["device", "enroll", "unused", "--expires", "5min"]).trim().lines().count(), 1);
    let laptop = Person::new("alice");
    let who = piped(&laptop, ["device", "register", "-"], said(&enrolment, "uri"));
    is("whoami", &who);
    let tablet = Person::new("alice");
    tablet.write("text", (said(&laptop.json(["device", "enroll", "tablet"]), "uri").to_owned() + "\n").as_bytes());
    is("whoami", &tablet.json(["device", "register", "text"]));

    alice.json(["keychain", "create", "notes"]);
    let tablets = tablet.json(["whoami"])["deviceId"].clone();
    let revoked = alice.json(["device", "revoke", "my phone", "--keep", "tablet"]);
    is("revokedDevices", &revoked);
    assert_eq!(revoked["deviceIds"].as_array().map(Vec::len), Some(3), "phone, laptop, and what was not used");
    let events = tablet.json(["sync"]);
    is("events", &events);
    let gone = events.as_array().unwrap().iter().filter(|event| event["event"] == "deviceRevoked");
    assert_eq!(gone.count(), 3, "{events}");
    let listed = tablet.json(["device", "list"]);
    is("devices", &listed);
    let ids: Vec<&Value> = listed["devices"].as_array().unwrap().iter().map(|device| &device["deviceId"]).collect();
    assert_eq!(ids, [&first, &tablets]);
    let told = text(&alice, ["device", "revoke", "tablet"]);
    assert!(told.contains("1 device is out") && told.contains("generation 2"), "{told}");
}

#[test]
fn a_device_that_asks_is_told_of_by_watch() {
    let server = Server::start();
    let (alice, phone) = (Person::signed_up("alice", &server), Person::new("alice"));
    let watch = alice.watch();
    let asked = phone.json(["device", "request", "alice", "--server", &server.url]);
    let event = watch.next();
    is("event", &event);
    assert_eq!(event, json!({"event": "deviceRequested", "deviceId": asked["deviceId"]}));
    assert_eq!(watch.stop(), Some(0));
}

#[test]
fn ways_back_print_their_documents() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    let status = alice.json(["recovery", "status"]);
    is("recoveryStatus", &status);
    assert_eq!(status["missing"], json!(["noRecovery", "nothingOffline"]));
    assert!(text(&alice, ["recovery", "status"]).contains("`keyfold recovery paper` makes one"));

    let password = piped(&alice, ["recovery", "password", "--label", "in my head"], "correct horse\n");
    is("recovery", &password);
    assert_eq!((&password["method"], &password["label"]), (&json!("password"), &json!("in my head")));
    let paper = alice.json(["recovery", "paper"]);
    is("recoveryPaper", &paper);
    let shares = alice.json(["recovery", "shares", "2", "3"]);
    is("recoveryShares", &shares);
    let status = alice.json(["recovery", "status"]);
    is("recoveryStatus", &status);
    let ids: Vec<&Value> = status["methods"].as_array().unwrap().iter().map(|method| &method["recoveryId"]).collect();
    assert_eq!(ids, [&password["recoveryId"], &paper["recoveryId"], &shares["recoveryId"]], "oldest first");
    assert_eq!(status["missing"], json!([]));

    let recover = |device: &Person, more: &[&str], input: &str| {
        let at = ["recovery", "recover", "alice", "--server", &server.url, "--server-key", &server.key, "--json"];
        let output = device.pipe(at.iter().chain(more), input.as_bytes());
        assert!(output.status.success(), "{more:?}: {}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        is("recovered", &document);
        assert_eq!(document["accountId"], alice.json(["whoami"])["accountId"]);
        document
    };
    recover(&Person::new("alice"), &["--password"], "correct horse");
    let two = format!("{}\n{}\n", shares["shares"][2].as_str().unwrap(), shares["shares"][0].as_str().unwrap());
    recover(&Person::new("alice"), &["--shares", "-", "--label", "tablet"], &two);

    // In the place of another one, and away, by its own secret.
    let former = alice.write("former", b"correct horse\n");
    let former = former.to_str().unwrap();
    let renewed =
        piped(&alice, ["recovery", "password", "-", "--replaces", "password", "--with", former], "battery staple");
    is("recovery", &renewed);
    let left = piped(&alice, ["recovery", "remove", "shares"], &two);
    is("recoveryStatus", &left);
    assert_eq!(left["methods"].as_array().map(Vec::len), Some(2));
    let words = said(&paper, "words");
    let left = piped(&alice, ["recovery", "remove", said(&renewed, "recoveryId"), "--by", "paper"], words);
    is("recoveryStatus", &left);
    assert_eq!(left["methods"][0]["recoveryId"], paper["recoveryId"]);

    // All that she had is lost.
    let devices = alice.json(["device", "list"])["devices"].as_array().unwrap().len();
    let new = Person::new("alice");
    new.write("words", words.as_bytes());
    let at = ["recovery", "recover", "alice", "--server", &server.url, "--paper", "words", "--revoke-all"];
    let back = new.json(at);
    is("recovered", &back);
    assert_eq!((back["revokedDeviceIds"].as_array().map(Vec::len), devices), (Some(3), 3));
    let events = new.json(["sync"]);
    is("events", &events);
    assert!(!events.as_array().unwrap().iter().any(|event| event["event"] == "recoveryUsed"), "it was this device");
}

#[test]
fn words_and_shares_are_shown_as_they_are_written_down() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    let paper = text(&alice, ["recovery", "paper"]);
    let rows: Vec<&str> =
        paper.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit())).collect();
    assert_eq!(rows.len(), 6, "{paper}");
    assert!(rows[0].starts_with("   1  ") && rows[5].contains("  24  "), "{paper}");
    let shares = text(&alice, ["recovery", "shares", "2", "3"]);
    assert!(shares.contains("Any 2 of them") && shares.contains("Share 3 of 3\nkeyfold:share/"), "{shares}");
}

#[test]
fn sharing_prints_its_documents() {
    let server = Server::start();
    let (alice, bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    let key = alice.json(["keychain", "create", "notes"]);
    is("key", &key);
    is("key", &alice.json(["keychain", "create", "inbox", "--algorithm", "sealedBox"]));
    is("keys", &alice.json(["keychain", "list"]));
    is("keychain", &alice.json(["keychain", "show", "notes"]));
    is("key", &alice.json(["keychain", "rotate", "notes"]));
    let share = alice.json(["share", "notes", "bob", "--keys", "all", "--allow", "sharing", "--expires", "7d"]);
    is("share", &share);
    let shares = alice.json(["shares"]);
    is("shares", &shares);
    assert_eq!(shares.as_array().map(Vec::len), Some(1));
    is("participants", &alice.json(["participants", "notes"]));
    let key = shares[0]["keyFingerprint"].as_str().unwrap().to_owned();
    is("unshare", &alice.json(["unshare", "bob", &key]));
    alice.json(["share", "inbox", "bob"]);
    let events = bob.json(["sync"]);
    is("events", &events);
    assert!(!events.as_array().unwrap().is_empty());
    alice.json(["share", "notes", "bob"]);
    let watch = bob.watch();
    is("event", &watch.next());
    is("event", &watch.next());
    assert_eq!(watch.stop(), Some(0), "a watch that is asked to stop ends well");
}

#[test]
fn shares_that_wait_are_listed_accepted_and_declined() {
    let server = Server::start();
    let (alice, bob) = (Person::signed_up("alice", &server), Person::signed_up("bob", &server));
    let who = bob.json(["login", "--accept-shares", "ask"]);
    is("whoami", &who);
    assert_eq!(who["acceptShares"], "ask");
    is("incomingShares", &bob.json(["accept"]));
    let keychain = alice.json(["keychain", "create", "notes"])["keychainFingerprint"].clone();
    let share = keychain.as_str().unwrap();
    alice.json(["share", "notes", "bob"]);
    let events = bob.json(["sync"]);
    is("events", &events);
    assert_eq!(events, json!([{"event": "shareReceived", "keychainFingerprint": keychain, "sharedBy": "alice"}]));
    for verb in ["accept", "decline"] {
        let waiting = bob.json([verb]);
        is("incomingShares", &waiting);
        assert_eq!((&waiting[0]["keychainFingerprint"], &waiting[0]["sharedBy"]), (&keychain, &json!("alice")));
    }
    is("incomingShare", &bob.json(["decline", share]));
    assert_eq!(alice.json(["participants", "notes"]).as_array().map(Vec::len), Some(1));
    let refusal = bob.failure(["accept", share]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("NotPending", 4));
    alice.json(["share", "notes", "bob"]);
    let taken = bob.json(["accept", share]);
    is("keychain", &taken);
    assert_eq!((&taken["purpose"], &taken["sharedBy"]), (&json!("notes"), &json!("alice")));
}

#[test]
fn owners_and_dropped_keys_print_their_documents() {
    let server = Server::start();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    let first = alice.json(["keychain", "create", "notes"])["keyFingerprint"].as_str().unwrap().to_owned();
    alice.json(["share", "notes", "bob"]);
    bob.json(["sync"]);
    is("owners", &alice.json(["owners", "notes"]));
    let two = alice.json(["owners", "notes", "--add", "bob"]);
    is("owners", &two);
    assert_eq!((&two["owners"], &two["quorum"]), (&json!(["alice", "bob"]), &json!(2)));
    let waiting = bob.json(["owners", "notes", "--remove", "alice"]);
    is("owners", &waiting);
    let proposal = json!([{"id": "remove:alice", "decision": "removeOwner", "subject": "alice", "approvals": ["bob"]}]);
    assert_eq!(waiting["proposals"], proposal);
    let other = alice.json(["keychain", "create", "elsewhere"])["keychainFingerprint"].clone();
    let hint = alice.json(["owners", "notes", "--successor", "elsewhere"]);
    let id = hint["proposals"][1]["id"].as_str().unwrap();
    let decided = bob.json(["owners", "notes", "--approve", id]);
    is("owners", &decided);
    assert_eq!(decided["successor"], other);
    let refusal = alice.failure(["owners", "notes", "--approve", "remove:alice"]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("RemovalOfOneself", 3));

    alice.json(["keychain", "rotate", "notes"]);
    let kept = alice.json(["keychain", "drop", "notes", &first]);
    is("keychain", &kept);
    assert_eq!(kept["keys"].as_array().map(Vec::len), Some(1));
}

#[test]
fn permissions_and_bans_print_their_documents() {
    let server = Server::start();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| Person::signed_up(name, &server));
    let keychain = alice.json(["keychain", "create", "notes"])["keychainFingerprint"].clone();
    alice.json(["share", "notes", "bob", "carol", "--allow", "sharing"]);
    bob.json(["sync"]);
    carol.json(["sync"]);
    let shown = bob.json(["permissions", "notes", "bob"]);
    is("permissions", &shown);
    assert_eq!((&shown["allowSharing"], &shown["allowManagement"]), (&json!(true), &json!(false)));
    let changed = alice.json(["permissions", "notes", "bob", "--allow", "management,rotation", "--deny", "sharing"]);
    is("permissions", &changed);
    let expected =
        json!({"allowSharing": false, "allowRotation": true, "allowDeletion": false, "allowManagement": true});
    assert_eq!(changed, expected);
    assert_eq!(bob.json(["permissions", "notes", "bob"]), expected);

    let ban = alice.json(["ban", "notes", "bob"]);
    is("ban", &ban);
    assert_eq!((&ban["userId"], &ban["keychainFingerprint"]), (&json!("bob"), &keychain));
    assert_eq!(ban["keyFingerprint"], alice.json(["keychain", "list"])[0]["keyFingerprint"]);
    for person in [&bob, &carol] {
        let events = person.json(["sync"]);
        is("events", &events);
        let told = events.as_array().unwrap().iter().filter(|event| event["event"] == "memberBanned");
        let expected = json!({"event": "memberBanned", "keychainFingerprint": keychain, "userId": "bob"});
        assert_eq!(told.collect::<Vec<_>>(), [&expected], "{}", person.name());
    }

    let left = carol.json(["leave", "notes"]);
    is("ban", &left);
    assert_eq!((&left["userId"], &left["keyFingerprint"]), (&json!("carol"), &Value::Null));
    is("events", &alice.json(["sync"]));
    assert_eq!(alice.json(["keychain", "list"])[0]["keyNumber"], 3, "alice made the key that carol does not have");
}

#[test]
fn groups_print_their_documents() {
    let server = Server::start();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    let group = alice.json(["group", "create", "team"]);
    is("group", &group);
    assert_eq!((&group["name"], &group["rank"], &group["memberCount"]), (&json!("team"), &json!(100), &json!(1)));
    is("group", &alice.json(["group", "create", "department", "--rank", "150"]));
    let added = alice.json(["group", "add", "team", "bob", "--allow", "sharing"]);
    is("share", &added);
    assert_eq!((&added["keychainFingerprint"], &added["purpose"]), (&group["groupFingerprint"], &json!("team")));
    let events = bob.json(["sync"]);
    is("events", &events);
    let told = json!({"event": "groupUpdated", "groupFingerprint": group["groupFingerprint"], "name": "team"});
    assert_eq!(events.as_array().unwrap().last(), Some(&told));
    let nested = alice.json(["group", "add", "department", "group:team"]);
    is("share", &nested);
    assert_eq!(nested["recipients"][0]["userId"], "group:team");
    alice.json(["keychain", "create", "notes"]);
    is("share", &alice.json(["share", "notes", "group:department"]));
    is("events", &bob.json(["sync"]));
    is("keychain", &bob.json(["keychain", "show", "notes"]));
    let participants = alice.json(["participants", "notes"]);
    is("participants", &participants);
    assert_eq!(participants[1]["through"], json!(["group:department", "group:team"]));
    let listed = bob.json(["group", "list"]);
    is("groups", &listed);
    assert_eq!((&listed[0]["name"], &listed[1]["sharedBy"]), (&json!("department"), &json!("alice")));
    let shown = alice.json(["group", "show", "team"]);
    is("group", &shown);
    assert_eq!(shown["participants"].as_array().map(Vec::len), Some(2));
    is("owners", &alice.json(["group", "owners", "team", "--add", "bob"]));
    is("permissions", &alice.json(["permissions", "notes", "group:department", "--allow", "sharing"]));
    let text = text(&alice, ["group", "show", "team"]);
    assert!(text.contains("team") && text.contains("bob"), "{text}");
    is("ban", &bob.json(["group", "leave", "team"]));
    bob.json(["sync"]);
    assert_eq!(bob.json(["group", "list"]), json!([]));
    let gone = alice.failure(["group", "remove", "team", "bob"]);
    assert_eq!((gone.code.as_str(), gone.exit), ("NoSuchMember", 4));
    let unknown = bob.failure(["group", "show", "team"]);
    assert_eq!((unknown.code.as_str(), unknown.exit), ("UnknownGroup", 4));
    alice.json(["group", "add", "team", "bob"]);
    bob.json(["sync"]);
    let removed = alice.json(["group", "remove", "group:team", "bob"]);
    is("ban", &removed);
    assert_eq!(removed["userId"], "bob");
    let cycle = alice.failure(["group", "add", "team", "group:department"]);
    assert_eq!((cycle.code.as_str(), cycle.exit), ("RankTooHigh", 3));
}

#[test]
fn audits_print_their_documents() {
    let server = Server::start();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    let notes = alice.json(["keychain", "create", "notes"])["keychainFingerprint"].clone();
    alice.json(["share", "notes", "bob", "--allow", "sharing", "--expires", "7d"]);
    bob.json(["sync"]);
    alice.json(["permissions", "notes", "bob", "--allow", "rotation", "--deny", "sharing"]);
    alice.json(["owners", "notes", "--add", "bob"]);
    bob.json(["owners", "notes", "--remove", "alice"]);
    alice.json(["index", "notes", "table", "put", "k", "v"]);
    alice.json(["keychain", "rotate", "notes"]);
    let audit = alice.json(["audit", "notes"]);
    is("audit", &audit);
    assert_eq!((&audit["scope"], &audit["entries"][5]["author"]["userId"]), (&notes, &json!("bob")));
    assert_eq!(audit["entries"][7]["actions"], json!([{ "kind": "anchor", "indexes": 1 }]));
    is("audit", &alice.json(["audit", "bob"]));
    let text = text(&alice, ["audit", "notes"]);
    for line in [
        "made the keychain; key 1",
        "took alice's share",
        "allowed bob: rotation; denied bob: sharing",
        "noted how far an index is",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("Members: alice (owner), bob (owner).") || text.contains("Members: bob (owner), alice"));

    let exported = alice.json(["audit", "notes", "--export", "ledger"]);
    is("auditFile", &exported);
    let exists = alice.failure(["audit", "notes", "--export", "ledger"]);
    assert_eq!((exists.code.as_str(), exists.exit), ("OutputExists", 2));
    let ledger = alice.file("ledger");
    let compared = bob.json(["audit", "notes", "--compare", ledger.to_str().unwrap()]);
    is("auditComparison", &compared);
    assert_eq!(compared["agrees"], true);
    let none = bob.failure(["audit", "notes", "--evidence", "proof"]);
    assert_eq!((none.code.as_str(), none.exit), ("NoEvidence", 4));
    assert!(!bob.file("proof").exists());
    // Without an account.
    let carol = Person::new("carol");
    let verified = carol.json(["audit", ledger.to_str().unwrap(), "--server-key", &server.key]);
    is("audit", &verified);
    assert_eq!(verified["entries"], audit["entries"]);
}

#[test]
fn a_file_of_evidence_prints_what_it_proves_and_an_altered_one_exits_5() {
    let vector = |name: &str| {
        let path = format!("{}/../vectors/audit/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let vector: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let hex = vector["file"].as_str().unwrap().to_owned();
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect::<Vec<u8>>()
    };
    let carol = Person::new("carol");
    carol.write("proof", &vector("evidence-of-two-branches"));
    let evidence = carol.json(["audit", "proof"]);
    is("evidence", &evidence);
    let text = text(&carol, ["audit", "proof"]);
    assert!(text.contains("Proved:") && text.contains("Not proved:"), "{text}");
    let key = evidence["serverKey"].as_str().unwrap();
    is("evidence", &carol.json(["audit", "proof", "--server-key", key]));
    let other = evidence["fork"].as_str().unwrap();
    let wrong = carol.failure(["audit", "proof", "--server-key", other]);
    assert_eq!((wrong.code.as_str(), wrong.exit), ("WrongServerKey", 5));
    for name in ["evidence-that-is-one-ledger", "history-without-its-last-entry", "truncated"] {
        carol.write("altered", &vector(name));
        let altered = carol.failure(["audit", "altered"]);
        assert_eq!((altered.code.as_str(), altered.exit), ("NotProved", 5), "{name}");
    }
}

#[test]
fn files_and_values_print_their_documents() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    alice.json(["keychain", "create", "notes"]);
    alice.json(["keychain", "create", "more"]);
    alice.write("plain", b"some bytes");
    is("encrypt", &alice.json(["encrypt", "notes", "plain", "-o", "sealed", "--sign"]));
    is("decrypt", &alice.json(["decrypt", "sealed", "-o", "again"]));
    is("slots", &alice.json(["slot", "sealed", "list"]));
    is("slots", &alice.json(["slot", "sealed", "add", "more"]));
    is("slots", &alice.json(["slot", "sealed", "remove", "more"]));
    let value = alice.json(["encrypt", "notes", "plain", "--text"]);
    is("encrypt", &value);
    alice.write("value", value["text"].as_str().unwrap().as_bytes());
    let opened = alice.json(["decrypt", "value", "--text"]);
    is("decrypt", &opened);
    assert_eq!(opened["value"], "some bytes");
}

#[test]
fn indexes_print_their_documents() {
    let server = Server::start();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signed_up(name, &server));
    alice.json(["keychain", "create", "notes"]);
    let index = |person: &Person, words: &str| {
        person.json(["index", "notes", "expenses"].into_iter().chain(words.split_whitespace()))
    };
    let (count, checked) = (index(&alice, "count"), index(&alice, "check"));
    is("indexCount", &count);
    is("indexCheck", &checked);
    assert_eq!((&count, &checked), (&json!({"count": 0}), &json!({"entries": 0, "nodes": 0, "wrong": []})));

    // Text.
    let put = index(&alice, "put rent 900");
    is("indexKey", &put);
    assert_eq!(put, json!({"key": "rent"}));
    is("indexKey", &piped(&alice, ["index", "notes", "expenses", "put", "food", "-"], "two\nlines\n"));
    let got = index(&alice, "get food");
    is("indexEntry", &got);
    assert_eq!(got, json!({"key": "food", "value": "two\nlines\n"}));
    assert_eq!(text(&alice, ["index", "notes", "expenses", "get", "rent"]), "900\n");
    let output = alice.pipe(["index", "notes", "expenses", "put", "bytes", "-"], b"\xff\x00");
    assert!(output.status.success(), "{output:?}");
    let got = index(&alice, "get bytes");
    is("indexEntry", &got);
    assert_eq!(got, json!({"key": "bytes", "bytes": "_wA"}));
    assert_eq!(alice.run(["index", "notes", "expenses", "get", "bytes"]).stdout, b"\xff\x00\n");
    let waiting = index(&alice, "waiting");
    is("indexWaiting", &waiting);
    let given_up = index(&alice, "waiting --give-up");
    is("indexWaiting", &given_up);
    assert_eq!((waiting, given_up), (json!({"waiting": 0}), json!({"gaveUp": 0})));
    let removed = index(&alice, "rm bytes");
    is("indexKey", &removed);
    assert_eq!(removed, json!({"key": "bytes"}));
    let range = index(&alice, "range");
    is("indexEntries", &range);
    assert_eq!(range, json!([{"key": "food", "value": "two\nlines\n"}, {"key": "rent", "value": "900"}]));
    for (from_the_second, nothing) in [("--skip 1", "--skip 2"), ("--after food", "--after rent --skip 3")] {
        assert_eq!(index(&alice, &format!("range {from_the_second}")), json!([{"key": "rent", "value": "900"}]));
        assert_eq!(index(&alice, &format!("range {nothing}")), json!([]));
    }
    assert_eq!(index(&alice, "range --reverse --after rent")[0]["key"], "food");

    // A table, keys by number; another by date.
    alice.write("table.csv", "id,what,eur\n10,\"bread, \"\"fresh\"\"\",3.5\n-2,milk,1\n9.5,tea,\n".as_bytes());
    let imported = index(&alice, "import table.csv --key id --as number");
    is("indexImport", &imported);
    assert_eq!(imported, json!({"imported": 3}));
    let range = index(&alice, "--as number range --from -5 --to 10.0");
    is("indexEntries", &range);
    let keys: Vec<&Value> = range.as_array().unwrap().iter().map(|entry| &entry["key"]).collect();
    assert_eq!(keys, [&json!(-2), &json!(9.5)]);
    let row: Value = serde_json::from_str(said(&index(&alice, "get --as number 1e1"), "value")).unwrap();
    assert_eq!(row, json!({"id": "10", "what": "bread, \"fresh\"", "eur": "3.5"}));
    let rows = "{\"on\": \"2026-01-31\", \"eur\": 5}\n\n{\"on\": \"2026-01-31T12:30:00+01:00\", \"eur\": 6}";
    let imported = piped(
        &alice,
        ["index", "notes", "expenses", "import", "-", "--key", "on", "--as", "date", "--format", "jsonl"],
        rows,
    );
    assert_eq!(imported, json!({"imported": 2}));
    let range = index(&alice, "range --as date --from 2026-01-31 --to 2026-02-01 --reverse --limit 1");
    is("indexEntries", &range);
    assert_eq!((range.as_array().map(Vec::len), &range[0]["key"]), (Some(1), &json!("2026-01-31T11:30:00Z")));
    let row: Value = serde_json::from_str(said(&range[0], "value")).unwrap();
    assert_eq!(row["eur"], 6);
    assert_eq!(index(&alice, "count"), json!({"count": 7}), "numbers, dates and text stand in one index");
    assert_eq!(text(&alice, ["index", "notes", "expenses", "count"]), "7\n");
    let first = text(&alice, ["index", "notes", "expenses", "range", "--limit", "1"]);
    assert!(first.starts_with("-2\t{") && first.ends_with("}\n"), "{first}");

    // Another person, and another index of the same keychain.
    alice.json(["share", "notes", "bob"]);
    bob.json(["sync"]);
    assert_eq!(index(&bob, "range"), index(&alice, "range"));
    is("indexKey", &index(&bob, "put rent 950"));
    assert_eq!(index(&alice, "get rent")["value"], "950");
    let checked = index(&bob, "check");
    is("indexCheck", &checked);
    assert_eq!(checked["wrong"], json!([]));
    let rows: String = (0..5_000).map(|row| format!("{row}\n")).collect();
    bob.write("many.csv", format!("id\n{rows}").as_bytes());
    assert_eq!(index(&bob, "import many.csv --key id"), json!({"imported": 5_000}));
    let checked = index(&bob, "check");
    is("indexCheck", &checked);
    assert!(checked["entries"].as_u64() >= Some(5_000) && checked["nodes"].as_u64() > Some(1), "{checked}");
    assert!(text(&bob, ["index", "notes", "expenses", "check"]).contains(" entries, "));
    assert_eq!(alice.json(["index", "notes", "other", "count"]), json!({"count": 0}));
}

#[test]
fn the_document_goes_to_standard_error_where_the_data_is_the_output() {
    let server = Server::start();
    let alice = Person::signed_up("alice", &server);
    alice.json(["keychain", "create", "notes"]);
    let sealed = alice.pipe(["encrypt", "notes", "--json"], b"some bytes");
    assert!(sealed.status.success(), "{sealed:?}");
    is("encrypt", &serde_json::from_slice(&sealed.stderr).unwrap());
    let opened = alice.pipe(["decrypt", "--json"], &sealed.stdout);
    assert_eq!(opened.stdout, b"some bytes");
    is("decrypt", &serde_json::from_slice(&opened.stderr).unwrap());
}

#[test]
fn completions_print_their_document() {
    let alice = Person::new("alice");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        is("completions", &alice.json(["completions", shell]));
    }
}

#[test]
fn every_failure_prints_the_error_document() {
    let alice = Person::new("alice");
    for arguments in [
        &["whoami"][..],
        &["device", "list"],
        &["recovery", "status"],
        &["no-such-verb"],
        &["signup"],
        &["decrypt", "nowhere"],
    ] {
        let output = alice.command(arguments).arg("--json").output().unwrap();
        assert!(output.stdout.is_empty() && !output.status.success(), "{arguments:?}: {output:?}");
        let failure = keyfold_bin::failure(&output).unwrap_or_else(|| panic!("{arguments:?}: {output:?}"));
        is("error", &serde_json::from_slice(&output.stderr).unwrap());
        assert!((1..=6).contains(&failure.exit), "{failure:?}");
    }
}
