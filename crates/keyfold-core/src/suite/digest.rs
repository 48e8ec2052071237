//! SHA-256 where a standard wants it. What is hashed for Keyfold's own formats is hashed by keyfold-format.

use sha2::{Digest, Sha256};

/// `SHA-256(message)`
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}
