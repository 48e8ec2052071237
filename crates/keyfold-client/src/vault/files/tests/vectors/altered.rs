//! Contents that a storage alters, and such as a member wrote who may write and does not keep the rules.

use super::{
    Named,
    contents::{Put, WHOLE, file_at, long, put, put_otherwise, vault},
    entries::id,
    scene::{Key, hex},
};
use crate::vault::files::{FileContent, NodeId, ObjectId, context};
use keyfold_format::{IndexId, cbor};
use serde_json::{Value as Json, json};

/// Bytes of three parts.
const THREE: u64 = 2_200_000;

/// What the storage does with the parts of a content, which are followed by those of another one.
fn shown() -> Vec<Named> {
    let (film, other) = (put(9, long(THREE)), put(10, long(THREE)));
    let standing = [file_at(NodeId::ROOT, "a", id(0xf1), 1, &film.content)];
    let shown = |about: &str, edits: Json, expect: &str| {
        let mut json = vault(about, &[&film, &other], &standing, &WHOLE, expect);
        json["storage"] = edits;
        json
    };
    vec![
        ("part-altered-at-its-start", shown("its first bit", json!([{ "flip": [0, 0, 7] }]), "Unauthentic")),
        (
            "part-altered-in-the-middle",
            shown("a bit of the second", json!([{ "flip": [1, 70_000, 0] }]), "Unauthentic"),
        ),
        (
            "part-cut",
            shown("the second without its last segment", json!([{ "truncate": [1, 983_280] }]), "Unauthentic"),
        ),
        ("part-of-no-bytes", shown("the last is empty", json!([{ "truncate": [2, 0] }]), "Unauthentic")),
        ("part-with-a-byte-behind", shown("behind the last", json!([{ "append": [2, "00"] }]), "Unauthentic")),
        ("parts-swapped", shown("in each other's place", json!([{ "swap": [0, 1] }]), "Unauthentic")),
        ("part-of-another-file", shown("the same part of another file", json!([{ "swap": [1, 4] }]), "Unauthentic")),
        ("part-missing", shown("the second is not there", json!([{ "drop": 1 }]), "ObjectMissing")),
        ("part-missing-at-the-end", shown("the last is not there", json!([{ "drop": 2 }]), "ObjectMissing")),
    ]
}

