//! Storage that is far away: what a request takes, and a byte. The peers' program has this file too.

use std::time::Duration;

/// From a request to its answer.
pub(crate) const REQUEST: Duration = Duration::from_millis(20);
/// Of an answer, or of what is sent: 100 Mbit/s.
pub(crate) const BYTE: Duration = Duration::from_nanos(80);
