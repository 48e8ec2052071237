//! Bringing changes into a tree: the leaves that they touch are written anew, and all nodes above them.

use crate::{
    change::{Changed, Put},
    error::{IndexError, Result},
    limits::{INTERIOR, LEAF, OVERHEAD},
    node::{self, Cell, Child, Node, Value},
    seal::{At, Keys, Kind},
    state::Root,
    store::Store,
    tree::Trees,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use keyfold_format::ObjectId;
use rand_core::CryptoRng;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What has less than this part of a node is joined with a neighbour.
const LEAST_PART: usize = 4;

/// What writing makes: objects to be put, and those that are replaced.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) objects: Vec<(ObjectId, Vec<u8>)>,
    pub(crate) retired: Vec<ObjectId>,
}

/// A topmost node, not sealed.
pub(crate) struct NewTop {
    pub(crate) level: u8,
    pub(crate) count: u64,
    pub(crate) plain: Zeroizing<Vec<u8>>,
}

/// Where a node is, as those above it say.
struct Place {
    from: Box<[u8]>,
    to: Option<Box<[u8]>>,
    count: u64,
}

/// Neighbours under one node: one as it is, or cells that are not cut into nodes yet.
enum Run<'c> {
    Kept(Cell<'c>),
    New { from: Box<[u8]>, cells: Vec<Cell<'c>> },
}

impl<S: Store, K: Keys> Trees<S, K> {
    /// A tree with changes, ascending by key. `None`: nothing is in it any more. Nothing is put.
    pub(crate) async fn changed(
        &self,
        tree: u16,
        root: Option<&Root>,
        changes: &[Changed<'_>],
        rng: &mut impl CryptoRng,
        written: &mut Written,
    ) -> Result<Option<NewTop>> {
        let (mut level, mut cells) = match root {
            None => (0, merged(None, changes, &mut written.retired)),
            Some(root) => {
                let top = self.top(tree, root).await?;
                if root.node.is_none() {
                    written.retired.push(root.top.child.object);
                }
                let place = Place { from: Box::default(), to: None, count: root.top.child.count };
                (root.top.level, self.cells(tree, &top, place, changes, rng, written).await?)
            }
        };
        loop {
            match cells.as_slice() {
                [] => return Ok(None),
                // One child needs nothing above it.
                [only] if level > 0 => {
                    let child = only.as_child().ok_or(NO_CHILD)?;
                    level -= 1;
                    let node = self.fresh_or_stored(tree, level, &child, written).await?;
                    written.retired.push(child.object);
                    cells = node.cells().collect();
                }
                _ => {}
            }
            let pieces = cut(level, cells);
            if let [piece] = pieces.as_slice() {
                return Ok(Some(NewTop { level, count: count(level, piece)?, plain: node::write(level, piece)? }));
            }
            cells = self.seal(tree, level, Box::default(), pieces, rng, written)?;
            level += 1;
        }
    }

    /// A node that may have been made a moment ago.
    async fn fresh_or_stored(&self, tree: u16, level: u8, child: &Child, written: &Written) -> Result<Arc<Node>> {
        let fresh = written.objects.iter().rev().find(|(id, _)| *id == child.object);
        match fresh {
            Some((_, sealed)) => Ok(Arc::new(self.sealer.open_node(tree, level, &child.at(), sealed.clone())?)),
            None => self.node(tree, level, child.at()).await,
        }
    }

    /// What a node's cells become. What is below it is sealed.
    fn cells<'a, 'c: 'a>(
        &'a self,
        tree: u16,
        node: &'a Node,
        place: Place,
        changes: &'a [Changed<'c>],
        rng: &'a mut impl CryptoRng,
        written: &'a mut Written,
    ) -> LocalBoxFuture<'a, Result<Vec<Cell<'c>>>> {
        async move {
            let Place { from, to, count } = place;
            if !node.is_within(&from, to.as_deref()) {
                return Err(IndexError::Damaged("a node has keys that belong elsewhere"));
            }
            if node.entries() != count {
                return Err(IndexError::Damaged("a node has other entries than were counted"));
            }
            let level = match node.level() {
                0 => return Ok(merged(Some(node), changes, &mut written.retired)),
                above => above - 1,
            };
            let mut parts: Vec<&[Changed<'c>]> = Vec::with_capacity(node.len());
            let mut rest = changes;
            for index in 0..node.len() {
                let to = (index + 1 < node.len()).then(|| node.key(index + 1));
                let here = to.map_or(rest.len(), |to| rest.partition_point(|(key, _)| **key < *to));
                let (part, after) = rest.split_at_checked(here).unwrap_or((rest, &[]));
                parts.push(part);
                rest = after;
            }
            let touched = parts.iter().enumerate().filter(|(_, part)| !part.is_empty());
            let wanted: Vec<At> = touched.filter_map(|(index, _)| Some(node.child(index)?.at())).collect();
            let mut children = self.nodes(tree, level, &wanted).await?.into_iter();
            let mut runs: Vec<Run<'_>> = Vec::new();
            for (index, (part, cell)) in parts.into_iter().zip(node.cells()).enumerate() {
                if part.is_empty() {
                    runs.push(Run::Kept(cell));
                    continue;
                }
                let (child, at) = (children.next().ok_or(NO_CHILD)?, cell.as_child().ok_or(NO_CHILD)?);
                written.retired.push(at.object);
                let child_from = if index == 0 { from.clone() } else { cell.key().into() };
                let child_to = if index + 1 < node.len() { Some(node.key(index + 1)) } else { to.clone() };
                let place = Place { from: child_from.clone(), to: child_to, count: at.count };
                let new = self.cells(tree, &child, place, part, rng, written).await?;
                match runs.last_mut() {
                    Some(Run::New { cells, .. }) => cells.extend(new),
                    _ => runs.push(Run::New { from: child_from, cells: new }),
                }
            }
            let mut cells = Vec::with_capacity(node.len());
            for run in self.joined(tree, level, runs, written).await? {
                match run {
                    Run::Kept(cell) => cells.push(cell),
                    Run::New { from, cells: new } => {
                        cells.extend(self.seal(tree, level, from, cut(level, new), rng, written)?);
                    }
                }
            }
            Ok(cells)
        }
        .boxed_local()
    }

    /// Runs too small to be nodes take in a neighbour.
    async fn joined<'c>(
        &self,
        tree: u16,
        level: u8,
        runs: Vec<Run<'c>>,
        written: &mut Written,
    ) -> Result<Vec<Run<'c>>> {
        let is_small =
            |cells: &[Cell<'_>]| cells.iter().map(Cell::weight).sum::<usize>() < capacity(level) / LEAST_PART;
        let mut joined: Vec<Run<'_>> = Vec::with_capacity(runs.len());
        let mut runs = runs.into_iter().peekable();
        while let Some(run) = runs.next() {
            let Run::New { mut from, mut cells } = run else {
                joined.push(run);
                continue;
            };
            while is_small(&cells) || matches!(runs.peek(), Some(Run::New { .. })) {
                match runs.next() {
                    Some(Run::Kept(cell)) => cells.extend(self.taken(tree, level, &cell, written).await?),
                    Some(Run::New { cells: more, .. }) => cells.extend(more),
                    None => break,
                }
            }
            if is_small(&cells)
                && let Some(before) = joined.pop()
            {
                let (before_from, mut all) = match before {
                    Run::Kept(cell) => (cell.key().into(), self.taken(tree, level, &cell, written).await?),
                    Run::New { from, cells } => (from, cells),
                };
                all.append(&mut cells);
                (from, cells) = (before_from, all);
            }
            // Those of a neighbour were not looked at from above.
            if !cells.is_sorted_by(|a, b| a.key() < b.key()) {
                return Err(IndexError::Damaged("a node has keys that belong elsewhere"));
            }
            joined.push(Run::New { from, cells });
        }
        Ok(joined)
    }

    /// The cells of a node that is to be joined with another.
    async fn taken(&self, tree: u16, level: u8, cell: &Cell<'_>, written: &mut Written) -> Result<Vec<Cell<'static>>> {
        let child = cell.as_child().ok_or(NO_CHILD)?;
        written.retired.push(child.object);
        let node = self.node(tree, level, child.at()).await?;
        if node.entries() != child.count {
            return Err(IndexError::Damaged("a node has other entries than were counted"));
        }
        Ok(node.cells().collect())
    }

    /// Seals nodes, and gives the cells that name them.
    fn seal(
        &self,
        tree: u16,
        level: u8,
        mut from: Box<[u8]>,
        pieces: Vec<Vec<Cell<'_>>>,
        rng: &mut impl CryptoRng,
        written: &mut Written,
    ) -> Result<Vec<Cell<'static>>> {
        let mut above = Vec::with_capacity(pieces.len());
        let mut last: Option<Box<[u8]>> = None;
        for piece in pieces {
            let (Some(first), Some(end)) = (piece.first(), piece.last()) else { continue };
            if let Some(last) = &last {
                from = if level == 0 { node::separator(last, first.key()) } else { first.key().into() };
            }
            last = Some(end.key().into());
            let plain = node::write(level, &piece)?;
            let (at, sealed) = self.sealer.seal(Kind::Node { tree, level }, plain, rng)?;
            written.objects.push((at.object, sealed));
            let child = Child { object: at.object, key: at.key, count: count(level, &piece)? };
            above.push(Cell::child(&from, &child));
        }
        Ok(above)
    }
}

