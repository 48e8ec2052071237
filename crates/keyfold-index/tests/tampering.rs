//! S10, S22, S23 and what a storage may try: every object altered, byte by byte where that is what opening one takes,
//! other objects in their places, older records.

use crate::support::{ALICE, BOB, Dice, Faulty, INDEX, Member, NAME, READER, all, index, moment};
use futures_executor::block_on;
use keyfold_format::{IndexId, ObjectId, ScopeId, scope::Anchored};
use keyfold_index::{
    Batch, Index, IndexError, Query, Seen,
    limits::{MAX_KEY, MAX_VALUE},
    store::{MemoryStore, Store, Swapped},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// An index with a tail, nodes of two levels, a value apart and some history.
fn filled(store: &(impl Store + Clone), member: Member) {
    let mut dice = Dice(5);
    let alice = index(store.clone(), member);
    block_on(async {
        let mut batch = Batch::new();
        for n in 0..2_500u32 {
            batch.put(0, &n.to_be_bytes(), &[n as u8; 30]);
        }
        batch.put(0, b"large", &[1; 5_000]);
        alice.commit(batch, moment(&mut dice)).await.unwrap();
        for n in 0..200u32 {
            let mut batch = Batch::new();
            batch.put(0, &n.to_be_bytes(), &[0; 60]);
            alice.commit(batch, moment(&mut dice)).await.unwrap();
        }
    });
}

/// Does something to an object, of which there is another.
type Lie = fn(&mut Vec<u8>, &[u8]);

/// Puts a record in the place of the one that stands there.
async fn replace(store: &MemoryStore, bytes: Vec<u8>) {
    let stands = store.read(NAME).await.unwrap().unwrap();
    assert!(matches!(store.swap(NAME, Some(&stands.version), bytes).await.unwrap(), Swapped::Done(_)));
}

#[test]
fn every_object_altered_cut_or_swapped_is_refused_and_gives_no_wrong_answer() {
    let store = Faulty::default();
    filled(&store, ALICE);
    block_on(async {
        let truth = all(&index(store.inner.clone(), BOB).latest().await.unwrap(), 0, Query::default()).await.unwrap();
        let objects = store.inner.list(None).await.unwrap();
        let contents = store.inner.get(&objects).await.unwrap();
        let lies: [Lie; 5] = [
            |bytes, _| bytes[0] ^= 1,
            |bytes, _| *bytes.last_mut().unwrap() ^= 0x80,
            |bytes, _| bytes.truncate(bytes.len() / 2),
            |bytes, other| *bytes = other.to_vec(),
            |bytes, _| bytes.clear(),
        ];
        for lie in lies {
            for (at, id) in objects.iter().enumerate() {
                let (id, other) = (*id, contents[(at + 1) % contents.len()].clone().unwrap());
                *store.alter.lock().unwrap() = Some(Box::new(move |asked, bytes| {
                    if *asked == id
                        && let Some(bytes) = bytes
                    {
                        lie(bytes, &other);
                    }
                }));
                let reader = index(store.clone(), BOB);
                let seen = match reader.latest().await {
                    Ok(snapshot) => all(&snapshot, 0, Query::default()).await,
                    Err(error) => Err(error),
                };
                match seen {
                    // Nobody needs this object now.
                    Ok(seen) => assert!(seen == truth),
                    Err(error) => assert_eq!(error.code(), "IndexDamaged", "{error}"),
                }
            }
        }
    });
}

#[test]
fn every_byte_of_what_is_fetched_is_refused_altered() {
    let store = Faulty::default();
    filled(&store, ALICE);
    let flip = |id: ObjectId, at: usize| {
        *store.alter.lock().unwrap() = Some(Box::new(move |asked, bytes| {
            if *asked == id
                && let Some(bytes) = bytes
            {
                bytes[at] ^= 1 << (at % 8);
            }
        }));
    };
    block_on(async {
        // What is fetched first by opening, and then by each key. Those between the keys are in no tail.
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        *store.alter.lock().unwrap() = Some(Box::new(move |id, _| noted.lock().unwrap().push(*id)));
        let reader = index(store.clone(), BOB).latest().await.unwrap();
        let opened = std::mem::take(&mut *asked.lock().unwrap());
        let mut fetched = Vec::new();
        let between = (0..2_500_u32).map(|n| [&n.to_be_bytes()[..], &[0]].concat());
        for key in between.chain([b"large".to_vec()]) {
            reader.get(0, &key).await.unwrap();
            let ids = std::mem::take(&mut *asked.lock().unwrap());
            fetched.extend(ids.into_iter().map(|id| (id, key.clone())));
        }
        *store.alter.lock().unwrap() = None;
        assert!(!opened.is_empty() && fetched.len() > 10, "{} and {}", opened.len(), fetched.len());

        let length = async |id: ObjectId| store.inner.get(&[id]).await.unwrap()[0].as_ref().unwrap().len();
        for (id, key) in fetched {
            let reader = index(store.clone(), BOB).latest().await.unwrap();
            for at in 0..length(id).await {
                flip(id, at);
                let error = reader.get(0, &key).await.err().unwrap();
                assert_eq!(error.code(), "IndexDamaged", "byte {at} of {id}: {error}");
            }
            *store.alter.lock().unwrap() = None;
        }
        let reader = index(store.clone(), BOB);
        for id in opened {
            for at in 0..length(id).await {
                flip(id, at);
                let error = reader.latest().await.err().unwrap();
                assert_eq!(error.code(), "IndexDamaged", "byte {at} of {id}: {error}");
            }
        }
    });
}

#[test]
fn every_byte_of_a_record_altered_is_refused() {
    let store = MemoryStore::default();
    filled(&store, ALICE);
    block_on(async {
        let whole = store.read(NAME).await.unwrap().unwrap().bytes;
        // It has never seen the index, and never does here.
        let bob = index(store.clone(), BOB);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            replace(&store, bytes).await;
            let error = bob.latest().await.err().unwrap();
            assert!(["IndexDamaged", "NoKey"].contains(&error.code()), "byte {at}: {error}");
        }
        replace(&store, Vec::new()).await;
        assert_eq!(index(store, BOB).latest().await.err().unwrap().code(), "IndexDamaged");
    });
}

