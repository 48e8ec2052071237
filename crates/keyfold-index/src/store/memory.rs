//! Storage in memory: for tests, and for what need not last.

use super::{Reference, Store, StoreError, Swapped};
use keyfold_format::ObjectId;
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Ids of one page of a list.
const PAGE: usize = 1_000;

/// Storage in memory. A clone is the same storage.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    objects: BTreeMap<ObjectId, Vec<u8>>,
    references: BTreeMap<String, (u64, Vec<u8>)>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many objects there are, and how many bytes they have.
    pub fn stored(&self) -> (usize, usize) {
        let contents = self.lock();
        (contents.objects.len(), contents.objects.values().map(Vec::len).sum())
    }
}

impl Store for MemoryStore {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        self.lock().objects.extend(objects);
        Ok(())
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let contents = self.lock();
        Ok(ids.iter().map(|id| contents.objects.get(id).cloned()).collect())
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        let mut contents = self.lock();
        for id in ids {
            contents.objects.remove(id);
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        Ok(self.lock().references.get(name).map(reference))
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        let mut contents = self.lock();
        let stands = contents.references.get(name);
        let version = stands.map(|(version, _)| *version);
        if version.map(|version| version.to_string()).as_deref() != expected {
            return Ok(Swapped::Stands(stands.map(reference)));
        }
        let next = version.unwrap_or(0) + 1;
        contents.references.insert(name.to_owned(), (next, bytes));
        Ok(Swapped::Done(next.to_string()))
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self
            .lock()
            .references
            .range::<str, _>((from, Bound::Unbounded))
            .map(|(name, _)| name.clone())
            .take(PAGE)
            .collect())
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.lock().objects.range((from, Bound::Unbounded)).map(|(id, _)| *id).take(PAGE).collect())
    }
}

fn reference((version, bytes): &(u64, Vec<u8>)) -> Reference {
    Reference { version: version.to_string(), bytes: bytes.clone() }
}
