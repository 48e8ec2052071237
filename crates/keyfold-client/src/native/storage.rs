//! What the server keeps for a keychain, as it keeps it: sealed.

use super::{Client, host::NativeHost};
use crate::{Result, ServerStore};
use keyfold_format::ObjectId;
use keyfold_index::store::{Reference, Store, StoreError, Swapped};

/// The storage of a keychain with the server: sealed objects, named by their hash, and references, of which indexes and
/// files are made. For programs that keep indexes of their own making there, or look at what there is.
///
/// It reaches the server in the way that stood when it was opened: with keys of the device, or of the server, that were
/// replaced since, it is refused, and to be opened anew.
#[derive(Clone)]
pub struct Storage(ServerStore<NativeHost>);

impl Client {
    /// The storage of a keychain, by purpose or fingerprint.
    pub async fn storage(&self, kc: &str) -> Result<Storage> {
        self.turn().await?.storage(kc).await.map(Storage)
    }
}

impl Store for Storage {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        self.0.put(objects).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.0.get(ids).await
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        self.0.delete(ids).await
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        self.0.read(name).await
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        self.0.swap(name, expected, bytes).await
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.0.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        self.0.list(after).await
    }
}
