//! A storage in a bucket of S3, or of what speaks like it and puts on conditions (`If-Match`, `If-None-Match`).
//!
//! ```text
//! <prefix>/objects/<id>         an object
//! <prefix>/references/<name>    what stands under a name: 16 random bytes, then the bytes
//! <prefix>/clock                written when somebody sweeps, to learn what time it is there
//! <prefix>/conditions           written once, to learn whether the storage keeps conditions
//! ```
//!
//! The version of a reference is its ETag. That is a hash of the content, so the random bytes go first.

use super::{LISTED_AFTER, MAX_OBJECT, PAGE, stamped};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use keyfold_format::ObjectId;
use keyfold_index::store::{Reference, Store, StoreError, Swapped};
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion, path::Path,
};
use std::{sync::Arc, time::Duration};

/// Requests at once.
const AT_ONCE: usize = 32;
/// Times that a swap is tried again where the storage refused it for a moment.
const TRIES: usize = 8;
/// What storages say that have no room. S3 has no word of its own for it: it never has none.
const FULL: &[&str] = &["507 Insufficient Storage", "QuotaExceeded", "StorageFull"];

/// A storage in a bucket. A clone is the same storage.
#[derive(Clone, Debug)]
pub struct BucketStore {
    bucket: Arc<dyn ObjectStore>,
    prefix: Path,
    listed_after: Duration,
}

