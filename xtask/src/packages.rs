//! The npm packages: built from the WebAssembly module upwards, and checked against each other's types. Separate from
//! [`crate::node`], which only finds the tools.

use crate::node;
use crate::project::{self, Project};
use crate::step::Outcome;
use crate::wasm;
use std::process::Command;

/// What is handed out, each after what it needs.
pub(crate) const PUBLISHED: &[&str] = &["@keyfold/client", "@keyfold/react"];

/// The browser demo.
pub(crate) const DEMO: &str = "@keyfold/demo";

/// Finds or installs what npm packages are built and tested with.
pub(crate) fn ready(project: &Project) -> anyhow::Result<Outcome> {
    if let Err(reason) = node::ready(project)? {
        return Ok(Outcome::Skipped(reason));
    }
    let version = project::printed(project.command("node").arg("--version"))?;
    Ok(match node::chromium(project)? {
        Ok(browser) => Outcome::Done(format!("Node {} and {}", version.trim(), browser.display())),
        Err(reason) => Outcome::Skipped(reason),
    })
}

/// The module, the packages around it, and the demo.
pub(crate) fn build(project: &Project) -> anyhow::Result<Outcome> {
    if let Err(reason) = node::ready(project)? {
        return Ok(Outcome::Skipped(reason));
    }
    let module = match wasm::module(project)? {
        Outcome::Done(note) => note,
        skipped => return Ok(skipped),
    };
    for name in PUBLISHED.iter().chain([&DEMO]) {
        let mut build = script(project, name, "build");
        println!("    {}", project::typed(&build));
        project::succeed(&mut build)?;
    }
    Ok(Outcome::Done(format!("{} and the demo are built; {module}", PUBLISHED.join(", "))))
}

/// The types of every package, against those of the packages as built, and of what only tests run.
pub(crate) fn types(project: &Project) -> anyhow::Result<Outcome> {
    if let Err(reason) = node::ready(project)? {
        return Ok(Outcome::Skipped(reason));
    }
    if let skipped @ Outcome::Skipped(_) = wasm::storages(project)? {
        return Ok(skipped);
    }
    let mut check = node::npm(project);
    check.args(["run", "check", "--workspaces", "--silent"]);
    println!("    {}", project::typed(&check));
    project::succeed(&mut check)?;
    Ok(Outcome::Done("every package passes the strict compiler".into()))
}

/// A script of a package, as its `package.json` has it. Arguments that are added are the script's.
pub(crate) fn script(project: &Project, package: &str, script: &str) -> Command {
    let mut command = node::npm(project);
    // Colours would stand between a runner's counts and who reads them.
    command.args(["run", script, "--silent", "--workspace", package, "--"]).env("NO_COLOR", "1");
    command
}
