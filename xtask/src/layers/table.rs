//! Dependencies between our own crates, as declared: normal, build and development ones alike, in every feature.

use cargo_metadata::{Metadata, PackageId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The table: each crate that is handed out, and the ones of ours that it may name.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("keyfold-format", &[]),
    ("keyfold-core", &["keyfold-format"]),
    ("keyfold-index", &["keyfold-core", "keyfold-format"]),
    ("keyfold-protocol", &["keyfold-format"]),
    ("keyfold-client", &["keyfold-core", "keyfold-index", "keyfold-protocol", "keyfold-format"]),
    ("keyfold-server", &["keyfold-protocol", "keyfold-format"]),
    ("keyfold-wasm", &["keyfold-client"]),
    ("keyfold-wasm-recovery", &["keyfold-core", "keyfold-format"]),
    ("keyfold-cli", &["keyfold-client", "keyfold-server"]),
];

/// These see everything, and nothing sees them.
const TOOLS: &[&str] = &["keyfold-testing", "keyfold-benches", "keyfold-fuzz", "xtask"];

/// Pairs that may not meet by any way at all, through other people's crates included: a server that holds no code
/// that can decrypt cannot be talked into decrypting.
const NEVER_REACHES: &[(&str, &str)] = &[("keyfold-server", "keyfold-core"), ("keyfold-server", "keyfold-client")];

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Everything in the workspace that goes against the table.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let mut violations = against_table(&declared(metadata));
    let resolved = resolved(metadata);
    for (from, to) in NEVER_REACHES {
        if let Some(way) = way(&resolved, from, to) {
            violations.push(format!("{from} reaches {to}: {}", way.join(" -> ")));
        }
    }
    violations
}

/// Our crates, and which of ours their manifests name.
fn declared(metadata: &Metadata) -> Graph<'_> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
            (package.name.as_str(), ours.map(|dependency| dependency.name.as_str()).collect())
        })
        .collect()
}

/// All crates that cargo resolved, and what they depend on with all features on.
fn resolved(metadata: &Metadata) -> Graph<'_> {
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let mut graph = Graph::new();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        if let Some(name) = names.get(&node.id) {
            graph.entry(name).or_default().extend(node.dependencies.iter().filter_map(|id| names.get(id)));
        }
    }
    graph
}

fn against_table(declared: &Graph<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    for (name, dependencies) in declared.iter().filter(|(name, _)| !TOOLS.contains(name)) {
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| known == name) else {
            violations.push(format!("{name} has no row in the table of layers"));
            continue;
        };
        for dependency in dependencies.iter().filter(|dependency| !allowed.contains(dependency)) {
            violations.push(format!("{name} depends on {dependency}, which the layers do not allow"));
        }
    }
    violations
}

/// A shortest way from one crate to another.
fn way<'a>(graph: &Graph<'a>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::from([from]);
    let mut queue = VecDeque::from([vec![from]]);
    while let Some(way) = queue.pop_front() {
        let last = *way.last()?;
        if last == to {
            return Some(way);
        }
        for &next in graph.get(last).into_iter().flatten() {
            if seen.insert(next) {
                queue.push_back(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&'static str, &[&'static str])]) -> Graph<'static> {
        edges.iter().map(|(name, to)| (*name, to.iter().copied().collect())).collect()
    }

    #[test]
    fn the_table_allows_itself() {
        assert!(against_table(&graph(MAY_DEPEND_ON)).is_empty());
    }

    #[test]
    fn a_server_that_names_core_is_found() {
        let found = against_table(&graph(&[("keyfold-server", &["keyfold-core", "keyfold-format"])]));
        assert_eq!(found, ["keyfold-server depends on keyfold-core, which the layers do not allow"]);
    }

    #[test]
    fn a_crate_that_sees_the_tools_is_found() {
        assert_eq!(against_table(&graph(&[("keyfold-client", &["keyfold-testing"])])).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_eq!(against_table(&graph(&[("keyfold-newcomer", &[])])).len(), 1);
    }

    #[test]
    fn a_way_through_others_is_found() {
        let through =
            graph(&[("keyfold-server", &["other"]), ("other", &["further", "keyfold-core"]), ("further", &[])]);
        assert_eq!(
            way(&through, "keyfold-server", "keyfold-core").unwrap(),
            ["keyfold-server", "other", "keyfold-core"]
        );
        assert!(way(&through, "further", "keyfold-core").is_none());
    }
}
