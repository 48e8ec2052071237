//! Appending to a keychain: compose, send, and where the server's head moved meanwhile, look again and compose anew.

use super::{
    Session, Stopped,
    group::ASKS,
    wire::{Answer, decode_answer},
};
use crate::{
    Error, Result,
    host::{Host, HostRng},
    machine::{
        Belief, KnownScope,
        compose::{Author, Draft},
        scope::{Page, Stop},
    },
};
use keyfold_format::{Rejected, ScopeId, sorted::SortedSet};
use keyfold_protocol::{
    Code, Details, ErrorBody, route,
    signing::Method,
    wire::{Append, Appended, CreateScope},
};

/// How often an entry is composed before giving up: others were faster each time.
const TRIES: u32 = 8;

/// A group has seen more of somebody than this device.
const GOES_BACK: Code = Code::Rejected(Rejected::CitationGoesBack);

/// Makes an entry of the newest state.
type Compose<'c, H> = dyn FnMut(&Belief, Author<'_>, &mut HostRng<'_, H>) -> Result<Option<Draft>, Stop> + Send + 'c;

impl<H: Host> Session<H> {
    /// Appends what `compose` makes of the newest state; `None` if of that it makes nothing. Staged, not committed.
    pub(super) async fn append(
        &mut self,
        id: ScopeId,
        mut compose: impl FnMut(&Belief, Author<'_>, &mut HostRng<'_, H>) -> Result<Option<Draft>, Stop> + Send,
    ) -> Result<Option<Draft>> {
        // Its room is large, and no part of whatever may append.
        Box::pin(self.append_composed(id, &mut compose)).await
    }

    /// Apart from [`Self::append`], so that one copy of it does for every kind of entry.
    async fn append_composed(&mut self, id: ScopeId, compose: &mut Compose<'_, H>) -> Result<Option<Draft>> {
        let (mut clock_was_set, mut is_fresh) = (false, false);
        for _ in 0..TRIES {
            if !self.belief.scope(&id)?.is_complete() {
                self.catch_up_within(&id).await?;
                is_fresh = true;
            }
            let draft = match self.draft(&id, compose).await {
                Ok(Some(draft)) => draft,
                // What the newest state allows, or asks for, may be more than what the known one does.
                Ok(None) | Err(_) if !is_fresh => {
                    self.catch_up_within(&id).await?;
                    is_fresh = true;
                    continue;
                }
                Ok(None) => return Ok(None),
                Err(error) => return Err(error),
            };
            let answer = self.send_draft(&id, &draft).await?;
            let refusal = match answer {
                Ok(bytes) => {
                    let appended = decode_answer(&bytes, Appended::decode)?;
                    let key = self.belief.enrolled()?.server.key;
                    let next = match draft.next.clone().confirmed(&appended.receipt, &key) {
                        Ok(next) => next,
                        Err(error) => return Err(self.doubted(&id, &appended.receipt, error).await),
                    };
                    self.confirm(&id, next).await?;
                    return Ok(Some(draft));
                }
                Err(refusal) => refusal,
            };
            match (refusal.code, &refusal.details) {
                (Code::Conflict, Some(Details::Standing(standing))) if !standing.entries.is_empty() => {
                    let before = self.belief.scope(&id)?.clone();
                    let page = Page { entries: &standing.entries, receipt: &standing.receipt, more: true };
                    self.take_in(&id, page, 0).await?;
                    self.follow_up(&id, Some(&before), self.sharer(&standing.entries)).await?;
                }
                (Code::Conflict, _) => self.catch_up(&[id], &[]).await?,
                (Code::StaleCitation | Code::MissingLedger, _) => self.fetch_cited(&draft).await?,
                (Code::UnknownKeychain, _) if !is_fresh => {
                    self.catch_up_within(&id).await?;
                    is_fresh = true;
                }
                (Code::ClockSkew, _) if !clock_was_set => clock_was_set = true,
                _ => return Err(refusal.into()),
            }
        }
        Err(Error::new(Code::Conflict, "others changed the keychain faster than this could").hint("Try again."))
    }

    /// Catches up with a keychain that one writes to. If one is not in it any more, its last entry says why.
    async fn catch_up_within(&mut self, id: &ScopeId) -> Result<()> {
        self.catch_up(&[*id], &[]).await?;
        self.membership(self.belief.scope(id)?).map(drop)
    }

