//! How many tests a runner ran: read from what it prints, so that a number that falls is seen. Separate from what is
//! run, because every runner says it in its own way.

use crate::project;
use anyhow::Context;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

/// How the tests of one runner went.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// Runs the command, shows its output as it comes, and counts the tests in it; false if it ended as failed. Runners
/// speak of their tests on standard output or standard error; one pipe takes both, so that a full one never blocks
/// the other.
///
/// # Errors
/// If it does not start.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<(Counts, bool)> {
    println!("    {}", project::typed(command));
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

/// The counts in a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …` (cargo),
/// `Summary [ 0.1s] 4 tests run: 3 passed (1 slow), 1 failed, 2 skipped` (nextest), or
/// `Tests  1 failed | 3 passed | 2 skipped (6)` (vitest).
fn counts_in(line: &str) -> Counts {
    let line = line.trim_start();
    if !["test result:", "Summary [", "Tests  "].iter().any(|start| line.starts_with(start)) {
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
        skipped: before(&["ignored", "skipped", "todo"]),
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
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
    fn every_runner_is_counted() {
        let cargo = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.1s";
        assert_eq!(counts_in(cargo), Counts { passed: 3, failed: 2, skipped: 1 });
        let nextest = "     Summary [   0.005s] 6 tests run: 4 passed (1 slow), 1 failed, 1 timed out, 2 skipped";
        assert_eq!(counts_in(nextest), Counts { passed: 4, failed: 2, skipped: 2 });
        let vitest = "      Tests  1 failed | 8 passed | 2 skipped | 1 todo (12)";
        assert_eq!(counts_in(vitest), Counts { passed: 8, failed: 1, skipped: 3 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(counts_in("the demo has 3 passed messages"), Counts::default());
        assert_eq!(counts_in("test some::test ... ok"), Counts::default());
        assert_eq!(counts_in(" Test Files  1 failed | 2 passed (3)"), Counts::default());
    }
}
