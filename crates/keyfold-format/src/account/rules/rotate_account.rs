//! `RotateAccount`: the next generation of the account's keys. Whom the entry took away does not get them.

use super::{
    super::op::{AccountOp, RotateAccount},
    Context,
};
use crate::Rejected;

/// The effect is the ledger's own: generations are only ever added to.
pub(super) fn check_rotate_account(op: &RotateAccount, context: &Context<'_>) -> Result<(), Rejected> {
    if context.entry.ops.iter().filter(|op| matches!(op, AccountOp::RotateAccount(_))).count() > 1 {
        return Err(Rejected::RotatedTwice);
    }
    if op.generation as usize != context.generations.len() {
        return Err(Rejected::WrongGeneration);
    }
    // Whoever was put out may hold a former key.
    if context.generations.iter().any(|former| former.meets(&op.keys)) {
        return Err(Rejected::KeyRepeated);
    }
    Ok(())
}
