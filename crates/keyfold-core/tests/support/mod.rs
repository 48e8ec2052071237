//! What the tests share: deterministic randomness, keys of three people, hex, and a second implementation of the
//! spec's formulas with which an attacker crafts what the crate would never write.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "recovery-password")]
pub mod opaque;
pub mod plans;
pub mod reference;

use core::convert::Infallible;
use keyfold_core::{KeychainKey, ReaderKey, WriterKey};
use keyfold_format::{KeyFingerprint, ScopeId, envelope::SlotPlace};
use rand_core::{TryCryptoRng, TryRng};

/// Random-looking bytes from a seed, BLAKE3 as a stream; it records what it gave, for a vector.
pub struct SeededRng {
    stream: blake3::OutputReader,
    pub record: Vec<u8>,
}

impl SeededRng {
    pub fn new(seed: &str) -> Self {
        let stream = blake3::Hasher::new_derive_key("keyfold tests").update(seed.as_bytes()).finalize_xof();
        Self { stream, record: Vec::new() }
    }

    fn fill(&mut self, out: &mut [u8]) {
        self.stream.fill(out);
        self.record.extend_from_slice(out);
    }
}

/// Gives the bytes of a vector, in order.
pub struct ScriptedRng {
    bytes: Vec<u8>,
    at: usize,
}

impl ScriptedRng {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn is_used_up(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.bytes[self.at..self.at + out.len()]);
        self.at += out.len();
    }
}

macro_rules! rng {
    ($($name:ty),+) => {$(
        impl TryRng for $name {
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
        impl TryCryptoRng for $name {}
    )+};
}
rng!(SeededRng, ScriptedRng);

/// A key of a `secretBox` keychain, with the place where its ledger names it.
pub struct BoxKey {
    pub key: KeychainKey,
    pub fingerprint: KeyFingerprint,
    pub place: SlotPlace,
}

impl BoxKey {
    pub fn new(byte: u8) -> Self {
        Self {
            key: KeychainKey::from_slice(&[byte; 32]).unwrap(),
            fingerprint: KeyFingerprint([byte ^ 0xf0; 32]),
            place: SlotPlace { scope: ScopeId([byte ^ 0x0f; 32]), number: u32::from(byte) },
        }
    }

    pub fn writer(&self) -> WriterKey<'_> {
        WriterKey::Symmetric { key: &self.key, fingerprint: self.fingerprint, place: self.place }
    }

    pub fn reader(&self, asked: &KeyFingerprint) -> Option<ReaderKey<'_>> {
        (*asked == self.fingerprint).then_some(ReaderKey::Symmetric { key: &self.key, place: self.place })
    }
}

/// Bytes of which no two segments are alike.
pub fn pattern(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"pattern").finalize_xof().fill(&mut bytes);
    bytes
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2) && text.is_ascii(), "{text}");
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub fn unhex_array<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).try_into().unwrap()
}
