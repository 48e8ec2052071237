//! Public bytes of Keyfold: ids, the canonical encoding, labels, ledgers and their replay, signed statements and
//! their verification. It holds no secret and reaches no clock, network, file system or randomness.
//!
//! The bytes are specified in `docs/spec/`; every module names its page.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

extern crate alloc;

pub mod account;
pub mod audit;
pub mod cbor;
pub mod device_code;
pub mod entry;
pub mod envelope;
pub mod error;
pub mod id;
pub mod identity_uri;
pub mod key;
pub mod label;
pub mod limits;
mod normal;
pub mod padme;
pub mod permissions;
pub mod receipt;
pub mod rejected;
pub mod scope;
pub mod sorted;
pub mod succession;
pub mod text;
pub mod uri;
pub mod value;
pub mod wrap;

pub use device_code::DeviceCode;
pub use error::Malformed;
pub use id::{EntryHash, HolderId, IndexId, KeyFingerprint, ObjectId, ScopeId, ServerId};
pub use identity_uri::IdentityUri;
pub use key::{BadSignature, Signature, VerifyingKey, WrappingKey};
pub use permissions::Permissions;
pub use rejected::Rejected;
pub use text::{Name, UserId};
