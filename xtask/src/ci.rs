//! Everything that a change must pass, from the cheapest to the dearest. With `CI=true` no step may be skipped.

use crate::project::{self, Project, in_ci, is_published};
use crate::step::{Outcome, Steps};
use crate::{layers, licences, node, test, wasm, words};
use std::{fs, process::Command};

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

/// Packs every crate that is handed out and checks it from what was packed, so that no file is missing in it. Not by
/// `cargo package` itself, which would build everything they stand on once more for each.
fn package(project: &Project) -> anyhow::Result<Outcome> {
    let metadata = project.metadata()?;
    let published: Vec<_> = metadata.workspace_packages().into_iter().filter(|package| is_published(package)).collect();
    // A new folder each time: Cargo keeps what it checked by its path, and would not look at it again.
    let folder = tempfile::Builder::new().prefix("package-").tempdir_in(project.target())?;
    let mut package = project.cargo();
    package.args(["package", "--quiet", "--locked", "--no-verify", "--target-dir"]).arg(folder.path());
    for packed in &published {
        package.args(["--package", packed.name.as_str()]);
    }
    if !in_ci() {
        package.arg("--allow-dirty");
    }
    project::succeed(&mut package)?;
    let mut members = Vec::new();
    for packed in &published {
        let name = format!("{}-{}", packed.name, packed.version);
        let file = folder.path().join("package").join(&name).with_added_extension("crate");
        project::succeed(Command::new("tar").arg("-xzf").arg(file).arg("-C").arg(folder.path()))?;
        members.push(name);
    }
    // A workspace of what was packed, with the profiles of this one, so that the dependencies are shared with `clippy`.
    let here = fs::read_to_string(project.root().join("Cargo.toml"))?;
    let profiles = here.find("[profile.dev]").map_or("", |start| &here[start..]);
    let patches =
        published.iter().zip(&members).map(|(packed, name)| format!("{} = {{ path = {name:?} }}\n", packed.name));
    let patches: String = patches.collect();
    let workspace =
        format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n[patch.crates-io]\n{patches}{profiles}");
    fs::write(folder.path().join("Cargo.toml"), workspace)?;
    fs::copy(project.root().join("Cargo.lock"), folder.path().join("Cargo.lock"))?;
    let mut check = project.cargo();
    // Not `--locked`: what is not handed out is in that file too, and leaves it. The versions are the same.
    check
        .args(["check", "--quiet", "--offline", "--workspace", "--manifest-path"])
        .arg(folder.path().join("Cargo.toml"));
    check.arg("--target-dir").arg(project.target());
    project::succeed(&mut check)?;
    Ok(Outcome::Done(format!("{} crates pass from their packages", members.len())))
}
