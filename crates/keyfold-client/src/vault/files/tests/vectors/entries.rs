//! What stands in the three trees, under which keys, and what does not.

use super::{
    Named,
    scene::{NOW, content_json, hex, ids, unhex},
};
use crate::vault::files::{
    FileContent, NodeId, ObjectId,
    entry::{Entry, FileEntry, LetGo, decoded},
    place::{self, ENTRIES, FORMER, LET_GO},
};
use keyfold_format::{Name, cbor};
use keyfold_index::{
    IndexError,
    key::{self, Part},
};
use minicbor::Encoder;
use serde_json::{Value as Json, json};

const LARGEST: u64 = cbor::LARGEST;

pub(super) fn id(byte: u8) -> NodeId {
    NodeId([byte; 16])
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// What a key and its value say, and that they are written so.
fn read(tree: u16, key: &[u8], value: &[u8]) -> Result<Json, IndexError> {
    let (said, again) = match tree {
        ENTRIES => {
            let (folder, name) = place::read_entry(key)?;
            let entry: Entry = decoded(value)?;
            let mut said = json!({ "in": hex(&folder.0), "name": name.as_str() });
            match &entry {
                Entry::File(FileEntry { id, version, content }) => {
                    said["file"] = json!({ "id": hex(&id.0), "version": version, "content": content_json(content) });
                }
                Entry::Folder { id, created } => {
                    said["folder"] = json!({ "id": hex(&id.0), "created": created });
                }
            }
            (said, (place::entry(folder, &name)?, cbor::encode(&entry)))
        }
        FORMER => {
            let (file, version) = place::read_former(key)?;
            let content: FileContent = decoded(value)?;
            let said = json!({ "file": hex(&file.0), "version": version, "content": content_json(&content) });
            (said, (place::former(file, version)?, cbor::encode(&content)))
        }
        _ => {
            let (when, file, version) = place::read_let_go(key)?;
            let let_go: LetGo = decoded(value)?;
            let said = json!({ "when": when, "file": hex(&file.0), "version": version, "objects": ids(&let_go.0) });
            (said, (place::let_go(when, file, version)?, cbor::encode(&let_go)))
        }
    };
    assert_eq!(again, (key.to_vec(), value.to_vec()), "two encodings of one thing");
    Ok(said)
}

pub(super) fn check(name: &str, json: &Json) {
    let tree = u16::try_from(json["tree"].as_u64().unwrap()).unwrap();
    match read(tree, &unhex(&json["key"]), &unhex(&json["value"])) {
        Ok(said) => assert_eq!((&json["expect"], &json["out"]), (&json!("ok"), &said), "{name}"),
        Err(error) => assert_eq!(json["expect"], json!(error.code()), "{name}: {error}"),
    }
}

fn content() -> FileContent {
    let parts = vec![ObjectId([0xcc; 32])];
    let (media_type, head) = ("text/plain".to_owned(), vec![0xab; 40]);
    FileContent { stored: NOW, media_type, modified: Some(NOW - 1_000), size: 100, head, body: 128, parts }
}

fn file(content: FileContent) -> Vec<u8> {
    cbor::encode(&Entry::File(FileEntry { id: id(0xf1), version: 2, content }))
}

fn folder() -> Vec<u8> {
    cbor::encode(&Entry::Folder { id: id(0xd1), created: NOW })
}

fn under(text: &str) -> Vec<u8> {
    place::entry(NodeId::ROOT, &name(text)).unwrap()
}

fn vector(about: &str, tree: u16, key: &[u8], value: &[u8], expect: &str) -> Json {
    json!({ "about": about, "tree": tree, "key": hex(key), "value": hex(value), "expect": expect })
}

pub(super) fn good() -> Vec<Named> {
    let said = |about: &str, tree: u16, key: Vec<u8>, value: Vec<u8>, out: Json| {
        let mut json = vector(about, tree, &key, &value, "ok");
        json["out"] = out;
        json
    };
    let file_of = |about: &str, text: &str, version: u64, content: FileContent| {
        let out = json!({
            "in": hex(&NodeId::ROOT.0), "name": text,
            "file": { "id": hex(&[0xf1; 16]), "version": version, "content": content_json(&content) },
        });
        let value = cbor::encode(&Entry::File(FileEntry { id: id(0xf1), version, content }));
        said(about, ENTRIES, under(text), value, out)
    };
    let folder_in = |about: &str, parent: NodeId, text: &str, created: u64| {
        let out = json!({
            "in": hex(&parent.0), "name": text, "folder": { "id": hex(&[0xd1; 16]), "created": created },
        });
        let value = cbor::encode(&Entry::Folder { id: id(0xd1), created });
        said(about, ENTRIES, place::entry(parent, &name(text)).unwrap(), value, out)
    };
    let former_of = |about: &str, version: u64| {
        let out = json!({ "file": hex(&[0xf1; 16]), "version": version, "content": content_json(&content()) });
        said(about, FORMER, place::former(id(0xf1), version).unwrap(), cbor::encode(&content()), out)
    };
    let gone = |about: &str, when: u64, count: u8| {
        let objects: Vec<_> = (0..count).map(|n| ObjectId([n; 32])).collect();
        let out = json!({ "when": when, "file": hex(&[0xf1; 16]), "version": 3, "objects": ids(&objects) });
        said(about, LET_GO, place::let_go(when, id(0xf1), 3).unwrap(), cbor::encode(&LetGo(objects)), out)
    };
    let mixed = NodeId(std::array::from_fn(|at| [0, 0xff, 7][at % 3]));
    let largest = FileContent {
        stored: LARGEST,
        media_type: "t".repeat(256),
        modified: Some(LARGEST),
        size: LARGEST,
        body: LARGEST,
        ..content()
    };
    vec![
        ("folder", folder_in("a folder in the root", NodeId::ROOT, "pictures", NOW)),
        ("folder-in-a-folder", folder_in("a folder in another one", id(0xd2), "2027", NOW)),
        ("folder-in-one-whose-id-has-zeros", folder_in("zero bytes and FFh in the id", mixed, "a", 0)),
        ("folder-with-the-longest-name", folder_in("256 bytes", NodeId::ROOT, &"\u{fc}".repeat(128), NOW)),
        ("file", file_of("a file with all that is said of one", "a.txt", 2, content())),
        (
            "file-of-which-nothing-is-said",
            file_of(
                "no media type, no time of change",
                "a",
                1,
                FileContent { media_type: String::new(), modified: None, ..content() },
            ),
        ),
        ("file-with-the-longest-name", file_of("256 bytes", &"x".repeat(256), 1, content())),
        ("file-beyond-the-basic-plane", file_of("characters of four bytes", "\u{1f5c4}\u{10ffff}", 1, content())),
        (
            "file-of-the-largest-numbers",
            file_of("2\u{2075}\u{b3} \u{2212} 1, and a media type of 256 bytes", "a", LARGEST, largest),
        ),
        (
            "file-of-many-parts",
            file_of(
                "30 parts",
                "film",
                1,
                FileContent {
                    size: 31_000_000,
                    body: 31_464_000,
                    parts: (0..30).map(|n| ObjectId([n; 32])).collect(),
                    ..content()
                },
            ),
        ),
        ("file-without-parts", file_of("as an entry it is one", "a", 1, FileContent { parts: vec![], ..content() })),
        ("former-content", former_of("the content that a file had first", 1)),
        ("former-content-of-version-300", former_of("versions stand in the order of numbers", 300)),
        ("former-content-of-the-largest-version", former_of("2\u{2075}\u{b3} \u{2212} 1", LARGEST)),
        ("let-go", gone("objects that nobody needs any more", NOW, 3)),
        ("let-go-of-long-ago", gone("at the beginning of time", 0, 1)),
        ("let-go-of-late", gone("2\u{2075}\u{b3} \u{2212} 1 ms after 1970", LARGEST, 1)),
    ]
}

/// Encoded by hand.
fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>)) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder);
    encoder.into_writer()
}

