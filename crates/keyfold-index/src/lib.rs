#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod build;
mod change;
mod check;
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
mod waiting;

pub use check::{Checked, Wrong};
pub use difference::{Changed, Difference};
pub use error::{IndexError, Result};
pub use index::{Batch, Index, Moment, Seen};
pub use query::Query;
pub use range::{Page, Range};
pub use seal::{Author, Keys};
pub use snapshot::{Entry, Snapshot};
pub use sweep::{Holder, Named, Swept, sweep};
