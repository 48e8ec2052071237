//! Ed25519 (RFC 8032). Verifying needs no secret and lies in keyfold-format.

use alloc::boxed::Box;
use core::fmt;
use ed25519_dalek::Signer;
use keyfold_format::{Signature, VerifyingKey, key::signed_message, label::SignatureLabel};

/// A signing key; wiped when dropped. In one place all its life: what is moved leaves a copy behind that nobody wipes.
pub struct SigningKey(Box<ed25519_dalek::SigningKey>);

impl SigningKey {
    /// From a 32-byte seed, which the caller wipes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// `Sign(sk, label, parts)`: Ed25519 over `label ‖ 00 ‖ parts`.
    pub fn sign(&self, label: SignatureLabel, parts: &[&[u8]]) -> Signature {
        Signature(self.0.sign(&signed_message(label, parts)).to_bytes())
    }

    /// Signs a message that brings its own separation from all labels: the signature base of a request (RFC 9421),
    /// which starts with `"`, or a COSE structure, which starts with a CBOR array. Everything else goes through
    /// [`Self::sign`].
    pub fn sign_message(&self, message: &[u8]) -> Signature {
        debug_assert!(!message.starts_with(b"KF1 "), "a labelled message is signed with its label");
        Signature(self.0.sign(message).to_bytes())
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(…, {})", self.verifying_key())
    }
}
