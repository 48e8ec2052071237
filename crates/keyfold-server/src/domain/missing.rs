//! Wraps that somebody lacks: what he got was garbage, or was never sent. He says so, and whoever holds the key may wrap
//! it anew. Nothing is decided by it: to whom which key may be wrapped the ledger says, and who reads a request compares.
//!
//! Requests are kept in memory, the newest ones: whoever still lacks something when the server has forgotten it says so
//! again when he next catches up.
//!
//! Spec: `docs/spec/http.md`, "Wraps".

use super::{Caller, Domain, Fault, fault, fault::unknown_keychain, groups::stands_as};
use keyfold_format::ScopeId;
use keyfold_protocol::{
    Code, limits,
    wire::{MissingWrap, MissingWraps},
};
use quick_cache::sync::Cache;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Scopes whose requests are kept.
const SCOPES: usize = 4_096;
/// People of one scope whose requests are kept.
const PEOPLE: usize = 256;

/// Recipient and number of a wrap, and who sent one since it was missed: he is not asked again, be it garbage or not.
type Request = BTreeMap<(ScopeId, u32), BTreeSet<ScopeId>>;

/// What people of one scope lack, by who said it.
#[derive(Default)]
struct Wanted(Mutex<BTreeMap<ScopeId, Request>>);

/// All requests.
pub(super) struct Missing(Cache<ScopeId, Arc<Wanted>>);

impl Wanted {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ScopeId, Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Missing {
    pub(super) fn new() -> Self {
        Self(Cache::new(SCOPES))
    }

    /// Takes the place of what he said before. Whether there is something that he had not said.
    fn put(&self, scope: ScopeId, account: ScopeId, missing: impl Iterator<Item = (ScopeId, u32)>) -> bool {
        let Ok(wanted) = self.0.get_or_insert_with(&scope, || Ok::<_, Infallible>(Arc::default()));
        let mut people = wanted.lock();
        let mut before = people.remove(&account).unwrap_or_default();
        let mut is_new = false;
        let request: Request = missing
            .map(|wrap| {
                let answered = before.remove(&wrap);
                is_new |= answered.is_none();
                (wrap, answered.unwrap_or_default())
            })
            .collect();
        if request.is_empty() || people.len() >= PEOPLE {
            return false;
        }
        people.insert(account, request);
        is_new
    }

    /// What others lack, as far as this account sent nothing for it.
    fn for_others(&self, scope: &ScopeId, account: &ScopeId) -> BTreeSet<(ScopeId, u32)> {
        let Some(wanted) = self.0.get(scope) else { return BTreeSet::new() };
        let people = wanted.lock();
        let requests = people.iter().filter(|(who, _)| *who != account).flat_map(|(_, request)| request);
        requests.filter(|(_, answered)| !answered.contains(account)).map(|(wrap, _)| *wrap).collect()
    }

    /// Whether there is something of that.
    pub(super) fn concerns(&self, scope: &ScopeId, account: &ScopeId) -> bool {
        !self.for_others(scope, account).is_empty()
    }

    /// Nobody is asked for these any more: their recipients are out.
    fn forget(&self, scope: &ScopeId, gone: &[(ScopeId, u32)]) {
        let Some(wanted) = self.0.get(scope).filter(|_| !gone.is_empty()) else { return };
        wanted.lock().retain(|_, request| {
            request.retain(|wrap, _| !gone.contains(wrap));
            !request.is_empty()
        });
    }

    /// Notes that `author` sent these, and tells who had missed some of them.
    pub(super) fn answered(&self, scope: &ScopeId, author: ScopeId, sent: &BTreeSet<(ScopeId, u32)>) -> Vec<ScopeId> {
        let Some(wanted) = self.0.get(scope) else { return Vec::new() };
        let mut helped = Vec::new();
        for (who, request) in wanted.lock().iter_mut() {
            let mut answers = request.iter_mut().filter(|(wrap, _)| sent.contains(wrap)).peekable();
            if answers.peek().is_some() {
                helped.push(*who);
            }
            answers.for_each(|(_, answered)| _ = answered.insert(author));
        }
        helped
    }
}

impl Domain {
    /// The caller lacks these and nothing else, and those concerned hear of what is new.
    pub(crate) async fn lack(&self, caller: &Caller, scope: ScopeId, lack: MissingWraps) -> Result<(), Fault> {
        let places: BTreeSet<_> = lack.missing.iter().map(|wrap| (wrap.recipient, wrap.number)).collect();
        if places.len() != lack.missing.len() {
            return Err(fault(Code::WrapUnexpected, "a wrap is there twice"));
        }
        let ways = self.ways(caller.account, scope).await?;
        let members = self.on_disk(scope, |ledger| {
            let standing = stands_as(ledger, caller.account, ways.clone());
            if standing.is_empty() {
                return Err(unknown_keychain());
            }
            let is_his = |wrap: &MissingWrap| {
                standing.contains(&wrap.recipient)
                    && ledger.entitles(&wrap.recipient, wrap.number, false)
                    && ledger.takes_wraps(&wrap.recipient)
            };
            if !lack.missing.iter().all(is_his) {
                return Err(fault(Code::WrapUnexpected, "a wrap is said to be missing that you are not entitled to"));
            }
            Ok(ledger.members().keys().copied().collect::<BTreeSet<_>>())
        });
        let mut audience = members.await?;
        if self.missing.put(scope, caller.account, places.into_iter()) {
            audience.extend(self.store.inside(scope).await?);
            audience.remove(&caller.account);
            self.hub.tell_of_wraps(scope, &audience);
        }
        Ok(())
    }

    /// What others lack that the caller is entitled to.
    pub(crate) async fn lacking(&self, caller: &Caller, scope: ScopeId) -> Result<MissingWraps, Fault> {
        let ways = self.ways(caller.account, scope).await?;
        let wanted = self.missing.for_others(&scope, &caller.account);
        let missing = self.on_disk(scope, |ledger| {
            let standing = stands_as(ledger, caller.account, ways.clone());
            if standing.is_empty() {
                return Err(unknown_keychain());
            }
            let holds = |number| standing.iter().any(|id| ledger.entitles(id, number, false));
            let answerable = |(recipient, number): &&(ScopeId, u32)| {
                holds(*number) && ledger.entitles(recipient, *number, false) && ledger.takes_wraps(recipient)
            };
            let wraps = wanted.iter().filter(answerable).take(limits::MISSING);
            let gone = wanted.iter().filter(|(recipient, number)| !ledger.entitles(recipient, *number, false));
            Ok((wraps.map(|&(recipient, number)| MissingWrap { recipient, number }).collect(), gone.copied().collect()))
        });
        let (missing, gone): (_, Vec<_>) = missing.await?;
        self.missing.forget(&scope, &gone);
        Ok(MissingWraps { missing })
    }
}
