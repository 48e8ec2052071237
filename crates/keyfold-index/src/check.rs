//! Going through a whole index, and saying what is wrong with it.

use crate::{
    change::{Overlay, Put},
    error::{IndexError, Result},
    node::{Apart, Node, Value},
    seal::{At, Keys},
    snapshot::Snapshot,
    store::Store,
    tree::Trees,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::sync::Arc;

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In which tree.
    pub tree: u16,
    /// From which key on.
    pub from: Box<[u8]>,
    /// What it is.
    pub error: IndexError,
}

/// What a whole index is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries that can be read, those of the tail among them.
    pub entries: u64,
    /// Nodes that can be read.
    pub nodes: u64,
    /// What is wrong; nothing, if all is well.
    pub wrong: Vec<Wrong>,
}

impl<S: Store, K: Keys> Snapshot<S, K> {
    /// Reads every node and every value of the index, whatever is at hand, and says what is wrong and where. An error only
    /// if the storage is not reached.
    pub async fn check(&self) -> Result<Checked> {
        let mut checked = Checked::default();
        let Some(state) = &self.state else { return Ok(checked) };
        for (number, root) in (0u16..).zip(&state.roots) {
            let Some(root) = root else { continue };
            match self.trees.top(number, root).await {
                Ok(top) => {
                    let place = Place { tree: number, from: Box::default(), to: None, count: root.top.child.count };
                    self.trees.check(top, place, &state.overlay, &mut checked).await?;
                }
                Err(error) => checked.note(number, Box::default(), error)?,
            }
        }
        for (tree, key, put) in state.overlay.iter() {
            let checked_value = match put {
                Put::Remove => continue,
                Put::Here(_) => Ok(()),
                Put::Apart(apart) => self.trees.check_value(tree, apart).await,
            };
            match checked_value {
                Ok(()) => checked.entries += 1,
                Err(error) => checked.note(tree, key.into(), error)?,
            }
        }
        Ok(checked)
    }
}

/// Where a node is, as those above say.
struct Place {
    tree: u16,
    from: Box<[u8]>,
    to: Option<Box<[u8]>>,
    count: u64,
}

impl Checked {
    fn note(&mut self, tree: u16, from: Box<[u8]>, error: IndexError) -> Result<()> {
        if let IndexError::Store(_) = error {
            return Err(error);
        }
        self.wrong.push(Wrong { tree, from, error });
        Ok(())
    }
}

impl<S: Store, K: Keys> Trees<S, K> {
    fn check<'a>(
        &'a self,
        node: Arc<Node>,
        place: Place,
        tail: &'a Overlay,
        checked: &'a mut Checked,
    ) -> LocalBoxFuture<'a, Result<()>> {
        async move {
            checked.nodes += 1;
            if !node.is_within(&place.from, place.to.as_deref()) {
                let error = IndexError::Damaged("a node has keys that belong elsewhere");
                return checked.note(place.tree, place.from, error);
            }
            if node.entries() != place.count {
                checked.note(place.tree, place.from.clone(), IndexError::Damaged("a node counts other entries"))?;
            }
            for index in 0..node.len() {
                let key = node.key(index);
                if node.level() == 0 {
                    // Of what the tail changes, the entry in the leaf is checked and not counted.
                    let counts = u64::from(tail.tree(place.tree).is_none_or(|changes| !changes.contains_key(&key)));
                    match node.value(index) {
                        Some(Value::Apart(apart)) => match self.check_value(place.tree, &apart).await {
                            Ok(()) => checked.entries += counts,
                            Err(error) => checked.note(place.tree, key, error)?,
                        },
                        _ => checked.entries += counts,
                    }
                    continue;
                }
                let child = node.child(index).ok_or(IndexError::Damaged("a node names no child"))?;
                let from = if index == 0 { place.from.clone() } else { key };
                let to = if index + 1 < node.len() { Some(node.key(index + 1)) } else { place.to.clone() };
                // From the storage, not from memory: that is what is asked.
                match self.stored(place.tree, node.level() - 1, child.at()).await {
                    Ok(below) => {
                        let place = Place { tree: place.tree, from, to, count: child.count };
                        self.check(Arc::new(below), place, tail, checked).await?;
                    }
                    Err(error) => checked.note(place.tree, from, error)?,
                }
            }
            Ok(())
        }
        .boxed_local()
    }

    async fn check_value(&self, tree: u16, apart: &Apart) -> Result<()> {
        let object = apart.object;
        let sealed = self.store.get(&[object]).await?.pop().flatten().ok_or(IndexError::Missing(object))?;
        self.sealer.open_value(tree, apart, &sealed).map(drop)
    }

    async fn stored(&self, tree: u16, level: u8, at: At) -> Result<Node> {
        let sealed = self.store.get(&[at.object]).await?.pop().flatten().ok_or(IndexError::Missing(at.object))?;
        self.sealer.open_node(tree, level, &at, sealed)
    }
}