#[test]
fn s10_an_older_record_an_empty_place_and_another_history_are_rollback() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let mut records = Vec::new();
        for n in 0..40u32 {
            let mut batch = Batch::new();
            batch.put(0, &n.to_be_bytes(), b"");
            alice.commit(batch, moment(&mut dice)).await.unwrap();
            records.push(store.read(NAME).await.unwrap().unwrap().bytes);
        }
        let bob = index(store.clone(), BOB);
        bob.latest().await.unwrap();
        let seen = bob.seen();
        for older in [0, 1, 31, 38] {
            replace(&store, records[older].clone()).await;
            assert_eq!(bob.latest().await.err(), Some(IndexError::Rollback), "{older}");
            let again = Index::new(store.clone(), BOB, NAME, INDEX, seen);
            assert_eq!(again.latest().await.err(), Some(IndexError::Rollback), "{older}: another process");
            let mut batch = Batch::new();
            batch.put(0, b"x", b"");
            assert_eq!(again.commit(batch, moment(&mut dice)).await.err(), Some(IndexError::Rollback), "no write");
        }
        // Nothing at all.
        let empty = Index::new(MemoryStore::default(), BOB, NAME, INDEX, seen);
        assert_eq!(empty.latest().await.err(), Some(IndexError::Rollback));
        // Another history of the same length and more, from generation 20 on.
        replace(&store, records[20].clone()).await;
        let fork = index(store.clone(), ALICE);
        for n in 0..30u32 {
            let mut batch = Batch::new();
            batch.put(0, b"fork", &n.to_be_bytes());
            fork.commit(batch, moment(&mut dice)).await.unwrap();
            assert_eq!(bob.latest().await.err(), Some(IndexError::Rollback), "{n}");
        }
        // The truth again.
        replace(&store, records[39].clone()).await;
        assert_eq!(bob.latest().await.unwrap().generation(), Some(39));
    });
}

