//! AES-256-GCM under keys that are used once.

use super::{
    HedgedRng, Unauthentic, derive, derive_to_stay,
    segment::{open_alone, seal_alone},
};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use keyfold_format::{Malformed, envelope::TAG_BYTES, label::DeriveLabel};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

const SALT_BYTES: usize = 24;

/// `AES-256-GCM(key, nonce = 12 zero bytes, plaintext, associated data = empty)`, in place, the tag behind it: there must
/// be room for it, or growing leaves a copy. The key must never have sealed anything.
pub(crate) fn seal_single(key: &[u8; 32], buffer: &mut Vec<u8>) -> Result<(), Malformed> {
    let tag = seal_alone(key, buffer)?;
    buffer.extend_from_slice(&tag);
    Ok(())
}

/// The reverse of [`seal_single`].
pub(crate) fn open_single(key: &[u8; 32], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    let (text, tag) = sealed.split_last_chunk().ok_or(Unauthentic)?;
    let mut text = Zeroizing::new(text.to_vec());
    open_alone(key, &mut text, tag)?;
    Ok(text)
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
    // In its place from the start: what was a plaintext is wiped where it is not sealed, and nowhere else.
    let mut sealed = Zeroizing::new(Vec::with_capacity(SALT_BYTES + plaintext.len() + TAG_BYTES));
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(plaintext);
    let text = sealed.get_mut(SALT_BYTES..).unwrap_or_default();
    let tag = seal_alone(&derive(key, &salt, label, place), text)?;
    sealed.extend_from_slice(&tag);
    Ok(core::mem::take(&mut *sealed))
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

/// The same, in the place where it was sealed: nothing is copied that is not in a cache.
fn open_once_in_place(
    key: &[u8; 32],
    label: DeriveLabel,
    place: &[u8],
    sealed: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    // Whatever comes of it, it is wiped where nobody gets it.
    let mut sealed = Zeroizing::new(sealed);
    let (salt, rest) = sealed.split_at_mut_checked(SALT_BYTES).ok_or(Unauthentic)?;
    let (text, tag) = rest.split_last_chunk_mut().ok_or(Unauthentic)?;
    open_alone(&derive(key, salt, label, place), text, tag)?;
    let end = SALT_BYTES + text.len();
    sealed.truncate(end);
    sealed.drain(..SALT_BYTES);
    Ok(sealed)
}

/// A long-lived key for what one person stores for himself: a device's files, an account's private state.
pub struct StateKey {
    key: Box<[u8; 32]>,
    label: DeriveLabel,
}

impl StateKey {
    #[cfg(feature = "password")]
    pub(crate) fn new(key: Zeroizing<[u8; 32]>, label: DeriveLabel) -> Self {
        Self { key: Box::new(*key), label }
    }

    /// Of `Derive(secret, salt, from, place, 32)`.
    pub(crate) fn derived(secret: &[u8], salt: &[u8], from: DeriveLabel, place: &[u8], label: DeriveLabel) -> Self {
        Self { key: derive_to_stay(secret, salt, from, place), label }
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

    /// The same, of what nobody needs any more as it was sealed.
    pub fn open_in_place(&self, place: &[u8], sealed: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
        open_once_in_place(&self.key, self.label, place, sealed).ok()
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
