//! PBKDF2 with HMAC-SHA-512: work that whoever tries must do each time. For what is public and short; what people
//! choose themselves has a function that also costs memory.

use sha2::Sha512;

/// `PBKDF2-HMAC-SHA-512(input, salt, rounds, N)` (RFC 8018 §5.2), one block of it.
pub(crate) fn stretch<const N: usize>(input: &[u8], salt: &[u8], rounds: u32) -> [u8; N] {
    const { assert!(N <= 64, "a second block would cost only those who are honest") };
    pbkdf2::pbkdf2_hmac_array::<Sha512, N>(input, salt, rounds)
}
