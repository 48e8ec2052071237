//! The codes that may be thrown are those that the TypeScript client has a type for and that the docs explain: no
//! more, and none is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{collections::BTreeSet, path::Path};

fn project(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(file)).expect(file)
}

fn codes() -> BTreeSet<String> {
    keyfold_wasm::error_codes().into_iter().collect()
}

#[test]
fn typescript_has_a_type_for_exactly_the_codes_that_there_are() {
    let source = project("packages/client/src/error-codes.ts");
    let union = source.split_once("type ErrorCode =").unwrap().1.split_once(';').unwrap().0;
    let typed: BTreeSet<String> = union.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(typed, codes());
}

#[test]
fn the_docs_explain_exactly_the_codes_that_there_are() {
    let page = project("docs/errors.md");
    let explained: BTreeSet<String> =
        page.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect();
    assert_eq!(explained, codes());
}
