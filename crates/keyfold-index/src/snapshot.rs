//! An index at one moment, to be read: what others write meanwhile does not show.

use crate::{
    descent::{Goal, Reached},
    error::Result,
    found::Found,
    query::Query,
    range::Range,
    seal::Keys,
    state::State,
    store::Store,
    tree::{Ahead, Aim, Trees},
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key and its value.
pub type Entry = (Box<[u8]>, Zeroizing<Vec<u8>>);

/// An index at one moment.
pub struct Snapshot<S, K> {
    pub(crate) trees: Arc<Trees<S, K>>,
    pub(crate) state: Option<Arc<State>>,
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
            Some(found) => Ok(self.trees.values(vec![(tree, found)]).await?.pop()),
        }
    }

    /// The values of keys, each of a tree, in their order. What is not at hand is fetched a level at a time: many keys cost
    /// as many round trips as one.
    pub async fn get_many<Q: AsRef<[u8]>>(&self, keys: &[(u16, Q)]) -> Result<Vec<Option<Zeroizing<Vec<u8>>>>> {
        let found = self.find_many(keys).await?;
        let wanted = found.iter().zip(keys).filter_map(|(found, (tree, _))| Some((*tree, found.clone()?))).collect();
        let mut values = self.trees.values(wanted).await?.into_iter();
        Ok(found.into_iter().map(|found| found.and_then(|_| values.next())).collect())
    }

    async fn find(&self, tree: u16, key: &[u8]) -> Result<Option<Found>> {
        let Some(state) = &self.state else { return Ok(None) };
        if let Some(put) = state.overlay.tree(tree).and_then(|changes| changes.get(key)) {
            return Ok(Found::of_change(put));
        }
        let Some(root) = state.root(tree) else { return Ok(None) };
        let leaf = self.trees.leaf(tree, root, Aim::Of(key), Ahead::NOTHING).await?;
        Ok(leaf.node.find(key).ok().and_then(|place| Found::in_leaf(&leaf.node, place)))
    }

    /// What stands for keys, each of a tree.
    pub(crate) async fn find_many<Q: AsRef<[u8]>>(&self, keys: &[(u16, Q)]) -> Result<Vec<Option<Found>>> {
        let Some(state) = &self.state else { return Ok(keys.iter().map(|_| None).collect()) };
        let mut found: Vec<Option<Found>> = Vec::with_capacity(keys.len());
        let (mut places, mut goals) = (Vec::new(), Vec::new());
        for (tree, key) in keys {
            let key = key.as_ref();
            let put = state.overlay.tree(*tree).and_then(|changes| changes.get(key));
            if put.is_none() {
                places.push(found.len());
                goals.push((*tree, Goal::Key(key)));
            }
            found.push(put.and_then(Found::of_change));
        }
        let reached = self.trees.reach(state, &goals).await?;
        for ((place, (_, goal)), reached) in places.into_iter().zip(&goals).zip(reached) {
            if let (Some(Reached { node, .. }), Goal::Key(key), Some(slot)) = (reached, goal, found.get_mut(place)) {
                *slot = node.find(key).ok().and_then(|place| Found::in_leaf(&node, place));
            }
        }
        Ok(found)
    }

    /// How many keys a query finds, without those that it skips. They are counted, not read.
    pub async fn count(&self, tree: u16, query: &Query) -> Result<u64> {
        Ok(self.ranks(tree, query).await?.count().saturating_sub(query.skip))
    }

    /// The entries that a query finds, some at a time.
    pub fn range(&self, tree: u16, query: Query) -> Range<'_, S, K> {
        Range::new(self, tree, query)
    }
}
