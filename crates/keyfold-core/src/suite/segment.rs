//! AES-256-GCM: of an envelope's segments, one key schedule for all, and of what is sealed in one piece; in place,
//! without an allocation. Apart from the rest because it is the only bulk work, and so the only one that another
//! implementation may take over.
//!
//! Spec: `docs/spec/envelope.md`, "Body".

use super::Unauthentic;
use crate::secret::PayloadKey;
use keyfold_format::{Malformed, envelope::TAG_BYTES};

#[cfg(feature = "aws-lc")]
use aws_lc::Cipher;
#[cfg(not(feature = "aws-lc"))]
use rust_crypto::Cipher;

/// The payload key of one envelope, ready for use.
pub(crate) struct SegmentKey {
    cipher: Cipher,
    key: PayloadKey,
}

impl SegmentKey {
    pub(crate) fn new(key: PayloadKey) -> Result<Self, Malformed> {
        Ok(Self { cipher: Cipher::new(key.expose())?, key })
    }

    /// The key itself, for another implementation of AES-256-GCM.
    pub(crate) fn into_key(self) -> PayloadKey {
        self.key
    }

    /// `AES-256-GCM(payload key, nonce(index, last), plaintext, no associated data)`: plaintext in place, tag
    /// returned.
    pub(crate) fn seal(&self, nonce: SegmentNonce, text: &mut [u8]) -> Result<[u8; TAG_BYTES], Malformed> {
        self.cipher.seal(nonce.bytes(), text)
    }

    /// The reverse of [`Self::seal`], of ciphertext and tag. What did not authenticate is wiped.
    pub(crate) fn open<'s>(&self, nonce: SegmentNonce, sealed: &'s mut [u8]) -> Result<&'s mut [u8], Unauthentic> {
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>().ok_or(Unauthentic)?;
        if self.cipher.open(nonce.bytes(), text, tag).is_err() {
            text.fill(0);
            return Err(Unauthentic);
        }
        Ok(text)
    }
}

/// What is sealed in one piece, under a key that seals nothing else: with a nonce of zeros, in place. The tag.
pub(super) fn seal_alone(key: &[u8; 32], text: &mut [u8]) -> Result<[u8; TAG_BYTES], Malformed> {
    Cipher::new(key)?.seal([0; 12], text)
}

/// The reverse of [`seal_alone`].
pub(super) fn open_alone(key: &[u8; 32], text: &mut [u8], tag: &[u8; TAG_BYTES]) -> Result<(), Unauthentic> {
    Cipher::new(key).map_err(|_| Unauthentic)?.open([0; 12], text, tag)
}

/// What one segment is sealed with besides the key. Whoever seals gets each once, and it is used up by use.
#[derive(Debug, PartialEq, Eq)]
pub struct SegmentNonce {
    index: u32,
    last: bool,
}

impl SegmentNonce {
    pub(crate) const fn new(index: u32, last: bool) -> Self {
        Self { index, last }
    }

    /// `nonce(i, last)` = 11-byte big-endian i ‖ last
    pub const fn bytes(self) -> [u8; 12] {
        let [a, b, c, d] = self.index.to_be_bytes();
        [0, 0, 0, 0, 0, 0, 0, a, b, c, d, self.last as u8]
    }
}

#[cfg(any(test, not(feature = "aws-lc")))]
mod rust_crypto {
    use super::{Malformed, TAG_BYTES, Unauthentic};
    use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};

    pub(super) struct Cipher(Aes256Gcm);

    impl Cipher {
        pub(super) fn new(key: &[u8; 32]) -> Result<Self, Malformed> {
            Ok(Self(Aes256Gcm::new(key.into())))
        }

        pub(super) fn seal(&self, nonce: [u8; 12], text: &mut [u8]) -> Result<[u8; TAG_BYTES], Malformed> {
            let tag = self.0.encrypt_inout_detached(&nonce.into(), &[], text.into());
            tag.map(Into::into).map_err(|_| Malformed::TooLarge)
        }

        pub(super) fn open(&self, nonce: [u8; 12], text: &mut [u8], tag: &[u8; TAG_BYTES]) -> Result<(), Unauthentic> {
            self.0.decrypt_inout_detached(&nonce.into(), &[], text.into(), tag.into()).map_err(|_| Unauthentic)
        }
    }
}

#[cfg(feature = "aws-lc")]
mod aws_lc {
    use super::{Malformed, TAG_BYTES, Unauthentic};
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    pub(super) struct Cipher(LessSafeKey);

    impl Cipher {
        pub(super) fn new(key: &[u8; 32]) -> Result<Self, Malformed> {
            // Refused for a wrong length only, and a key is 32 bytes.
            UnboundKey::new(&AES_256_GCM, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_| Malformed::Encoding)
        }

        pub(super) fn seal(&self, nonce: [u8; 12], text: &mut [u8]) -> Result<[u8; TAG_BYTES], Malformed> {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self.0.seal_in_place_separate_tag(nonce, Aad::empty(), text).map_err(|_| Malformed::TooLarge)?;
            tag.as_ref().try_into().map_err(|_| Malformed::TooLarge)
        }

        pub(super) fn open(&self, nonce: [u8; 12], text: &mut [u8], tag: &[u8; TAG_BYTES]) -> Result<(), Unauthentic> {
            let nonce = Nonce::assume_unique_for_key(nonce);
            self.0.open_in_place_separate_tag(nonce, Aad::empty(), tag, text).map(drop).map_err(|_| Unauthentic)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_the_counter_and_the_last_flag() {
        assert_eq!(SegmentNonce::new(0, false).bytes(), [0; 12]);
        let nonce = SegmentNonce::new(0x00ab_cdef, true);
        assert_eq!(nonce.bytes(), [0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd, 0xef, 1]);
    }

    #[test]
    fn a_segment_opens_only_at_its_index_and_flag_and_is_wiped_otherwise() {
        let key = SegmentKey::new(PayloadKey::from_slice(&[7; 32]).unwrap()).unwrap();
        let mut sealed = vec![5; 100 + TAG_BYTES];
        let tag = key.seal(SegmentNonce::new(3, false), &mut sealed[..100]).unwrap();
        sealed[100..].copy_from_slice(&tag);
        assert_eq!(key.open(SegmentNonce::new(3, false), &mut sealed.clone()).unwrap(), [5; 100]);
        for (index, last) in [(3, true), (2, false), (4, false)] {
            let mut copy = sealed.clone();
            assert!(key.open(SegmentNonce::new(index, last), &mut copy).is_err());
            assert_eq!(copy[..100], [0; 100]);
        }
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn both_implementations_give_the_same_bytes() {
        let (ours, theirs) = (rust_crypto::Cipher::new(&[9; 32]).unwrap(), aws_lc::Cipher::new(&[9; 32]).unwrap());
        for len in [0, 1, 15, 16, 17, 65_535, 65_536] {
            let plaintext: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let (mut a, mut b) = (plaintext.clone(), plaintext.clone());
            let nonce = SegmentNonce::new(len as u32, len % 2 == 0).bytes();
            let tag = ours.seal(nonce, &mut a).unwrap();
            assert_eq!((tag, &a), (theirs.seal(nonce, &mut b).unwrap(), &b), "{len}");
            theirs.open(nonce, &mut a, &tag).unwrap();
            ours.open(nonce, &mut b, &tag).unwrap();
            assert_eq!((&a, &b), (&plaintext, &plaintext));
        }
    }
}
