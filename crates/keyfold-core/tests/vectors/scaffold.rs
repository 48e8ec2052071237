//! Files, fields and edits: what all kinds of vectors share.

use crate::support::{BoxKey, hex, unhex, unhex_array};
use keyfold_core::{DeviceSeed, KeychainKey, ReaderKey, WrappingSecret, WriterKey, device::DeviceKeys};
use keyfold_format::{
    KeyFingerprint, ScopeId,
    envelope::{Prefix, SEALED_SEGMENT_BYTES, SlotPlace},
};
use serde_json::{Value as Json, json};
use std::{fs, path::PathBuf};

pub type Named = (&'static str, Json);

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(name)
}

/// Runs `check` on every vector of a folder, which must not be empty.
pub fn each(name: &str, check: fn(&Json)) {
    if !folder("").exists() {
        return; // a packaged crate has no vectors folder beside it
    }
    let mut files: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no vectors in {name}");
    for file in files {
        println!("{}", file.display());
        check(&serde_json::from_slice(&fs::read(&file).unwrap()).unwrap());
    }
}

pub fn write(name: &str, vectors: &[Named]) {
    fs::create_dir_all(folder(name)).unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (file, vector) in vectors {
        let text = serde_json::to_string_pretty(vector).unwrap() + "\n";
        fs::write(folder(name).join(file).with_extension("json"), text).unwrap();
    }
}

pub fn text<'v>(vector: &'v Json, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or_else(|| panic!("{field} in {vector}"))
}

pub fn bytes(vector: &Json, field: &str) -> Vec<u8> {
    unhex(text(vector, field))
}

pub fn array<const N: usize>(vector: &Json, field: &str) -> [u8; N] {
    unhex_array(text(vector, field))
}

pub fn number(vector: &Json, field: &str) -> u64 {
    vector[field].as_u64().unwrap_or_else(|| panic!("{field} in {vector}"))
}

pub fn items<'v>(vector: &'v Json, field: &str) -> &'v [Json] {
    vector[field].as_array().map_or(&[], Vec::as_slice)
}

/// `{"hex": …}`, or `{"repeat": …, "len": …}`: a short pattern, repeated and cut.
pub fn content(described: &Json) -> Vec<u8> {
    match described.get("repeat") {
        Some(_) => {
            let len = usize::try_from(number(described, "len")).unwrap();
            bytes(described, "repeat").into_iter().cycle().take(len).collect()
        }
        None => bytes(described, "hex"),
    }
}

/// `{"hex": …}`, or of what is long `{"blake3": …, "len": …}`.
pub fn describe(content: &[u8]) -> Json {
    match content.len() {
        0..=8_192 => json!({ "hex": hex(content) }),
        len => json!({ "blake3": hex(blake3::hash(content).as_bytes()), "len": len }),
    }
}

/// Changes bytes as the vector says, one edit after the other. Segments are counted from the start of the body.
pub fn edit(content: &mut Vec<u8>, edits: &[Json]) {
    for edit in edits {
        let body = || Prefix::parse(content).unwrap().head_bytes();
        let segment = |body: usize, index: &Json| {
            let start = body + index.as_u64().unwrap() as usize * SEALED_SEGMENT_BYTES;
            start..(start + SEALED_SEGMENT_BYTES).min(content.len())
        };
        let (what, argument) = edit.as_object().unwrap().iter().next().unwrap();
        match what.as_str() {
            "flip" => {
                let at = argument[0].as_u64().unwrap() as usize;
                content[at] ^= 1 << argument[1].as_u64().unwrap();
            }
            "truncate" => content.truncate(argument.as_u64().unwrap() as usize),
            "append" => content.extend_from_slice(&unhex(argument.as_str().unwrap())),
            "splice" => {
                let (at, new) = (argument[0].as_u64().unwrap() as usize, unhex(argument[1].as_str().unwrap()));
                content[at..at + new.len()].copy_from_slice(&new);
            }
            "swap" => {
                let (a, b) = (segment(body(), &argument[0]), segment(body(), &argument[1]));
                assert_eq!(a.len(), b.len());
                let (first, second) = (content[a.clone()].to_vec(), content[b.clone()].to_vec());
                content[a].copy_from_slice(&second);
                content[b].copy_from_slice(&first);
            }
            "drop" => drop(content.drain(segment(body(), argument))),
            "repeat" => {
                let range = segment(body(), argument);
                let copy = content[range.clone()].to_vec();
                content.splice(range.end..range.end, copy);
            }
            other => panic!("unknown edit {other}"),
        }
    }
}

/// A key of a vector: of a `secretBox` or `sealedBox` keychain, or a device.
pub struct Key {
    kind: String,
    key: KeychainKey,
    fingerprint: KeyFingerprint,
    place: SlotPlace,
    pair: Option<WrappingSecret>,
}

impl Key {
    pub fn parse(json: &Json) -> Self {
        let kind = text(json, "kind").to_owned();
        let key = KeychainKey::from_slice(&bytes(json, "key")).unwrap();
        let scope = ScopeId(array(json, "scope"));
        let pair = match kind.as_str() {
            "symmetric" => None,
            "pair" => Some(key.wrapping_secret().unwrap()),
            "device" => Some(DeviceKeys::derive(&DeviceSeed::from_slice(key.expose()).unwrap()).unwrap().wrapping),
            other => panic!("unknown kind of key {other}"),
        };
        let (fingerprint, number) = match (&pair, kind.as_str()) {
            (Some(pair), "device") => (pair.public().fingerprint(), 0),
            _ => (KeyFingerprint(array(json, "fingerprint")), number(json, "number") as u32),
        };
        Self { kind, key, fingerprint, place: SlotPlace { scope, number }, pair }
    }

    pub fn all(json: &Json, field: &str) -> Vec<Self> {
        items(json, field).iter().map(Self::parse).collect()
    }

    pub fn writer(&self) -> WriterKey<'_> {
        let Self { kind, key, fingerprint, place, pair } = self;
        match (pair, kind.as_str()) {
            (None, _) => WriterKey::Symmetric { key, fingerprint: *fingerprint, place: *place },
            (Some(pair), "pair") => WriterKey::Public { key: pair.public(), fingerprint: *fingerprint, place: *place },
            (Some(pair), _) => WriterKey::Holder { key: pair.public(), account: place.scope },
        }
    }

    pub fn reader(&self, asked: &KeyFingerprint) -> Option<ReaderKey<'_>> {
        let Self { kind, key, fingerprint, place, pair } = self;
        let reader = match (pair, kind.as_str()) {
            (None, _) => ReaderKey::Symmetric { key, place: *place },
            (Some(_), "pair") => ReaderKey::Private { key, place: *place },
            (Some(pair), _) => ReaderKey::Holder { key: pair, account: place.scope },
        };
        (asked == fingerprint).then_some(reader)
    }
}

pub fn symmetric(byte: u8) -> Json {
    let BoxKey { key, fingerprint, place } = BoxKey::new(byte);
    json!({
        "kind": "symmetric", "key": hex(key.expose()), "fingerprint": hex(&fingerprint.0),
        "scope": hex(&place.scope.0), "number": place.number,
    })
}

pub fn pair(byte: u8) -> Json {
    let mut key = symmetric(byte);
    key["kind"] = json!("pair");
    key
}

pub fn device(byte: u8) -> Json {
    json!({ "kind": "device", "key": hex(&[byte; 32]), "scope": hex(&[0xac; 32]) })
}
