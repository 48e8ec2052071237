//! Randomness that stays apart where its source repeats itself: after a snapshot was restored, or in a cloned machine.
//! What is drawn depends on a secret and on what it is drawn for (in the manner of RFC 8937), so that one key seals
//! two messages under one salt only if they are the same message. A good source stays as good as it is.

use super::derive;
use core::convert::Infallible;
use keyfold_format::label::DeriveLabel;
use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Draws for one message: the `n`th 32 bytes are `Derive(Derive(secret, SHA-256(message), "KF1 randomness", "", 32),
/// 32 bytes of the source, "KF1 randomness", u32 n, 32)`.
pub(crate) struct HedgedRng<'a, R> {
    source: &'a mut R,
    key: Zeroizing<[u8; 32]>,
    drawn: u32,
}

impl<'a, R: CryptoRng> HedgedRng<'a, R> {
    pub(crate) fn new(secret: &[u8; 32], message: &[&[u8]], source: &'a mut R) -> Self {
        let mut hash = Sha256::new();
        for part in message {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let key = derive(secret, &hash.finalize(), DeriveLabel::Randomness, &[]);
        Self { source, key, drawn: 0 }
    }

    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let mut fresh = Zeroizing::new([0; 32]);
            self.source.fill_bytes(fresh.as_mut_slice());
            let place = self.drawn.to_be_bytes();
            let block = derive::<32>(self.key.as_slice(), fresh.as_slice(), DeriveLabel::Randomness, &place);
            self.drawn = self.drawn.wrapping_add(1);
            for (to, from) in chunk.iter_mut().zip(block.iter()) {
                *to = *from;
            }
        }
    }
}

impl<R: CryptoRng> TryRng for HedgedRng<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
}

impl<R: CryptoRng> TryCryptoRng for HedgedRng<'_, R> {}
