//! Reading an envelope's body from its front. Nothing of a segment is given back before it authenticated, and the
//! end is an error unless the last one did.

use super::{Ending, EnvelopeError, OpenPlan, Opened, open_plan::trailing_zeros};
use crate::{secret::PayloadKey, suite::SegmentKey};
use alloc::vec::Vec;
use core::ops::Range;
use keyfold_format::envelope::{FixedHeader, SEALED_SEGMENT_BYTES};
use zeroize::Zeroizing;

/// Opens a body. A driver reads into a buffer, asks [`Self::ready`] how much of it are segments that are not the
/// last, opens those, moves the remainder to the front, and at the end of its input calls [`Self::finish`].
pub struct Opener {
    key: SegmentKey,
    plan: OpenPlan,
}

impl Opener {
    pub(super) fn new(key: SegmentKey, fixed: FixedHeader) -> Self {
        Self { key, plan: OpenPlan::new(fixed) }
    }

    /// For whoever has an AES-256-GCM of his own: the key, and what is to be opened with it in which order.
    pub fn hand_over(self) -> (PayloadKey, OpenPlan) {
        (self.key.into_key(), self.plan)
    }

    /// How many of `buffered` bytes, from the front, are segments that cannot be the last: a multiple of 65,552. The
    /// remainder is at most 65,704 bytes long.
    pub fn ready(&self, buffered: usize) -> usize {
        self.plan.ready(buffered)
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
        let nonces = self.plan.segments(pieces.len())?;
        let is_padded = self.plan.flags().padded;
        for (piece, nonce) in pieces.iter_mut().zip(nonces) {
            self.plan.hash(piece);
            let text = self.key.open(nonce, piece)?;
            if is_padded {
                self.plan.passed(text.len() as u64, trailing_zeros(text));
            }
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
        let Self { key, plan } = self;
        let mut plan = plan.last(left.len())?;
        plan.hash(left.get(..plan.ending().sealed_bytes()).unwrap_or_default());
        let (opened, trailer) = open_last(&key, plan.ending(), left)?;
        plan.finish(opened, trailer)
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

/// Opens the last segment at the front of what is left: its content, true length in front, and what follows it. The
/// caller wipes `left` on failure.
pub(super) fn open_last<'l>(
    key: &SegmentKey,
    ending: &Ending,
    left: &'l mut [u8],
) -> Result<(&'l [u8], &'l [u8]), EnvelopeError> {
    // A failed attempt leaves nothing to try again.
    let copy = left.get(..SEALED_SEGMENT_BYTES).map(|segment| Zeroizing::new(segment.to_vec()));
    let (sealed, rest) = left.split_at_mut_checked(ending.sealed_bytes()).ok_or(EnvelopeError::WrongBuffer)?;
    match key.open(ending.nonce(), sealed) {
        Ok(opened) => Ok((opened, rest)),
        Err(_) => Err(Ending::verdict(opens_as_another(key, ending, copy))),
    }
}

fn opens_as_another(key: &SegmentKey, ending: &Ending, copy: Option<Zeroizing<Vec<u8>>>) -> bool {
    let (Some(nonce), Some(mut segment)) = (ending.cut_nonce(), copy) else { return false };
    key.open(nonce, &mut segment).is_ok()
}
