//! Ledgers that were replayed, kept in memory: appending then costs one entry, not the whole ledger.
//!
//! What is kept of a scope is its *tip*: the state after the newest entry that was accepted, which may still be on its
//! way to the disk. Appends are queued in the order in which they were replayed, and the store compares heads in the
//! transaction; if one fails, those behind it fail too, the tip is dropped and replayed again. So the cache is only
//! ever a shortcut: the database decides.

use super::{Fault, fault};
use crate::store::{Limit, Store};
use keyfold_format::{
    Rejected, ScopeId, account,
    entry::SignedEntry,
    scope::{self, ScopeEntry},
};
use keyfold_protocol::{Code, wire::ScopeKind};
use quick_cache::{Weighter, sync::Cache};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Mutex, MutexGuard};

/// Entries of scopes, and accounts, that are kept.
const SCOPE_WEIGHT: u64 = 1_000_000;
const ACCOUNTS: usize = 20_000;

/// The caches.
pub(super) struct Replayed {
    scopes: Cache<ScopeId, Arc<Slot>, SlotWeight>,
    accounts: Cache<ScopeId, Arc<account::Ledger>>,
}

/// Room for one scope's tip. Two slots of one scope, after an eviction, do no harm.
pub(super) struct Slot {
    tip: Mutex<Option<scope::Ledger>>,
    entries: AtomicU64,
}

#[derive(Clone)]
struct SlotWeight;

impl Weighter<ScopeId, Arc<Slot>> for SlotWeight {
    fn weight(&self, _: &ScopeId, slot: &Arc<Slot>) -> u64 {
        slot.entries.load(Ordering::Relaxed).max(16)
    }
}

/// A scope's tip, locked: whoever holds it appends next.
pub(super) type Tip<'a> = MutexGuard<'a, Option<scope::Ledger>>;

/// Account ledgers at hand for one replay.
#[derive(Default)]
pub(super) struct Known(BTreeMap<ScopeId, Arc<account::Ledger>>);

impl Slot {
    /// After a write that failed: the next one replays what the store holds.
    pub(super) async fn drop_tip(&self) {
        *self.tip.lock().await = None;
    }
}

impl Known {
    pub(super) fn get(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.0.get(id).map(Arc::as_ref)
    }
}

impl scope::Accounts for Known {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.get(id)
    }
}

impl Replayed {
    pub(super) fn new() -> Self {
        Self { scopes: Cache::with_weighter(1_024, SCOPE_WEIGHT, SlotWeight), accounts: Cache::new(ACCOUNTS) }
    }

    /// An account's ledger; `None` if there is no such account.
    pub(super) async fn account(&self, store: &dyn Store, id: ScopeId) -> Result<Option<Arc<account::Ledger>>, Fault> {
        if let Some(ledger) = self.accounts.get(&id) {
            return Ok(Some(ledger));
        }
        let Some(entries) = all_entries(store, id, ScopeKind::Account).await? else { return Ok(None) };
        let ledger = Arc::new(account::Ledger::replay(&entries).map_err(damaged)?);
        self.accounts.insert(id, ledger.clone());
        Ok(Some(ledger))
    }

    /// The ledgers of these accounts, as far as there are such accounts.
    pub(super) async fn accounts(&self, store: &dyn Store, ids: BTreeSet<ScopeId>) -> Result<Known, Fault> {
        let mut known = Known::default();
        for id in ids {
            if let Some(ledger) = self.account(store, id).await? {
                known.0.insert(id, ledger);
            }
        }
        Ok(known)
    }

    /// Where a scope's tip is kept.
    pub(super) fn slot(&self, scope: ScopeId) -> Arc<Slot> {
        if let Some(slot) = self.scopes.get(&scope) {
            return slot;
        }
        let slot = Arc::new(Slot { tip: Mutex::new(None), entries: AtomicU64::new(0) });
        self.scopes.insert(scope, slot.clone());
        slot
    }

    /// Locks a scope's tip, replaying the ledger from the store if need be. `None` inside if there is no such scope.
    pub(super) async fn tip<'a>(
        &self,
        store: &dyn Store,
        scope: ScopeId,
        slot: &'a Arc<Slot>,
    ) -> Result<Tip<'a>, Fault> {
        let mut tip = slot.tip.lock().await;
        if tip.is_none() {
            let Some(entries) = all_entries(store, scope, ScopeKind::Keychain).await? else { return Ok(tip) };
            let accounts = self.accounts(store, authors(&entries)?).await?;
            // Fifty microseconds a signature: too long for the threads that serve everybody.
            let replayed = tokio::task::spawn_blocking(move || scope::Ledger::replay(&entries, &accounts));
            let ledger = replayed.await.map_err(|_| fault(Code::Internal, "the replay was cut short"))?;
            let ledger = ledger.map_err(damaged)?;
            slot.entries.store(ledger.head().seq + 1, Ordering::Relaxed);
            *tip = Some(ledger);
            // Put in again, it is weighed again.
            self.scopes.insert(scope, slot.clone());
        }
        Ok(tip)
    }
}

/// A whole ledger from the store.
async fn all_entries(store: &dyn Store, id: ScopeId, kind: ScopeKind) -> Result<Option<Vec<SignedEntry>>, Fault> {
    let limit = Limit { bytes: usize::MAX, entries: usize::MAX };
    let Some(page) = store.page(id, None, limit).await? else { return Ok(None) };
    if (page.kind == ScopeKind::Account) != (kind == ScopeKind::Account) {
        return Ok(None);
    }
    page.entries.iter().map(|bytes| SignedEntry::decode(bytes)).collect::<Result<_, _>>().map(Some).map_err(|_| {
        tracing::error!(scope = %id, "an entry in the store does not decode");
        fault(Code::Internal, "the server's data is damaged")
    })
}

fn authors(entries: &[SignedEntry]) -> Result<BTreeSet<ScopeId>, Fault> {
    entries
        .iter()
        .map(|entry| Ok(ScopeEntry::decode(&entry.signed).map_err(Rejected::from).map_err(damaged)?.author()))
        .collect()
}

/// What was accepted once replays always; if it does not, the disk is to blame, not the client.
fn damaged(rejected: Rejected) -> Fault {
    tracing::error!(code = rejected.code(), "a stored ledger does not replay");
    fault(Code::Internal, "the server's data is damaged")
}
