//! Envelopes: one data key, any number of readers, a body in segments that whoever drives moves. Nothing here reads
//! or writes: it takes buffers and gives them back sealed or opened, in place.
//!
//! Writing: [`Sealer::begin`] gives the head; [`Sealer::seal_segments`] seals; [`Sealer::finish`] gives the
//! [`Tail`]. Reading from the front: [`Unopened::parse`], [`Unopened::open`], [`Opener::open_segments`],
//! [`Opener::finish`]. Reading ranges: [`OpenedHead::ranges`], [`UnprovenRanges::prove`], [`Ranges::open`]. Each
//! step yields the type that the next one takes; none can be left out.
//!
//! Whoever has an AES-256-GCM of his own, as browsers do, lets each of these hand over the payload key and a plan:
//! [`SealPlan`], [`OpenPlan`], [`UnprovenRangePlan`]. A plan has all the checks and gives each nonce once.
//!
//! Spec: `docs/spec/envelope.md`.

mod head;
mod keys;
mod metadata;
mod open;
mod open_plan;
mod range;
mod seal;
mod seal_plan;
mod whole;
mod zeros;

pub use head::{OpenedHead, Unopened};
pub use metadata::Metadata;
pub use open::{LastSegment, Opener};
pub use open_plan::{Ending, LastPlan, OpenPlan, Opened, UnverifiedTrailer};
pub use range::{RangePlan, Ranges, UnprovenRangePlan, UnprovenRanges};
pub use seal::{Options, Sealer, Tail};
pub use seal_plan::{SealPlan, Sealed, TailPlan, TailSegment, UnsignedTrailer};
pub use whole::{OpenedEnvelope, open_slice, seal_to_vec};
pub use zeros::HeldZeros;

pub use crate::suite::SegmentNonce;

use crate::suite::Unauthentic;
use keyfold_format::{Malformed, envelope::BadEnvelope};

/// Why an envelope was not made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Something does not check: the key, the commitment, the context, the header, a segment. There is no detail.
    #[error("it cannot be opened with this key, or was altered")]
    Unauthentic,
    /// None of the slots is for a key of this reader.
    #[error("it is not sealed to any of these keys")]
    NoSlot,
    /// Its public bytes do not follow the format, or it ends early.
    #[error(transparent)]
    Format(#[from] BadEnvelope),
    /// The caller gave a buffer that is not as long as the function demands. Nothing was sealed or opened.
    #[error("the buffer does not hold what this step takes")]
    WrongBuffer,
}

impl EnvelopeError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthentic => "Unauthentic",
            Self::NoSlot => "NoSlot",
            Self::Format(fault) => fault.code(),
            Self::WrongBuffer => "Internal",
        }
    }
}

impl From<Malformed> for EnvelopeError {
    fn from(fault: Malformed) -> Self {
        Self::Format(fault.into())
    }
}

impl From<Unauthentic> for EnvelopeError {
    fn from(_: Unauthentic) -> Self {
        Self::Unauthentic
    }
}

const TRUNCATED: EnvelopeError = EnvelopeError::Format(BadEnvelope::Malformed(Malformed::Truncated));