/// What a member says of a content.
fn said() -> Vec<Named> {
    let (film, other, small) = (put(9, long(THREE)), put(10, long(THREE)), put(3, long(100)));
    let said = |about: &str, of: &Put, alter: &dyn Fn(&mut FileContent)| {
        let mut content = of.content.clone();
        alter(&mut content);
        let standing = [file_at(NodeId::ROOT, "a", id(0xf1), 1, &content)];
        vault(about, &[of, &other], &standing, &WHOLE, "Unauthentic")
    };
    let ends = |mut json: Json, expect: &str| {
        json["expect"] = json!(expect);
        json
    };
    vec![
        (
            "said-parts-swapped",
            said("parts of one length in another order", &film, &|content| content.parts.swap(0, 1)),
        ),
        ("said-parts-turned", said("the last part first", &film, &|content| content.parts.reverse())),
        ("said-part-twice", said("the first part again", &film, &|content| content.parts[1] = content.parts[0])),
        ("said-part-left-out", said("two of three parts", &film, &|content| content.parts.truncate(2))),
        ("said-part-too-many", said("the last part twice", &film, &|content| content.parts.push(content.parts[2]))),
        ("said-no-parts", said("a body without parts", &small, &|content| content.parts.clear())),
        (
            "said-the-end-cut-off",
            said("two of three parts, and a body of as many bytes", &film, &|content| {
                content.parts.pop();
                content.body = 2 * 1_048_832;
            }),
        ),
        (
            "said-a-shorter-file",
            said("one of three parts, and a size that fits it", &film, &|content| {
                content.parts.truncate(1);
                (content.body, content.size) = (1_032_456, 1_032_192);
            }),
        ),
        (
            "said-parts-of-another-file",
            said("another file's parts under this one's head", &film, &|content| {
                content.parts.clone_from(&other.content.parts);
            }),
        ),
        (
            "said-a-part-of-another-file",
            said("the second part of another file", &film, &|content| content.parts[1] = other.content.parts[1]),
        ),
        (
            "said-a-head-of-another-file",
            said("another file's head before this one's parts", &film, &|content| {
                content.head.clone_from(&other.content.head);
            }),
        ),
        (
            "said-another-size",
            said("101 of 100 bytes: they are padded to the same", &small, &|content| content.size = 101),
        ),
        ("said-a-smaller-size", said("99 of 100 bytes", &small, &|content| content.size = 99)),
        ("said-a-larger-size", said("1,000 of 100 bytes: other padding", &small, &|content| content.size = 1_000)),
        ("said-no-size", said("0 of 100 bytes", &small, &|content| content.size = 0)),
        ("said-the-largest-size", said("2\u{2075}\u{b3} \u{2212} 1", &small, &|content| content.size = cbor::LARGEST)),
        ("said-a-larger-body", said("a byte more", &small, &|content| content.body += 1)),
        ("said-a-smaller-body", said("a byte less", &small, &|content| content.body -= 1)),
        ("said-a-body-of-no-bytes", said("0", &small, &|content| content.body = 0)),
        (
            "said-a-part-that-is-not-there",
            ends(
                said("an id that nobody put", &small, &|content| content.parts[0] = ObjectId([9; 32])),
                "ObjectMissing",
            ),
        ),
        (
            "said-an-altered-head",
            said("the last bit of the MAC", &small, &|content| *content.head.last_mut().unwrap() ^= 1),
        ),
        ("said-a-head-with-a-byte-behind", said("a zero byte", &small, &|content| content.head.push(0))),
        (
            "said-a-head-that-is-cut",
            ends(said("a byte less", &small, &|content| content.head.truncate(content.head.len() - 1)), "Truncated"),
        ),
        ("said-no-head", ends(said("no byte", &small, &|content| content.head.clear()), "NotAnEnvelope")),
        (
            "said-a-head-of-something-else",
            ends(said("another magic", &small, &|content| content.head[1] = 0), "NotAnEnvelope"),
        ),
        (
            "said-the-start-of-a-head-of-version-2",
            ends(
                said("nine bytes: a version is read before anything behind it", &small, &|content| {
                    content.head[8] = 2;
                    content.head.truncate(9);
                }),
                "Unsupported",
            ),
        ),
        (
            "said-a-head-of-version-2",
            ends(said("an unknown version", &small, &|content| content.head[8] = 2), "Unsupported"),
        ),
    ]
}

/// Envelopes of another kind than contents have.
fn other_kinds() -> Vec<Named> {
    let keys = || [Key::new(1, false)];
    let of = |about: &str, put: &Put, expect: &str| {
        let standing = [file_at(NodeId::ROOT, "a", id(0xf1), 1, &put.content)];
        vault(about, &[put], &standing, &WHOLE, expect)
    };
    let metadata = json!({ "metadata": { "name": "a", "media_type": null, "modified": null } });
    let author = json!({ "author": {
        "seed": hex(&[3; 32]), "account": hex(&[0xac; 32]), "generation": 0, "seq": 3, "head": hex(&[0xee; 32]),
    } });
    let elsewhere = json!({ "context": hex(&context(&IndexId([7; 32]))) });
    let bare = put_otherwise(50, long(104), &keys(), json!({ "padded": false }));
    let named = put_otherwise(51, long(100), &keys(), metadata);
    let signed = put_otherwise(52, long(100), &keys(), author);
    let bound = put_otherwise(53, long(100), &keys(), elsewhere);
    let cut = put_otherwise(54, long(THREE), &keys(), json!({ "cut": 1_000_000 }));
    let early = put_otherwise(55, long(100), &keys(), json!({ "cut": 100 }));
    let locked = put_otherwise(56, long(100), &[Key::new(2, false)], json!({}));
    vec![
        ("content-without-padding", of("104 bytes, which padding would not change", &bare, "Unauthentic")),
        ("content-with-metadata", of("metadata in the head", &named, "Unauthentic")),
        ("content-with-a-trailer", of("an author's signature behind it", &signed, "Unauthentic")),
        ("content-of-another-index", of("with the context of another index", &bound, "Unauthentic")),
        ("content-cut-elsewhere", of("the first part has 1,000,000 bytes, and the last more", &cut, "Unauthentic")),
        ("content-cut-early", of("a body of 128 bytes in two parts", &early, "Unauthentic")),
        ("content-under-a-key-that-is-not-there", of("the reader does not hold key 2", &locked, "NoSlot")),
    ]
}

pub(super) fn altered() -> Vec<Named> {
    [shown(), said(), other_kinds()].concat()
}
