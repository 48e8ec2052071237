//! WebAssembly: that the layers without I/O compile for a machine without an operating system, which is the proof
//! that they do none, and the modules that the TypeScript client loads.

mod module;
mod toolchain;

use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::bail;

const TARGET: &str = "wasm32-unknown-unknown";

/// The layers without I/O, and the features with which they have none.
const CRATES: &[(&str, &[&str])] = &[
    ("keyfold-format", &[]),
    ("keyfold-core", &[]),
    ("keyfold-core", &["--features", "password"]),
    ("keyfold-core", &["--features", "recovery-password,recovery-shares"]),
    ("keyfold-protocol", &[]),
    ("keyfold-client", &["--no-default-features"]),
];

pub(crate) fn run(project: &Project) -> anyhow::Result<Outcome> {
    let toolchain = match toolchain::find(project)? {
        Ok(toolchain) => toolchain,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    for (name, features) in CRATES {
        refuse_randomness(project, name, features)?;
    }
    for (name, features) in CRATES {
        // One after the other: looked at together they would share features, and hide one that is missing.
        let mut check = toolchain.cargo(project, "check");
        check.args(["--package", name]).args(*features);
        println!("    {}", project::typed(&check));
        project::succeed(&mut check)?;
    }
    match module::make(project, &toolchain)? {
        Outcome::Done(note) => {
            Ok(Outcome::Done(format!("{} crates compile for {TARGET} with {toolchain}; {note}", CRATES.len())))
        }
        skipped => Ok(skipped),
    }
}

/// Only the modules that the TypeScript client loads, for commands that need it.
pub(crate) fn module(project: &Project) -> anyhow::Result<Outcome> {
    match toolchain::find(project)? {
        Ok(toolchain) => module::make(project, &toolchain),
        Err(reason) => Ok(Outcome::Skipped(reason)),
    }
}

/// Only the program that tries out the browser's storages, for its tests.
pub(crate) fn storages(project: &Project) -> anyhow::Result<Outcome> {
    match toolchain::find(project)? {
        Ok(toolchain) => module::storages(project, &toolchain),
        Err(reason) => Ok(Outcome::Skipped(reason)),
    }
}

/// In a browser, `getrandom` needs JavaScript that only the outermost crate may bring; below it, it is a mistake.
fn refuse_randomness(project: &Project, name: &str, features: &[&str]) -> anyhow::Result<()> {
    let mut tree = project.cargo();
    tree.args(["tree", "--locked", "--edges", "normal", "--target", TARGET, "--prefix", "none", "--package", name]);
    let tree = project::printed(tree.args(features))?;
    if tree.lines().any(|line| line.starts_with("getrandom ")) {
        bail!("{name} reaches getrandom for {TARGET}");
    }
    Ok(())
}
