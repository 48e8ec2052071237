//! The public bytes of an envelope: what stands before, around and after the sealed segments. Opening them takes
//! secrets, and so lies in keyfold-core; a store or a server may read all that is here.
//!
//! Spec: `docs/spec/envelope.md`.

mod body;
mod header;
mod trailer;

pub use body::{Body, LAST_OVERHEAD_BYTES, SEALED_SEGMENT_BYTES, TAG_BYTES, TRUE_LENGTH_BYTES};
pub use header::{
    FixedHeader, Flags, Head, Header, MAC_BYTES, PREFIX_BYTES, PUBLIC_SLOT_BYTES, Prefix, SYMMETRIC_SLOT_BYTES, Slot,
    SlotKind, SlotPlace, context_hash,
};
pub use trailer::{AuthorHead, BodyHash, BodyHasher, TRAILER_BYTES, Trailer};

use crate::error::Malformed;

/// Why bytes are not the public part of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadEnvelope {
    /// They do not start with the magic.
    #[error("this is not an envelope")]
    NotAnEnvelope,
    /// They start with it and do not follow the format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl BadEnvelope {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnEnvelope => "NotAnEnvelope",
            Self::Malformed(fault) => fault.code(),
        }
    }
}
