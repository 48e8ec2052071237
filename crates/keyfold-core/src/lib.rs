#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

extern crate alloc;

pub mod access;
pub mod account;
pub mod device;
pub mod enrolment;
pub mod envelope;
pub mod keychain;
#[cfg(feature = "password")]
pub mod lock;
#[cfg(feature = "password")]
pub mod password;
pub mod recovery;
pub mod safety;
pub mod secret;
pub mod sign;
mod suite;
pub mod value;

pub use access::{ReaderKey, WriterKey};
pub use secret::{DataKey, DeviceSeed, HistorySecret, KeychainKey, LockKey, MasterKey, PayloadKey, RecoverySecret};
pub use suite::{SigningKey, StateKey, WrappingSecret};
