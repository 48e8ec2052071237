//! Reading parts of a body. The last segment comes first: without it nobody knows whether the body is whole.

use super::{EnvelopeError, TRUNCATED, open};
use crate::suite::SegmentKey;
use core::ops::Range;
use keyfold_format::{
    Malformed,
    envelope::{Body, Flags, TRUE_LENGTH_BYTES},
};

/// Ranges of a body whose last segment was not yet seen.
pub struct UnprovenRanges {
    key: SegmentKey,
    flags: Flags,
    body: Body,
}

impl UnprovenRanges {
    pub(super) fn new(key: SegmentKey, flags: Flags, len: u64) -> Result<Self, EnvelopeError> {
        let sealed = len.checked_sub(open::trailer_bytes(flags) as u64).ok_or(TRUNCATED)?;
        Ok(Self { key, flags, body: Body::of_sealed(sealed)? })
    }

    /// Where the last segment lies, counted from the start of the body.
    pub fn last(&self) -> Range<u64> {
        let end = self.body.sealed_bytes();
        self.body.sealed_range(self.body.segments() - 1).unwrap_or(end..end)
    }

    /// Opens the last segment, which is wiped. Only with it can ranges be opened.
    pub fn prove(self, last: &mut [u8]) -> Result<Ranges, EnvelopeError> {
        let Range { start, end } = self.last();
        if last.len() as u64 != end - start {
            return Err(EnvelopeError::WrongBuffer);
        }
        // The trailer signs the whole body, so no range can say anything about it.
        let flags = Flags { trailer: false, ..self.flags };
        let opened = open::open_last(&self.key, flags, self.body.segments() - 1, last, None);
        last.fill(0);
        Ok(Ranges { len: opened?.len, key: self.key, body: self.body })
    }
}

/// Ranges of a body that is whole.
pub struct Ranges {
    key: SegmentKey,
    body: Body,
    len: u64,
}

impl Ranges {
    /// Length of the plaintext, without padding.
    #[expect(clippy::len_without_is_empty, reason = "the length of a plaintext, not of a collection")]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// The segments that hold a range of the plaintext, which is cut off at its end.
    pub fn touching(&self, range: &Range<u64>) -> Range<u32> {
        self.body.touching(&(range.start..range.end.min(self.len)))
    }

    /// Where a sealed segment lies, counted from the start of the body; `None` past the last.
    pub fn sealed_range(&self, index: u32) -> Option<Range<u64>> {
        self.body.sealed_range(index)
    }

    /// Opens segment `index` in place and gives the part of `range` that it holds. What does not open is wiped.
    pub fn open<'b>(&self, index: u32, sealed: &'b mut [u8], range: &Range<u64>) -> Result<&'b [u8], EnvelopeError> {
        let place = self.body.sealed_range(index).ok_or(EnvelopeError::WrongBuffer)?;
        let text = self.body.plaintext_range(index).ok_or(EnvelopeError::WrongBuffer)?;
        if sealed.len() as u64 != place.end - place.start {
            return Err(EnvelopeError::WrongBuffer);
        }
        let last = self.body.is_last(index);
        let opened = &*self.key.open(index, last, sealed)?;
        let opened = opened.get(if last { TRUE_LENGTH_BYTES } else { 0 }..).unwrap_or_default();
        let within = |at: u64| usize::try_from(at.clamp(text.start, text.end) - text.start);
        let end = within(range.end.min(self.len)).map_err(|_| Malformed::TooLarge)?;
        let start = within(range.start).map_err(|_| Malformed::TooLarge)?.min(end);
        opened.get(start..end).ok_or(EnvelopeError::WrongBuffer)
    }
}
