//! Reading parts of a body. The last segment comes first: without it nobody knows whether the body is whole.

use super::{Ending, EnvelopeError, TRUNCATED, open::open_last, open_plan::trailer_bytes};
use crate::{
    secret::PayloadKey,
    suite::{SegmentKey, SegmentNonce},
};
use core::ops::Range;
use keyfold_format::{
    Malformed,
    envelope::{Body, Flags, TRUE_LENGTH_BYTES},
};

/// Ranges of a body whose last segment was not yet seen.
pub struct UnprovenRanges {
    key: SegmentKey,
    plan: UnprovenRangePlan,
}

impl UnprovenRanges {
    pub(super) fn new(key: SegmentKey, flags: Flags, len: u64) -> Result<Self, EnvelopeError> {
        Ok(Self { key, plan: UnprovenRangePlan::new(flags, len)? })
    }

    /// For whoever has an AES-256-GCM of his own: the key, and what is to be opened with it.
    pub fn hand_over(self) -> (PayloadKey, UnprovenRangePlan) {
        (self.key.into_key(), self.plan)
    }

    /// Where the last segment lies, counted from the start of the body.
    pub fn last(&self) -> Range<u64> {
        self.plan.last()
    }

    /// Opens the last segment, which is wiped. Only with it can ranges be opened.
    pub fn prove(self, last: &mut [u8]) -> Result<Ranges, EnvelopeError> {
        let Range { start, end } = self.last();
        if last.len() as u64 != end - start {
            return Err(EnvelopeError::WrongBuffer);
        }
        let proven = match open_last(&self.key, self.plan.ending(), last) {
            Ok((opened, _)) => self.plan.prove(opened),
            Err(fault) => Err(fault),
        };
        last.fill(0);
        Ok(Ranges { key: self.key, plan: proven? })
    }
}

/// Ranges of a body that is whole.
pub struct Ranges {
    key: SegmentKey,
    plan: RangePlan,
}

impl Ranges {
    /// Length of the plaintext, without padding.
    #[expect(clippy::len_without_is_empty, reason = "the length of a plaintext, not of a collection")]
    pub const fn len(&self) -> u64 {
        self.plan.len
    }

    /// The segments that hold a range of the plaintext, which is cut off at its end.
    pub fn touching(&self, range: &Range<u64>) -> Range<u32> {
        self.plan.touching(range)
    }

    /// Where a sealed segment lies, counted from the start of the body; `None` past the last.
    pub fn sealed_range(&self, index: u32) -> Option<Range<u64>> {
        self.plan.sealed_range(index)
    }

    /// Opens segment `index` in place and gives the part of `range` that it holds. What does not open is wiped.
    pub fn open<'b>(&self, index: u32, sealed: &'b mut [u8], range: &Range<u64>) -> Result<&'b [u8], EnvelopeError> {
        let place = self.plan.sealed_range(index).ok_or(EnvelopeError::WrongBuffer)?;
        if sealed.len() as u64 != place.end - place.start {
            return Err(EnvelopeError::WrongBuffer);
        }
        let opened = &*self.key.open(self.plan.nonce(index), sealed)?;
        opened.get(self.plan.part(index, range)?).ok_or(EnvelopeError::WrongBuffer)
    }
}

/// Where to read a body whose last segment was not yet seen, without reading it.
pub struct UnprovenRangePlan {
    body: Body,
    ending: Ending,
}

impl UnprovenRangePlan {
    fn new(flags: Flags, len: u64) -> Result<Self, EnvelopeError> {
        let sealed = len.checked_sub(trailer_bytes(flags) as u64).ok_or(TRUNCATED)?;
        let body = Body::of_sealed(sealed)?;
        // The trailer signs the whole body, so no range can say anything about it.
        let flags = Flags { trailer: false, ..flags };
        let index = body.segments() - 1;
        let last = body.sealed_range(index).unwrap_or_default();
        let left = usize::try_from(last.end - last.start).map_err(|_| Malformed::TooLarge)?;
        Ok(Self { body, ending: Ending::new(flags, index, left)? })
    }

    /// Where the last segment lies, counted from the start of the body.
    pub fn last(&self) -> Range<u64> {
        let end = self.body.sealed_bytes();
        self.body.sealed_range(self.body.segments() - 1).unwrap_or(end..end)
    }

    /// How the last segment is opened.
    pub const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Takes what the last segment held, true length in front.
    pub fn prove(self, opened: &[u8]) -> Result<RangePlan, EnvelopeError> {
        Ok(RangePlan { len: self.ending.true_length(opened)?, body: self.body })
    }
}

/// Where to read a body that is whole.
pub struct RangePlan {
    body: Body,
    len: u64,
}

impl RangePlan {
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

    /// What segment `index` is opened with.
    pub const fn nonce(&self, index: u32) -> SegmentNonce {
        SegmentNonce::new(index, self.body.is_last(index))
    }

    /// Which bytes of what segment `index` held are of `range`. `WrongBuffer` past the last segment.
    pub fn part(&self, index: u32, range: &Range<u64>) -> Result<Range<usize>, EnvelopeError> {
        let text = self.body.plaintext_range(index).ok_or(EnvelopeError::WrongBuffer)?;
        let front = if self.body.is_last(index) { TRUE_LENGTH_BYTES } else { 0 };
        let within = |at: u64| usize::try_from(at.clamp(text.start, text.end) - text.start);
        let end = within(range.end.min(self.len)).map_err(|_| Malformed::TooLarge)?;
        let start = within(range.start).map_err(|_| Malformed::TooLarge)?.min(end);
        Ok(front + start..front + end)
    }
}
