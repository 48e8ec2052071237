//! What derives from the data key: commitment, header key, payload key, metadata.

use super::EnvelopeError;
use crate::{
    secret::{DataKey, PayloadKey},
    suite::{self, SegmentKey, Unauthentic, derive},
};
use alloc::vec::Vec;
use keyfold_format::{
    Malformed, ObjectId,
    envelope::{FixedHeader, Header, MAC_BYTES},
    label::DeriveLabel,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// The data key `D` of one object.
pub(super) struct EnvelopeKeys<'a> {
    data: &'a DataKey,
    object: &'a ObjectId,
}

impl<'a> EnvelopeKeys<'a> {
    pub(super) const fn new(data: &'a DataKey, object: &'a ObjectId) -> Self {
        Self { data, object }
    }

    fn derive(&self, label: DeriveLabel, place: &[u8]) -> Zeroizing<[u8; 32]> {
        derive(self.data.expose(), self.object.as_bytes(), label, place)
    }

    /// `Derive(D, object id, "KF1 envelope commitment", "", 32)`
    pub(super) fn commitment(&self) -> [u8; 32] {
        *self.derive(DeriveLabel::EnvelopeCommitment, &[])
    }

    /// Prefix, header and `HMAC-SHA-256(Derive(D, object id, "KF1 envelope header", "", 32), prefix ‖ header)`.
    pub(super) fn head(&self, header: &Header) -> Result<Vec<u8>, Malformed> {
        let mut bytes = header.encode()?;
        let mac = suite::mac(&self.derive(DeriveLabel::EnvelopeHeader, &[]), &bytes);
        bytes.extend_from_slice(&mac);
        Ok(bytes)
    }

    /// The commitment is compared first: one ciphertext, one key, whoever brings it.
    pub(super) fn verify(
        &self,
        fixed: &FixedHeader,
        authenticated: &[u8],
        mac: &[u8; MAC_BYTES],
    ) -> Result<(), Unauthentic> {
        if !suite::equal(&self.commitment(), &fixed.commitment) {
            return Err(Unauthentic);
        }
        suite::verify_mac(&self.derive(DeriveLabel::EnvelopeHeader, &[]), authenticated, mac)
    }

    /// `Derive(D, object id, "KF1 envelope payload", H("KF1 envelope fixed", fixed), 32)`
    pub(super) fn segments(&self, fixed: &FixedHeader) -> Result<SegmentKey, EnvelopeError> {
        let key = PayloadKey::from_slice(&*self.derive(DeriveLabel::EnvelopePayload, &fixed.hash()));
        Ok(SegmentKey::new(key.ok_or(Unauthentic)?)?)
    }

    /// `SealOnce(D, "KF1 envelope metadata", object id, …)`
    pub(super) fn seal_metadata(&self, plaintext: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, Malformed> {
        let object = self.object.as_bytes();
        suite::seal_once(self.data.expose(), DeriveLabel::EnvelopeMetadata, object, plaintext, rng)
    }

    pub(super) fn open_metadata(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
        suite::open_once(self.data.expose(), DeriveLabel::EnvelopeMetadata, self.object.as_bytes(), sealed)
    }
}
