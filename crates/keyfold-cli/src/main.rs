//! The command line of Keyfold: one binary for people, scripts and the server.
//!
//! It parses, calls `keyfold-client` or `keyfold-server`, and prints; it decides nothing. The contract that scripts
//! rely on is `docs/spec/cli.md`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod command;
mod fault;
mod moment;
mod output;
mod progress;
mod qr;
mod secret;
mod session;
mod stop;
mod stream;
mod table;
mod token;
mod verb;
mod word;

use clap::Parser;
use command::Cli;
use fault::Fault;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(word::shielded(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return command::report(&error),
    };
    let output = Output::new(cli.is_json());
    match run(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => output.fail(&fault),
    }
}

fn run(cli: Cli, output: Output) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::io("starting", &error))?;
    let outcome = runtime.block_on(verb::run(cli, output));
    // A read of standard input that nobody waits for any more cannot be called back; it must not keep us.
    runtime.shutdown_background();
    outcome
}
