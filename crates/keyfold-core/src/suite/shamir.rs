//! Shamir's sharing, byte by byte over GF(2⁸) with x⁸ + x⁴ + x³ + x + 1: no table is looked up, so nothing of a secret
//! shows in which memory is read.

use crate::secret::{RecoverySecret, SharePart};
use alloc::vec::Vec;
use rand_core::CryptoRng;
use vsss_rs::Gf256;
use zeroize::Zeroizing;

/// `part i = f(i)`, i from 1 to `count`: for each byte an `f` of degree `needed − 1` with `f(0)` = the byte and random
/// coefficients. `None` unless 2 ≤ `needed` ≤ `count`.
pub(crate) fn split_parts(
    secret: &RecoverySecret,
    needed: u8,
    count: u8,
    rng: &mut impl CryptoRng,
) -> Option<Vec<SharePart>> {
    let split = Gf256::split_bytes(usize::from(needed), usize::from(count), secret.expose(), rng);
    // Each is its number, then its part.
    let parts = Zeroizing::new(split.ok()?);
    parts.iter().map(|part| SharePart::from_slice(part.get(1..)?)).collect()
}

/// `f(0)`, by Lagrange's formula over all that are given. `None` unless there are two, with different numbers, none 0.
pub(crate) fn combine_parts<'p>(parts: impl Iterator<Item = (u8, &'p SharePart)>) -> Option<RecoverySecret> {
    let numbered = |(index, part): (u8, &SharePart)| {
        let mut bytes = Vec::with_capacity(33);
        bytes.push(index);
        bytes.extend_from_slice(part.expose());
        bytes
    };
    let parts = Zeroizing::new(parts.map(numbered).collect::<Vec<_>>());
    let secret = Zeroizing::new(Gf256::combine_bytes(parts.as_slice()).ok()?);
    RecoverySecret::from_slice(&secret)
}
