//! An index at one moment, to be read: what others write meanwhile does not show.

use crate::{
    change::Put,
    error::{IndexError, Result},
    key::{self, Part},
    node::{Apart, Node, Value},
    seal::Keys,
    state::State,
    store::Store,
    tree::{Aim, Leaf, Trees},
};
use std::{collections::BTreeMap, ops::Bound, sync::Arc};
use zeroize::Zeroizing;

/// Leaves that are fetched at once, at most.
const MOST_AHEAD: usize = 64;

/// A key and its value.
pub type Entry = (Box<[u8]>, Zeroizing<Vec<u8>>);

/// An index at one moment.
pub struct Snapshot<S, K> {
    pub(crate) trees: Arc<Trees<S, K>>,
    pub(crate) state: Option<Arc<State>>,
}

/// Which keys, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The least key.
    pub from: Bound<Box<[u8]>>,
    /// The greatest key.
    pub to: Bound<Box<[u8]>>,
    /// Descending.
    pub reverse: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded, reverse: false }
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
        Self { from: Bound::Included(prefix.into()), to, reverse: false }
    }

    /// All keys whose first parts are these ([`crate::key`]).
    pub fn parts(parts: &[Part]) -> Result<Self> {
        let from = key::encode(parts)?;
        // Greater than the start of any part.
        let to = [&from[..], &[u8::MAX]].concat();
        Ok(Self { from: Bound::Included(from.into()), to: Bound::Excluded(to.into()), reverse: false })
    }

    /// Where in a leaf its keys are.
    fn places(&self, leaf: &Node) -> std::ops::Range<usize> {
        let behind = |key: &[u8]| leaf.find(key).map_or_else(|place| place, |place| place + 1);
        let at = |key: &[u8]| leaf.find(key).unwrap_or_else(|place| place);
        let from = match &self.from {
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

    fn is_before(&self, key: &[u8]) -> bool {
        match &self.from {
            Bound::Included(from) => key < &**from,
            Bound::Excluded(from) => key <= &**from,
            Bound::Unbounded => false,
        }
    }

    fn is_after(&self, key: &[u8]) -> bool {
        match &self.to {
            Bound::Included(to) => key > &**to,
            Bound::Excluded(to) => key >= &**to,
            Bound::Unbounded => false,
        }
    }
}

/// A value that may have to be fetched.
enum Found {
    Here(Zeroizing<Vec<u8>>),
    Apart(Apart),
}

impl<S: Store, K: Keys> Snapshot<S, K> {
    /// Which record this is, from 0; `None` if nothing was written yet.
    pub fn generation(&self) -> Option<u64> {
        self.state.as_ref().map(|state| state.header.generation)
    }

    /// The value of a key.
    pub async fn get(&self, tree: u16, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let found = self.find(tree, key).await?;
        match found {
            None => Ok(None),
            Some(Found::Here(value)) => Ok(Some(value)),
            Some(found) => Ok(self.values(tree, vec![found]).await?.pop()),
        }
    }

    async fn find(&self, tree: u16, key: &[u8]) -> Result<Option<Found>> {
        let Some(state) = &self.state else { return Ok(None) };
        if let Some(put) = state.overlay.tree(tree).and_then(|changes| changes.get(key)) {
            return Ok(found(put));
        }
        let Some(root) = state.root(tree) else { return Ok(None) };
        let leaf = self.trees.leaf(tree, root, Aim::Of(key), 0).await?;
        Ok(leaf.node.find(key).ok().and_then(|index| value(&leaf, index)))
    }

    /// How many keys a query finds.
    pub async fn count(&self, tree: u16, query: &Query) -> Result<u64> {
        let Some(state) = &self.state else { return Ok(0) };
        let Some(root) = state.root(tree) else {
            let changes = state.overlay.tree(tree).into_iter().flatten();
            let found =
                changes.filter(|(key, put)| **put != Put::Remove && !query.is_before(key) && !query.is_after(key));
            return Ok(found.count() as u64);
        };
        let after = |key: &[u8]| [key, &[0]].concat();
        let from = match &query.from {
            Bound::Unbounded => 0,
            Bound::Included(from) => self.trees.rank(tree, root, from).await?,
            Bound::Excluded(from) => self.trees.rank(tree, root, &after(from)).await?,
        };
        let to = match &query.to {
            Bound::Unbounded => root.top.child.count,
            Bound::Included(to) => self.trees.rank(tree, root, &after(to)).await?,
            Bound::Excluded(to) => self.trees.rank(tree, root, to).await?,
        };
        let mut count = to.saturating_sub(from);
        for (key, put) in state.overlay.tree(tree).into_iter().flatten() {
            if query.is_before(key) || query.is_after(key) {
                continue;
            }
            let leaf = self.trees.leaf(tree, root, Aim::Of(key), 0).await?;
            match (leaf.node.find(key).is_ok(), *put == Put::Remove) {
                (true, true) => count = count.saturating_sub(1),
                (false, false) => count = count.saturating_add(1),
                _ => {}
            }
        }
        Ok(count)
    }

    /// The entries that a query finds, some at a time.
    pub fn range(&self, tree: u16, query: Query) -> Range<'_, S, K> {
        Range { snapshot: self, tree, query, ahead: 0, is_done: false }
    }

    async fn values(&self, tree: u16, found: Vec<Found>) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let aparts: Vec<_> =
            found.iter().filter_map(|f| if let Found::Apart(a) = f { Some(a.object) } else { None }).collect();
        let fetched = if aparts.is_empty() { Vec::new() } else { self.trees.store.get(&aparts).await? };
        let mut fetched = fetched.into_iter();
        let mut values = Vec::with_capacity(found.len());
        for found in found {
            values.push(match found {
                Found::Here(value) => value,
                Found::Apart(apart) => {
                    let sealed = fetched.next().flatten().ok_or(IndexError::Missing(apart.object))?;
                    self.trees.sealer.open_value(tree, &apart, &sealed)?
                }
            });
        }
        Ok(values)
    }
}