#[test]
fn s10_whoever_was_away_finds_the_way_from_what_he_saw_in_few_reads() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let mut seen = Vec::new();
        for n in 0..300u32 {
            let mut batch = Batch::new();
            batch.put(0, &n.to_be_bytes(), b"");
            alice.commit(batch, moment(&mut dice)).await.unwrap();
            seen.push(alice.seen());
        }
        for from in [0, 1, 100, 255, 298] {
            store.calls();
            let bob = Index::new(store.clone(), BOB, NAME, INDEX, seen[from]);
            assert_eq!(bob.latest().await.unwrap().generation(), Some(299));
            assert!(store.calls().len() <= 20, "from {from}");
        }
    });
}

#[test]
fn nobody_writes_who_may_not_and_no_record_is_another_indexes() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    block_on(async {
        let mut batch = Batch::new();
        batch.put(0, b"a", b"1");
        let reader = index(store.clone(), READER);
        reader.commit(batch.clone(), moment(&mut dice)).await.unwrap();
        assert_eq!(index(store.clone(), BOB).latest().await.err(), Some(IndexError::Denied));

        let (one, other) = (MemoryStore::default(), IndexId([8; 32]));
        index(one.clone(), ALICE).commit(batch, moment(&mut dice)).await.unwrap();
        let wrong = Index::new(one, BOB, NAME, other, None);
        assert_eq!(wrong.latest().await.err().unwrap().code(), "IndexDamaged");
    });
}

#[test]
fn who_does_not_hold_the_key_is_told_which() {
    let store = MemoryStore::default();
    filled(&store, Member { current: 3, ..ALICE });
    let error = block_on(index(store, BOB).latest()).err().unwrap();
    assert_eq!((error.code(), error), ("NoKey", IndexError::NoKey(3)));
}

#[test]
fn s22_with_repeated_randomness_two_nodes_have_two_salts() {
    let store = MemoryStore::default();
    block_on(async {
        let mut salts: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for n in 0..60u32 {
            // The same randomness for each commit.
            let alice = index(store.clone(), ALICE);
            let mut batch = Batch::new();
            batch.put(0, &n.to_be_bytes(), b"value");
            alice.commit(batch, moment(&mut Dice(1))).await.unwrap();
            alice.fold(moment(&mut Dice(1))).await.unwrap();
            let reference = store.read(NAME).await.unwrap().unwrap().bytes;
            let ids = store.list(None).await.unwrap();
            let objects = store.get(&ids).await.unwrap().into_iter().flatten();
            for sealed in objects.chain([reference[4..].to_vec()]) {
                let before = salts.insert(sealed[..24].to_vec(), sealed.clone());
                assert!(before.is_none_or(|before| before == sealed), "one salt for two messages");
            }
        }
        assert!(salts.len() > 60);
    });
}

#[test]
fn s23_a_storage_sees_random_names_and_powers_of_two_and_equal_shapes_look_the_same() {
    let sizes = |fill: u8, seed: u64| {
        let (mut dice, store) = (Dice(seed), MemoryStore::default());
        let alice = index(store.clone(), ALICE);
        block_on(async {
            for part in 0..3u32 {
                let mut batch = Batch::new();
                for n in 0..4_000u32 {
                    batch.put(0, &(n * 3 + part).to_be_bytes().repeat(4), &[fill; 100]);
                }
                alice.commit(batch, moment(&mut dice)).await.unwrap();
            }
            let ids = store.list(None).await.unwrap();
            let mut sizes: Vec<_> = store.get(&ids).await.unwrap().into_iter().flatten().map(|o| o.len()).collect();
            sizes.sort_unstable();
            (sizes, ids)
        })
    };
    let ((one, ids), (other, others)) = (sizes(1, 1), sizes(2, 2));
    assert!(one.iter().all(|size| size.is_power_of_two()));
    assert_eq!(one, other, "equal-sized data sets give equal traces");
    assert!(ids.iter().all(|id| !others.contains(id)), "equal contents have other names");
}

