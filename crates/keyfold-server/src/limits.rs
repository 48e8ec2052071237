//! How often whom is answered: a bucket for each, which fills at a steady rate and empties by one a request.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
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
    /// Passwords that are tried for one person's account. Low, for it is how they are guessed.
    pub password: Rate,
    /// Passwords that are tried from one address, whosever they are.
    pub passwords: Rate,
    /// Entries of one account's own ledger. Low, for every client of everybody whom it concerns replays it for ever, and
    /// whoever has one device of the account can write them.
    pub entries: Rate,
    /// Attempts of one address to come in at the gate. Low, for whoever asks for a name learns whether it is free.
    pub visit: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: Rate { per_second: 5_000.0, burst: 20_000.0 },
            account: Rate { per_second: 500.0, burst: 5_000.0 },
            lookup: Rate { per_second: 20.0, burst: 2_048.0 },
            password: Rate { per_second: 1.0 / 360.0, burst: 10.0 },
            passwords: Rate { per_second: 1.0 / 36.0, burst: 100.0 },
            entries: Rate { per_second: 1.0 / 60.0, burst: 256.0 },
            visit: Rate { per_second: 5.0, burst: 500.0 },
        }
    }
}

/// Where somebody connects from, as far as it is counted: an address, or for IPv6 the network of 64 bits that one
/// subscriber has to himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
            v4 => v4,
        })
    }
}

/// How many connections each has at the moment.
#[derive(Debug)]
pub(crate) struct Origins {
    most: usize,
    counts: Mutex<HashMap<Origin, usize>>,
}

/// One connection among those of its origin, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    origins: Arc<Origins>,
    origin: Origin,
}

impl Origins {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// Counts one more, unless there are too many.
    pub(crate) fn enter(self: Arc<Self>, origin: Origin) -> Option<Share> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(origin).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Share { origins: self, origin })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.origins.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.origin);
            }
        }
    }
}

/// Buckets, in two generations: those used lately, and those used before. When a generation ends the older one is
/// forgotten whole, so nothing is searched. It ends after the time in which an empty bucket fills, and what is
/// forgotten then is full anyway; or earlier when there are very many, so that memory has a bound.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    generations: Mutex<Generations<K>>,
}

#[derive(Debug)]
struct Generations<K> {
    current: HashMap<K, Bucket>,
    previous: HashMap<K, Bucket>,
    began: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    at: Instant,
}

/// Buckets of one generation.
const MOST: usize = 32_768;
/// The longest generation, whatever the rate.
const LONGEST: Duration = Duration::from_secs(86_400);

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        let generations = Generations { current: HashMap::new(), previous: HashMap::new(), began: None };
        Self { rate, generations: Mutex::new(generations) }
    }

    /// Takes `cost` at `now`; an error is the seconds to wait.
    pub(crate) fn take(&self, key: K, cost: f64, now: Instant) -> Result<(), u32> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let began = *generations.began.get_or_insert(now);
        if generations.current.len() >= MOST || now.saturating_duration_since(began) > self.fills_in() {
            generations.previous = std::mem::take(&mut generations.current);
            generations.began = Some(now);
        }
        let Generations { current, previous, .. } = &mut *generations;
        let before = previous.remove(&key).unwrap_or(Bucket { level: self.rate.burst, at: now });
        let bucket = current.entry(key).or_insert(before);
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

    fn fills_in(&self) -> Duration {
        Duration::try_from_secs_f64(self.rate.burst / self.rate.per_second).unwrap_or(LONGEST).min(LONGEST)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let generations = self.generations.lock().unwrap();
        generations.current.len() + generations.previous.len()
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

    #[test]
    fn memory_has_a_bound_and_what_is_spent_stays_spent_while_others_come() {
        let buckets = Buckets::new(Rate { per_second: 0.1, burst: 1.0 });
        let start = Instant::now();
        assert_eq!(buckets.take(u64::MAX, 1.0, start), Ok(()));
        for key in 0..MOST as u64 + 10 {
            assert_eq!(buckets.take(key, 1.0, start), Ok(()));
        }
        assert_eq!(buckets.take(u64::MAX, 1.0, start), Err(10), "a new generation knows it too");
        for key in 0..10 * MOST as u64 {
            _ = buckets.take(key, 1.0, start);
        }
        assert!(buckets.len() <= 2 * MOST, "{}", buckets.len());
    }

    #[test]
    fn a_generation_ends_without_anybody_being_let_off() {
        let buckets = Buckets::new(Rate { per_second: 1.0, burst: 10.0 });
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(buckets.take("alice", 10.0, start), Ok(()));
        assert_eq!(buckets.take("bob", 10.0, after(9)), Ok(()));
        assert_eq!(buckets.take("alice", 10.0, after(11)), Ok(()), "full again");
        assert_eq!(buckets.take("bob", 10.0, after(11)), Err(8));
        for seconds in [30, 60, 90] {
            assert_eq!(buckets.take("alice", 1.0, after(seconds)), Ok(()));
        }
        assert_eq!(buckets.len(), 1, "bob is forgotten");
    }

    #[test]
    fn a_network_of_64_bits_counts_as_one_and_a_mapped_address_as_itself() {
        let origin = |text: &str| Origin::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(origin("2001:db8:0:1::1"), origin("2001:db8:0:1:ffff::2"));
        assert_ne!(origin("2001:db8:0:1::1"), origin("2001:db8:0:2::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
    }
}
