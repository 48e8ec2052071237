//! The suite KF1: the only place that calls crypto crates for secret work. Every function is titled with the formula
//! of the spec that it computes, and nothing here knows what is sealed or why.
//!
//! Spec: `docs/spec/conventions.md`, `docs/spec/wraps.md` ("HPKE").

mod aead;
mod derive;
mod digest;
mod hedge;
mod hpke;
#[cfg(feature = "recovery-password")]
mod opaque;
#[cfg(feature = "password")]
mod password;
mod segment;
#[cfg(feature = "recovery-shares")]
mod shamir;
mod sign;
mod stretch;

#[cfg(feature = "recovery-password")]
pub(crate) use self::opaque::{Login, OpaqueFault, Registration};
#[cfg(feature = "password")]
pub(crate) use self::password::argon2id;
#[cfg(feature = "recovery-shares")]
pub(crate) use self::shamir::{combine_parts, split_parts};
pub use self::{aead::StateKey, hpke::WrappingSecret, segment::SegmentNonce, sign::SigningKey};
pub(crate) use self::{
    aead::{open_once, open_single, seal_once, seal_single},
    derive::{derive, derive_to_stay, mac, verify_mac},
    digest::sha256,
    hedge::HedgedRng,
    hpke::{open_from, seal_to},
    segment::SegmentKey,
    stretch::stretch,
};

/// Something did not open or verify. It has no detail: there is nothing that a stranger may learn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be opened with this key, or was altered")]
pub(crate) struct Unauthentic;

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}
