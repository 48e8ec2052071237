//! Going through the entries of a query, some at a time. What comes next is fetched ahead: the longer somebody reads on,
//! the more of it at once.

use crate::{
    error::{IndexError, Result},
    found::Found,
    node::{Apart, Node, Value},
    query::Query,
    seal::Keys,
    snapshot::{Entry, Snapshot},
    store::Store,
    tree::{Ahead, Aim, Leaf, neighbours},
};
use keyfold_format::ObjectId;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};
use zeroize::Zeroizing;

/// Leaves that are fetched ahead, at most.
const MOST_AHEAD: usize = 64;
/// Values that stand apart and are fetched ahead, in bytes.
const VALUES_AHEAD: usize = 4 << 20;

/// Entries of a query, some at a time.
pub struct Range<'s, S, K> {
    snapshot: &'s Snapshot<S, K>,
    tree: u16,
    /// What is left.
    query: Query,
    /// How many entries of it are wanted.
    left: Option<usize>,
    ahead: usize,
    /// Values that stand apart, fetched with those of an earlier leaf.
    fetched: HashMap<ObjectId, Zeroizing<Vec<u8>>>,
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

impl<'s, S: Store, K: Keys> Range<'s, S, K> {
    pub(crate) fn new(snapshot: &'s Snapshot<S, K>, tree: u16, query: Query) -> Self {
        Self { snapshot, tree, query, left: None, ahead: 0, fetched: HashMap::new(), is_done: false }
    }

    /// No more entries than this. So much of them is fetched at once.
    #[must_use]
    pub fn at_most(self, entries: usize) -> Self {
        Self { left: Some(entries).filter(|entries| *entries < usize::MAX), ..self }
    }

