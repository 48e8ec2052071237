//! An index written by hand, byte for byte after the page, so that it can be written wrong: by a member who holds the keys.

use crate::support::{Dice, INDEX, Member, NAME};
use keyfold_core::KeychainKey;
use keyfold_format::{ObjectId, ScopeId, id::hash, label::HashLabel};
use keyfold_index::{
    Keys,
    store::{MemoryStore, Store},
};
use minicbor::Encoder;

/// What objects that belong to all trees have in the place of a tree.
const ALL: u16 = 0xffff;
pub(crate) const SEGMENT: u8 = 2;
pub(crate) const HEADERS: u8 = 4;

/// A cell: key, payload, and whether it stands apart.
pub(crate) type Cell = (Vec<u8>, Vec<u8>, bool);

/// A tree, a key, and its new value or none.
pub(crate) type Change = (u16, Vec<u8>, Option<Vec<u8>>);

/// Where something is sealed: kind, level, tree.
#[derive(Clone, Copy)]
pub(crate) struct Place(pub u8, pub u8, pub u16);

impl Place {
    pub(crate) fn node(level: u8, tree: u16) -> Self {
        Self(0, level, tree)
    }

    pub(crate) fn of_all(kind: u8) -> Self {
        Self(kind, 0, ALL)
    }
}

pub(crate) struct Forge {
    dice: Dice,
    pub(crate) objects: Vec<(ObjectId, Vec<u8>)>,
}

/// What a body says, to be altered before it is written.
#[derive(Clone, Default)]
pub(crate) struct Body {
    /// level, id, entries
    pub(crate) trees: Vec<Option<(u8, ObjectId, u64)>>,
    pub(crate) top: Option<Vec<u8>>,
    /// id, count
    pub(crate) segments: Vec<(ObjectId, u32)>,
    pub(crate) changes: Vec<Change>,
    pub(crate) headers: Vec<Signed>,
}

#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Signed {
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(HashLabel::IndexRecord, &[&self.bytes])
    }
}

/// A hash, and where its list is.
pub(crate) type Former = ([u8; 32], Option<ObjectId>);

impl Forge {
    pub(crate) fn new() -> Self {
        Self { dice: Dice(99), objects: Vec::new() }
    }

    fn sealed(&mut self, Place(kind, level, tree): Place, plain: &[u8]) -> Vec<u8> {
        let sealed = (plain.len() + 40).max(1_024).next_power_of_two();
        let mut padded = plain.to_vec();
        padded.resize(sealed - 40, 0);
        let place = [&[kind, level][..], &(sealed as u32).to_be_bytes()].concat();
        let key = KeychainKey::from_slice(&[1; 32]).unwrap().index_key(&INDEX, tree);
        key.seal(&place, &padded, &mut self.dice).unwrap()
    }

    pub(crate) fn object(&mut self, place: Place, plain: &[u8]) -> ObjectId {
        let sealed = self.sealed(place, plain);
        let id = ObjectId(hash(HashLabel::Object, &[&sealed]));
        self.objects.push((id, sealed));
        id
    }

    pub(crate) fn header(generation: u64, member: Member, former: &[Former], body: &[u8]) -> Signed {
        let mut e = Encoder::new(Vec::new());
        let author = member.author();
        let hashed = hash(HashLabel::IndexBody, &[body]);
        e.array(8).unwrap().u8(1).unwrap().bytes(&INDEX.0).unwrap().u64(generation).unwrap();
        e.bytes(&author.account.0).unwrap().u64(author.head.seq).unwrap().bytes(&author.head.hash.0).unwrap();
        e.array(former.len() as u64).unwrap();
        for (hash, place) in former {
            e.array(2).unwrap().bytes(hash).unwrap();
            match place {
                None => e.null().unwrap(),
                Some(id) => e.array(2).unwrap().bytes(&id.0).unwrap().u32(1).unwrap(),
            };
        }
        e.bytes(&hashed).unwrap();
        let bytes = e.into_writer();
        let signature = member.sign(&bytes).0.to_vec();
        Signed { bytes, signature }
    }

    /// What stands under the reference.
    pub(crate) fn record(&mut self, signed: &Signed, body: &[u8]) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        e.array(3).unwrap().bytes(&signed.bytes).unwrap().bytes(&signed.signature).unwrap().bytes(body).unwrap();
        self.framed_record(&framed(&e.into_writer()))
    }

    pub(crate) fn framed_record(&mut self, plain: &[u8]) -> Vec<u8> {
        [&1u32.to_be_bytes()[..], &self.sealed(Place::of_all(3), plain)].concat()
    }

    /// A storage with all this.
    pub(crate) async fn store(self, reference: Vec<u8>) -> MemoryStore {
        let store = MemoryStore::default();
        store.put(self.objects).await.unwrap();
        store.swap(NAME, None, reference).await.unwrap();
        store
    }
}

