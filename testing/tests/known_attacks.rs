//! `docs/why/known-attacks.md` names tests: each is there, under that name.

use std::{fs, path::PathBuf};

#[test]
fn every_test_that_the_page_of_known_attacks_names_exists() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let page = fs::read_to_string(root.join("docs/why/known-attacks.md")).unwrap();
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("- `")) {
        // - `file`: `test`, `test`
        let mut quoted = line.split('`').skip(1).step_by(2);
        let file = quoted.next().unwrap();
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for test in quoted {
            let found = source.contains(&format!("fn {test}(")) || source.contains(&format!("\"{test}"));
            assert!(found, "{file} has no test {test}");
            named += 1;
        }
    }
    assert!(named >= 35, "only {named} tests are named");
}
