//! The records of a home: their names, and the counters that every commit moves.
//!
//! Names hold ids only. What a record holds is sealed by the host.

use crate::model::ClientEvent;
use keyfold_format::{ScopeId, UserId};
use minicbor::{Decode, Encode};

/// Server, user id and account, from sign-up on.
pub(crate) const ENROLLED: &str = "enrolled";
/// A sign-up that was not acknowledged.
pub(crate) const SIGN_UP: &str = "sign-up";
/// A keychain's creation that was not acknowledged.
pub(crate) const CREATION: &str = "creation";
/// The master-key envelope; there while logged in.
pub(crate) const MASTER: &str = "master";
/// Which account each user id was first seen with.
pub(crate) const PINS: &str = "pins";
/// The user ids whose identity the server showed changed, by pinned account.
pub(crate) const DISPUTES: &str = "dispute/";
/// [`Marks`].
pub(crate) const MARKS: &str = "marks";
/// Every account, by id.
pub(crate) const ACCOUNTS: &str = "account/";
/// Every keychain's ledger, by id.
pub(crate) const SCOPES: &str = "scope/";
/// Every keychain's opened keys, by id.
pub(crate) const RINGS: &str = "ring/";
/// Events, by number.
pub(crate) const JOURNAL: &str = "journal/";

/// How many events are kept for whoever watches later.
pub(crate) const JOURNAL_LENGTH: u64 = 1_000;

pub(crate) fn account(id: &ScopeId) -> String {
    format!("{ACCOUNTS}{id}")
}

pub(crate) fn dispute(id: &ScopeId) -> String {
    format!("{DISPUTES}{id}")
}

pub(crate) fn scope(id: &ScopeId) -> String {
    format!("{SCOPES}{id}")
}

pub(crate) fn ring(id: &ScopeId) -> String {
    format!("{RINGS}{id}")
}

/// Numbers have one width, so that their order is that of the names.
pub(crate) fn journal(number: u64) -> String {
    format!("{JOURNAL}{number:016x}")
}

/// Counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Marks {
    /// Moves with every commit: whoever kept another in memory reads the records again.
    #[n(0)]
    pub(crate) version: u64,
    /// Number of the next event in the journal.
    #[n(1)]
    pub(crate) next_event: u64,
    /// The first event that nobody was told.
    #[n(2)]
    pub(crate) untold: u64,
}

/// The record [`PINS`].
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Pins {
    #[n(0)]
    pub(crate) pins: Vec<(UserId, ScopeId)>,
}

/// A record of the journal.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Noted {
    #[n(0)]
    pub(crate) event: ClientEvent,
}
