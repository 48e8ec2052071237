//! S5 for indexes: what an index is made of comes back flipped, cut, or in each other's place. Whoever reads says
//! `IndexDamaged`, and hands out nothing of it.

use keyfold_client::{Algorithm, Changes, Client, Code, IndexQuery, key::Part};
use keyfold_protocol::wire::{Objects, ReadObjects, ReferenceNow};
use keyfold_testing::{
    evil::{Answer, Asked, EvilWorld},
    table::table,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// So many that there are nodes above nodes.
const ROWS: i64 = 6_000;

/// What is done to an object.
type Lie = fn(&mut Vec<u8>);

fn value(row: i64) -> Vec<u8> {
    // Some values stand apart.
    format!("row {row} ").repeat(if row % 500 == 499 { 200 } else { 3 }).into_bytes()
}

/// Alice's table: rows in nodes, and some of them changed since, in segments.
async fn alice(world: &EvilWorld) {
    let alice = world.person("alice").await;
    alice.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let mut changes = Changes::new();
    for row in 0..ROWS {
        changes.put(&[Part::Integer(row)], &value(row)).unwrap();
    }
    table(&alice).commit(&changes).await.unwrap();
    for batch in 0..3 {
        let mut changes = Changes::new();
        for row in batch * 400..(batch + 1) * 400 {
            changes.put(&[Part::Integer(row)], &value(row)).unwrap();
        }
        table(&alice).commit(&changes).await.unwrap();
    }
}

/// Reads all of it, as somebody who was just started and has nothing near, from either end. What was read is what was
/// written; the error that ended it.
async fn read(world: &EvilWorld, reverse: bool) -> (usize, Option<Code>) {
    std::fs::remove_dir_all(world.home("alice").join("cache")).ok();
    let client = Client::open(&world.home("alice")).unwrap();
    let mut read = 0;
    let see = |key: Vec<Part>, bytes: &[u8]| {
        let expected = if reverse { ROWS - 1 - read as i64 } else { read as i64 };
        assert_eq!(
            (&key[..], bytes),
            (&[Part::Integer(expected)][..], &value(expected)[..]),
            "something false was read"
        );
        read += 1;
        Ok(())
    };
    let query = IndexQuery { reverse, ..IndexQuery::default() };
    let outcome = table(&client).each(&query, usize::MAX, see).await;
    (read, outcome.err().map(|error| error.code))
}

fn objects(asked: &Asked, answer: &Answer) -> Option<Vec<Vec<u8>>> {
    (asked.path.ends_with("/objects/read") && answer.status == 200)
        .then(|| Objects::decode(&answer.body).unwrap().objects)
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_an_object_that_is_flipped_cut_or_longer_is_damaged_and_nothing_of_it_is_read() {
    let world = EvilWorld::start().await;
    alice(&world).await;
    assert_eq!(read(&world, false).await, (ROWS as usize, None));
    let lies: [(&str, Lie); 6] = [
        ("its first bit flipped", |object| object[0] ^= 0x80),
        ("its last bit flipped", |object| *object.last_mut().unwrap() ^= 1),
        ("a byte in the middle altered", |object| {
            let middle = object.len() / 2;
            object[middle] = object[middle].wrapping_add(1);
        }),
        ("its last byte gone", |object| object.truncate(object.len() - 1)),
        ("half of it gone", |object| object.truncate(object.len() / 2)),
        ("one byte more", |object| object.push(0)),
    ];
    // Of all objects that are read, at growing distances: segments, nodes, values that stand apart.
    for (number, (what, lie)) in lies.into_iter().enumerate() {
        for nth in [0, 1, 3, 10 + number, 40 + number] {
            let (mut passed, mut victim, lied) = (0, None, Arc::new(AtomicBool::new(false)));
            let did = Arc::clone(&lied);
            world.evil.lie(move |asked, answer| {
                let Some(mut objects) = objects(asked, answer) else { return };
                let ids = ReadObjects::decode(&asked.body).unwrap().ids;
                victim = victim.or_else(|| nth.checked_sub(passed).and_then(|at: usize| ids.get(at).copied()));
                passed += objects.len();
                // What was read ahead and is no good is asked for again: it does not get better.
                for (_, object) in ids.iter().zip(&mut objects).filter(|(id, _)| Some(**id) == victim) {
                    lie(object);
                    did.store(true, Ordering::SeqCst);
                }
                answer.body = Objects { objects }.encode();
            });
            let (rows, error) = read(&world, number % 2 == 1).await;
            assert!(lied.load(Ordering::SeqCst), "{what}: fewer than {nth} objects were read");
            assert_eq!(error, Some(Code::IndexDamaged), "{what}, number {nth}");
            assert!(rows < ROWS as usize, "{what}, number {nth}");
        }
    }
    world.evil.be_honest();
    assert_eq!(read(&world, true).await, (ROWS as usize, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_objects_in_each_others_place_are_damaged() {
    let world = EvilWorld::start().await;
    alice(&world).await;
    // Two of one answer change places; and one of an earlier answer comes again.
    let swap = |objects: &mut Vec<Vec<u8>>| match objects.len() {
        0 | 1 => false,
        all => {
            objects.swap(0, all - 1);
            true
        }
    };
    let lied = Arc::new(AtomicBool::new(false));
    let did = Arc::clone(&lied);
    world.evil.lie(move |asked, answer| {
        let Some(mut objects) = objects(asked, answer) else { return };
        if swap(&mut objects) {
            did.store(true, Ordering::SeqCst);
            answer.body = Objects { objects }.encode();
        }
    });
    let (rows, error) = read(&world, false).await;
    assert!(lied.load(Ordering::SeqCst) && rows < ROWS as usize);
    assert_eq!(error, Some(Code::IndexDamaged));

    let mut first: Option<Vec<u8>> = None;
    world.evil.lie(move |asked, answer| {
        let Some(mut objects) = objects(asked, answer) else { return };
        match &first {
            None => first = objects.first().cloned(),
            Some(first) => objects.iter_mut().for_each(|object| object.clone_from(first)),
        }
        answer.body = Objects { objects }.encode();
    });
    let (rows, error) = read(&world, false).await;
    assert!(rows < ROWS as usize);
    assert_eq!(error, Some(Code::IndexDamaged));
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_record_that_is_flipped_or_cut_anywhere_is_damaged_and_no_write_follows() {
    let world = EvilWorld::start().await;
    alice(&world).await;
    for nth in [0, 1, 3, 4, 5, 100, 1_000, usize::MAX] {
        for cut in [false, true] {
            world.evil.take_seen();
            world.evil.lie(move |asked, answer| {
                if asked.path.ends_with("/references/read") && answer.status == 200 {
                    let mut now = ReferenceNow::decode(&answer.body).unwrap();
                    let bytes = &mut now.reference.as_mut().unwrap().bytes;
                    let nth = nth.min(bytes.len() - 1);
                    if cut {
                        bytes.truncate(nth)
                    } else {
                        bytes[nth] ^= 1
                    };
                    answer.body = now.encode();
                }
            });
            let client = Client::open(&world.home("alice")).unwrap();
            let read = table(&client).get(&[Part::Integer(1)]).await.unwrap_err();
            let write = table(&client).put(&[Part::Integer(1)], b"").await.unwrap_err();
            for error in [read, write] {
                // The number of a key that nobody has is the one thing that is said before it is opened.
                let of_a_key = nth < 4 && !cut && error.code == Code::NoKey;
                assert!(of_a_key || error.code == Code::IndexDamaged, "byte {nth}, cut: {cut}: {error}");
            }
            let seen = world.evil.take_seen();
            assert!(!seen.iter().any(|asked| asked.path.ends_with("/swap") || asked.path.ends_with("/objects")));
        }
    }
    world.evil.be_honest();
    assert_eq!(read(&world, false).await, (ROWS as usize, None));
}
