//! The order in which a body is sealed, without sealing anything: which segment comes next, under which nonce, where
//! the padding goes. [`super::Sealer`] follows it with the suite's own cipher; whoever has a faster one, as browsers
//! do, takes payload key and plan and follows it himself. Either way the same checks decide.
//!
//! Spec: `docs/spec/envelope.md`, "Body".

use super::EnvelopeError;
use crate::suite::{SegmentNonce, SigningKey};
use keyfold_format::{
    Malformed, ObjectId,
    envelope::{AuthorHead, Body, BodyHash, BodyHasher, FixedHeader, TRAILER_BYTES, TRUE_LENGTH_BYTES, Trailer},
    label::SignatureLabel,
    limits,
    padme::padme,
};

/// The segments before the rest of the plaintext is known. Every nonce is given once, in order.
pub struct SealPlan {
    fixed: FixedHeader,
    next: u32,
    hasher: Option<BodyHasher>,
}

impl SealPlan {
    pub(super) fn new(fixed: FixedHeader) -> Self {
        let hasher = fixed.flags.trailer.then(BodyHasher::default);
        Self { fixed, next: 0, hasher }
    }

    /// The object's id.
    pub const fn object(&self) -> &ObjectId {
        &self.fixed.object
    }

    /// Whether an author's signature will follow, so that [`Self::hash`] needs every sealed byte.
    pub const fn is_signed(&self) -> bool {
        self.fixed.flags.trailer
    }

    /// The nonces of the next `count` segments of 65,536 bytes that are **not** the last. One segment stays for the
    /// last: more than that is `TooLarge`, and nothing was given.
    pub fn segments(&mut self, count: usize) -> Result<impl Iterator<Item = SegmentNonce> + use<>, EnvelopeError> {
        let end = u64::from(self.next) + count as u64;
        let end =
            u32::try_from(end).ok().filter(|end| u64::from(*end) < limits::SEGMENTS).ok_or(Malformed::TooLarge)?;
        let indices = core::mem::replace(&mut self.next, end)..end;
        Ok(indices.map(|index| SegmentNonce::new(index, false)))
    }

    /// The sealed segments, tags included, in order. Without a trailer it does nothing.
    pub fn hash(&mut self, sealed: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(sealed);
        }
    }

    /// What follows for a rest of the plaintext of `rest` bytes: up to 65,536, and none only if no segment precedes
    /// it.
    pub fn finish(self, rest: usize) -> Result<TailPlan, EnvelopeError> {
        if rest > limits::SEGMENT_BYTES || (rest == 0 && self.next > 0) {
            return Err(EnvelopeError::WrongBuffer);
        }
        let len = u64::from(self.next) * limits::SEGMENT_BYTES as u64 + rest as u64;
        let body = Body::of_plaintext(if self.fixed.flags.padded { padme(len) } else { len })?;
        Ok(TailPlan { plan: self, body, len, rest })
    }
}

/// The last segment, and those before it that hold nothing but padding after the rest of the plaintext.
pub struct TailPlan {
    plan: SealPlan,
    body: Body,
    len: u64,
    /// What is left of the rest: all of it, or nothing once the first segment was given.
    rest: usize,
}

/// One segment of the tail: the length if there is one, so many bytes of the rest, so many zeros.
#[derive(Debug)]
pub struct TailSegment {
    /// What it is sealed with.
    pub nonce: SegmentNonce,
    /// In the last segment: the true length, which stands in front.
    pub true_length: Option<[u8; TRUE_LENGTH_BYTES]>,
    /// Bytes of the rest: all of it in the first of these segments, none afterwards.
    pub rest: usize,
    /// Zeros after it.
    pub zeros: usize,
}

impl TailPlan {
    /// The next segment; `Ok(None)` after the last. Without padding there is exactly one.
    pub fn next_segment(&mut self) -> Result<Option<TailSegment>, EnvelopeError> {
        let index = self.plan.next;
        let Some(range) = self.body.plaintext_range(index) else { return Ok(None) };
        let last = self.body.is_last(index);
        let text = usize::try_from(range.end - range.start).map_err(|_| Malformed::TooLarge)?;
        let rest = core::mem::take(&mut self.rest);
        let zeros = text.checked_sub(rest).ok_or(EnvelopeError::WrongBuffer)?;
        let true_length = last.then(|| self.len.to_be_bytes());
        self.plan.next += 1;
        Ok(Some(TailSegment { nonce: SegmentNonce::new(index, last), true_length, rest, zeros }))
    }

    /// The sealed segments of the tail, tags included, in order.
    pub fn hash(&mut self, sealed: &[u8]) {
        self.plan.hash(sealed);
    }

    /// After the last segment was given; before, it is `WrongBuffer`.
    pub fn end(self) -> Result<Sealed, EnvelopeError> {
        let SealPlan { fixed, next, hasher } = self.plan;
        if next != self.body.segments() {
            return Err(EnvelopeError::WrongBuffer);
        }
        let trailer = hasher.map(|hasher| UnsignedTrailer { fixed, body: hasher.finish() });
        Ok(Sealed { len: self.len, trailer })
    }
}

/// A body that is complete.
#[must_use = "an envelope that announces a trailer is not complete without it"]
pub struct Sealed {
    /// Length of the plaintext, without padding.
    pub len: u64,
    /// With [`super::Options::trailer`]: what is to be signed and written after the body.
    pub trailer: Option<UnsignedTrailer>,
}

/// What an author signs.
#[must_use = "an envelope that announces a trailer is not complete without it"]
pub struct UnsignedTrailer {
    fixed: FixedHeader,
    body: BodyHash,
}

impl UnsignedTrailer {
    /// The 144 bytes that end the envelope. `key` is the ledger key of the author's generation.
    pub fn sign(self, key: &SigningKey, author: AuthorHead) -> [u8; TRAILER_BYTES] {
        let signature = key.sign(SignatureLabel::Trailer, &[&author.signed_parts(&self.fixed, &self.body)]);
        Trailer { author, signature }.encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfold_format::envelope::Flags;

    #[test]
    fn the_last_counter_is_left_for_the_last_segment() {
        let fixed =
            FixedHeader { object: ObjectId([0; 32]), flags: Flags::default(), context: [0; 32], commitment: [0; 32] };
        let next = (1 << 24) - 2;
        let mut plan = SealPlan { fixed, next, hasher: None };
        assert_eq!(plan.segments(2).err(), Some(Malformed::TooLarge.into()));
        assert_eq!(plan.next, next, "nothing was given");
        assert_eq!(plan.segments(1).unwrap().collect::<Vec<_>>(), [SegmentNonce::new(next, false)]);
        assert!(plan.segments(1).is_err());
        assert_eq!(plan.finish(1).unwrap().body.segments(), 1 << 24);
    }
}