/// Entries of a query, some at a time.
pub struct Range<'s, S, K> {
    snapshot: &'s Snapshot<S, K>,
    tree: u16,
    /// What is left.
    query: Query,
    ahead: usize,
    is_done: bool,
}

/// Entries that stand beside each other.
pub struct Page(Entries);

enum Entries {
    /// As they lie in a leaf; values that stand apart, by their place in it.
    Leaf { leaf: Arc<Node>, places: std::ops::Range<usize>, reverse: bool, apart: BTreeMap<usize, Zeroizing<Vec<u8>>> },
    /// With changes that are not in a leaf yet.
    Listed(Vec<Entry>),
}

impl Page {
    /// How many there are, at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Leaf { places, .. } => places.len(),
            Entries::Listed(listed) => listed.len(),
        }
    }

    /// Shows each key with its value, in the order of the query. Nothing is copied but keys, into one buffer.
    pub fn each(&self, mut see: impl FnMut(&[u8], &[u8])) {
        match &self.0 {
            Entries::Listed(listed) => listed.iter().for_each(|(key, value)| see(key, value)),
            Entries::Leaf { leaf, places, reverse, apart } => {
                let mut key = leaf.prefix().to_vec();
                let prefix = key.len();
                let mut show = |place: usize| {
                    let (rest, value) = leaf.entry(place);
                    key.truncate(prefix);
                    key.extend_from_slice(rest);
                    match value {
                        Some(Value::Here(value)) => see(&key, value),
                        // What stands apart was fetched.
                        _ => apart.get(&place).into_iter().for_each(|value| see(&key, value)),
                    }
                };
                if *reverse { places.clone().rev().for_each(&mut show) } else { places.clone().for_each(&mut show) }
            }
        }
    }

    /// The entries, each of its own.
    pub fn into_entries(self) -> Vec<Entry> {
        if let Self(Entries::Listed(listed)) = self {
            return listed;
        }
        let mut entries = Vec::with_capacity(self.len());
        self.each(|key, value| entries.push((key.into(), Zeroizing::new(value.to_vec()))));
        entries
    }
}