const NO_CHILD: IndexError = IndexError::Damaged("a node names no child");

/// Bytes of a node.
fn capacity(level: u8) -> usize {
    if level == 0 { LEAF - OVERHEAD } else { INTERIOR - OVERHEAD }
}

/// Entries below these cells.
fn count(level: u8, cells: &[Cell<'_>]) -> Result<u64> {
    if level == 0 {
        return Ok(cells.len() as u64);
    }
    let counts = cells.iter().map(|cell| cell.as_child().map_or(0, |child| child.count));
    counts.into_iter().try_fold(0u64, u64::checked_add).ok_or(IndexError::Damaged("a node counts too many entries"))
}

/// A leaf's cells with changes. What values that are objects of their own are not named any more is retired.
fn merged<'c>(leaf: Option<&Node>, changes: &[Changed<'c>], retired: &mut Vec<ObjectId>) -> Vec<Cell<'c>> {
    let mut cells = Vec::with_capacity(leaf.map_or(0, Node::len) + changes.len());
    let mut before = leaf.into_iter().flat_map(Node::cells).peekable();
    for &(key, put) in changes {
        while let Some(cell) = before.next_if(|cell| cell.key() < key) {
            cells.push(cell);
        }
        let replaced = before.next_if(|cell| cell.key() == key).and_then(|cell| cell.apart());
        let value = match put {
            Put::Remove => None,
            Put::Here(bytes) => Some(Value::Here(bytes)),
            Put::Apart(apart) => Some(Value::Apart(*apart)),
        };
        retired.extend(replaced.filter(|old| value != Some(Value::Apart(*old))).map(|old| old.object));
        cells.extend(value.map(|value| Cell::value(key, value)));
    }
    cells.extend(before);
    cells
}

/// Cuts cells into nodes of about one length, and as few as that takes.
fn cut(level: u8, cells: Vec<Cell<'_>>) -> Vec<Vec<Cell<'_>>> {
    let capacity = capacity(level);
    let all: usize = cells.iter().map(Cell::weight).sum();
    let pieces = all.div_ceil(capacity).max(1);
    let target = all.div_ceil(pieces);
    let mut cut: Vec<Vec<Cell<'_>>> = Vec::with_capacity(pieces);
    let (mut piece, mut weights): (Vec<Cell<'_>>, usize) = (Vec::new(), 0);
    for cell in cells {
        let weight = cell.weight();
        // What keys have in common only makes a node shorter: most are not looked at for that.
        let is_over = |first: &Cell<'_>| {
            node::longest(weights + weight) > capacity
                && node::length(weights + weight, piece.len() + 1, first.key(), cell.key()) > capacity
        };
        if piece.first().is_some_and(|first| weights >= target || is_over(first)) {
            cut.push(std::mem::take(&mut piece));
            weights = 0;
        }
        weights += weight;
        piece.push(cell);
    }
    if !piece.is_empty() {
        cut.push(piece);
    }
    cut
}
