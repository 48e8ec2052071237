//! The rules, one file per op: first every condition, then the effect. Nothing is changed before all is checked.

mod add_device;
mod add_recovery;
mod genesis;
mod remove_recovery;
mod revoke_device;
mod rotate_account;
mod rotate_device;
mod set_private;

use super::{
    entry::Entry,
    holders::{Holder, Holders},
    op::{AccountKeys, AccountOp, SetPrivate},
};
use crate::Rejected;

pub(super) use genesis::check_genesis_frame;

/// What the ops of an entry change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) holders: Holders,
    pub(super) private: Option<SetPrivate>,
}

/// What the rules of an op are told besides the state.
pub(super) struct Context<'a> {
    /// The entry, whose author and new keys have signed.
    pub(super) entry: &'a Entry,
    /// The author, as he was before it.
    pub(super) author: &'a Holder,
    /// All generations before it.
    pub(super) generations: &'a [AccountKeys],
}

impl Context<'_> {
    /// Whether the entry makes a generation; `RevokeDevice` and `RemoveRecovery` need one, or whom they take away
    /// would hold the newest.
    fn check_rotates(&self) -> Result<(), Rejected> {
        let rotates = self.entry.ops.iter().any(|op| matches!(op, AccountOp::RotateAccount(_)));
        if rotates { Ok(()) } else { Err(Rejected::RevocationWithoutRotation) }
    }
}

/// Checks an op and applies it.
pub(super) fn apply(state: &mut State, op: &AccountOp, context: &Context<'_>) -> Result<(), Rejected> {
    match op {
        AccountOp::Genesis(_) => Err(Rejected::GenesisMisplaced),
        AccountOp::AddDevice(keys) => add_device::add_device(state, keys, context),
        AccountOp::RevokeDevice(op) => revoke_device::revoke_device(state, op, context),
        AccountOp::RotateDevice(keys) => rotate_device::rotate_device(state, keys, context),
        AccountOp::AddRecovery(op) => add_recovery::add_recovery(state, op, context),
        AccountOp::RemoveRecovery(recovery) => remove_recovery::remove_recovery(state, recovery, context),
        AccountOp::RotateAccount(op) => rotate_account::check_rotate_account(op, context),
        AccountOp::SetPrivate(op) => set_private::set_private(state, op),
    }
}
