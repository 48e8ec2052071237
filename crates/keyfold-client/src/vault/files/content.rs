//! Whether what is said of a content is true: a member who may write may have written anything, and a storage may show
//! anything.
//!
//! Spec: `docs/spec/vault.md`, "A content".

use super::entry::{FileContent, PART_BYTES, PARTS};
use crate::{Error, Result};
use keyfold_core::envelope::{OpenedHead, Unopened};
use keyfold_format::{ObjectId, envelope::Body, id::hash, label::HashLabel, padme::padme};
use keyfold_protocol::Code;

/// A body that is cut into parts.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    body: u64,
    parts: Vec<ObjectId>,
}

impl FileContent {
    /// Compares size, body and parts. `Unauthentic` where there is no content with all of them.
    pub(crate) fn check(&self) -> Result<()> {
        let body = Body::of_plaintext(padme(self.size)).map_err(|_| misfit())?.sealed_bytes();
        let parts = body.div_ceil(PART_BYTES as u64);
        let fits = body == self.body && parts == self.parts.len() as u64 && self.parts.len() <= PARTS;
        if fits { Ok(()) } else { Err(misfit()) }
    }

    /// Whether the head is of the one kind that contents have. `Unauthentic`.
    pub(crate) fn check_head(&self, head: &OpenedHead) -> Result<()> {
        let flags = head.flags();
        let is_whole = Unopened::head_bytes(&self.head)? == self.head.len();
        if flags.padded && !flags.trailer && head.metadata().is_none() && is_whole { Ok(()) } else { Err(misfit()) }
    }

    /// What a body that opened is long. `Unauthentic` where the vault says something else. In browsers, who opens the
    /// segments compares it.
    #[cfg(any(feature = "native", test))]
    pub(crate) fn check_size(&self, opened: u64) -> Result<()> {
        if opened == self.size {
            Ok(())
        } else {
            Err(Error::new(Code::Unauthentic, "the file has another length than the vault says"))
        }
    }

    /// Where its body is.
    pub fn cut(&self) -> Cut {
        Cut { body: self.body, parts: self.parts.clone() }
    }
}

impl Cut {
    /// How many parts there are.
    pub const fn count(&self) -> usize {
        self.parts.len()
    }

    /// Bytes of all of them.
    pub const fn body(&self) -> u64 {
        self.body
    }

    /// The ids of `count` parts from number `first` on.
    pub fn ids(&self, first: usize, count: usize) -> &[ObjectId] {
        let rest = self.parts.get(first..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }

    /// Whether a part is what was put. `Unauthentic`.
    pub fn check_part(&self, number: usize, part: &[u8]) -> Result<()> {
        let before = (number as u64).saturating_mul(PART_BYTES as u64);
        let length = self.body.saturating_sub(before).min(PART_BYTES as u64);
        let id = ObjectId(hash(HashLabel::Object, &[part]));
        if part.len() as u64 == length && self.parts.get(number) == Some(&id) {
            Ok(())
        } else {
            Err(Error::new(Code::Unauthentic, "the storage shows something else than was put there"))
        }
    }
}

fn misfit() -> Error {
    Error::new(Code::Unauthentic, "what the vault says of the file does not fit")
}