fn altered(mut bytes: Vec<u8>, alter: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    alter(&mut bytes);
    bytes
}

fn parts(parts: &[Part]) -> Vec<u8> {
    key::encode(parts).unwrap()
}

/// Keys of the first tree that have no name in them.
fn bad_names() -> Vec<Named> {
    let named = |about: &str, text: &str| {
        let key = parts(&[Part::Bytes(vec![0; 16]), Part::Text(text.to_owned())]);
        vector(about, ENTRIES, &key, &folder(), "IndexDamaged")
    };
    vec![
        ("name-with-a-slash", named("a path is no name", "a/b")),
        ("name-of-no-bytes", named("no name", "")),
        ("name-of-a-dot", named("`.` is no name", ".")),
        ("name-of-two-dots", named("`..` is no name", "..")),
        ("name-of-257-bytes", named("one byte too many", &"x".repeat(257))),
        ("name-with-a-zero", named("a control character", "a\0b")),
        ("name-with-a-line-end", named("a control character", "a\n")),
        ("name-in-another-normal-form", named("`u` and two dots as a character of their own", "u\u{308}")),
    ]
}

fn bad_keys() -> Vec<Named> {
    let root = || Part::Bytes(vec![0; 16]);
    let text = || Part::Text("a".to_owned());
    let of = || Part::Bytes(vec![0xf1; 16]);
    let entry = |about: &str, key: &[u8]| vector(about, ENTRIES, key, &folder(), "IndexDamaged");
    let former = |about: &str, key: &[u8]| vector(about, FORMER, key, &cbor::encode(&content()), "IndexDamaged");
    let gone = |about: &str, key: &[u8]| {
        vector(about, LET_GO, key, &cbor::encode(&LetGo(vec![ObjectId([1; 32])])), "IndexDamaged")
    };
    vec![
        ("key-of-no-bytes", entry("no part", &[])),
        ("key-of-a-folder-alone", entry("no name", &parts(&[root()]))),
        ("key-of-three-parts", entry("two names", &parts(&[root(), text(), text()]))),
        ("key-with-bytes-for-a-name", entry("bytes are no text", &parts(&[root(), Part::Bytes(b"a".to_vec())]))),
        ("key-with-text-for-a-folder", entry("text is no id", &parts(&[Part::Text("a".repeat(16)), text()]))),
        ("key-of-a-short-folder", entry("an id of 15 bytes", &parts(&[Part::Bytes(vec![0; 15]), text()]))),
        ("key-of-a-long-folder", entry("an id of 17 bytes", &parts(&[Part::Bytes(vec![0; 17]), text()]))),
        ("key-that-is-cut", entry("the name does not end", &altered(under("a"), |key| key.truncate(key.len() - 1)))),
        ("key-with-a-byte-behind", entry("a byte that begins no part", &altered(under("a"), |key| key.push(0)))),
        (
            "key-that-is-no-text",
            entry(
                "the name is not UTF-8",
                &altered(under("a"), |key| {
                    let at = key.len() - 2;
                    key[at] = 0xff;
                }),
            ),
        ),
        ("former-of-version-0", former("versions count from 1", &parts(&[of(), Part::Integer(0)]))),
        ("former-of-a-negative-version", former("versions count from 1", &parts(&[of(), Part::Integer(-1)]))),
        ("former-of-half-a-version", former("one and a half", &parts(&[of(), Part::Float(1.5)]))),
        (
            "former-of-too-large-a-version",
            former("2\u{2075}\u{b3}", &parts(&[of(), Part::Integer(LARGEST as i64 + 1)])),
        ),
        ("former-of-a-date", former("a date is no version", &parts(&[of(), Part::Date(1)]))),
        ("former-without-a-version", former("no version", &parts(&[of()]))),
        ("let-go-before-1970", gone("a negative time", &parts(&[Part::Date(-1), of(), Part::Integer(1)]))),
        (
            "let-go-at-too-late-a-time",
            gone("2\u{2075}\u{b3}", &parts(&[Part::Date(LARGEST as i64 + 1), of(), Part::Integer(1)])),
        ),
        ("let-go-at-a-number", gone("a number is no date", &parts(&[Part::Integer(1), of(), Part::Integer(1)]))),
        ("let-go-of-version-0", gone("versions count from 1", &parts(&[Part::Date(1), of(), Part::Integer(0)]))),
    ]
}

