//! Deleting what nobody refers to: what was put by somebody who then did not come to swap a reference. One storage has
//! several indexes, so a sweep is over all of them, and deletes nothing as long as there is one that it cannot open.
//!
//! Somebody may have put objects long ago and be about to swap only now. So each index first gets a record that changes
//! nothing: who wrote for an older one fails, and seals anew what he refers to.
//!
//! Spec: `docs/spec/index.md`, "Garbage".

use crate::{
    error::{IndexError, Result},
    found::Found,
    index::{Index, Moment},
    retired::Retired,
    seal::{At, Keys},
    snapshot::Snapshot,
    state::State,
    store::Store,
    tree::{NO_CHILD, Wanted},
};
use keyfold_format::ObjectId;
use rand_core::CryptoRng;
use std::collections::BTreeSet;

/// Objects that are fetched or deleted at once.
const AT_ONCE: usize = 64;
/// How often an index is looked through again because others collected meanwhile what it had.
const TRIES: usize = 8;

/// Which objects an entry names in its value, given its tree and its key: they are kept as well. Who names objects that
/// he puts before the entry names them in one that he commits before that.
pub type Named<'n> = &'n dyn Fn(u16, &[u8], &[u8]) -> Result<Vec<ObjectId>>;

/// An index whose objects are to be kept.
pub struct Holder<'h, S, K> {
    /// It, with the right to write.
    pub index: &'h Index<S, K>,
    /// `None`: its entries name nothing further.
    pub named: Option<Named<'h>>,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Objects that nobody referred to, and that are gone.
    pub deleted: usize,
    /// References of the storage that are of no index which was given: because of them nothing was deleted.
    pub unknown: Vec<String>,
}

/// Deletes objects of a storage that are listed, and that no index in it refers to, neither now nor for who reads what it
/// was until garbage is collected. An error wherever an index cannot be read whole: then nothing was deleted. Whoever
/// sweeps, writes or dies meanwhile loses nothing.
pub async fn sweep<S: Store, K: Keys>(
    store: &S,
    holders: &[Holder<'_, S, K>],
    mut moment: Moment<'_, impl CryptoRng>,
) -> Result<Swept> {
    let mut left: BTreeSet<ObjectId> = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.list(after).await?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        left.extend(page);
    }
    // After the objects: an index that is new since then has put its own since then.
    let unknown = references(store).await?.into_iter();
    let unknown: Vec<String> = unknown.filter(|name| !holders.iter().any(|of| of.index.name == *name)).collect();
    if !unknown.is_empty() || left.is_empty() {
        return Ok(Swept { deleted: 0, unknown });
    }
    for holder in holders {
        holder.index.fence(&mut moment).await?;
    }
    for holder in holders {
        for object in holder.index.held(holder.named).await? {
            left.remove(&object);
        }
    }
    let left: Vec<ObjectId> = left.into_iter().collect();
    for objects in left.chunks(AT_ONCE) {
        store.delete(objects).await?;
    }
    Ok(Swept { deleted: left.len(), unknown })
}

async fn references<S: Store>(store: &S) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = store.references(names.last().map(String::as_str)).await?;
        if page.is_empty() {
            return Ok(names);
        }
        names.extend(page);
    }
}

impl<S: Store, K: Keys> Index<S, K> {
    /// All that the newest record refers to, and what stays for who reads older ones.
    async fn held(&self, named: Option<Named<'_>>) -> Result<BTreeSet<ObjectId>> {
        let mut snapshot = self.latest().await?;
        for _ in 0..TRIES {
            let Some(state) = snapshot.state.clone() else { return Ok(BTreeSet::new()) };
            let failed = match self.held_by(&snapshot, &state, named).await {
                Err(error @ IndexError::Missing(_)) => error,
                held => return held,
            };
            snapshot = self.latest().await?;
            if snapshot.generation() == Some(state.header.generation) {
                return Err(failed);
            }
        }
        Err(IndexError::Conflict)
    }

