//! Ledgers that were replayed, kept in memory: appending then costs one entry, not the whole ledger.
//!
//! What is kept of a scope is its *tip*: the state after the newest entry that was accepted, which may still be on its
//! way to the disk. Appends are queued in the order in which they were replayed, and the store compares heads in the
//! transaction; if one fails, those behind it fail too. So the newest write speaks for all before it, and the tip keeps
//! its outcome, whether or not the request that asked for it still waits: once it failed the tip is replayed again. The
//! cache is only ever a shortcut: the database decides, and what is not on the disk is told to nobody.
//!
//! Of groups that others cite there is a second thing, [`groups`](super::groups): their past, from the disk alone.

use super::{Fault, fault, fault::unknown_keychain, groups::Groups, ledgers::decode_all};
use crate::store::{self, Limit, Store};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use keyfold_format::{
    Rejected, ScopeId, account,
    entry::{Head, SignedEntry},
    scope::{self, ScopeEntry, State},
};
use keyfold_protocol::{Code, wire::ScopeKind};
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter, sync::Cache};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Mutex, MutexGuard};

/// States of groups at hand in a long replay, before those of earlier entries are let go.
const STATES_AT_HAND: usize = 64;
/// Entries of scopes, and accounts, that are kept.
const SCOPE_WEIGHT: u64 = 1_000_000;
const ACCOUNTS: usize = 20_000;

/// The caches.
pub(super) struct Replayed {
    scopes: Cache<ScopeId, Arc<Slot>, SlotWeight, DefaultHashBuilder, InUse>,
    accounts: Cache<ScopeId, Arc<account::Ledger>>,
    keeping: std::sync::Mutex<()>,
    pub(super) groups: Groups,
}

/// Whom an entry cites.
pub(super) enum Cited {
    /// A person.
    Account(Arc<account::Ledger>),
    /// A group, whose newest entry on the disk this is.
    Group(Head),
}

/// Room for one scope's tip.
pub(super) struct Slot {
    tip: Mutex<Tip>,
    entries: AtomicU64,
}

/// A scope's tip. Whoever holds it locked appends next.
#[derive(Default)]
pub(super) struct Tip {
    ledger: Option<scope::Ledger>,
    newest: Option<Written>,
}

/// How a write turns out, for everybody who waits for it.
pub(super) type Written = Shared<BoxFuture<'static, store::Result<()>>>;

#[derive(Clone)]
struct SlotWeight;

impl Weighter<ScopeId, Arc<Slot>> for SlotWeight {
    fn weight(&self, _: &ScopeId, slot: &Arc<Slot>) -> u64 {
        slot.entries.load(Ordering::Relaxed).max(16)
    }
}

/// Slots in use stay: of two for one scope, either would miss what is appended through the other.
#[derive(Clone)]
struct InUse;

impl Lifecycle<ScopeId, Arc<Slot>> for InUse {
    type RequestState = ();

    fn is_pinned(&self, _: &ScopeId, slot: &Arc<Slot>) -> bool {
        Arc::strong_count(slot) > 1
    }

    fn on_evict(&self, (): &mut (), _: ScopeId, _: Arc<Slot>) {}
}

/// What is at hand for one replay: account ledgers, and groups as they were after the entries that somebody cites.
#[derive(Clone, Default)]
pub(super) struct Known {
    accounts: BTreeMap<ScopeId, Arc<account::Ledger>>,
    groups: BTreeMap<(ScopeId, u64), Arc<State>>,
}

impl Tip {
    /// The state; that there is none is what strangers are told too.
    pub(super) fn ledger(&mut self) -> Result<&mut scope::Ledger, Fault> {
        self.ledger.as_mut().ok_or_else(unknown_keychain)
    }

    /// Keeps the outcome of the write that makes this tip true.
    pub(super) fn follow(&mut self, written: BoxFuture<'static, store::Result<()>>) -> Written {
        let written = written.shared();
        self.newest = Some(written.clone());
        written
    }

    /// Resolves when what the tip holds now is on the disk (`true`), or is known not to be.
    pub(super) fn settled(&self) -> impl Future<Output = bool> + Send + use<> {
        let newest = self.newest.clone();
        async move {
            match newest {
                Some(written) => written.await.is_ok(),
                None => true,
            }
        }
    }

    /// Forgets the state, so that the next one replays what the store holds.
    pub(super) fn forget(&mut self) {
        self.ledger = None;
    }

    fn failed(&self) -> bool {
        matches!(self.newest.clone().and_then(FutureExt::now_or_never), Some(Err(_)))
    }
}

impl Known {
    pub(super) fn insert_account(&mut self, id: ScopeId, ledger: Arc<account::Ledger>) {
        self.accounts.insert(id, ledger);
    }