    /// Keeps what the server took. If it signed for something later, then only the entries up to there show that ours
    /// is among them.
    async fn confirm(&mut self, id: &ScopeId, next: KnownScope) -> Result<()> {
        let before = self.belief.scope(id)?.clone();
        self.belief.keep_scope(next.clone());
        if next.is_complete() {
            return Ok(());
        }
        let fetched = self.fetch_scopes(&[*id], &[]).await?;
        if let Some(Stopped { error, .. }) = fetched.stopped.into_iter().next() {
            self.belief.restore_scope(id, Some(before));
            return Err(error);
        }
        self.follow_up(id, Some(&next), fetched.shared_by.get(id).copied()).await
    }

    /// Composes along the first way that the rules let one act: as a member, or through groups.
    async fn draft(&mut self, id: &ScopeId, compose: &mut Compose<'_, H>) -> Result<Option<Draft>> {
        let mut ways = self.belief.ways(self.belief.scope(id)?);
        if ways.is_empty() {
            ways.push(Vec::new());
        }
        let (mut refused, mut nothing) = (None, false);
        for way in ways {
            match self.draft_along(id, &way, compose).await {
                Ok(Some(draft)) => return Ok(Some(draft)),
                Ok(None) => nothing = true,
                Err(error) if matches!(error.code, Code::Rejected(_)) => refused = refused.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        refused.filter(|_| !nothing).map_or(Ok(None), Err)
    }

    /// Composes, fetching the ledgers that composing asks for.
    async fn draft_along(
        &mut self,
        id: &ScopeId,
        way: &[ScopeId],
        compose: &mut Compose<'_, H>,
    ) -> Result<Option<Draft>> {
        let mut is_advanced = false;
        // Each turn brings a ledger further.
        for _ in 0..ASKS {
            match compose(&self.belief, Author { via: way, ..self.author()? }, &mut self.rng()) {
                Ok(draft) => return Ok(draft),
                Err(Stop::Refused(error)) if error.code == GOES_BACK && !is_advanced => {
                    self.advance_members(id).await?;
                    is_advanced = true;
                }
                Err(stop) => self.provide(stop).await?,
            }
        }
        Err(Error::new(Code::MissingLedger, "the server does not show a ledger that the entry needs"))
    }

    /// Brings those up to date of whom a group in this scope has seen more than is known here.
    async fn advance_members(&mut self, id: &ScopeId) -> Result<()> {
        let mut behind = Vec::new();
        for group in self.with_groups(&[*id]).await? {
            let Some(known) = self.belief.scopes.get(&group) else { continue };
            let members: Vec<ScopeId> = known.ledger().members().keys().copied().collect();
            for member in members {
                self.recall_account(&member).await?;
                let cited = self.belief.scope(&group)?.ledger().cited(&member).map(|cite| cite.head.seq);
                if self.belief.accounts.get(&member).is_some_and(|known| Some(known.head().seq) < cited) {
                    behind.push(member);
                }
            }
        }
        self.fetch_accounts(&behind).await
    }

    async fn send_draft(&mut self, id: &ScopeId, draft: &Draft) -> Result<Answer> {
        let (entry, wraps) = (draft.entry.clone(), draft.wraps.clone());
        match draft.expected {
            Some(expected) => {
                let body = Append { expected, entry, wraps }.encode();
                self.exchange(Method::Post, &route::entries(id), body).await
            }
            None => {
                let body = CreateScope { genesis: entry, wraps }.encode();
                self.exchange(Method::Post, route::SCOPES, body).await
            }
        }
    }

    /// Brings everybody up to date whom a draft cites, or wraps to.
    async fn fetch_cited(&mut self, draft: &Draft) -> Result<()> {
        use keyfold_format::scope::ScopeEntry;
        let mut cited: SortedSet<ScopeId> = match ScopeEntry::decode(&draft.entry.signed)? {
            ScopeEntry::Ordinary(entry) => entry.cites.iter().map(|cite| cite.principal).collect(),
            ScopeEntry::Placed(placed) => SortedSet::from_iter([placed.author.principal]),
        };
        for wrap in &draft.wraps {
            cited.insert(wrap.recipient);
        }
        let (groups, accounts): (Vec<_>, Vec<_>) =
            cited.iter().copied().partition(|id| self.belief.scopes.contains_key(id));
        self.catch_up(&groups, &[]).await?;
        self.fetch_accounts(&accounts).await
    }

    /// Sends a composed genesis. A refusal is returned.
    pub(super) async fn found(&mut self, draft: &Draft) -> Result<std::result::Result<Appended, ErrorBody>> {
        let id = draft.next.ledger().id();
        match self.send_draft(&id, draft).await? {
            Ok(bytes) => decode_answer(&bytes, Appended::decode).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}
