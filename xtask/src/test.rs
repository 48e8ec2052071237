//! All tests, and how many of each runner there were: a number that falls is seen.

use crate::project::{self, Project};
use crate::step::Outcome;
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

/// What to test.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Test what is optimised as it is handed out
    #[arg(long)]
    release: bool,
    /// Only tests whose name contains this
    filter: Option<String>,
}

/// How the tests of one runner went.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<Outcome> {
    let profile: &[&str] = if options.release { &["--release"] } else { &[] };
    // All targets at once, so that the program under test and the tests share one build.
    let mut build = project.cargo();
    build.args(["build", "--locked", "--workspace", "--all-targets"]).args(profile);
    println!("    {}", project::typed(&build));
    project::succeed(&mut build)?;
    let binary = project.target().join(if options.release { "release" } else { "debug" }).join("keyfold");

    let mut total = Counts::default();
    let mut broken = Vec::new();
    for (name, mut command) in runners(project, profile) {
        command.args(&options.filter).env("KEYFOLD_BIN", &binary);
        println!("    {}", project::typed(&command));
        let (counts, succeeded) = count(&mut command)?;
        println!("    {name}: {} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
        total += counts;
        if !succeeded {
            broken.push(name);
        }
    }
    let line = format!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if !broken.is_empty() || total.failed > 0 {
        bail!("{line} ({})", broken.join(", "));
    }
    if total.passed == 0 && options.filter.is_none() {
        bail!("no test ran");
    }
    Ok(Outcome::Done(line))
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

/// Runs the command, shows its output as it comes, and counts the tests in it. cargo's own runner speaks of them on
/// standard output, nextest on standard error; one pipe takes both, so that a full one never blocks the other.
fn count(command: &mut Command) -> anyhow::Result<(Counts, bool)> {
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("`{}` did not start", project::typed(command)))?;
    // The command holds the pipe's other end, and reading would not end before it let go.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut counts = Counts::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        counts += counts_in(&line);
    }
    Ok((counts, child.wait()?.success()))
}

/// The counts in a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …` or
/// `Summary [ 0.1s] 4 tests run: 3 passed (1 slow), 1 failed, 2 skipped`.
fn counts_in(line: &str) -> Counts {
    let line = line.trim_start();
    if !line.starts_with("test result:") && !line.starts_with("Summary [") {
        return Counts::default();
    }
    let words: Vec<_> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let before = |names: &[&str]| {
        words
            .windows(2)
            .filter_map(|pair| match pair {
                [number, name] if names.contains(name) => number.parse::<u64>().ok(),
                _ => None,
            })
            .sum()
    };
    Counts {
        passed: before(&["passed"]),
        failed: before(&["failed", "timed"]),
        skipped: before(&["ignored", "skipped"]),
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_are_counted() {
        let cargo = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.1s";
        assert_eq!(counts_in(cargo), Counts { passed: 3, failed: 2, skipped: 1 });
        let nextest = "     Summary [   0.005s] 6 tests run: 4 passed (1 slow), 1 failed, 1 timed out, 2 skipped";
        assert_eq!(counts_in(nextest), Counts { passed: 4, failed: 2, skipped: 2 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(counts_in("the demo has 3 passed messages"), Counts::default());
        assert_eq!(counts_in("test some::test ... ok"), Counts::default());
    }
}
