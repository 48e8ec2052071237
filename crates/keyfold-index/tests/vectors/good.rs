//! Indexes as they are written, of every shape.

use super::{
    forgeries::forged_well,
    scene::{Scene, hex},
};
use crate::{
    forge::Change,
    support::{ALICE, BOB, Member},
};
use futures_executor::block_on;
use keyfold_index::store::Store;
use serde_json::{Value as Json, json};

pub(super) fn bytes(n: u32) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

/// Entries with numbers as keys, and values of one length.
pub(super) fn numbered(tree: u16, numbers: std::ops::Range<u32>, length: usize) -> Vec<Change> {
    numbers.map(|n| (tree, bytes(n), Some(vec![n as u8; length]))).collect()
}

pub(super) fn text(key: &str, value: &str) -> Change {
    (0, key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))
}

pub(super) fn without(key: &str) -> Change {
    (0, key.as_bytes().to_vec(), None)
}

/// Leaves of two trees, a value apart, a segment and small changes: what the altered ones alter.
pub(super) fn base() -> Scene {
    Scene::new(7)
        .put([numbered(0, 0..80, 100), numbered(1, 0..60, 10)].concat())
        .fold()
        .put([numbered(0, 80..160, 100), vec![(0, b"large".to_vec(), Some(vec![5; 1_025]))]].concat())
        .put([text("a", "1")])
        .put([text("b", "2")])
}

pub(super) fn small() -> Scene {
    let scene = Scene::new(3).put([text("alice", "1"), text("bob", "2"), text("carol", "3")]);
    scene.put([text("bob", "22")]).put([without("carol"), text("", ""), text("dave", "4")]).put([text("carol", "33")])
}

/// Long keys, of which neighbours have much in common and others nothing: a node above the leaves has room for few.
pub(super) fn long_keys(count: u32) -> Vec<Change> {
    let key = |n: u32| [vec![(n / 7) as u8; 1_000], bytes(n)].concat();
    (0..count).map(|n| (0, key(n), Some(vec![n as u8; 1_000]))).collect()
}

pub(super) fn good() -> Vec<(&'static str, Json)> {
    let many = |scene: Scene, range: std::ops::Range<u32>| {
        range.fold(scene, |scene, n| scene.put([(0, bytes(n % 9), Some(bytes(n)))]))
    };
    let (small, long) = (small(), many(Scene::new(4), 0..40));
    let replaced = |scene: Scene| {
        let scene = scene.put(numbered(0, 20..30, 50)).fold().put([(0, b"large".to_vec(), None)]).fold();
        let mut json = scene.json("what was replaced is listed, newest first: when, and which objects", None);
        let lists = block_on(lists_of(&scene));
        json["replaced"] = lists;
        json
    };
    let collected = || {
        let scene = base().put(numbered(0, 20..30, 50)).fold().put([(0, b"large".to_vec(), None)]).fold();
        assert!(block_on(scene.client.collect_garbage(scene.now_ms)).unwrap() > 0);
        let mut json = scene.json("what was replaced is deleted, and the lists of it", None);
        json["replaced"] = json!([]);
        json
    };
    let rotated = || {
        let scene = Scene::new(6).put(numbered(0, 0..90, 100)).fold().put(numbered(0, 90..180, 100)).fold().collect();
        let scene = scene.writes_as(Member { current: 3, ..ALICE });
        scene.put([(0, bytes(1), Some(b"new".to_vec()))]).fold().put([(0, bytes(2), Some(b"newer".to_vec()))])
    };
    let in_turns = || {
        (0..6u32).fold(Scene::new(8), |scene, n| {
            let scene = scene.writes_as(if n % 2 == 0 { ALICE } else { BOB });
            scene.put([(0, bytes(n), Some(bytes(n))), (0, b"last".to_vec(), Some(bytes(n)))])
        })
    };
    vec![
        ("nothing", Scene::new(1).json("nothing was written yet", None)),
        (
            "emptied",
            Scene::new(1).put([text("a", "1")]).put([without("a")]).fold().json("all that was in it is gone", None),
        ),
        ("one-change", Scene::new(2).put([text("key", "value")]).json("a record alone, of generation 0", None)),
        ("small-changes", small.json("four records; the headers of three stand in the last one", None)),
        ("small-changes-seen", small.json("who had seen generation 1 goes back in the record", Some(small.seen(1)))),
        ("seen-as-it-is", small.json("who had seen this very record", Some(small.seen(3)))),
        (
            "former-records",
            long.json("40 records; who had seen generation 3 reads lists of headers", Some(long.seen(3))),
        ),
        ("former-records-seen-first", long.json("40 records; who had seen generation 0", Some(long.seen(0)))),
        ("segments", {
            let scene = Scene::new(5).put(numbered(0, 0..90, 100)).put(numbered(0, 60..150, 90));
            scene.put([(0, bytes(61), None), (0, bytes(200), Some(vec![]))]).json("two segments and a change", None)
        }),
        ("a-leaf-in-the-record", Scene::new(9).put(numbered(0, 0..20, 9)).fold().json("a tree of one node", None)),
        ("two-levels", Scene::new(9).put(numbered(0, 0..200, 100)).fold().collect().json("a tree of two levels", None)),
        ("three-levels", {
            let scene = Scene::new(9).put(long_keys(84)).fold().collect();
            let ids = block_on(scene.store.list(None)).unwrap();
            let objects = block_on(scene.store.get(&ids)).unwrap();
            let above = objects.into_iter().flatten().filter(|sealed| sealed.len() == 16 << 10).count();
            assert!(above > 1, "{above} nodes between the leaves and the topmost one");
            scene.json("a tree of three levels", None)
        }),
        ("keys-of-all-lengths", {
            let keys = [vec![], vec![0], vec![0, 0], vec![255; 1_024], vec![255; 1_023]];
            let entries = keys.into_iter().map(|key| (0, key, Some(vec![1; 1_024])));
            Scene::new(9).put(entries).fold().json("no byte, zeros, and the longest", None)
        }),
        ("a-value-apart", base().json("a value of 1,025 bytes, a segment, two trees and small changes", None)),
        ("two-trees", {
            let scene = Scene::new(9).put([numbered(0, 0..30, 9), numbered(5, 10..40, 0)].concat()).fold();
            scene
                .put([(5, bytes(11), None), (2, bytes(1), Some(vec![1]))])
                .json("trees 0 and 5, and a change of 2", None)
        }),
        ("replaced", replaced(base())),
        ("collected", collected()),
        ("keys-of-the-keychain", rotated().json("what was written before is under key 1, the rest under key 3", None)),
        ("writers-in-turns", in_turns().json("alice and bob write in turns", None)),
        ("forged-well", forged_well()),
    ]
}

/// The lists of what was replaced, by the storage alone: which objects are there no more once it is collected.
pub(super) async fn lists_of(scene: &Scene) -> Json {
    let replaced = scene.client.replaced().await.unwrap();
    replaced.into_iter().map(|(ms, ids)| json!([ms, ids.iter().map(|id| hex(&id.0)).collect::<Vec<_>>()])).collect()
}
