//! Parts of contents on their way, without the session, through a host of their own: so that what ends the one transfer
//! ends nothing else.
//!
//! Spec: `docs/spec/vault.md`, "A content".

use super::content::Cut;
use crate::{
    Error, Result,
    host::Host,
    vault::{OpenIndex, ServerStore},
};
use keyfold_index::{
    IndexError,
    store::{Store, StoreError},
};
use std::sync::Arc;

/// The way of one transfer to the storage.
pub struct Parts<H> {
    pub(crate) open: Arc<OpenIndex<H>>,
    host: Arc<H>,
}

impl<H: Host> Parts<H> {
    /// To the storage of an index of files.
    pub fn new(open: Arc<OpenIndex<H>>, host: H) -> Self {
        Self { open, host: Arc::new(host) }
    }

    /// Stores parts.
    pub async fn put(&self, parts: Vec<Vec<u8>>) -> Result<()> {
        let store = self.store();
        store.put_all(parts).await.map_err(|fault| told(&store, fault))
    }

    /// `count` parts of a content from number `first` on, each the one that was put. `ObjectMissing`, `Unauthentic`.
    pub async fn get(&self, cut: &Cut, first: usize, count: usize) -> Result<Vec<Vec<u8>>> {
        let (store, ids) = (self.store(), cut.ids(first, count));
        let found = store.get(ids).await.map_err(|fault| told(&store, fault))?;
        let parts = ids.iter().zip(found).zip(first..).map(|((id, part), number)| {
            let part = part.ok_or(IndexError::Missing(*id))?;
            cut.check_part(number, &part)?;
            Ok(part)
        });
        parts.collect()
    }

    /// As it is reached now: the session may have learned another way.
    fn store(&self) -> ServerStore<H> {
        self.open.store.through(Arc::clone(&self.host))
    }
}

/// Why it was refused, rather than that it was.
fn told<H: Host>(store: &ServerStore<H>, fault: StoreError) -> Error {
    store.take_refused().unwrap_or_else(|| IndexError::from(fault).into())
}
