//! HPKE (RFC 9180) in mode base, single shot: X-Wing, HKDF-SHA-256, AES-256-GCM.
//!
//! Spec: `docs/spec/wraps.md`, "HPKE".

use super::Unauthentic;
use ::hpke::{Deserializable, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use keyfold_format::{Malformed, WrappingKey};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

type PrivateKey = <XWing as ::hpke::Kem>::PrivateKey;
type PublicKey = <XWing as ::hpke::Kem>::PublicKey;
type EncappedKey = <XWing as ::hpke::Kem>::EncappedKey;

const ENC_BYTES: usize = 1_120;

/// `enc (1,120) ‖ ct (plaintext and 16)` = HPKE.Seal(public key, info, associated data, plaintext). A public key that
/// is none is `Malformed`.
pub(crate) fn seal_to(
    public: &WrappingKey,
    info: &[u8],
    associated: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Malformed> {
    let key = PublicKey::from_bytes(public.as_bytes()).map_err(|_| Malformed::Encoding)?;
    let (enc, ciphertext) = ::hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        &key,
        info,
        plaintext,
        associated,
        rng,
    )
    .map_err(|_| Malformed::Encoding)?;
    let mut sealed = Vec::with_capacity(ENC_BYTES + ciphertext.len());
    sealed.extend_from_slice(&enc.to_bytes());
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// HPKE.Open(seed, info, associated data, `enc ‖ ct`)
pub(crate) fn open_from(
    seed: &[u8; 32],
    info: &[u8],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    let (enc, ciphertext) = sealed.split_at_checked(ENC_BYTES).ok_or(Unauthentic)?;
    let enc = EncappedKey::from_bytes(enc).map_err(|_| Unauthentic)?;
    let key = PrivateKey::from_bytes(seed).map_err(|_| Unauthentic)?;
    let plaintext = ::hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
        &OpModeR::Base,
        &key,
        &enc,
        info,
        ciphertext,
        associated,
    );
    plaintext.map(Zeroizing::new).map_err(|_| Unauthentic)
}

/// The private half of a wrapping key: an X-Wing seed of 32 bytes, and its public half.
pub struct WrappingSecret {
    seed: Box<[u8; 32]>,
    public: WrappingKey,
}

impl WrappingSecret {
    /// `(pk, sk) = X-Wing.GenerateKeyPairDerand(seed)` (draft-connolly-cfrg-xwing-kem §5.2). A seed that yields no
    /// key pair does not exist; the error stands for a fault of the library.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, Malformed> {
        let private = PrivateKey::from_bytes(seed).map_err(|_| Malformed::Encoding)?;
        let public = <XWing as ::hpke::Kem>::sk_to_pk(&private).to_bytes();
        let public = WrappingKey::from_slice(&public).ok_or(Malformed::Encoding)?;
        Ok(Self { seed: Box::new(*seed), public })
    }

    /// The public half.
    pub const fn public(&self) -> &WrappingKey {
        &self.public
    }

    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }
}

impl Drop for WrappingSecret {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl fmt::Debug for WrappingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingSecret(…, {:?})", self.public)
    }
}
