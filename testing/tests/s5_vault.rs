//! S5, S10, S22 and S23 for files of a vault: parts that come back flipped, cut, in each other's place or not at all, an
//! older vault, a nonce twice, and what the server learns.

use keyfold_client::{Algorithm, Client, Code, GetOptions, Input, PutOptions};
use keyfold_protocol::wire::{Objects, PutObjects, Reference, ReferenceNow};
use keyfold_testing::{
    evil::{Answer, Asked, EvilWorld},
    keyfold_bin::files_with,
    people::{Person, TestServer},
};
use std::{
    fs::File,
    io::{self, Write},
    sync::{Arc, Mutex},
};

const MIB: usize = 1 << 20;
/// A part that is not the last: 16 sealed segments.
const PART: usize = 16 * 65_552;

fn bytes(length: usize, seed: u64) -> Vec<u8> {
    (0..length as u64).map(|at| ((at.wrapping_mul(at) ^ (at >> 7)).wrapping_add(seed * 131) % 251) as u8).collect()
}

async fn put(client: &Client, path: &str, content: &[u8]) {
    let input = Input::stream(io::Cursor::new(content.to_vec()));
    client.vault("notes").put(path, input, PutOptions::default()).await.unwrap();
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As somebody who was just started: what was written until it ended, and the error that ended it.
async fn get(world: &EvilWorld, path: &str, range: Option<std::ops::Range<u64>>) -> (Vec<u8>, Option<Code>) {
    let client = Client::open(&world.home("alice")).unwrap();
    let sink = Sink::default();
    let outcome = client.vault("notes").get(path, sink.clone(), GetOptions { range, ..GetOptions::default() }).await;
    let written = std::mem::take(&mut *sink.0.lock().unwrap());
    (written, outcome.err().map(|error| error.code))
}

/// Parts are larger than what an index is made of.
fn parts(asked: &Asked, answer: &Answer) -> Option<Vec<Vec<u8>>> {
    let is_read = asked.path.ends_with("/objects/read") && answer.status == 200;
    let objects = is_read.then(|| Objects::decode(&answer.body).unwrap().objects)?;
    objects.iter().any(|object| object.len() > 100_000).then_some(objects)
}

async fn alice(world: &EvilWorld) -> Client {
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    alice
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_no_byte_of_a_part_that_is_flipped_cut_swapped_or_of_another_file_is_written() {
    let world = EvilWorld::start().await;
    let client = alice(&world).await;
    let film = bytes(3 * MIB + 5_000, 1);
    put(&client, "film", &film).await;
    put(&client, "other", &bytes(3 * MIB + 5_000, 2)).await;
    let taken: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let keep = Arc::clone(&taken);
    world.evil.lie(move |asked, answer| keep.lock().unwrap().extend(parts(asked, answer).unwrap_or_default()));
    assert_eq!(get(&world, "other", None).await.1, None);
    let others = std::mem::take(&mut *taken.lock().unwrap());
    type Lie = Box<dyn Fn(&mut Vec<Vec<u8>>) + Send>;
    let lies: Vec<(&str, Code, Lie)> = vec![
        ("its first bit flipped", Code::Unauthentic, Box::new(|parts| parts[0][0] ^= 0x80)),
        ("a bit of the second flipped", Code::Unauthentic, Box::new(|parts| parts[1][70_000] ^= 1)),
        ("the last bit of all flipped", Code::Unauthentic, Box::new(|parts| *parts[3].last_mut().unwrap() ^= 1)),
        ("a part cut", Code::Unauthentic, Box::new(|parts| parts[1].truncate(PART - 65_552))),
        ("the end cut", Code::Unauthentic, Box::new(|parts| parts[3].truncate(10))),
        ("bytes behind it", Code::Unauthentic, Box::new(|parts| parts[3].push(0))),
        ("two swapped", Code::Unauthentic, Box::new(|parts| parts.swap(0, 2))),
        ("one repeated", Code::Unauthentic, Box::new(|parts| parts[2] = parts[1].clone())),
        ("one of another file", Code::Unauthentic, Box::new(move |parts| parts[2] = others[2].clone())),
        ("one withheld", Code::ObjectMissing, Box::new(|parts| parts[2].clear())),
    ];
    for (what, code, lie) in lies {
        world.evil.lie(move |asked, answer| {
            if let Some(mut objects) = parts(asked, answer) {
                lie(&mut objects);
                answer.body = Objects { objects }.encode();
            }
        });
        let (written, error) = get(&world, "film", None).await;
        assert_eq!(error, Some(code), "{what}");
        assert!(film.starts_with(&written) && written.len() < film.len(), "{what}");
    }
    // A range proves the end first.
    world.evil.lie(|asked, answer| {
        if let Some(mut objects) = parts(asked, answer) {
            for object in &mut objects {
                *object.last_mut().unwrap() ^= 1;
            }
            answer.body = Objects { objects }.encode();
        }
    });
    assert_eq!(get(&world, "film", Some(0..10)).await, (Vec::new(), Some(Code::Unauthentic)));
    world.evil.be_honest();
    assert!(get(&world, "film", None).await == (film, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_vault_shown_as_it_was_or_not_at_all_is_rollback_and_nothing_is_written() {
    let world = EvilWorld::start().await;
    let client = alice(&world).await;
    put(&client, "plan", b"old").await;
    let older: Arc<Mutex<Option<Reference>>> = Arc::default();
    let keep = Arc::clone(&older);
    world.evil.lie(move |asked, answer| {
        if asked.path.ends_with("/references/read") && answer.status == 200 {
            *keep.lock().unwrap() = ReferenceNow::decode(&answer.body).unwrap().reference;
        }
    });
    client.vault("notes").list("").await.unwrap();
    world.evil.be_honest();
    put(&client, "plan", b"new").await;
    let older = older.lock().unwrap().take();
    assert!(older.is_some());
    for shown in [older, None] {
        world.evil.lie(move |asked, answer| {
            if asked.path.ends_with("/references/read") && answer.status == 200 {
                answer.body = ReferenceNow { reference: shown.clone() }.encode();
            }
        });
        world.evil.take_seen();
        assert_eq!(get(&world, "plan", None).await, (Vec::new(), Some(Code::Rollback)));
        let again = Client::open(&world.home("alice")).unwrap();
        let vault = again.vault("notes");
        assert_eq!(vault.list("").await.unwrap_err().code, Code::Rollback);
        assert_eq!(vault.remove("plan", false).await.unwrap_err().code, Code::Rollback);
        assert_eq!(vault.versions("plan").await.unwrap_err().code, Code::Rollback);
        let seen = world.evil.take_seen();
        assert!(!seen.iter().any(|asked| asked.path.ends_with("/swap") || asked.path.ends_with("/delete")));
    }
    world.evil.be_honest();
    assert_eq!(get(&world, "plan", None).await, (b"new".to_vec(), None));
}

/// The parts that were sent, in order.
fn sent(world: &EvilWorld) -> Vec<Vec<u8>> {
    let seen = world.evil.take_seen();
    let puts = seen.iter().filter(|asked| asked.path.ends_with("/objects"));
    puts.flat_map(|asked| PutObjects::decode(&asked.body).unwrap().objects).filter(|part| part.len() == PART).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_a_put_that_goes_on_with_another_file_of_the_same_length_and_time_uses_no_nonce_twice() {
    let world = EvilWorld::start().await;
    let client = alice(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    let texts = [bytes(12 * MIB, 1), bytes(12 * MIB, 2)];
    let mut rounds = Vec::new();
    let mut modified = None;
    for (round, text) in texts.iter().enumerate() {
        std::fs::write(&path, text).unwrap();
        match modified {
            None => modified = Some(std::fs::metadata(&path).unwrap().modified().unwrap()),
            Some(time) => File::options().write(true).open(&path).unwrap().set_modified(time).unwrap(),
        }
        let options = PutOptions::default();
        let cancel = options.cancel.clone();
        // The first is stopped in the middle; all of its first batches were noted before they left.
        let progress = move |stored: u64| {
            if round == 0 && stored >= 8 * MIB as u64 {
                cancel.cancel()
            }
        };
        let options = PutOptions { progress: Some(Arc::new(progress)), ..options };
        world.evil.take_seen();
        let outcome = client.vault("notes").put("film", File::open(&path).unwrap(), options).await;
        assert_eq!(outcome.err().map(|error| error.code), (round == 0).then_some(Code::Cancelled));
        rounds.push(sent(&world));
    }
    let [first, second] = &rounds[..] else { panic!("two rounds") };
    assert!(first.len() >= 8 && second.len() == 12, "{} and {}", first.len(), second.len());
    // Under one key stream, what two sealed texts differ by is what the texts differ by.
    let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).take(64).collect::<Vec<_>>();
    for (at, (one, other)) in first.iter().zip(second).enumerate() {
        let from = at * 16 * 65_536;
        assert_ne!(differ(one, other), differ(&texts[0][from..], &texts[1][from..]), "part {at}");
    }
    let film = Sink::default();
    client.vault("notes").get("film", film.clone(), GetOptions::default()).await.unwrap();
    assert!(*film.0.lock().unwrap() == texts[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_neither_names_nor_types_nor_contents_of_files_stand_anywhere_with_the_server() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let about = keyfold_client::About { media_type: "application/x-patient-record".to_owned(), ..Default::default() };
    let content = "diagnosis of the patient: ".repeat(5_000).into_bytes();
    let input = Input::stream(io::Cursor::new(content));
    let options = PutOptions { about, ..PutOptions::default() };
    alice.client.vault("notes").put("patients-of-the-clinic/weiss.txt", input, options).await.unwrap();
    alice.client.vault("notes").rename("patients-of-the-clinic", "former-patients").await.unwrap();
    for plain in ["patients", "weiss", "x-patient-record", "diagnosis"] {
        assert!(files_with(&server.data(), plain.as_bytes()).is_empty(), "{plain}");
    }
}
