//! The evil server, people with real clients, the real binary: what end-to-end tests need. Nothing of it is shipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod disk;
pub mod evil;
pub mod hand;
pub mod interaction;
pub mod keyfold_bin;
pub mod lies;
pub mod numbered;
pub mod people;
pub mod port;
pub mod table;

/// The guides to storages: what is shown there compiles.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../docs/guides/storage-s3.md")]
    mod storage_s3 {}
    #[doc = include_str!("../../docs/guides/storage-supabase.md")]
    mod storage_supabase {}
}
