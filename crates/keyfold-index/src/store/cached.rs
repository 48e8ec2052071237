//! A storage with a cache before it. Objects never change and are named by their hash, so what the cache gives needs no
//! trust: what is not what was asked for is fetched anew, and takes its place.

use super::{Reference, Store, StoreError, Swapped};
use crate::seal::name;
use keyfold_format::ObjectId;
use std::sync::{Arc, Mutex, PoisonError};

/// What is written in one call is kept too, if it has no more bytes than this: who changes something reads it again soon,
/// and who fills an index would push out what he reads.
const KEPT_OF_A_PUT: usize = 256 << 10;

/// Objects that are near, as long as there is room for them. It may forget each of them at any time and give back others:
/// nothing that it does is an error.
pub trait Cache {
    /// What is there of objects, in the order of the ids.
    fn find(&self, ids: &[ObjectId]) -> impl Future<Output = Vec<Option<Vec<u8>>>>;
    /// Keeps objects, in the place of what is there under their ids.
    fn keep(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> impl Future<Output = ()>;
    /// Lets go of objects.
    fn forget(&self, ids: &[ObjectId]) -> impl Future<Output = ()>;
}

/// A storage, and a cache of its objects that is asked first. References are always asked of the storage.
pub struct Cached<S, C> {
    store: S,
    cache: C,
    /// What was seen to stand under a reference last.
    stood: Arc<Mutex<Option<Reference>>>,
}

impl<S: Clone, C: Clone> Clone for Cached<S, C> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), cache: self.cache.clone(), stood: Arc::clone(&self.stood) }
    }
}

impl<S: Store, C: Cache> Cached<S, C> {
    /// Puts a cache before a storage.
    pub fn new(store: S, cache: C) -> Self {
        Self { store, cache, stood: Arc::default() }
    }

    /// What was read or swapped in last, if it stands under this version: of a storage with one reference, for reading
    /// while the storage is not reached.
    pub fn stood(&self, version: &str) -> Option<Reference> {
        self.last().clone().filter(|reference| reference.version == version)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Reference>> {
        self.stood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store, C: Cache> Store for Cached<S, C> {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        let bytes: usize = objects.iter().map(|(_, bytes)| bytes.len()).sum();
        let kept = if bytes <= KEPT_OF_A_PUT { objects.clone() } else { Vec::new() };
        self.store.put(objects).await?;
        if !kept.is_empty() {
            self.cache.keep(kept).await;
        }
        Ok(())
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let near = if ids.is_empty() { Vec::new() } else { self.cache.find(ids).await };
        let mut near = near.into_iter();
        let mut found: Vec<Option<Vec<u8>>> =
            ids.iter().map(|id| near.next().flatten().filter(|bytes| name(bytes) == *id)).collect();
        let mut missing: Vec<(&mut Option<Vec<u8>>, ObjectId)> =
            found.iter_mut().zip(ids).filter(|(place, _)| place.is_none()).map(|(place, id)| (place, *id)).collect();
        if !missing.is_empty() {
            let asked: Vec<ObjectId> = missing.iter().map(|(_, id)| *id).collect();
            let mut kept = Vec::new();
            for ((place, id), fetched) in missing.iter_mut().zip(self.store.get(&asked).await?) {
                // What the storage alters is for who asked to refuse, and not kept.
                kept.extend(fetched.clone().filter(|bytes| name(bytes) == *id).map(|bytes| (*id, bytes)));
                **place = fetched;
            }
            if !kept.is_empty() {
                self.cache.keep(kept).await;
            }
        }
        Ok(found)
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        self.cache.forget(ids).await;
        self.store.delete(ids).await
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        let reference = self.store.read(name).await?;
        self.last().clone_from(&reference);
        Ok(reference)
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        let swapped = self.store.swap(name, expected, bytes.clone()).await?;
        *self.last() = match &swapped {
            Swapped::Done(version) => Some(Reference { version: version.clone(), bytes }),
            Swapped::Stands(stands) => stands.clone(),
        };
        Ok(swapped)
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        self.store.references(after).await
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        self.store.list(after).await
    }
}
