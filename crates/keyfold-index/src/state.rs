//! An index at one moment: its record, the topmost nodes, and the changes that are not in the trees yet.

use crate::{
    change::Overlay,
    index::Seen,
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
#[derive(Clone)]
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
    pub(crate) fn seen(&self) -> Seen {
        Seen { generation: self.header.generation, hash: self.hash, ledger: self.header.author.head.seq }
    }

    pub(crate) fn root(&self, tree: u16) -> Option<&Root> {
        self.roots.get(usize::from(tree))?.as_ref()
    }
}

/// Under which version a state stands in the storage, if there is one.
pub(crate) fn version(state: Option<&Arc<State>>) -> Option<&str> {
    state.map(|state| state.version.as_str())
}