impl Body {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        e.array(6).unwrap().array(self.trees.len() as u64).unwrap();
        for tree in &self.trees {
            match tree {
                None => e.null().unwrap(),
                Some((level, id, entries)) => {
                    let key = u32::from(id.0 != [0; 32]);
                    e.array(4)
                        .unwrap()
                        .u8(*level)
                        .unwrap()
                        .bytes(&id.0)
                        .unwrap()
                        .u32(key)
                        .unwrap()
                        .u64(*entries)
                        .unwrap()
                }
            };
        }
        match &self.top {
            None => e.null().unwrap(),
            Some(node) => e.bytes(node).unwrap(),
        };
        e.array(self.segments.len() as u64).unwrap();
        for (id, count) in &self.segments {
            e.array(3).unwrap().bytes(&id.0).unwrap().u32(1).unwrap().u32(*count).unwrap();
        }
        put_changes(&mut e, &self.changes);
        e.null().unwrap();
        put_headers(&mut e, &self.headers);
        e.into_writer()
    }
}

fn put_headers(e: &mut Encoder<Vec<u8>>, headers: &[Signed]) {
    e.array(headers.len() as u64).unwrap();
    for Signed { bytes, signature } in headers {
        e.array(2).unwrap().bytes(bytes).unwrap().bytes(signature).unwrap();
    }
}

fn put_changes(e: &mut Encoder<Vec<u8>>, changes: &[Change]) {
    e.array(changes.len() as u64).unwrap();
    for (tree, key, value) in changes {
        e.array(2 + u64::from(value.is_some())).unwrap().u16(*tree).unwrap().bytes(key).unwrap();
        if let Some(value) = value {
            e.bytes(value).unwrap();
        }
    }
}

pub(crate) fn headers(headers: &[Signed]) -> Vec<u8> {
    let mut e = Encoder::new(Vec::new());
    put_headers(&mut e, headers);
    framed(&e.into_writer())
}

pub(crate) fn changes(changes: &[Change]) -> Vec<u8> {
    let mut e = Encoder::new(Vec::new());
    put_changes(&mut e, changes);
    framed(&e.into_writer())
}

pub(crate) fn framed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

pub(crate) fn entry(key: &str, value: &str) -> Cell {
    (key.as_bytes().to_vec(), value.as_bytes().to_vec(), false)
}

pub(crate) fn child(key: &str, id: ObjectId, entries: u64) -> Cell {
    (key.as_bytes().to_vec(), [&id.0[..], &1u32.to_be_bytes(), &entries.to_be_bytes()].concat(), false)
}

pub(crate) fn apart(key: &str, id: ObjectId, length: u32) -> Cell {
    (key.as_bytes().to_vec(), [&id.0[..], &1u32.to_be_bytes(), &length.to_be_bytes()].concat(), true)
}

/// A node of these cells as they stand, with the prefix that the first and the last have in common.
pub(crate) fn node(level: u8, cells: &[Cell]) -> Vec<u8> {
    let (first, last) = (&cells[0].0, &cells[cells.len() - 1].0);
    let prefix = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    node_with_prefix(level, prefix, cells)
}

pub(crate) fn node_with_prefix(level: u8, prefix: usize, cells: &[Cell]) -> Vec<u8> {
    let short = |n: usize| (n as u16).to_be_bytes();
    let mut bytes = [&[level, 1][..], &short(cells.len()), &short(prefix), &cells[0].0[..prefix]].concat();
    let mut at = bytes.len() + 2 * cells.len();
    let mut text = Vec::new();
    for (key, payload, is_apart) in cells {
        bytes.extend(short(at));
        let mark = if *is_apart { 0x8000 } else { 0 };
        let cell = [&short(key.len() - prefix)[..], &short(payload.len() | mark), &key[prefix..], payload].concat();
        at += cell.len();
        text.extend(cell);
    }
    [bytes, text].concat()
}

/// Zeros: a topmost node that stands in the record.
pub(crate) const HERE: ObjectId = ObjectId([0; 32]);

pub(crate) fn account(member: Member) -> ScopeId {
    ScopeId([member.account; 32])
}
