//! The one error of the client: a stable code for programs, a sentence and advice for people. Which code means what
//! is written once, in keyfold-protocol.

use crate::host::{StoreFault, Unreachable};
use keyfold_format::{BadSignature, Malformed, Rejected};
use keyfold_protocol::{Class, Code, ErrorBody, signing::BadServerSignature};
use std::fmt;

/// What every call may answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Something did not work. Nothing was half-done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    /// An error without advice.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.code.retryable()
    }

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        self.code.class()
    }

    /// Whether the server was not reached, so that what is known must do.
    pub fn is_offline(&self) -> bool {
        matches!(self.code, Code::ServerUnavailable | Code::Timeout)
    }

    /// A server, or a thief of the home, is caught: nothing more is believed or written.
    pub(crate) fn rollback(message: impl Into<String>) -> Self {
        Self::new(Code::Rollback, message)
            .hint("The server shows an older or another state than this device has seen. Do not continue with it before its operator explained why.")
    }

    /// A person's ledger is not an extension of the pinned one.
    pub(crate) fn identity_changed(user_id: impl fmt::Display) -> Self {
        Self::new(Code::IdentityChanged, format!("the server shows another identity of {user_id} than before"))
            .hint("Ask the person by another way what happened. Nothing was sent, and nothing will be until the server shows the known identity again, or you accept the new one by the safety words that person tells you: `keyfold user USER --accept-new WORDS`.")
    }

    /// A bug of ours, or a disk that changed under us.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Error {}

impl From<Malformed> for Error {
    fn from(fault: Malformed) -> Self {
        Self::new(fault.into(), fault.to_string())
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::new(rejected.into(), rejected.to_string())
    }
}

impl From<BadServerSignature> for Error {
    fn from(fault: BadServerSignature) -> Self {
        Self::new(fault.code(), fault.to_string())
            .hint("Somebody answers in the server's place, or a proxy changes its answers.")
    }
}

impl From<BadSignature> for Error {
    /// A receipt that does not verify: where the own replay meets a bad signature, `Rejected` says so.
    fn from(_: BadSignature) -> Self {
        BadServerSignature.into()
    }
}

impl From<Unreachable> for Error {
    fn from(fault: Unreachable) -> Self {
        Self::new(Code::ServerUnavailable, format!("the server was not reached: {}", fault.why))
            .hint("Check the connection and the server's address, then try again.")
    }
}

impl From<StoreFault> for Error {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Full => Self::new(Code::StorageFull, "the disk is full; nothing was stored")
                .hint("Make room where the home lies, then try again."),
            StoreFault::Broken(what) => Self::new(Code::Internal, format!("the home cannot be used: {what}")),
        }
    }
}

impl From<ErrorBody> for Error {
    fn from(body: ErrorBody) -> Self {
        Self { code: body.code, message: body.message, hint: body.hint }
    }
}

macro_rules! from_core {
    ($($fault:ty),+ $(,)?) => {$(
        impl From<$fault> for Error {
            fn from(fault: $fault) -> Self {
                Self::new(Code::parse(fault.code()), fault.to_string())
            }
        }
    )+};
}

from_core!(
    keyfold_core::account::AccountError,
    keyfold_core::envelope::EnvelopeError,
    keyfold_core::keychain::KeychainError,
    keyfold_core::recovery::PaperError,
    keyfold_core::value::ValueError,
);

impl From<keyfold_index::IndexError> for Error {
    fn from(fault: keyfold_index::IndexError) -> Self {
        let error = Self::new(Code::parse(fault.code()), fault.to_string());
        match fault {
            keyfold_index::IndexError::NoKey(_) => error.hint(
                "Ask a member who holds it to share the keychain with all its keys (`keyfold share KC WHO --keys all`).",
            ),
            _ => error,
        }
    }
}

#[cfg(feature = "native")]
from_core!(keyfold_core::recovery::PasswordError, keyfold_core::recovery::ShareError);
