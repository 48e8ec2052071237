//! Recovery methods: what a person keeps so that losing every device does not lose the account. Each comes to a secret
//! of 32 bytes, from which a holder's key pairs derive, so nobody who seals a master key needs that secret.
//!
//! Spec: `docs/spec/recovery.md`.

mod keys;
mod paper;
#[cfg(feature = "recovery-password")]
mod password;
#[cfg(feature = "recovery-shares")]
mod shares;

#[cfg(feature = "recovery-password")]
pub use password::{PasswordError, PasswordLogin, PasswordRegistration};
#[cfg(feature = "recovery-shares")]
pub use shares::{Share, ShareError};
pub use {
    keys::RecoveryKeys,
    paper::{PaperError, PaperWords},
};
