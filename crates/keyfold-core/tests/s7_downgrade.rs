//! S7: other versions, suites, segment sizes and flags are refused before any key is asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use keyfold_core::{
    envelope::{self, Options},
    value::{self, Value},
};
use keyfold_format::envelope::PREFIX_BYTES;
use support::{BoxKey, SeededRng};

fn code_without_any_key(envelope: &[u8]) -> &'static str {
    envelope::open_slice(envelope, b"", |_| panic!("a key was asked for")).unwrap_err().code()
}

/// An envelope whose byte at `at`, which must be `was`, is `byte`.
fn with(at: usize, was: u8, byte: u8) -> Vec<u8> {
    let alice = BoxKey::new(1);
    let mut rng = SeededRng::new("s7");
    let mut bytes = envelope::seal_to_vec(&Options::default(), &[alice.writer()], b"hello", None, &mut rng).unwrap();
    assert_eq!(bytes[at], was);
    bytes[at] = byte;
    bytes
}

// header: 83, fixed as a byte string 58 6a, then 86, suite, 58 20 object id, segment bits, flags, …
const FIXED: usize = PREFIX_BYTES + 3;
const SUITE: usize = FIXED + 1;
const BITS: usize = SUITE + 1 + 34;
const FLAGS: usize = BITS + 1;
const KIND: usize = FIXED + 106 + 1 + 1;

#[test]
fn every_other_version_is_unsupported() {
    for version in (0..=255).filter(|version| *version != 1) {
        assert_eq!(code_without_any_key(&with(8, 1, version)), "Unsupported", "{version}");
    }
}

#[test]
fn every_other_suite_is_unsupported() {
    for suite in (0..24).filter(|suite| *suite != 1) {
        assert_eq!(code_without_any_key(&with(SUITE, 1, suite)), "Unsupported", "{suite}");
    }
}

#[test]
fn every_other_segment_size_is_unsupported() {
    for bits in (0..24).filter(|bits| *bits != 16) {
        assert_eq!(code_without_any_key(&with(BITS, 16, bits)), "Unsupported", "{bits}");
    }
}

#[test]
fn every_unknown_flag_is_unsupported() {
    for flags in 4..24 {
        assert_eq!(code_without_any_key(&with(FLAGS, 0, flags)), "Unsupported", "{flags}");
    }
}

#[test]
fn every_unknown_kind_of_slot_is_unsupported() {
    for kind in 2..24 {
        assert_eq!(code_without_any_key(&with(KIND, 1, kind)), "Unsupported", "{kind}");
    }
}

#[test]
fn a_known_flag_that_the_writer_did_not_set_does_not_open() {
    let alice = BoxKey::new(1);
    for flags in 1..4 {
        let opened = envelope::open_slice(&with(FLAGS, 0, flags), b"", |f| alice.reader(f));
        assert_eq!(opened.unwrap_err().code(), "Unauthentic", "{flags}");
    }
}

#[test]
fn a_value_of_another_version_or_form_is_unsupported() {
    let alice = BoxKey::new(1);
    let good = value::seal(&Value::Boolean(true), &alice.writer(), b"", &mut SeededRng::new("s7")).unwrap();
    for (at, known) in [(3, 1_u8), (4, 0)] {
        for byte in (0..=255).filter(|byte| *byte != known && (at, *byte) != (4, 1)) {
            let mut other = good.clone();
            assert_eq!(other[at], known);
            other[at] = byte;
            let opened = value::open(&other, b"", |_| panic!("a key was asked for"));
            assert_eq!(opened.unwrap_err().code(), "Unsupported", "{at} {byte}");
        }
    }
    let mut boxed = good;
    boxed[4] = 1;
    assert!(value::open(&boxed, b"", |f| alice.reader(f)).is_err());
}
