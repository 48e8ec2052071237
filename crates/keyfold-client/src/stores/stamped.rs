//! What stands under a reference where a storage has no versions of its own, or takes them from the content: the same
//! bytes would have the same version again, and who saw the former ones would take these for them. So random bytes go
//! first. They also tell a writer whose reply was lost that what stands there is his.

use super::MAX_REFERENCE;
use keyfold_index::store::{Reference, StoreError};

/// Bytes of the stamp.
const STAMP: usize = 16;

/// Bytes of all of it.
pub(super) const MAX_STAMPED: usize = STAMP + MAX_REFERENCE;

/// The bytes of a reference behind a stamp of their own.
pub(super) fn stamp(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut stamped = vec![0; STAMP];
    getrandom::fill(&mut stamped).map_err(|e| StoreError::Unreachable(format!("no randomness: {e}")))?;
    stamped.extend_from_slice(bytes);
    Ok(stamped)
}

/// Splits what stands there into the stamp and the bytes. `None` if it has no stamp: then nobody here wrote it.
pub(super) fn split(stamped: &[u8]) -> Option<(&[u8], &[u8])> {
    stamped.split_at_checked(STAMP)
}

/// What stands there, with its stamp as the version.
pub(super) fn reference(stamped: &[u8]) -> Option<Reference> {
    let (stamp, bytes) = split(stamped)?;
    Some(Reference { version: hex(stamp), bytes: bytes.to_vec() })
}

/// The reverse of [`hex()`]; nothing else is taken.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// As small letters, for names of files: some file systems take capital ones for the same.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
