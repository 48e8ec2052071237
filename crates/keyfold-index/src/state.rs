//! An index at one moment: its record, the topmost nodes, and the changes that are not in the trees yet.

use crate::{
    change::Overlay,
    node::Node,
    record::{Body, Header, RecordHash, SignedHeader, Top},
};
use std::sync::Arc;

/// A tree's topmost node, at hand if the record has it inline.
#[derive(Clone)]
pub(crate) struct Root {
    pub(crate) top: Top,
    pub(crate) node: Option<Arc<Node>>,
}

/// What one record says.
pub(crate) struct State {
    /// Under which version it stands in the storage.
    pub(crate) version: String,
    pub(crate) signed: SignedHeader,
    pub(crate) header: Header,
    pub(crate) hash: RecordHash,
    pub(crate) body: Body,
    pub(crate) roots: Vec<Option<Root>>,
    pub(crate) overlay: Overlay,
}

impl State {
    pub(crate) fn root(&self, tree: u16) -> Option<&Root> {
        self.roots.get(usize::from(tree))?.as_ref()
    }
}
