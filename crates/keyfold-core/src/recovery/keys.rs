//! A recovery method's key pairs, from its secret: the same for all methods, and all that the ledger and the master
//! key's envelope know of one.
//!
//! Spec: `docs/spec/recovery.md`, "Keys".

use crate::{
    secret::RecoverySecret,
    suite::{SigningKey, WrappingSecret, derive},
};
use keyfold_format::{HolderId, Malformed, ScopeId, account::RecoveryMethod, key::recovery_id, label::DeriveLabel};

/// The keys of one recovery method of one account.
#[derive(Debug)]
pub struct RecoveryKeys {
    /// Signs account entries.
    pub signing: SigningKey,
    /// Opens the master key's envelope.
    pub wrapping: WrappingSecret,
}

impl RecoveryKeys {
    /// `Derive(recovery secret, account id, label, u8 method, 32)`, one label for each. One secret, used for two
    /// accounts or by two methods, has other keys each time.
    pub fn derive(secret: &RecoverySecret, account: &ScopeId, method: RecoveryMethod) -> Result<Self, Malformed> {
        let seed = |label| derive::<32>(secret.expose(), account.as_bytes(), label, &[method.number()]);
        Ok(Self {
            signing: SigningKey::from_seed(&seed(DeriveLabel::RecoverySigningKey)),
            wrapping: WrappingSecret::from_seed(&seed(DeriveLabel::RecoveryWrappingKey))?,
        })
    }

    /// `H("KF1 recovery id", signing public key ‖ wrapping public key)`
    pub fn id(&self) -> HolderId {
        recovery_id(&self.signing.verifying_key(), self.wrapping.public())
    }
}
