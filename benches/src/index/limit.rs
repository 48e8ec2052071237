//! What the processor can do at most: for each node of an index as many bytes hashed, a key derived, and as many decrypted,
//! as a scan does, by the same libraries, and nothing else. How far Keyfold is from it is what it does itself.

use super::cpu;
use anyhow::anyhow;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::hint::black_box;

/// Bytes of a node.
const NODE: usize = 8 << 10;
/// Entries of a node.
const CELLS: usize = 66;

/// Milliseconds of CPU time for so many bytes of nodes.
pub(super) fn scan_ms(stored_bytes: usize) -> anyhow::Result<f64> {
    let nodes = stored_bytes / NODE;
    let key = |salt: &[u8]| -> anyhow::Result<LessSafeKey> {
        let mut hasher = blake3::Hasher::new_derive_key("a limit");
        hasher.update(salt);
        let key = UnboundKey::new(&AES_256_GCM, hasher.finalize().as_bytes()).map_err(|_| anyhow!("no key"))?;
        Ok(LessSafeKey::new(key))
    };
    let sealed = |salt: u64| -> anyhow::Result<Vec<u8>> {
        let mut node = vec![0x5a; NODE];
        let text = node.get_mut(24..NODE - 16).unwrap_or_default();
        let sealing = key(&salt.to_le_bytes())?;
        let tag = sealing.seal_in_place_separate_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), text);
        let tag = tag.map_err(|_| anyhow!("aws-lc did not seal"))?;
        node.iter_mut().zip(salt.to_le_bytes()).for_each(|(to, from)| *to = from);
        node.iter_mut().rev().zip(tag.as_ref().iter().rev()).for_each(|(to, from)| *to = *from);
        Ok(node)
    };
    let mut nodes = (0..nodes as u64).map(sealed).collect::<anyhow::Result<Vec<_>>>()?;
    let start = cpu::seconds();
    let mut seen = 0;
    for node in &mut nodes {
        let mut hasher = blake3::Hasher::new_derive_key("a name");
        hasher.update(node);
        black_box(hasher.finalize());
        let opening = key(node.get(..8).unwrap_or_default())?;
        let text = node.get_mut(24..).unwrap_or_default();
        let opened = opening.open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), text);
        let opened = opened.map_err(|_| anyhow!("aws-lc did not open"))?;
        for cell in opened.chunks(NODE / CELLS) {
            seen += usize::from(cell.first().copied().unwrap_or_default());
        }
    }
    black_box(seen);
    Ok((cpu::seconds() - start) * 1e3)
}
