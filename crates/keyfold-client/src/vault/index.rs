//! An index that was opened: reading and writing it, with what the world gives.

use super::{Near, NearStore, ServerStore, VaultKeys};
use crate::host::{Host, HostRng};
use keyfold_format::{IndexId, ScopeId, id::hash, label::HashLabel};
pub use keyfold_index::{
    Batch as IndexBatch, Changed as IndexChanged, Difference as IndexDifference, Entry as IndexEntry,
    Query as IndexQuery,
};
use keyfold_index::{
    Checked, Index, IndexError, Moment, Seen, Snapshot, Unsent,
    store::{Cached, StoreError},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// How long what was replaced stays, for whoever reads an older state: milliseconds.
const GRACE_MS: u64 = 60 * 60 * 1_000;

/// `H("KF1 index id", keychain ‖ name)`. Who knows the keychain's id can guess names: they are the application's, not
/// its users'.
pub(crate) fn index_id(scope: &ScopeId, name: &str) -> IndexId {
    IndexId(hash(HashLabel::IndexId, &[&scope.0, name.as_bytes()]))
}

/// Which index of which keychain, as events name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexPlace {
    /// The keychain's fingerprint.
    pub keychain: ScopeId,
    /// Which of its indexes.
    pub index: IndexId,
}

/// An index of a keychain, as it was when the session was asked for it last.
pub struct OpenIndex<H> {
    pub(crate) index: Index<NearStore<H>, VaultKeys>,
    pub(crate) scope: ScopeId,
    /// Which one it is.
    pub id: IndexId,
    pub(crate) store: ServerStore<H>,
    pub(crate) keys: VaultKeys,
    near: NearStore<H>,
    /// The version of the reference that the home keeps.
    kept: Mutex<Option<String>>,
    is_behind: AtomicBool,
    /// What waits for the server, in its order.
    unsent: Mutex<Arc<[Unsent]>>,
    /// Whether behind these something waits that does not open with the keys that are held.
    is_stuck: AtomicBool,
    /// How far the home says that the index was seen.
    noted: Mutex<Option<Seen>>,
    /// Whether the server was not reached just now, so that the next reading does not ask it again.
    is_unreached: AtomicBool,
    pub(super) host: Arc<H>,
}

impl<H: Host> OpenIndex<H> {
    pub(crate) fn new(
        scope: ScopeId,
        id: IndexId,
        store: ServerStore<H>,
        keys: VaultKeys,
        host: Arc<H>,
        seen: Option<Seen>,
    ) -> Self {
        let near = Cached::new(store.clone(), Near::new(Arc::clone(&host)));
        let index = Index::new(near.clone(), keys.clone(), &id.to_string(), id, seen);
        let (kept, unsent) = (Mutex::default(), Mutex::new(Arc::default()));
        let [is_behind, is_unreached, is_stuck] = [false; 3].map(AtomicBool::new);
        let noted = Mutex::new(seen);
        Self { index, scope, id, store, keys, near, kept, is_behind, unsent, is_stuck, noted, is_unreached, host }
    }

    /// Which one it is.
    pub fn place(&self) -> IndexPlace {
        IndexPlace { keychain: self.scope, index: self.id }
    }

    /// The index as it is now.
    pub async fn snapshot(&self) -> keyfold_index::Result<Snapshot<NearStore<H>, VaultKeys>> {
        self.index.latest().await
    }

    /// The index as it is now; while the server is not reached, as it was seen last on this device
    /// ([`Self::is_offline`]): then what this device has not read is not there to be read. With what waits.
    pub async fn newest_seen(&self) -> keyfold_index::Result<Snapshot<NearStore<H>, VaultKeys>> {
        let stands = match self.unreached().await {
            Some(seen) => seen,
            None => self.newest_or_last().await?,
        };
        Ok(stands.with(self.unsent().iter().map(Unsent::seen)))
    }

    async fn newest_or_last(&self) -> keyfold_index::Result<Snapshot<NearStore<H>, VaultKeys>> {
        match self.index.latest().await {
            Err(IndexError::Store(StoreError::Unreachable(why))) if self.store.was_offline() => {
                let unreachable = IndexError::Store(StoreError::Unreachable(why));
                let seen = self.seen_last().await.ok_or(unreachable)?;
                self.is_behind.store(true, Ordering::Relaxed);
                Ok(seen)
            }
            latest => {
                self.is_behind.store(false, Ordering::Relaxed);
                latest
            }
        }
    }

