//! A device's keys, from a seed that never leaves it.
//!
//! Spec: `docs/spec/wraps.md`, "Devices".

use crate::{
    secret::DeviceSeed,
    suite::{SigningKey, StateKey, WrappingSecret, derive},
};
use keyfold_format::{HolderId, Malformed, key::device_id, label::DeriveLabel};

/// The keys of one device.
#[derive(Debug)]
pub struct DeviceKeys {
    /// Signs requests and account entries.
    pub signing: SigningKey,
    /// Opens the master key's envelope.
    pub wrapping: WrappingSecret,
    /// Seals what the device stores.
    pub storage: StateKey,
}

impl DeviceKeys {
    /// `Derive(device seed, "", label, "", 32)`, one label for each.
    pub fn derive(seed: &DeviceSeed) -> Result<Self, Malformed> {
        let derive = |label| derive::<32>(seed.expose(), &[], label, &[]);
        Ok(Self {
            signing: SigningKey::from_seed(&derive(DeriveLabel::DeviceSigningKey)),
            wrapping: WrappingSecret::from_seed(&derive(DeriveLabel::DeviceWrappingKey))?,
            storage: StateKey::derived(seed.expose(), &[], DeriveLabel::DeviceStorage, &[], DeriveLabel::DeviceStorage),
        })
    }

    /// `H("KF1 device id", signing public key ‖ wrapping public key)`
    pub fn id(&self) -> HolderId {
        device_id(&self.signing.verifying_key(), self.wrapping.public())
    }
}
