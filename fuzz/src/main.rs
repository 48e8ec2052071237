//! libFuzzer's driver for one target, named by `KEYFOLD_FUZZ_TARGET`. Started by `cargo xtask fuzz TARGET`.
#![no_main]
#![allow(clippy::expect_used, clippy::panic)]

use keyfold_fuzz::{Target, target};
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("KEYFOLD_FUZZ_TARGET").expect("KEYFOLD_FUZZ_TARGET names a target");
    target(&name).unwrap_or_else(|| panic!("there is no target {name}"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
