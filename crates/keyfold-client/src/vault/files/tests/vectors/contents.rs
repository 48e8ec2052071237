//! Contents as they are put and got: sealed, cut into parts, found by a path, opened as a whole and in ranges.

use super::{
    Named,
    entries::{id, name},
    scene::{Dice, KEYCHAIN, Key, NOW, Standing, content_json, files, hex, ids, snapshot, text_of, unhex},
};
use crate::{
    Error,
    vault::files::{
        FileContent, FilesError, Folders, NodeId, ObjectId, PART_BYTES, Sealed, Upload, VaultPath, context,
        entry::{Entry, FileEntry, LetGo},
        located,
        place::{self, ENTRIES, FORMER, LET_GO},
    },
};
use keyfold_core::{
    SigningKey,
    envelope::{Metadata, OpenedHead, Options, Sealer, Unopened},
};
use keyfold_format::{
    EntryHash, ScopeId, cbor,
    envelope::{AuthorHead, SEALED_SEGMENT_BYTES, TAG_BYTES},
    limits::SEGMENT_BYTES,
};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, ops::Range};

/// A content that was sealed, and what a vector says of it.
#[derive(Clone)]
pub(super) struct Put {
    pub(super) json: Json,
    pub(super) content: FileContent,
    pub(super) parts: Vec<Vec<u8>>,
}

/// A short pattern, repeated.
pub(super) fn long(len: u64) -> Json {
    json!({ "repeat": "6b6579666f6c64", "len": len })
}

pub(super) fn put(seed: u64, plaintext: Json) -> Put {
    put_otherwise(seed, plaintext, &[Key::new(1, false)], json!({}))
}

/// The same with fields besides: what is otherwise than it should be.
pub(super) fn put_otherwise(seed: u64, plaintext: Json, keys: &[Key], mut fields: Json) -> Put {
    let keys: Json = keys.iter().map(Key::json).collect();
    let mut json = json!({ "plaintext": plaintext, "keys": keys });
    json.as_object_mut().unwrap().append(fields.as_object_mut().unwrap());
    let mut dice = Dice::new(seed);
    let put = sealed(&json, &mut dice);
    json["random"] = json!(hex(&dice.drawn));
    let FileContent { head, body, parts, .. } = &put.content;
    json["sealed"] = json!({ "head": hex(head), "body": body, "parts": ids(parts) });
    Put { json, ..put }
}

/// The body that a sealer makes, and the trailer, if there is an author.
pub(super) fn body_of(mut sealer: Sealer, plaintext: &[u8], author: &Json) -> Vec<u8> {
    let (segments, rest) = plaintext.split_at(plaintext.len().saturating_sub(1) / SEGMENT_BYTES * SEGMENT_BYTES);
    let mut body = Vec::new();
    for text in segments.chunks(SEGMENT_BYTES) {
        body.extend_from_slice(text);
        body.extend_from_slice(&[0; TAG_BYTES]);
    }
    sealer.seal_segments(&mut body).unwrap();
    let mut tail = sealer.finish(rest).unwrap();
    while let Some(segment) = tail.next_segment().unwrap() {
        body.extend_from_slice(segment);
    }
    if let Some(trailer) = tail.end().unwrap().trailer {
        let key = SigningKey::from_seed(&unhex(&author["seed"]).try_into().unwrap());
        let account = ScopeId(unhex(&author["account"]).try_into().unwrap());
        let head = EntryHash(unhex(&author["head"]).try_into().unwrap());
        let (generation, seq) = (author["generation"].as_u64().unwrap() as u32, author["seq"].as_u64().unwrap());
        body.extend_from_slice(&trailer.sign(&key, AuthorHead { account, generation, seq, head }));
    }
    body
}

/// A body, cut.
pub(super) fn parts_of(body: &[u8], first: usize) -> Vec<Vec<u8>> {
    let (first, rest) = body.split_at(first.min(body.len()));
    [first].into_iter().chain(rest.chunks(PART_BYTES)).map(<[u8]>::to_vec).collect()
}

