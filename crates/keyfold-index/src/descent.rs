//! Going down to many leaves at once: what is not at hand of a level is fetched in one go, whatever trees it is of. So
//! many keys cost as many round trips as one.

use crate::{
    error::{IndexError, Result},
    node::Node,
    seal::{At, Keys},
    state::State,
    store::Store,
    tree::{NO_CHILD, Trees, Wanted},
};
use keyfold_format::ObjectId;
use std::{collections::BTreeMap, sync::Arc};

/// Which leaf of a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal<'g> {
    /// The one that would have this key.
    Key(&'g [u8]),
    /// The one that has so many entries before one of its own.
    Place(u64),
}

/// A leaf, and how many entries of the tree stand before it.
pub(crate) struct Reached {
    pub(crate) node: Arc<Node>,
    pub(crate) before: u64,
}

/// On the way to a leaf.
struct Walk<'g> {
    goal: Goal<'g>,
    wanted: Wanted,
    /// If it stands in the record.
    node: Option<Arc<Node>>,
    counted: u64,
    from: Vec<u8>,
    to: Option<Vec<u8>>,
    before: u64,
}

impl<S: Store, K: Keys> Trees<S, K> {
    /// The leaves, in the order of the goals; `None` where a tree has none.
    pub(crate) async fn reach<'g>(&self, state: &State, goals: &[(u16, Goal<'g>)]) -> Result<Vec<Option<Reached>>> {
        let mut reached: Vec<Option<Reached>> = goals.iter().map(|_| None).collect();
        let walk = |(tree, goal): &(u16, Goal<'g>)| {
            let root = state.root(*tree)?;
            let wanted = Wanted { tree: *tree, level: root.top.level, at: root.top.child.at() };
            let (node, counted) = (root.node.clone(), root.top.child.count);
            Some(Walk { goal: *goal, wanted, node, counted, from: Vec::new(), to: None, before: 0 })
        };
        let mut walks: Vec<(usize, Walk<'g>)> =
            goals.iter().enumerate().filter_map(|(place, goal)| Some((place, walk(goal)?))).collect();
        let mut fetched = BTreeMap::new();
        loop {
            let mut waiting = Vec::new();
            for (place, mut walk) in walks {
                // As far as nodes are at hand, so that all wait for the same answer.
                loop {
                    let Wanted { tree, level, at } = walk.wanted;
                    let node = walk.node.take().or_else(|| fetched.get(&(tree, level, at.object)).cloned());
                    let Some(node) = node.or_else(|| self.cached(tree, level, &at.object)) else {
                        waiting.push((place, walk));
                        break;
                    };
                    if !walk.goes_on(&node)? {
                        if let Some(slot) = reached.get_mut(place) {
                            *slot = Some(Reached { node, before: walk.before });
                        }
                        break;
                    }
                }
            }
            if waiting.is_empty() {
                return Ok(reached);
            }
            fetched = self.nodes_at(waiting.iter().map(|(_, walk)| walk.wanted)).await?;
            walks = waiting;
        }
    }

    /// The nodes in these places, each fetched once.
    async fn nodes_at(&self, places: impl Iterator<Item = Wanted>) -> Result<BTreeMap<(u16, u8, ObjectId), Arc<Node>>> {
        let wanted: BTreeMap<_, At> = places.map(|Wanted { tree, level, at }| ((tree, level, at.object), at)).collect();
        let asked: Vec<Wanted> = wanted.iter().map(|(&(tree, level, _), &at)| Wanted { tree, level, at }).collect();
        Ok(wanted.into_keys().zip(self.nodes_of(&asked).await?).collect())
    }
}

impl Walk<'_> {
    /// From a node to the one below it; `false` if it is the leaf.
    fn goes_on(&mut self, node: &Node) -> Result<bool> {
        if !node.is_within(&self.from, self.to.as_deref()) {
            return Err(IndexError::Damaged("a node has keys that belong elsewhere"));
        }
        if node.entries() != self.counted {
            return Err(IndexError::Damaged("a node has other entries than were counted"));
        }
        if node.level() == 0 {
            return Ok(false);
        }
        let way = if let Goal::Key(key) = self.goal { node.way(key) } else { node.len() - 1 };
        let (mut index, mut child) = (0, node.child(0).ok_or(NO_CHILD)?);
        while index < way {
            let after = self.before.saturating_add(child.count);
            if matches!(self.goal, Goal::Place(place) if place < after) {
                break;
            }
            (index, self.before) = (index + 1, after);
            child = node.child(index).ok_or(NO_CHILD)?;
        }
        if index > 0 {
            node.key_into(index, &mut self.from);
        }
        if index + 1 < node.len() {
            node.key_into(index + 1, self.to.get_or_insert_default());
        }
        self.counted = child.count;
        self.wanted = Wanted { level: node.level() - 1, at: child.at(), ..self.wanted };
        Ok(true)
    }
}
