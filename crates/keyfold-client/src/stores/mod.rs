//! Storages for encrypted indexes: a folder, a bucket (feature `bucket`), a database (feature `postgres`). Each keeps the contract of [`Store`], which its
//! conformance checks say, and none is trusted: what comes back is checked by who asked.
//!
//! Spec: `docs/spec/index.md`, "What a storage offers".

#[cfg(feature = "bucket")]
mod bucket;
#[cfg(feature = "native")]
mod directory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "native")]
mod stamped;

#[cfg(feature = "bucket")]
pub use bucket::BucketStore;
#[cfg(feature = "native")]
pub use directory::DirectoryStore;
pub use keyfold_format::ObjectId;
pub use keyfold_index::store::{
    MAX_OBJECT, MAX_REFERENCE, MemoryStore, Reference, Store, StoreError, Swapped, conformance,
};
#[cfg(feature = "bucket")]
pub use object_store;
#[cfg(feature = "postgres")]
pub use postgres::{POSTGRES_MIGRATION, PostgresStore};

use std::time::Duration;

/// How old an object is before it is listed: longer than any write takes, so that no sweep takes what somebody is about
/// to name.
pub const LISTED_AFTER: Duration = Duration::from_secs(60 * 60);

/// Ids of one page of a list.
#[cfg(feature = "native")]
const PAGE: usize = 1_000;
