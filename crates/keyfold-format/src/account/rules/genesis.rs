//! `Genesis`: founds an account; its first device is the author.

use super::super::{
    entry::Entry,
    op::{AccountOp, Genesis},
};
use crate::Rejected;

/// The genesis of an entry that stands where one does.
pub(in super::super) fn check_genesis_frame(entry: &Entry) -> Result<&Genesis, Rejected> {
    let [AccountOp::Genesis(genesis)] = entry.ops.as_slice() else { return Err(Rejected::GenesisMisplaced) };
    if entry.scope.is_some() {
        return Err(Rejected::WrongScope);
    }
    if entry.seq != 0 {
        return Err(Rejected::WrongSeq);
    }
    if entry.prev.is_some() {
        return Err(Rejected::WrongPrev);
    }
    if entry.author == genesis.device.id() { Ok(genesis) } else { Err(Rejected::NotAHolder) }
}
