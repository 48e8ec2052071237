#![doc = include_str!("../README.md")]
//!
//! Besides these:
//!
//! - [`Index::changes`] and [`Snapshot::changes_since`] say what is not as it was at a former moment.
//! - [`Snapshot::check`] reads every node and value, and says what is wrong and where.
//! - [`sweep()`] deletes what no index of a storage refers to: left behind by writers that died.
//! - [`Index::seal_unsent`] seals changes that wait until the storage is reached.
//! - [`store::conformance`] tries a storage out. Whoever writes one runs it against the real thing.
//! - [`IndexError`] says what went wrong, each with a stable code.
//!
//! ```
//! use keyfold_core::{KeychainKey, SigningKey, StateKey};
//! use keyfold_format::{EntryHash, IndexId, ScopeId, Signature, entry::Head, label::SignatureLabel};
//! use keyfold_index::{Author, Batch, Index, IndexError, Keys, Moment, Query, store::MemoryStore};
//!
//! /// A keychain with one key and one member.
//! struct Alone {
//!     key: KeychainKey,
//!     signing: SigningKey,
//! }
//!
//! impl Keys for Alone {
//!     fn current(&self) -> u32 {
//!         1
//!     }
//!
//!     fn index_key(&self, number: u32, index: &IndexId, tree: u16) -> Option<StateKey> {
//!         (number == 1).then(|| self.key.index_key(index, tree))
//!     }
//!
//!     fn author(&self) -> Author {
//!         Author { account: ScopeId([1; 32]), head: Head { seq: 0, hash: EntryHash([0; 32]) } }
//!     }
//!
//!     fn sign(&self, record: &[u8]) -> Signature {
//!         self.signing.sign(SignatureLabel::IndexRoot, &[record])
//!     }
//!
//!     fn may_write(&self, author: &Author, _generation: u64, record: &[u8], signature: &Signature) -> bool {
//!         let key = self.signing.verifying_key();
//!         *author == self.author() && key.verify(SignatureLabel::IndexRoot, &[record], signature).is_ok()
//!     }
//! }
//!
//! # struct Dice(u64);
//! # impl rand_core::TryRng for Dice {
//! #     type Error = std::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
//! #         self.try_next_u64().map(|number| number as u32)
//! #     }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
//! #         self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
//! #         Ok(self.0)
//! #     }
//! #     fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
//! #         for byte in out {
//! #             *byte = (self.try_next_u64()? >> 56) as u8;
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! # impl rand_core::TryCryptoRng for Dice {}
//! # fn system_randomness() -> Dice {
//! #     Dice(7)
//! # }
//! # let secret = [7; 32];
//! # let now_ms = 1_800_000_000_000;
//! # futures_executor::block_on(async {
//! let key = KeychainKey::from_slice(&secret).ok_or(IndexError::NoKey(1))?;
//! let keys = Alone { key, signing: SigningKey::from_seed(&secret) };
//! let index = Index::new(MemoryStore::default(), keys, "contacts", IndexId([7; 32]), None);
//!
//! let mut batch = Batch::new();
//! batch.put(0, b"alice", b"1").put(0, b"bob", b"2");
//! index.commit(batch, Moment { now_ms, rng: &mut system_randomness() }).await?;
//!
//! let snapshot = index.latest().await?;
//! assert_eq!(snapshot.count(0, &Query::prefix(b"b")).await?, 1);
//! assert!(snapshot.get(0, b"bob").await?.is_some_and(|value| *value == b"2"));
//! assert!(snapshot.check().await?.wrong.is_empty());
//! # Ok::<_, IndexError>(())
//! # }).unwrap();
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod batch;
mod build;
mod change;
mod check;
mod commit;
mod descent;
mod difference;
mod error;
mod former;
mod found;
mod index;
pub mod key;
pub mod limits;
mod node;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod parsers;
mod query;
mod range;
mod rank;
mod record;
mod retired;
mod seal;
mod snapshot;
mod state;
pub mod store;
mod sweep;
mod tree;
mod unsent;
mod waiting;

pub use batch::Batch;
pub use check::{Checked, Wrong};
pub use difference::{Changed, Difference};
pub use error::{IndexError, Result};
pub use index::{Index, Moment, Seen};
pub use query::Query;
pub use range::{Page, Range};
pub use seal::{Author, Keys};
pub use snapshot::{Entry, Snapshot};
pub use sweep::{Holder, Named, Swept, sweep};
pub use unsent::Unsent;
