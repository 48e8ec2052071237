//! A recovery secret from a password, with a server that helps without learning it: whoever has the server's database
//! alone cannot try passwords, and whoever asks the server can try one at a time.
//!
//! Spec: `docs/spec/recovery.md`, "Password".

use crate::{
    secret::RecoverySecret,
    suite::{Login, OpaqueFault, Registration, derive},
};
use alloc::vec::Vec;
use core::fmt;
use keyfold_format::{ScopeId, label::DeriveLabel, limits};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Why there is no recovery secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Empty, or longer than 1,024 bytes.
    #[error("a password has 1 to 1,024 bytes")]
    Length,
    /// The server's answer is none.
    #[error("the server's answer does not follow the protocol")]
    Malformed,
    /// Another password than was set, or none was.
    #[error("this is not the password, or none was set")]
    Wrong,
    /// The machine does not have 64 MiB to spare.
    #[error("there is no memory for Argon2id: it takes 64 MiB")]
    NoMemory,
}

impl From<OpaqueFault> for PasswordError {
    fn from(fault: OpaqueFault) -> Self {
        match fault {
            OpaqueFault::Malformed => Self::Malformed,
            OpaqueFault::Wrong => Self::Wrong,
            OpaqueFault::NoMemory => Self::NoMemory,
        }
    }
}

impl PasswordError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "BadText",
            Self::Malformed => "Malformed",
            Self::Wrong => "WrongPassword",
            Self::NoMemory => "Io",
        }
    }
}

/// Setting a password, until the server answered.
pub struct PasswordRegistration {
    state: Registration,
    password: Password,
}

/// Recovering with a password, until the server answered.
pub struct PasswordLogin {
    state: Login,
    password: Password,
}

impl PasswordRegistration {
    /// The request for the server, 32 bytes. The password is in normal form C.
    pub fn start(password: &str, rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), PasswordError> {
        let password = Password::new(password)?;
        let (state, request) = Registration::start(&password.0, rng).ok_or(PasswordError::Length)?;
        Ok((Self { state, password }, request))
    }

    /// What it takes besides the password to go on with [`Self::resume`]: for who cannot keep this while he waits.
    pub fn state(&self) -> Zeroizing<Vec<u8>> {
        self.state.state()
    }

    /// Goes on from [`Self::state`], with the same password.
    pub fn resume(password: &str, state: &[u8]) -> Result<Self, PasswordError> {
        let state = Registration::resume(state).ok_or(PasswordError::Malformed)?;
        Ok(Self { state, password: Password::new(password)? })
    }

    /// The secret, and the record for the server, 192 bytes, from its response. Takes the best part of a second.
    pub fn finish(
        self,
        response: &[u8],
        account: &ScopeId,
        rng: &mut impl CryptoRng,
    ) -> Result<(RecoverySecret, Vec<u8>), PasswordError> {
        let (record, export_key) = self.state.finish(&self.password.0, account.as_bytes(), response, rng)?;
        Ok((secret(&export_key, account), record))
    }
}

impl PasswordLogin {
    /// The request for the server, 96 bytes. The password is in normal form C.
    pub fn start(password: &str, rng: &mut impl CryptoRng) -> Result<(Self, Vec<u8>), PasswordError> {
        let password = Password::new(password)?;
        let (state, request) = Login::start(&password.0, rng).ok_or(PasswordError::Length)?;
        Ok((Self { state, password }, request))
    }

    /// What it takes besides the password to go on with [`Self::resume`]: for who cannot keep this while he waits.
    pub fn state(&self) -> Zeroizing<Vec<u8>> {
        self.state.state()
    }

    /// Goes on from [`Self::state`], with the same password.
    pub fn resume(password: &str, state: &[u8]) -> Result<Self, PasswordError> {
        let state = Login::resume(state).ok_or(PasswordError::Malformed)?;
        Ok(Self { state, password: Password::new(password)? })
    }

    /// The secret, from the server's response. Takes the best part of a second, whatever comes out.
    pub fn finish(
        self,
        response: &[u8],
        account: &ScopeId,
        rng: &mut impl CryptoRng,
    ) -> Result<RecoverySecret, PasswordError> {
        let context = context(account);
        let export_key = self.state.finish(&self.password.0, account.as_bytes(), &context, response, rng)?;
        Ok(secret(&export_key, account))
    }
}

/// `Derive(export key, account id, "KF1 recovery password", "", 32)`
fn secret(export_key: &[u8; 64], account: &ScopeId) -> RecoverySecret {
    RecoverySecret::from_array(&derive(export_key, account.as_bytes(), DeriveLabel::RecoveryPassword, &[]))
}

/// `"KF1 recovery password" ‖ 00 ‖ account id`
fn context(account: &ScopeId) -> Vec<u8> {
    [DeriveLabel::RecoveryPassword.as_str().as_bytes(), &[0], account.as_bytes()].concat()
}

struct Password(Zeroizing<Vec<u8>>);

impl Password {
    fn new(text: &str) -> Result<Self, PasswordError> {
        match text.len() {
            1..=limits::PASSWORD_BYTES => Ok(Self(Zeroizing::new(text.as_bytes().to_vec()))),
            _ => Err(PasswordError::Length),
        }
    }
}

impl fmt::Debug for PasswordRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordRegistration(…)")
    }
}

impl fmt::Debug for PasswordLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordLogin(…)")
    }
}
