//! A complete keychain, shared with one person, however many keys it has.

use super::place::Place;
use crate::crowd::{Crowd, name};
use keyfold_client::{Algorithm, ShareKeys, ShareOptions};
use std::path::Path;
use std::time::Instant;
use tokio::runtime::Runtime;

/// What was measured.
pub(super) struct Costs {
    pub(super) keys: usize,
    /// Milliseconds of each share, from the call to its end.
    pub(super) times: Vec<f64>,
    /// Bytes that were sent for each.
    pub(super) sent: Vec<f64>,
}

/// Makes a keychain for each number of keys, and shares it with `turns` people, one after the other.
pub(super) fn measure(
    runtime: &Runtime,
    keyfold: &Path,
    crowd: &Crowd,
    numbers: &[usize],
    turns: usize,
) -> anyhow::Result<Vec<Costs>> {
    runtime.block_on(async {
        let place = Place::found(keyfold, crowd, turns).await?;
        let alice = place.client("alice")?;
        let people: Vec<String> = (0..turns).map(name).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        alice.identities(&people).await?;
        let mut costs = Vec::new();
        for keys in numbers.iter().copied() {
            alice.create_keychain(&purpose(keys), Algorithm::SecretBox).await?;
            for _ in 1..keys {
                alice.rotate(&purpose(keys)).await?;
            }
            costs.push(Costs { keys, times: Vec::new(), sent: Vec::new() });
        }
        // They take turns.
        for person in people {
            for cost in &mut costs {
                place.relay.take_sent();
                let start = Instant::now();
                alice.share(&purpose(cost.keys), &[person], ShareKeys::All, ShareOptions::default()).await?;
                cost.times.push(start.elapsed().as_secs_f64() * 1e3);
                cost.sent.push(place.relay.take_sent() as f64 / 1e3);
            }
        }
        Ok(costs)
    })
}

fn purpose(keys: usize) -> String {
    format!("{keys} keys")
}
