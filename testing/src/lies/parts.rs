//! Lies about what a storage has: other parts of files than were put, and an older state of an index.

use crate::evil::EvilWorld;
use keyfold_protocol::wire::Objects;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Objects of fewer bytes are an index's, which other tests are about.
const PART_BYTES: usize = 1_000_000;

/// What is shown in the place of parts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// The same with one byte changed.
    Flipped,
    /// Each other's, where several are asked for.
    Swapped,
    /// Nothing.
    Missing,
}

/// Whoever asks for parts gets something else.
pub(super) fn other(world: &EvilWorld, shown: Shown) {
    world.evil.lie(move |asked, answer| {
        if !asked.path.ends_with("/objects/read") || answer.status != 200 {
            return;
        }
        let Ok(Objects { mut objects }) = Objects::decode(&answer.body) else { return };
        if !objects.iter().any(|object| object.len() >= PART_BYTES) {
            return;
        }
        match shown {
            Shown::Flipped => {
                for byte in objects.iter_mut().filter_map(|object| object.get_mut(100)) {
                    *byte ^= 1;
                }
            }
            Shown::Swapped => objects.rotate_left(1),
            Shown::Missing => objects.iter_mut().for_each(Vec::clear),
        }
        answer.body = Objects { objects }.encode();
    });
}

/// Whoever looks for the state of an index is shown the one that was there when somebody first looked.
pub(super) fn old_state(world: &EvilWorld) {
    let mut shown: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    world.evil.lie(move |asked, answer| {
        if !asked.path.ends_with("/references/read") || answer.status != 200 {
            return;
        }
        match shown.get(&asked.body) {
            Some(first) => answer.body.clone_from(first),
            None => drop(shown.insert(asked.body.clone(), answer.body.clone())),
        }
    });
}
