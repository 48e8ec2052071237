//! Parts of contents on their way, without the session, through a host of their own: so that what ends the one transfer
//! ends nothing else.
//!
//! Spec: `docs/spec/vault.md`, "A content".

use crate::{
    Error, Result,
    host::Host,
    vault::{OpenIndex, ServerStore},
};
use keyfold_format::{ObjectId, id::hash, label::HashLabel};
use keyfold_index::{
    IndexError,
    store::{Store, StoreError},
};
use keyfold_protocol::Code;
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

    /// Parts, each the one that its id names. `ObjectMissing`, `Unauthentic`.
    pub async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Vec<u8>>> {
        let store = self.store();
        let found = store.get(ids).await.map_err(|fault| told(&store, fault))?;
        let parts = ids.iter().zip(found).map(|(id, part)| {
            let part = part.ok_or(IndexError::Missing(*id))?;
            if ObjectId(hash(HashLabel::Object, &[&part])) == *id {
                Ok(part)
            } else {
                Err(Error::new(Code::Unauthentic, "the storage shows something else than was put there"))
            }
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
