//! Writing a content: the parts that are there so far, and which of them must be what they were the last time.
//!
//! Spec: `docs/spec/vault.md`, "Going on where it stopped".

use super::entry::{FileContent, PART_BYTES, PARTS};
use crate::{Error, Result};
use keyfold_format::{ObjectId, id::hash, label::HashLabel};
use keyfold_protocol::Code;
use minicbor::{Decode, Encode};

/// What a content is read from, as far as that tells whether it is the same as the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Source {
    /// Bytes.
    #[n(0)]
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970 or as exactly as is known.
    #[n(1)]
    pub changed: u64,
}

/// The record of one that may be gone on with.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct StoredUpload {
    #[n(0)]
    pub(crate) source: Source,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) head: Vec<u8>,
    #[n(2)]
    pub(crate) started: u64,
    /// Who works on it.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) worker: [u8; 16],
    /// Whether it may stand in the index already.
    #[n(4)]
    pub(crate) ending: bool,
}

/// The record of parts that may have left.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct StoredNote {
    /// How many parts were certainly stored when this was written.
    #[n(0)]
    pub(crate) stored: u32,
    #[n(1)]
    pub(crate) parts: Vec<minicbor::bytes::ByteArray<32>>,
}

/// A content on its way.
#[derive(Debug)]
pub struct Upload {
    /// Name of its record; `None` if it cannot be gone on with.
    pub(crate) record: Option<String>,
    pub(crate) worker: [u8; 16],
    pub(crate) head: Vec<u8>,
    /// Parts that may have left, by an earlier worker or this one.
    pub(crate) noted: Vec<ObjectId>,
    /// How many of them are certainly stored.
    stored: usize,
    /// Those that were sealed now.
    parts: Vec<ObjectId>,
    body: u64,
}

/// A part, sealed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It is stored already.
    Stored(ObjectId),
    /// It is to be stored.
    New(ObjectId),
}

impl Upload {
    pub(crate) const fn new(
        record: Option<String>,
        worker: [u8; 16],
        head: Vec<u8>,
        noted: Vec<ObjectId>,
        stored: usize,
    ) -> Self {
        Self { record, worker, head, noted, stored, parts: Vec::new(), body: 0 }
    }

    /// How many parts were stored by an earlier worker.
    pub const fn stored(&self) -> usize {
        self.stored
    }

    /// How many parts were sealed.
    pub const fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether none was.
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes the next part, which must not leave before it is noted. `None`: it is another one than the last time, so
    /// that nothing of this data key may leave any more. `TooLarge`.
    pub fn take(&mut self, part: &[u8]) -> Result<Option<Sealed>> {
        if self.parts.len() == PARTS || part.len() > PART_BYTES {
            let most = PARTS as u64 * super::PART_TEXT_BYTES as u64;
            return Err(Error::new(Code::TooLarge, format!("a file in a vault has at most {most} bytes")));
        }
        let id = ObjectId(hash(HashLabel::Object, &[part]));
        if self.noted.get(self.parts.len()).is_some_and(|noted| *noted != id) {
            return Ok(None);
        }
        let is_stored = self.parts.len() < self.stored;
        self.parts.push(id);
        self.body += part.len() as u64;
        Ok(Some(if is_stored { Sealed::Stored(id) } else { Sealed::New(id) }))
    }

    /// Parts that were sealed and not noted yet, and how many are stored.
    pub(crate) fn to_note(&self) -> (usize, &[ObjectId]) {
        (self.stored, self.parts.get(self.noted.len()..).unwrap_or_default())
    }

    pub(crate) fn are_noted(&mut self) {
        if self.noted.len() < self.parts.len() {
            self.noted.clone_from(&self.parts);
        }
    }

    /// All parts that were sealed are stored.
    pub fn all_stored(&mut self) {
        self.stored = self.stored.max(self.parts.len());
    }

    pub(crate) fn content(&self, about: FileContent) -> FileContent {
        FileContent { head: self.head.clone(), body: self.body, parts: self.parts.clone(), ..about }
    }
}
