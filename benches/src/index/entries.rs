//! What is kept: the same keys and values for Keyfold and for its peers, whose program has this file too.

/// Bytes of a key.
pub(crate) const KEY: usize = 16;
/// Bytes of a value.
pub(crate) const VALUE: usize = 100;
/// Entries of a range.
pub(crate) const RANGE: usize = 1_000;
/// Changes of a batch.
pub(crate) const BATCH: u64 = 10_000;
/// Those who write at once.
pub(crate) const WRITERS: u64 = 8;

/// A key, and its new value or `None`.
pub(crate) type Change = ([u8; KEY], Option<[u8; VALUE]>);

/// SplitMix64 (Steele, Lea, Flood 2014): a bijection, so that no two keys are one.
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn filled<const N: usize>(n: u64, salt: u64) -> [u8; N] {
    let mut bytes = [0; N];
    for (chunk, at) in bytes.chunks_mut(8).zip(0u64..) {
        let number = if at == 0 && salt == 0 { mixed(n) } else { mixed(mixed(n) ^ (salt << 32) ^ at) };
        chunk.copy_from_slice(number.to_be_bytes().get(..chunk.len()).unwrap_or_default());
    }
    bytes
}

/// The key of an entry: scattered, so that entries are in no order.
pub(crate) fn key(entry: u64) -> [u8; KEY] {
    filled(entry, 0)
}

/// The value of an entry: bytes that nothing can make smaller. `times`: how often it was written before.
pub(crate) fn value(entry: u64, times: u64) -> [u8; VALUE] {
    filled(entry, 1 + times)
}

/// Some entry, another one each time.
pub(crate) fn any(turn: u64, entries: u64) -> u64 {
    mixed(turn ^ 0x5bd1_e995) % entries
}

/// As many changes as there are entries, a third each overwriting, deleting and adding, in no order of the keys. There are
/// as many entries behind it.
pub(crate) fn churn(entries: u64) -> impl Iterator<Item = Change> {
    // Entries that follow each other have nothing to do with each other.
    (0..entries).map(move |n| match n % 3 {
        0 => (key(n), Some(value(n, 1))),
        1 => (key(n), None),
        _ => (key(entries + n), Some(value(entries + n, 0))),
    })
}

/// How many there are behind [`churn`].
pub(crate) fn churned(entries: u64) -> u64 {
    let left = |rest: u64| (entries + 2 - rest) / 3;
    entries - left(1) + left(2)
}
