//! How often whom is answered: a bucket for each, which fills at a steady rate and empties by one a request.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Requests a second in the long run, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Refilled each second.
    pub per_second: f64,
    /// What a bucket holds.
    pub burst: f64,
}

/// All rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Requests and sockets of one address; a whole office may share one.
    pub address: Rate,
    /// Requests of one account.
    pub account: Rate,
    /// User ids that one account looks up. Low, for it is how accounts are enumerated.
    pub lookup: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: Rate { per_second: 5_000.0, burst: 20_000.0 },
            account: Rate { per_second: 500.0, burst: 5_000.0 },
            lookup: Rate { per_second: 20.0, burst: 2_048.0 },
        }
    }
}

/// Buckets; those that are full again are forgotten.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    at: Instant,
}

/// Nobody's memory: past this many the full ones go.
const SWEEP: usize = 65_536;

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes `cost` at `now`; an error is the seconds to wait.
    pub(crate) fn take(&self, key: K, cost: f64, now: Instant) -> Result<(), u32> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SWEEP {
            buckets.retain(|_, bucket| self.level(*bucket, now) < self.rate.burst);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { level: self.rate.burst, at: now });
        let level = self.level(*bucket, now);
        if level < cost {
            let wait = ((cost.min(self.rate.burst) - level) / self.rate.per_second).ceil();
            return Err((wait as u32).max(1));
        }
        *bucket = Bucket { level: level - cost, at: now };
        Ok(())
    }

    fn level(&self, bucket: Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.level + passed * self.rate.per_second).min(self.rate.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_answered_then_the_rate_and_others_are_not_affected() {
        let buckets = Buckets::new(Rate { per_second: 2.0, burst: 3.0 });
        let start = Instant::now();
        let taken = (0..5).filter(|_| buckets.take("alice", 1.0, start).is_ok()).count();
        assert_eq!(taken, 3);
        assert_eq!(buckets.take("alice", 1.0, start), Err(1));
        assert_eq!(buckets.take("alice", 3.0, start), Err(2));
        assert_eq!(buckets.take("bob", 1.0, start), Ok(()));
        assert_eq!(buckets.take("alice", 1.0, start + Duration::from_millis(500)), Ok(()));
        assert_eq!(buckets.take("alice", 1.0, start + Duration::from_millis(500)), Err(1));
    }
}
