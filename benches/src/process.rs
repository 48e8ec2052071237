//! What a program costs: its wall time, its CPU time and its memory, as the kernel accounts for them. Separate so
//! that Keyfold and its peers are measured by the same lines.

use anyhow::{Context, ensure};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use wait4::Wait4;

/// What one run of a program took.
#[derive(Clone, Copy)]
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

    /// Memory in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        self.resident as f64 / f64::from(1 << 20)
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
    fn a_program_that_fails_is_no_measurement() {
        assert!(run(&mut Command::new("false")).is_err());
    }
}
