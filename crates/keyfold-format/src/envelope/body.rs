//! The geometry of a body: how many segments, where each lies, which a range touches. It needs lengths only, so a
//! reader can plan its reads before it holds a key.
//!
//! Spec: `docs/spec/envelope.md`, "Body".

use crate::{error::Malformed, limits};
use core::ops::Range;

/// The tag of a segment (AES-256-GCM).
pub const TAG_BYTES: usize = 16;
/// The true length in front of the last segment's plaintext.
pub const TRUE_LENGTH_BYTES: usize = 8;
/// A segment that is not the last, sealed.
pub const SEALED_SEGMENT_BYTES: usize = limits::SEGMENT_BYTES + TAG_BYTES;
/// What the last segment is longer than its share of the plaintext.
pub const LAST_OVERHEAD_BYTES: usize = TRUE_LENGTH_BYTES + TAG_BYTES;

const SEGMENT: u64 = limits::SEGMENT_BYTES as u64;
const SEALED: u64 = SEALED_SEGMENT_BYTES as u64;
const LAST_OVERHEAD: u64 = LAST_OVERHEAD_BYTES as u64;

/// The geometry of one body. All its numbers fit: there are at most 2²⁴ segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// Segments before the last.
    before: u32,
    /// Plaintext in the last, padding included: 1 to 65,536 bytes, or 0 where it is the only one.
    rest: u32,
}

impl Body {
    /// Of a plaintext of `len` bytes, padding included. More than 1 TiB is `TooLarge`.
    pub fn of_plaintext(len: u64) -> Result<Self, Malformed> {
        let before = len.saturating_sub(1) / SEGMENT;
        Self::new(before, len - before * SEGMENT)
    }

    /// Of `len` sealed bytes, without the trailer. `Truncated` where no plaintext has that many: fewer than 24, or
    /// a last segment that has no plaintext although others precede it.
    pub fn of_sealed(len: u64) -> Result<Self, Malformed> {
        let before = len.checked_sub(LAST_OVERHEAD).ok_or(Malformed::Truncated)?.saturating_sub(1) / SEALED;
        match (len - before * SEALED).checked_sub(LAST_OVERHEAD) {
            Some(rest @ 0..=SEGMENT) => Self::new(before, rest),
            _ => Err(Malformed::Truncated),
        }
    }

    fn new(before: u64, rest: u64) -> Result<Self, Malformed> {
        if before >= limits::SEGMENTS {
            return Err(Malformed::TooLarge);
        }
        let narrow = |n: u64| u32::try_from(n).map_err(|_| Malformed::TooLarge);
        Ok(Self { before: narrow(before)?, rest: narrow(rest)? })
    }

    /// Segments, the last included.
    pub const fn segments(self) -> u32 {
        self.before + 1
    }

    /// Length of the plaintext, padding included.
    pub const fn plaintext_bytes(self) -> u64 {
        self.before as u64 * SEGMENT + self.rest as u64
    }

    /// Length of the sealed segments.
    pub const fn sealed_bytes(self) -> u64 {
        self.before as u64 * SEALED + self.rest as u64 + LAST_OVERHEAD
    }

    /// Whether `index` is the last segment.
    pub const fn is_last(self, index: u32) -> bool {
        index == self.before
    }

    /// Where a sealed segment lies in the body; `None` past the last.
    pub const fn sealed_range(self, index: u32) -> Option<Range<u64>> {
        if index > self.before {
            return None;
        }
        let start = index as u64 * SEALED;
        Some(start..if self.is_last(index) { self.sealed_bytes() } else { start + SEALED })
    }

    /// Which plaintext a segment holds, padding included; `None` past the last.
    pub const fn plaintext_range(self, index: u32) -> Option<Range<u64>> {
        if index > self.before {
            return None;
        }
        let start = index as u64 * SEGMENT;
        Some(start..if self.is_last(index) { self.plaintext_bytes() } else { start + SEGMENT })
    }

    /// The segments that a range of the plaintext touches; what lies past the end is cut off.
    pub fn touching(self, range: &Range<u64>) -> Range<u32> {
        let end = range.end.min(self.plaintext_bytes());
        if range.start >= end {
            return 0..0;
        }
        // Both quotients are at most `before`, because `end` is at most the plaintext's length.
        let index = |at: u64| u32::try_from(at / SEGMENT).unwrap_or(self.before);
        index(range.start)..index(end - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_plaintext_has_one_segment_of_24_bytes() {
        let body = Body::of_plaintext(0).unwrap();
        assert_eq!((body.segments(), body.sealed_bytes(), body.plaintext_bytes()), (1, 24, 0));
        assert_eq!(Body::of_sealed(24), Ok(body));
    }

    #[test]
    fn sealed_and_plaintext_lengths_determine_each_other_and_the_spec_s_formula_holds() {
        for len in (0..200).chain(65_500..65_600).chain(131_000..131_200).chain([10 << 30]) {
            let body = Body::of_plaintext(len).unwrap();
            assert_eq!(body.plaintext_bytes(), len);
            assert_eq!(Body::of_sealed(body.sealed_bytes()), Ok(body), "{len}");
            let b = body.sealed_bytes();
            assert_eq!(u64::from(body.segments()), (b - 8).div_ceil(65_552).max(1), "{len}");
        }
    }

    #[test]
    fn lengths_that_no_plaintext_has_are_truncated() {
        for len in (0..24).chain([65_552 + 9, 65_552 + 23, 65_552 + 24, 2 * 65_552 + 24]) {
            assert_eq!(Body::of_sealed(len), Err(Malformed::Truncated), "{len}");
        }
        assert!(Body::of_sealed(65_552 + 8).is_ok() && Body::of_sealed(65_552 + 25).is_ok());
    }

    #[test]
    fn one_tebibyte_is_the_end() {
        let most = Body::of_plaintext(1 << 40).unwrap();
        assert_eq!(most.segments(), 1 << 24);
        assert_eq!(Body::of_sealed(most.sealed_bytes()), Ok(most));
        assert_eq!(Body::of_plaintext((1 << 40) + 1), Err(Malformed::TooLarge));
        assert_eq!(Body::of_plaintext(u64::MAX), Err(Malformed::TooLarge));
        assert_eq!(Body::of_sealed(u64::MAX), Err(Malformed::TooLarge));
    }

    #[test]
    fn segments_follow_each_other_and_cover_the_body() {
        let body = Body::of_plaintext(3 * 65_536 + 5).unwrap();
        let mut at = (0, 0);
        for index in 0..body.segments() {
            let (sealed, plain) = (body.sealed_range(index).unwrap(), body.plaintext_range(index).unwrap());
            assert_eq!((sealed.start, plain.start), at);
            at = (sealed.end, plain.end);
        }
        assert_eq!(at, (body.sealed_bytes(), body.plaintext_bytes()));
        assert_eq!(body.sealed_range(body.segments()), None);
    }

    #[test]
    fn a_range_touches_exactly_the_segments_that_hold_its_bytes() {
        let body = Body::of_plaintext(2 * 65_536 + 5).unwrap();
        for (range, touched) in [
            (0..0, 0..0),
            (0..1, 0..1),
            (65_535..65_536, 0..1),
            (65_535..65_537, 0..2),
            (65_536..65_537, 1..2),
            (131_072..u64::MAX, 2..3),
            (0..u64::MAX, 0..3),
            (131_077..u64::MAX, 0..0),
        ] {
            assert_eq!(body.touching(&range), touched, "{range:?}");
        }
    }
}
