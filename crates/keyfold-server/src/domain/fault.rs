//! Refusals and failures, as clients will read them. What went wrong inside goes to the log, never to a client.

use crate::{
    clock,
    store::{StoreError, WRAPS_BESIDE},
};
use keyfold_format::{Malformed, Rejected};
use keyfold_protocol::{Code, Details, ErrorBody, limits, signing::RequestFault};

/// An error on its way to a client. Boxed: it is the rare case.
#[derive(Clone, Debug)]
pub(crate) struct Fault(pub(crate) Box<ErrorBody>);

/// A refusal with its sentence.
pub(crate) fn fault(code: Code, message: impl Into<String>) -> Fault {
    Fault(Box::new(ErrorBody::new(code, message)))
}

impl Fault {
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self(Box::new(self.0.hint(hint)))
    }

    pub(crate) fn details(self, details: Details) -> Self {
        Self(Box::new(self.0.details(details)))
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }
}

pub(crate) fn rate_limited(seconds: u32) -> Fault {
    fault(Code::RateLimited, "more requests than this server answers")
        .hint(format!("try again in {seconds} s"))
        .details(Details::RetryAfter(seconds))
}

pub(crate) fn clock_skew(message: &str) -> Fault {
    fault(Code::ClockSkew, message)
        .hint("set the clock, or go by the server's time that this answer carries")
        .details(Details::Time(clock::now_ms()))
}

pub(crate) fn logged_out() -> Fault {
    fault(Code::LoggedOut, "this device is logged out").hint("log in again; nothing is lost")
}

/// A request's own time, in seconds since 1970, is too far from the server's.
pub(crate) fn request_clock_skew(created: u64) -> Fault {
    let now = clock::now_ms() / 1_000;
    let (apart, side) = (now.abs_diff(created), if created > now { "ahead of" } else { "behind" });
    let (hours, minutes, seconds) = (apart / 3_600, apart / 60 % 60, apart % 60);
    clock_skew("the request was signed at another time than the server's now").hint(format!(
        "your clock is {hours} h {minutes} min {seconds} s {side} the server's: set it, or go by the server's time that \
         this answer carries"
    ))
}

/// Nobody has the user id that was signed in with.
pub(crate) fn unknown_user() -> Fault {
    fault(Code::UnknownUser, "there is no account with your user id").hint("sign up")
}

/// One answer for what is not there and for what is not the caller's.
pub(crate) fn unknown_keychain() -> Fault {
    fault(Code::UnknownKeychain, "there is no such keychain, or you are not in it")
}

pub(crate) fn stale_citation(what: &str) -> Fault {
    fault(Code::StaleCitation, format!("{what} that is cited has changed since"))
        .hint("fetch its ledger and sign again")
}

pub(crate) fn too_large(limit: usize) -> Fault {
    fault(Code::TooLarge, "larger than the limit allows").details(Details::Limit(limit as u64))
}

/// Bytes of a request that do not follow the format.
impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        fault(malformed.into(), malformed.to_string())
    }
}

/// A ledger's verdict.
impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        fault(rejected.into(), rejected.to_string())
    }
}

impl From<RequestFault> for Fault {
    fn from(request: RequestFault) -> Self {
        match request {
            RequestFault::ClockSkew => clock_skew("the request was signed at another time than the server's now"),
            other => fault(other.code(), other.to_string()),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Replayed => fault(Code::Replayed, "this very request was taken before"),
            StoreError::UserTaken => fault(Code::UserTaken, "another account has this user id")
                .hint("choose another user id, or log in on the device that has it"),
            StoreError::LoggedOut => logged_out(),
            StoreError::DeviceTaken => fault(Code::NotAllowed, "the device belongs to another account"),
            StoreError::StaleCitation => stale_citation("a ledger"),
            StoreError::HeadMoved => fault(Code::Conflict, "the ledger moved on"),
            StoreError::TooManyEnrolments => fault(Code::TooMany, "as many devices ask to be let in as may")
                .hint("Answer those, or wait until their time is over."),
            StoreError::TooManyWraps => fault(Code::TooMany, "as many wraps are kept for a recipient as there can be")
                .details(Details::Limit(WRAPS_BESIDE as u64)),
            StoreError::Full => fault(Code::StorageFull, "the server's disk is full; nothing was stored"),
            StoreError::Busy => fault(Code::ServerUnavailable, "the server is busy").details(Details::RetryAfter(1)),
            StoreError::Broken(reason) => {
                tracing::error!(%reason, "the store failed");
                fault(Code::Internal, "the server failed; its log says why")
            }
        }
    }
}

/// Refuses entries from the future, so that a wrong clock is noticed by who has it.
pub(crate) fn check_entry_time(time: u64) -> Result<(), Fault> {
    if time > clock::now_ms().saturating_add(limits::ENTRY_AHEAD_MS) {
        return Err(clock_skew("the entry's time is ahead of the server's clock"));
    }
    Ok(())
}
