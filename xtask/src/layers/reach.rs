//! The crates that a layer without I/O brings along. They are listed by `cargo tree` for that layer alone, since
//! the metadata of a workspace shows each dependency with the features that anybody in the workspace asked for.

use crate::project::{self, Project};
use cargo_metadata::Metadata;
use std::collections::BTreeSet;

/// The layers that take time and randomness as arguments, with the features in which they do.
const PURE: &[(&str, &str)] = &[
    ("keyfold-format", "--all-features"),
    ("keyfold-core", "--all-features"),
    ("keyfold-index", "--all-features"),
    ("keyfold-protocol", "--all-features"),
    ("keyfold-client", "--no-default-features"),
];

/// Clocks, sockets, files, runtimes and ambient randomness. Not `rand`: what it has of itself draws from `getrandom`,
/// and without that it is traits.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "chrono",
    "fastrand",
    "fs4",
    "getrandom",
    "hyper",
    "instant",
    "jiff",
    "js-sys",
    "memmap2",
    "mio",
    "notify",
    "polling",
    "redb",
    "reqwest",
    "rusqlite",
    "rustix",
    "smol",
    "socket2",
    "sqlx",
    "sqlx-core",
    "tempfile",
    "time",
    "tokio",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
    "web-time",
];

/// Everything impure that the layers without I/O reach.
pub(super) fn check(project: &Project, metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut violations = Vec::new();
    for &(layer, features) in PURE {
        // The table is written for the whole design; a layer may not be there yet.
        if !metadata.workspace_packages().iter().any(|package| package.name.as_str() == layer) {
            continue;
        }
        let mut tree = project.cargo();
        tree.args(["tree", "--locked", "--package", layer, features, "--edges", "normal", "--target", "all"]);
        tree.args(["--prefix", "none", "--format", "{p}"]);
        let tree = project::printed(&mut tree)?;
        violations.extend(impure(&tree).map(|name| {
            format!("{layer} reaches {name} (`cargo tree -p {layer} {features} -e normal --target all -i {name}`)")
        }));
    }
    Ok(violations)
}

/// The impure ones among lines such as `name v1.2.3 (…)`.
fn impure(tree: &str) -> impl Iterator<Item = &str> {
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.into_iter().filter(|name| IMPURE.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_or_a_socket_in_the_tree_is_found() {
        let tree = "keyfold-format v0.1.0 (/somewhere)\nminicbor v2.3.0\ntokio v1.54.0\ngetrandom v0.4.1 (*)\n";
        assert_eq!(impure(tree).collect::<Vec<_>>(), ["getrandom", "tokio"]);
    }

    #[test]
    fn a_name_that_only_begins_alike_is_not() {
        assert_eq!(impure("timeless v1.0.0\nrand_core v0.10.1\n").count(), 0);
    }
}
