//! Public keys and signatures, and the one way to verify.
//!
//! Spec: `docs/spec/conventions.md`, "Signatures" and "Public keys".

use crate::{
    cbor,
    id::{HolderId, KeyFingerprint, base64url, hash},
    label::{HashLabel, SignatureLabel},
};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// Length of a wrapping key: ML-KEM-768 encapsulation key (1,184) and X25519 key (32).
pub const WRAPPING_KEY_BYTES: usize = 1_216;

/// An Ed25519 public key (RFC 8032), 32 bytes. Whether it is a point is found out by verifying.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey(pub [u8; 32]);

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

/// An X-Wing public key, 1,216 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappingKey(Box<[u8; WRAPPING_KEY_BYTES]>);

/// A signature that does not verify. It has no details: there is nothing useful to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// The bytes that are signed: `label ‖ 00 ‖ parts`.
pub fn signed_message(label: SignatureLabel, parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::with_capacity(32 + parts.iter().map(|p| p.len()).sum::<usize>());
    message.extend_from_slice(label.as_str().as_bytes());
    message.push(0);
    for part in parts {
        message.extend_from_slice(part);
    }
    message
}

impl VerifyingKey {
    /// Verifies `signature` over `label ‖ 00 ‖ parts`.
    pub fn verify(&self, label: SignatureLabel, parts: &[&[u8]], signature: &Signature) -> Result<(), BadSignature> {
        self.verify_message(&signed_message(label, parts), signature)
    }

    /// Verifies over a message that brings its own separation from all labels: the signature base of a request
    /// (RFC 9421), a COSE structure. Everything else goes through [`Self::verify`].
    pub fn verify_message(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).map_err(|_| BadSignature)
    }
}

impl WrappingKey {
    /// From 1,216 bytes; another length is `None`.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(Box::new(bytes.try_into().ok()?)))
    }

    /// The 1,216 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// `H("KF1 wrapping key", key)`: how a slot names it.
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint(hash(HashLabel::WrappingKey, &[self.as_bytes()]))
    }
}

/// A device's id, from the keys it was added with.
pub fn device_id(signing: &VerifyingKey, wrapping: &WrappingKey) -> HolderId {
    HolderId(hash(HashLabel::DeviceId, &[&signing.0, wrapping.as_bytes()]))
}

/// A recovery method's id, from its keys.
pub fn recovery_id(signing: &VerifyingKey, wrapping: &WrappingKey) -> HolderId {
    HolderId(hash(HashLabel::RecoveryId, &[&signing.0, wrapping.as_bytes()]))
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", base64url(&self.0))
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", base64url(&self.0))
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingKey({})", self.fingerprint())
    }
}

macro_rules! fixed_bytes {
    ($($name:ident($n:literal)),+) => {$(
        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self, e: &mut Encoder<W>, _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }
        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                cbor::bytes_of::<$n>(d).map(Self)
            }
        }
    )+};
}
fixed_bytes!(VerifyingKey(32), Signature(64));

impl<C> Encode<C> for WrappingKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(self.as_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for WrappingKey {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_slice(d.bytes()?).ok_or_else(|| minicbor::decode::Error::message("length of wrapping key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a key and R of small order and s = 0 the equation holds for every message, where verification is lax.
    #[test]
    fn a_small_order_key_verifies_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        let signature = Signature(signature);
        assert_eq!(VerifyingKey(identity).verify(SignatureLabel::Entry, &[b"anything"], &signature), Err(BadSignature));
        assert_eq!(VerifyingKey(identity).verify_message(b"anything", &signature), Err(BadSignature));
    }
}
