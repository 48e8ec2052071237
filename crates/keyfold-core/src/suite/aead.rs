//! AES-256-GCM under keys that are used once.

use super::{HedgedRng, Unauthentic, derive};
use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{AeadInOut, Buffer},
};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use keyfold_format::{Malformed, label::DeriveLabel};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

const SALT_BYTES: usize = 24;

/// `AES-256-GCM(key, nonce = 12 zero bytes, plaintext, associated data = empty)`, in place, with room for the tag
/// made at the end. The key must never have sealed anything.
pub(crate) fn seal_single(key: &[u8; 32], buffer: &mut dyn Buffer) -> Result<(), Malformed> {
    // The one way in which AES-GCM refuses to seal is by length.
    Aes256Gcm::new(key.into()).encrypt_in_place(&Nonce::default(), &[], buffer).map_err(|_| Malformed::TooLarge)
}

/// The reverse of [`seal_single`].
pub(crate) fn open_single(key: &[u8; 32], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    let mut buffer = Zeroizing::new(sealed.to_vec());
    Aes256Gcm::new(key.into()).decrypt_in_place(&Nonce::default(), &[], &mut *buffer).map_err(|_| Unauthentic)?;
    Ok(buffer)
}

/// `SealOnce(key, label, place, plaintext)`: salt (24 random bytes) `‖ AES-256-GCM(Derive(key, salt, label, place,
/// 32), 0, plaintext)`. 40 bytes longer than the plaintext.
pub(crate) fn seal_once(
    key: &[u8; 32],
    label: DeriveLabel,
    place: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Malformed> {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    // Room for the tag from the start: growing would leave a copy of the plaintext in the freed buffer.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + 16));
    buffer.extend_from_slice(plaintext);
    seal_single(&derive(key, &salt, label, place), &mut *buffer)?;
    let mut sealed = Vec::with_capacity(SALT_BYTES + buffer.len());
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(&buffer);
    Ok(sealed)
}

/// The reverse of [`seal_once`].
pub(crate) fn open_once(
    key: &[u8; 32],
    label: DeriveLabel,
    place: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    let (salt, sealed) = sealed.split_at_checked(SALT_BYTES).ok_or(Unauthentic)?;
    open_single(&derive(key, salt, label, place), sealed)
}

/// A long-lived key for what one person stores for himself: a device's files, an account's private state.
pub struct StateKey {
    key: Box<[u8; 32]>,
    label: DeriveLabel,
}

impl StateKey {
    pub(crate) fn new(key: Zeroizing<[u8; 32]>, label: DeriveLabel) -> Self {
        Self { key: Box::new(*key), label }
    }

    /// `SealOnce(key, label, place, plaintext)`, 40 bytes longer. What was sealed for one `place` opens at no other.
    /// Where randomness repeats itself, the same salt comes out for the same `place` and plaintext only.
    pub fn seal(&self, place: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, Malformed> {
        let mut rng = HedgedRng::new(&self.key, &[place, plaintext], rng);
        seal_once(&self.key, self.label, place, plaintext, &mut rng)
    }

    /// The reverse of [`Self::seal`]; `None` if it was altered, or sealed for another place or key.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_once(&self.key, self.label, place, sealed).ok()
    }
}

impl Drop for StateKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(…)")
    }
}
