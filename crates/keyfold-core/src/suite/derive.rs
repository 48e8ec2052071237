//! HKDF and HMAC, both with SHA-256.

use super::Unauthentic;
use alloc::boxed::Box;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use keyfold_format::label::DeriveLabel;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// `Derive(secret, salt, label, place, N)`: HKDF-SHA-256 (RFC 5869) with `info = label ‖ 00 ‖ place`.
pub(crate) fn derive<const N: usize>(
    secret: &[u8],
    salt: &[u8],
    label: DeriveLabel,
    place: &[u8],
) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "RFC 5869 §2.3") };
    let mut out = Zeroizing::new([0; N]);
    let info = [label.as_str().as_bytes(), &[0], place];
    let expanded = Hkdf::<Sha256>::new(Some(salt), secret).expand_multi_info(&info, out.as_mut_slice());
    debug_assert!(expanded.is_ok(), "refused only where the assertion above is");
    out
}

/// [`derive()`], for a key that stays: computed where it stays, and wiped where computing left it.
pub(crate) fn derive_to_stay(secret: &[u8], salt: &[u8], label: DeriveLabel, place: &[u8]) -> Box<[u8; 32]> {
    #[inline(never)]
    fn fill(out: &mut [u8; 32], secret: &[u8], salt: &[u8], label: DeriveLabel, place: &[u8]) {
        out.copy_from_slice(derive::<32>(secret, salt, label, place).as_slice());
    }
    let mut key = Box::new([0; 32]);
    fill(&mut key, secret, salt, label, place);
    wipe_below();
    key
}

/// HKDF leaves its last block on the stack, which is the key. Whatever was called just now stood here.
#[inline(never)]
fn wipe_below() {
    let mut stood_here = [0_u8; 8 << 10];
    stood_here.zeroize();
    core::hint::black_box(&stood_here);
}

/// `HMAC-SHA-256(key, message)`
pub(crate) fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    keyed(key, message).finalize().into_bytes().into()
}

/// Compares with [`mac`] in constant time.
pub(crate) fn verify_mac(key: &[u8; 32], message: &[u8], tag: &[u8; 32]) -> Result<(), Unauthentic> {
    keyed(key, message).verify_slice(tag).map_err(|_| Unauthentic)
}

fn keyed(key: &[u8; 32], message: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    // A key shorter than the block is padded with zeros (RFC 2104 §2); a whole block makes `new` infallible.
    let mut hmac = Hmac::<Sha256>::new((&*block).into());
    hmac.update(message);
    hmac
}
