//! Several who write at once: nothing is lost, and everybody sees one order of whole batches.

use crate::support::{ALICE, BOB, Dice, Faulty, INDEX, Member, NAME, all, index, moment};
use futures_executor::block_on;
use keyfold_index::{
    Batch, Index, IndexError, Query, Seen,
    store::{MemoryStore, Store},
};

#[test]
fn two_who_write_in_turns_without_looking_lose_nothing() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let (alice, bob) = (index(store.clone(), ALICE), index(store.clone(), BOB));
    block_on(async {
        alice.latest().await.unwrap();
        bob.latest().await.unwrap();
        for n in 0..300u32 {
            let (who, other) = if n % 2 == 0 { (&alice, b"alice") } else { (&bob, b"bob  ") };
            let mut batch = Batch::new();
            batch.put(0, &n.to_be_bytes(), other).put(0, b"last", &n.to_be_bytes());
            who.commit(batch, moment(&mut dice)).await.unwrap();
        }
        for reader in [&alice, &bob, &index(store, BOB)] {
            let snapshot = reader.latest().await.unwrap();
            assert_eq!(snapshot.generation(), Some(299));
            assert_eq!(snapshot.count(0, &Query::default()).await.unwrap(), 301);
            assert_eq!(snapshot.get(0, b"last").await.unwrap().unwrap().as_slice(), 299u32.to_be_bytes());
        }
    });
}

#[test]
fn a_transaction_is_decided_anew_on_what_others_committed() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let (alice, bob) = (index(store.clone(), ALICE), index(store, BOB));
    block_on(async {
        for n in 0..20u64 {
            let who = if n % 2 == 0 { &alice } else { &bob };
            who.transact(moment(&mut dice), async |snapshot| {
                let before = snapshot.get(0, b"count").await?;
                let before = before.map_or(0, |bytes| u64::from_be_bytes(bytes.as_slice().try_into().unwrap()));
                let mut batch = Batch::new();
                batch.put(0, b"count", &(before + 1).to_be_bytes());
                Ok::<_, IndexError>(batch)
            })
            .await
            .unwrap();
        }
        let count = alice.latest().await.unwrap().get(0, b"count").await.unwrap().unwrap();
        assert_eq!(count.as_slice(), 20u64.to_be_bytes());
    });
}

#[test]
fn what_was_read_stays_as_it_was_while_others_write() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let (alice, bob) = (index(store.clone(), ALICE), index(store, BOB));
    block_on(async {
        let mut first = Batch::new();
        for n in 0..3_000u32 {
            first.put(0, &n.to_be_bytes(), b"before");
        }
        alice.commit(first, moment(&mut dice)).await.unwrap();
        let snapshot = bob.latest().await.unwrap();
        let mut second = Batch::new();
        for n in 0..3_000u32 {
            second.put(0, &n.to_be_bytes(), b"after");
        }
        alice.commit(second, moment(&mut dice)).await.unwrap();
        let seen = all(&snapshot, 0, Query::default()).await.unwrap();
        assert!(seen.len() == 3_000 && seen.iter().all(|(_, value)| value == b"before"));
        let seen = all(&bob.latest().await.unwrap(), 0, Query::default()).await.unwrap();
        assert!(seen.len() == 3_000 && seen.iter().all(|(_, value)| value == b"after"));
    });
}

#[test]
fn a_small_change_is_one_swap_and_reading_it_back_asks_nobody() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let mut batch = Batch::new();
        batch.put(0, b"a", b"1");
        alice.commit(batch.clone(), moment(&mut dice)).await.unwrap();
        store.calls();
        alice.commit(batch.put(0, b"b", b"2").clone(), moment(&mut dice)).await.unwrap();
        assert_eq!(store.calls(), ["swap"], "nothing is put");
        let value = alice.known().await.unwrap().get(0, b"b").await.unwrap();
        assert_eq!((value.unwrap().as_slice(), store.calls()), (&b"2"[..], vec![]));
    });
}

#[test]
fn of_many_small_changes_few_put_anything() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let mut first = Batch::new();
        first.put(0, b"first", b"");
        alice.commit(first, moment(&mut dice)).await.unwrap();
        store.calls();
        for n in 0..1_000u32 {
            let mut batch = Batch::new();
            batch.put(0, &(n % 7).to_be_bytes(), &n.to_be_bytes());
            alice.commit(batch, moment(&mut dice)).await.unwrap();
            let calls = store.calls();
            assert!([&["swap"][..], &["put", "swap"]].contains(&&calls[..]), "{calls:?}");
        }
        let (objects, _) = store.inner.stored();
        assert!(objects < 110, "{objects} objects for 1,000 small changes");
    });
}

