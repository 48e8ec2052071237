//! The account ledger: who a person is. Devices and recovery methods that hold the master key, and the public
//! halves of the keys that each generation of it yields.
//!
//! Spec: `docs/spec/account-ledger.md`.

mod entry;
mod holders;
mod ledger;
mod op;
mod rules;
mod signatures;

pub use entry::Entry;
pub use holders::{Holder, HolderKind};
pub use ledger::Ledger;
pub use op::{
    AccountKeys, AccountOp, AddRecovery, Genesis, HolderKeys, RecoveryMethod, RevokeDevice, RotateAccount, SetPrivate,
};
pub use signatures::holder_statement;