impl BucketStore {
    /// Under a prefix of a bucket, such as [`object_store::aws::AmazonS3Builder`] makes. Storages of other prefixes in it
    /// are not touched.
    ///
    /// Fails with `Denied` where conditions are taken and not kept: writers there would lose each other's changes. Who
    /// may only read is not asked to find out.
    pub async fn open(bucket: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self, StoreError> {
        let store = Self { bucket, prefix: Path::from(prefix), listed_after: LISTED_AFTER };
        store.keeps_conditions().await?;
        Ok(store)
    }

    async fn keeps_conditions(&self) -> Result<(), StoreError> {
        let place = self.prefix.clone().join("conditions");
        let nobody = UpdateVersion { e_tag: Some("\"00000000000000000000000000000000\"".to_owned()), version: None };
        // The first one makes it, if it is not there.
        for (mode, may_be) in [(PutMode::Create, true), (PutMode::Create, false), (PutMode::Update(nobody), false)] {
            match self.bucket.put_opts(&place, PutPayload::new(), PutOptions::from(mode)).await {
                Ok(_) if may_be => {}
                Ok(_) => return Err(StoreError::Denied("the storage does not keep conditions".to_owned())),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                Err(Error::PermissionDenied { .. }) => return Ok(()),
                Err(e) => return Err(fault(&e)),
            }
        }
        Ok(())
    }

    /// Lists objects of this age and older, in place of [`LISTED_AFTER`]. Only for who knows that nobody writes.
    #[must_use]
    pub fn listed_after(self, age: Duration) -> Self {
        Self { listed_after: age, ..self }
    }

    fn objects(&self) -> Path {
        self.prefix.clone().join("objects")
    }

    fn object(&self, id: &ObjectId) -> Path {
        self.objects().join(id.to_string())
    }

    fn reference(&self, name: &str) -> Path {
        self.prefix.clone().join("references").join(name)
    }

    /// Bytes, with their ETag. Of what is too long to be ours nothing, which is enough to refuse it.
    async fn fetch(&self, place: &Path, most: usize) -> Result<Option<(Vec<u8>, Option<String>)>, StoreError> {
        let found = match self.bucket.get_opts(place, GetOptions::default()).await {
            Ok(found) => found,
            Err(Error::NotFound { source, .. }) if !source.to_string().contains("NoSuchBucket") => return Ok(None),
            Err(e) => return Err(fault(&e)),
        };
        let version = found.meta.e_tag.clone();
        if found.meta.size > most as u64 {
            return Ok(Some((Vec::new(), version)));
        }
        let bytes = found.bytes().await.map_err(|e| fault(&e))?;
        Ok(Some((bytes.into(), version)))
    }

    /// What stands under a name, and its stamp.
    async fn stands(&self, place: &Path) -> Result<Option<(Reference, Vec<u8>)>, StoreError> {
        let Some((bytes, version)) = self.fetch(place, stamped::MAX_STAMPED).await? else { return Ok(None) };
        let version = version.ok_or_else(no_versions)?;
        let damaged = || StoreError::Unreachable(format!("{place} is damaged"));
        let (stamp, bytes) = stamped::split(&bytes).ok_or_else(damaged)?;
        Ok(Some((Reference { version, bytes: bytes.to_vec() }, stamp.to_vec())))
    }

    /// The time there, as that of an object that was just written: a clock here that is ahead would have what is being
    /// written swept away.
    async fn clock(&self) -> Result<object_store::ObjectMeta, StoreError> {
        let place = self.prefix.clone().join("clock");
        self.bucket.put(&place, PutPayload::new()).await.map_err(|e| fault(&e))?;
        self.bucket.head(&place).await.map_err(|e| fault(&e))
    }
}

impl Store for BucketStore {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        let puts = objects.into_iter().map(|(id, bytes)| async move {
            let place = self.object(&id);
            self.bucket.put(&place, bytes.into()).await.map(drop).map_err(|e| fault(&e))
        });
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let gets = ids
            .iter()
            .map(|id| self.object(id))
            .map(|place| async move { Ok(self.fetch(&place, MAX_OBJECT).await?.map(|(bytes, _)| bytes)) });
        stream::iter(gets).buffered(AT_ONCE).try_collect().await
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        let places: Vec<_> = ids.iter().map(|id| Ok(self.object(id))).collect();
        let mut deleted = self.bucket.delete_stream(stream::iter(places).boxed());
        while let Some(deleted) = deleted.next().await {
            match deleted {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(e) => return Err(fault(&e)),
            }
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        Ok(self.stands(&self.reference(name)).await?.map(|(reference, _)| reference))
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        let place = self.reference(name);
        let new = stamped::stamp(&bytes)?;
        let (ours, _) = stamped::split(&new).unwrap_or_default();
        let mode = match expected {
            None => PutMode::Create,
            Some(version) => PutMode::Update(UpdateVersion { e_tag: Some(version.to_owned()), version: None }),
        };
        for _ in 0..TRIES {
            let put = self.bucket.put_opts(&place, new.clone().into(), PutOptions::from(mode.clone())).await;
            let failed = match put {
                Ok(done) => return done.e_tag.map(Swapped::Done).ok_or_else(no_versions),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => None,
                Err(e @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. })) => return Err(fault(&e)),
                Err(e) => Some(fault(&e)),
            };
            match (self.stands(&place).await, failed) {
                // It was ours all the same: the reply was lost, and asking again was refused because of it.
                (Ok(Some((stands, stamp))), _) if stamp == ours => return Ok(Swapped::Done(stands.version)),
                // A connection that was closed on whoever is not let in looks as if nobody was there.
                (Err(denied @ StoreError::Denied(_)), _) => return Err(denied),
                (_, Some(failed)) | (Err(failed), None) => return Err(failed),
                (Ok(stands), None) => {
                    let stands = stands.map(|(stands, _)| stands);
                    if stands.as_ref().map(|stands| stands.version.as_str()) != expected {
                        return Ok(Swapped::Stands(stands));
                    }
                    // Refused because somebody else was about to, and did not.
                }
            }
        }
        Err(StoreError::Unreachable("others swap all the time".to_owned()))
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let folder = self.prefix.clone().join("references");
        let mut references: BoxStream<'_, _> = match after {
            None => self.bucket.list(Some(&folder)),
            Some(name) => self.bucket.list_with_offset(Some(&folder), &self.reference(name)),
        };
        let mut names = Vec::new();
        while let Some(reference) = references.try_next().await.map_err(|e| fault(&e))? {
            names.extend(reference.location.filename().map(str::to_owned));
            if names.len() >= PAGE {
                break;
            }
        }
        Ok(names)
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let now = self.clock().await?.last_modified;
        let folder = self.objects();
        let mut objects: BoxStream<'_, _> = match after {
            None => self.bucket.list(Some(&folder)),
            Some(id) => self.bucket.list_with_offset(Some(&folder), &self.object(&id)),
        };
        let mut page = Vec::new();
        while let Some(object) = objects.try_next().await.map_err(|e| fault(&e))? {
            let age = (now - object.last_modified).to_std().unwrap_or_default();
            let id = object.location.filename().and_then(|name| name.parse::<ObjectId>().ok());
            page.extend(id.filter(|_| age >= self.listed_after));
            if page.len() >= PAGE {
                break;
            }
        }
        Ok(page)
    }
}

fn no_versions() -> StoreError {
    StoreError::Denied("the storage does not say what version it keeps: it has no ETags".to_owned())
}

fn fault(error: &Error) -> StoreError {
    let said = error.to_string();
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => StoreError::Denied(said),
        Error::NotSupported { .. } | Error::NotImplemented { .. } => StoreError::Denied(said),
        _ if FULL.iter().any(|full| said.contains(full)) => StoreError::Full,
        _ => StoreError::Unreachable(said),
    }
}
