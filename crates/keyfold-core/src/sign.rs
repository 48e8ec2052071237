//! The application's own statements, under a label of their own: no statement can be taken for an entry, a request
//! or anything else that Keyfold signs.
//!
//! Spec: `docs/spec/conventions.md`, "Signatures".

use crate::suite::SigningKey;
use alloc::vec::Vec;
use keyfold_format::{BadSignature, Signature, VerifyingKey, label::SignatureLabel};

/// Signs any number of items, together and in order.
pub fn sign_statement(key: &SigningKey, items: &[&[u8]]) -> Signature {
    key.sign(SignatureLabel::Application, &[&statement(items)])
}

/// Verifies what [`sign_statement`] made over the same items.
pub fn verify_statement(key: &VerifyingKey, items: &[&[u8]], signature: &Signature) -> Result<(), BadSignature> {
    key.verify(SignatureLabel::Application, &[&statement(items)], signature)
}

/// `u32 count ‖ (u64 length ‖ bytes)…`: lists of items that differ never give the same bytes.
fn statement(items: &[&[u8]]) -> Vec<u8> {
    // More than 2³² items do not fit memory, since each takes 16 bytes of it.
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(4 + items.iter().map(|item| 8 + item.len()).sum::<usize>());
    message.extend_from_slice(&count.to_be_bytes());
    for item in items {
        message.extend_from_slice(&(item.len() as u64).to_be_bytes());
        message.extend_from_slice(item);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_holds_for_its_items_in_their_order_and_cut_only() {
        let key = SigningKey::from_seed(&[1; 32]);
        let signature = sign_statement(&key, &[b"ab", b"c"]);
        assert!(verify_statement(&key.verifying_key(), &[b"ab", b"c"], &signature).is_ok());
        let others: [&[&[u8]]; 5] = [&[b"a", b"bc"], &[b"c", b"ab"], &[b"abc"], &[b"ab", b"c", b""], &[]];
        for items in others {
            assert!(verify_statement(&key.verifying_key(), items, &signature).is_err(), "{items:?}");
        }
    }
}
