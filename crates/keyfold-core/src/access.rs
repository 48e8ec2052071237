//! The keys that envelopes and values are written to and read with, each with the place where its ledger names it.
//! Apart from both because they take the same keys.

use crate::{
    secret::KeychainKey,
    suite::{self, Unauthentic, WrappingSecret},
};
use alloc::vec::Vec;
use keyfold_format::{
    KeyFingerprint, Malformed, ObjectId, ScopeId, WrappingKey,
    envelope::{Slot, SlotKind, SlotPlace},
    label::DeriveLabel,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// A key to write to.
#[derive(Clone, Copy, Debug)]
pub enum WriterKey<'k> {
    /// A key of a `secretBox` keychain.
    Symmetric {
        /// The key.
        key: &'k KeychainKey,
        /// Its fingerprint in the ledger.
        fingerprint: KeyFingerprint,
        /// Where the ledger names it.
        place: SlotPlace,
    },
    /// The public half of a key of a `sealedBox` keychain.
    Public {
        /// The public half.
        key: &'k WrappingKey,
        /// The key's fingerprint in the ledger.
        fingerprint: KeyFingerprint,
        /// Where the ledger names it.
        place: SlotPlace,
    },
    /// The wrapping key of a device or recovery method.
    Holder {
        /// The wrapping key.
        key: &'k WrappingKey,
        /// The account that it is a holder of.
        account: ScopeId,
    },
}

/// A key to read with, for a fingerprint that was asked for.
#[derive(Clone, Copy, Debug)]
pub enum ReaderKey<'k> {
    /// A key of a `secretBox` keychain.
    Symmetric {
        /// The key.
        key: &'k KeychainKey,
        /// Where the ledger names it.
        place: SlotPlace,
    },
    /// A key of a `sealedBox` keychain: the seed.
    Private {
        /// The key.
        key: &'k KeychainKey,
        /// Where the ledger names it.
        place: SlotPlace,
    },
    /// A device's or recovery method's wrapping key.
    Holder {
        /// The private half.
        key: &'k WrappingSecret,
        /// The account that it is a holder of.
        account: ScopeId,
    },
}

const fn holder_place(account: ScopeId) -> SlotPlace {
    SlotPlace { scope: account, number: 0 }
}

impl WriterKey<'_> {
    /// What a slot or value for this key is named by.
    pub fn fingerprint(&self) -> KeyFingerprint {
        match self {
            Self::Symmetric { fingerprint, .. } | Self::Public { fingerprint, .. } => *fingerprint,
            Self::Holder { key, .. } => key.fingerprint(),
        }
    }

    /// `SealOnce(K, "KF1 slot", place, D)`, or HPKE with `info = "KF1 slot"` and associated data `place`.
    pub(crate) fn seal_slot(
        &self,
        object: &ObjectId,
        data: &[u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Result<Slot, Malformed> {
        let (kind, sealed) = match self {
            Self::Symmetric { key, place, .. } => {
                let place = place.of_object(object);
                (SlotKind::Symmetric, suite::seal_once(key.expose(), DeriveLabel::Slot, &place, data, rng)?)
            }
            Self::Public { key, place, .. } => (SlotKind::Public, seal_hpke(key, &place.of_object(object), data, rng)?),
            Self::Holder { key, account } => {
                (SlotKind::Public, seal_hpke(key, &holder_place(*account).of_object(object), data, rng)?)
            }
        };
        Slot::new(kind, self.fingerprint(), sealed)
    }
}

impl ReaderKey<'_> {
    pub(crate) const fn place(&self) -> SlotPlace {
        match self {
            Self::Symmetric { place, .. } | Self::Private { place, .. } => *place,
            Self::Holder { account, .. } => holder_place(*account),
        }
    }

    /// The reverse of [`WriterKey::seal_slot`]. A slot of the other kind does not open.
    pub(crate) fn open_slot(&self, object: &ObjectId, slot: &Slot) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
        let place = self.place().of_object(object);
        match (self, slot.kind()) {
            (Self::Symmetric { key, .. }, SlotKind::Symmetric) => {
                suite::open_once(key.expose(), DeriveLabel::Slot, &place, slot.sealed())
            }
            (Self::Private { key, .. }, SlotKind::Public) => open_hpke(key.expose(), &place, slot.sealed()),
            (Self::Holder { key, .. }, SlotKind::Public) => open_hpke(key.seed(), &place, slot.sealed()),
            _ => Err(Unauthentic),
        }
    }
}

pub(crate) fn seal_hpke(
    key: &WrappingKey,
    place: &[u8],
    secret: &[u8; 32],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Malformed> {
    suite::seal_to(key, DeriveLabel::Slot.as_str().as_bytes(), place, secret, rng)
}

pub(crate) fn open_hpke(seed: &[u8; 32], place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unauthentic> {
    suite::open_from(seed, DeriveLabel::Slot.as_str().as_bytes(), place, sealed)
}
