#![cfg_attr(feature = "native", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "native"),
    doc = "Keyfold client: a session over any host, and the state machine that decides."
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod audit;
mod error;
mod host;
mod identity;
mod machine;
mod model;
mod permissions;
mod session;
mod vault;

#[cfg(feature = "native")]
mod native;
pub mod stores;

pub use audit::{
    AUDIT_FILE_BYTES, AccountState, Audit, AuditAction, AuditAfter, AuditComparison, AuditEntry, AuditMember,
    AuditPrincipal, AuditProposal, AuditReceipt, AuditState, AuditedFile, EvidenceReport, KeychainState, is_audit_file,
    verify_audit_file,
};
pub use error::{Error, Result};
pub use host::{Content, Host, HttpRequest, HttpResponse, NearPut, Put, StoreFault, Unreachable};
pub use identity::{AcceptedIdentity, Compared, Identity};
pub use keyfold_core::safety::{SafetyInput, SafetyWords};
pub use keyfold_core::{DeviceSeed, PayloadKey, RecoverySecret, enrolment::EnrolmentText, envelope, value::Value};
pub use keyfold_format::{IndexId, id::base64url};
pub use keyfold_index::{Checked, IndexError, Wrong};
pub use keyfold_protocol::{Class, Code, events, signing::Method};
pub use model::*;
#[cfg(feature = "native")]
pub use native::*;
pub use session::{
    About, ENROLMENT_TEXT_MS, EncryptedValue, NamedKey, NewRecovery, REPAIR_WITHIN_MS, RecoverOptions, RecoveryProof,
    Revoke, SealedHead, Session, SignIn, SignInProof, Stopped, Subscription, TrailerCheck, verify_signature,
};
pub use vault::files::{self, FileVersion, ItemKind, StillReadable, VaultItem, VaultPath, VaultSwept};
pub use vault::{
    IndexBatch, IndexChanged, IndexDifference, IndexEntry, IndexPlace, IndexQuery, NearStore, OpenIndex, ServerStore,
    Unsent, VaultKeys, key,
};
pub use zeroize::Zeroizing;
