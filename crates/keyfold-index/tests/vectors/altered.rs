//! Storages that alter, swap, withhold and take back.

use super::{
    good::{base, bytes, small},
    read,
    scene::{Scene, hex, unhex},
};
use crate::support::{ALICE, INDEX, NAME};
use futures_executor::block_on;
use keyfold_format::ObjectId;
use keyfold_index::{
    Seen,
    store::{MemoryStore, Store},
};
use serde_json::{Value as Json, json};

pub(super) fn flipped(json: &mut Json, at: usize) {
    let mut bytes = unhex(json);
    bytes[at] ^= 1;
    *json = json!(hex(&bytes));
}

pub(super) fn cut(json: &mut Json) {
    let bytes = unhex(json);
    *json = json!(hex(&bytes[..bytes.len() / 2]));
}

pub(super) fn altered() -> Vec<(&'static str, Json)> {
    let (base, small, long) =
        (base(), small(), (0..40).fold(Scene::new(4), |scene, n| scene.put([(0, bytes(n % 9), Some(bytes(n)))])));
    // Objects by what a reader is told of one that is not there: all of them are needed but headers and lists.
    let needed: Vec<String> = {
        let ids = block_on(base.store.list(None)).unwrap();
        let is_needed = |lost: &ObjectId| {
            block_on(async {
                let store = MemoryStore::default();
                let others: Vec<_> = ids.iter().filter(|id| *id != lost).copied().collect();
                let contents = base.store.get(&others).await.unwrap().into_iter().flatten();
                store.put(others.iter().copied().zip(contents).collect()).await.unwrap();
                store.swap(NAME, None, base.records.last().unwrap().0.clone()).await.unwrap();
                read(store, ALICE, INDEX, None).await.is_err()
            })
        };
        ids.iter().filter(|id| is_needed(id)).map(|id| hex(&id.0)).collect()
    };
    assert!(needed.len() >= 4, "{} objects", needed.len());
    let mut vectors = Vec::new();
    for (name, about, at) in [
        ("object-altered-at-its-start", "a bit of an object's salt is flipped", 0),
        ("object-altered-in-the-middle", "a bit of an object's ciphertext is flipped", 500),
    ] {
        vectors.push((
            name,
            base.altered(about, None, "IndexDamaged", |json| flipped(&mut json["objects"][&needed[0]], at)),
        ));
    }
    vectors.extend([
        (
            "object-cut",
            base.altered("half of an object is missing", None, "IndexDamaged", |json| {
                cut(&mut json["objects"][&needed[1]])
            }),
        ),
        (
            "object-of-no-bytes",
            base.altered("an object is empty", None, "IndexDamaged", |json| json["objects"][&needed[1]] = json!("")),
        ),
        (
            "objects-swapped",
            base.altered("two objects are in each other's place", None, "IndexDamaged", |json| {
                let (a, b) = (json["objects"][&needed[0]].clone(), json["objects"][&needed[1]].clone());
                json["objects"][&needed[0]] = b;
                json["objects"][&needed[1]] = a;
            }),
        ),
        (
            "record-altered",
            small.altered("a bit of the record is flipped", None, "IndexDamaged", |json| {
                flipped(&mut json["reference"], 700)
            }),
        ),
        (
            "record-under-a-key-that-is-not-there",
            small.altered("the record says key 0", None, "NoKey", |json| flipped(&mut json["reference"], 3)),
        ),
        (
            "record-cut",
            small.altered("half of the record is missing", None, "IndexDamaged", |json| cut(&mut json["reference"])),
        ),
        (
            "record-of-three-bytes",
            small.altered("not even a key number", None, "IndexDamaged", |json| json["reference"] = json!("000000")),
        ),
        (
            "record-of-no-bytes",
            small.altered("nothing stands under the reference", None, "IndexDamaged", |json| {
                json["reference"] = json!("")
            }),
        ),
        (
            "record-of-another-index",
            small.altered("it is opened as another index", None, "IndexDamaged", |json| {
                json["index"] = json!(hex(&[8; 32]))
            }),
        ),
        (
            "key-not-there",
            small.altered("the reader holds another key", None, "NoKey", |json| json["keys"] = json!([])),
        ),
        (
            "replayed",
            small.altered("an older record than was seen", Some(small.seen(3)), "Rollback", |json| {
                json["reference"] = json!(hex(&small.records[2].0))
            }),
        ),
        (
            "replayed-first",
            small.altered("the first record, and the fourth was seen", Some(small.seen(3)), "Rollback", |json| {
                json["reference"] = json!(hex(&small.records[0].0))
            }),
        ),
        (
            "taken-away",
            small.altered("no record, and one was seen", Some(small.seen(0)), "Rollback", |json| {
                json["reference"] = Json::Null
            }),
        ),
        (
            "another-of-the-same-generation",
            small.altered(
                "another record of the generation that was seen",
                Some(Seen { hash: [1; 32], ..small.seen(3) }),
                "Rollback",
                |_| {},
            ),
        ),
        (
            "another-history",
            small.altered(
                "the record of generation 1 was another one",
                Some(Seen { hash: [1; 32], ..small.seen(1) }),
                "Rollback",
                |_| {},
            ),
        ),
        (
            "another-history-by-lists",
            long.altered(
                "the record of generation 3 was another one",
                Some(Seen { hash: [1; 32], ..long.seen(3) }),
                "Rollback",
                |_| {},
            ),
        ),
        (
            "list-not-there",
            long.altered("no list of headers is there", Some(long.seen(3)), "ObjectMissing", |json| {
                json["objects"] = json!({})
            }),
        ),
    ]);
    for (name, lost) in [("object-missing", 0), ("object-missing-too", needed.len() - 1)] {
        vectors.push((
            name,
            base.altered("an object is not there", None, "ObjectMissing", |json| {
                json["objects"].as_object_mut().unwrap().remove(&needed[lost]);
            }),
        ));
    }
    vectors
}
