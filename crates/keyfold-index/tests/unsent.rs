//! Batches that wait: sealed for one index, opened nowhere else, and seen on top of what stands there.

use crate::support::{ALICE, BOB, Dice, INDEX, Member, NAME, all, index, moment};
use futures_executor::block_on;
use keyfold_format::IndexId;
use keyfold_index::{Batch, Index, IndexError, Query, limits::MAX_VALUE, store::MemoryStore};

fn some() -> Batch {
    let mut batch = Batch::new();
    batch.put(0, b"lunch", b"with bob, 12.50").remove(0, b"rent").put(3, b"long", &[7; 5_000]);
    batch
}

fn listed(batch: &Batch) -> Vec<(u16, Vec<u8>, Option<Vec<u8>>)> {
    batch.iter().map(|(tree, key, value)| (tree, key.to_vec(), value.map(<[u8]>::to_vec))).collect()
}

#[test]
fn a_batch_that_waits_comes_back_as_it_was_whichever_key_is_current_then() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store.clone(), ALICE);
    let mut shown = some();
    shown.remove(1, b"12.50");
    let kept = alice.seal_unsent(4, some(), Some(shown.clone()), &mut dice).unwrap();
    let plain = alice.seal_unsent(5, some(), None, &mut dice).unwrap();
    assert!(!kept.windows(5).any(|window| window == b"lunch"));
    let later = index(store, Member { current: 2, ..ALICE });
    let opened = later.open_unsent(4, &kept).unwrap();
    assert_eq!((opened.number, listed(&opened.changes)), (4, listed(&some())));
    assert_eq!(listed(opened.shown.as_ref().unwrap()), listed(&shown));
    assert_eq!(listed(opened.seen()), listed(&shown));
    let opened_plain = later.open_unsent(5, &plain).unwrap();
    assert!(opened_plain.shown.is_none() && opened_plain.id != opened.id);
    assert_eq!(listed(opened_plain.seen()), listed(&some()));
}

#[test]
fn it_opens_under_no_other_number_of_no_other_index_and_not_altered() {
    let (mut dice, store) = (Dice(1), MemoryStore::default());
    let alice = index(store.clone(), ALICE);
    let kept = alice.seal_unsent(4, some(), None, &mut dice).unwrap();
    let other = Index::new(store, BOB, NAME, IndexId([8; 32]), None);
    assert_ne!(INDEX, IndexId([8; 32]));
    let damaged = |opened: Result<_, IndexError>| matches!(opened.map(drop), Err(IndexError::Damaged(_)));
    assert!(damaged(alice.open_unsent(5, &kept)));
    assert!(damaged(other.open_unsent(4, &kept)));
    for at in [4, 30, kept.len() - 1] {
        let mut altered = kept.clone();
        altered[at] ^= 1;
        assert!(damaged(alice.open_unsent(4, &altered)), "at {at}");
    }
    for length in [0, 3, 4, 100] {
        assert!(damaged(alice.open_unsent(4, &kept[..length])), "{length} bytes");
    }
    let mut foreign = kept;
    foreign[3] = 9;
    assert_eq!(alice.open_unsent(4, &foreign).map(drop), Err(IndexError::NoKey(9)));
}

#[test]
fn what_could_never_be_written_does_not_wait_either() {
    let (mut dice, alice) = (Dice(1), index(MemoryStore::default(), ALICE));
    let mut long = Batch::new();
    long.put(0, b"key", &vec![0; MAX_VALUE + 1]);
    let mut many = Batch::new();
    for n in 0..5u8 {
        many.put(0, &[n], &vec![n; MAX_VALUE]);
    }
    for (changes, shown) in [(long.clone(), None), (some(), Some(long)), (many, None)] {
        let refused = alice.seal_unsent(0, changes, shown, &mut dice).unwrap_err();
        assert!(matches!(refused, IndexError::TooLarge { .. }), "{refused}");
    }
}

#[test]
fn of_two_that_wait_the_later_one_is_seen_and_what_stands_there_is_as_it_was() {
    let (mut dice, alice) = (Dice(1), index(MemoryStore::default(), ALICE));
    block_on(async {
        let mut first = Batch::new();
        first.put(0, b"a", b"1").put(0, b"b", b"2");
        alice.commit(first, moment(&mut dice)).await.unwrap();
        let stands = alice.latest().await.unwrap();
        let (mut one, mut other) = (Batch::new(), Batch::new());
        one.put(0, b"a", b"one").remove(0, b"b").put(0, b"c", &[1; 4_000]);
        other.put(0, b"a", b"other");
        let seen = stands.with([&one, &other]);
        assert_eq!(seen.generation(), stands.generation());
        let entries = all(&seen, 0, Query::default()).await.unwrap();
        assert_eq!(entries, [(b"a".to_vec(), b"other".to_vec()), (b"c".to_vec(), vec![1; 4_000])]);
        assert_eq!(stands.get(0, b"a").await.unwrap().unwrap().as_slice(), b"1");
        assert_eq!(alice.latest().await.unwrap().count(0, &Query::default()).await.unwrap(), 2);
        assert_eq!(seen.count(0, &Query::default()).await.unwrap(), 2);
        assert_eq!(stands.with([]).count(0, &Query::default()).await.unwrap(), 2);
    });
}
