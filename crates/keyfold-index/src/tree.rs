//! Finding nodes: from the storage, checked, through a cache that keeps what was opened.

use crate::{
    error::{IndexError, Result},
    node::{Child, Node},
    seal::{At, Keys, Sealer},
    state::Root,
    store::Store,
};
use keyfold_format::ObjectId;
use quick_cache::{Weighter, sync::Cache};
use std::{
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

/// Nodes in memory, bytes, unless said otherwise.
const CACHED: u64 = 64 << 20;

/// Names of objects are hashes already.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    // How long a key is tells nothing: all have one length.
    fn write_usize(&mut self, _: usize) {}
}

#[derive(Clone)]
struct Weight;

impl Weighter<ObjectId, Cached> for Weight {
    fn weight(&self, _: &ObjectId, cached: &Cached) -> u64 {
        cached.node.weight()
    }
}

/// A node, and the tree under whose key it opened: in another one it has no place.
#[derive(Clone)]
struct Cached {
    tree: u16,
    node: Arc<Node>,
}

type Nodes = Cache<ObjectId, Cached, Weight, BuildHasherDefault<FirstBytes>>;

/// The nodes of an index.
pub(crate) struct Trees<S, K> {
    pub(crate) store: S,
    pub(crate) sealer: Sealer<K>,
    cache: Nodes,
}

/// A node that is to be fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) tree: u16,
    pub(crate) level: u8,
    pub(crate) at: At,
}

/// A leaf, and what its place in the tree says: all keys in `[from, to)` are in it.
pub(crate) struct Leaf {
    pub(crate) node: Arc<Node>,
    pub(crate) from: Vec<u8>,
    pub(crate) to: Option<Vec<u8>>,
    /// The node above it, and in which place of that it is.
    pub(crate) above: Option<(Arc<Node>, usize)>,
}

/// What is fetched with a leaf: of its neighbours in the direction of reading as many as this, and no more than have so
/// many entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    pub(crate) leaves: usize,
    pub(crate) entries: u64,
    /// Whether reading goes from the last to the first.
    pub(crate) back: bool,
}

impl Ahead {
    pub(crate) const NOTHING: Self = Self { leaves: 0, entries: 0, back: false };

    /// A leaf, in its place below a node, and those of its neighbours that are fetched with it.
    fn wanted(&self, above: &Node, index: usize, leaf: &Child) -> Vec<At> {
        // Of this one, half is behind where reading begins, more or less.
        let mut entries = leaf.count / 2;
        let mut wanted = vec![leaf.at()];
        for sibling in neighbours(above, index, self.back).take(self.leaves) {
            if entries >= self.entries {
                break;
            }
            entries = entries.saturating_add(sibling.count);
            wanted.push(sibling.at());
        }
        wanted
    }
}