#[test]
fn keys_and_values_of_no_bytes_and_of_the_largest_size_and_past_it() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let (long, large) = (vec![255; MAX_KEY], vec![3; MAX_VALUE]);
        let mut batch = Batch::new();
        batch.put(0, b"", b"").put(0, &long, &large).put(0, b"b", &[0; 1_024]).put(0, b"c", &[0; 1_025]);
        alice.commit(batch, moment(&mut dice)).await.unwrap();
        for fold in [false, true] {
            if fold {
                assert!(alice.fold(moment(&mut dice)).await.unwrap());
            }
            let snapshot = index(store.clone(), BOB).latest().await.unwrap();
            assert_eq!(snapshot.get(0, b"").await.unwrap().unwrap().len(), 0);
            assert_eq!(*snapshot.get(0, &long).await.unwrap().unwrap(), large);
            assert_eq!(snapshot.get(0, b"b").await.unwrap().unwrap().len(), 1_024);
            assert_eq!(snapshot.get(0, b"c").await.unwrap().unwrap().len(), 1_025);
        }
        let too_long = [vec![0; MAX_KEY + 1], vec![]];
        let too_large = [vec![], vec![0; MAX_VALUE + 1]];
        for [key, value] in [too_long, too_large] {
            let mut batch = Batch::new();
            batch.put(0, b"x", b"y").put(0, &key, &value);
            assert_eq!(alice.commit(batch, moment(&mut dice)).await.unwrap_err().code(), "TooLarge");
        }
        assert_eq!(alice.latest().await.unwrap().get(0, b"x").await.unwrap(), None, "nothing of it happened");
    });
}

#[test]
fn check_says_what_is_wrong_and_where_and_nothing_of_what_is_well() {
    let store = Faulty::default();
    filled(&store, ALICE);
    block_on(async {
        let whole = index(store.clone(), BOB).latest().await.unwrap().check().await.unwrap();
        assert!(whole.wrong.is_empty() && whole.entries >= 2_501 && whole.nodes > 10, "{whole:?}");
        let mut found = 0;
        for lost in store.inner.list(None).await.unwrap() {
            *store.alter.lock().unwrap() = Some(Box::new(move |asked, bytes| {
                if *asked == lost {
                    *bytes = None;
                }
            }));
            // Without a segment nothing can be said of what is now.
            let Ok(snapshot) = index(store.clone(), BOB).latest().await else { continue };
            let checked = snapshot.check().await.unwrap();
            if let [wrong] = &checked.wrong[..] {
                assert_eq!(wrong.error, IndexError::Missing(lost));
                // What the tail replaces is checked as well, and not counted.
                assert!(checked.entries <= whole.entries);
                found += usize::from(checked.entries < whole.entries);
            } else {
                assert_eq!(checked, whole, "nobody needs it now");
            }
        }
        assert!(found > 10, "{found} nodes and values");
    });
}

#[test]
fn s10_what_does_not_descend_from_what_the_ledger_says_is_rollback_also_to_who_sees_the_index_for_the_first_time() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    block_on(async {
        let alice = index(store.clone(), ALICE);
        let mut records = Vec::new();
        for number in 0..40_u8 {
            let mut batch = Batch::new();
            batch.put(0, &[number], &[7; 900]);
            alice.commit(batch, moment(&mut dice)).await.unwrap();
            records.push(alice.seen().unwrap());
        }
        let latest = async |store: MemoryStore, generation: u64, hash: [u8; 32]| {
            let member =
                Member { anchored: Some(Anchored { generation, hash, seq: 4, author: ScopeId([1; 32]) }), ..BOB };
            Index::new(store, member, NAME, INDEX, None).latest().await.map(|snapshot| snapshot.generation())
        };
        for Seen { generation, hash, .. } in records {
            assert_eq!(latest(store.clone(), generation, hash).await, Ok(Some(39)), "{generation}");
            assert_eq!(latest(store.clone(), generation, [8; 32]).await, Err(IndexError::Rollback), "{generation}");
            assert_eq!(latest(store.clone(), generation + 40, hash).await, Err(IndexError::Rollback), "{generation}");
            assert_eq!(latest(MemoryStore::default(), generation, hash).await, Err(IndexError::Rollback), "no index");
        }
    });
}
