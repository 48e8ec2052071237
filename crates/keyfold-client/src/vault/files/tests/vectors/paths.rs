//! Paths, and what is none.

use super::Named;
use crate::vault::files::VaultPath;
use serde_json::{Value as Json, json};

pub(super) fn check(name: &str, json: &Json) {
    match VaultPath::parse(json["path"].as_str().unwrap()) {
        Ok(path) => {
            let names: Vec<_> = path.names().iter().map(|name| name.as_str()).collect();
            assert_eq!((&json["expect"], &json["names"]), (&json!("ok"), &json!(names)), "{name}");
        }
        Err(error) => assert_eq!(json["expect"], json!(error.code.as_str()), "{name}"),
    }
}

pub(super) fn all() -> Vec<Named> {
    let good = |about: &str, path: &str, names: Vec<&str>| json!({ "about": about, "path": path, "names": names, "expect": "ok" });
    let bad = |about: &str, path: &str, expect: &str| json!({ "about": about, "path": path, "expect": expect });
    let deep = ["a"; 32].join("/");
    let long = "\u{fc}".repeat(128);
    vec![
        ("path-of-the-root", good("no name", "", vec![])),
        ("path-of-the-root-with-a-slash", good("a slash in front is left away", "/", vec![])),
        ("path-of-names", good("three names", "a/b c/\u{fc}.txt", vec!["a", "b c", "\u{fc}.txt"])),
        ("path-with-a-slash-in-front", good("a slash in front is left away", "/a/b", vec!["a", "b"])),
        ("path-of-dots", good("three dots, and one in front, are names", ".../.a", vec!["...", ".a"])),
        ("path-of-32-names", good("as many names as there may be", &deep, deep.split('/').collect())),
        ("path-of-the-longest-name", good("256 bytes", &long, vec![&long])),
        ("path-of-33-names", bad("one name too many", &format!("{deep}/a"), "TooMany")),
        ("path-of-a-name-that-is-too-long", bad("257 bytes", &format!("a{long}"), "BadText")),
        ("path-with-two-slashes", bad("a name without characters", "a//b", "BadText")),
        ("path-with-two-slashes-in-front", bad("only one is left away", "//a", "BadText")),
        ("path-with-a-slash-at-its-end", bad("a name without characters", "a/", "BadText")),
        ("path-with-a-dot", bad("`.` is no name", "a/./b", "BadText")),
        ("path-with-two-dots", bad("`..` is no name", "a/../b", "BadText")),
        ("path-with-a-control-character", bad("a line ends", "a\nb", "BadText")),
        ("path-with-a-late-control-character", bad("U+0085", "a\u{85}b", "BadText")),
        ("path-in-another-normal-form", bad("`u` and two dots as a character of their own", "u\u{308}", "BadText")),
    ]
}