fn sealed(json: &Json, dice: &mut Dice) -> Put {
    let plaintext = text_of(&json["plaintext"]);
    let keys: Vec<_> = json["keys"].as_array().unwrap().iter().map(Key::parse).collect();
    let writers: Vec<_> = keys.iter().map(Key::writer).collect();
    let bound = if json["context"].is_null() { context(&files()) } else { unhex(&json["context"]) };
    let metadata = json["metadata"].as_object().map(|metadata| Metadata {
        name: metadata["name"].as_str().map(str::to_owned),
        media_type: metadata["media_type"].as_str().map(str::to_owned),
        modified: metadata["modified"].as_u64(),
    });
    let author = &json["author"];
    let options = Options {
        context: &bound,
        metadata: metadata.as_ref(),
        padded: json["padded"].as_bool().unwrap_or(true),
        trailer: !author.is_null(),
    };
    let (head, sealer) = Sealer::begin(&options, &writers, dice).unwrap();
    let body = body_of(sealer, &plaintext, author);
    let parts = parts_of(&body, json["cut"].as_u64().map_or(PART_BYTES, |first| first as usize));
    let mut upload = Upload::new(None, [0; 16], head, Vec::new(), 0);
    for part in &parts {
        assert!(matches!(upload.take(part).unwrap(), Some(Sealed::New(_))));
    }
    let (media_type, size) = ("text/plain".to_owned(), plaintext.len() as u64);
    let (head, modified) = (Vec::new(), None);
    let about = FileContent { stored: NOW, media_type, modified, size, head, body: 0, parts: Vec::new() };
    Put { json: json.clone(), content: upload.content(about), parts }
}

pub(super) fn file_at(folder: NodeId, text: &str, file: NodeId, version: u64, content: &FileContent) -> Standing {
    let entry = Entry::File(FileEntry { id: file, version, content: content.clone() });
    (ENTRIES, place::entry(folder, &name(text)).unwrap(), cbor::encode(&entry))
}

pub(super) fn folder_at(folder: NodeId, text: &str, id: NodeId) -> Standing {
    (ENTRIES, place::entry(folder, &name(text)).unwrap(), cbor::encode(&Entry::Folder { id, created: NOW }))
}

fn former_of(file: NodeId, version: u64, content: &FileContent) -> Standing {
    (FORMER, place::former(file, version).unwrap(), cbor::encode(content))
}

/// What is read.
pub(super) struct Asked {
    path: &'static str,
    version: Option<u64>,
    range: Option<Range<u64>>,
}

pub(super) const WHOLE: Asked = Asked { path: "a", version: None, range: None };

pub(super) fn vault(about: &str, puts: &[&Put], standing: &[Standing], asked: &Asked, expect: &str) -> Json {
    let contents: Json = puts.iter().map(|put| put.json.clone()).collect();
    let entries: Json = standing.iter().map(|(tree, key, value)| json!([tree, hex(key), hex(value)])).collect();
    let Asked { path, version, range } = asked;
    json!({
        "about": about, "keychain": hex(&KEYCHAIN.0), "index": hex(&files().0), "keys": [Key::new(1, false).json()],
        "contents": contents, "storage": [], "entries": entries, "expect": expect,
        "read": { "path": path, "version": version, "range": range.as_ref().map(|range| [range.start, range.end]) },
    })
}

/// One content, in a file `a`.
fn one(about: &str, put: &Put) -> Json {
    one_range(about, put, None)
}

fn one_range(about: &str, put: &Put, range: Option<Range<u64>>) -> Json {
    let standing = [file_at(NodeId::ROOT, "a", id(0xf1), 1, &put.content)];
    let mut json = vault(about, &[put], &standing, &Asked { range: range.clone(), ..WHOLE }, "ok");
    json["out"] = match range {
        Some(Range { start, end }) => {
            let text = text_of(&put.json["plaintext"]);
            let end = (end as usize).min(text.len());
            json!({ "hex": hex(&text[(start as usize).min(end)..end]) })
        }
        None => put.json["plaintext"].clone(),
    };
    json
}

