//! A lock on what a device stores: a random key seals its records, and is itself sealed under a key that is stretched
//! from what only a person knows. Whether that is the right one is seen by opening it: one derivation, one answer.
//!
//! Spec: `docs/spec/device-lock.md`, "The home of a native device".

use crate::{
    password::{NoMemory, SALT_BYTES, stretch},
    secret::{DeviceSeed, LockKey},
    suite::StateKey,
};
use alloc::vec::Vec;
use keyfold_format::{Malformed, label::DeriveLabel};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

const LOCK_KEY: &[u8] = b"lock key";
const DEVICE_SEED: &[u8] = b"device seed";

/// A key from what a person knows.
pub struct PersonKey(StateKey);

impl PersonKey {
    /// `Argon2id(secret, salt, 64 MiB, 3, 1, 32)`. The secret is UTF-8 in normal form KC.
    pub fn stretch(secret: &[u8], salt: &[u8; SALT_BYTES]) -> Result<Self, NoMemory> {
        let key: Zeroizing<[u8; 32]> = stretch(secret, salt)?;
        Ok(Self(StateKey::new(key, DeriveLabel::DeviceLock)))
    }

    /// Seals the key of a lock.
    pub fn seal(&self, key: &LockKey, rng: &mut impl CryptoRng) -> Result<Vec<u8>, Malformed> {
        self.0.seal(LOCK_KEY, key.expose(), rng)
    }

    /// Opens it. `None` if this is not what it was sealed under.
    pub fn open(&self, sealed: &[u8]) -> Option<LockKey> {
        LockKey::from_slice(&self.0.open(LOCK_KEY, sealed)?)
    }
}

impl LockKey {
    /// What seals the records while the device has this lock.
    pub fn storage(&self) -> StateKey {
        StateKey::derived(self.expose(), &[], DeriveLabel::DeviceStorage, &[], DeriveLabel::DeviceStorage)
    }

    /// Seals the device's seed.
    pub fn seal_seed(&self, seed: &DeviceSeed, rng: &mut impl CryptoRng) -> Result<Vec<u8>, Malformed> {
        self.seeds().seal(DEVICE_SEED, seed.expose(), rng)
    }

    /// Opens it; `None` if it was altered.
    pub fn open_seed(&self, sealed: &[u8]) -> Option<DeviceSeed> {
        DeviceSeed::from_slice(&self.seeds().open(DEVICE_SEED, sealed)?)
    }

    fn seeds(&self) -> StateKey {
        StateKey::derived(self.expose(), &[], DeriveLabel::DeviceLock, &[], DeriveLabel::DeviceLock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::{TryCryptoRng, TryRng};

    struct Counting(u8);

    impl TryRng for Counting {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.iter_mut().for_each(|byte| {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            });
            Ok(())
        }
    }

    impl TryCryptoRng for Counting {}

    #[test]
    fn one_secret_opens_a_lock_and_nothing_altered_does() {
        let mut rng = Counting(0);
        let key = LockKey::generate(&mut rng);
        let person = PersonKey::stretch(b"correct horse", &[1; SALT_BYTES]).unwrap();
        let sealed = person.seal(&key, &mut rng).unwrap();
        assert!(person.open(&sealed).unwrap() == key);
        assert!(PersonKey::stretch(b"correct horsf", &[1; SALT_BYTES]).unwrap().open(&sealed).is_none());
        assert!(PersonKey::stretch(b"correct horse", &[2; SALT_BYTES]).unwrap().open(&sealed).is_none());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(person.open(&altered).is_none(), "{at}");
        }
    }

    #[test]
    fn a_sealed_seed_is_no_sealed_record() {
        let mut rng = Counting(0);
        let (key, seed) = (LockKey::generate(&mut rng), DeviceSeed::generate(&mut rng));
        let sealed = key.seal_seed(&seed, &mut rng).unwrap();
        assert!(key.open_seed(&sealed).unwrap() == seed);
        assert!(key.storage().open(DEVICE_SEED, &sealed).is_none());
        assert!(LockKey::generate(&mut rng).open_seed(&sealed).is_none());
    }
}
