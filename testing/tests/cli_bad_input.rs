//! Bad input from a terminal: each a clear error with code and exit status, nothing half-done, no output left behind.

use keyfold_testing::disk::Disk;
use keyfold_testing::keyfold_bin::{Failure, Person, Server, failure, files};
use std::ffi::OsString;

#[track_caller]
fn is(failure: &Failure, code: &str, exit: i32) {
    assert_eq!((failure.code.as_str(), failure.exit), (code, exit), "{failure:?}");
    assert!(!failure.message.is_empty() && failure.stdout.is_empty(), "{failure:?}");
}

/// Alice, who holds a keychain `notes`.
fn alice(server: &Server) -> Person {
    let alice = Person::signed_up("alice", server);
    alice.json(["keychain", "create", "notes"]);
    alice
}

/// What a person's `sync` brings, without what this device did itself.
fn arrived(person: &Person) -> Vec<String> {
    let events = person.json(["sync"]);
    let names = events.as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap().to_owned());
    names.filter(|name| name != "identityUpdated").collect()
}

/// The files beside the home that are not in `known`: what a failing command left.
fn left(person: &Person, known: &[&str]) -> Vec<String> {
    let folder = person.home();
    let folder = folder.parent().unwrap();
    let names = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "home" && !known.contains(&name.as_str())).collect()
}

#[test]
fn an_unknown_user_is_not_found_and_nobody_gets_anything() {
    let server = Server::start();
    let alice = alice(&server);
    let _bob = Person::signed_up("bob", &server);
    is(&alice.failure(["user", "dave"]), "UnknownUser", 4);
    is(&alice.failure(["share", "notes", "bob", "dave"]), "UnknownUser", 4);
    assert_eq!(alice.json(["shares"]).as_array().map(Vec::len), Some(0), "bob got nothing either");
}

#[test]
fn a_server_with_another_key_is_refused_before_anything_is_made() {
    let (server, other) = (Server::start(), Server::start());
    let alice = Person::new("alice");
    is(&alice.failure(["signup", "alice", "--server", &server.url, "--server-key", &other.key]), "WrongServerKey", 5);
    is(&alice.failure(["whoami"]), "NoHome", 4);
    alice.json(["signup", "alice", "--server", &server.url, "--server-key", &server.key]);
}

#[test]
fn a_server_key_that_is_none_is_refused() {
    let server = Server::start();
    let alice = Person::new("alice");
    is(&alice.failure(["signup", "alice", "--server", &server.url, "--server-key", "short"]), "WrongServerKey", 5);
    is(&alice.failure(["whoami"]), "NoHome", 4);
}