fn bad_values() -> Vec<Named> {
    let value = |about: &str, value: Vec<u8>| vector(about, ENTRIES, &under("a"), &value, "IndexDamaged");
    let unknown = |about: &str, value: Vec<u8>| vector(about, ENTRIES, &under("a"), &value, "Unsupported");
    let with = |about: &str, alter: fn(&mut FileContent)| {
        let mut other = content();
        alter(&mut other);
        value(about, file(other))
    };
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    // A file of which one element is written by hand.
    let by_hand = |about: &str, write: fn(&mut Encoder<Vec<u8>>)| {
        value(
            about,
            written(|e| {
                e.array(4).unwrap().u8(0).unwrap().bytes(&[0xf1; 16]).unwrap().u8(1).unwrap();
                write(e);
            }),
        )
    };
    vec![
        ("entry-of-no-bytes", value("nothing", vec![])),
        ("entry-cut", value("half of a file", half(file(content())))),
        ("entry-without-its-last-byte", value("a folder", altered(folder(), |bytes| bytes.truncate(bytes.len() - 1)))),
        ("entry-with-a-byte-behind", value("a folder", altered(folder(), |bytes| bytes.push(0)))),
        ("entry-twice", value("a folder, and again", altered(folder(), |bytes| bytes.extend(folder())))),
        ("entry-of-kind-2", unknown("neither file nor folder", altered(folder(), |bytes| bytes[1] = 2))),
        (
            "entry-of-kind-2-and-another-shape",
            unknown(
                "the kind is read before anything behind it",
                written(|e| {
                    e.array(2).unwrap().u8(2).unwrap().str("new").unwrap();
                }),
            ),
        ),
        (
            "entry-of-a-large-kind",
            unknown(
                "2\u{2076}\u{2074} \u{2212} 1",
                written(|e| {
                    e.array(1).unwrap().u64(u64::MAX).unwrap();
                }),
            ),
        ),
        ("entry-of-no-kind", value("an array without elements", vec![0x80])),
        (
            "entry-whose-kind-is-text",
            value(
                "`folder`",
                written(|e| {
                    e.array(1).unwrap().str("folder").unwrap();
                }),
            ),
        ),
        ("entry-that-is-a-number", value("no array", vec![1])),
        (
            "folder-of-four-elements",
            value(
                "one too many",
                written(|e| {
                    e.array(4).unwrap().u8(1).unwrap().bytes(&[0xd1; 16]).unwrap().u8(1).unwrap().u8(1).unwrap();
                }),
            ),
        ),
        (
            "folder-of-a-short-id",
            value(
                "15 bytes",
                written(|e| {
                    e.array(3).unwrap().u8(1).unwrap().bytes(&[0xd1; 15]).unwrap().u8(1).unwrap();
                }),
            ),
        ),
        (
            "folder-that-is-the-root",
            value("the root stands under no name", cbor::encode(&Entry::Folder { id: NodeId::ROOT, created: NOW })),
        ),
        (
            "folder-of-too-late-a-time",
            value("2\u{2075}\u{b3}", cbor::encode(&Entry::Folder { id: id(1), created: LARGEST + 1 })),
        ),
        (
            "folder-with-a-long-number",
            value(
                "1 in two bytes",
                written(|e| {
                    e.array(3).unwrap().u8(1).unwrap().bytes(&[0xd1; 16]).unwrap();
                    e.writer_mut().extend([0x18, 1]);
                }),
            ),
        ),
        (
            "folder-in-indefinite-form",
            value(
                "an array that says where it ends",
                written(|e| {
                    e.begin_array().unwrap().u8(1).unwrap().bytes(&[0xd1; 16]).unwrap().u8(1).unwrap().end().unwrap();
                }),
            ),
        ),
        (
            "file-that-is-the-root",
            value("the root stands under no name", {
                cbor::encode(&Entry::File(FileEntry { id: NodeId::ROOT, version: 1, content: content() }))
            }),
        ),
        (
            "file-of-version-0",
            value(
                "versions count from 1",
                cbor::encode(&Entry::File(FileEntry { id: id(1), version: 0, content: content() })),
            ),
        ),
        (
            "file-of-too-large-a-version",
            value("2\u{2075}\u{b3}", {
                cbor::encode(&Entry::File(FileEntry { id: id(1), version: LARGEST + 1, content: content() }))
            }),
        ),
        ("file-of-too-long-a-media-type", with("257 bytes", |content| content.media_type = "t".repeat(257))),
        ("file-of-too-large-a-size", with("2\u{2075}\u{b3}", |content| content.size = LARGEST + 1)),
        ("file-of-too-large-a-body", with("2\u{2075}\u{b3}", |content| content.body = LARGEST + 1)),
        ("file-of-too-late-a-change", with("2\u{2075}\u{b3}", |content| content.modified = Some(LARGEST + 1))),
        (
            "file-without-a-content",
            by_hand("null", |e| {
                e.null().unwrap();
            }),
        ),
        (
            "file-of-six-elements",
            by_hand("a content without parts", |e| {
                e.array(6).unwrap().u8(1).unwrap().str("").unwrap().null().unwrap().u8(1).unwrap();
                e.bytes(&[1]).unwrap().u8(25).unwrap();
            }),
        ),
        (
            "file-of-a-text-for-a-head",
            by_hand("text is no bytes", |e| {
                e.array(7).unwrap().u8(1).unwrap().str("").unwrap().null().unwrap().u8(1).unwrap();
                e.str("head").unwrap().u8(25).unwrap().array(0).unwrap();
            }),
        ),
        (
            "file-of-bytes-for-a-media-type",
            by_hand("bytes are no text", |e| {
                e.array(7).unwrap().u8(1).unwrap().bytes(b"").unwrap().null().unwrap().u8(1).unwrap();
                e.bytes(&[1]).unwrap().u8(25).unwrap().array(0).unwrap();
            }),
        ),
        (
            "file-of-a-negative-time",
            by_hand("\u{2212}1", |e| {
                e.array(7).unwrap().i8(-1).unwrap().str("").unwrap().null().unwrap().u8(1).unwrap();
                e.bytes(&[1]).unwrap().u8(25).unwrap().array(0).unwrap();
            }),
        ),
        (
            "file-of-a-part-with-31-bytes",
            by_hand("an object's id has 32", |e| {
                e.array(7).unwrap().u8(1).unwrap().str("").unwrap().null().unwrap().u8(1).unwrap();
                e.bytes(&[1]).unwrap().u8(25).unwrap().array(1).unwrap().bytes(&[1; 31]).unwrap();
            }),
        ),
        (
            "former-that-is-an-entry",
            vector(
                "a file where its content stands",
                FORMER,
                &place::former(id(0xf1), 1).unwrap(),
                &file(content()),
                "IndexDamaged",
            ),
        ),
        (
            "let-go-of-a-short-object",
            vector(
                "an object's id of 31 bytes",
                LET_GO,
                &place::let_go(NOW, id(0xf1), 1).unwrap(),
                &{
                    written(|e| {
                        e.array(1).unwrap().bytes(&[1; 31]).unwrap();
                    })
                },
                "IndexDamaged",
            ),
        ),
    ]
}

pub(super) fn bad() -> Vec<Named> {
    [bad_names(), bad_keys(), bad_values()].concat()
}
