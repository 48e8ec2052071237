//! Keys of what people choose themselves, a PIN or a password: slow to derive, so that guessing is.
//!
//! Spec: `docs/spec/device-lock.md`, "PIN and password".

use crate::suite;
use zeroize::Zeroizing;

/// Memory that each derivation takes, in KiB: 64 MiB. With the passes, the second choice of RFC 9106 §4, on one lane
/// because a page has no threads.
pub const MEMORY_KIB: u32 = 65_536;
/// How often that memory is gone through.
pub const PASSES: u32 = 3;
/// What works side by side.
pub const LANES: u32 = 1;
/// Random, and stored beside what the key seals.
pub const SALT_BYTES: usize = 32;

/// The machine does not have [`MEMORY_KIB`] to spare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory for Argon2id: it takes 64 MiB")]
pub struct NoMemory;

/// `Argon2id(password, salt, 64 MiB, 3, 1, 32)`. The password is bytes: whoever reads a text takes it as UTF-8 in
/// Unicode's normal form KC, as keyboards differ in how they compose letters.
pub fn stretch(password: &[u8], salt: &[u8; SALT_BYTES]) -> Result<Zeroizing<[u8; 32]>, NoMemory> {
    suite::argon2id(password, salt, MEMORY_KIB, PASSES, LANES).ok_or(NoMemory)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `@noble/hashes` makes of the same: another implementation, by other people.
    #[test]
    fn a_password_is_stretched_as_rfc_9106_says() {
        let key = stretch(b"correct horse battery staple", &[7; SALT_BYTES]).unwrap();
        assert_eq!(key.as_slice(), EXPECTED);
    }

    #[test]
    fn another_salt_gives_another_key() {
        assert_ne!(stretch(b"1234", &[0; SALT_BYTES]), stretch(b"1234", &[1; SALT_BYTES]));
    }

    const EXPECTED: [u8; 32] = [
        0xa9, 0x46, 0xe7, 0x00, 0x24, 0x80, 0xe5, 0xe1, 0xa7, 0x95, 0x24, 0xae, 0xe8, 0x34, 0x39, 0xe8, 0x5f, 0x78,
        0xbb, 0xe4, 0x83, 0x71, 0x83, 0xd7, 0xb6, 0x6e, 0xd4, 0x5a, 0xdc, 0xd4, 0x82, 0x61,
    ];
}
