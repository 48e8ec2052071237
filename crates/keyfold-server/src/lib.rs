//! Keyfold server: stores ledgers, wraps and events that it cannot read, and refuses what the ledger does not allow.
//!
//! A route calls the domain, the domain calls the store; a route never calls the store.
#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod clock;
mod config;
mod domain;
mod gate;
mod http;
mod hub;
mod limits;
mod opaque;
mod private;
mod secrets;
mod server;
mod store;
mod stream;

pub use config::{Config, DatabaseAddress};
pub use gate::{Gate, OidcConfig, PasskeyConfig};
pub use limits::{Rate, Rates};
pub use secrets::{NextKey, SecretsError};
pub use server::{Running, Server, StartError};
