//! What a program costs: its wall time, its CPU time and its memory, as the kernel accounts for them. Separate so
//! that Keyfold and its peers are measured by the same lines.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// What one run of a program took.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time of all its threads.
    pub(crate) cpu: Duration,
    /// The most memory that it held at a time, in bytes.
    pub(crate) resident: u64,
}

impl Cost {
    /// Millions of bytes a second of wall time.
    pub(crate) fn rate(&self, bytes: u64) -> f64 {
        rate(bytes, self.wall)
    }

    /// Millions of bytes a second of CPU time.
    pub(crate) fn rate_per_cpu(&self, bytes: u64) -> f64 {
        rate(bytes, self.cpu)
    }

    /// Milliseconds of wall time.
    pub(crate) fn wall_ms(&self) -> f64 {
        self.wall.as_secs_f64() * 1e3
    }

    /// Milliseconds of CPU time.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3
    }

    /// Memory in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        self.resident as f64 / f64::from(1 << 20)
    }
}

/// The memory of a program that goes on, a server for example.
pub(crate) struct Peak {
    process: u32,
}

impl Peak {
    /// Watches from now on: what was held at most before is forgotten (proc(5), `clear_refs`).
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let file = format!("/proc/{process}/clear_refs");
        std::fs::write(&file, "5").context(file)?;
        Ok(Self { process })
    }

    /// The most that was resident since then, in MiB.
    pub(crate) fn mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
        let kib: f64 = peak.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }
}

/// Millions of bytes a second.
pub(crate) fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// Runs a program to its end; a run that fails is no measurement.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("{command:?} did not start"))?;
    finish(child, start).with_context(|| format!("{command:?}"))
}

/// Runs a program like [`run`], from a process of its own that holds little: the kernel counts what whoever starts a
/// program holds among what the program held.
pub(crate) fn run_apart(command: &Command) -> anyhow::Result<Cost> {
    let mut apart = Command::new(std::env::current_exe()?);
    apart.arg("cost").arg("--").arg(command.get_program()).args(command.get_args());
    let output = apart.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{command:?} failed");
    serde_json::from_slice(&output.stdout).context("no costs")
}

/// What [`run_apart`] starts: runs a program and prints its costs.
pub(crate) fn print_cost(command: &[OsString]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("a program to run")?;
    let cost = run(Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()))?;
    println!("{}", serde_json::to_string(&cost)?);
    Ok(())
}

/// Waits for a program that was started at `start`.
pub(crate) fn finish(child: Child, start: Instant) -> anyhow::Result<Cost> {
    let used = child.wait4()?;
    let wall = start.elapsed();
    ensure!(used.status.success(), "failed with {}", used.status);
    Ok(Cost { wall, cpu: used.rusage.utime + used.rusage.stime, resident: used.rusage.maxrss })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_program_costs_wall_time_and_no_cpu_time() {
        let cost = run(Command::new("sleep").arg("0.2")).unwrap();
        assert!(cost.wall >= Duration::from_millis(200));
        assert!(cost.cpu < Duration::from_millis(100));
        assert!(cost.resident > 100_000);
    }

    #[test]
    fn a_peak_is_counted_from_when_it_is_watched() {
        let used = vec![1_u8; 64 << 20];
        assert_eq!(used.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        let with = Peak::of(std::process::id()).unwrap().mib().unwrap();
        drop(used);
        let without = Peak::of(std::process::id()).unwrap().mib().unwrap();
        assert!(with > 64.0 && without < with, "{with} and then {without}");
    }

    #[test]
    fn a_program_that_fails_is_no_measurement() {
        assert!(run(&mut Command::new("false")).is_err());
    }
}
