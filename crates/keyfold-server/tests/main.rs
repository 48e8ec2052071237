//! The server as its callers see it: signed requests over a real socket, a real database. One program for all tests:
//! what they are built from is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account_entries;
mod accounts;
mod dropped_requests;
mod events;
mod gates;
mod groups;
mod members;
mod missing_wraps;
mod passwords;
mod s18_replay;
mod scopes;
mod server;
mod storage;
mod support;
