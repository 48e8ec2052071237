//! Envelopes: one data key, any number of readers, a body in segments that whoever drives moves. Nothing here reads
//! or writes: it takes buffers and gives them back sealed or opened, in place.
//!
//! Writing: [`Sealer::begin`] gives the head; [`Sealer::seal_segments`] seals; [`Sealer::finish`] gives the
//! [`Tail`]. Reading from the front: [`Unopened::parse`], [`Unopened::open`], [`Opener::open_segments`],
//! [`Opener::finish`]. Reading ranges: [`OpenedHead::ranges`], [`UnprovenRanges::prove`], [`Ranges::open`]. Each
//! step yields the type that the next one takes; none can be left out.
//!
//! Spec: `docs/spec/envelope.md`.

mod head;
mod keys;
mod metadata;
mod open;
mod range;
mod seal;
mod whole;
mod zeros;

pub use head::{OpenedHead, Unopened};
pub use metadata::Metadata;
pub use open::{LastSegment, Opened, Opener, UnverifiedTrailer};
pub use range::{Ranges, UnprovenRanges};
pub use seal::{Options, Sealed, Sealer, Tail, UnsignedTrailer};
pub use whole::{OpenedEnvelope, open_slice, seal_to_vec};
pub use zeros::HeldZeros;

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
