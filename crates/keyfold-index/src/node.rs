//! Nodes: sorted cells, read where they lie. A leaf's cell is a key and a value; above leaves it is the least key that may
//! be below a child, and that child.
//!
//! ```text
//! u8 level ‖ u8 1 ‖ u16 n ‖ u16 length of the prefix ‖ prefix ‖ n × u16 offset ‖ n × cell ‖ zero bytes
//! cell = u16 length of the rest of the key ‖ u16 length of the payload (+ 8000h: apart) ‖ rest of the key ‖ payload
//! ```
//!
//! Spec: `docs/spec/index.md`, "Nodes".

use crate::{
    error::{IndexError, Result},
    limits::{MAX_KEY, OVERHEAD, VALUE_HERE, padded},
};
use keyfold_format::ObjectId;
use std::{cmp::Ordering, ops::Range};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const HEAD: usize = 6;
const CELL_HEAD: usize = 4;
const APART: u16 = 0x8000;
/// id ‖ u32 key number ‖ u32 length
const APART_BYTES: usize = 40;
/// id ‖ u32 key number ‖ u64 count
const CHILD_BYTES: usize = 44;

/// A value that is an object of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Apart {
    /// Where it is.
    pub(crate) object: ObjectId,
    /// The number of the key under which it is sealed.
    pub(crate) key: u32,
    /// Its bytes.
    pub(crate) length: u32,
}

impl Apart {
    fn write(&self) -> [u8; APART_BYTES] {
        joined(&[&self.object.0, &self.key.to_be_bytes(), &self.length.to_be_bytes()])
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (object, rest) = bytes.split_first_chunk::<32>()?;
        let (key, rest) = rest.split_first_chunk::<4>()?;
        let (length, []) = rest.split_first_chunk::<4>()? else { return None };
        let (key, length) = (u32::from_be_bytes(*key), u32::from_be_bytes(*length));
        Some(Self { object: ObjectId(*object), key, length })
    }
}

/// A node, as the one above it names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// Where it is.
    pub(crate) object: ObjectId,
    /// The number of the key under which it is sealed.
    pub(crate) key: u32,
    /// Entries below it.
    pub(crate) count: u64,
}

impl Child {
    pub(crate) fn write(&self) -> [u8; CHILD_BYTES] {
        joined(&[&self.object.0, &self.key.to_be_bytes(), &self.count.to_be_bytes()])
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (object, rest) = bytes.split_first_chunk::<32>()?;
        let (key, rest) = rest.split_first_chunk::<4>()?;
        let (count, []) = rest.split_first_chunk::<8>()? else { return None };
        let (key, count) = (u32::from_be_bytes(*key), u64::from_be_bytes(*count));
        Some(Self { object: ObjectId(*object), key, count })
    }
}

fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    for (to, from) in all.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
    all
}

/// What stands in a leaf for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Here(&'a [u8]),
    Apart(Apart),
}

/// A cell that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell<'c> {
    text: Text<'c>,
    is_apart: bool,
}

/// A key, and what stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text<'c> {
    /// In one piece, because there are many; how long the key is.
    Own(Zeroizing<Vec<u8>>, usize),
    /// As a change has them: of a bulk nothing is copied before it stands in its node.
    Lent(&'c [u8], &'c [u8]),
}

impl Cell<'_> {
    fn own(key: [&[u8]; 2], payload: &[u8], is_apart: bool) -> Self {
        let length = key.iter().map(|part| part.len()).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(length + payload.len()));
        key.into_iter().chain([payload]).for_each(|part| text.extend_from_slice(part));
        Self { text: Text::Own(text, length), is_apart }
    }

    pub(crate) fn child(key: &[u8], child: &Child) -> Self {
        Self::own([key, &[]], &child.write(), false)
    }

    pub(crate) fn key(&self) -> &[u8] {
        match &self.text {
            Text::Own(text, key) => text.get(..*key).unwrap_or_default(),
            Text::Lent(key, _) => key,
        }
    }

    fn payload(&self) -> &[u8] {
        match &self.text {
            Text::Own(text, key) => text.get(*key..).unwrap_or_default(),
            Text::Lent(_, payload) => payload,
        }
    }

    pub(crate) fn as_child(&self) -> Option<Child> {
        Child::read(self.payload())
    }

    pub(crate) fn apart(&self) -> Option<Apart> {
        self.is_apart.then(|| Apart::read(self.payload())).flatten()
    }

    /// What the cell takes in a node, its key not shortened.
    pub(crate) fn weight(&self) -> usize {
        let text = match &self.text {
            Text::Own(text, _) => text.len(),
            Text::Lent(key, payload) => key.len() + payload.len(),
        };
        2 + CELL_HEAD + text
    }
}