pub(super) fn good() -> Vec<Named> {
    let text = |text: &str| json!({ "hex": hex(text.as_bytes()) });
    let pair = Key::new(1, true);
    let to_a_pair = put_otherwise(30, text("hello"), &[Key::new(1, true)], json!({}));
    let keys = |mut json: Json, keys: &[Key]| {
        json["keys"] = keys.iter().map(Key::json).collect();
        json
    };
    let two = || [Key::new(1, false), Key::new(2, false)];
    let to_two = put_otherwise(31, text("hello"), &two(), json!({}));
    let mut vectors = vec![
        ("content-of-no-bytes", one("a body of 24 bytes, in one part", &put(1, text("")))),
        ("content-of-one-byte", one("a body of 25 bytes", &put(2, text("a")))),
        ("content-of-100-bytes", one("padded to 104", &put(3, long(100)))),
        ("content-of-a-segment", one("65,536 bytes: one segment", &put(4, long(65_536)))),
        ("content-of-two-segments", one("70,000 bytes, padded to 71,680", &put(5, long(70_000)))),
        ("content-of-one-part", one("1,032,192 bytes: the most that one part holds", &put(6, long(1_032_192)))),
        (
            "content-of-a-part-and-8-bytes",
            one("1,048,576 bytes: the last 8 bytes of the body are a part of their own", &put(7, long(1_048_576))),
        ),
        ("content-of-two-parts", one("1,048,577 bytes: 16 segments and one more", &put(8, long(1_048_577)))),
        ("content-of-three-parts", one("2,200,000 bytes", &put(9, long(2_200_000)))),
        ("content-to-a-public-key", keys(one("of a keychain whose keys are pairs", &to_a_pair), &[pair])),
        (
            "content-under-two-keys",
            keys(one("two slots; the reader holds the second key", &to_two), &[Key::new(2, false)]),
        ),
        ("content-swept", keys(swept(), &[Key::new(2, false)])),
    ];
    let three = put(9, long(2_200_000));
    let eight = put(7, long(1_048_576));
    for (name, about, put, range) in [
        ("range-of-the-front", "the first ten bytes", &three, 0..10),
        ("range-of-nothing", "from 10 to before 10", &three, 10..10),
        ("range-across-parts", "the last 6 bytes of a part and the first 14 of the next", &three, 1_048_570..1_048_590),
        ("range-across-segments", "two segments and a piece of a third", &put(5, long(70_000)), 65_530..65_540),
        ("range-past-the-end", "what lies past the end is cut off", &three, 2_199_995..2_300_000),
        ("range-behind-the-end", "nothing is there", &three, 2_200_000..2_200_010),
        (
            "range-of-the-last-segment-in-two-parts",
            "its last 8 bytes are in the next part",
            &eight,
            1_048_560..1_048_576,
        ),
        ("range-of-no-bytes", "of a content without bytes", &put(1, text("")), 0..10),
    ] {
        vectors.push((name, one_range(about, put, Some(range))));
    }
    vectors.extend(vaults());
    vectors
}

/// A content whose head has a slot for a newer key, and no other.
fn swept() -> Json {
    let put = put(32, json!({ "hex": hex(b"hello") }));
    let (one, two) = (Key::new(1, false), Key::new(2, false));
    let open = |head: &[u8], key: &Key| {
        Unopened::parse(head).unwrap().0.open(&context(&files()), |asked| key.reader(asked)).unwrap()
    };
    let opened = open(&put.content.head, &one);
    let both = opened.with_slot(&two.writer(), &mut Dice::new(33)).unwrap();
    let head = open(&both, &one).without_slot(&opened.opened_by().unwrap()).unwrap();
    let content = FileContent { head, ..put.content.clone() };
    let standing = [file_at(NodeId::ROOT, "a", id(0xf1), 1, &content)];
    let mut json = vault("the body as it was sealed, and a head for key 2 alone", &[&put], &standing, &WHOLE, "ok");
    json["out"] = put.json["plaintext"].clone();
    json
}

