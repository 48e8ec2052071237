//! An index as its callers see it, on storages that keep, lose, alter, delay and take back. One program for all tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cached;
mod changes;
mod conformance;
mod faults;
mod forge;
mod interplay;
mod model;
mod reading;
mod support;
mod sweeping;
mod tampering;
mod together;
mod unsent;
mod vectors;
mod writers;
