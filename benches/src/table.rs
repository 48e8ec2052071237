//! What was measured, as it is kept in `target/bench/*.json`: every sample, who it belongs to, and what it should
//! reach. Separate from the report, so that tables can be written anew without measuring again.

use crate::machine::Machine;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One table of `numbers.md`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Table {
    /// The name of its files; tables are in its order.
    pub(crate) id: String,
    pub(crate) title: String,
    /// How it was measured.
    pub(crate) note: String,
    pub(crate) machine: Machine,
    pub(crate) lines: Vec<Line>,
}

/// One line of a table.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) work: String,
    pub(crate) whose: Whose,
    pub(crate) unit: Unit,
    /// In the order in which they were taken.
    pub(crate) samples: Vec<f64>,
    pub(crate) targets: Vec<Target>,
}

/// Whose number it is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Whose {
    Keyfold,
    Peer,
    /// What the machine can do at most.
    Limit,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Unit {
    #[serde(rename = "MB/s")]
    Rate,
    #[serde(rename = "MB per CPU second")]
    RatePerCpu,
    #[serde(rename = "MiB")]
    Mebibytes,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "µs")]
    Microseconds,
    #[serde(rename = "ns")]
    Nanoseconds,
    #[serde(rename = "requests")]
    Requests,
    #[serde(rename = "commits/s")]
    Commits,
    /// 1,000,000 bytes.
    #[serde(rename = "MB")]
    Megabytes,
    /// 1,000 bytes.
    #[serde(rename = "kB")]
    Kilobytes,
}

/// What a number must reach, and in which words.
#[derive(Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) bound: Bound,
    pub(crate) words: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "MB/s",
            Self::RatePerCpu => "MB per CPU second",
            Self::Mebibytes => "MiB",
            Self::Milliseconds => "ms",
            Self::Kilobytes => "kB",
            Self::Seconds => "s",
            Self::Microseconds => "µs",
            Self::Nanoseconds => "ns",
            Self::Requests => "requests",
            Self::Commits => "commits/s",
            Self::Megabytes => "MB",
        }
    }
}

impl Target {
    /// At least `factor` times what a peer reached in the same runs.
    pub(crate) fn times(factor: f64, peer: &str, median: f64) -> Self {
        Self { bound: Bound::AtLeast(factor * median), words: format!("≥ {factor} × {peer}") }
    }

    pub(crate) fn at_most(most: f64, unit: Unit) -> Self {
        Self { bound: Bound::AtMost(most), words: format!("≤ {most} {}", unit.name()) }
    }

    pub(crate) fn is_met(&self, value: f64) -> bool {
        match self.bound {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
        }
    }
}

impl Line {
    pub(crate) fn median(&self) -> f64 {
        median(&self.samples)
    }
}

/// The middle sample, or the mean of the two in the middle; of nothing, not a number.
pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, middle.checked_sub(1).and_then(|below| sorted.get(below)), sorted.get(middle)) {
        (0, Some(below), Some(above)) => f64::midpoint(*below, *above),
        (_, _, Some(one)) => *one,
        _ => f64::NAN,
    }
}

/// A size as people say it.
pub(crate) fn size(mebibytes: u64) -> String {
    if mebibytes.is_multiple_of(1024) { format!("{} GiB", mebibytes / 1024) } else { format!("{mebibytes} MiB") }
}

impl Table {
    /// Keeps it in `folder`.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        let file = folder.join(&self.id).with_extension("json");
        std::fs::write(&file, serde_json::to_vec_pretty(self)?).with_context(|| file.display().to_string())
    }

    /// All that are kept in `folder`, in order.
    pub(crate) fn all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut tables: Vec<Self> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "json") {
                let table = serde_json::from_slice(&std::fs::read(&file)?);
                tables.push(table.with_context(|| format!("{} is of another version; remove it", file.display()))?);
            }
        }
        tables.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_and_one_outlier_does_not_move_it() {
        assert_eq!(median(&[3.0, 1.0, 900.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_missed_target_is_not_met_and_neither_is_no_number() {
        let target = Target::times(2.5, "rage", 100.0);
        assert!(target.is_met(250.0) && !target.is_met(249.9) && !target.is_met(f64::NAN));
        let target = Target::at_most(64.0, Unit::Mebibytes);
        assert!(target.is_met(64.0) && !target.is_met(64.1) && !target.is_met(f64::NAN));
    }
}
