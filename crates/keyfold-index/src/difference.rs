//! What differs between two moments of an index. Where only the tail does, that is known at once; else both trees are
//! gone down, beside each other, and what is below one node in both is left out: so it costs what changed.

use crate::{
    error::{IndexError, Result},
    found::Found,
    index::Index,
    node::Node,
    query::Query,
    seal::Keys,
    snapshot::Snapshot,
    state::State,
    store::Store,
    tree::{NO_CHILD, Trees, Wanted},
};
use keyfold_format::ObjectId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use zeroize::Zeroizing;

/// What differs between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// These keys, each tree's ascending.
    Keys(Vec<Changed>),
    /// It cannot be said any more: the index must be read whole.
    Whole,
}

/// A key whose value is another one, or that is new or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// In which tree.
    pub tree: u16,
    /// The key.
    pub key: Box<[u8]>,
    /// Its value now; `None` if it is gone.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

/// A key of a tree.
type Place = (u16, Box<[u8]>);

/// Nodes beside each other, at one level or another, by the state that they are of.
type Beside = [BTreeMap<(u8, u16, ObjectId), Side>; 2];

struct Side {
    wanted: Wanted,
    /// If it stands in the record.
    node: Option<Arc<Node>>,
}

impl<S: Store, K: Keys> Index<S, K> {
    /// What is not as it was at a generation, and which generation is the newest; `None`: nothing was written yet. The 16
    /// states that this index has seen last, the newest among them, can be compared; of any other it is
    /// [`Difference::Whole`].
    pub async fn changes(&self, since: Option<u64>) -> Result<(Option<u64>, Difference)> {
        let now = self.latest().await?;
        let difference = match self.seen_at(since) {
            Some(before) => now.changes_since(&before).await?,
            None => Difference::Whole,
        };
        Ok((now.generation(), difference))
    }

    /// Whether anything that a query finds is not as it was at a generation, and which generation is the newest. Where it
    /// cannot be said, it is.
    pub async fn is_changed(&self, tree: u16, query: &Query, since: Option<u64>) -> Result<(Option<u64>, bool)> {
        let now = self.latest().await?;
        let is_changed = match self.seen_at(since) {
            Some(before) => now
                .differing(&before)
                .await?
                .is_none_or(|differing| differing.keys().any(|(of, key)| *of == tree && query.has(key))),
            None => true,
        };
        Ok((now.generation(), is_changed))
    }
}

impl<S: Store, K: Keys> Snapshot<S, K> {
    /// What is not as it was before. A long value that was written anew with the same content counts as another one.
    pub async fn changes_since(&self, before: &Self) -> Result<Difference> {
        let Some(differing) = self.differing(before).await? else { return Ok(Difference::Whole) };
        let found = differing.iter().filter_map(|((tree, _), found)| Some((*tree, found.clone()?)));
        let mut values = self.trees.values(found.collect()).await?.into_iter();
        let changed = differing.into_iter().map(|((tree, key), found)| {
            let value = found.and_then(|_| values.next());
            Changed { tree, key, value }
        });
        Ok(Difference::Keys(changed.collect()))
    }

    /// The keys that differ, with what stands for them now. `None`: what was there before is not any more.
    async fn differing(&self, before: &Self) -> Result<Option<BTreeMap<Place, Option<Found>>>> {
        let (Some(then), Some(now)) = (&before.state, &self.state) else {
            // From nothing, or to nothing, everything differs.
            return Ok(if before.state.is_none() && self.state.is_none() { Some(BTreeMap::new()) } else { None });
        };
        if then.hash == now.hash {
            return Ok(Some(BTreeMap::new()));
        }
        let Some(mut places) = self.trees.differing(then, now).await? else { return Ok(None) };
        for (one, other) in [(then, now), (now, then)] {
            for (tree, key, put) in one.overlay.iter() {
                if other.overlay.tree(tree).and_then(|changes| changes.get(key)) != Some(put) {
                    places.insert((tree, key.into()));
                }
            }
        }
        let places: Vec<Place> = places.into_iter().collect();
        let then = match before.find_many(&places).await {
            Err(IndexError::Missing(_)) => return Ok(None),
            found => found?,
        };
        let now = self.find_many(&places).await?;
        let differing = places.into_iter().zip(then.into_iter().zip(now)).filter(|(_, (then, now))| then != now);
        Ok(Some(differing.map(|(place, (_, now))| (place, now)).collect()))
    }
}

impl<S: Store, K: Keys> Trees<S, K> {
    /// Keys whose entries in the trees differ between two states, whatever their tails say. `None`: a node of the former
    /// one is not there any more.
    async fn differing(&self, then: &State, now: &State) -> Result<Option<BTreeSet<Place>>> {
        let mut beside: Beside = [tops(then, now), tops(now, then)];
        let mut entries: [BTreeMap<Place, Option<Found>>; 2] = Default::default();
        loop {
            let level = beside.iter().filter_map(|side| side.last_key_value()).map(|((level, ..), _)| *level).max();
            let Some(level) = level else { break };
            let mut here = beside.each_mut().map(|side| side.split_off(&(level, 0, ObjectId([0; 32]))));
            let [then, now] = &mut here;
            // What stands in a record has no id of its own.
            then.retain(|place, side| side.node.is_some() || now.remove(place).is_none());
            let missing = |side: &BTreeMap<_, Side>| -> Vec<Wanted> {
                side.values().filter(|side| side.node.is_none()).map(|side| side.wanted).collect()
            };
            let (of_then, of_now) = (missing(then), missing(now));
            let wanted = [&of_then[..], &of_now[..]].concat();
            let mut fetched = match self.nodes_of(&wanted).await {
                Err(IndexError::Missing(object)) if of_then.iter().any(|then| then.at.object == object) => {
                    return Ok(None);
                }
                fetched => fetched?.into_iter(),
            };
            for ((sides, beside), entries) in here.into_iter().zip(&mut beside).zip(&mut entries) {
                for Side { wanted, node } in sides.into_values() {
                    let node = node.or_else(|| fetched.next()).ok_or(IndexError::Missing(wanted.at.object))?;
                    for index in 0..node.len() {
                        if level == 0 {
                            entries.insert((wanted.tree, node.key(index)), Found::in_leaf(&node, index));
                            continue;
                        }
                        let child = node.child(index).ok_or(NO_CHILD)?;
                        let wanted = Wanted { level: level - 1, at: child.at(), ..wanted };
                        let place = (wanted.level, wanted.tree, child.object);
                        beside.insert(place, Side { wanted, node: None });
                    }
                }
            }
        }
        let [mut then, now] = entries;
        let mut differing = BTreeSet::new();
        for (place, found) in now {
            if then.remove(&place).as_ref() != Some(&found) {
                differing.insert(place);
            }
        }
        differing.extend(then.into_keys());
        Ok(Some(differing))
    }
}

/// The topmost nodes of a state's trees that are not those of another one.
fn tops(of: &State, other: &State) -> BTreeMap<(u8, u16, ObjectId), Side> {
    let mut tops = BTreeMap::new();
    for (tree, root) in (0u16..).zip(&of.roots) {
        let Some(root) = root else { continue };
        let is_same = other.root(tree).is_some_and(|other| other.top == root.top);
        if is_same && (root.node.is_none() || of.body.inline == other.body.inline) {
            continue;
        }
        let wanted = Wanted { tree, level: root.top.level, at: root.top.child.at() };
        tops.insert((wanted.level, tree, wanted.at.object), Side { wanted, node: root.node.clone() });
    }
    tops
}