    pub(super) fn insert_group(&mut self, id: ScopeId, seq: u64, state: Arc<State>) {
        self.groups.insert((id, seq), state);
    }

    pub(super) fn take_group(&mut self, id: ScopeId, seq: u64) -> Option<Arc<State>> {
        self.groups.remove(&(id, seq))
    }

    /// Takes in the accounts of another.
    pub(super) fn extend(&mut self, other: Self) {
        self.accounts.extend(other.accounts);
    }

    /// Between two entries of a long replay: what later ones need of groups is asked for again.
    fn let_go(&mut self) {
        if self.groups.len() > STATES_AT_HAND {
            self.groups.clear();
        }
    }
}

impl scope::Ledgers for Known {
    fn account(&self, id: &ScopeId) -> Option<&account::Ledger> {
        self.accounts.get(id).map(Arc::as_ref)
    }

    fn group(&self, id: &ScopeId, seq: u64) -> Option<&State> {
        self.groups.get(&(*id, seq)).map(Arc::as_ref)
    }
}

/// What entries are replayed into.
pub(super) trait Grown: Sized + Send + 'static {
    fn found(entry: &SignedEntry, known: &Known) -> Result<Self, Rejected>;
    fn grow(&mut self, entry: &SignedEntry, known: &Known) -> Result<(), Rejected>;
}

impl Grown for scope::Ledger {
    fn found(entry: &SignedEntry, known: &Known) -> Result<Self, Rejected> {
        Self::genesis(entry, known)
    }

    fn grow(&mut self, entry: &SignedEntry, known: &Known) -> Result<(), Rejected> {
        self.append(entry, known).map(drop)
    }
}

/// Replays entries, of which `rest` are left when it is stopped by a state that is not at hand.
pub(super) fn grow<T: Grown>(
    grown: &mut Option<T>,
    rest: &mut VecDeque<SignedEntry>,
    known: &mut Known,
) -> Result<(), Rejected> {
    while let Some(entry) = rest.front() {
        match grown {
            Some(grown) => grown.grow(entry, known)?,
            None => *grown = Some(T::found(entry, known)?),
        }
        rest.pop_front();
        known.let_go();
    }
    Ok(())
}

impl Replayed {
    pub(super) fn new() -> Self {
        Self {
            scopes: Cache::with(1_024, SCOPE_WEIGHT, SlotWeight, DefaultHashBuilder::default(), InUse),
            accounts: Cache::new(ACCOUNTS),
            groups: Groups::new(),
            keeping: std::sync::Mutex::default(),
        }
    }

    /// An account's ledger; `None` if there is no such account.
    pub(super) async fn account(&self, store: &dyn Store, id: ScopeId) -> Result<Option<Arc<account::Ledger>>, Fault> {
        if let Some(ledger) = self.accounts.get(&id) {
            return Ok(Some(ledger));
        }
        let Some(entries) = all_entries(store, id, ScopeKind::Account).await? else { return Ok(None) };
        let ledger = Arc::new(account::Ledger::replay(&entries).map_err(damaged)?);
        self.keep_account(ledger.clone());
        Ok(Some(ledger))
    }

    /// Keeps an account's ledger as it is on the disk, unless a newer one is kept: who read it from the store may have
    /// been overtaken by who appended.
    pub(super) fn keep_account(&self, ledger: Arc<account::Ledger>) {
        let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let id = ledger.id();
        if self.accounts.get(&id).is_none_or(|kept| kept.head().seq < ledger.head().seq) {
            self.accounts.insert(id, ledger);
        }
    }

    /// Forgets an account's ledger, so that the next one replays what the store holds.
    pub(super) fn forget_account(&self, id: &ScopeId) {
        self.accounts.remove(id);
    }

    /// The ledgers of these accounts, as far as there are such accounts.
    pub(super) async fn accounts(&self, store: &dyn Store, ids: BTreeSet<ScopeId>) -> Result<Known, Fault> {
        let mut known = Known::default();
        for id in ids {
            if let Some(ledger) = self.account(store, id).await? {
                known.insert_account(id, ledger);
            }
        }
        Ok(known)
    }

    /// A principal as the server holds it; `None` if there is no such account or group.
    pub(super) async fn cited(&self, store: &dyn Store, id: ScopeId) -> Result<Option<Cited>, Fault> {
        if let Some(ledger) = self.accounts.get(&id) {
            return Ok(Some(Cited::Account(ledger)));
        }
        let Some(page) = store.page(id, None, Limit::HEAD).await? else { return Ok(None) };
        Ok(match page.kind {
            ScopeKind::Account => self.account(store, id).await?.map(Cited::Account),
            ScopeKind::Group => Some(Cited::Group(page.head)),
            _ => None,
        })
    }

