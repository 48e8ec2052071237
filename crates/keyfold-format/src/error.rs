//! What is wrong with bytes before anybody asks what they mean.

/// Bytes that do not follow their format. Rejections by a ledger's rules are [`crate::Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Not base64url, not CBOR, not the fields that the format has.
    #[error("the bytes do not follow the format")]
    Encoding,
    /// Well-formed, but not the one canonical encoding.
    #[error("the bytes are not in canonical form")]
    NotCanonical,
    /// A version, suite, op, kind or flag that this release does not know.
    #[error("made by a newer or unknown version of the format")]
    Unsupported,
    /// Longer than the limit.
    #[error("larger than the limit allows")]
    TooLarge,
    /// More items than the limit.
    #[error("more items than the limit allows")]
    TooMany,
    /// The input ends early.
    #[error("the input ends too early")]
    Truncated,
    /// A name that is empty, not in normal form, or has control characters.
    #[error("names are 1 or more characters in Unicode normal form C, without control characters")]
    BadText,
}

impl Malformed {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Encoding => "Malformed",
            Self::NotCanonical => "NotCanonical",
            Self::Unsupported => "Unsupported",
            Self::TooLarge => "TooLarge",
            Self::TooMany => "TooMany",
            Self::Truncated => "Truncated",
            Self::BadText => "BadText",
        }
    }
}
