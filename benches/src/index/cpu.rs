//! The CPU time of a process, all of its threads: other programs on the machine do not count. The peers' program has this
//! file too.

use rustix::time::{ClockId, clock_gettime};

/// Seconds so far.
pub(crate) fn seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