    /// Puts at hand what a replay stopped for; the verdict, if it is one.
    pub(super) async fn provide(
        &self,
        store: &dyn Store,
        known: &mut Known,
        stopped: Rejected,
    ) -> Result<Result<(), Rejected>, Fault> {
        let provided = match stopped {
            Rejected::MissingState(id, seq) => self.provide_group(store, known, id, seq).await?,
            Rejected::MissingLedger(id) => self.provide_account(store, known, id).await?,
            verdict => return Ok(Err(verdict)),
        };
        Ok(if provided { Ok(()) } else { Err(Rejected::CitationUnknown) })
    }

    /// `false` if there is no such account, or all of its ledger is at hand and does not reach that far.
    pub(super) async fn provide_account(
        &self,
        store: &dyn Store,
        known: &mut Known,
        id: ScopeId,
    ) -> Result<bool, Fault> {
        if known.accounts.contains_key(&id) {
            return Ok(false);
        }
        let ledger = self.account(store, id).await?;
        Ok(ledger.map(|ledger| known.insert_account(id, ledger)).is_some())
    }

    /// Replays a stored ledger.
    async fn replay(&self, store: &dyn Store, entries: Vec<SignedEntry>) -> Result<scope::Ledger, Fault> {
        let mut known = self.accounts(store, authors(&entries)?).await?;
        let (mut ledger, mut rest) = (None, VecDeque::from(entries));
        loop {
            // Fifty microseconds a signature: too long for the threads that serve everybody.
            let replayed = tokio::task::spawn_blocking(move || {
                let outcome = grow(&mut ledger, &mut rest, &mut known);
                (ledger, rest, known, outcome)
            });
            let outcome;
            (ledger, rest, known, outcome) = replayed.await.map_err(|_| cut_short())?;
            match outcome {
                Ok(()) => return ledger.ok_or_else(|| damaged(Rejected::GenesisMisplaced)),
                Err(stopped) => self.provide(store, &mut known, stopped).await?.map_err(damaged)?,
            }
        }
    }

    /// Where a scope's tip is kept.
    pub(super) fn slot(&self, scope: ScopeId) -> Arc<Slot> {
        let empty = || Arc::new(Slot { tip: Mutex::default(), entries: AtomicU64::new(0) });
        self.scopes.get_or_insert_with(&scope, || Ok::<_, Infallible>(empty())).unwrap_or_else(|never| match never {})
    }

    /// Locks a scope's tip, replaying the ledger from the store if need be. Without state if there is no such scope.
    pub(super) async fn tip<'a>(
        &self,
        store: &dyn Store,
        scope: ScopeId,
        slot: &'a Arc<Slot>,
    ) -> Result<MutexGuard<'a, Tip>, Fault> {
        let mut tip = slot.tip.lock().await;
        if tip.failed() {
            tip.forget();
        }
        if tip.ledger.is_none() {
            // What is on its way belongs to the ledger, if it arrives.
            _ = tip.settled().await;
            tip.newest = None;
            let Some(entries) = all_entries(store, scope, ScopeKind::Keychain).await? else { return Ok(tip) };
            let ledger = self.replay(store, entries).await?;
            slot.entries.store(ledger.head().seq + 1, Ordering::Relaxed);
            tip.ledger = Some(ledger);
            // Put in again, it is weighed again.
            self.scopes.insert(scope, slot.clone());
        }
        Ok(tip)
    }
}

/// A whole ledger from the store.
async fn all_entries(store: &dyn Store, id: ScopeId, kind: ScopeKind) -> Result<Option<Vec<SignedEntry>>, Fault> {
    let Some(page) = store.page(id, None, Limit::NONE).await? else { return Ok(None) };
    if (page.kind == ScopeKind::Account) != (kind == ScopeKind::Account) {
        return Ok(None);
    }
    decode_all(&page.entries).map(Some)
}

pub(super) fn authors(entries: &[SignedEntry]) -> Result<BTreeSet<ScopeId>, Fault> {
    entries
        .iter()
        .map(|entry| Ok(ScopeEntry::decode(&entry.signed).map_err(Rejected::from).map_err(damaged)?.author()))
        .collect()
}

/// What was accepted once replays always; if it does not, the disk is to blame, not the client.
pub(super) fn damaged(rejected: Rejected) -> Fault {
    tracing::error!(code = rejected.code(), "a stored ledger does not replay");
    fault(Code::Internal, "the server's data is damaged")
}

/// The server stops, or the replay did.
pub(super) fn cut_short() -> Fault {
    fault(Code::Internal, "the replay was cut short")
}
