//! Ways back into one's account, and what using one did.
//!
//! Spec: `docs/spec/cli.md`, "recovery".

use super::WhoAmI;
use keyfold_format::account::RecoveryMethod;
use serde::Serialize;

/// What the secret of a way back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum RecoveryKind {
    /// A password, with a server that never learns it.
    Password,
    /// Words on paper.
    Paper,
    /// Shares, of which some suffice.
    Shares,
    /// What a passkey's authenticator derives.
    Passkey,
}

impl From<RecoveryMethod> for RecoveryKind {
    fn from(method: RecoveryMethod) -> Self {
        match method {
            RecoveryMethod::Password => Self::Password,
            RecoveryMethod::Shares => Self::Shares,
            RecoveryMethod::Passkey => Self::Passkey,
            _ => Self::Paper,
        }
    }
}

impl From<RecoveryKind> for RecoveryMethod {
    fn from(kind: RecoveryKind) -> Self {
        match kind {
            RecoveryKind::Password => Self::Password,
            RecoveryKind::Paper => Self::Paper,
            RecoveryKind::Shares => Self::Shares,
            RecoveryKind::Passkey => Self::Passkey,
        }
    }
}

/// One way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Its id.
    pub recovery_id: String,
    /// What it is.
    pub method: RecoveryKind,
    /// What it is called.
    pub label: Option<String>,
    /// When it was added, as who added it claims.
    pub added_at: u64,
    /// The device or way back that added it.
    pub added_by: Option<String>,
}

/// Which ways back there are, and what is missing. Oldest first: an older one can take away a younger one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryStatus {
    /// The ways back.
    pub methods: Vec<Recovery>,
    /// What should be done; empty is well.
    pub missing: Vec<RecoveryGap>,
}

/// What is missing of one's ways back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum RecoveryGap {
    /// There is none: whoever loses all devices loses the account, and a thief of one device may keep it.
    NoRecovery,
    /// Passkeys alone: a provider of passkeys can lose them or withhold them.
    OnlyPasskeys,
    /// None that works without this server's help or a provider's: neither paper nor shares.
    NothingOffline,
}

/// What somebody sees of his account who only signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryStarted {
    /// The account.
    pub account_id: String,
    /// The ways back that it has, oldest first.
    pub methods: Vec<Recovery>,
    /// The ids of its devices, oldest first.
    pub device_ids: Vec<String>,
}

/// What using a way back did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// Who one is, on this device.
    #[serde(flatten)]
    pub who: WhoAmI,
    /// The devices that are out.
    pub revoked_device_ids: Vec<String>,
    /// The ways back that are gone with them.
    pub removed_recovery_ids: Vec<String>,
}
