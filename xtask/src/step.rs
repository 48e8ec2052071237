//! Steps of a longer run: each says what it does and how long it took, and a table at the end says what became of
//! it. Separate so that no check can decide by itself that being skipped is success.

use std::fmt;
use std::time::{Duration, Instant};

/// What a step that did not fail has to say.
pub(crate) enum Outcome {
    /// It did its work; the note says how much.
    Done(String),
    /// It could not run here, and why.
    Skipped(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(note) => write!(f, "{note}"),
            Self::Skipped(reason) => write!(f, "SKIPPED: {reason}"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

struct Row {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
    note: String,
}

/// The steps that have run so far.
pub(crate) struct Steps {
    rows: Vec<Row>,
    may_skip: bool,
}

impl Steps {
    /// With `may_skip` false, a skipped step counts as failed.
    pub(crate) fn new(may_skip: bool) -> Self {
        Self { rows: Vec::new(), may_skip }
    }

    /// Runs one step. A failing step does not stop the next: one run shows everything that is wrong.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<Outcome>) {
        println!("\n==> {name}");
        let start = Instant::now();
        let (verdict, note) = match step() {
            Ok(Outcome::Done(note)) => (Verdict::Passed, note),
            Ok(Outcome::Skipped(reason)) if self.may_skip => (Verdict::Skipped, reason),
            Ok(Outcome::Skipped(reason)) => (Verdict::Failed, format!("may not be skipped here: {reason}")),
            Err(error) => {
                eprintln!("error: {error:#}");
                // The table has one line for it; the whole of it stands above.
                (Verdict::Failed, format!("{error:#}").lines().next().unwrap_or_default().to_owned())
            }
        };
        let row = Row { name, verdict, took: start.elapsed(), note };
        println!("{row}");
        self.rows.push(row);
    }

    /// Prints the table; an error names what failed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        println!("\n==> summary");
        for row in &self.rows {
            println!("{row}");
        }
        let count = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        println!(
            "{} steps passed, {} failed, {} skipped, {:.0} s",
            count(Verdict::Passed),
            count(Verdict::Failed),
            count(Verdict::Skipped),
            total.as_secs_f64()
        );
        let failed: Vec<_> =
            self.rows.iter().filter(|row| row.verdict == Verdict::Failed).map(|row| row.name).collect();
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "SKIPPED",
        };
        write!(f, "{verdict:<8} {:<10} {:>7.1} s  {}", self.name, self.took.as_secs_f64(), self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(may_skip: bool, step: impl FnOnce() -> anyhow::Result<Outcome>) -> anyhow::Result<()> {
        let mut steps = Steps::new(may_skip);
        steps.run("step", step);
        steps.finish()
    }

    #[test]
    fn a_failed_step_fails_the_run() {
        assert!(after(true, || Ok(Outcome::Done(String::new()))).is_ok());
        assert!(after(true, || anyhow::bail!("no")).is_err());
    }

    #[test]
    fn a_skipped_step_fails_only_where_nothing_may_be_skipped() {
        assert!(after(true, || Ok(Outcome::Skipped("no tool".into()))).is_ok());
        assert!(after(false, || Ok(Outcome::Skipped("no tool".into()))).is_err());
    }
}