    async fn held_by(
        &self,
        snapshot: &Snapshot<S, K>,
        state: &State,
        named: Option<Named<'_>>,
    ) -> Result<BTreeSet<ObjectId>> {
        let mut held: BTreeSet<ObjectId> = state.body.segments.iter().map(|segment| segment.at.object).collect();
        held.extend(state.overlay.replaced());
        for (at, Retired { objects, .. }) in self.lists_of(state).await? {
            held.insert(at.object);
            held.extend(objects);
        }
        self.hold_headers(state, &mut held).await?;
        let mut entries: Vec<(u16, Box<[u8]>, Found)> = Vec::new();
        let tail = state.overlay.iter();
        entries.extend(tail.filter_map(|(tree, key, put)| Some((tree, key.into(), Found::of_change(put)?))));
        self.hold_entries(snapshot, entries, named, &mut held).await?;
        let mut nodes = Vec::new();
        let mut waiting: Vec<Wanted> = Vec::new();
        for (tree, root) in (0u16..).zip(&state.roots) {
            match root {
                Some(root) if root.node.is_some() => nodes.extend(root.node.clone().map(|node| (tree, node))),
                Some(root) => waiting.push(Wanted { tree, level: root.top.level, at: root.top.child.at() }),
                None => {}
            }
        }
        loop {
            let mut entries = Vec::new();
            for (tree, node) in nodes {
                for place in 0..node.len() {
                    if node.level() == 0 {
                        entries.extend(Found::in_leaf(&node, place).map(|found| (tree, node.key(place), found)));
                        continue;
                    }
                    let at = node.child(place).ok_or(NO_CHILD)?.at();
                    waiting.push(Wanted { tree, level: node.level() - 1, at });
                }
            }
            self.hold_entries(snapshot, entries, named, &mut held).await?;
            // The last ones first: so few wait at a time.
            let now = waiting.split_off(waiting.len().saturating_sub(AT_ONCE));
            if now.is_empty() {
                return Ok(held);
            }
            held.extend(now.iter().map(|wanted| wanted.at.object));
            let trees = now.iter().map(|wanted| wanted.tree);
            nodes = trees.zip(self.trees.nodes_of(&now).await?).collect();
        }
    }

    async fn hold_entries(
        &self,
        snapshot: &Snapshot<S, K>,
        entries: Vec<(u16, Box<[u8]>, Found)>,
        named: Option<Named<'_>>,
        held: &mut BTreeSet<ObjectId>,
    ) -> Result<()> {
        for (_, _, found) in &entries {
            held.extend(if let Found::Apart(apart) = found { Some(apart.object) } else { None });
        }
        let Some(named) = named else { return Ok(()) };
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let some: Vec<_> = entries.by_ref().take(AT_ONCE).collect();
            let found = some.iter().map(|(tree, _, found)| (*tree, found.clone())).collect();
            for ((tree, key, _), value) in some.iter().zip(snapshot.trees.values(found).await?) {
                held.extend(named(*tree, key, &value)?);
            }
        }
        Ok(())
    }

    /// The lists of headers by which somebody who saw any former record finds the way.
    async fn hold_headers(&self, state: &State, held: &mut BTreeSet<ObjectId>) -> Result<()> {
        let together = state.body.headers.with(&state.signed);
        let mut waiting: Vec<At> = together.places(self.trees.sealer.index())?;
        loop {
            let now = waiting.split_off(waiting.len().saturating_sub(AT_ONCE));
            if now.is_empty() {
                return Ok(());
            }
            let now: Vec<At> = now.into_iter().filter(|at| held.insert(at.object)).collect();
            let ids: Vec<ObjectId> = now.iter().map(|at| at.object).collect();
            for (at, sealed) in now.iter().zip(self.trees.store.get(&ids).await?) {
                let sealed = sealed.ok_or(IndexError::Missing(at.object))?;
                waiting.extend(self.read_headers(at, &sealed)?.places(self.trees.sealer.index())?);
            }
        }
    }
}
