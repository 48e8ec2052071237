//! Benchmarks: builds Keyfold as it is handed out, finds or installs the peers that it is measured beside, and runs
//! `benches/`. Separate from the measuring, which must not be disturbed by a build.

use crate::packages;
use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::Context;
use std::path::PathBuf;

/// A workspace of its own, which holds the peer for large groups.
pub(crate) const OPENMLS_MANIFEST: &str = "benches/peers/openmls/Cargo.toml";

/// Another one, which holds the peers for indexes. Built twice: SQLite and SQLCipher have the same names.
pub(crate) const TABLES_MANIFEST: &str = "benches/peers/tables/Cargo.toml";

/// The peer for files, in the version that `docs/numbers.md` names.
const RAGE_VERSION: &str = "0.12.1";

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Passed on: `bulk`, `stream`, `memory`, `sharing`, `replay`, `town`, `devices`, `index`, `web`, `report`, or nothing for all, and their options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    println!("Building keyfold and the benchmarks …");
    let mut build = project.cargo();
    build.args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "keyfold-cli",
        "--package",
        "keyfold-benches",
    ]);
    project::succeed(&mut build)?;
    // Without Node the rest is measured, and the program says what it misses.
    if let Outcome::Skipped(reason) = packages::build(project)? {
        println!("The packages are not built, so `web` cannot be measured: {reason}");
    } else {
        project::succeed(&mut packages::script(project, "@keyfold/benches", "build"))?;
    }
    let is_wanted = |what: &str| match options.arguments.first() {
        Some(first) if !first.starts_with('-') => first == what,
        _ => true,
    };
    let (rage, openmls) = (rage(project)?, openmls(project)?);
    if is_wanted("index") {
        tables(project)?;
    }
    let release = project.target().join("release");
    let mut measure = project.command(&release.join("keyfold-benches").to_string_lossy());
    measure.arg("--keyfold").arg(release.join("keyfold")).arg("--peers").arg(rage).arg("--openmls").arg(openmls);
    measure.arg("--programs").arg(project.target().join("peers"));
    measure.arg("--samples").arg(project.target().join("bench")).arg("--docs").arg(project.root().join("docs"));
    project::succeed(measure.args(&options.arguments))
}

/// The folder with `rage` and `rage-keygen`.
fn rage(project: &Project) -> anyhow::Result<PathBuf> {
    let root = project.target().join("peers");
    let rage = root.join("bin").join("rage");
    let version = project::printed(project.command(&rage.to_string_lossy()).arg("--version")).unwrap_or_default();
    if !version.split_whitespace().any(|word| word == RAGE_VERSION) {
        println!("Installing rage {RAGE_VERSION} into {} …", root.display());
        let mut install = project.cargo();
        install.args(["install", "--quiet", "--locked", "--version", RAGE_VERSION, "rage", "--root"]).arg(&root);
        project::succeed(&mut install)?;
    }
    Ok(root.join("bin"))
}

/// The program that removes people from groups of OpenMLS.
fn openmls(project: &Project) -> anyhow::Result<PathBuf> {
    let target = project.target().join("peers").join("openmls");
    let mut build = project.cargo();
    build.args(["build", "--quiet", "--release", "--locked", "--manifest-path", OPENMLS_MANIFEST]);
    project::succeed(build.arg("--target-dir").arg(&target))?;
    Ok(target.join("release").join("keyfold-peer-openmls"))
}

/// The programs that keep entries in redb, SQLite and SlateDB, and in SQLCipher.
fn tables(project: &Project) -> anyhow::Result<()> {
    for (name, features) in
        [("tables", &["--features", "default"][..]), ("cipher", &["--no-default-features", "--features", "sqlcipher"])]
    {
        println!("Building the peers of the index ({name}) …");
        let mut build = project.cargo();
        build.args(["build", "--quiet", "--release", "--locked", "--manifest-path", TABLES_MANIFEST]).args(features);
        let built = project::succeed(build.arg("--target-dir").arg(project.target().join("peers").join(name)));
        built.context(
            "the peers of the index need a C compiler, and SQLCipher the headers of OpenSSL: apt install libssl-dev",
        )?;
    }
    Ok(())
}
