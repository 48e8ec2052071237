//! The ledger of a keychain or group: who is a member, which keys there are, who may do what.
//!
//! Spec: `docs/spec/keychain-ledger.md`. One file per noun: [`op`](Op) and [`entry`](Entry) are bytes, `state` is what
//! replay yields, `rules/` holds one file per op with every condition and effect of it, `ledger` drives them.

mod entry;
mod key_set;
mod ledger;
mod op;
mod past;
mod reach;
mod rules;
mod snapshot;
mod state;
mod wraps;

pub use entry::{Entry, Placed, ScopeEntry};
pub use key_set::KeySet;
pub use ledger::{Ledger, Ledgers};
pub use op::{
    Algorithm, Anchor, AnchoredRecord, Ban, CancelShare, Decision, DropKey, Expire, Genesis, HISTORY_LINK_BYTES,
    KEYCHAIN_RANK, KeyEntry, Observe, Op, Principal, Rotate, SetPermissions, Share, binding, key_fingerprint_message,
};
pub use past::Past;
pub use state::{Anchored, Kind, Member, MemberGroup, PendingShare, Proposal, State};
pub use wraps::{WrapFor, wraps_of_keys};
