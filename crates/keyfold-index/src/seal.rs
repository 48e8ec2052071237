//! Sealing what the storage keeps: under keys of the keychain, bound to the place, padded, and named by its hash.
//!
//! Spec: `docs/spec/index.md`, "Objects".

use crate::{
    error::{IndexError, Result},
    limits::{OVERHEAD, padded},
    node::{Apart, Node},
    store::MAX_OBJECT,
};
use keyfold_core::StateKey;
use keyfold_format::{IndexId, ObjectId, ScopeId, Signature, entry::Head, id::hash, label::HashLabel, scope::Anchored};
use rand_core::CryptoRng;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Who wrote a record, and what he had seen of the keychain's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author {
    /// His account.
    pub account: ScopeId,
    /// The head of the keychain's ledger, as he knew it.
    pub head: Head,
}

/// The keychain, as the index needs it.
pub trait Keys {
    /// The number of the key that is current: what is written is sealed under it.
    fn current(&self) -> u32;
    /// What a tree of an index is sealed under with a key of the keychain ([`KeychainKey::index_key`]); `None` if one
    /// does not hold the key.
    ///
    /// [`KeychainKey::index_key`]: keyfold_core::KeychainKey::index_key
    fn index_key(&self, number: u32, index: &IndexId, tree: u16) -> Option<StateKey>;
    /// Oneself, and how much of the keychain's ledger one knows.
    fn author(&self) -> Author;
    /// One's signature of a record (`KF1 index root`).
    fn sign(&self, record: &[u8]) -> Signature;
    /// Whether the author wrote this record of a generation, and might write it with what he had seen.
    fn may_write(&self, author: &Author, generation: u64, record: &[u8], signature: &Signature) -> bool;
    /// How far the index was, as the keychain's ledger says: what does not descend from that is believed by nobody.
    fn anchored(&self) -> Option<Anchored> {
        None
    }
}

/// What an object is. It opens as nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A node of a tree, at a level.
    Node { tree: u16, level: u8 },
    /// A value of a tree.
    Value { tree: u16 },
    /// Changes that are not folded into the trees yet.
    Segment,
    /// The root record.
    Record,
    /// Signed headers of former records.
    Headers,
    /// Ids of what is replaced.
    Retired,
    /// Changes that wait until the storage is reached. They never go there.
    Unsent,
}

/// The number in the place of `tree` for what belongs to all of them.
const ALL_TREES: u16 = u16::MAX;

impl Kind {
    fn tree(self) -> u16 {
        match self {
            Self::Node { tree, .. } | Self::Value { tree } => tree,
            Self::Segment | Self::Record | Self::Headers | Self::Retired | Self::Unsent => ALL_TREES,
        }
    }

    /// `u8 kind ‖ u8 level ‖ u32 length as it is sealed`
    fn place(self, sealed: usize) -> [u8; 6] {
        let (kind, level) = match self {
            Self::Node { level, .. } => (0, level),
            Self::Value { .. } => (1, 0),
            Self::Segment => (2, 0),
            Self::Record => (3, 0),
            Self::Headers => (4, 0),
            Self::Retired => (5, 0),
            Self::Unsent => (6, 0),
        };
        let [a, b, c, d] = u32::try_from(sealed).unwrap_or(u32::MAX).to_be_bytes();
        [kind, level, a, b, c, d]
    }
}

/// An object, as something else names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) object: ObjectId,
    /// The number of the key under which it is sealed.
    pub(crate) key: u32,
}

/// Seals and opens what belongs to one index.
pub(crate) struct Sealer<K> {
    pub(crate) keys: K,
    index: IndexId,
    /// Deriving costs more than opening a node.
    derived: Mutex<HashMap<(u32, u16), Arc<StateKey>>>,
}

impl<K: Keys> Sealer<K> {
    pub(crate) fn new(keys: K, index: IndexId) -> Self {
        Self { keys, index, derived: Mutex::default() }
    }

    pub(crate) fn index(&self) -> &IndexId {
        &self.index
    }

    fn key(&self, number: u32, tree: u16) -> Result<Arc<StateKey>> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = derived.get(&(number, tree)) {
            return Ok(key.clone());
        }
        let key = Arc::new(self.keys.index_key(number, &self.index, tree).ok_or(IndexError::NoKey(number))?);
        derived.insert((number, tree), key.clone());
        Ok(key)
    }

    /// Seals under the current key. Where it is, and the sealed bytes.
    pub(crate) fn seal(
        &self,
        kind: Kind,
        mut plain: Zeroizing<Vec<u8>>,
        rng: &mut impl CryptoRng,
    ) -> Result<(At, Vec<u8>)> {
        let sealed = padded(plain.len() + OVERHEAD);
        if sealed > MAX_OBJECT {
            return Err(IndexError::TooLarge { what: "object", limit: MAX_OBJECT });
        }
        let mut whole = std::mem::take(&mut plain);
        if whole.capacity() < sealed - OVERHEAD {
            // In one step, so that growing leaves no copy behind.
            let mut longer = Zeroizing::new(Vec::with_capacity(sealed));
            longer.extend_from_slice(&whole);
            whole = longer;
        }
        whole.resize(sealed - OVERHEAD, 0);
        let key = self.keys.current();
        let bytes = self.key(key, kind.tree())?.seal(&kind.place(sealed), &whole, rng)?;
        // Room that is not used is wiped in one go, what is used byte by byte.
        whole.clear();
        Ok((At { object: name(&bytes), key }, bytes))
    }

    /// The reverse, with the zero bytes at the end.
    pub(crate) fn open(&self, kind: Kind, at: &At, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        is_named(at, sealed)?;
        self.open_unnamed(kind, at.key, sealed)
    }

    /// The same of what is named by a reference.
    pub(crate) fn open_unnamed(&self, kind: Kind, key: u32, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let opened = self.key(key, kind.tree())?.open(&kind.place(sealed.len()), sealed);
        opened.ok_or(NOT_IN_PLACE)
    }

    /// A value that stands apart, without the zero bytes.
    pub(crate) fn open_value(&self, tree: u16, apart: &Apart, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let at = At { object: apart.object, key: apart.key };
        let mut value = self.open(Kind::Value { tree }, &at, sealed)?;
        let length = usize::try_from(apart.length).unwrap_or(usize::MAX);
        let is_so_long = value.get(length..).is_some_and(|padding| padding.iter().all(|byte| *byte == 0));
        if !is_so_long || sealed.len() != padded(length + OVERHEAD) {
            return Err(IndexError::Damaged("a value has another length"));
        }
        value.truncate(length);
        Ok(value)
    }

    pub(crate) fn open_node(&self, tree: u16, level: u8, at: &At, sealed: Vec<u8>) -> Result<Node> {
        is_named(at, &sealed)?;
        let place = Kind::Node { tree, level }.place(sealed.len());
        let opened = self.key(at.key, tree)?.open_in_place(&place, sealed);
        let node = Node::read(opened.ok_or(NOT_IN_PLACE)?)?;
        if node.level() == level { Ok(node) } else { Err(IndexError::Damaged("a node is at another level")) }
    }
}

const NOT_IN_PLACE: IndexError = IndexError::Damaged("an object does not open in its place");

fn is_named(at: &At, sealed: &[u8]) -> Result<()> {
    let is_it = name(sealed) == at.object;
    is_it.then_some(()).ok_or(IndexError::Damaged("an object is not the one that was asked for"))
}

/// `H("KF1 object", sealed bytes)`
pub(crate) fn name(sealed: &[u8]) -> ObjectId {
    ObjectId(hash(HashLabel::Object, &[sealed]))
}
