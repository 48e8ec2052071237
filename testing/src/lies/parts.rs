//! Lies about parts of files: other bytes, another part, none.

use crate::evil::EvilWorld;
use keyfold_protocol::wire::Objects;
use serde::Deserialize;

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
