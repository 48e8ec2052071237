//! Telling another database who is in which keychain: all of them at the start, then those that changed, and those in
//! which somebody's time is up. While that database is not reached, what it is to be told waits.

use super::{Domain, Fault, groups::stands_as, scopes::expired};
use crate::{
    clock,
    store::{Committed, StoreError, members::Members},
};
use keyfold_format::{
    ScopeId, UserId,
    scope::{Kind, Member, State},
};
use keyfold_protocol::wire::ScopeKind;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How long a database that failed is left alone; twice as long each time.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Times are looked at again after this, for a clock that is set.
const LOOK: Duration = Duration::from_secs(60);

/// Keychains and groups that changed and were not told of yet.
#[derive(Debug, Default)]
pub(crate) struct Untold {
    scopes: Mutex<BTreeSet<ScopeId>>,
    more: Notify,
}

impl Untold {
    /// Called for each commit.
    pub(crate) fn note(&self, committed: &Committed) {
        if committed.event.kind != ScopeKind::Account {
            self.add(committed.event.scope);
        }
    }

    fn add(&self, scope: ScopeId) {
        self.lock().insert(scope);
        self.more.notify_one();
    }

    /// One after another in a circle, so that none that fails is in the way of the others.
    fn next(&self, last: &ScopeId) -> Option<ScopeId> {
        let mut scopes = self.lock();
        let next = *scopes.range((Bound::Excluded(last), Bound::Unbounded)).next().or_else(|| scopes.first())?;
        scopes.take(&next)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<ScopeId>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who may do what in the storage of a keychain, and until when that is so if nothing is written.
struct Standing {
    members: Vec<(UserId, bool)>,
    until_ms: Option<u64>,
}

/// Tells, without end.
pub(crate) async fn tell(domain: Arc<Domain>, members: Members, untold: Arc<Untold>) {
    let mut pause = PAUSE;
    let (mut all, mut last) = (None, ScopeId([0; 32]));
    let mut times: BTreeMap<ScopeId, u64> = BTreeMap::new();
    loop {
        let told = match untold.next(&last) {
            Some(scope) => {
                last = scope;
                let told = domain.tell_of(scope, &members, &mut times).await;
                if told.is_err() {
                    untold.add(scope);
                }
                told
            }
            None if !matches!(all, Some(None)) => match domain.store.keychains(all.flatten()).await {
                Ok(page) => {
                    all = Some(page.last().copied());
                    page.into_iter().for_each(|keychain| untold.add(keychain));
                    Ok(())
                }
                Err(error) => Err(Untellable::from(error)),
            },
            None => {
                let now = clock::now_ms();
                let next = times.values().min().map(|time| Duration::from_millis(time.saturating_sub(now)));
                tokio::select! {
                    () = untold.more.notified() => {}
                    () = sleep(next.unwrap_or(LOOK).min(LOOK)) => {
                        let now = clock::now_ms();
                        times.iter().filter(|(_, time)| **time <= now).for_each(|(keychain, _)| untold.add(*keychain));
                    }
                }
                Ok(())
            }
        };
        match told {
            Ok(()) => pause = PAUSE,
            Err(error) => {
                tracing::warn!(%error, "the database of members is behind");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Untellable {
    #[error("{0}")]
    There(String),
    #[error(transparent)]
    Here(#[from] StoreError),
    #[error("{0}")]
    Replay(String),
}

impl From<Fault> for Untellable {
    fn from(fault: Fault) -> Self {
        Self::Replay(fault.0.message)
    }
}

impl Domain {
    async fn tell_of(
        &self,
        scope: ScopeId,
        members: &Members,
        times: &mut BTreeMap<ScopeId, u64>,
    ) -> Result<(), Untellable> {
        for keychain in self.store.keychains_above(scope).await? {
            let standing = self.standing_in(keychain).await?;
            members.write(&keychain, &standing.members).await.map_err(|e| Untellable::There(e.to_string()))?;
            match standing.until_ms {
                Some(until) => times.insert(keychain, until),
                None => times.remove(&keychain),
            };
        }
        Ok(())
    }

    async fn standing_in(&self, keychain: ScopeId) -> Result<Standing, Untellable> {
        let (mut members, mut until_ms) = (Vec::new(), None);
        for (account, user_id) in self.store.comers(keychain).await? {
            let ways = self.ways(account, keychain).await?;
            let (may, until) = self
                .on_disk(keychain, |ledger| {
                    let standing = stands_as(ledger, account, ways.clone());
                    let own: Vec<&Member> = standing.iter().filter_map(|id| ledger.members().get(id)).collect();
                    let is_member = !own.is_empty() && ledger.kind() == Kind::Keychain;
                    let until = ways.iter().map(|way| next_end(way)).chain([next_end(ledger)]).flatten().min();
                    Ok((is_member.then(|| own.iter().any(|member| !member.read_only)), until))
                })
                .await?;
            members.extend(may.map(|may_write| (user_id, may_write)));
            until_ms = until_ms.into_iter().chain(until).min();
        }
        Ok(Standing { members, until_ms })
    }
}

/// When the next membership ends by itself.
fn next_end(of: &State) -> Option<u64> {
    of.members().values().filter(|member| !expired(member)).filter_map(|member| member.expires_at).min()
}
