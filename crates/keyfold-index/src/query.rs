//! Which entries of a tree somebody asks for, and in which order.

use crate::{
    error::Result,
    key::{self, Part},
    node::Node,
};
use std::ops::Bound;

/// Which keys, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Where it begins: with this key if it is included, behind it if it is excluded; whether or not there is such a key.
    pub from: Bound<Box<[u8]>>,
    /// Where it ends: with this key if it is included, before it if it is excluded.
    pub to: Bound<Box<[u8]>>,
    /// Descending.
    pub reverse: bool,
    /// So many of the first ones are left out. They are counted, not read.
    pub skip: u64,
}

impl Default for Query {
    fn default() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded, reverse: false, skip: 0 }
    }
}

impl Query {
    /// All keys that start with this.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end: Vec<u8> = prefix.into();
        while end.last() == Some(&u8::MAX) {
            end.pop();
        }
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        let to = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end.into()) };
        Self { from: Bound::Included(prefix.into()), to, ..Self::default() }
    }

    /// All keys whose first parts are these ([`crate::key`]).
    pub fn parts(parts: &[Part]) -> Result<Self> {
        let from = key::encode(parts)?;
        // Greater than the start of any part.
        let to = [&from[..], &[u8::MAX]].concat();
        Ok(Self { from: Bound::Included(from.into()), to: Bound::Excluded(to.into()), ..Self::default() })
    }

    /// What is left of this behind a key, in the order of the query: where somebody goes on who has seen it, whatever was
    /// committed since, and whether or not the key is still there.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        match self.reverse {
            false if !self.is_before(key) => self.from = Bound::Excluded(key.into()),
            true if !self.is_after(key) => self.to = Bound::Excluded(key.into()),
            _ => {}
        }
        self
    }

    /// Whether a key is in it, skipped or not.
    pub fn has(&self, key: &[u8]) -> bool {
        !self.is_before(key) && !self.is_after(key)
    }

    /// Where in a leaf its keys are.
    pub(crate) fn places(&self, leaf: &Node) -> std::ops::Range<usize> {
        let behind = |key: &[u8]| leaf.find(key).map_or_else(|place| place, |place| place + 1);
        let at = |key: &[u8]| leaf.find(key).unwrap_or_else(|place| place);
        let from = match &self.from {
            // As it is for all leaves but the first.
            Bound::Included(from) if leaf.is_within(from, None) => 0,
            Bound::Included(from) => at(from),
            Bound::Excluded(from) => behind(from),
            Bound::Unbounded => 0,
        };
        let to = match &self.to {
            Bound::Included(to) => behind(to),
            Bound::Excluded(to) => at(to),
            Bound::Unbounded => leaf.len(),
        };
        from..to.max(from)
    }

    pub(crate) fn is_before(&self, key: &[u8]) -> bool {
        match &self.from {
            Bound::Included(from) => key < &**from,
            Bound::Excluded(from) => key <= &**from,
            Bound::Unbounded => false,
        }
    }

    pub(crate) fn is_after(&self, key: &[u8]) -> bool {
        match &self.to {
            Bound::Included(to) => key > &**to,
            Bound::Excluded(to) => key >= &**to,
            Bound::Unbounded => false,
        }
    }
}