/// Which leaf.
#[derive(Clone, Copy)]
pub(crate) enum Aim<'a> {
    /// The one that would have this key.
    Of(&'a [u8]),
    /// The last one with keys less than this.
    Before(&'a [u8]),
    /// The last one.
    Last,
}

impl<S: Store, K: Keys> Trees<S, K> {
    pub(crate) fn new(store: S, sealer: Sealer<K>) -> Self {
        let cache = Cache::with(8 << 10, CACHED, Weight, BuildHasherDefault::default(), Default::default());
        Self { store, sealer, cache }
    }

    pub(crate) fn cached(&self, tree: u16, level: u8, object: &ObjectId) -> Option<Arc<Node>> {
        let cached = self.cache.get(object)?;
        (cached.tree == tree && cached.node.level() == level).then_some(cached.node)
    }

    /// Nodes of one level, in their order. What is not at hand is fetched in one go.
    pub(crate) async fn nodes(&self, tree: u16, level: u8, wanted: &[At]) -> Result<Vec<Arc<Node>>> {
        self.nodes_of(&wanted.iter().map(|at| Wanted { tree, level, at: *at }).collect::<Vec<_>>()).await
    }

    /// Nodes of any trees and levels, likewise.
    pub(crate) async fn nodes_of(&self, wanted: &[Wanted]) -> Result<Vec<Arc<Node>>> {
        let mut nodes: Vec<Option<Arc<Node>>> =
            wanted.iter().map(|&Wanted { tree, level, at }| self.cached(tree, level, &at.object)).collect();
        let mut missing: Vec<(&mut Option<Arc<Node>>, &Wanted)> =
            nodes.iter_mut().zip(wanted).filter(|(node, _)| node.is_none()).collect();
        if !missing.is_empty() {
            let ids: Vec<ObjectId> = missing.iter().map(|(_, wanted)| wanted.at.object).collect();
            let fetched = self.store.get(&ids).await?;
            for ((place, wanted), sealed) in missing.iter_mut().zip(fetched) {
                let Wanted { tree, level, at } = **wanted;
                let sealed = sealed.ok_or(IndexError::Missing(at.object))?;
                let node = Arc::new(self.sealer.open_node(tree, level, &at, sealed)?);
                self.cache.insert(at.object, Cached { tree, node: node.clone() });
                **place = Some(node);
            }
        }
        nodes.into_iter().zip(wanted).map(|(node, of)| node.ok_or(IndexError::Missing(of.at.object))).collect()
    }

    pub(crate) async fn node(&self, tree: u16, level: u8, at: At) -> Result<Arc<Node>> {
        if let Some(node) = self.cached(tree, level, &at.object) {
            return Ok(node);
        }
        self.nodes(tree, level, &[at]).await?.pop().ok_or(IndexError::Missing(at.object))
    }

    pub(crate) async fn top(&self, tree: u16, root: &Root) -> Result<Arc<Node>> {
        match &root.node {
            Some(node) => Ok(node.clone()),
            None => self.node(tree, root.top.level, root.top.child.at()).await,
        }
    }

    /// Goes down to a leaf.
    pub(crate) async fn leaf(&self, tree: u16, root: &Root, aim: Aim<'_>, ahead: Ahead) -> Result<Leaf> {
        let mut node = self.top(tree, root).await?;
        let mut above = None;
        let mut counted = root.top.child.count;
        let (mut from, mut to): (Vec<u8>, Option<Vec<u8>>) = (Vec::new(), None);
        loop {
            if !node.is_within(&from, to.as_deref()) {
                return Err(IndexError::Damaged("a node has keys that belong elsewhere"));
            }
            if node.entries() != counted {
                return Err(IndexError::Damaged("a node has other entries than were counted"));
            }
            if node.level() == 0 {
                return Ok(Leaf { node, from, to, above });
            }
            let index = match aim {
                Aim::Of(key) => node.way(key),
                Aim::Before(key) => node.find(key).unwrap_or_else(|index| index).saturating_sub(1),
                Aim::Last => node.len().saturating_sub(1),
            };
            let child = node.child(index).ok_or(NO_CHILD)?;
            if index > 0 {
                node.key_into(index, &mut from);
            }
            if index + 1 < node.len() {
                node.key_into(index + 1, to.get_or_insert_default());
            }
            counted = child.count;
            let level = node.level() - 1;
            let below = match self.cached(tree, level, &child.object) {
                // Where a leaf is at hand, its neighbours were asked for before, or are soon.
                Some(below) => below,
                None => {
                    let wanted = if level == 0 { ahead.wanted(&node, index, &child) } else { vec![child.at()] };
                    let fetched = self.nodes(tree, level, &wanted).await?.into_iter().next();
                    fetched.ok_or(IndexError::Missing(child.object))?
                }
            };
            above = Some((node, index));
            node = below;
        }
    }
}

/// What stands beside a child, the nearest first, in one direction.
pub(crate) fn neighbours(node: &Node, index: usize, back: bool) -> impl Iterator<Item = Child> {
    let places = (1..node.len()).map_while(move |n| if back { index.checked_sub(n) } else { Some(index + n) });
    places.take_while(|place| *place < node.len()).map_while(|place| node.child(place))
}

pub(crate) const NO_CHILD: IndexError = IndexError::Damaged("a node names no child");

impl Child {
    pub(crate) fn at(&self) -> At {
        At { object: self.object, key: self.key }
    }
}
