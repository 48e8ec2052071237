//! The account ledger: who a person is. Devices and recovery methods that hold the master key, and the public
//! halves of the keys that each generation of it yields.
//!
//! Spec: `docs/spec/account-ledger.md`.

mod entry;
mod ledger;

pub use entry::{AccountKeys, AccountOp, DeviceKeys, Entry, Genesis};
pub use ledger::{Holder, Ledger};
