//! The contract of [`Store`] as functions over a factory, each named after what it checks and panicking with what is
//! wrong. Whoever writes a storage runs [`checks`] against the real thing.
//!
//! The factory opens the storage of a name; the same name again is the same storage, as another client or after a restart
//! has it. The first time it is empty.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use super::{MAX_OBJECT, MAX_REFERENCE, Reference, Store, Swapped};
use crate::seal::name;
use futures_util::future::{BoxFuture, FutureExt, LocalBoxFuture, join_all};
use keyfold_format::ObjectId;
use std::collections::BTreeSet;

/// Opens the storage of a name, so that [`Store::list`] shows objects at once: a storage that waits until they are older
/// is opened here without waiting.
pub type Factory<'f, S> = &'f dyn Fn(&'static str) -> BoxFuture<'f, S>;

/// A check and its name.
pub type Check<'f, S> = (&'static str, fn(Factory<'f, S>) -> LocalBoxFuture<'f, ()>);

/// All checks.
pub fn checks<'f, S: Store + 'f>() -> Vec<Check<'f, S>> {
    vec![
        ("what was put is there for everybody", |open| what_was_put_is_there(open).boxed_local()),
        ("what is not there is none, in the order of the question", |open| what_is_not_there(open).boxed_local()),
        ("the same object again is harmless", |open| the_same_again(open).boxed_local()),
        ("objects of one byte and of the largest size", |open| sizes(open).boxed_local()),
        ("what was deleted is gone, also twice", |open| deleted(open).boxed_local()),
        ("a reference is swapped for the version that stands there", |open| swapped(open).boxed_local()),
        ("of many who swap at once one succeeds", |open| races(open).boxed_local()),
        ("bytes that come back have another version", |open| comes_back(open).boxed_local()),
        ("references have nothing to do with each other", |open| names(open).boxed_local()),
        ("every object is listed once, page by page", |open| listed(open).boxed_local()),
    ]
}

/// An object as an index puts it: named by its hash.
fn object(bytes: Vec<u8>) -> (ObjectId, Vec<u8>) {
    (name(&bytes), bytes)
}

/// One of a byte, and its id.
fn small(n: u8) -> (ObjectId, Vec<u8>) {
    object(vec![n])
}

fn id(n: u8) -> ObjectId {
    small(n).0
}

async fn what_was_put_is_there<S: Store>(open: Factory<'_, S>) {
    let store = open("put").await;
    let objects: Vec<_> = (0..50).map(|n| object(vec![n; 1_024])).collect();
    store.put(objects.clone()).await.unwrap();
    let ids: Vec<_> = objects.iter().map(|(id, _)| *id).collect();
    let expected: Vec<_> = objects.into_iter().map(|(_, bytes)| Some(bytes)).collect();
    assert_eq!(store.get(&ids).await.unwrap(), expected);
    assert_eq!(open("put").await.get(&ids).await.unwrap(), expected, "for another one");
}

async fn what_is_not_there<S: Store>(open: Factory<'_, S>) {
    let store = open("none").await;
    assert_eq!(store.get(&[]).await.unwrap(), Vec::<Option<Vec<u8>>>::new());
    store.put(Vec::new()).await.unwrap();
    store.put(vec![small(1), small(3)]).await.unwrap();
    let found = store.get(&[id(3), id(2), id(1), id(3)]).await.unwrap();
    assert_eq!(found, [Some(vec![3]), None, Some(vec![1]), Some(vec![3])]);
    assert_eq!(store.read("nothing").await.unwrap(), None);
}

async fn the_same_again<S: Store>(open: Factory<'_, S>) {
    let (store, again) = (open("again").await, object(vec![7; 2_048]));
    for _ in 0..3 {
        store.put(vec![again.clone()]).await.unwrap();
    }
    let both = join_all((0..8).map(|_| store.put(vec![again.clone()]))).await;
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(store.get(&[again.0]).await.unwrap(), [Some(again.1)]);
}

async fn sizes<S: Store>(open: Factory<'_, S>) {
    let store = open("sizes").await;
    for size in [1, MAX_OBJECT] {
        let (id, bytes) = object(vec![5; size]);
        store.put(vec![(id, bytes.clone())]).await.unwrap();
        assert!(store.get(&[id]).await.unwrap() == [Some(bytes)], "{size} bytes");
    }
    let name = "the-largest";
    assert!(matches!(store.swap(name, None, vec![6; MAX_REFERENCE]).await.unwrap(), Swapped::Done(_)));
    assert_eq!(store.read(name).await.unwrap().unwrap().bytes, vec![6; MAX_REFERENCE]);
}

