//! What goes wrong, each with a stable code.

use crate::store::StoreError;
use keyfold_format::{Malformed, ObjectId};

/// Why an index did not do it. What was committed before stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The storage did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object that the index names is not there.
    #[error("the storage does not have {0}, which the index names")]
    Missing(ObjectId),
    /// An object or a record is not what it must be: altered, of another index, or written by a member who does not keep
    /// the rules.
    #[error("the index is damaged: {0}")]
    Damaged(&'static str),
    /// The storage shows something older than was seen before, or something that does not follow from it.
    #[error("the storage shows an older state of the index, or another one")]
    Rollback,
    /// One does not hold the key under which something is sealed.
    #[error("key {0} of the keychain, under which this is sealed, is not here")]
    NoKey(u32),
    /// Whoever wrote the newest record may not write.
    #[error("the newest record is by somebody who may not write it")]
    Denied,
    /// Whoever wrote before knew more of the keychain's ledger: it is to be brought up to date first.
    #[error("the keychain's ledger is further than is known here")]
    Behind,
    /// A key or value is longer than the limit.
    #[error("a {what} has at most {limit} bytes")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A key has a part that compares with nothing.
    #[error("a key has NaN in it, which compares with nothing")]
    NotComparable,
    /// Others write so often that a commit was overtaken too many times.
    #[error("others committed first, too many times")]
    Conflict,
    /// What was read does not follow the format.
    #[error(transparent)]
    Format(#[from] Malformed),
}

impl IndexError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Missing(_) => "ObjectMissing",
            Self::Damaged(_) => "IndexDamaged",
            Self::Rollback => "Rollback",
            Self::NoKey(_) => "NoKey",
            Self::Denied => "NotAllowed",
            Self::Behind => "StaleCitation",
            Self::TooLarge { .. } => "TooLarge",
            Self::NotComparable => "NotComparable",
            Self::Conflict => "Conflict",
            Self::Format(fault) => fault.code(),
        }
    }
}

/// What an index's operations return.
pub type Result<T, E = IndexError> = core::result::Result<T, E>;
