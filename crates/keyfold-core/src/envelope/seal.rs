//! Writing an envelope: head, segments, the last segment, trailer.

use super::{EnvelopeError, Metadata, SealPlan, Sealed, TailPlan, keys::EnvelopeKeys};
use crate::{
    access::WriterKey,
    secret::{DataKey, PayloadKey},
    suite::SegmentKey,
};
use alloc::vec::Vec;
use keyfold_format::{
    ObjectId,
    envelope::{FixedHeader, Flags, Header, LAST_OVERHEAD_BYTES, SEALED_SEGMENT_BYTES, TAG_BYTES, context_hash},
    limits,
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
    plan: SealPlan,
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
        Ok((head, Self { key: keys.segments(&fixed)?, plan: SealPlan::new(fixed) }))
    }

    pub(super) fn again(key: SegmentKey, fixed: FixedHeader) -> Self {
        Self { key, plan: SealPlan::new(fixed) }
    }

    /// For whoever has an AES-256-GCM of his own: the key, and what is to be sealed under it in which order.
    pub fn hand_over(self) -> (PayloadKey, SealPlan) {
        (self.key.into_key(), self.plan)
    }

    /// Seals whole segments in place that are **not** the last: `strides` is any number of pieces of 65,552 bytes,
    /// each 65,536 bytes of plaintext and room for a tag. Afterwards all of it is to be written.
    pub fn seal_segments(&mut self, strides: &mut [u8]) -> Result<(), EnvelopeError> {
        let (pieces, rest) = strides.as_chunks_mut::<SEALED_SEGMENT_BYTES>();
        if !rest.is_empty() {
            return Err(EnvelopeError::WrongBuffer);
        }
        // Checked before anything is sealed: a counter is used once.
        let nonces = self.plan.segments(pieces.len())?;
        for (piece, nonce) in pieces.iter_mut().zip(nonces) {
            if let Some((text, tag)) = piece.split_last_chunk_mut::<TAG_BYTES>() {
                *tag = self.key.seal(nonce, text)?;
            }
            self.plan.hash(piece);
        }
        Ok(())
    }

    /// Takes the rest of the plaintext: up to 65,536 bytes, and none only if no segment precedes it. So whoever
    /// reads a stream keeps a segment until he knows that more follows.
    pub fn finish(self, rest: &[u8]) -> Result<Tail, EnvelopeError> {
        let plan = self.plan.finish(rest.len())?;
        let mut buffer = Zeroizing::new(Vec::with_capacity(limits::SEGMENT_BYTES + LAST_OVERHEAD_BYTES));
        buffer.extend_from_slice(rest);
        Ok(Tail { key: self.key, plan, buffer })
    }
}

/// The last segment, and those before it that hold nothing but padding.
pub struct Tail {
    key: SegmentKey,
    plan: TailPlan,
    /// At first the rest of the plaintext; afterwards the segment that was given last.
    buffer: Zeroizing<Vec<u8>>,
}

impl Tail {
    /// The next sealed segment, to be written; `Ok(None)` after the last. Without padding there is exactly one.
    pub fn next_segment(&mut self) -> Result<Option<&[u8]>, EnvelopeError> {
        let Some(segment) = self.plan.next_segment()? else { return Ok(None) };
        self.buffer.truncate(segment.rest);
        self.buffer.resize(segment.rest + segment.zeros, 0);
        if let Some(length) = segment.true_length {
            // The length goes in front of the text; the buffer has room for it since it was made.
            self.buffer.splice(..0, length);
        }
        let tag = self.key.seal(segment.nonce, &mut self.buffer)?;
        self.buffer.extend_from_slice(&tag);
        self.plan.hash(&self.buffer);
        Ok(Some(&self.buffer))
    }

    /// After the last segment was given; before, it is `WrongBuffer`.
    pub fn end(self) -> Result<Sealed, EnvelopeError> {
        self.plan.end()
    }
}
