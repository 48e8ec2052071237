//! What the numbers were measured on: without it, they say nothing.

use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::process::Command;

/// The machine, its system, and the compiler.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
    compiler: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let field = |file: &str, name: &str| {
            let text = read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
            line.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
        };
        let said = |program: &str, argument: &str| {
            let output = Command::new(program).arg(argument).output();
            output.map_or_else(
                |_| "unknown".to_owned(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            )
        };
        let kib = field("/proc/meminfo", "MemTotal").split(' ').next().and_then(|kib| kib.parse::<u64>().ok());
        Self {
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.unwrap_or_default().div_ceil(1 << 20),
            system: format!("Linux {}", said("uname", "-r")),
            compiler: said("rustc", "--version"),
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let Self { processor, cores, memory_gib, system, compiler } = self;
        format!("{processor}, {cores} cores, {memory_gib} GiB; {system}; {compiler}")
    }
}
