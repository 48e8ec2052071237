//! The order in which a body is opened, without opening anything, and every check on what came out. [`super::Opener`]
//! follows it with the suite's own cipher; whoever has a faster one, as browsers do, takes payload key and plan and
//! follows it himself. Either way the same checks decide.
//!
//! Spec: `docs/spec/envelope.md`, "Body".

use super::{EnvelopeError, TRUNCATED};
use crate::suite::{SegmentNonce, Unauthentic};
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

/// A body that is read from its front.
pub struct OpenPlan {
    fixed: FixedHeader,
    next: u32,
    /// Zero bytes at the end of the plaintext so far: with padding, those may be no plaintext.
    zeros: u64,
    hasher: Option<BodyHasher>,
}

impl OpenPlan {
    pub(super) fn new(fixed: FixedHeader) -> Self {
        let hasher = fixed.flags.trailer.then(BodyHasher::default);
        Self { fixed, next: 0, zeros: 0, hasher }
    }

    /// Trailer and padding.
    pub const fn flags(&self) -> Flags {
        self.fixed.flags
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

    /// The nonces of the next `count` sealed segments of 65,552 bytes that are not the last.
    pub fn segments(&mut self, count: usize) -> Result<impl Iterator<Item = SegmentNonce> + use<>, EnvelopeError> {
        let end = u64::from(self.next) + count as u64;
        let end =
            u32::try_from(end).ok().filter(|end| u64::from(*end) < limits::SEGMENTS).ok_or(Malformed::TooLarge)?;
        let indices = core::mem::replace(&mut self.next, end)..end;
        Ok(indices.map(|index| SegmentNonce::new(index, false)))
    }

    /// The sealed segments, tags included, in order, before or after they are opened. Without a trailer it does
    /// nothing.
    pub fn hash(&mut self, sealed: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(sealed);
        }
    }

    /// With padding: the next `len` bytes of plaintext, in order, end in `zeros` zero bytes. Without padding it does
    /// nothing.
    pub fn passed(&mut self, len: u64, zeros: u64) {
        if self.fixed.flags.padded {
            self.zeros = if zeros >= len { self.zeros + len } else { zeros };
        }
    }

    /// The input has ended, and `left` bytes are left: the last segment, and the trailer.
    pub fn last(self, left: usize) -> Result<LastPlan, EnvelopeError> {
        // More than one segment could be left only if the driver did not do what `ready` told.
        if self.ready(left) > 0 {
            return Err(EnvelopeError::WrongBuffer);
        }
        let Self { fixed, next, zeros, hasher } = self;
        Ok(LastPlan { ending: Ending::new(fixed.flags, next, left)?, fixed, zeros, hasher })
    }
}

/// The last segment of a body that was read from its front.
pub struct LastPlan {
    ending: Ending,
    fixed: FixedHeader,
    zeros: u64,
    hasher: Option<BodyHasher>,
}

impl LastPlan {
    /// How the last segment is opened.
    pub const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// The sealed last segment, tag included, as [`OpenPlan::hash`].
    pub fn hash(&mut self, sealed: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(sealed);
        }
    }

    /// Takes what the last segment held, true length in front, and the bytes after it. Gives where in it the end of
    /// the plaintext lies, without padding, and what is known about the whole: all before it is now known to be all
    /// there was.
    pub fn finish(self, opened: &[u8], trailer: &[u8]) -> Result<(Range<usize>, Opened), EnvelopeError> {
        let Self { ending, fixed, zeros, hasher } = self;
        let before = u64::from(ending.index) * limits::SEGMENT_BYTES as u64;
        let len = ending.true_length(opened)?;
        let trailer = match (hasher, <&[u8; TRAILER_BYTES]>::try_from(trailer)) {
            (Some(hasher), Ok(bytes)) => Some((Trailer::parse(bytes)?, hasher.finish())),
            (Some(_), Err(_)) => return Err(TRUNCATED),
            (None, _) => None,
        };
        // What precedes this segment may be padding only where it is zero.
        if before.saturating_sub(len) > zeros {
            return Err(EnvelopeError::Unauthentic);
        }
        let own = usize::try_from(len.saturating_sub(before)).map_err(|_| Malformed::TooLarge)?;
        let trailer = trailer.map(|(trailer, body)| UnverifiedTrailer { trailer, fixed, body });
        Ok((TRUE_LENGTH_BYTES..TRUE_LENGTH_BYTES + own, Opened { len, trailer }))
    }
}

/// The end of a body: where the last segment lies in what is left of it, and how to open that.
pub struct Ending {
    flags: Flags,
    index: u32,
    left: usize,
    sealed: usize,
}

impl Ending {
    /// `left` bytes from the start of segment `index` to the end of the body.
    pub(super) fn new(flags: Flags, index: u32, left: usize) -> Result<Self, EnvelopeError> {
        let sealed = left.checked_sub(trailer_bytes(flags)).ok_or(TRUNCATED)?;
        // A last segment without plaintext follows no other: where it seems to, the rest of a segment is missing.
        if sealed < LAST_OVERHEAD_BYTES || (sealed == LAST_OVERHEAD_BYTES && index > 0) {
            return Err(TRUNCATED);
        }
        Ok(Self { flags, index, left, sealed })
    }

    /// How many bytes of what is left are the sealed last segment; the trailer follows it.
    pub const fn sealed_bytes(&self) -> usize {
        self.sealed
    }

    /// What the last segment is opened with.
    pub const fn nonce(&self) -> SegmentNonce {
        SegmentNonce::new(self.index, true)
    }

    /// If that does not open: what to open the first 65,552 bytes of what is left with, where there are as many.
    /// Where they open, the envelope was cut between two segments, see [`Self::verdict`].
    pub const fn cut_nonce(&self) -> Option<SegmentNonce> {
        if self.left < SEALED_SEGMENT_BYTES { None } else { Some(SegmentNonce::new(self.index, false)) }
    }

    /// Why a last segment does not open: cut, if what is left of it opened as one that is not the last, else altered.
    pub const fn verdict(opened_as_another: bool) -> EnvelopeError {
        if opened_as_another { TRUNCATED } else { EnvelopeError::Unauthentic }
    }

    /// The true length, which must be that of what was read, or with padding the one that pads to it with zeros.
    pub(super) fn true_length(&self, opened: &[u8]) -> Result<u64, Unauthentic> {
        let (len, text) = opened.split_first_chunk::<TRUE_LENGTH_BYTES>().ok_or(Unauthentic)?;
        if text.len() + LAST_OVERHEAD_BYTES != self.sealed {
            return Err(Unauthentic);
        }
        let len = u64::from_be_bytes(*len);
        let before = u64::from(self.index) * limits::SEGMENT_BYTES as u64;
        let read = before + text.len() as u64;
        let padded = if self.flags.padded { padme(len) } else { len };
        let padding = text.len() as u64 - len.saturating_sub(before).min(text.len() as u64);
        if padded != read || trailing_zeros(text) < padding { Err(Unauthentic) } else { Ok(len) }
    }
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

pub(super) fn trailing_zeros(text: &[u8]) -> u64 {
    text.iter().rev().take_while(|byte| **byte == 0).count() as u64
}

const _: () = assert!(TAG_BYTES + TRUE_LENGTH_BYTES == LAST_OVERHEAD_BYTES);
