//! How many entries a query finds and which one is in a place of it, by the counts that nodes have of what is below them:
//! a read for each level, and for what is in the tail, where in the tree it belongs.

use crate::{
    change::Put,
    descent::{Goal, Reached},
    error::Result,
    query::Query,
    seal::Keys,
    snapshot::Snapshot,
    store::Store,
};
use std::ops::Bound;

/// Where the entries of a query are.
pub(crate) struct Ranks {
    /// Entries of the tree before the query's, and up to its end.
    from: u64,
    to: u64,
    /// Ascending.
    changed: Vec<Changed>,
}

/// A change of the tail.
struct Changed {
    key: Box<[u8]>,
    /// Entries of the tree that are less.
    before: u64,
    /// Whether the tree has it.
    was: bool,
    /// Whether it is there now.
    is: bool,
    /// Entries of the query that are less, as they are now.
    place: u64,
}

/// An entry that is in a place of a query.
pub(crate) enum Placed<'r> {
    /// In the tail.
    Tail(&'r [u8]),
    /// In the tree, behind so many entries.
    Tree(u64),
}

impl Ranks {
    /// How many entries the query finds.
    pub(crate) fn count(&self) -> u64 {
        match self.changed.last() {
            None => self.to.saturating_sub(self.from),
            Some(last) => {
                let behind = self.to.saturating_sub(last.before.saturating_add(u64::from(last.was)));
                last.place.saturating_add(u64::from(last.is)).saturating_add(behind)
            }
        }
    }

    /// The entry before which so many of the query's are, ascending; there are more than that.
    pub(crate) fn at(&self, place: u64) -> Placed<'_> {
        // Of changes in one place all but the last one took something away.
        let upto = self.changed.partition_point(|changed| changed.place <= place);
        match upto.checked_sub(1).and_then(|last| self.changed.get(last)) {
            None => Placed::Tree(self.from.saturating_add(place)),
            Some(Changed { key, is: true, place: own, .. }) if *own == place => Placed::Tail(key),
            Some(last) => {
                let behind = last.before.saturating_add(u64::from(last.was)).saturating_add(place - last.place);
                Placed::Tree(behind.saturating_sub(u64::from(last.is)))
            }
        }
    }
}

impl<S: Store, K: Keys> Snapshot<S, K> {
    /// Where the entries of a query are, whatever it skips.
    pub(crate) async fn ranks(&self, tree: u16, query: &Query) -> Result<Ranks> {
        let none = Ranks { from: 0, to: 0, changed: Vec::new() };
        let Some(state) = &self.state else { return Ok(none) };
        let tail: Vec<(&[u8], bool)> = state
            .overlay
            .tree(tree)
            .into_iter()
            .flatten()
            .filter(|(key, _)| query.has(key))
            .map(|(key, put)| (&**key, *put != Put::Remove))
            .collect();
        let [from, to] = [&query.from, &query.to].map(|bound| match bound {
            Bound::Included(key) | Bound::Excluded(key) => Some(&**key),
            Bound::Unbounded => None,
        });
        let keys = from.into_iter().chain(to).chain(tail.iter().map(|(key, _)| *key));
        let goals: Vec<_> = keys.map(|key| (tree, Goal::Key(key))).collect();
        let mut ranked = self.trees.reach(state, &goals).await?.into_iter().zip(&goals).map(|(reached, (_, goal))| {
            match (reached, goal) {
                (Some(Reached { node, before }), Goal::Key(key)) => match node.find(key) {
                    Ok(index) => (before.saturating_add(index as u64), true),
                    Err(index) => (before.saturating_add(index as u64), false),
                },
                _ => (0, false),
            }
        });
        let mut rank = |bound: Option<&[u8]>| bound.and_then(|_| ranked.next());
        let (from, to) = (rank(from), rank(to));
        let entries = state.root(tree).map_or(0, |root| root.top.child.count);
        let with = |(less, is_there): (u64, bool), own: bool| less.saturating_add(u64::from(is_there && own));
        let from = from.map_or(0, |from| with(from, matches!(query.from, Bound::Excluded(_))));
        let to = to.map_or(entries, |to| with(to, matches!(query.to, Bound::Included(_))));
        let (mut changed, mut come, mut gone) = (Vec::with_capacity(tail.len()), 0, 0);
        for ((key, is), (before, was)) in tail.into_iter().zip(ranked) {
            let place = before.saturating_sub(from).saturating_add(come).saturating_sub(gone);
            changed.push(Changed { key: key.into(), before, was, is, place });
            come += u64::from(is);
            gone += u64::from(was);
        }
        Ok(Ranks { from, to: to.max(from), changed })
    }

    /// What is left of a query when its first entries are skipped; `None`: nothing.
    pub(crate) async fn skipped(&self, tree: u16, mut query: Query) -> Result<Option<Query>> {
        if query.skip == 0 {
            return Ok(Some(query));
        }
        let ranks = self.ranks(tree, &query).await?;
        let Some(last) = ranks.count().checked_sub(1) else { return Ok(None) };
        let Some(back) = last.checked_sub(query.skip) else { return Ok(None) };
        let key: Box<[u8]> = match ranks.at(if query.reverse { back } else { query.skip }) {
            Placed::Tail(key) => key.into(),
            Placed::Tree(place) => {
                let Some(state) = &self.state else { return Ok(None) };
                let reached = self.trees.reach(state, &[(tree, Goal::Place(place))]).await?.pop().flatten();
                let Some(Reached { node, before }) = reached else { return Ok(None) };
                node.key(usize::try_from(place.saturating_sub(before)).unwrap_or(usize::MAX))
            }
        };
        query.skip = 0;
        if query.reverse {
            query.to = Bound::Included(key)
        } else {
            query.from = Bound::Included(key)
        };
        Ok(Some(query))
    }
}
