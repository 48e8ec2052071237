//! What crosses the wire between a Keyfold client and server, and nothing else: requests, responses, events, error
//! codes, and the signatures of requests and responses. No I/O, no clock, no randomness: time and nonces are arguments.
//!
//! Spec: `docs/spec/http.md`.
#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod code;
pub mod error;
pub mod events;
pub mod limits;
mod record;
pub mod route;
pub mod signing;
pub mod wire;

pub use code::{Class, Code};
pub use error::{Details, ErrorBody};
