//! The world of a process on an operating system.

use super::{cache::Cache, home::HomeLock, store::Store, transport::Transport};
use crate::host::{Content, Host, HttpRequest, HttpResponse, NearPut, Put, StoreFault, Unreachable};
use keyfold_core::safety::SafetyInput;
use rand_core::{TryCryptoRng, TryRng};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// Network, clock, randomness and a home on a disk.
pub(crate) struct NativeHost {
    transport: Transport,
    store: Arc<Store>,
    cache: Cache,
    /// Held while an operation runs. A commit that goes on after its operation was dropped keeps it a little longer.
    lock: Mutex<Option<Arc<HomeLock>>>,
}

impl NativeHost {
    pub(crate) fn new(transport: Transport, store: Store, cache: Cache) -> Self {
        Self { transport, store: Arc::new(store), cache, lock: Mutex::new(None) }
    }

    /// Whether the records are sealed as they were when they were opened.
    pub(crate) fn is_current(&self) -> Result<bool, StoreFault> {
        self.store.is_current()
    }

    /// Keeps other processes away from the home.
    pub(crate) fn hold(&self, lock: HomeLock) {
        *self.held() = Some(Arc::new(lock));
    }

    /// The operation is over.
    pub(crate) fn let_go(&self) {
        drop(self.take());
    }

    /// Hands the lock over.
    pub(crate) fn take(&self) -> Option<Arc<HomeLock>> {
        self.held().take()
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<HomeLock>>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for NativeHost {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        self.transport.exchange(request).await
    }

    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemRng.fill(bytes);
    }

    async fn load(&self, name: &str) -> Result<Option<Content>, StoreFault> {
        self.store.load(name)
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Content)>, StoreFault> {
        self.store.scan(prefix)
    }

    async fn stretch(&self, input: SafetyInput) -> Option<[u8; SafetyInput::BYTES]> {
        tokio::task::spawn_blocking(move || input.stretched()).await.ok()
    }

    async fn commit(&self, puts: Vec<Put>) -> Result<(), StoreFault> {
        let (store, lock) = (Arc::clone(&self.store), self.held().clone());
        // It waits for the disk.
        let commit = move || {
            let committed = store.commit(puts);
            drop(lock);
            committed
        };
        tokio::task::spawn_blocking(commit).await.map_err(|e| StoreFault::Broken(e.to_string()))?
    }

    async fn find_near(&self, names: Vec<String>) -> Vec<Option<Vec<u8>>> {
        let cache = self.cache.clone();
        tokio::task::spawn_blocking(move || cache.find(&names)).await.unwrap_or_default()
    }

    async fn keep_near(&self, puts: Vec<NearPut>) {
        let cache = self.cache.clone();
        // What it came to is nobody's concern.
        drop(tokio::task::spawn_blocking(move || cache.keep(&puts)).await);
    }
}

/// The operating system's randomness.
pub(crate) struct SystemRng;

impl SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        // A system without randomness must not make keys. There is nobody to report to, and no way to go on.
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

impl TryRng for SystemRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SystemRng {}