#[test]
fn a_name_that_is_too_long_empty_or_not_text_is_refused() {
    let server = Server::start();
    let person = Person::new("alice");
    let long = "a".repeat(129);
    for (name, code) in [(long.as_str(), "TooLarge"), ("", "BadText"), ("a\nb", "BadText"), ("e\u{301}", "BadText")] {
        is(&person.failure(["signup", name, "--server", &server.url]), code, 2);
    }
    is(&person.failure(["whoami"]), "NoHome", 4);

    let alice = alice(&server);
    let long = "a".repeat(257);
    for (purpose, code) in [(long.as_str(), "TooLarge"), ("", "BadText"), ("a\u{7}", "BadText")] {
        is(&alice.failure(["keychain", "create", purpose]), code, 2);
    }
    assert_eq!(alice.json(["keychain", "list"]).as_array().map(Vec::len), Some(1));
    alice.json(["keychain", "create", &"a".repeat(256)]);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf_8_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let server = Server::start();
    let alice = alice(&server);
    let bad = || OsString::from_vec(vec![b'a', 0xff]);
    is(&alice.failure([OsString::from("keychain"), "create".into(), bad()]), "BadText", 2);
    is(&alice.failure(["signup".into(), bad(), "--server".into(), OsString::from(&server.url)]), "BadText", 2);
    assert_eq!(alice.json(["keychain", "list"]).as_array().map(Vec::len), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_may_have_a_name_that_is_not_utf_8() {
    use std::os::unix::ffi::OsStringExt;
    let server = Server::start();
    let alice = alice(&server);
    let name = OsString::from_vec(vec![b'a', 0xff]);
    std::fs::write(alice.home().parent().unwrap().join(&name), "bytes").unwrap();
    alice.json(["encrypt".into(), "notes".into(), name, "-o".into(), OsString::from("sealed")]);
    assert_eq!(alice.run(["decrypt", "sealed"]).stdout, b"bytes");
}

#[test]
fn a_file_that_was_cut_altered_or_is_no_envelope_leaves_no_output() {
    let server = Server::start();
    let alice = alice(&server);
    // Three segments, so that the fault can lie behind others that are fine.
    alice.write("plain", &vec![7; 180_000]);
    alice.json(["encrypt", "notes", "plain", "-o", "sealed"]);
    let sealed = std::fs::read(alice.file("sealed")).unwrap();
    let altered = |at: usize| {
        let mut bytes = sealed.clone();
        bytes[at] ^= 1;
        bytes
    };
    let end = sealed.len();
    let longer = [&sealed[..], b"x"].concat();
    for (what, bytes, code, exit) in [
        ("cut in the header", sealed[..40].to_vec(), "Truncated", 5),
        ("cut in the last segment", sealed[..end - 1].to_vec(), "Unauthentic", 5),
        ("without the last segment", sealed[..end - 65_000].to_vec(), "Unauthentic", 5),
        ("altered at the end", altered(end - 1), "Unauthentic", 5),
        ("altered in the middle", altered(end - 100_000), "Unauthentic", 5),
        ("one byte longer", longer, "Unauthentic", 5),
        ("another version", altered(8), "Unsupported", 1),
        ("not an envelope", b"just text, and long enough for a header".to_vec(), "NotAnEnvelope", 1),
        ("empty", Vec::new(), "NotAnEnvelope", 1),
    ] {
        alice.write("bad", &bytes);
        let failure = alice.failure(["decrypt", "bad", "-o", "out"]);
        // Where exactly a cut is noticed depends on where it is; that it is one of the two is the contract.
        let cut = what.starts_with("cut") || what.starts_with("without");
        let code = if cut && failure.code == "Truncated" { "Truncated" } else { code };
        assert_eq!((failure.code.as_str(), failure.exit), (code, exit), "{what}: {failure:?}");
        assert_eq!(left(&alice, &["plain", "sealed", "bad"]), [""; 0], "{what}");
    }
}

#[test]
fn to_a_pipe_only_authentic_segments_are_released() {
    let server = Server::start();
    let alice = alice(&server);
    let plain: Vec<u8> = (0..400_000_u32).flat_map(u32::to_be_bytes).collect();
    let mut sealed = alice.pipe(["encrypt", "notes"], &plain).stdout;
    let end = sealed.len();
    sealed[end - 1] ^= 1;
    let output = alice.pipe(["decrypt", "--json"], &sealed);
    assert_eq!(failure(&output).map(|failure| (failure.code, failure.exit)), Some(("Unauthentic".into(), 5)));
    assert!(plain.starts_with(&output.stdout) && output.stdout.len() < plain.len());
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let server = Server::start();
    let alice = alice(&server);
    is(&alice.failure(["encrypt", "notes", "nowhere", "-o", "out"]), "UnknownFile", 4);
    is(&alice.failure(["decrypt", "nowhere", "-o", "out"]), "UnknownFile", 4);
    is(&alice.failure(["slot", "nowhere", "list"]), "UnknownFile", 4);
    assert_eq!(left(&alice, &[]), [""; 0]);
}

#[test]
fn an_output_that_exists_is_left_alone_unless_forced() {
    let server = Server::start();
    let alice = alice(&server);
    alice.write("plain", b"bytes");
    alice.write("out", b"precious");
    is(&alice.failure(["encrypt", "notes", "plain", "-o", "out"]), "OutputExists", 2);
    assert_eq!(std::fs::read(alice.file("out")).unwrap(), b"precious");
    alice.json(["encrypt", "notes", "plain", "-o", "out", "--force"]);
    is(&alice.failure(["decrypt", "out", "-o", "plain"]), "OutputExists", 2);
}

#[test]
fn a_keychain_one_is_not_in_does_not_exist() {
    let server = Server::start();
    let (alice, carol) = (alice(&server), Person::signed_up("carol", &server));
    let keychain = alice.json(["keychain", "show", "notes"])["keychainFingerprint"].as_str().unwrap().to_owned();
    alice.write("plain", b"bytes");
    alice.json(["encrypt", "notes", "plain", "-o", "sealed"]);
    std::fs::copy(alice.file("sealed"), carol.file("sealed")).unwrap();
    carol.write("mine", b"bytes");
    for name in ["notes", keychain.as_str()] {
        is(&carol.failure(["participants", name]), "UnknownKeychain", 4);
        is(&carol.failure(["keychain", "show", name]), "UnknownKeychain", 4);
        is(&carol.failure(["keychain", "rotate", name]), "UnknownKeychain", 4);
        is(&carol.failure(["share", name, "carol"]), "UnknownKeychain", 4);
        is(&carol.failure(["encrypt", name, "mine", "-o", "out"]), "UnknownKeychain", 4);
    }
    is(&carol.failure(["decrypt", "sealed", "-o", "out"]), "NoSlot", 3);
    assert_eq!(left(&carol, &["sealed", "mine"]), [""; 0]);
}

#[test]
fn the_same_command_twice_does_its_work_once() {
    let server = Server::start();
    let (alice, bob) = (alice(&server), Person::signed_up("bob", &server));
    is(&alice.failure(["signup", "alice", "--server", &server.url]), "HomeExists", 2);
    is(&Person::new("alice").failure(["signup", "alice", "--server", &server.url]), "UserTaken", 3);
    let first = alice.json(["share", "notes", "bob"]);
    let second = alice.json(["share", "notes", "bob"]);
    assert_eq!(
        (&first["recipients"][0]["already"], &second["recipients"][0]["already"]),
        (&false.into(), &true.into())
    );
    assert_eq!(alice.json(["shares"]).as_array().map(Vec::len), Some(1));
    let key = first["keyFingerprints"][0].as_str().unwrap();
    alice.json(["unshare", "bob", key]);
    is(&alice.failure(["unshare", "bob", key]), "NotPending", 4);
    assert_eq!(arrived(&bob), [""; 0]);
    alice.json(["logout"]);
    is(&alice.failure(["keychain", "list"]), "LoggedOut", 3);
    alice.json(["login"]);
    assert_eq!(alice.json(["keychain", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn two_at_once_on_one_home_wait_for_each_other() {
    let server = Server::start();
    let alice = alice(&server);
    let commands: Vec<_> = (0..6)
        .map(|n| alice.command(["keychain", "create", &format!("keychain {n}"), "--json"]).spawn().unwrap())
        .collect();
    for command in commands {
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(alice.json(["keychain", "list"]).as_array().map(Vec::len), Some(7));
}

#[test]
fn two_purposes_alike_are_ambiguous_unless_one_is_ones_own() {
    let server = Server::start();
    let (alice, bob) = (alice(&server), Person::signed_up("bob", &server));
    alice.json(["share", "notes", "bob"]);
    bob.json(["sync"]);
    let own = bob.json(["keychain", "create", "notes"]);
    assert_eq!(bob.json(["keychain", "show", "notes"])["keychainFingerprint"], own["keychainFingerprint"]);
    bob.json(["keychain", "create", "notes"]);
    is(&bob.failure(["keychain", "show", "notes"]), "AmbiguousPurpose", 2);
    bob.json(["keychain", "show", own["keychainFingerprint"].as_str().unwrap()]);
}

#[test]
fn another_context_does_not_open_it() {
    let server = Server::start();
    let alice = alice(&server);
    let value = alice.pipe(["encrypt", "notes", "--text", "--context", "row-7"], b"42").stdout;
    assert_eq!(alice.pipe(["decrypt", "--text", "--context", "row-7"], &value).stdout, b"42");
    for context in [&[][..], &["--context", "row-8"]] {
        let arguments = ["decrypt", "--text", "--json"].iter().chain(context);
        let output = alice.pipe(arguments, &value);
        assert_eq!(failure(&output).map(|failure| (failure.code, failure.exit)), Some(("Unauthentic".into(), 5)));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn text_that_is_no_text_and_values_that_are_none_are_refused() {
    let server = Server::start();
    let alice = alice(&server);
    for (arguments, input, code) in [
        (["encrypt", "notes", "--text", "--json"], &[0xff][..], "BadText"),
        (["decrypt", "--text", "-o", "out"], b"kf2.AAAA", "NotAnEnvelope"),
        (["decrypt", "--text", "-o", "out"], b"\xff", "NotAnEnvelope"),
        (["decrypt", "-o", "out", "--json"], b"kf1.S0ZWAQ", "NotAnEnvelope"),
    ] {
        let output =
            alice.pipe(arguments.iter().chain(&["--json"][..usize::from(!arguments.contains(&"--json"))]), input);
        assert_eq!(failure(&output).map(|failure| failure.code).as_deref(), Some(code), "{arguments:?}: {output:?}");
    }
    assert_eq!(left(&alice, &[]), [""; 0]);
}

#[test]
fn ranges_exclude_their_end_and_bad_ones_are_usage() {
    let server = Server::start();
    let alice = alice(&server);
    let plain: Vec<u8> = (0..200_000_u32).map(|n| n.to_be_bytes()[3]).collect();
    alice.write("plain", &plain);
    alice.json(["encrypt", "notes", "plain", "-o", "sealed"]);
    for (range, from, to) in
        [("0-4", 0, 4), ("65530-65540", 65_530, 65_540), ("199990-", 199_990, 200_000), ("5-5", 5, 5)]
    {
        let output = alice.run(["decrypt", "sealed", "--range", range]);
        assert!(output.status.success() && output.stdout == plain[from..to], "{range}: {:?}", output.stderr);
    }
    for range in ["4-0", "x", "-", "1", "-5", "0-99999999999999999999"] {
        let failure = alice.failure(["decrypt", "sealed", &format!("--range={range}"), "-o", "out"]);
        assert_eq!(failure.exit, 2, "{range}: {failure:?}");
    }
    assert_eq!(left(&alice, &["plain", "sealed"]), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let server = Server::start();
    let alice = alice(&server);
    alice.write("plain", &vec![7; 300_000]);
    is(&alice.failure(["encrypt", "notes", "plain", "-o", "/dev/full"]), "StorageFull", 1);
    alice.json(["encrypt", "notes", "plain", "-o", "sealed"]);
    is(&alice.failure(["decrypt", "sealed", "-o", "/dev/full"]), "StorageFull", 1);
    // A disk on which the file does not fit: what was written before that is gone again.
    let Some(disk) = Disk::of_kilobytes(alice.file("disk"), 1024) else { return };
    alice.write("large", &vec![7; 3_000_000]);
    let out = disk.path().join("out");
    let arguments = ["encrypt", "notes", "large", "-o", out.to_str().unwrap()];
    is(&alice.failure(arguments), "StorageFull", 1);
    assert_eq!(files(disk.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_server_that_is_not_there_is_a_network_error_and_what_one_has_still_opens() {
    let mut server = Server::start();
    let alice = alice(&server);
    let sealed = alice.pipe(["encrypt", "notes"], b"bytes").stdout;
    server.stop();
    is(&alice.failure(["keychain", "create", "more"]), "ServerUnavailable", 6);
    is(&alice.failure(["share", "notes", "bob"]), "ServerUnavailable", 6);
    assert_eq!(alice.pipe(["decrypt"], &sealed).stdout, b"bytes");
    is(&Person::new("bob").failure(["signup", "bob", "--server", &server.url]), "ServerUnavailable", 6);
}

#[test]
fn permissions_and_bans_that_are_not_allowed_change_nothing() {
    let server = Server::start();
    let alice = alice(&server);
    let (bob, carol) = (Person::signed_up("bob", &server), Person::signed_up("carol", &server));
    let _dave = Person::signed_up("dave", &server);
    alice.json(["share", "notes", "bob", "--allow", "sharing,deletion"]);
    alice.json(["share", "notes", "carol", "--allow", "management"]);
    bob.json(["sync"]);
    carol.json(["sync"]);
    let before = alice.json(["participants", "notes"]);
    let key = alice.json(["keychain", "list"]);

    let allow = |who: &'static str| ["permissions", "notes", who, "--allow", "sharing"];
    // Not a manager; not more than one's own; not of an owner, also by herself.
    is(&bob.failure(allow("carol")), "ManagementNotAllowed", 3);
    is(&bob.failure(allow("bob")), "ManagementNotAllowed", 3);
    is(&carol.failure(allow("carol")), "PermissionsNotHeld", 3);
    is(&carol.failure(["permissions", "notes", "alice", "--deny", "sharing"]), "OwnerProtected", 3);
    is(&alice.failure(["permissions", "notes", "alice", "--deny", "sharing"]), "OwnerProtected", 3);
    // Not allowed to ban; not an owner; not a manager by somebody who is none; the only owner not herself.
    is(&carol.failure(["ban", "notes", "bob"]), "DeletionNotAllowed", 3);
    is(&bob.failure(["ban", "notes", "alice"]), "OwnerProtected", 3);
    is(&bob.failure(["ban", "notes", "carol"]), "ManagerProtected", 3);
    is(&alice.failure(["ban", "notes", "alice"]), "LastOwner", 3);
    is(&alice.failure(["leave", "notes"]), "LastOwner", 3);
    // Strangers to the keychain, to the server, and keychains that are none.
    is(&alice.failure(allow("dave")), "NoSuchMember", 4);
    is(&alice.failure(["permissions", "notes", "dave"]), "NoSuchMember", 4);
    is(&alice.failure(["ban", "notes", "dave"]), "NoSuchMember", 4);
    is(&alice.failure(allow("nobody")), "UnknownUser", 4);
    is(&alice.failure(["ban", "notes", "nobody"]), "UnknownUser", 4);
    for verb in [&["ban", "letters", "bob"][..], &["permissions", "letters", "bob"], &["leave", "letters"]] {
        is(&alice.failure(verb), "UnknownKeychain", 4);
    }
    is(&alice.failure(["ban", "notes", "b\u{7}b"]), "BadText", 2);
    assert_eq!(alice.json(["participants", "notes"]), before);
    assert_eq!(alice.json(["keychain", "list"]), key);

    alice.json(["ban", "notes", "bob"]);
    is(&bob.failure(["encrypt", "notes", "--text"]), "AuthorBanned", 3);
    is(&bob.failure(["permissions", "notes", "bob"]), "AuthorBanned", 3);
    is(&bob.failure(["leave", "notes"]), "AuthorBanned", 3);
    is(&alice.failure(allow("bob")), "NoSuchMember", 4);
}

/// How a command fails that reads `input`.
#[track_caller]
fn refused<const N: usize>(person: &Person, arguments: [&str; N], input: &[u8]) -> Failure {
    let output = person.pipe(arguments.iter().chain(&["--json"]), input);
    failure(&output).unwrap_or_else(|| panic!("{arguments:?} did not fail as it should: {output:?}"))
}

#[test]
fn a_device_that_nobody_lets_in_is_not_in_and_codes_that_are_wrong_let_nobody_in() {
    let server = Server::start();
    let (alice, bob) = (alice(&server), Person::signed_up("bob", &server));
    let phone = Person::new("alice");
    let request = ["device", "request", "alice", "--server", &server.url];
    is(&bob.failure(["device", "request", "alice", "--server", &server.url]), "HomeExists", 2);
    is(&phone.failure(["device", "request", "dave", "--server", &server.url]), "UnknownUser", 4);
    let other = Server::start();
    let wrong = ["device", "request", "alice", "--server", &server.url, "--server-key", &other.key];
    is(&phone.failure(wrong), "WrongServerKey", 5);
    is(&phone.failure(["device", "request", "alice", "--server", &server.url, "--label", ""]), "BadText", 2);
    is(&phone.failure(["login"]), "NoHome", 4);

    let asked = phone.json(request);
    let (code, id) = (asked["code"].as_str().unwrap(), asked["deviceId"].as_str().unwrap());
    for verb in ["approve", "decline"] {
        for bad in ["nonsense", "keyfold:device/", &code[1..], &code[..code.len() - 8], &format!("{code}x")] {
            is(&alice.failure(["device", verb, bad]), "BadCode", 5);
        }
        is(&bob.failure(["device", verb, code]), "BadCode", 5);
        is(&bob.failure(["device", verb, id]), "UnknownEnrolment", 4);
        is(&alice.failure(["device", verb, &code.replacen(&id[..4], "AAAA", 1)]), "UnknownEnrolment", 4);
    }
    is(&phone.failure(["login"]), "NoHome", 4);
    alice.json(["device", "decline", code]);
    for verb in ["approve", "decline"] {
        is(&alice.failure(["device", verb, code]), "UnknownEnrolment", 4);
    }
    is(&phone.failure(["login"]), "NoHome", 4);
    assert_eq!(alice.json(["device", "list"])["devices"].as_array().map(Vec::len), Some(1));

    let again = phone.json(request);
    assert_eq!(again["code"], asked["code"], "it is the same device that asks");
    alice.json(["device", "approve", code]);
    alice.json(["device", "approve", code]);
    phone.json(["login"]);
    is(&phone.failure(request), "HomeExists", 2);
    assert_eq!(alice.json(["device", "list"])["devices"].as_array().map(Vec::len), Some(2));
}

#[test]
fn texts_for_a_device_that_are_cut_used_late_or_taken_back_bring_nobody_in() {
    let server = Server::start();
    let alice = alice(&server);
    for (label, code) in [("", "BadText"), ("a\u{7}", "BadText")] {
        is(&alice.failure(["device", "enroll", label]), code, 2);
    }
    is(&alice.failure(["device", "enroll", &"a".repeat(257)]), "TooLarge", 2);
    for span in ["2d", "soon", "-1h"] {
        let failure = alice.failure(["device", "enroll", "laptop", &format!("--expires={span}")]);
        is(&failure, "Usage", 2);
    }
    assert_eq!(alice.json(["device", "list"])["devices"].as_array().map(Vec::len), Some(1));

    let enroll = |label: &str, more: &[&str]| {
        let made = alice.json(["device", "enroll", label].iter().chain(more));
        made["uri"].as_str().unwrap().to_owned()
    };
    let (used, late, back) = (enroll("used", &[]), enroll("late", &["--expires", "1ms"]), enroll("back", &[]));
    alice.json(["device", "revoke", "back"]);
    let laptop = Person::new("alice");
    let register = ["device", "register", "-"];
    for bad in ["", "keyfold:enroll/", &used[..used.len() - 1], &used[1..], &used.replacen("enroll", "device", 1)] {
        is(&refused(&laptop, register, bad.as_bytes()), "BadCode", 5);
    }
    is(&refused(&laptop, register, b"\xff\xfe"), "BadText", 2);
    is(&refused(&laptop, register, &[b'a'; 70_000]), "TooLarge", 2);
    is(&laptop.failure(["device", "register", "nowhere"]), "UnknownFile", 4);
    is(&refused(&laptop, register, late.as_bytes()), "EnrolmentExpired", 3);
    let gone = refused(&laptop, register, back.as_bytes());
    assert_eq!((gone.code.as_str(), gone.exit), ("UnknownDevice", 3), "{gone:?}");
    is(&laptop.failure(["whoami"]), "NoHome", 4);

    assert!(laptop.pipe(register, used.as_bytes()).status.success());
    is(&refused(&laptop, register, used.as_bytes()), "HomeExists", 2);
    let thief = Person::new("alice");
    let late = refused(&thief, register, used.as_bytes());
    assert_eq!((late.code.as_str(), late.exit), ("Unauthorized", 3), "{late:?}");
    assert!(late.hint.unwrap().contains("revoke"), "if it was not you");
    is(&thief.failure(["whoami"]), "NoHome", 4);
}

#[test]
fn devices_that_are_not_there_or_not_this_one_are_left_alone() {
    let server = Server::start();
    let alice = alice(&server);
    let own = alice.json(["whoami"])["deviceId"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        alice.json(["device", "enroll", "twin"]);
    }
    let before = alice.json(["device", "list"]);
    is(&alice.failure(["device", "revoke", "nowhere"]), "UnknownHolder", 4);
    is(&alice.failure(["device", "revoke", "twin"]), "UnknownHolder", 4);
    is(&alice.failure(["device", "revoke", &own]), "RevocationOfOneself", 3);
    is(&alice.failure(["device", "rename", "twin", "other"]), "NotAllowed", 3);
    is(&alice.failure(["device", "rename", "nowhere", "other"]), "UnknownHolder", 4);
    is(&alice.failure(["device", "rename", &own, ""]), "BadText", 2);
    assert_eq!(alice.json(["device", "list"]), before);
    assert_eq!(alice.json(["whoami"])["generation"], 0);
    let nobody = Person::new("carol");
    for line in
        ["device list", "device rotate", "device enroll a", "recovery status", "recovery paper", "recovery shares 2 3"]
    {
        is(&nobody.failure(line.split(' ')), "NoHome", 4);
    }
}

#[test]
fn what_is_wrong_with_a_way_back_has_its_name_and_lets_nobody_in() {
    let server = Server::start();
    let (alice, bob) = (alice(&server), Person::signed_up("bob", &server));
    let nobody = Person::new("alice");
    let by = |way: &'static str| ["recovery", "recover", "alice", "--server", &server.url, way, "-"];
    is(&refused(&nobody, by("--password"), b"any"), "NoRecovery", 4);

    assert!(alice.pipe(["recovery", "password"], b"correct horse").status.success());
    let paper = alice.json(["recovery", "paper"])["words"].as_str().unwrap().to_owned();
    let bobs = bob.json(["recovery", "paper"])["words"].as_str().unwrap().to_owned();
    let shares = |person: &Person| {
        let made = person.json(["recovery", "shares", "2", "3"]);
        [0, 1, 2].map(|at| made["shares"][at].as_str().unwrap().to_owned())
    };
    let ([a, b, _], [_, others, _], [x, y, _]) = (shares(&alice), shares(&alice), shares(&bob));
    let words: Vec<&str> = paper.split(' ').collect();
    let mut swapped = words.clone();
    swapped.swap(0, words.iter().position(|word| *word != words[0]).unwrap());
    let swapped = swapped.join(" ");
    let other = |word: &str| if word == "zoo" { "abandon" } else { "zoo" };
    // One word in 256 would pass the checksum: then it is nobody's paper.
    let one_wrong = [&words[..23], &[other(words[23])]].concat().join(" ");
    let mut damaged = b.clone();
    damaged.replace_range(60..61, if &damaged[60..61] == "A" { "B" } else { "A" });
    for (way, input, code, exit) in [
        ("--paper", words[..23].join(" "), "WrongWordCount", 2),
        ("--paper", format!("{paper} {}", words[0]), "WrongWordCount", 2),
        ("--paper", String::new(), "WrongWordCount", 2),
        ("--paper", paper.replacen(words[3], "qwerty", 1), "UnknownWord", 2),
        ("--paper", bobs, "WrongSecret", 3),
        ("--shares", a.clone(), "TooFewShares", 2),
        ("--shares", String::new(), "TooFewShares", 2),
        ("--shares", format!("{a}\n{a}"), "ShareRepeated", 2),
        ("--shares", format!("{a}\n{others}"), "SharesMixed", 2),
        ("--shares", format!("{x}\n{y}"), "ShareOfAnotherAccount", 2),
        ("--shares", format!("{a}\n{damaged}"), "ShareDamaged", 2),
        ("--shares", format!("{a}\n{}", &b[..b.len() - 1]), "ShareDamaged", 2),
        ("--shares", paper.clone(), "ShareDamaged", 2),
        ("--password", "wrong horse".to_owned(), "WrongPassword", 3),
        ("--password", String::new(), "BadText", 2),
        ("--password", "a".repeat(1_025), "BadText", 2),
    ] {
        let failure = refused(&nobody, by(way), input.as_bytes());
        is(&failure, code, exit);
        assert!(failure.hint.is_some() || exit == 2, "{code}");
    }
    for input in [swapped, one_wrong] {
        let failure = refused(&nobody, by("--paper"), input.as_bytes());
        assert!(["WrongWords", "WrongSecret"].contains(&failure.code.as_str()), "{failure:?}");
    }
    is(&refused(&nobody, by("--password"), b"\xff"), "BadText", 2);
    is(&nobody.failure(["whoami"]), "NoHome", 4);
    assert_eq!(alice.json(["device", "list"])["devices"].as_array().map(Vec::len), Some(1));
    let there = ["recovery", "recover", "alice", "--server", &server.url, "--paper", "-"];
    is(&refused(&alice, there, paper.as_bytes()), "HomeExists", 2);
    let unknown = ["recovery", "recover", "alice", "--server", &server.url, "--paper", "-", "--revoke", "nowhere"];
    is(&refused(&nobody, unknown, paper.as_bytes()), "UnknownHolder", 4);
    is(&nobody.failure(["whoami"]), "NoHome", 4);
    assert!(nobody.pipe(by("--paper"), paper.to_uppercase().as_bytes()).status.success());
}

#[test]
fn a_way_back_goes_by_its_own_secret_or_an_older_one_and_not_by_another() {
    let server = Server::start();
    let alice = alice(&server);
    let make = |more: &[&str]| {
        let made = alice.json(["recovery", "paper"].iter().chain(more));
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("recoveryId"), text("words"))
    };
    is(&refused(&alice, ["recovery", "remove", "paper"], b"any"), "NoRecovery", 4);
    let ((older, first), (_, second)) = (make(&[]), make(&["--label", "two"]));
    let before = alice.json(["recovery", "status"]);
    is(&refused(&alice, ["recovery", "remove", "paper"], first.as_bytes()), "Usage", 2);
    is(&refused(&alice, ["recovery", "remove", "passkey"], first.as_bytes()), "NoRecovery", 4);
    is(&refused(&alice, ["recovery", "remove", &older], second.as_bytes()), "RecoveryProtected", 3);
    let words: Vec<&str> = first.split(' ').rev().collect();
    let failure = refused(&alice, ["recovery", "remove", &older], words.join(" ").as_bytes());
    assert!(["WrongWords", "WrongSecret"].contains(&failure.code.as_str()), "{failure:?}");
    for line in ["recovery shares 3 2", "recovery shares 1 2", "recovery shares 2 17", "recovery shares 2 300"] {
        is(&alice.failure(line.split(' ')), "Usage", 2);
    }
    is(&alice.failure(["recovery", "paper", "--label", ""]), "BadText", 2);
    is(&refused(&alice, ["recovery", "password", "--replaces", "paper"], first.as_bytes()), "Usage", 2);
    assert_eq!(alice.json(["recovery", "status"]), before);
}

#[test]
fn a_table_that_is_wrong_says_in_which_line_and_nothing_of_its_batch_is_in() {
    let server = Server::start();
    let alice = alice(&server);
    let index = |words: &str| alice.failure(["index", "notes", "table"].into_iter().chain(words.split(' ')));
    alice.json(["index", "notes", "table", "put", "before", "there"]);
    let long = format!("id,b\n1,2\n{},2\n", "k".repeat(1_024));
    let heavy = format!("{{\"id\": 1}}\n{{\"id\": 2, \"b\": \"{}\"}}\n", "v".repeat(1 << 20));
    for (name, table, as_what, code, exit, says) in [
        ("column.csv", "name,b\n1,2\n", "text", "Malformed", 1, "line 2"),
        ("row.jsonl", "{\"id\": 1}\n{\"ID\": 2}\n", "text", "Malformed", 1, "line 2"),
        ("json.jsonl", "{\"id\": 1}\n\nid=2\n", "text", "Malformed", 1, "line 3"),
        ("list.ndjson", "{\"id\": 1}\n[2]\n", "text", "Malformed", 1, "line 2"),
        ("short.csv", "id,b\n1,2\n3\n", "text", "Malformed", 1, "line: 3"),
        ("wide.CSV", "id,b\n1,2\n3,4,5\n", "text", "Malformed", 1, "line: 3"),
        ("twice.csv", "id,b,b\n1,2,3\n", "text", "Malformed", 1, "`b`"),
        ("latin.csv", "id,b\n1,\u{e9}\n", "text", "Malformed", 1, "UTF-8"),
        ("key.csv", long.as_str(), "text", "TooLarge", 2, "line 3"),
        ("value.jsonl", heavy.as_str(), "text", "TooLarge", 2, "line 2"),
        ("nan.csv", "id,b\n1,2\nNaN,2\n", "number", "Usage", 2, "line 3"),
        ("number.csv", "id,b\n1,2\none,2\n", "number", "Usage", 2, "line 3"),
        ("date.csv", "id,b\n2026-01-31,2\n2026-02-30,2\n", "date", "Usage", 2, "line 3"),
        ("local.csv", "id,b\n2026-01-31,2\n2026-02-01T12:00:00,2\n", "date", "Usage", 2, "line 3"),
    ] {
        let bytes = if name == "latin.csv" { b"id,b\n1,\xe9\n" } else { table.as_bytes() };
        alice.write(name, bytes);
        let refused = index(&format!("import {name} --key id --as {as_what}"));
        is(&refused, code, exit);
        assert!(refused.message.contains(says), "{name}: {refused:?}");
    }
    is(&index("import nowhere.csv --key id"), "UnknownFile", 4);
    is(&index("import . --key id --format csv"), "Io", 1);
    alice.write("table", b"id\n1\n");
    is(&index("import table --key id"), "Usage", 2);
    assert_eq!(alice.json(["index", "notes", "table", "count"])["count"], 1, "only what was there before");
}

#[test]
fn what_cannot_be_a_key_a_value_or_an_index_is_refused() {
    let server = Server::start();
    let alice = alice(&server);
    let index = |words: &[&str]| alice.failure(["index", "notes", "table"].iter().chain(words));
    let long = "k".repeat(1_023);
    is(&index(&["put", &long, "v"]), "TooLarge", 2);
    alice.json(["index", "notes", "table", "put", &long[..1_022], "v"]);
    let put = |bytes: usize| alice.pipe(["index", "notes", "table", "put", "k", "-", "--json"], &vec![b'v'; bytes]);
    assert!(put(1 << 20).status.success());
    is(&failure(&put((1 << 20) + 1)).unwrap(), "TooLarge", 2);
    for (kind, key) in [
        ("number", "NaN"),
        ("number", "-nan"),
        ("number", "seven"),
        ("number", ""),
        ("date", "2026-13-01"),
        ("date", "yesterday"),
        ("date", "2026-01-31T12:00:00"),
    ] {
        is(&index(&["--as", kind, "put", key, "v"]), "Usage", 2);
        is(&index(&["--as", kind, "count", &format!("--from={key}")]), "Usage", 2);
    }
    is(&index(&["--as", "colour", "count"]), "Usage", 2);
    is(&index(&["range", "--limit", "-1"]), "Usage", 2);
    is(&index(&["get", "unknown"]), "UnknownKey", 4);
    is(&index(&["rm", "unknown"]), "UnknownKey", 4);
    is(&index(&["--as", "number", "get", "5"]), "UnknownKey", 4);
    is(&alice.failure(["index", "unknown", "table", "count"]), "UnknownKeychain", 4);
    is(&alice.failure(["index", "notes", "", "count"]), "BadText", 2);
    is(&alice.failure(["index", "notes", &"n".repeat(257), "count"]), "BadText", 2);
    alice.json(["group", "create", "team"]);
    let group = alice.json(["group", "show", "team"])["groupFingerprint"].as_str().unwrap().to_owned();
    is(&alice.failure(["index", &group, "table", "put", "k", "v"]), "UnknownKeychain", 4);
    assert_eq!(alice.json(["index", "notes", "table", "count"])["count"], 2);
}

#[test]
fn who_may_only_read_an_index_writes_nothing_there() {
    let server = Server::start();
    let [alice, bob] = [alice(&server), Person::signed_up("bob", &server)];
    alice.json(["index", "notes", "table", "put", "k", "v"]);
    alice.json(["share", "notes", "bob", "--read-only"]);
    bob.json(["sync"]);
    bob.write("rows.csv", b"id\n1\n");
    for deed in ["put k other", "put new v", "rm k", "import rows.csv --key id"] {
        is(&bob.failure(["index", "notes", "table"].into_iter().chain(deed.split(' '))), "NotAllowed", 3);
    }
    assert_eq!(bob.json(["index", "notes", "table", "get", "k"])["value"], "v");
    assert_eq!(alice.json(["index", "notes", "table", "range"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn verbs_and_flags_of_later_releases_say_what_they_wait_for() {
    let alice = Person::new("alice");
    for line in [
        "form create notes",
        "publish n f",
        "verify f",
        "inspect",
        "doctor",
        "backup",
        "restore",
        "serve --config file",
    ] {
        let failure = alice.failure(line.split(' '));
        is(&failure, "Unsupported", 1);
        assert!(failure.hint.is_some(), "{line}");
    }
    assert!(!alice.home().exists(), "nothing was made");
}

#[test]
fn what_cannot_be_understood_is_usage() {
    let alice = Person::new("alice");
    for line in [
        "",
        "no-such-verb",
        "signup",
        "signup alice",
        "serve --gate oidc",
        "serve --gate oidc --oidc-issuer https://id.example",
        "serve --gate oidc --oidc-issuer http://id.example --oidc-audience a",
        "serve --gate passkey",
        "serve --gate passkey --passkey-origin http://app.example",
        "serve --gate passkey --passkey-origin https://app.example/page",
        "serve --gate passkey --passkey-origin https://app.example --passkey-id other.example",
        "serve --oidc-issuer https://id.example --oidc-audience a",
        "share notes",
        "keychain",
        "keychain create n --algorithm rot13",
        "share notes bob --allow everything",
        "share notes bob --expires soon",
        "permissions notes",
        "permissions notes bob --allow everything",
        "permissions notes bob --deny write",
        "permissions notes bob --allow sharing --deny rotation,sharing",
        "ban notes",
        "ban notes bob carol",
        "leave",
        "group",
        "group create",
        "group create g --rank 65535",
        "group add g",
        "group remove g bob carol",
        "accept a b",
        "login --accept-shares some",
        "serve --listen nowhere",
        "device",
        "device revoke",
        "device rename ID",
        "device register",
        "recovery",
        "recovery shares 2",
        "recovery remove",
        "recovery paper --with file",
        "recovery recover alice --paper",
        "recovery recover alice --server http://127.0.0.1:1",
        "recovery recover alice --server http://127.0.0.1:1 --paper --shares",
        "recovery recover alice --server http://127.0.0.1:1 --paper words --revoke-all --revoke ID",
        "recovery recover alice --server http://127.0.0.1:1 --token - --paper -",
        "encrypt notes a --text --sign",
        "encrypt notes a --text --also more",
        "decrypt a --text --range 0-1",
        "index notes",
        "index notes table",
        "index notes table put k",
        "index notes table get",
        "index notes table import file.csv",
        "index notes table import file.csv --key id --format xml",
        "index notes table range --limit some",
    ] {
        let failure = alice.failure(line.split_whitespace());
        assert_eq!(failure.exit, 2, "{line}: {failure:?}");
    }
}
