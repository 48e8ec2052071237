//! S13 for devices: the process of who revokes a device, or comes back with a new one, is killed at its requests one
//! after the other: before the server has the request, and before the process has the answer. Whoever starts it again is
//! where he wanted to be, and nobody who is out reads what comes.
#![cfg(unix)]

use keyfold_client::{Algorithm, Client, ClientEvent, Code, ShareKeys, ShareOptions, SyncState, Value};
use keyfold_testing::{
    evil::EvilWorld,
    keyfold_bin::{binary, failure},
    people::{Person, next},
};
use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Where a process is killed.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// At which of its requests, from 0.
    request: usize,
    /// Whether that one takes effect.
    arrives: bool,
}

/// The first requests one by one, where what matters happens; then, as each keychain is like the one before, some.
fn cuts() -> impl Iterator<Item = Cut> {
    let requests = (0..8).chain((8..).step_by(7));
    requests.flat_map(|request| [false, true].map(|arrives| Cut { request, arrives }))
}

/// Runs a command, and kills it there. How it ended.
async fn killed_at(world: &EvilWorld, home: &Path, arguments: &[&str], cut: Cut) -> Output {
    let (process, seen) = (Arc::new(AtomicU32::new(0)), AtomicUsize::new(0));
    let victim = process.clone();
    let strike = move || {
        let hit = seen.fetch_add(1, Ordering::SeqCst) == cut.request;
        if hit {
            let mut id = victim.load(Ordering::SeqCst);
            while id == 0 {
                std::thread::sleep(Duration::from_millis(1));
                id = victim.load(Ordering::SeqCst);
            }
            assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
        }
        hit
    };
    if cut.arrives {
        world.evil.lie(move |_, _| _ = strike());
    } else {
        world.evil.withhold(move |_| strike());
    }
    let mut command = Command::new(binary());
    command.arg("--home").arg(home).args(arguments).arg("--json");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    process.store(child.id(), Ordering::SeqCst);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    world.evil.be_honest();
    let killed = output.status.signal() == Some(9);
    assert!(killed || output.status.success(), "{cut:?}: {output:?}");
    output
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

async fn opens(client: &Client, sealed: &str, plain: &str) -> bool {
    client.decrypt_value(sealed, None).await.is_ok_and(|opened| opened.value == text(plain))
}

/// Alice and bob, who share these keychains.
async fn people(world: &EvilWorld, keychains: &[String]) -> (Person, Person) {
    let [alice, bob] = ["alice", "bob"].map(Person::new);
    for person in [&alice, &bob] {
        person.sign_up(&world.evil.url(), None).await;
    }
    for purpose in keychains {
        alice.client.create_keychain(purpose, Algorithm::SecretBox).await.unwrap();
        alice.client.share(purpose, &["bob"], ShareKeys::All, ShareOptions::default()).await.unwrap();
    }
    bob.client.sync().await.unwrap();
    (alice, bob)
}

/// A device of alice's, let in by a text.
async fn brought_in(alice: &Person, label: &str) -> Person {
    let uri = alice.again().enroll_new_device(Some(label), None).await.unwrap();
    let device = Person::new("alice");
    device.client.register_enrolled_device(&uri).await.unwrap();
    device
}

fn purposes(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("keychain {number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_a_client_killed_anywhere_in_a_revocation_goes_on_with_it() {
    let world = EvilWorld::start().await;
    let keychains = purposes(12);
    let (alice, bob) = people(&world, &keychains).await;
    let old = alice.client.encrypt_value(&keychains[0], &text("old"), None).await.unwrap();
    let phone = brought_in(&alice, "phone").await;
    let (mut unhurt, mut generation) = (0, 0);
    for cut in cuts() {
        let lost = brought_in(&alice, "lost").await;
        let id = lost.client.whoami().await.unwrap().device_id;
        assert!(opens(&lost.client, &old, "old").await, "{cut:?}");
        let mut before = Vec::new();
        for purpose in &keychains {
            before.push(bob.client.keychain(purpose).await.unwrap().keys.len());
        }

        let ended = killed_at(&world, &alice.home(), &["device", "revoke", &id], cut).await;
        unhurt = if ended.status.success() { unhurt + 1 } else { 0 };
        generation += 1;

        let again = alice.again();
        let is_in = again.devices().await.unwrap().iter().any(|device| device.device_id == id);
        assert!(!(is_in && ended.status.success()), "{cut:?}");
        if is_in {
            // It did not come so far. Whoever wanted it wants it again.
            again.revoke_devices(&[&id], &[], |_, _| {}).await.unwrap();
        } else if cut.arrives {
            again.sync().await.unwrap();
        } else if cut.request.is_multiple_of(2) {
            // The home that began stays away, and another device of hers goes on.
            phone.client.sync().await.unwrap();
        }
        // Else none of hers is there: whoever writes next sees it and goes on.
        for (purpose, before) in keychains.iter().zip(before) {
            let fresh = bob.client.encrypt_value(purpose, &text("fresh"), None).await.unwrap();
            assert!(opens(&again, &fresh, "fresh").await, "{cut:?}: {purpose}");
            assert!(!opens(&lost.client, &fresh, "fresh").await, "{cut:?}: {purpose}");
            for client in [&bob.client, &phone.client, &again] {
                assert_eq!(client.keychain(purpose).await.unwrap().keys.len(), before + 1, "{cut:?}: {purpose}");
            }
        }
        assert_eq!(lost.client.sync().await.unwrap_err().code.as_str(), "UnknownDevice", "{cut:?}");
        assert_eq!(again.whoami().await.unwrap().generation, generation, "{cut:?}");
        assert_eq!(again.devices().await.unwrap().len(), 2, "{cut:?}");
        for client in [&bob.client, &phone.client, &again] {
            assert!(opens(client, &old, "old").await, "{cut:?}");
        }
        // Both kinds of cut lie behind the end.
        if unhurt == 2 {
            assert!(cut.request > keychains.len(), "{cut:?}: fewer requests than keychains");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_where_whoever_revoked_is_killed_at_once_those_who_watch_and_those_who_sync_go_on_by_themselves() {
    for is_watching in [true, false] {
        let world = EvilWorld::start().await;
        let keychains = purposes(3);
        let (alice, bob) = people(&world, &keychains).await;
        let mut watch = is_watching.then(|| bob.client.watch());
        if let Some(watch) = &mut watch {
            let is_online = ClientEvent::SyncStateChanged { state: SyncState::Online };
            while next(watch).await != is_online {}
        }
        // The first cut that has an effect is behind the account's entry, and before anything else.
        for cut in cuts() {
            let lost = brought_in(&alice, "lost").await;
            let id = lost.client.whoami().await.unwrap().device_id;
            killed_at(&world, &alice.home(), &["device", "revoke", &id], cut).await;
            if lost.client.sync().await.is_err_and(|error| error.code == Code::UnknownDevice) {
                break;
            }
        }
        match &mut watch {
            Some(watch) => {
                let mut rotated = 0;
                while rotated < keychains.len() {
                    rotated += usize::from(matches!(next(watch).await, ClientEvent::KeyRotated { .. }));
                }
            }
            None => drop(bob.client.sync().await.unwrap()),
        }
        for purpose in &keychains {
            assert_eq!(bob.client.keychain(purpose).await.unwrap().keys.len(), 2, "{purpose}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_who_comes_back_and_is_killed_on_the_way_comes_in_whole_with_the_same_words() {
    let world = EvilWorld::start().await;
    let keychains = purposes(3);
    let (alice, bob) = people(&world, &keychains).await;
    let old = alice.client.encrypt_value(&keychains[0], &text("old"), None).await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    let words = kept.path().join("words");
    std::fs::write(&words, alice.client.add_paper(None, None).await.unwrap().words.as_bytes()).unwrap();
    let (url, words) = (world.evil.url(), words.display().to_string());
    let line = ["recovery", "recover", "alice", "--server", &url, "--paper", &words, "--revoke-all", "--label", "new"];
    let (mut last, mut unhurt) = (alice, 0);
    for cut in cuts() {
        let new = Person::new("alice");
        let ended = killed_at(&world, &new.home(), &line, cut).await;
        unhurt = if ended.status.success() { unhurt + 1 } else { 0 };
        if !ended.status.success() {
            // The same again: it comes in, or is in and says so.
            let mut command = Command::new(binary());
            let again = command.arg("--home").arg(new.home()).args(line).arg("--json").output().unwrap();
            let code = failure(&again).map(|failure| failure.code);
            assert!(again.status.success() || code.as_deref() == Some("HomeExists"), "{cut:?}: {again:?}");
        }
        let back = new.again();
        back.sync().await.unwrap();
        let devices = back.devices().await.unwrap();
        assert_eq!(
            (devices.len(), devices[0].label.as_deref(), devices[0].is_current),
            (1, Some("new"), true),
            "{cut:?}"
        );
        assert_eq!(last.client.sync().await.unwrap_err().code.as_str(), "UnknownDevice", "{cut:?}");
        for purpose in &keychains {
            let fresh = bob.client.encrypt_value(purpose, &text("fresh"), None).await.unwrap();
            assert!(opens(&back, &fresh, "fresh").await, "{cut:?}: {purpose}");
            assert!(!opens(&last.client, &fresh, "fresh").await, "{cut:?}: {purpose}");
        }
        for client in [&bob.client, &back] {
            assert!(opens(client, &old, "old").await, "{cut:?}");
        }
        last = new;
        if unhurt == 2 {
            return;
        }
    }
}
