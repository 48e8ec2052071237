//! What one turn costs, for Keyfold and for each peer, whose program has this file too and prints it as JSON.

use serde::{Deserialize, Serialize};

/// What a party does not do is left out.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Costs {
    /// Reading one entry of few, nanoseconds of CPU time.
    pub(crate) point_ns: Option<f64>,
    /// Reading entries that follow each other, microseconds of CPU time.
    pub(crate) range_us: Option<f64>,
    /// Reading all entries, milliseconds of CPU time.
    pub(crate) scan_ms: Option<f64>,
    /// Writing all of them, seconds of CPU time.
    pub(crate) load_s: Option<f64>,
    /// As many changes as there are entries, in batches, seconds of CPU time.
    pub(crate) churn_s: Option<f64>,
    /// What the entries take, megabytes.
    pub(crate) stored_mb: Option<f64>,
    /// The same behind the changes.
    pub(crate) churned_mb: Option<f64>,
    /// Commits of one entry by several at once, a second.
    pub(crate) commits_per_s: Option<f64>,
    /// On storage that takes its time, milliseconds and requests.
    pub(crate) cold_point: Option<Afar>,
    pub(crate) cached_point: Option<Afar>,
    pub(crate) cold_range: Option<Afar>,
    pub(crate) insert: Option<Afar>,
    pub(crate) inserts: Option<Afar>,
}

/// What work costs on storage that takes its time.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Afar {
    pub(crate) ms: f64,
    /// Those that follow each other; `None`: not counted.
    pub(crate) requests: Option<f64>,
}
