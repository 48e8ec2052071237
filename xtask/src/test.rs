//! All tests, one step a runner, and how many of each there were. `cargo xtask ci` runs the same steps.

use crate::count::{self, Counts};
use crate::project::{self, Project, in_ci};
use crate::step::{Outcome, Steps};
use crate::{conformance, node, packages, postgres, wasm};
use anyhow::bail;
use std::path::PathBuf;
use std::process::Command;

/// What to test.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Test Rust as it is handed out: optimised
    #[arg(long)]
    release: bool,
    /// Only these steps (by the name in the summary)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only tests whose name contains this
    filter: Option<String>,
}

type Step = fn(&Project, &Options) -> anyhow::Result<Outcome>;

/// In the order in which one needs what another builds.
pub(crate) const STEPS: &[(&str, Step)] = &[
    ("rust", rust),
    ("node", |project, _| packages::ready(project)),
    ("packages", |project, _| packages::build(project)),
    ("types", |project, _| packages::types(project)),
    ("client", |project, options| living(project, options, "@keyfold/client")),
    ("react", |project, options| living(project, options, "@keyfold/react")),
    ("reader", reader),
    ("browser", browser),
    ("demo", |project, options| living(project, options, packages::DEMO)),
    ("consumers", consumers),
];

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let known = |name: &String| STEPS.iter().any(|(step, _)| step == name);
    if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
        bail!("there is no step `{unknown}`");
    }
    let mut steps = Steps::new(!in_ci());
    for (name, step) in STEPS {
        if options.only.is_empty() || options.only.iter().any(|only| only == name) {
            steps.run(name, || step(project, options));
        }
    }
    steps.finish()
}

fn rust(project: &Project, options: &Options) -> anyhow::Result<Outcome> {
    let profile: &[&str] = if options.release { &["--release"] } else { &[] };
    postgres::ready(project)?;
    conformance::forget(project)?;
    build(project, options)?;
    let binary = binary(project, options);
    let mut total = Counts::default();
    let mut broken = Vec::new();
    for (name, mut command) in runners(project, profile) {
        command.args(&options.filter).env("KEYFOLD_BIN", &binary);
        conformance::ask(project, &mut command);
        let (counts, succeeded) = count::run(&mut command)?;
        println!("    {name}: {counts}");
        total += counts;
        if !succeeded || counts.failed > 0 {
            broken.push(name);
        }
    }
    conformance::show(project)?;
    if !broken.is_empty() {
        bail!("{total} ({})", broken.join(", "));
    }
    counted(total, options)
}

/// All targets at once, so that programs under test and the tests share one build: whoever builds fewer of them builds
/// what they stand on once more, with other features.
fn build(project: &Project, options: &Options) -> anyhow::Result<()> {
    let mut build = project.cargo();
    build.args(["build", "--locked", "--workspace", "--all-targets"]).args(options.release.then_some("--release"));
    println!("    {}", project::typed(&build));
    project::succeed(&mut build)
}

/// What runs tests here, by name. nextest is used where it is installed: it says the same, sooner.
fn runners(project: &Project, profile: &[&str]) -> Vec<(&'static str, Command)> {
    let cargo = |arguments: &[&str]| {
        let mut command = project.cargo();
        command.args(arguments);
        command
    };
    let (name, mut unit) = if project::has(cargo(&["nextest"])) {
        let profile: &[&str] = if profile.is_empty() { &[] } else { &["--cargo-profile", "release"] };
        let mut nextest = cargo(&["nextest", "run", "--no-fail-fast", "--no-tests", "pass", "--status-level", "fail"]);
        nextest.args(profile);
        ("nextest", nextest)
    } else {
        let mut test = cargo(&["test", "--no-fail-fast"]);
        test.args(profile);
        ("cargo test", test)
    };
    unit.args(["--locked", "--workspace", "--all-targets"]);
    let mut docs = cargo(&["test", "--no-fail-fast", "--locked", "--workspace", "--doc"]);
    docs.args(profile);
    // The workspace as a whole seals with aws-lc. Browsers get the portable ciphers, so those are tested as well.
    let mut portable = cargo(&["test", "--no-fail-fast", "--locked", "--package", "keyfold-core", "--tests"]);
    portable.args(profile);
    vec![(name, unit), ("doc tests", docs), ("portable ciphers", portable)]
}

/// The reader needs nothing but the vectors.
fn reader(project: &Project, options: &Options) -> anyhow::Result<Outcome> {
    counting(project, options, packages::script(project, "@keyfold/reader", "test"))
}

/// The tests of one npm package, which work with the built client, a real server and a real browser.
fn living(project: &Project, options: &Options, package: &str) -> anyhow::Result<Outcome> {
    with_server(project, options, packages::script(project, package, "test"))
}

/// The tests in Chromium, and the program that some of them run there.
fn browser(project: &Project, options: &Options) -> anyhow::Result<Outcome> {
    match wasm::storages(project)? {
        Outcome::Done(_) => {
            let outcome = living(project, options, "@keyfold/browser-tests");
            conformance::show(project)?;
            outcome
        }
        skipped => Ok(skipped),
    }
}

/// The tiny projects that install what is packed, as strangers would.
fn consumers(project: &Project, options: &Options) -> anyhow::Result<Outcome> {
    let mut command = node::npm(project);
    command.args(["exec", "--", "vitest", "run", "--root", "testing/consumers"]).env("NO_COLOR", "1");
    with_server(project, options, command)
}

/// Runs tests that need Chromium and the command `keyfold`.
fn with_server(project: &Project, options: &Options, mut command: Command) -> anyhow::Result<Outcome> {
    let browser = match node::chromium(project)? {
        Ok(browser) => browser,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    build(project, options)?;
    command.env("KEYFOLD_BIN", binary(project, options)).env("KEYFOLD_CHROMIUM", browser);
    conformance::ask(project, &mut command);
    counting(project, options, command)
}

/// Runs tests of vitest, and counts them.
fn counting(project: &Project, options: &Options, mut command: Command) -> anyhow::Result<Outcome> {
    if let Err(reason) = node::ready(project)? {
        return Ok(Outcome::Skipped(reason));
    }
    if let Some(filter) = &options.filter {
        command.args(["--testNamePattern", filter]);
    }
    let (counts, succeeded) = count::run(&mut command)?;
    if !succeeded || counts.failed > 0 {
        bail!("{counts}");
    }
    // A filter leaves tests out, and that is what it is for.
    if in_ci() && counts.skipped > 0 && options.filter.is_none() {
        bail!("{counts}: none may be skipped here");
    }
    counted(counts, options)
}

/// Nothing that ran is no success.
fn counted(counts: Counts, options: &Options) -> anyhow::Result<Outcome> {
    if counts.passed == 0 && options.filter.is_none() {
        bail!("no test ran");
    }
    Ok(Outcome::Done(counts.to_string()))
}

fn binary(project: &Project, options: &Options) -> PathBuf {
    project.target().join(if options.release { "release" } else { "debug" }).join("keyfold")
}
