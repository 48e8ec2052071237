//! The home's server as the storage of a vault.
//!
//! Spec: `docs/spec/http.md`, "Storage".

use crate::{
    Error, Result,
    host::Host,
    session::{Line, not_ours},
};
use keyfold_format::{Malformed, ObjectId, ScopeId};
use keyfold_index::store::{Reference, Store, StoreError, Swapped};
use keyfold_protocol::{
    Code, limits, route,
    signing::{BadServerSignature, Method, Request},
    wire::{
        self, DeleteObjects, ListObjects, ListReferences, ObjectIds, Objects, PutObjects, ReadObjects, ReadReference,
        ReferenceNames, ReferenceNow, Stored, SwapReference,
    },
};
use std::sync::{Arc, Mutex, PoisonError};

/// Objects of one request, in bytes.
const PUT_BYTES: usize = 16 << 20;

/// A keychain's storage with the server.
pub struct ServerStore<H> {
    scope: ScopeId,
    /// How old an object is before it is listed, in milliseconds; the server waits an hour at least.
    listed_after_ms: u64,
    shared: Arc<Shared<H>>,
}

struct Shared<H> {
    line: Mutex<Arc<Line<H>>>,
    /// Why it was refused last: an index only hears that it was.
    refused: Mutex<Option<Error>>,
}

impl<H> Clone for ServerStore<H> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ..*self }
    }
}

impl<H: Host> ServerStore<H> {
    pub(crate) fn new(scope: ScopeId, line: Line<H>) -> Self {
        let shared = Shared { line: Mutex::new(Arc::new(line)), refused: Mutex::default() };
        Self { scope, listed_after_ms: 0, shared: Arc::new(shared) }
    }

    /// Lists what is older than this.
    pub(super) fn listing(self, listed_after_ms: u64) -> Self {
        Self { listed_after_ms, ..self }
    }

    /// The server is reached in another way from now on: another key of the device or of the server, another clock.
    pub(crate) fn set_line(&self, line: Line<H>) {
        *self.shared.line.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(line);
    }

    /// The same storage through another host: what it is refused there, nobody else hears.
    pub(super) fn through(&self, host: Arc<H>) -> Self {
        let line = self.shared.line.lock().unwrap_or_else(PoisonError::into_inner).through(host);
        Self::new(self.scope, line)
    }

    pub(crate) fn take_refused(&self) -> Option<Error> {
        self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts objects, whose names are the server's to make.
    pub(super) async fn put_all(&self, objects: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut rest = objects.into_iter().peekable();
        while rest.peek().is_some() {
            let (mut objects, mut room) = (Vec::new(), PUT_BYTES);
            while let Some(bytes) =
                rest.next_if(|next| objects.is_empty() || (next.len() <= room && objects.len() < limits::OBJECTS))
            {
                room = room.saturating_sub(bytes.len());
                objects.push(bytes);
            }
            let body = PutObjects { objects }.encode();
            self.ask(route::objects(&self.scope), body, Stored::decode).await?;
        }
        Ok(())
    }

    /// Whether the last thing that failed did because the server was not reached: it may also have been reached and not
    /// have had the time.
    pub(crate) fn was_offline(&self) -> bool {
        self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(Error::is_offline)
    }

    async fn ask<T>(
        &self,
        path: String,
        body: Vec<u8>,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, StoreError> {
        let line = Arc::clone(&self.shared.line.lock().unwrap_or_else(PoisonError::into_inner));
        let request = Request { method: Method::Post, path, query: String::new(), body };
        let answer = match line.ask(request).await {
            Ok(Some(Ok(bytes))) => decode(&bytes).map_err(|_| not_ours()),
            Ok(Some(Err(refusal))) => Err(refusal.into()),
            Ok(None) => Err(BadServerSignature.into()),
            Err(error) => Err(error),
        };
        answer.map_err(|error| {
            let fault = match error.code {
                Code::StorageFull => StoreError::Full,
                code if error.is_offline() || code == Code::RateLimited => StoreError::Unreachable(error.to_string()),
                _ => StoreError::Denied(error.to_string()),
            };
            *self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            fault
        })
    }
}

/// The version as the storage writes it, as text.
fn reference(of: wire::Reference) -> Reference {
    Reference { version: of.version.to_string(), bytes: of.bytes }
}

impl<H: Host> Store for ServerStore<H> {
    async fn put(&self, objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        self.put_all(objects.into_iter().map(|(_, bytes)| bytes).collect()).await
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        while let Some(rest) = ids.get(found.len()..).filter(|rest| !rest.is_empty()) {
            let asked: Vec<ObjectId> = rest.iter().take(limits::OBJECTS).copied().collect();
            let most = asked.len();
            let body = ReadObjects { ids: asked }.encode();
            let Objects { objects } = self.ask(route::read_objects(&self.scope), body, Objects::decode).await?;
            if objects.is_empty() || objects.len() > most {
                return Err(StoreError::Denied(not_ours().to_string()));
            }
            found.extend(objects.into_iter().map(|bytes| Some(bytes).filter(|bytes| !bytes.is_empty())));
        }
        Ok(found)
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        for ids in ids.chunks(limits::OBJECT_IDS) {
            let body = DeleteObjects { ids: ids.to_vec() }.encode();
            self.ask(route::delete_objects(&self.scope), body, Stored::decode).await?;
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        let body = ReadReference { name: name.to_owned() }.encode();
        let now = self.ask(route::read_reference(&self.scope), body, ReferenceNow::decode).await?;
        Ok(now.reference.map(reference))
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        // A version that this server does not give is none that stands there.
        let expected = expected.map(|version| version.parse().unwrap_or(u64::MAX));
        let body = SwapReference { name: name.to_owned(), expected, bytes }.encode();
        let answer = self.ask(route::swap_reference(&self.scope), body, wire::Swapped::decode).await?;
        Ok(match answer.version {
            Some(version) => Swapped::Done(version.to_string()),
            None => Swapped::Stands(answer.stands.map(reference)),
        })
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let body = ListReferences { after: after.map(str::to_owned) }.encode();
        let answer = self.ask(route::list_references(&self.scope), body, ReferenceNames::decode).await?;
        Ok(answer.names)
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let body = ListObjects { after, age_ms: self.listed_after_ms }.encode();
        let answer = self.ask(route::list_objects(&self.scope), body, ObjectIds::decode).await?;
        Ok(answer.ids)
    }
}
