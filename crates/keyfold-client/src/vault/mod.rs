//! What a keychain stores: indexes and files, on the server of the home. It stands beside the session, which knows keychains and
//! asks one thing after the other: an index that was opened is read and written without it.
//!
//! Spec: `docs/spec/index.md`.

pub mod files;
mod index;
mod keys;
mod near;
mod server_store;

pub(crate) use index::index_id;
pub use index::{IndexBatch, IndexChanged, IndexDifference, IndexEntry, IndexPlace, IndexQuery, OpenIndex};
pub use keyfold_index::{Unsent, key};
pub(crate) use keys::KnownWriter;
pub use keys::VaultKeys;
pub(crate) use near::Near;
pub use near::NearStore;
pub use server_store::ServerStore;
