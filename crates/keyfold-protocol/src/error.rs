//! The body of every response that is not a success.
//!
//! Spec: `docs/spec/http.md`, "Errors".

use crate::{
    Code, limits,
    record::{Field, record},
};
use keyfold_format::{cbor, entry::SignedEntry, receipt::Receipt};
use minicbor::{
    Decoder, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

record! {
    /// An error, for programs (`code`) and for people (`message`, `hint`).
    ErrorBody {
        /// The stable code.
        code: Code,
        /// What happened, in one sentence.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// Whether the same may succeed later.
        retryable: bool,
        /// What a program needs to go on.
        details: Option<Details>,
    }

    /// The entries that stand where an append wanted to be.
    Standing {
        /// Those after the head that was expected, oldest first.
        entries: Vec<SignedEntry>,
        /// The newest head.
        receipt: Receipt,
    }
}

/// What a program needs to go on after an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// With `Conflict`.
    Standing(Standing),
    /// With `RateLimited` and `ServerUnavailable`: seconds to wait.
    RetryAfter(u32),
    /// With `ClockSkew`: the server's time in milliseconds since 1970.
    Time(u64),
    /// With `TooLarge` and `TooMany`: the limit.
    Limit(u64),
    /// With `ClientTooOld`: the oldest version that is served.
    OldestClient(String),
}

impl ErrorBody {
    /// An error without details.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        while message.len() > limits::MESSAGE_BYTES {
            message.pop();
        }
        Self { code, message, hint: None, retryable: code.retryable(), details: None }
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With details.
    #[must_use]
    pub fn details(mut self, details: Details) -> Self {
        self.details = Some(details);
        self
    }
}

impl Field for Code {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.str(self.as_str())?.ok()
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        d.str().map(Self::parse)
    }
}

impl Field for Details {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        e.array(2)?;
        match self {
            Self::Standing(standing) => standing.put(e.u8(1)?),
            Self::RetryAfter(seconds) => seconds.put(e.u8(2)?),
            Self::Time(ms) => ms.put(e.u8(3)?),
            Self::Limit(limit) => limit.put(e.u8(4)?),
            Self::OldestClient(version) => version.put(e.u8(5)?),
        }
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::array(d, 2)?;
        match d.u8()? {
            1 => Field::take(d).map(Self::Standing),
            2 => Field::take(d).map(Self::RetryAfter),
            3 => Field::take(d).map(Self::Time),
            4 => Field::take(d).map(Self::Limit),
            5 => Field::take(d).map(Self::OldestClient),
            _ => Err(cbor::unsupported()),
        }
    }
}
