//! Indexes that a member wrote who holds the keys and does not keep the rules.

use super::scene::{hex, storage};
use crate::{
    forge::{Body, Forge, HERE, Place, SEGMENT, Signed, apart, changes, child, entry, framed, node, node_with_prefix},
    support::ALICE,
};
use futures_executor::block_on;
use keyfold_format::ObjectId;
use keyfold_index::Keys;
use serde_json::{Value as Json, json};

/// What is forged below, without a fault: so that it is the fault that is refused.
pub(super) fn forged_well() -> Json {
    let (forge, reference) = forged(|_| {});
    let mut json = storage("written by hand", &block_on(forge.store(reference)), None);
    json["entries"] = json!([
        [0, hex(b"apple"), hex(b"1")],
        [0, hex(b"banana"), hex(b"2")],
        [0, hex(b"cherry"), hex(b"3")],
        [0, hex(b"damson"), hex(&[5; 1_025])],
        [0, hex(b"elder"), hex(b"5")],
        [0, hex(b"fig"), hex(b"6")],
        [1, hex(b"apple"), hex(b"7")],
    ]);
    json["expect"] = json!("ok");
    json
}

/// Parts of an index, to be altered before they are sealed.
pub(super) struct Parts {
    left: Vec<u8>,
    right: Vec<u8>,
    /// The level under which the left leaf is sealed, and its tree.
    left_place: Place,
    left_entries: u64,
    right_from: &'static str,
    total: u64,
    value_length: u32,
    segment_count: u32,
    segment: Vec<u8>,
    top: fn(ObjectId, u64, &'static str, ObjectId) -> Vec<u8>,
    body: fn(&mut Body),
    version: u8,
    behind_the_record: &'static [u8],
    behind_the_body: &'static [u8],
    signed_body: Option<Vec<u8>>,
}

pub(super) fn forged(alter: impl FnOnce(&mut Parts)) -> (Forge, Vec<u8>) {
    let mut forge = Forge::new();
    let value = forge.object(Place(1, 0, 0), &[5; 1_025]);
    let mut parts = Parts {
        left: node(0, &[entry("apple", "1"), entry("banana", "2")]),
        right: Vec::new(),
        left_place: Place::node(0, 0),
        left_entries: 2,
        right_from: "c",
        total: 4,
        value_length: 1_025,
        segment_count: 2,
        segment: changes(&[(0, b"elder".to_vec(), Some(b"5".to_vec())), (0, b"fig".to_vec(), Some(b"0".to_vec()))]),
        top: |left, entries, from, right| node(1, &[child("", left, entries), child(from, right, 2)]),
        body: |_| {},
        version: 1,
        behind_the_record: &[],
        behind_the_body: &[],
        signed_body: None,
    };
    alter(&mut parts);
    if parts.right.is_empty() {
        parts.right = node(0, &[entry("cherry", "3"), apart("damson", value, parts.value_length)]);
    }
    let left = forge.object(parts.left_place, &parts.left);
    let right = forge.object(Place::node(0, 0), &parts.right);
    let other = forge.object(Place::node(0, 1), &node(0, &[entry("apple", "7")]));
    let segment = forge.object(Place::of_all(SEGMENT), &parts.segment);
    let mut body = Body {
        trees: vec![Some((1, HERE, parts.total)), Some((0, other, 1))],
        top: Some((parts.top)(left, parts.left_entries, parts.right_from, right)),
        segments: vec![(segment, parts.segment_count)],
        changes: vec![(0, b"fig".to_vec(), Some(b"6".to_vec()))],
        headers: Vec::new(),
    };
    (parts.body)(&mut body);
    let body = [&body.encode()[..], parts.behind_the_body].concat();
    let mut signed = Forge::header(0, ALICE, &[], parts.signed_body.as_deref().unwrap_or(&body));
    signed.bytes[1] = parts.version;
    let signed = if parts.version == 1 { signed } else { resigned(signed.bytes) };
    let reference = if parts.behind_the_record.is_empty() {
        forge.record(&signed, &body)
    } else {
        let mut e = minicbor::Encoder::new(Vec::new());
        e.array(3).unwrap().bytes(&signed.bytes).unwrap().bytes(&signed.signature).unwrap().bytes(&body).unwrap();
        forge.framed_record(&[&framed(&e.into_writer())[..], parts.behind_the_record].concat())
    };
    (forge, reference)
}

pub(super) fn resigned(bytes: Vec<u8>) -> Signed {
    let signature = ALICE.sign(&bytes).0.to_vec();
    Signed { bytes, signature }
}

pub(super) fn forgery(about: &str, expect: &str, alter: impl FnOnce(&mut Parts)) -> Json {
    let (forge, reference) = forged(alter);
    let mut json = storage(about, &block_on(forge.store(reference)), None);
    json["expect"] = json!(expect);
    json
}

pub(super) fn forgeries() -> Vec<(&'static str, Json)> {
    let damaged = |about, alter: fn(&mut Parts)| forgery(about, "IndexDamaged", alter);
    vec![
        (
            "node-unsorted",
            damaged("a leaf's keys descend", |p| {
                p.left = node(0, &[entry("banana", "2"), entry("apple", "1")]);
            }),
        ),
        (
            "node-with-a-key-twice",
            damaged("a key stands twice", |p| {
                p.left = node_with_prefix(0, 0, &[entry("apple", "1"), entry("apple", "2")]);
            }),
        ),
        (
            "node-below-its-bounds",
            damaged("the second leaf has a key that is less than its bound", |p| p.right_from = "cz"),
        ),
        (
            "node-past-its-bounds",
            damaged("the first leaf has a key that is not less than the second one's bound", |p| {
                p.left = node(0, &[entry("apple", "1"), entry("cat", "2")]);
            }),
        ),
        (
            "node-with-another-count",
            damaged("a leaf has two entries, and three are counted", |p| (p.left_entries, p.total) = (3, 5)),
        ),
        ("tree-with-another-count", damaged("the record counts five entries, and there are four", |p| p.total = 5)),
        ("node-at-another-level", damaged("a leaf is sealed as one of level 1", |p| p.left_place = Place::node(1, 0))),
        ("node-that-says-another-level", damaged("it is sealed as a leaf and says level 1", |p| p.left[0] = 1)),
        ("node-of-another-tree", damaged("a leaf of tree 1 in tree 0", |p| p.left_place = Place::node(0, 1))),
        ("node-of-another-kind", damaged("a value in a leaf's place", |p| p.left_place = Place(1, 0, 0))),
        ("node-of-another-version", damaged("a leaf of version 2", |p| p.left[1] = 2)),
        ("node-with-bytes-behind", damaged("a byte behind the last cell", |p| p.left.push(1))),
        (
            "node-with-a-short-prefix",
            damaged("a prefix that is not the longest", |p| {
                p.left = node_with_prefix(0, 0, &[entry("apple", "1"), entry("apricot", "2")]);
            }),
        ),
        ("node-with-no-cell", damaged("a leaf without a cell", |p| p.left = vec![0, 1, 0, 0, 0, 0])),
        (
            "node-with-a-gap",
            damaged("a byte between the offsets and the first cell", |p| {
                let mut gap = node(0, &[entry("apple", "1"), entry("banana", "2")]);
                gap.insert(10, 0);
                (gap[7], gap[9]) = (gap[7] + 1, gap[9] + 1);
                p.left = gap;
            }),
        ),
        (
            "node-with-a-long-value",
            damaged("a value of 1,025 bytes in a leaf", |p| {
                p.left = node(0, &[entry("apple", &"1".repeat(1_025)), entry("banana", "2")]);
            }),
        ),
        ("value-of-another-length", damaged("a value that is said to have a byte less", |p| p.value_length = 1_024)),
        ("segment-with-another-count", damaged("a segment counts a change more", |p| p.segment_count = 3)),
        ("segment-with-bytes-behind", damaged("a byte behind a segment", |p| p.segment.push(1))),
        (
            "segment-of-no-encoding",
            damaged("a number in a segment has a longer form", |p| {
                p.segment = framed(&[0x82, 0x82, 0x18, 0x00, 0x41, 0x61, 0x82, 0x00, 0x41, 0x62]);
            }),
        ),
        ("record-with-bytes-behind", damaged("a byte behind a record", |p| p.behind_the_record = &[1])),
        ("body-with-bytes-behind", damaged("a byte behind the body", |p| p.behind_the_body = &[0])),
        (
            "body-of-another-record",
            damaged("the header names the hash of another body", |p| {
                p.signed_body = Some(b"another".to_vec());
            }),
        ),
        ("body-with-an-empty-tree-last", damaged("the last tree is null", |p| p.body = |body| body.trees.push(None))),
        (
            "body-without-the-topmost-node",
            damaged("the primary's topmost node is not there", |p| {
                p.body = |body| body.top = None;
            }),
        ),
        ("record-of-another-version", forgery("a header of version 2", "Unsupported", |p| p.version = 2)),
    ]
}