    /// The next entries, as many as one leaf has; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Page>> {
        if self.query.skip > 0 {
            match self.snapshot.skipped(self.tree, self.query.clone()).await? {
                Some(left) => self.query = left,
                None => self.is_done = true,
            }
        }
        while !self.is_done && self.left != Some(0) {
            let page = self.page().await?;
            if page.len() > 0 {
                self.left = self.left.map(|left| left.saturating_sub(page.len()));
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    fn wanted(&self) -> usize {
        self.left.unwrap_or(usize::MAX)
    }

    async fn page(&mut self) -> Result<Page> {
        let none = BTreeMap::new();
        let snapshot = self.snapshot;
        let Some(state) = &snapshot.state else {
            self.is_done = true;
            return Ok(Page(Entries::Listed(Vec::new())));
        };
        let changes = state.overlay.tree(self.tree).unwrap_or(&none);
        let query = self.query.clone();
        let Some(root) = state.root(self.tree) else {
            self.is_done = true;
            let changes = changes.iter().filter(|(key, _)| query.has(key));
            let found = changes.filter_map(|(key, put)| Some((key.clone(), Found::of_change(put)?)));
            return self.listed(found.collect(), None).await;
        };
        let aim = match (query.reverse, &query.from, &query.to) {
            (false, Bound::Included(from) | Bound::Excluded(from), _) => Aim::Of(from),
            (false, Bound::Unbounded, _) => Aim::Of(&[]),
            (true, _, Bound::Included(to)) => Aim::Of(to),
            (true, _, Bound::Excluded(to)) => Aim::Before(to),
            (true, _, Bound::Unbounded) => Aim::Last,
        };
        let (leaves, entries) = match self.left {
            None => (self.ahead, u64::MAX),
            Some(left) => (MOST_AHEAD, left as u64),
        };
        let ahead = Ahead { leaves, entries, back: query.reverse };
        let leaf = snapshot.trees.leaf(self.tree, root, aim, ahead).await?;
        self.go_on_from(&leaf);
        let (from, to) = (Some(&leaf.from[..]).filter(|from| !from.is_empty()), leaf.to.as_deref());
        let bounds = (from.map_or(Bound::Unbounded, Bound::Included), to.map_or(Bound::Unbounded, Bound::Excluded));
        let mut changed = changes.range::<[u8], _>(bounds).filter(|(key, _)| query.has(key)).peekable();
        let places = query.places(&leaf.node);
        let page = if changed.peek().is_none() {
            self.of_leaf(&leaf, places, query.reverse).await?
        } else {
            let mut listed: BTreeMap<Box<[u8]>, Option<Found>> =
                places.map(|place| (leaf.node.key(place), Found::in_leaf(&leaf.node, place))).collect();
            listed.extend(changed.map(|(key, put)| (key.clone(), Found::of_change(put))));
            let found = listed.into_iter().filter_map(|(key, value)| Some((key, value?)));
            self.listed(found.collect(), Some(&leaf)).await?
        };
        self.ahead = (self.ahead * 2).clamp(1, MOST_AHEAD);
        Ok(page)
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

    /// Entries as they lie in a leaf.
    async fn of_leaf(&mut self, leaf: &Leaf, mut places: std::ops::Range<usize>, reverse: bool) -> Result<Page> {
        let most = places.len().min(self.wanted());
        if reverse {
            places.start = places.end - most
        } else {
            places.end = places.start + most
        }
        let mut apart = BTreeMap::new();
        if leaf.node.has_apart() {
            let is_apart = |place: usize| match leaf.node.value(place)? {
                Value::Apart(apart) => Some((place, apart)),
                Value::Here(_) => None,
            };
            let (at, wanted): (Vec<_>, Vec<_>) = places.clone().filter_map(is_apart).unzip();
            apart.extend(at.into_iter().zip(self.values(wanted, Some(leaf)).await?));
        }
        Ok(Page(Entries::Leaf { leaf: leaf.node.clone(), places, reverse, apart }))
    }

    /// Entries in ascending order, as the query wants them.
    async fn listed(&mut self, mut found: Vec<(Box<[u8]>, Found)>, leaf: Option<&Leaf>) -> Result<Page> {
        if self.query.reverse {
            found.reverse();
        }
        found.truncate(self.wanted());
        let apart =
            found.iter().filter_map(|(_, found)| if let Found::Apart(apart) = found { Some(*apart) } else { None });
        let mut values = self.values(apart.collect(), leaf).await?.into_iter();
        let mut entries = Vec::with_capacity(found.len());
        for (key, found) in found {
            let value = match found {
                Found::Here(value) => Some(value),
                Found::Apart(_) => values.next(),
            };
            entries.extend(value.map(|value| (key, value)));
        }
        Ok(Page(Entries::Listed(entries)))
    }

    /// Values that stand apart, in their order. If something is fetched, then with it those of the leaves that come next,
    /// as many leaves as are fetched ahead.
    async fn values(&mut self, wanted: Vec<Apart>, leaf: Option<&Leaf>) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        if wanted.iter().any(|apart| !self.fetched.contains_key(&apart.object)) {
            let mut ahead: Vec<Apart> =
                wanted.iter().copied().filter(|at| !self.fetched.contains_key(&at.object)).collect();
            let needed = ahead.len();
            ahead.extend(leaf.into_iter().flat_map(|leaf| self.apart_behind(leaf)));
            let ids: Vec<ObjectId> = ahead.iter().map(|apart| apart.object).collect();
            let sealed = self.snapshot.trees.store.get(&ids).await?;
            for (place, (apart, sealed)) in ahead.into_iter().zip(sealed).enumerate() {
                match sealed {
                    Some(sealed) => {
                        let value = self.snapshot.trees.sealer.open_value(self.tree, &apart, &sealed);
                        // What nobody asked for yet is looked at when somebody does.
                        if let Some(value) = if place < needed { Some(value?) } else { value.ok() } {
                            self.fetched.insert(apart.object, value);
                        }
                    }
                    None if place < needed => return Err(IndexError::Missing(apart.object)),
                    None => {}
                }
            }
        }
        let mut values: Vec<Zeroizing<Vec<u8>>> = Vec::with_capacity(wanted.len());
        for (place, apart) in wanted.iter().enumerate() {
            let value = self.fetched.remove(&apart.object).or_else(|| {
                // Somebody wrote it so that two keys have one object.
                let first = wanted.iter().take(place).position(|other| other.object == apart.object)?;
                values.get(first).cloned()
            });
            values.push(value.ok_or(IndexError::Missing(apart.object))?);
        }
        Ok(values)
    }

    /// Values that stand apart in the leaves that come after one and are at hand.
    fn apart_behind(&self, leaf: &Leaf) -> Vec<Apart> {
        let (Some((above, index)), Some(tail)) = (&leaf.above, &self.snapshot.state) else { return Vec::new() };
        let changes = tail.overlay.tree(self.tree);
        let leaves = if self.left.is_some() { MOST_AHEAD } else { self.ahead };
        let (mut apart, mut bytes, mut entries) = (Vec::new(), 0usize, leaf.node.len() / 2);
        for child in neighbours(above, *index, self.query.reverse).take(leaves) {
            let Some(node) = self.snapshot.trees.cached(self.tree, 0, &child.object) else { break };
            let places = self.query.places(&node);
            for place in if self.query.reverse { places.rev().collect::<Vec<_>>() } else { places.collect() } {
                let Some(Value::Apart(value)) = node.value(place) else { continue };
                bytes = bytes.saturating_add(usize::try_from(value.length).unwrap_or(usize::MAX));
                if bytes > VALUES_AHEAD || entries >= self.wanted() {
                    return apart;
                }
                let is_changed = changes.is_some_and(|changes| changes.contains_key(&node.key(place)));
                if !is_changed && !self.fetched.contains_key(&value.object) {
                    apart.push(value);
                }
            }
            entries = entries.saturating_add(node.len());
        }
        apart
    }
}