/// Folders, former contents, and what was let go of.
fn vaults() -> Vec<Named> {
    let puts: Vec<Put> =
        (0..4).map(|n| put(40 + n, json!({ "hex": hex(format!("content {n}").as_bytes()) }))).collect();
    let [first, second, third, other] = [0, 1, 2, 3].map(|at: usize| &puts[at]);
    let (pictures, year) = (id(0xd1), id(0xd2));
    let gone = LetGo(other.content.parts.clone());
    let standing = [
        folder_at(NodeId::ROOT, "pictures", pictures),
        folder_at(NodeId::ROOT, "empty", id(0xd3)),
        folder_at(pictures, "2027", year),
        file_at(NodeId::ROOT, "\u{fc}.txt", id(0xf2), 1, &second.content),
        file_at(NodeId::ROOT, "z", id(0xf3), 1, &first.content),
        // The third content is the first one again, that was taken up.
        file_at(year, "summer.jpg", id(0xf1), 3, &FileContent { stored: NOW + 9, ..first.content.clone() }),
        former_of(id(0xf1), 1, &first.content),
        former_of(id(0xf1), 2, &third.content),
        (LET_GO, place::let_go(NOW, id(0xf4), 1).unwrap(), cbor::encode(&gone)),
    ];
    let listed = json!([
        ["empty", null],
        ["pictures", null],
        ["pictures/2027", null],
        ["pictures/2027/summer.jpg", [3, 2, 1]],
        ["z", [1]],
        ["\u{fc}.txt", [1]],
    ]);
    let asked = |path, version| Asked { path, version, range: None };
    let read = |about: &str, asked: Asked, put: &Put| {
        let mut json = vault(about, &[first, second, third, other], &standing, &asked, "ok");
        json["listed"] = listed.clone();
        json["out"] = put.json["plaintext"].clone();
        json
    };
    let refused = |about: &str, asked: Asked, expect: &str| {
        vault(about, &[first, second, third, other], &standing, &asked, expect)
    };
    vec![
        ("vault", read("a file in a folder in a folder", asked("pictures/2027/summer.jpg", None), first)),
        ("vault-with-a-slash-in-front", read("as it is in the root", asked("/\u{fc}.txt", None), second)),
        ("vault-former-content", read("version 2 of 3", asked("pictures/2027/summer.jpg", Some(2)), third)),
        ("vault-version-of-now", read("version 3 of 3", asked("pictures/2027/summer.jpg", Some(3)), first)),
        ("vault-nothing-there", refused("nothing of that name", asked("pictures/2028", None), "UnknownFile")),
        ("vault-no-folder-there", refused("the folder is not there", asked("films/a", None), "UnknownFile")),
        (
            "vault-version-not-there",
            refused("version 4 of 3", asked("pictures/2027/summer.jpg", Some(4)), "UnknownFile"),
        ),
        ("vault-a-folder-there", refused("a folder has no content", asked("pictures", None), "NotAFile")),
        ("vault-the-root", refused("the root is a folder", asked("", None), "NotAFile")),
        ("vault-a-file-on-the-way", refused("a file has nothing in it", asked("z/a", None), "NotAFolder")),
        ("vault-by-two-dots", refused("`..` is no name", asked("pictures/../z", None), "BadText")),
    ]
}

/// Objects by id, after what the storage did to them.
fn storage(json: &Json, puts: &[Put]) -> BTreeMap<ObjectId, Vec<u8>> {
    let all = || puts.iter().flat_map(|put| put.content.parts.iter().copied().zip(put.parts.iter().cloned()));
    let mut objects: Vec<(ObjectId, Option<Vec<u8>>)> = all().map(|(id, part)| (id, Some(part))).collect();
    let index = |json: &Json| json.as_u64().unwrap() as usize;
    for edit in json["storage"].as_array().unwrap() {
        let (what, of) = edit.as_object().unwrap().iter().next().unwrap();
        match what.as_str() {
            "swap" => {
                let (a, b) = (index(&of[0]), index(&of[1]));
                let one = std::mem::take(&mut objects[a].1);
                objects[a].1 = std::mem::replace(&mut objects[b].1, one);
            }
            "drop" => objects[index(of)].1 = None,
            "flip" => objects[index(&of[0])].1.as_mut().unwrap()[index(&of[1])] ^= 1 << index(&of[2]),
            "truncate" => objects[index(&of[0])].1.as_mut().unwrap().truncate(index(&of[1])),
            "append" => objects[index(&of[0])].1.as_mut().unwrap().extend(unhex(&of[1])),
            other => panic!("unknown edit {other}"),
        }
    }
    objects.into_iter().filter_map(|(id, part)| Some((id, part?))).collect()
}

fn code(error: FilesError) -> String {
    match error {
        FilesError::Index(error) => error.code().to_owned(),
        FilesError::Told(error) => error.code.as_str().to_owned(),
    }
}

