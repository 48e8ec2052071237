//! Lengths, in bytes. Spec: `docs/spec/index.md`, "Limits".

/// A key, encoded.
pub const MAX_KEY: usize = 1_024;
/// A value. What is longer is a file.
pub const MAX_VALUE: usize = 1 << 20;
/// A value that stands beside its key. A longer one is an object of its own.
pub(crate) const VALUE_HERE: usize = 1_024;
/// Trees of one index: the primary and its secondary ones.
pub const MAX_TREES: usize = 64;

/// Salt and tag of what is sealed.
pub(crate) const OVERHEAD: usize = 40;
/// The smallest object.
pub(crate) const LEAST_OBJECT: usize = 1 << 10;
/// A leaf, sealed.
pub(crate) const LEAF: usize = 8 << 10;
/// A node above leaves, sealed.
pub(crate) const INTERIOR: usize = 16 << 10;
/// Changes that a root record carries itself.
pub(crate) const INLINE_CHANGES: usize = 8 << 10;
/// Headers of former records that a root record carries itself. With the next one they fit into an object of 8 KiB.
pub(crate) const INLINE_HEADERS: usize = 7 << 10;
/// A root record, sealed, as long as headers can be put elsewhere.
pub(crate) const RECORD: usize = 32 << 10;
/// Segments of the tail.
pub(crate) const SEGMENTS: usize = 8;
/// Changes of the tail, in bytes, from which on it is folded into the trees.
pub(crate) const TAIL_BYTES: usize = 256 << 10;
/// The same, counted.
pub(crate) const TAIL_CHANGES: usize = 2_000;

/// The length that so many sealed bytes are padded to: a power of two. So sizes tell little.
pub(crate) const fn padded(sealed: usize) -> usize {
    let least = if sealed < LEAST_OBJECT { LEAST_OBJECT } else { sealed };
    least.next_power_of_two()
}
