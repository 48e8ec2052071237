//! The peer: OpenMLS, which removes people from a group of its own. It is a program of its own, in `benches/peers/`.

use anyhow::{Context, ensure};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

/// The version that the table names.
pub(super) const VERSION: &str = "0.9.2";

/// What it says of itself.
#[derive(Deserialize)]
pub(super) struct Costs {
    /// Making the commit and taking it over.
    pub(super) commit_ms: Vec<f64>,
    /// Taking it in as another member.
    pub(super) process_ms: Vec<f64>,
    pub(super) commit_bytes: Vec<f64>,
    /// The most memory during the removals, with the groups of two members.
    pub(super) peak_kib: f64,
    pub(super) setup_s: f64,
}

/// How the ratchet tree came to be.
#[derive(Clone, Copy)]
pub(super) enum Tree {
    /// One member has added all others, and nobody has written since.
    Blank,
    /// Each member has sent a commit.
    Populated,
}

impl Tree {
    fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Populated => "populated",
        }
    }
}

/// Removes some of `people`, one after the other.
pub(super) fn measure(peer: &Path, tree: Tree, people: usize, turns: usize) -> anyhow::Result<Costs> {
    let mut command = Command::new(peer);
    command.arg(tree.name()).arg(people.to_string()).arg(turns.to_string());
    let output = command.output().with_context(|| format!("{command:?} did not start"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let costs: Costs = serde_json::from_slice(&output.stdout)?;
    println!("OpenMLS: {people} people, {} tree, made in {:.0} s", tree.name(), costs.setup_s);
    Ok(costs)
}
