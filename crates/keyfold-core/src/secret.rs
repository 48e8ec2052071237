//! Secrets of 32 bytes: a type for each, so that none passes for another. They cannot be cloned, printed or written
//! by accident, are compared in constant time, and are wiped when dropped. They live on the heap, because moving an
//! array leaves its bytes behind on the stack.

use alloc::boxed::Box;
use core::fmt;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        pub struct $name(Box<[u8; 32]>);

        impl $name {
            /// 32 random bytes.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                let mut secret = Self(Box::new([0; 32]));
                rng.fill_bytes(secret.0.as_mut_slice());
                secret
            }

            /// From exactly 32 bytes, which the caller wipes; another length is `None`.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_array)
            }

            pub(crate) fn from_array(bytes: &[u8; 32]) -> Self {
                let mut secret = Self(Box::new([0; 32]));
                secret.0.copy_from_slice(bytes);
                secret
            }

            /// The bytes. Whoever copies them wipes the copy.
            pub fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&*other.0).into()
            }
        }

        impl Eq for $name {}

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

secrets! {
    /// Root of an account's keys in one generation.
    MasterKey;
    /// Root of a device's keys. It never leaves the device.
    DeviceSeed;
    /// Root of a recovery method's keys: what words, shares, a password or a passkey come to.
    RecoverySecret;
    /// Seals what a device stores while it has a lock.
    LockKey;
    /// The part of a recovery secret that one share holds.
    SharePart;
    /// One key of a keychain or group: a symmetric key (`secretBox`), or the X-Wing seed of a key pair.
    KeychainKey;
    /// What the link to the previous key is sealed under.
    HistorySecret;
    /// The key of one envelope: one version of one object.
    DataKey;
    /// The key of one envelope's segments.
    PayloadKey;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_shows_no_byte() {
        assert_eq!(format!("{:?}", MasterKey::from_slice(&[0xab; 32]).unwrap()), "MasterKey(…)");
    }

    #[test]
    fn other_lengths_are_no_secrets() {
        assert!(DataKey::from_slice(&[0; 31]).is_none() && DataKey::from_slice(&[0; 33]).is_none());
        assert!(DataKey::from_slice(&[1; 32]) != DataKey::from_slice(&[2; 32]));
    }
}