impl<'c> Cell<'c> {
    pub(crate) fn value(key: &'c [u8], value: Value<'c>) -> Self {
        match value {
            Value::Here(bytes) => Self { text: Text::Lent(key, bytes), is_apart: false },
            Value::Apart(apart) => Self::own([key, &[]], &apart.write(), true),
        }
    }
}

/// What a node of these cells takes, from the sum of their weights, their number and their first and last key.
pub(crate) fn length(weights: usize, count: usize, first: &[u8], last: &[u8]) -> usize {
    let prefix = shared(first, last);
    HEAD + prefix + weights - count * prefix
}

/// What it takes at most, whatever the keys are.
pub(crate) fn longest(weights: usize) -> usize {
    HEAD + weights
}

/// How many bytes two keys have in common at the start.
pub(crate) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The shortest key that is greater than `left` and not greater than `right`, of which `left` is less.
pub(crate) fn separator(left: &[u8], right: &[u8]) -> Box<[u8]> {
    right.get(..=shared(left, right)).unwrap_or(right).into()
}

/// Writes a node of ascending cells. They fit: [`length`] said so.
pub(crate) fn write(level: u8, cells: &[Cell<'_>]) -> Result<Zeroizing<Vec<u8>>> {
    let too_large = || IndexError::TooLarge { what: "node", limit: usize::from(u16::MAX) };
    let (first, last) = match cells {
        [] => return Err(IndexError::Damaged("a node has no cell")),
        [first, .., last] => (first.key(), last.key()),
        [only] => (only.key(), only.key()),
    };
    let prefix = first.get(..shared(first, last)).unwrap_or_default();
    let weights = cells.iter().map(Cell::weight).sum();
    // With room for what it is filled up with.
    let sealed = padded(length(weights, cells.len(), first, last) + OVERHEAD);
    let mut bytes = Zeroizing::new(Vec::with_capacity(sealed));
    let short = |n: usize| u16::try_from(n).map(u16::to_be_bytes).map_err(|_| too_large());
    bytes.extend([level, VERSION]);
    bytes.extend(short(cells.len())?);
    bytes.extend(short(prefix.len())?);
    bytes.extend_from_slice(prefix);
    let mut at = bytes.len() + 2 * cells.len();
    for cell in cells {
        bytes.extend(short(at)?);
        at += cell.weight() - 2 - prefix.len();
    }
    for cell in cells {
        let apart = if cell.is_apart { APART } else { 0 };
        let payload = u16::try_from(cell.payload().len()).map_err(|_| too_large())? | apart;
        let rest = cell.key().get(prefix.len()..).unwrap_or_default();
        bytes.extend(short(rest.len())?);
        bytes.extend(payload.to_be_bytes());
        bytes.extend_from_slice(rest);
        bytes.extend_from_slice(cell.payload());
    }
    Ok(bytes)
}

/// A node that was opened and looked through once; from then on it is read where it lies.
pub(crate) struct Node {
    bytes: Zeroizing<Vec<u8>>,
    level: u8,
    count: usize,
    prefix: Range<usize>,
    /// Whether a value is an object of its own.
    has_apart: bool,
    /// Below it.
    entries: u64,
}

impl Drop for Node {
    fn drop(&mut self) {
        // Room that is not used is wiped in one go. Byte by byte, wiping costs as much as decrypting.
        self.bytes.clear();
    }
}

impl Node {
    /// Refuses what [`write()`] would not write, except that keys are compared with nothing outside of the node.
    pub(crate) fn read(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        let damaged = IndexError::Damaged;
        let &[level, version, n, m, p, q, ..] = &**bytes else { return Err(damaged("a node is cut")) };
        if version != VERSION {
            return Err(damaged("a node has another version"));
        }
        let count = usize::from(u16::from_be_bytes([n, m]));
        let prefix = HEAD..HEAD + usize::from(u16::from_be_bytes([p, q]));
        let mut node = Self { bytes, level, count, prefix, has_apart: false, entries: 0 };
        node.check().ok_or(damaged("a node's cells are not in their places"))?;
        if !(1..node.count).all(|index| node.rest(index - 1) < node.rest(index)) {
            return Err(damaged("a node's keys are not in order"));
        }
        // The prefix is the longest, or there would be two nodes of one content.
        let (first, last) = (node.rest(0), node.rest(node.count - 1));
        if (node.count > 1 && shared(first, last) > 0) || (node.count == 1 && !first.is_empty()) {
            return Err(damaged("a node's keys are longer than they need be"));
        }
        node.entries = node.counted().ok_or(damaged("a node counts too many entries"))?;
        Ok(node)
    }

    fn check(&mut self) -> Option<()> {
        if self.count == 0 || self.prefix.len() > MAX_KEY || self.prefix.end > self.bytes.len() {
            return None;
        }
        let mut at = self.prefix.end + 2 * self.count;
        for index in 0..self.count {
            if self.offset(index)? != at {
                return None;
            }
            let &[r, s, p, q] = self.bytes.get(at..at + CELL_HEAD)? else { return None };
            let rest = usize::from(u16::from_be_bytes([r, s]));
            let payload = u16::from_be_bytes([p, q]);
            let length = usize::from(payload & !APART);
            if self.prefix.len() + rest > MAX_KEY {
                return None;
            }
            let fits = match (self.level, payload & APART != 0) {
                (0, false) => length <= VALUE_HERE,
                (0, true) => length == APART_BYTES,
                (_, is_apart) => !is_apart && length == CHILD_BYTES,
            };
            if !fits {
                return None;
            }
            self.has_apart |= payload & APART != 0;
            at += CELL_HEAD + rest + length;
        }
        self.bytes.get(at..)?.iter().all(|byte| *byte == 0).then_some(())
    }

    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    /// Whether a leaf has a value that is an object of its own.
    pub(crate) fn has_apart(&self) -> bool {
        self.has_apart
    }

    /// How many cells.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// What the node takes in memory.
    pub(crate) fn weight(&self) -> u64 {
        self.bytes.len() as u64 + 64
    }

    fn offset(&self, index: usize) -> Option<usize> {
        let at = self.prefix.end + 2 * index;
        match self.bytes.get(at..at + 2)? {
            &[a, b] => Some(usize::from(u16::from_be_bytes([a, b]))),
            _ => None,
        }
    }

    /// The rest of a key, and the payload with its mark. Empty beyond the last cell.
    fn cell(&self, index: usize) -> (&[u8], u16, &[u8]) {
        let cell = self.offset(index).and_then(|at| self.bytes.get(at..));
        let Some(&[r, s, p, q, ref text @ ..]) = cell else { return (&[], 0, &[]) };
        let (rest, payload) = (usize::from(u16::from_be_bytes([r, s])), u16::from_be_bytes([p, q]));
        let (rest, text) = text.split_at_checked(rest).unwrap_or_default();
        (rest, payload & APART, text.get(..usize::from(payload & !APART)).unwrap_or_default())
    }

    fn rest(&self, index: usize) -> &[u8] {
        self.cell(index).0
    }

    /// What all keys start with.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.bytes.get(self.prefix.clone()).unwrap_or_default()
    }

    /// A key, put together in `key`.
    pub(crate) fn key_into(&self, index: usize, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.prefix());
        key.extend_from_slice(self.rest(index));
    }

    pub(crate) fn key(&self, index: usize) -> Box<[u8]> {
        [self.prefix(), self.rest(index)].concat().into()
    }

    /// A leaf's value.
    pub(crate) fn value(&self, index: usize) -> Option<Value<'_>> {
        self.entry(index).1
    }

    /// What a key has behind the prefix, and its value, in a leaf.
    pub(crate) fn entry(&self, index: usize) -> (&[u8], Option<Value<'_>>) {
        let (rest, apart, payload) = self.cell(index);
        let value = if apart == 0 { Some(Value::Here(payload)) } else { Apart::read(payload).map(Value::Apart) };
        (rest, value)
    }

    /// What is below, above leaves.
    pub(crate) fn child(&self, index: usize) -> Option<Child> {
        Child::read(self.cell(index).2)
    }

    /// Entries below.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    fn counted(&self) -> Option<u64> {
        if self.level == 0 {
            return Some(self.count as u64);
        }
        (0..self.count).try_fold(0u64, |sum, index| sum.checked_add(self.child(index)?.count))
    }

    fn compare(&self, index: usize, key: &[u8]) -> Ordering {
        let prefix = self.prefix();
        match key.split_at_checked(prefix.len()) {
            Some((start, rest)) => prefix.cmp(start).then_with(|| self.rest(index).cmp(rest)),
            None => prefix.cmp(key).then(Ordering::Greater),
        }
    }

    /// Where a key stands, or where it would.
    pub(crate) fn find(&self, key: &[u8]) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.count);
        let Some(rest) = key.strip_prefix(self.prefix()) else {
            return Err(if self.compare(0, key) == Ordering::Greater { 0 } else { self.count });
        };
        while from < to {
            let middle = from.midpoint(to);
            match self.rest(middle).cmp(rest) {
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(from)
    }

    /// Above leaves: the child that a key is below. What is less than the first separator is below the first child.
    pub(crate) fn way(&self, key: &[u8]) -> usize {
        match self.find(key) {
            Ok(index) => index,
            Err(index) => index.saturating_sub(1),
        }
    }

    /// Whether all keys are in `[from, to)`, as the nodes above say.
    pub(crate) fn is_within(&self, from: &[u8], to: Option<&[u8]>) -> bool {
        self.compare(0, from).is_ge() && to.is_none_or(|to| self.compare(self.count - 1, to).is_lt())
    }

    /// The cells, to be written again.
    pub(crate) fn cells<'c>(&self) -> impl Iterator<Item = Cell<'c>> {
        (0..self.count).map(|index| {
            let (_, apart, payload) = self.cell(index);
            Cell::own([self.prefix(), self.rest(index)], payload, apart != 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn leaf(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Zeroizing<Vec<u8>> {
        let cells: Vec<_> = entries.iter().map(|(k, v)| Cell::value(k, Value::Here(v))).collect();
        let bytes = write(0, &cells).unwrap();
        let weights = cells.iter().map(Cell::weight).sum();
        assert_eq!(bytes.len(), length(weights, cells.len(), cells[0].key(), cells[cells.len() - 1].key()));
        bytes
    }

    proptest! {
        #[test]
        fn what_was_written_is_found_and_nothing_else(
            entries in prop::collection::btree_map(prop::collection::vec(0u8..4, 0..6), prop::collection::vec(any::<u8>(), 0..9), 1..60),
            asked in prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 20),
        ) {
            let mut bytes = leaf(&entries);
            let padded = bytes.len() + 33;
            bytes.resize(padded, 0);
            let node = Node::read(bytes).unwrap();
            prop_assert_eq!(node.len(), entries.len());
            for (index, (key, value)) in entries.iter().enumerate() {
                prop_assert_eq!(&*node.key(index), &key[..]);
                prop_assert_eq!(node.value(index), Some(Value::Here(value)));
            }
            let keys: Vec<_> = entries.keys().collect();
            for key in asked {
                prop_assert_eq!(node.find(&key), keys.binary_search(&&key));
            }
        }

        #[test]
        fn no_bytes_panic_and_what_is_read_is_written_the_same(
            entries in prop::collection::btree_map(prop::collection::vec(0u8..4, 0..6), prop::collection::vec(any::<u8>(), 0..9), 1..20),
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let whole = leaf(&entries);
            let mut altered = whole.clone();
            *at.get_mut(&mut altered[..]) = byte;
            for bytes in [altered, Zeroizing::new(whole[..cut.index(whole.len())].to_vec())] {
                if let Ok(node) = Node::read(bytes.clone()) && node.level() == 0 {
                    let cells: Vec<_> = node.cells().collect();
                    let mut again = write(0, &cells).unwrap();
                    again.resize(bytes.len(), 0);
                    prop_assert_eq!(again, bytes);
                }
            }
        }
    }

    #[test]
    fn a_separator_is_the_shortest_between() {
        for (left, right, between) in
            [("apple", "banana", "b"), ("apple", "apricot", "apr"), ("", "a", "a"), ("a", "ab", "ab"), ("ab", "b", "b")]
        {
            assert_eq!(&*separator(left.as_bytes(), right.as_bytes()), between.as_bytes());
        }
    }

    #[test]
    fn bounds_hold_for_what_is_in_a_node() {
        let entries = ["b", "c", "d"].map(|k| (k.as_bytes().to_vec(), vec![])).into();
        let node = Node::read(leaf(&entries)).unwrap();
        let within = |from: &str, to: Option<&str>| node.is_within(from.as_bytes(), to.map(str::as_bytes));
        assert!(within("", None) && within("b", Some("e")) && within("a", Some("d\0")));
        assert!(!within("ba", None) && !within("", Some("d")) && !within("", Some("a")));
    }
}
