//! What the processor can do at most: for each node of an index as many bytes hashed by BLAKE3, a key derived by
//! HKDF-SHA-256, and as many decrypted by AES-256-GCM, as a scan does, by the same calls, and nothing else. How far
//! Keyfold is from it is what it does itself.

use super::cpu;
use super::member::{Member, rng};
use anyhow::anyhow;
use std::hint::black_box;

/// Bytes of a node.
const NODE: usize = 8 << 10;
/// Those among them that are salt and tag.
const OVERHEAD: usize = 40;
/// Entries of a node.
const CELLS: usize = 66;
/// What each key is derived for besides its salt: a leaf of this length (docs/spec/index.md, "Objects").
const PLACE: [u8; 6] = [0, 0, 0, 0, 0x20, 0];

/// Milliseconds of CPU time for so many bytes of nodes.
pub(super) fn scan_ms(stored_bytes: usize) -> anyhow::Result<f64> {
    let key = Member::new().tree_key();
    let text = [0x5a; NODE - OVERHEAD];
    let mut nodes = Vec::new();
    for _ in 0..stored_bytes / NODE {
        nodes.push(key.seal(&PLACE, &text, &mut rng()).map_err(|_| anyhow!("a node was not sealed"))?);
    }
    let start = cpu::seconds();
    let mut seen = 0;
    for node in nodes {
        let mut hasher = blake3::Hasher::new_derive_key("a name");
        hasher.update(&node);
        black_box(hasher.finalize());
        let mut opened = key.open_in_place(&PLACE, node).ok_or_else(|| anyhow!("a node did not open"))?;
        // Taken out, for wiping is not what the processor has to do.
        let opened = std::mem::take(&mut *opened);
        for cell in opened.chunks(NODE / CELLS) {
            seen += usize::from(cell.first().copied().unwrap_or_default());
        }
    }
    black_box(seen);
    Ok((cpu::seconds() - start) * 1e3)
}
