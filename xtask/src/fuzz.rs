//! Fuzzing, guided by coverage: libFuzzer chooses the bytes. It needs no other compiler than the usual one: the code has
//! no `unsafe`, so that a sanitizer of memory would find nothing that a panic does not tell.

use crate::project::{self, Project};
use anyhow::{Context, bail};

/// What makes the compiler count branches and comparisons, for libFuzzer to see.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Clink-dead-code -Ccodegen-units=1 -Cdebug-assertions";

/// What to fuzz, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A target of `fuzz/src/lib.rs`; all of them one after another without
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let targets = targets(project)?;
    let chosen: Vec<&str> = match &options.target {
        None => targets.iter().map(String::as_str).collect(),
        Some(name) if targets.contains(name) => vec![name],
        Some(name) => bail!("there is no target {name}; there are {}", targets.join(", ")),
    };
    let folder = project.target().join("fuzz");
    let seeds = folder.join("seeds");
    println!("Building the targets; libFuzzer itself needs a C++ compiler (Debian: g++) …");
    let bin = ["--quiet", "--locked", "--package", "keyfold-fuzz", "--bin"];
    project::succeed(project.cargo().arg("run").args(bin).arg("seeds").arg("--").arg(&seeds))?;
    let host = host(project)?;
    // With a target named, the flags are not for what runs while building.
    let mut build = project.cargo();
    build.arg("build").args(bin).args(["fuzz", "--features", "libfuzzer", "--release", "--target", &host]);
    project::succeed(build.arg("--target-dir").arg(&folder).env("RUSTFLAGS", COVERAGE))?;
    let binary = folder.join(&host).join("release/fuzz");
    for name in chosen {
        let corpus = folder.join("corpus").join(name);
        let artifacts = folder.join("artifacts").join(name);
        std::fs::create_dir_all(&corpus)?;
        std::fs::create_dir_all(&artifacts)?;
        println!("\n==> {name}, {} s; what it finds is kept in {}", options.seconds, artifacts.display());
        let mut fuzz = std::process::Command::new(&binary);
        fuzz.env("KEYFOLD_FUZZ_TARGET", name)
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args(["-max_len=65536", "-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1"])
            .args([&corpus, &seeds]);
        project::succeed(&mut fuzz).with_context(|| format!("{name} found something"))?;
    }
    Ok(())
}

/// The names in the table of targets.
fn targets(project: &Project) -> anyhow::Result<Vec<String>> {
    let table = std::fs::read_to_string(project.root().join("fuzz/src/lib.rs"))?;
    let names = table.lines().filter_map(|line| line.trim().strip_prefix("Target { name: \"")?.split('"').next());
    Ok(names.map(str::to_owned).collect())
}

/// What this machine is called by the compiler.
fn host(project: &Project) -> anyhow::Result<String> {
    let told = project.cargo().args(["--version", "--verbose"]).output()?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo does not say what machine this is")?.to_owned())
}
