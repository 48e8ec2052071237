//! Writing an envelope: head, segments, the last segment, trailer.

use super::{EnvelopeError, Metadata, keys::EnvelopeKeys};
use crate::{
    access::WriterKey,
    secret::DataKey,
    suite::{SegmentKey, SigningKey},
};
use alloc::vec::Vec;
use keyfold_format::{
    Malformed, ObjectId,
    envelope::{
        AuthorHead, Body, BodyHash, BodyHasher, FixedHeader, Flags, Header, LAST_OVERHEAD_BYTES, SEALED_SEGMENT_BYTES,
        TAG_BYTES, TRAILER_BYTES, Trailer, context_hash,
    },
    label::SignatureLabel,
    limits,
    padme::padme,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// What an envelope has besides its body and its slots.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The application's context: whoever opens must name the same one.
    pub context: &'a [u8],
    /// Sealed in the header.
    pub metadata: Option<&'a Metadata>,
    /// Pad the plaintext to its Padmé size.
    pub padded: bool,
    /// An author's signature will follow the body.
    pub trailer: bool,
}

/// Seals a body. Each segment is sealed once, in order: there is no way to seal one again with other bytes.
pub struct Sealer {
    key: SegmentKey,
    fixed: FixedHeader,
    next: u32,
    hasher: Option<BodyHasher>,
}

impl Sealer {
    /// Makes a data key and an object id, seals the data key to every writer's key, and gives the head.
    pub fn begin(
        options: &Options<'_>,
        writers: &[WriterKey<'_>],
        rng: &mut impl CryptoRng,
    ) -> Result<(Vec<u8>, Self), EnvelopeError> {
        let mut object = ObjectId([0; 32]);
        rng.fill_bytes(&mut object.0);
        let data = DataKey::generate(rng);
        let keys = EnvelopeKeys::new(&data, &object);
        let fixed = FixedHeader {
            object,
            flags: Flags { trailer: options.trailer, padded: options.padded },
            context: context_hash(options.context)?,
            commitment: keys.commitment(),
        };
        let mut slots = Vec::with_capacity(writers.len());
        for writer in writers {
            slots.push(writer.seal_slot(&object, data.expose(), rng)?);
        }
        let metadata = match options.metadata {
            Some(metadata) => Some(keys.seal_metadata(&metadata.encode()?, rng)?),
            None => None,
        };
        let head = keys.head(&Header::new(fixed.clone(), slots, metadata)?)?;
        let hasher = options.trailer.then(BodyHasher::default);
        Ok((head, Self { key: keys.segments(&fixed)?, fixed, next: 0, hasher }))
    }

    /// Seals whole segments in place that are **not** the last: `strides` is any number of pieces of 65,552 bytes,
    /// each 65,536 bytes of plaintext and room for a tag. Afterwards all of it is to be written.
    pub fn seal_segments(&mut self, strides: &mut [u8]) -> Result<(), EnvelopeError> {
        let (pieces, rest) = strides.as_chunks_mut::<SEALED_SEGMENT_BYTES>();
        if !rest.is_empty() {
            return Err(EnvelopeError::WrongBuffer);
        }
        // One segment stays for the last. Checked before anything is sealed: a counter is used once.
        if u64::from(self.next) + pieces.len() as u64 >= limits::SEGMENTS {
            return Err(Malformed::TooLarge.into());
        }
        for piece in pieces {
            if let Some((text, tag)) = piece.split_last_chunk_mut::<TAG_BYTES>() {
                *tag = self.key.seal(self.next, false, text)?;
            }
            self.next += 1;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(piece);
            }
        }
        Ok(())
    }

    /// Takes the rest of the plaintext: up to 65,536 bytes, and none only if no segment precedes it. So whoever
    /// reads a stream keeps a segment until he knows that more follows.
    pub fn finish(self, rest: &[u8]) -> Result<Tail, EnvelopeError> {
        if rest.len() > limits::SEGMENT_BYTES || (rest.is_empty() && self.next > 0) {
            return Err(EnvelopeError::WrongBuffer);
        }
        let len = u64::from(self.next) * limits::SEGMENT_BYTES as u64 + rest.len() as u64;
        let body = Body::of_plaintext(if self.fixed.flags.padded { padme(len) } else { len })?;
        let mut buffer = Zeroizing::new(Vec::with_capacity(limits::SEGMENT_BYTES + LAST_OVERHEAD_BYTES));
        buffer.extend_from_slice(rest);
        Ok(Tail { sealer: self, body, len, buffer, given: false })
    }
}

/// The last segment, and those before it that hold nothing but padding.
pub struct Tail {
    sealer: Sealer,
    body: Body,
    len: u64,
    /// At first the rest of the plaintext; afterwards the segment that was given last.
    buffer: Zeroizing<Vec<u8>>,
    given: bool,
}

impl Tail {
    /// The next sealed segment, to be written; `Ok(None)` after the last. Without padding there is exactly one.
    pub fn next_segment(&mut self) -> Result<Option<&[u8]>, EnvelopeError> {
        let index = self.sealer.next;
        let Some(range) = self.body.plaintext_range(index) else { return Ok(None) };
        let last = self.body.is_last(index);
        let text = usize::try_from(range.end - range.start).map_err(|_| Malformed::TooLarge)?;
        if self.given {
            self.buffer.clear();
        }
        self.buffer.resize(text, 0);
        if last {
            // The length goes in front of the text; the buffer has room for it since it was made.
            self.buffer.splice(..0, self.len.to_be_bytes());
        }
        let tag = self.sealer.key.seal(index, last, &mut self.buffer)?;
        self.buffer.extend_from_slice(&tag);
        self.sealer.next += 1;
        if let Some(hasher) = &mut self.sealer.hasher {
            hasher.update(&self.buffer);
        }
        self.given = true;
        Ok(Some(&self.buffer))
    }

    /// After the last segment was given; before, it is `WrongBuffer`.
    pub fn end(self) -> Result<Sealed, EnvelopeError> {
        if self.sealer.next != self.body.segments() {
            return Err(EnvelopeError::WrongBuffer);
        }
        let fixed = self.sealer.fixed;
        let trailer = self.sealer.hasher.map(|hasher| UnsignedTrailer { fixed, body: hasher.finish() });
        Ok(Sealed { len: self.len, trailer })
    }
}

/// A body that is complete.
#[must_use = "an envelope that announces a trailer is not complete without it"]
pub struct Sealed {
    /// Length of the plaintext, without padding.
    pub len: u64,
    /// With [`Options::trailer`]: what is to be signed and written after the body.
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

    #[test]
    fn the_last_counter_is_left_for_the_last_segment() {
        let fixed =
            FixedHeader { object: ObjectId([0; 32]), flags: Flags::default(), context: [0; 32], commitment: [0; 32] };
        let next = (1 << 24) - 2;
        let mut sealer = Sealer { key: SegmentKey::new(&[0; 32]).unwrap(), fixed, next, hasher: None };
        let mut strides = vec![0; 2 * SEALED_SEGMENT_BYTES];
        assert_eq!(sealer.seal_segments(&mut strides), Err(Malformed::TooLarge.into()));
        assert!(strides.iter().all(|byte| *byte == 0), "nothing was sealed");
        sealer.seal_segments(&mut strides[..SEALED_SEGMENT_BYTES]).unwrap();
        assert!(sealer.seal_segments(&mut strides[..SEALED_SEGMENT_BYTES]).is_err());
        assert_eq!(sealer.finish(&[1]).unwrap().body.segments(), 1 << 24);
    }
}
