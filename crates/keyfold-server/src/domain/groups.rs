//! Groups as others cite them: their past, and who reaches what through them.
//!
//! It stands apart from the tips because it knows only what is on the disk: nothing is judged by an entry of a group
//! that may never be stored. One past is locked at a time, and by nobody who waits for another, so that scopes which
//! stand in each other cannot wait in a circle.
//!
//! Spec: `docs/spec/keychain-ledger.md`, "Groups".

use super::{
    Domain, Fault,
    ledgers::decode_all,
    replay::{Grown, Known, Replayed, authors, cut_short, damaged, grow},
    scopes::expired,
};
use crate::store::{Limit, Store};
use keyfold_format::{
    Rejected, ScopeId,
    entry::SignedEntry,
    scope::{Past, State},
};
use keyfold_protocol::wire::ScopeKind;
use quick_cache::{Weighter, sync::Cache};
use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Mutex;

/// Entries of groups that are kept.
const WEIGHT: u64 = 250_000;

/// The pasts of groups.
pub(super) struct Groups(Cache<ScopeId, Arc<Slot>, SlotWeight>);

/// Room for one.
struct Slot {
    group: Arc<Mutex<Group>>,
    entries: AtomicU64,
}

#[derive(Default)]
struct Group {
    past: Option<Past>,
    /// The state that was asked for last, which is most often asked for next.
    last: Option<(u64, Arc<State>)>,
}

#[derive(Clone)]
struct SlotWeight;

impl Weighter<ScopeId, Arc<Slot>> for SlotWeight {
    fn weight(&self, _: &ScopeId, slot: &Arc<Slot>) -> u64 {
        slot.entries.load(Ordering::Relaxed).max(16)
    }
}

impl Groups {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(1_024, WEIGHT, SlotWeight))
    }

    fn slot(&self, id: ScopeId) -> Arc<Slot> {
        let empty = || Arc::new(Slot { group: Arc::default(), entries: AtomicU64::new(0) });
        self.0.get_or_insert_with(&id, || Ok::<_, Infallible>(empty())).unwrap_or_else(|never| match never {})
    }
}

impl Grown for Past {
    fn found(entry: &SignedEntry, known: &Known) -> Result<Self, Rejected> {
        Self::genesis(entry.clone(), known)
    }

    fn grow(&mut self, entry: &SignedEntry, known: &Known) -> Result<(), Rejected> {
        self.append(entry.clone(), known)
    }
}

impl Group {
    /// The state after entry `seq`, taking in `news` first.
    fn state(
        &mut self,
        seq: u64,
        news: &mut VecDeque<SignedEntry>,
        known: &mut Known,
    ) -> Result<Option<Arc<State>>, Rejected> {
        grow(&mut self.past, news, known)?;
        let Some(past) = &mut self.past else { return Ok(None) };
        if !past.recall(seq, known)? {
            return Ok(None);
        }
        let state = past.at(seq).map(|state| Arc::new(state.clone()));
        self.last = state.clone().map(|state| (seq, state));
        Ok(state)
    }
}

impl Replayed {
    /// Puts the state of a group after its entry `seq` at hand, with those that it needs itself; `false` if there is
    /// none.
    pub(super) async fn provide_group(
        &self,
        store: &dyn Store,
        known: &mut Known,
        id: ScopeId,
        seq: u64,
    ) -> Result<bool, Fault> {
        let mut wanted = vec![(id, seq)];
        while let Some((id, seq)) = wanted.last().copied() {
            match self.look(store, known, id, seq).await? {
                Ok(Some(state)) => {
                    known.insert_group(id, seq, state);
                    wanted.pop();
                }
                Ok(None) if wanted.len() == 1 => return Ok(false),
                Err(Rejected::MissingState(id, seq)) if !wanted.contains(&(id, seq)) => wanted.push((id, seq)),
                Err(Rejected::MissingLedger(id)) if self.provide_account(store, known, id).await? => {}
                Ok(None) => return Err(damaged(Rejected::CitationUnknown)),
                Err(rejected) => return Err(damaged(rejected)),
            }
        }
        Ok(true)
    }

    /// The state of a group after its entry `seq`, if there is one; or what is needed first.
    async fn look(
        &self,
        store: &dyn Store,
        known: &mut Known,
        id: ScopeId,
        seq: u64,
    ) -> Result<Result<Option<Arc<State>>, Rejected>, Fault> {
        let slot = self.groups.slot(id);
        let mut group = slot.group.clone().lock_owned().await;
        if let Some((_, state)) = group.last.as_ref().filter(|(last, _)| *last == seq) {
            return Ok(Ok(Some(state.clone())));
        }
        let held = group.past.as_ref().map(|past| past.newest().head().seq);
        let mut news = VecDeque::new();
        if held.is_none_or(|held| held < seq) {
            let page = store.page(id, held, Limit { last: Some(seq), ..Limit::NONE }).await?;
            let Some(page) = page.filter(|page| page.kind == ScopeKind::Group) else { return Ok(Ok(None)) };
            news = decode_all(&page.entries)?.into();
            known.extend(self.accounts(store, authors(news.make_contiguous())?).await?);
        } else if let Some(past) = group.past.as_ref().filter(|past| past.at(seq).is_none()) {
            // It may have to be replayed from its start.
            known.extend(self.accounts(store, authors(past.entries())?).await?);
        }
        let mut at_hand = known.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let state = group.state(seq, &mut news, &mut at_hand);
            (state, group.past.as_ref().map_or(0, |past| past.entries().len() as u64))
        });
        let (state, entries) = looking.await.map_err(|_| cut_short())?;
        if slot.entries.swap(entries, Ordering::Relaxed) != entries {
            // Put in again, it is weighed again.
            self.groups.0.insert(id, slot.clone());
        }
        Ok(state)
    }

    /// The newest state of a group on the disk.
    async fn newest(&self, store: &dyn Store, id: ScopeId) -> Result<Option<Arc<State>>, Fault> {
        let Some(page) = store.page(id, None, Limit::HEAD).await? else { return Ok(None) };
        let mut known = Known::default();
        let there = self.provide_group(store, &mut known, id, page.head.seq).await?;
        Ok(known.take_group(id, page.head.seq).filter(|_| there))
    }
}

impl Domain {
    /// The groups through which the caller comes to a scope, as they are now.
    pub(super) async fn ways(&self, account: ScopeId, scope: ScopeId) -> Result<Vec<Arc<State>>, Fault> {
        let mut groups = Vec::new();
        for id in self.store.ways(account, scope).await? {
            groups.extend(self.replayed.newest(&*self.store, id).await?);
        }
        Ok(groups)
    }
}

/// As whom an account stands in a scope: itself, and the member groups through which it comes, over steps of which none
/// has expired. Nobody comes to what he is banned from, by no way.
pub(super) fn stands_as(scope: &State, account: ScopeId, mut ways: Vec<Arc<State>>) -> BTreeSet<ScopeId> {
    let mut comes_as = BTreeSet::from([account]);
    loop {
        let before = ways.len();
        ways.retain(|group| {
            let leads = |id: &ScopeId| group.members().get(id).is_some_and(|member| !expired(member));
            let inside = !group.bans().contains(&account) && comes_as.iter().any(leads);
            if inside {
                comes_as.insert(group.id());
            }
            !inside
        });
        if ways.len() == before {
            break;
        }
    }
    let stands = |id: &ScopeId| scope.standing(id).is_some_and(|standing| !expired(standing));
    comes_as.retain(|id| !scope.bans().contains(&account) && stands(id));
    comes_as
}