#[test]
fn a_scattered_batch_with_large_values_is_one_put_and_one_swap() {
    let (mut dice, store) = (Dice(1), Faulty::default());
    let alice = index(store.clone(), ALICE);
    block_on(async {
        let mut first = Batch::new();
        first.put(0, b"first", b"");
        alice.commit(first, moment(&mut dice)).await.unwrap();
        for round in 0..3u32 {
            let mut batch = Batch::new();
            for n in 0..1_000u32 {
                batch.put(0, &(n.wrapping_mul(2_654_435_761) ^ round).to_be_bytes().repeat(4), &[7; 100]);
            }
            batch.put(0, b"large", &[round as u8; 5_000]);
            store.calls();
            alice.commit(batch, moment(&mut dice)).await.unwrap();
            assert_eq!(store.calls(), ["put", "swap"]);
        }
        assert_eq!(alice.latest().await.unwrap().count(0, &Query::default()).await.unwrap(), 3_002);
    });
}

#[test]
fn who_knows_an_old_state_whose_objects_are_collected_goes_on_from_the_new_one() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let (alice, bob) = (index(store.clone(), ALICE), index(store.clone(), BOB));
    let many = |fill: u8| {
        let mut batch = Batch::new();
        for n in 0..2_500u32 {
            batch.put(0, &n.to_be_bytes(), &[fill; 40]);
        }
        batch
    };
    block_on(async {
        alice.commit(many(1), moment(&mut dice)).await.unwrap();
        let replace_all = async |dice: &mut Dice, fill| {
            bob.latest().await.unwrap();
            // Bob has none of the nodes in memory, and alice takes them away.
            alice.commit(many(fill), moment(dice)).await.unwrap();
            assert!(alice.collect_garbage(u64::MAX).await.unwrap() > 10);
        };
        replace_all(&mut dice, 2).await;
        bob.commit(many(3).put(1, b"large", &[3; 3_000]).clone(), moment(&mut dice)).await.unwrap();
        let large = alice.latest().await.unwrap().get(1, b"large").await.unwrap();
        assert_eq!(large.unwrap().as_slice(), [3; 3_000], "it is put, whichever attempt succeeds");

        let mut small = Batch::new();
        small.put(0, b"small", b"");
        alice.commit(small, moment(&mut dice)).await.unwrap();
        replace_all(&mut dice, 4).await;
        let again = Index::new(store.clone(), BOB, NAME, INDEX, bob.seen());
        again.latest().await.unwrap();
        alice.commit(many(5), moment(&mut dice)).await.unwrap();
        alice.collect_garbage(u64::MAX).await.unwrap();
        again
            .transact(moment(&mut dice), async |snapshot| {
                let value = snapshot.get(0, &7u32.to_be_bytes()).await?.unwrap();
                assert_eq!(value.as_slice(), [5; 40]);
                let mut batch = Batch::new();
                batch.put(0, b"decided", &value);
                Ok::<_, IndexError>(batch)
            })
            .await
            .unwrap();
        assert_eq!(index(store, BOB).latest().await.unwrap().check().await.unwrap().wrong, []);
    });
}

#[test]
fn who_was_put_out_writes_nothing_more_by_pretending_not_to_know() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let put = |key: &[u8]| {
        let mut batch = Batch::new();
        batch.put(0, key, b"");
        batch
    };
    block_on(async {
        let (alice, bob) = (index(store.clone(), ALICE), index(store.clone(), BOB));
        bob.commit(put(b"before"), moment(&mut dice)).await.unwrap();
        alice.latest().await.unwrap();
        // Entry 5 puts bob out. Alice knows it, and writes.
        let knowing = Index::new(store.clone(), Member { ledger: 5, ..ALICE }, NAME, INDEX, alice.seen());
        knowing.commit(put(b"after"), moment(&mut dice)).await.unwrap();
        // His client does not write behind hers. One that is made to, is believed by nobody who has seen hers.
        assert_eq!(bob.commit(put(b"too late"), moment(&mut dice)).await.unwrap_err().code(), "StaleCitation");
        let liar = Index::new(store.clone(), Member { ledger: 6, ..BOB }, NAME, INDEX, None);
        liar.commit(put(b"too late"), moment(&mut dice)).await.unwrap();
        assert_eq!(knowing.latest().await.err(), Some(IndexError::Denied), "what he knows says that he is out");
    });
}

#[test]
fn a_record_by_who_knew_less_than_the_one_before_is_refused() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    block_on(async {
        let mut batch = Batch::new();
        batch.put(0, b"a", b"");
        let alice = index(store.clone(), Member { ledger: 4, ..ALICE });
        alice.commit(batch.clone(), moment(&mut dice)).await.unwrap();
        let seen = alice.seen().unwrap();
        // As if the one before had known as little: the storage and bob work together.
        let (other, seen_by_bob) = (MemoryStore::default(), Seen { ledger: 0, ..seen });
        let stands = store.read(NAME).await.unwrap().unwrap();
        other.swap(NAME, None, stands.bytes).await.unwrap();
        let bob = Index::new(other, Member { ledger: 3, ..BOB }, NAME, INDEX, Some(seen_by_bob));
        assert_eq!(bob.commit(batch, moment(&mut dice)).await.unwrap_err().code(), "StaleCitation");
    });
}
