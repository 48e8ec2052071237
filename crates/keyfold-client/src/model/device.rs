//! One's own devices, and those that ask to be let in. Apart, for nobody else ever sees them.
//!
//! Spec: `docs/spec/cli.md`, "device".

use keyfold_core::safety::SafetyWords;
use serde::{Serialize, Serializer};

/// A device of one's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its id.
    pub device_id: String,
    /// What it is called.
    pub label: Option<String>,
    /// When it was added, as who added it claims.
    pub added_at: u64,
    /// The device or recovery method that added it; a first device has none.
    pub added_by: Option<String>,
    /// Whether it is this one.
    pub is_current: bool,
    /// Since when it is logged in, as the server says. `None` if it is logged out, or the server was not asked.
    pub logged_in_since: Option<u64>,
    /// When it last asked the server something, to a minute, as the server says.
    pub last_used: Option<u64>,
}

/// What a device shows that asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRequested {
    /// The device.
    pub device_id: String,
    /// For a device that is in: to be scanned or pasted there. It holds no secret.
    pub code: String,
    /// Eight words that the device that is in shows too.
    #[serde(serialize_with = "words")]
    pub words: SafetyWords,
    /// When the request is forgotten.
    pub expires_at: u64,
}

#[cfg(feature = "native")]
impl DeviceRequested {
    /// The words as people say them.
    pub fn words(&self) -> String {
        crate::identity::spelled::text(&self.words)
    }
}

#[cfg(feature = "native")]
impl DeviceRequest {
    /// The words as people say them.
    pub fn words(&self) -> String {
        crate::identity::spelled::text(&self.words)
    }
}

/// A device that asks to be let into one's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRequest {
    /// The device.
    pub device_id: String,
    /// What it calls itself.
    pub label: Option<String>,
    /// Eight words that the device shows too, if it is that one.
    #[serde(serialize_with = "words")]
    pub words: SafetyWords,
    /// When the request is forgotten.
    pub expires_at: u64,
}

/// What a revocation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedDevices {
    /// The devices that are out: those that were named, and those that they had let in.
    pub device_ids: Vec<String>,
    /// The account's generation since.
    pub generation: u32,
}

/// As text where the list is, else as numbers in it.
fn words<S: Serializer>(words: &SafetyWords, serializer: S) -> Result<S::Ok, S::Error> {
    #[cfg(feature = "native")]
    return serializer.serialize_str(&crate::identity::spelled::text(words));
    #[cfg(not(feature = "native"))]
    return serializer.collect_seq(words.numbers());
}