async fn deleted<S: Store>(open: Factory<'_, S>) {
    let store = open("deleted").await;
    store.put((0..5).map(small).collect()).await.unwrap();
    for _ in 0..2 {
        store.delete(&[id(1), id(3), id(9)]).await.unwrap();
        let found = open("deleted").await.get(&[id(0), id(1), id(2), id(3), id(4)]).await.unwrap();
        assert_eq!(found, [Some(vec![0]), None, Some(vec![2]), None, Some(vec![4])]);
    }
    store.delete(&[]).await.unwrap();
    store.put(vec![small(1)]).await.unwrap();
    assert_eq!(store.get(&[id(1)]).await.unwrap(), [Some(vec![1])], "and may come again");
}

async fn swapped<S: Store>(open: Factory<'_, S>) {
    let (store, other) = (open("swapped").await, open("swapped").await);
    let Swapped::Done(first) = store.swap("name", None, vec![1]).await.unwrap() else { panic!("nothing stands there") };
    let stands = Reference { version: first.clone(), bytes: vec![1] };
    assert_eq!(other.read("name").await.unwrap(), Some(stands.clone()));
    assert_eq!(other.swap("name", None, vec![2]).await.unwrap(), Swapped::Stands(Some(stands.clone())));
    let Swapped::Done(second) = other.swap("name", Some(&first), vec![2]).await.unwrap() else { panic!("it stands") };
    let stands = Reference { version: second, bytes: vec![2] };
    assert_eq!(store.swap("name", Some(&first), vec![3]).await.unwrap(), Swapped::Stands(Some(stands.clone())));
    assert_eq!(store.read("name").await.unwrap(), Some(stands));
    assert_eq!(store.swap("another", Some(&first), vec![3]).await.unwrap(), Swapped::Stands(None));
    assert_eq!(store.read("another").await.unwrap(), None);
}

async fn races<S: Store>(open: Factory<'_, S>) {
    let mut version: Option<String> = None;
    for round in 0..20u8 {
        let stores = join_all((0..8).map(|_| open("races"))).await;
        let swaps = stores.iter().zip(0u8..).map(|(store, n)| store.swap("name", version.as_deref(), vec![round, n]));
        let outcomes: Vec<_> = join_all(swaps).await.into_iter().map(Result::unwrap).collect();
        let done: Vec<_> = outcomes.iter().zip(0u8..).filter(|(o, _)| matches!(o, Swapped::Done(_))).collect();
        let [(Swapped::Done(won), n)] = done[..] else { panic!("{} of 8 succeeded in round {round}", done.len()) };
        let stands = Reference { version: won.clone(), bytes: vec![round, n] };
        assert_eq!(stores[0].read("name").await.unwrap(), Some(stands.clone()));
        for outcome in &outcomes {
            assert!(matches!(outcome, Swapped::Done(_)) || *outcome == Swapped::Stands(Some(stands.clone())));
        }
        version = Some(won.clone());
    }
}

async fn comes_back<S: Store>(open: Factory<'_, S>) {
    let store = open("comes back").await;
    let mut versions: Vec<String> = Vec::new();
    for round in 0..6u8 {
        let swapped = store.swap("name", versions.last().map(String::as_str), vec![round % 2]).await.unwrap();
        let Swapped::Done(version) = swapped else { panic!("it stands") };
        assert!(!versions.contains(&version), "who saw the former bytes would take these for them");
        versions.push(version);
    }
    assert!(matches!(store.swap("name", Some(&versions[3]), vec![9]).await.unwrap(), Swapped::Stands(Some(_))));
}

async fn names<S: Store>(open: Factory<'_, S>) {
    let store = open("names").await;
    let names = ["a", "A", "b", "a_b", "a-b_c", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    for (n, name) in (0u8..).zip(names) {
        assert!(matches!(store.swap(name, None, vec![n]).await.unwrap(), Swapped::Done(_)), "{name}");
    }
    for (n, name) in (0u8..).zip(names) {
        assert_eq!(store.read(name).await.unwrap().unwrap().bytes, [n], "{name}");
    }
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.references(after.as_deref()).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page);
    }
    let expected: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen.len(), expected.len(), "each of them once, and nothing else: {seen:?}");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

async fn listed<S: Store>(open: Factory<'_, S>) {
    let store = open("listed").await;
    assert!(store.list(None).await.unwrap().is_empty());
    let objects: Vec<_> = (0..2_345u32).map(|n| object(n.to_be_bytes().to_vec())).collect();
    let all: BTreeSet<ObjectId> = objects.iter().map(|(id, _)| *id).collect();
    store.put(objects).await.unwrap();
    store.swap("name", None, vec![1]).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        seen.extend(page);
    }
    assert_eq!(seen.len(), all.len(), "each of them once, and nothing else");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all);
}
