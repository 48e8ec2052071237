//! `keyfold completions`: the script that makes a shell complete verbs and flags.

use crate::command::Cli;
use crate::fault::Fault;
use crate::output::Output;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde::Serialize;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The shell it is for
    shell: Shell,
}

#[derive(Serialize)]
struct Document {
    shell: String,
    script: String,
}

pub(crate) fn run(options: Options, output: Output) -> Result<(), Fault> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "keyfold", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let document = Document { shell: options.shell.to_string(), script };
    output.show(&document, |document| document.script.clone())
}
