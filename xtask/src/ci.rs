//! Everything that a change must pass, from the cheapest to the dearest. With `CI=true` no step may be skipped.

use crate::project::{self, Project, in_ci, is_published};
use crate::step::{Outcome, Steps};
use crate::{layers, licences, node, test, wasm, words};

/// What to leave out.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these steps (by the name in the summary)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

type Step = fn(&Project) -> anyhow::Result<Outcome>;

const BEFORE: &[(&str, Step)] = &[
    ("format", format),
    ("words", words::run),
    ("layers", layers::run),
    ("licences", licences::run),
    ("clippy", clippy),
];

/// After the tests, which are [`test::STEPS`].
const AFTER: &[(&str, Step)] = &[("doc", doc), ("wasm", wasm::run), ("package", package)];

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let names = BEFORE.iter().chain(AFTER).map(|(name, _)| *name).chain(test::STEPS.iter().map(|(name, _)| *name));
    let known: Vec<_> = names.collect();
    if let Some(unknown) = options.only.iter().find(|name| !known.contains(&name.as_str())) {
        anyhow::bail!("there is no step `{unknown}`");
    }
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut steps = Steps::new(!in_ci());
    for (name, step) in BEFORE.iter().filter(|(name, _)| wanted(name)) {
        steps.run(name, || step(project));
    }
    for (name, step) in test::STEPS.iter().filter(|(name, _)| wanted(name)) {
        steps.run(name, || step(project, &test::Options::default()));
    }
    for (name, step) in AFTER.iter().filter(|(name, _)| wanted(name)) {
        steps.run(name, || step(project));
    }
    steps.finish()
}

/// rustfmt for Rust, Prettier for everything that npm packages are made of.
fn format(project: &Project) -> anyhow::Result<Outcome> {
    project::succeed(project.cargo().args(["fmt", "--all", "--check"]))?;
    if let Err(reason) = node::ready(project)? {
        return Ok(Outcome::Skipped(reason));
    }
    let mut prettier = node::npm(project);
    project::succeed(prettier.args(["run", "format:check", "--silent"]))?;
    Ok(Outcome::Done("all files are formatted".into()))
}

fn clippy(project: &Project) -> anyhow::Result<Outcome> {
    let mut clippy = project.cargo();
    clippy.args(["clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    project::succeed(&mut clippy)?;
    Ok(Outcome::Done("no warning in any target".into()))
}

fn doc(project: &Project) -> anyhow::Result<Outcome> {
    let mut doc = project.cargo();
    doc.args(["doc", "--quiet", "--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    project::succeed(&mut doc)?;
    Ok(Outcome::Done("the documentation builds without a warning".into()))
}

/// Packs every crate that is handed out and builds it from what was packed, so that no file is missing in it.
fn package(project: &Project) -> anyhow::Result<Outcome> {
    let metadata = project.metadata()?;
    let published = metadata.workspace_packages().into_iter().filter(|package| is_published(package));
    let names: Vec<_> = published.map(|package| package.name.to_string()).collect();
    let mut package = project.cargo();
    package.args(["package", "--quiet", "--locked"]);
    // One folder for all of them: dependencies are built once, and not per crate. A new one each time: Cargo keeps
    // what it unpacked from a folder by name and version, and would build against the sources of an earlier day.
    let folder = tempfile::Builder::new().prefix("package-").tempdir_in(project.target())?;
    package.arg("--target-dir").arg(folder.path());
    // Nobody debugs what is built here.
    package.env("CARGO_PROFILE_DEV_DEBUG", "false");
    for name in &names {
        package.args(["--package", name]);
    }
    if !in_ci() {
        package.arg("--allow-dirty");
    }
    project::succeed(&mut package)?;
    Ok(Outcome::Done(format!("{} crates build from their packages", names.len())))
}
