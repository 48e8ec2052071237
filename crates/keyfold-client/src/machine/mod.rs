//! What a client believes, and why: verified ledgers that only grow, keys that match their fingerprints, entries
//! composed from them. Everything here is synchronous and pure; it can be tested without a server, a clock or a disk.
//!
//! Bytes go in by `extend` and `open`, requests come out of `compose`; moving them is `session`'s work.

pub(crate) mod account;
pub(crate) mod belief;
pub(crate) mod compose;
pub(crate) mod event;
pub(crate) mod keyring;
pub(crate) mod own;
pub(crate) mod record;
pub(crate) mod replayed;
pub(crate) mod scope;
pub(crate) mod server;
pub(crate) mod ways;

pub(crate) use account::KnownAccount;
pub(crate) use belief::Belief;
pub(crate) use keyring::Keyring;
pub(crate) use own::{Enrolled, Joining, Own, PendingSignUp, Renewing};
pub(crate) use scope::{KnownScope, StoredScope};
pub(crate) use server::ServerPin;

#[cfg(test)]
mod tests;
