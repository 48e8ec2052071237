//! What the home keeps near of indexes: sealed objects, for all that ask for them again, and what stood under an index's
//! reference last, for reading while the server is not reached. It is as sealed as it was fetched, and is checked as if
//! it had just been.

use super::ServerStore;
use crate::host::Host;
use keyfold_format::{IndexId, ObjectId};
use keyfold_index::store::{Cache, Cached, Reference};
use std::sync::Arc;

/// The server's storage, with what the home keeps near before it.
pub type NearStore<H> = Cached<ServerStore<H>, Near<H>>;

/// What a home keeps near.
pub struct Near<H>(Arc<H>);

impl<H> Clone for Near<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: Host> Near<H> {
    pub(crate) fn new(host: Arc<H>) -> Self {
        Self(host)
    }

    /// What was kept of an index's reference.
    pub(crate) async fn reference(&self, index: &IndexId) -> Option<Reference> {
        let kept = self.0.find_near(vec![reference_name(index)]).await.pop().flatten()?;
        let (length, rest) = kept.split_first()?;
        let (version, bytes) = rest.split_at_checked(usize::from(*length))?;
        Some(Reference { version: String::from_utf8(version.to_vec()).ok()?, bytes: bytes.to_vec() })
    }

    /// Keeps an index's reference: `u8 length of the version ‖ version ‖ bytes`.
    pub(crate) async fn keep_reference(&self, index: &IndexId, Reference { version, bytes }: Reference) {
        let Ok(length) = u8::try_from(version.len()) else { return };
        let kept = [&[length], version.as_bytes(), &bytes].concat();
        self.0.keep_near(vec![(reference_name(index), Some(kept))]).await;
    }
}

impl<H: Host> Cache for Near<H> {
    async fn find(&self, ids: &[ObjectId]) -> Vec<Option<Vec<u8>>> {
        self.0.find_near(ids.iter().map(object_name).collect()).await
    }

    async fn keep(&self, objects: Vec<(ObjectId, Vec<u8>)>) {
        let puts = objects.into_iter().map(|(id, bytes)| (object_name(&id), Some(bytes)));
        self.0.keep_near(puts.collect()).await;
    }

    async fn forget(&self, ids: &[ObjectId]) {
        self.0.keep_near(ids.iter().map(|id| (object_name(id), None)).collect()).await;
    }
}

fn object_name(id: &ObjectId) -> String {
    hex(id.as_bytes())
}

fn reference_name(index: &IndexId) -> String {
    format!("{}.root", hex(&index.0))
}

/// In letters that every file system tells apart.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| DIGITS.get(usize::from(digit))).collect()
}