    /// As it was seen last, if it was just now found that the server is not reached.
    async fn unreached(&self) -> Option<Snapshot<NearStore<H>, VaultKeys>> {
        if !self.is_unreached.swap(false, Ordering::Relaxed) {
            return None;
        }
        let seen = self.seen_last().await?;
        self.is_behind.store(true, Ordering::Relaxed);
        Some(seen)
    }

    /// Whether the server was not reached just now: then the next reading does not ask it again.
    pub(crate) fn set_unreached(&self, is_unreached: bool) {
        self.is_unreached.store(is_unreached, Ordering::Relaxed);
    }

    /// The index to be read: as it is now and nothing else, or [`Self::newest_seen`].
    pub async fn seen(&self, now: bool) -> keyfold_index::Result<Snapshot<NearStore<H>, VaultKeys>> {
        if !now {
            return self.newest_seen().await;
        }
        let latest = self.index.latest().await?;
        self.is_behind.store(false, Ordering::Relaxed);
        Ok(latest)
    }

    /// What waits for the server, in its order.
    pub fn unsent(&self) -> Arc<[Unsent]> {
        Arc::clone(&self.unsent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether anything waits for the server.
    pub fn is_waiting(&self) -> bool {
        self.is_stuck() || !self.unsent().is_empty()
    }

    /// Whether something waits that does not open with the keys that are held.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    pub(crate) fn noted(&self) -> Option<Seen> {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_noted(&self, seen: Option<Seen>) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    pub(crate) fn set_unsent(&self, unsent: Vec<Unsent>, is_stuck: bool) {
        self.is_stuck.store(is_stuck, Ordering::Relaxed);
        *self.unsent.lock().unwrap_or_else(PoisonError::into_inner) = unsent.into();
    }

    /// Whether the index was seen on this device, so that something can be read and written without the server.
    pub(crate) async fn was_seen(&self) -> bool {
        self.seen_last().await.is_some()
    }

    /// A batch that is to wait, sealed.
    pub(crate) fn seal_unsent(
        &self,
        number: u64,
        changes: IndexBatch,
        shown: Option<IndexBatch>,
    ) -> keyfold_index::Result<Vec<u8>> {
        self.index.seal_unsent(number, changes, shown, &mut HostRng(&*self.host))
    }

    /// Reads every node and value as the server has it, not as it is kept near.
    pub async fn check(&self) -> keyfold_index::Result<Checked> {
        let index = Index::new(self.store.clone(), self.keys.clone(), &self.id.to_string(), self.id, self.index.seen());
        let latest = index.latest().await?;
        self.is_behind.store(false, Ordering::Relaxed);
        latest.check().await
    }

    /// Whether the last reading showed the index as it was seen last, because the server was not reached.
    pub fn is_offline(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    /// The newest state that was seen on this device, if it is still here.
    async fn seen_last(&self) -> Option<Snapshot<NearStore<H>, VaultKeys>> {
        if self.index.version().is_some() {
            return self.index.known().await.ok();
        }
        let reference = Near::new(Arc::clone(&self.host)).reference(&self.id).await?;
        // One that is older than what was seen, or does not open, is as good as none.
        self.index.as_it_stood(reference).await.ok()
    }

    /// Keeps what stands under the reference, for [`Self::seen_last`].
    pub(crate) async fn keep_reference(&self) {
        let Some(version) = self.index.version() else { return };
        if self.kept().as_ref() == Some(&version) {
            return;
        }
        if let Some(reference) = self.near.stood(&version) {
            Near::new(Arc::clone(&self.host)).keep_reference(&self.id, reference).await;
            *self.kept() = Some(version);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key.
    pub async fn get(&self, key: &[u8]) -> keyfold_index::Result<Option<crate::Zeroizing<Vec<u8>>>> {
        self.newest_seen().await?.get(0, key).await
    }

    /// How many keys a query finds.
    pub async fn count(&self, query: &IndexQuery) -> keyfold_index::Result<u64> {
        self.newest_seen().await?.count(0, query).await
    }

    /// The first `limit` entries of a query.
    pub async fn range(&self, query: &IndexQuery, limit: usize) -> keyfold_index::Result<Vec<IndexEntry>> {
        Ok(self.page(false, 0, query, limit).await?.1)
    }

    /// The values of keys, each of a tree, and which record of the index they are of; `None` if there is none yet. `now`:
    /// see [`Self::seen`].
    pub async fn values(
        &self,
        now: bool,
        keys: &[(u16, Vec<u8>)],
    ) -> keyfold_index::Result<(Option<u64>, Vec<Option<crate::Zeroizing<Vec<u8>>>>)> {
        let snapshot = self.seen(now).await?;
        Ok((snapshot.generation(), snapshot.get_many(keys).await?))
    }

    /// The first `limit` entries of a query in a tree, and which record of the index they are of.
    pub async fn page(
        &self,
        now: bool,
        tree: u16,
        query: &IndexQuery,
        limit: usize,
    ) -> keyfold_index::Result<(Option<u64>, Vec<IndexEntry>)> {
        let snapshot = self.seen(now).await?;
        let mut found = Vec::new();
        let mut range = snapshot.range(tree, query.clone()).at_most(limit);
        while let Some(page) = range.next().await? {
            found.extend(page.into_entries());
        }
        Ok((snapshot.generation(), found))
    }

    /// What is not as it was at a record of the index that this client has seen lately, and which one is the newest.
    pub async fn changes(&self, since: Option<u64>) -> keyfold_index::Result<(Option<u64>, IndexDifference)> {
        self.index.changes(since).await
    }

    /// Whether anything that a query finds in a tree is not as it was then, and which record is the newest.
    pub async fn is_changed(
        &self,
        tree: u16,
        query: &IndexQuery,
        since: Option<u64>,
    ) -> keyfold_index::Result<(Option<u64>, bool)> {
        self.index.is_changed(tree, query, since).await
    }

    /// Commits changes that were worked out from a record of the index, if that is still the newest one.
    pub async fn commit_on(&self, generation: Option<u64>, batch: IndexBatch) -> keyfold_index::Result<bool> {
        let decide = async |snapshot: &Snapshot<NearStore<H>, VaultKeys>| {
            if snapshot.generation() == generation { Ok(batch.clone()) } else { Err(Moved::On) }
        };
        match self.index.transact(self.moment(&mut HostRng(&*self.host)), decide).await {
            Ok(()) => {
                self.tidy().await;
                Ok(true)
            }
            Err(Moved::On) => Ok(false),
            Err(Moved::Failed(error)) => Err(error),
        }
    }

    /// Commits changes that come after what waits; `false`: that is to go first.
    pub async fn commit_behind(&self, batch: IndexBatch) -> keyfold_index::Result<bool> {
        if !self.is_waiting() { self.commit(batch).await.map(|()| true) } else { Ok(false) }
    }

    /// Commits changes, all or none, whatever waits. Several that are committed at the same time go out together.
    pub async fn commit(&self, batch: IndexBatch) -> keyfold_index::Result<()> {
        self.index.commit(batch, self.moment(&mut HostRng(&*self.host))).await?;
        self.tidy().await;
        Ok(())
    }

    /// Reads, decides and commits, on one state: if others were faster, all of it again on theirs.
    pub async fn transact<E: From<keyfold_index::IndexError>>(
        &self,
        decide: impl AsyncFn(&Snapshot<NearStore<H>, VaultKeys>) -> Result<IndexBatch, E>,
    ) -> Result<(), E> {
        self.index.transact(self.moment(&mut HostRng(&*self.host)), decide).await?;
        self.tidy().await;
        Ok(())
    }

    /// Brings a long tail into the trees. What fails is left to the next one who writes: the changes are there.
    async fn tidy(&self) {
        if self.index.wants_folding() && self.index.fold(self.moment(&mut HostRng(&*self.host))).await == Ok(true) {
            _ = self.index.collect_garbage(self.host.now_ms().saturating_sub(GRACE_MS)).await;
        }
    }

    /// Brings the tail into the trees now.
    pub(super) async fn fold(&self) -> keyfold_index::Result<bool> {
        self.index.fold(self.moment(&mut HostRng(&*self.host))).await
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    /// Its storage, where what was put lately is not listed.
    pub(crate) fn settled(&self, age_ms: u64) -> NearStore<H> {
        Cached::new(self.store.clone().listing(age_ms), Near::new(Arc::clone(&self.host)))
    }

    fn moment<'m, 'h>(&self, rng: &'m mut HostRng<'h, H>) -> Moment<'m, HostRng<'h, H>> {
        Moment { now_ms: self.host.now_ms(), rng }
    }
}

/// Why changes were not committed.
enum Moved {
    /// There is a newer record.
    On,
    Failed(keyfold_index::IndexError),
}

impl From<keyfold_index::IndexError> for Moved {
    fn from(error: keyfold_index::IndexError) -> Self {
        Self::Failed(error)
    }
}
