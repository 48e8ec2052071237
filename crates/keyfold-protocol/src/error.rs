//! The body of every response that is not a success.
//!
//! Spec: `docs/spec/http.md`, "Errors".

use crate::{
    Code, limits,
    record::{Field, record},
};
use keyfold_format::{Malformed, cbor, entry::SignedEntry, receipt::Receipt};
use minicbor::{
    Decoder, Encoder,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

record! {
    /// The entries that stand where an append wanted to be.
    Standing {
        /// Those after the head that was expected, oldest first.
        entries: Vec<SignedEntry>,
        /// The newest head.
        receipt: Receipt,
    }
}

/// An error, for programs (`code`) and for people (`message`, `hint`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorBody {
    /// The stable code; [`Code::Unknown`] for one of a newer release.
    pub code: Code,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether the same may succeed later.
    pub retryable: bool,
    /// What a program needs to go on.
    pub details: Option<Details>,
}

/// What a program needs to go on after an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// With `Conflict`.
    Standing(Standing),
    /// With `RateLimited`, `ServerUnavailable` and `GateUnavailable`: seconds to wait.
    RetryAfter(u32),
    /// With `ClockSkew`: the server's time in milliseconds since 1970.
    Time(u64),
    /// With `TooLarge` and `TooMany`: the limit.
    Limit(u64),
    /// With `ClientTooOld`: the oldest version that is served.
    OldestClient(String),
}

impl ErrorBody {
    /// From its encoding. Not compared with the canonical one: an error of a newer release must be readable, and the
    /// response around it is signed as it is.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut d = Decoder::new(bytes);
        let body = Self::take(&mut d).map_err(cbor::classify)?;
        if d.position() == bytes.len() { Ok(body) } else { Err(Malformed::Encoding) }
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        match self.put(&mut e) {
            Ok(()) => e.into_writer(),
            // Writing to a vector cannot fail.
            Err(_) => Vec::new(),
        }
    }

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

impl Field for ErrorBody {
    fn put<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), EncodeError<W::Error>> {
        self.code.put(e.array(5)?)?;
        self.message.put(e)?;
        self.hint.put(e)?;
        self.retryable.put(e)?;
        self.details.put(e)
    }

    fn take(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        cbor::array(d, 5)?;
        Ok(Self {
            code: Field::take(d)?,
            message: Field::take(d)?,
            hint: Field::take(d)?,
            retryable: Field::take(d)?,
            details: Field::take(d)?,
        })
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
