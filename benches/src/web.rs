//! The TypeScript client in Chromium and in Node: measured by `benches/web`, which keeps its tables where the others
//! are, so that there is one report.

use crate::Arguments;
use anyhow::ensure;
use std::process::Command;

/// What to measure.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// `sizes`, `start`, `bulk`, `sharing`, `tabs`, `vault`, or nothing for all; `--mebibytes N`, `--turns N`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<()> {
    let mut measure = Command::new("node");
    measure.arg("benches/web/dist/main.js").arg("--root").arg(std::env::current_dir()?);
    measure.arg("--keyfold").arg(&arguments.keyfold).arg("--samples").arg(&arguments.samples);
    let status = measure.args(&options.arguments).status()?;
    ensure!(status.success(), "benches/web ended with {status}");
    Ok(())
}
