//! Reading an envelope's body from its front. Nothing of a segment is given back before it authenticated, and the
//! end is an error unless the last one did.

use super::{EnvelopeError, TRUNCATED};
use crate::suite::{SegmentKey, Unauthentic};
use alloc::vec::Vec;
use core::ops::Range;
use keyfold_format::{
    BadSignature, Malformed, VerifyingKey,
    envelope::{
        AuthorHead, BodyHash, BodyHasher, FixedHeader, Flags, LAST_OVERHEAD_BYTES, SEALED_SEGMENT_BYTES, TAG_BYTES,
        TRAILER_BYTES, TRUE_LENGTH_BYTES, Trailer,
    },
    limits,
    padme::padme,
};
use zeroize::Zeroizing;

/// Opens a body. A driver reads into a buffer, asks [`Self::ready`] how much of it are segments that are not the
/// last, opens those, moves the remainder to the front, and at the end of its input calls [`Self::finish`].
pub struct Opener {
    key: SegmentKey,
    fixed: FixedHeader,
    next: u32,
    /// Zero bytes at the end of the plaintext so far: with padding, those may be no plaintext.
    zeros: u64,
    hasher: Option<BodyHasher>,
}

impl Opener {
    pub(super) fn new(key: SegmentKey, fixed: FixedHeader) -> Self {
        let hasher = fixed.flags.trailer.then(BodyHasher::default);
        Self { key, fixed, next: 0, zeros: 0, hasher }
    }

    /// How many of `buffered` bytes, from the front, are segments that cannot be the last: a multiple of 65,552. The
    /// remainder is at most 65,704 bytes long.
    pub fn ready(&self, buffered: usize) -> usize {
        let most_of_last = limits::SEGMENT_BYTES + LAST_OVERHEAD_BYTES + trailer_bytes(self.fixed.flags);
        match buffered.checked_sub(most_of_last + 1) {
            Some(more) => (more / SEALED_SEGMENT_BYTES + 1) * SEALED_SEGMENT_BYTES,
            None => 0,
        }
    }

    /// Opens whole segments in place that are not the last: of each 65,552 bytes the first 65,536 are plaintext
    /// afterwards. On failure all of `sealed` is wiped. With padding, the plaintext may end in zeros that
    /// [`Opened::len`] does not count: cut it there, or give it on through [`super::HeldZeros`].
    pub fn open_segments(&mut self, sealed: &mut [u8]) -> Result<(), EnvelopeError> {
        let opened = self.try_open_segments(sealed);
        if opened.is_err() {
            sealed.fill(0);
        }
        opened
    }

    fn try_open_segments(&mut self, sealed: &mut [u8]) -> Result<(), EnvelopeError> {
        let (pieces, rest) = sealed.as_chunks_mut::<SEALED_SEGMENT_BYTES>();
        if !rest.is_empty() {
            return Err(EnvelopeError::WrongBuffer);
        }
        if u64::from(self.next) + pieces.len() as u64 >= limits::SEGMENTS {
            return Err(Malformed::TooLarge.into());
        }
        for piece in pieces {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(piece);
            }
            let text = self.key.open(self.next, false, piece)?;
            if self.fixed.flags.padded {
                let zeros = trailing_zeros(text);
                self.zeros = if zeros == text.len() as u64 { self.zeros + zeros } else { zeros };
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Opens what is left when the input has ended: the last segment, and the trailer. On failure all of it is
    /// wiped.
    pub fn finish(self, left: &mut [u8]) -> Result<LastSegment<'_>, EnvelopeError> {
        match self.try_finish(left) {
            Ok((text, opened)) => {
                let plaintext = left.get(text).unwrap_or_default();
                Ok(LastSegment { plaintext, opened })
            }
            Err(fault) => {
                left.fill(0);
                Err(fault)
            }
        }
    }

    fn try_finish(self, left: &mut [u8]) -> Result<(Range<usize>, Opened), EnvelopeError> {
        // More than one segment could be left only if the driver did not do what `ready` told.
        if self.ready(left.len()) > 0 {
            return Err(EnvelopeError::WrongBuffer);
        }
        let Self { key, fixed, next, zeros, hasher } = self;
        let before = u64::from(next) * limits::SEGMENT_BYTES as u64;
        let Last { text, len, trailer } = open_last(&key, fixed.flags, next, left, hasher)?;
        // What precedes this segment may be padding only where it is zero.
        if before.saturating_sub(len) > zeros {
            return Err(EnvelopeError::Unauthentic);
        }
        let own = usize::try_from(len.saturating_sub(before)).map_err(|_| Malformed::TooLarge)?;
        let trailer = trailer.map(|(trailer, body)| UnverifiedTrailer { trailer, fixed, body });
        Ok((text.start..text.start + own, Opened { len, trailer }))
    }
}

/// The last segment, opened: everything before it is now known to be all there was.
#[derive(Debug)]
pub struct LastSegment<'b> {
    /// The end of the plaintext, without padding.
    pub plaintext: &'b [u8],
    /// What is known about the whole.
    pub opened: Opened,
}

