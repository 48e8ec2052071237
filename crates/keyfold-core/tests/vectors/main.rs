//! The language-neutral vectors in `vectors/`. Each is checked twice over: the bytes are made again from the inputs
//! that the vector names, and then, with its edits, opened. A name says how a vector must fail.
//!
//! They are written by `cargo test -p keyfold-core --test vectors -- --ignored regenerate`; those of `primitives/`
//! come from their standards and are not written by anything here.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod devices;
mod envelope;
mod keys;
mod primitives;
mod recovery;
mod scaffold;
#[path = "../support/mod.rs"]
mod support;
mod value;
mod wrap;

use scaffold::each;

#[test]
fn envelopes() {
    each("envelope", envelope::check);
}

#[test]
fn values() {
    each("value", value::check);
}

#[test]
fn wraps() {
    each("wrap", wrap::check);
}

#[test]
fn derivations() {
    each("derive", keys::check);
}

#[test]
fn recoveries() {
    each("recovery", recovery::check);
}

#[test]
fn devices_that_come_in() {
    each("devices", devices::check);
}

#[test]
fn primitives_of_the_suite() {
    each("primitives", primitives::check);
}

#[test]
#[ignore = "writes the vectors; run it when a format changes, and look at what changed"]
fn regenerate() {
    for (folder, vectors) in [
        ("envelope", envelope::generate()),
        ("value", value::generate()),
        ("wrap", wrap::generate()),
        ("derive", keys::generate()),
        ("recovery", recovery::generate()),
        ("devices", devices::generate()),
    ] {
        scaffold::write(folder, &vectors);
    }
}