impl<S: Store, K: Keys> Range<'_, S, K> {
    /// The next entries, as many as one leaf has; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Page>> {
        while !self.is_done {
            let page = self.page().await?;
            if page.len() > 0 {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    async fn page(&mut self) -> Result<Page> {
        let none = BTreeMap::new();
        let Some(state) = &self.snapshot.state else {
            self.is_done = true;
            return Ok(Page(Entries::Listed(Vec::new())));
        };
        let changes = state.overlay.tree(self.tree).unwrap_or(&none);
        let query = self.query.clone();
        let Some(root) = state.root(self.tree) else {
            self.is_done = true;
            let changes = changes.iter().filter(|(key, _)| !query.is_before(key) && !query.is_after(key));
            return self.listed(changes.filter_map(|(key, put)| Some((key.clone(), found(put)?))).collect()).await;
        };
        let aim = match (query.reverse, &query.from, &query.to) {
            (false, Bound::Included(from) | Bound::Excluded(from), _) => Aim::Of(from),
            (false, Bound::Unbounded, _) => Aim::Of(&[]),
            (true, _, Bound::Included(to)) => Aim::Of(to),
            (true, _, Bound::Excluded(to)) => Aim::Before(to),
            (true, _, Bound::Unbounded) => Aim::Last,
        };
        let leaf = self.snapshot.trees.leaf(self.tree, root, aim, self.ahead).await?;
        self.ahead = (self.ahead * 2).clamp(1, MOST_AHEAD);
        self.go_on_from(&leaf);
        let (from, to) = (Some(&leaf.from[..]).filter(|from| !from.is_empty()), leaf.to.as_deref());
        let bounds = (from.map_or(Bound::Unbounded, Bound::Included), to.map_or(Bound::Unbounded, Bound::Excluded));
        let changed = changes.range::<[u8], _>(bounds);
        let mut changed = changed.filter(|(key, _)| !query.is_before(key) && !query.is_after(key)).peekable();
        let places = query.places(&leaf.node);
        if changed.peek().is_none() {
            return self.of_leaf(leaf.node, places, query.reverse).await;
        }
        let mut listed: BTreeMap<Box<[u8]>, Option<Found>> =
            places.map(|place| (leaf.node.key(place), value(&leaf, place))).collect();
        listed.extend(changed.map(|(key, put)| (key.clone(), found(put))));
        self.listed(listed.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()).await
    }

    /// What is left of the query behind a leaf.
    fn go_on_from(&mut self, leaf: &Leaf) {
        let next =
            if self.query.reverse { Some(leaf.from.clone()).filter(|from| !from.is_empty()) } else { leaf.to.clone() };
        match next {
            None => self.is_done = true,
            Some(next) if self.query.reverse => {
                self.is_done = self.query.is_before(&next);
                self.query.to = Bound::Excluded(next.into());
            }
            Some(next) => {
                self.is_done = self.query.is_after(&next);
                self.query.from = Bound::Included(next.into());
            }
        }
    }

    /// Entries as they lie in a leaf. Values that stand apart are fetched, all at once.
    async fn of_leaf(&self, leaf: Arc<Node>, places: std::ops::Range<usize>, reverse: bool) -> Result<Page> {
        let apart = places.clone().filter_map(|place| match leaf.value(place)? {
            Value::Apart(apart) => Some((place, Found::Apart(apart))),
            Value::Here(_) => None,
        });
        let (at, found): (Vec<_>, Vec<_>) = apart.unzip();
        let values = if found.is_empty() { Vec::new() } else { self.snapshot.values(self.tree, found).await? };
        Ok(Page(Entries::Leaf { leaf, places, reverse, apart: at.into_iter().zip(values).collect() }))
    }

    /// Entries in ascending order, as the query wants them.
    async fn listed(&self, mut found: Vec<(Box<[u8]>, Found)>) -> Result<Page> {
        if self.query.reverse {
            found.reverse();
        }
        let (keys, found): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let values = self.snapshot.values(self.tree, found).await?;
        Ok(Page(Entries::Listed(keys.into_iter().zip(values).collect())))
    }
}

fn found(put: &Put) -> Option<Found> {
    match put {
        Put::Remove => None,
        Put::Here(value) => Some(Found::Here(Zeroizing::new(value.to_vec()))),
        Put::Apart(apart) => Some(Found::Apart(*apart)),
    }
}

fn value(leaf: &Leaf, index: usize) -> Option<Found> {
    match leaf.node.value(index)? {
        Value::Here(value) => Some(Found::Here(Zeroizing::new(value.to_vec()))),
        Value::Apart(apart) => Some(Found::Apart(apart)),
    }
}
