//! The commands of the project, run as `cargo xtask COMMAND`. They use what is installed, say what they start, and
//! install nothing outside `target/` and `node_modules/` except what they announce.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod bench;
mod ci;
mod conformance;
mod count;
mod debian;
mod demo;
mod fuzz;
mod layers;
mod licences;
mod mutants;
mod node;
mod packages;
mod postgres;
mod project;
mod screenshots;
mod step;
mod story;
mod test;
mod wasm;
mod words;

use clap::{Parser, Subcommand};
use project::Project;
use std::process::ExitCode;

/// The commands of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and show two people sharing in a browser
    Demo(demo::Options),
    /// Build Keyfold, start a server, and play the terminal story
    Story(story::Options),
    /// Run all tests and print how many there were
    Test(test::Options),
    /// Run everything that a change must pass
    Ci(ci::Options),
    /// Check who depends on whom, and that nothing reaches what it must not
    Layers,
    /// Check the licence of every dependency
    Licences,
    /// Build what browsers load for WebAssembly
    Wasm,
    /// Take the pictures of the demo anew
    Screenshots,
    /// Check that no tracked file names a place that only its author has
    Words,
    /// Measure Keyfold beside its peers, and write docs/numbers.md
    Bench(bench::Options),
    /// Let libFuzzer look for bytes that a parser, a replay or people cannot take
    Fuzz(fuzz::Options),
    /// Alter the ledger's rules, one place at a time, and see whether the tests notice
    Mutants(mutants::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let project = Project::find()?;
    let outcome = match arguments.command {
        Command::Demo(options) => return demo::run(&project, &options),
        Command::Story(options) => return story::run(&project, &options),
        Command::Bench(options) => return bench::run(&project, &options),
        Command::Fuzz(options) => return fuzz::run(&project, &options),
        Command::Mutants(options) => return mutants::run(&project, &options),
        Command::Ci(options) => return ci::run(&project, &options),
        Command::Test(options) => return test::run(&project, &options),
        Command::Layers => layers::run(&project)?,
        Command::Licences => licences::run(&project)?,
        Command::Screenshots => screenshots::run(&project)?,
        Command::Wasm => wasm::run(&project)?,
        Command::Words => words::run(&project)?,
    };
    println!("{outcome}");
    Ok(())
}