/// A body that was read to its end.
#[derive(Debug)]
pub struct Opened {
    /// Length of the plaintext, without padding.
    pub len: u64,
    /// The author's signature, if the envelope has one.
    pub trailer: Option<UnverifiedTrailer>,
}

/// A trailer together with what it must have signed. Whoever knows the author's ledger verifies it.
#[derive(Clone, Debug)]
pub struct UnverifiedTrailer {
    trailer: Trailer,
    fixed: FixedHeader,
    body: BodyHash,
}

impl UnverifiedTrailer {
    /// Whom it claims to be by: where to look for the key. Nothing more than a claim.
    pub const fn claimed_author(&self) -> &AuthorHead {
        &self.trailer.author
    }

    /// The author, if `key`, the ledger key of the claimed account and generation, made the signature.
    pub fn verify(&self, key: &VerifyingKey) -> Result<&AuthorHead, BadSignature> {
        self.trailer.verify(key, &self.fixed, &self.body)?;
        Ok(&self.trailer.author)
    }
}

pub(super) const fn trailer_bytes(flags: Flags) -> usize {
    if flags.trailer { TRAILER_BYTES } else { 0 }
}

fn trailing_zeros(text: &[u8]) -> u64 {
    text.iter().rev().take_while(|byte| **byte == 0).count() as u64
}

/// The last segment: where its text lies, padding included, in what was left; the true length; the trailer.
pub(super) struct Last {
    text: Range<usize>,
    pub(super) len: u64,
    trailer: Option<(Trailer, BodyHash)>,
}

/// Opens the last segment, number `index`, and reads the trailer after it. The caller wipes `left` on failure.
pub(super) fn open_last(
    key: &SegmentKey,
    flags: Flags,
    index: u32,
    left: &mut [u8],
    mut hasher: Option<BodyHasher>,
) -> Result<Last, EnvelopeError> {
    let cut = CutTest::new(left);
    let sealed_bytes = left.len().checked_sub(trailer_bytes(flags)).ok_or(TRUNCATED)?;
    let (sealed, trailer) = left.split_at_mut_checked(sealed_bytes).ok_or(TRUNCATED)?;
    if let Some(hasher) = &mut hasher {
        hasher.update(sealed);
    }
    // A last segment without plaintext follows no other: where it seems to, the rest of a segment is missing.
    if sealed.len() < LAST_OVERHEAD_BYTES || (sealed.len() == LAST_OVERHEAD_BYTES && index > 0) {
        return Err(TRUNCATED);
    }
    let Ok(opened) = key.open(index, true, sealed) else { return Err(cut.verdict(key, index)) };
    let (len, text) = opened.split_first_chunk::<TRUE_LENGTH_BYTES>().ok_or(EnvelopeError::Unauthentic)?;
    let len = u64::from_be_bytes(*len);
    check_length(flags, index, len, text)?;
    let trailer = match (hasher, <&[u8; TRAILER_BYTES]>::try_from(&*trailer)) {
        (Some(hasher), Ok(bytes)) => Some((Trailer::parse(bytes)?, hasher.finish())),
        _ => None,
    };
    Ok(Last { text: TRUE_LENGTH_BYTES..TRUE_LENGTH_BYTES + text.len(), len, trailer })
}

/// The true length must be that of what was read, or with padding the one that pads to it with zeros.
fn check_length(flags: Flags, index: u32, len: u64, text: &[u8]) -> Result<(), Unauthentic> {
    let before = u64::from(index) * limits::SEGMENT_BYTES as u64;
    let read = before + text.len() as u64;
    let padded = if flags.padded { padme(len) } else { len };
    let padding = text.len() as u64 - len.saturating_sub(before).min(text.len() as u64);
    if padded != read || trailing_zeros(text) < padding { Err(Unauthentic) } else { Ok(()) }
}

/// Tells an envelope that was cut between two segments from one that was altered: what should be the last segment
/// opens as one that is not.
struct CutTest(Option<Zeroizing<Vec<u8>>>);

impl CutTest {
    fn new(left: &[u8]) -> Self {
        Self(left.get(..SEALED_SEGMENT_BYTES).map(|segment| Zeroizing::new(segment.to_vec())))
    }

    fn verdict(self, key: &SegmentKey, index: u32) -> EnvelopeError {
        let more_followed = self.0.is_some_and(|mut segment| key.open(index, false, &mut segment).is_ok());
        if more_followed { TRUNCATED } else { EnvelopeError::Unauthentic }
    }
}

const _: () = assert!(TAG_BYTES + TRUE_LENGTH_BYTES == LAST_OVERHEAD_BYTES);