/// Gets a content as a client does it: as a whole, or a range.
async fn got(json: &Json, objects: &BTreeMap<ObjectId, Vec<u8>>, range: Option<Range<u64>>) -> Result<Vec<u8>, String> {
    let entries = json["entries"].as_array().unwrap();
    let standing: Vec<Standing> =
        entries.iter().map(|entry| (entry[0].as_u64().unwrap() as u16, unhex(&entry[1]), unhex(&entry[2]))).collect();
    let snapshot = snapshot(&standing).await;
    let told = |error: Error| error.code.as_str().to_owned();
    let folders = Folders(&snapshot);
    if !json["listed"].is_null() {
        assert_eq!(listed(&folders).await, json["listed"]);
    }
    let path = VaultPath::parse(json["read"]["path"].as_str().unwrap()).map_err(told)?;
    let content = located(&folders, &path, json["read"]["version"].as_u64()).await.map_err(code)?.content;
    let keys: Vec<_> = json["keys"].as_array().unwrap().iter().map(Key::parse).collect();
    let head = Unopened::parse(&content.head)
        .and_then(|(head, _)| head.open(&context(&files()), |asked| keys.iter().find_map(|key| key.reader(asked))))
        .map_err(|fault| fault.code().to_owned())?;
    content.check_head(&head).map_err(told)?;
    let cut = content.cut();
    let mut body = Vec::new();
    for (number, id) in cut.ids(0, cut.count()).iter().enumerate() {
        let part = objects.get(id).ok_or("ObjectMissing")?;
        cut.check_part(number, part).map_err(told)?;
        body.extend_from_slice(part);
    }
    opened(&content, &head, body, range).map_err(told)
}

fn opened(
    content: &FileContent,
    head: &OpenedHead,
    mut body: Vec<u8>,
    range: Option<Range<u64>>,
) -> Result<Vec<u8>, Error> {
    let Some(range) = range else {
        let mut opener = head.opener()?;
        let (segments, left) = body.split_at_mut(opener.ready(content.body as usize));
        opener.open_segments(segments)?;
        let last = opener.finish(left)?;
        content.check_size(last.opened.len)?;
        let texts = segments.chunks(SEALED_SEGMENT_BYTES).map(|segment| &segment[..SEGMENT_BYTES]);
        let mut text: Vec<u8> = texts.chain([last.plaintext]).collect::<Vec<_>>().concat();
        text.truncate(last.opened.len as usize);
        return Ok(text);
    };
    let piece = |place: Range<u64>| body[place.start as usize..place.end as usize].to_vec();
    let unproven = head.ranges(content.body)?;
    let mut last = piece(unproven.last());
    let ranges = unproven.prove(&mut last)?;
    content.check_size(ranges.len())?;
    let mut text = Vec::new();
    for index in ranges.touching(&range) {
        text.extend_from_slice(ranges.open(index, &mut piece(ranges.sealed_range(index).unwrap()), &range)?);
    }
    Ok(text)
}

/// All paths, and the versions of files, the newest first.
async fn listed<S: keyfold_index::store::Store, K: keyfold_index::Keys>(folders: &Folders<'_, S, K>) -> Json {
    let (mut found, mut open) = (Vec::new(), vec![(String::new(), NodeId::ROOT)]);
    while let Some((path, folder)) = open.pop() {
        for (name, entry) in folders.entries(folder).await.map_err(code).unwrap() {
            let path = format!("{path}{}", name.as_str());
            let versions = match entry {
                Entry::Folder { id, .. } => {
                    open.push((format!("{path}/"), id));
                    Json::Null
                }
                Entry::File(file) => {
                    let former = folders.former(file.id).await.map_err(code).unwrap();
                    [file.version].into_iter().chain(former.iter().rev().map(|(version, _)| *version)).collect()
                }
            };
            found.push((path, versions));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.into_iter().map(|(path, versions)| json!([path, versions])).collect()
}

pub(super) async fn check(name: &str, json: &Json) {
    let puts: Vec<Put> = json["contents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|content| {
            let mut dice = Dice::again(unhex(&content["random"]));
            let put = sealed(content, &mut dice);
            let said = content_json(&put.content);
            for field in ["head", "body", "parts"] {
                assert_eq!(said[field], content["sealed"][field], "{name}: {field}");
            }
            assert_eq!(hex(&dice.drawn), content["random"], "{name}: randomness is left over");
            put
        })
        .collect();
    let objects = storage(json, &puts);
    let range = json["read"]["range"].as_array().map(|range| range[0].as_u64().unwrap()..range[1].as_u64().unwrap());
    let outcome = got(json, &objects, range.clone()).await;
    match &outcome {
        Ok(text) => {
            assert_eq!(json["expect"], "ok", "{name}");
            assert!(*text == text_of(&json["out"]), "{name}: another content");
        }
        Err(code) => assert_eq!(json["expect"], *code, "{name}"),
    }
    // As a whole, and as the range that is all of it, it ends the same way.
    if range.is_none() {
        assert!(got(json, &objects, Some(0..u64::MAX)).await == outcome, "{name}: a range ends otherwise");
    }
}
