//! Mutation testing over the ledger's rules: each is altered in one place at a time, and a test must notice. Its own
//! command, because it builds and tests some hundreds of times. What is altered, and what is left out and why, says
//! `.cargo/mutants.toml`.

use crate::project::{self, Project};
use anyhow::bail;

/// The version whose mutations `docs/why/mutations.md` counts.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// Which rules to alter.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only alterations whose description this regular expression matches, for example `rules/ban`
    #[arg(long)]
    only: Option<String>,
    /// One part of all, as `1/4`: for several machines
    #[arg(long)]
    shard: Option<String>,
}

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let root = project.target().join("peers");
    let tool = root.join("bin").join("cargo-mutants");
    let version =
        project::printed(project.command(&tool.to_string_lossy()).args(["mutants", "--version"])).unwrap_or_default();
    if !version.split_whitespace().any(|word| word == CARGO_MUTANTS_VERSION) {
        println!("Installing cargo-mutants {CARGO_MUTANTS_VERSION} into {} …", root.display());
        let mut install = project.cargo();
        install.args(["install", "--quiet", "--locked", "--version", CARGO_MUTANTS_VERSION, "cargo-mutants", "--root"]);
        project::succeed(install.arg(&root))?;
    }
    let report = project.target().join("mutants");
    std::fs::create_dir_all(&report)?;
    let mut mutants = project.command(&tool.to_string_lossy());
    mutants.args(["mutants", "--package", "keyfold-format", "--colors", "never", "--output"]).arg(&report);
    mutants.args(options.only.iter().flat_map(|only| ["--re", only]));
    mutants.args(options.shard.iter().flat_map(|shard| ["--shard", shard]));
    // Where a panic happened is told without them, and they take time to write.
    mutants.env("CARGO_PROFILE_DEV_DEBUG", "0");
    println!("Altering rules, one place at a time; the report is kept in {} …", report.join("mutants.out").display());
    if !mutants.status()?.success() {
        bail!("an alteration was not noticed, or its tests did not end: see {}", report.join("mutants.out").display());
    }
    Ok(())
}
