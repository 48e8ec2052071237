//! Every target but the slow ones on altered vectors, the same ones every time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use keyfold_fuzz::{SLOW, TARGETS, Target, seeds};

/// Alterations of each seed.
const ALTERED: usize = 200;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// One thing is changed: a bit, a byte, a length, a piece of another seed.
fn altered(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 0x7f, 0x80, 0xff, 0x1b, 0x5b, 0x9b][random.below(7)],
        2 => bytes.truncate(at),
        3 => bytes.insert(at, random.below(256) as u8),
        4 => drop(bytes.remove(at)),
        _ => {
            let from = random.below(other.len());
            let piece = &other[from..(from + random.below(32)).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
    }
    bytes
}

#[test]
fn altered_vectors_are_refused_or_have_one_meaning_and_nothing_panics() {
    let seeds = seeds::from_vectors();
    let fast = || TARGETS.iter().filter(|target| !SLOW.contains(&target.name));
    let run = |bytes: &[u8], target: &Target| (target.run)(bytes);
    let mut random = Random(1);
    let mut played = 0;
    for (at, seed) in seeds.iter().enumerate() {
        let other = &seeds[(at * 31 + 17) % seeds.len()];
        for _ in 0..ALTERED {
            let bytes = altered(seed, other, &mut random);
            fast().for_each(|target| run(&bytes, target));
            played += fast().count();
        }
        fast().for_each(|target| run(seed, target));
    }
    println!("{played} runs of {} seeds", seeds.len());
    assert!(played > 1_000_000);
}
