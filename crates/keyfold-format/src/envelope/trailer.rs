//! An author's signature after the body. Verifying it needs no secret, so anybody who stores an envelope can.
//!
//! Spec: `docs/spec/envelope.md`, "Trailer".

use super::FixedHeader;
use crate::{BadSignature, EntryHash, Malformed, ScopeId, Signature, VerifyingKey, label::SignatureLabel};
use core::fmt;

/// Length of a trailer: what it claims (80) and the signature (64).
pub const TRAILER_BYTES: usize = 144;
const CLAIM_BYTES: usize = 80;
const MAGIC: [u8; 4] = *b"KFT1";

/// Who an author says to be: an account, the generation of its ledger key, and how far its ledger had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorHead {
    /// The author's account.
    pub account: ScopeId,
    /// Generation of the ledger key that signs.
    pub generation: u32,
    /// Sequence number of the account ledger's newest entry.
    pub seq: u64,
    /// Hash of that entry.
    pub head: EntryHash,
}

impl AuthorHead {
    /// `"KFT1" ‖ account id ‖ u32 generation ‖ u64 seq ‖ head`.
    fn claim(&self) -> [u8; CLAIM_BYTES] {
        let mut claim = [0; CLAIM_BYTES];
        let parts: [&[u8]; 5] = [
            &MAGIC,
            self.account.as_bytes(),
            &self.generation.to_be_bytes(),
            &self.seq.to_be_bytes(),
            self.head.as_bytes(),
        ];
        for (to, from) in claim.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        claim
    }

    /// The parts that the author signs under [`SignatureLabel::Trailer`], in this order.
    pub fn signed_parts(&self, fixed: &FixedHeader, body: &BodyHash) -> [u8; 144] {
        let mut parts = [0; 144];
        let (fixed, claim) = (fixed.hash(), self.claim());
        let from: [&[u8]; 3] = [&fixed, &body.0, &claim];
        for (to, from) in parts.iter_mut().zip(from.into_iter().flatten()) {
            *to = *from;
        }
        parts
    }
}

/// A trailer as it was read. It proves nothing before [`Trailer::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Who claims to have written the envelope. Which key to verify with, the account's ledger says.
    pub author: AuthorHead,
    /// The signature.
    pub signature: Signature,
}

impl Trailer {
    /// Another magic is `Unsupported`.
    pub fn parse(bytes: &[u8; TRAILER_BYTES]) -> Result<Self, Malformed> {
        let (magic, rest) = take::<4>(bytes)?;
        if magic != MAGIC {
            return Err(Malformed::Unsupported);
        }
        let (account, rest) = take(rest)?;
        let (generation, rest) = take(rest)?;
        let (seq, rest) = take(rest)?;
        let (head, rest) = take(rest)?;
        let (signature, _) = take(rest)?;
        Ok(Self {
            author: AuthorHead {
                account: ScopeId(account),
                generation: u32::from_be_bytes(generation),
                seq: u64::from_be_bytes(seq),
                head: EntryHash(head),
            },
            signature: Signature(signature),
        })
    }

    /// The 144 bytes.
    pub fn encode(&self) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        let claim = self.author.claim();
        for (to, from) in bytes.iter_mut().zip(claim.iter().chain(&self.signature.0)) {
            *to = *from;
        }
        bytes
    }

    /// Verifies with the ledger key that the author's account has in [`AuthorHead::generation`].
    pub fn verify(&self, key: &VerifyingKey, fixed: &FixedHeader, body: &BodyHash) -> Result<(), BadSignature> {
        key.verify(SignatureLabel::Trailer, &[&self.author.signed_parts(fixed, body)], &self.signature)
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), Malformed> {
    bytes.split_first_chunk().map(|(head, rest)| (*head, rest)).ok_or(Malformed::Truncated)
}

/// BLAKE3 of all sealed segments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BodyHash(pub [u8; 32]);

impl fmt::Debug for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyHash({})", crate::id::base64url(&self.0))
    }
}

/// Hashes the sealed segments as they pass.
#[derive(Clone, Debug, Default)]
pub struct BodyHasher(blake3::Hasher);

impl BodyHasher {
    /// The next sealed bytes.
    pub fn update(&mut self, sealed: &[u8]) {
        self.0.update(sealed);
    }

    /// After the last.
    pub fn finish(&self) -> BodyHash {
        BodyHash(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Flags;

    #[test]
    fn a_trailer_is_144_bytes_and_comes_back() {
        let author = AuthorHead { account: ScopeId([1; 32]), generation: 2, seq: 3, head: EntryHash([4; 32]) };
        let trailer = Trailer { author, signature: Signature([5; 64]) };
        let bytes = trailer.encode();
        assert_eq!(&bytes[..4], b"KFT1");
        assert_eq!(Trailer::parse(&bytes), Ok(trailer));
        let mut other = bytes;
        other[3] = b'2';
        assert_eq!(Trailer::parse(&other), Err(Malformed::Unsupported));
    }

    #[test]
    fn a_signature_holds_for_one_header_one_body_and_one_claim() {
        use ed25519_dalek::Signer;
        let secret = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
        let key = VerifyingKey(secret.verifying_key().to_bytes());
        let fixed = FixedHeader {
            object: crate::ObjectId([7; 32]),
            flags: Flags { trailer: true, padded: false },
            context: [1; 32],
            commitment: [2; 32],
        };
        let author = AuthorHead { account: ScopeId([1; 32]), generation: 2, seq: 3, head: EntryHash([4; 32]) };
        let body = BodyHash([6; 32]);
        let message = crate::key::signed_message(SignatureLabel::Trailer, &[&author.signed_parts(&fixed, &body)]);
        let trailer = Trailer { author, signature: Signature(secret.sign(&message).to_bytes()) };
        assert_eq!(trailer.verify(&key, &fixed, &body), Ok(()));

        let other_fixed = FixedHeader { context: [0; 32], ..fixed.clone() };
        assert_eq!(trailer.verify(&key, &other_fixed, &body), Err(BadSignature));
        assert_eq!(trailer.verify(&key, &fixed, &BodyHash([0; 32])), Err(BadSignature));
        let later = Trailer { author: AuthorHead { seq: 4, ..author }, ..trailer };
        assert_eq!(later.verify(&key, &fixed, &body), Err(BadSignature));
    }
}
