//! Catching up: fetch what is new, replay it, answer the shares that wait, open the wraps, note what happened.

use super::{Session, identity::settled, wire::decode_answer};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        KnownScope, compose, event,
        scope::{Page, Stop},
    },
    model::ClientEvent,
};
use keyfold_format::{
    ScopeId,
    entry::{Head, SignedEntry},
    scope::{Member, Op, ScopeEntry},
};
use keyfold_protocol::{
    Code,
    events::Event,
    route,
    signing::Method,
    wire::{After, LedgerPage, OwnWraps, Place, Placed, ScopeKind, Scopes},
};
use std::collections::BTreeMap;

impl<H: Host> Session<H> {
    /// Takes in everything that happened, and tells it: what is told here is not told again to whoever watches
    /// later.
    pub async fn sync(&mut self) -> Result<Vec<ClientEvent>> {
        self.catch_up_all().await?;
        let (events, next) = self.journal(self.untold()).await?;
        self.tell_until(next).await?;
        Ok(events)
    }

    /// Takes in everything that happened.
    pub async fn catch_up_all(&mut self) -> Result<()> {
        let me = self.me()?;
        let listed = self.ask(Method::Get, route::SCOPES, Vec::new(), Scopes::decode).await?;
        self.recall_scopes().await?;
        let keychains = listed.scopes.iter().filter(|summary| summary.kind == ScopeKind::Keychain);
        let mut behind = Vec::new();
        for summary in keychains {
            let known = self.belief.scopes.get(&summary.scope);
            let up_to_date = known.is_some_and(|known| {
                known.is_complete()
                    && known.mark() == summary.head
                    && known.unanswered(&me).is_none()
                    && !self.lacks_keys(known, &me)
            });
            // A head that is not ours yet is a hint: what it is, its ledger says.
            if !up_to_date {
                behind.push(summary.scope);
            }
        }
        let is_listed = |id: &ScopeId| listed.scopes.iter().any(|summary| summary.scope == *id);
        if let Some((id, _)) = self.belief.scopes.iter().find(|(id, known)| known.is_in(&me) && !is_listed(id)) {
            return Err(Error::rollback(format!("the server shows nothing of {id}, which you are in")));
        }
        self.catch_up(&behind, &[me]).await?;
        self.commit().await
    }

    /// Takes in events of the server, all of those up to `cursor`; what was applied already costs nothing. What
    /// happened counts as told: the caller reads the journal and tells it.
    pub async fn apply(&mut self, events: &[Event], cursor: u64) -> Result<()> {
        let me = self.me()?;
        let mut scopes: Vec<ScopeId> = Vec::new();
        let mut accounts: Vec<ScopeId> = Vec::new();
        for event in events {
            match event.kind {
                ScopeKind::Keychain => {
                    self.recall_scope(&event.scope).await?;
                    let known = self.belief.scopes.get(&event.scope);
                    if known.is_none_or(|known| known.mark().seq < event.seq || !known.is_complete()) {
                        scopes.push(event.scope);
                        if !self.recall_account(&event.author).await? {
                            accounts.push(event.author);
                        }
                    }
                }
                ScopeKind::Account if event.scope == me => accounts.push(me),
                _ => {}
            }
        }
        for list in [&mut scopes, &mut accounts] {
            list.sort_unstable();
            list.dedup();
        }
        if !scopes.is_empty() || !accounts.is_empty() {
            self.catch_up(&scopes, &accounts).await?;
        }
        self.belief.move_cursor(cursor);
        self.belief.tell_until(self.belief.marks().next_event);
        self.commit().await
    }

    /// Brings one keychain up to date before it is used. `true`: the server was not reached, and what is known must
    /// do.
    pub(super) async fn freshen(&mut self, id: &ScopeId) -> Result<bool> {
        match self.catch_up(&[*id], &[]).await {
            Ok(()) => {
                self.commit().await?;
                Ok(false)
            }
            Err(error) if error.is_offline() && !self.belief.is_changed() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Fetches ledgers, and does for each keychain what its new state asks for. Staged, not committed.
    pub(super) async fn catch_up(&mut self, scopes: &[ScopeId], accounts: &[ScopeId]) -> Result<()> {
        let before: BTreeMap<ScopeId, KnownScope> =
            scopes.iter().filter_map(|id| Some((*id, self.belief.scopes.get(id)?.clone()))).collect();
        let shared_by = self.fetch_scopes(scopes, accounts).await?;
        for id in scopes {
            if self.belief.scopes.contains_key(id) {
                self.follow_up(id, before.get(id), shared_by.get(id).copied()).await?;
            }
        }
        Ok(())
    }

    /// Fetches ledgers, and tells for each keychain who shared with us in the new entries.
    async fn fetch_scopes(&mut self, scopes: &[ScopeId], accounts: &[ScopeId]) -> Result<BTreeMap<ScopeId, ScopeId>> {
        let mut shared_by = BTreeMap::new();
        let mut wanted = Vec::with_capacity(scopes.len() + accounts.len());
        for id in accounts {
            self.recall_account(id).await?;
            wanted.push(After { scope: *id, after: self.belief.accounts.get(id).map(|known| known.head().seq) });
        }
        for id in scopes {
            self.recall_scope(id).await?;
            wanted.push(self.after(id));
        }
        while !wanted.is_empty() {
            let mut again = Vec::new();
            let mut pages = self.fetch(std::mem::take(&mut wanted)).await?;
            // Accounts first: replay looks their keys up.
            pages.sort_by_key(|(after, _)| !accounts.contains(&after.scope));
            for (after, page) in pages {
                if accounts.contains(&after.scope) && !scopes.contains(&after.scope) {
                    self.take_in_account_page(&after.scope, page)?;
                    continue;
                }
                let Some(page) = self.own_page(&after.scope, page)? else { continue };
                if let Some(by) = self.sharer(&page.entries) {
                    shared_by.insert(after.scope, by);
                }
                self.take_in(&after.scope, Page { entries: &page.entries, receipt: &page.receipt, more: page.more })
                    .await?;
                if page.more {
                    again.push(self.after(&after.scope));
                }
            }
            wanted = again;
        }
        Ok(shared_by)
    }

    fn after(&self, id: &ScopeId) -> After {
        After { scope: *id, after: self.belief.scopes.get(id).map(|known| known.ledger().head().seq) }
    }

    /// A keychain's page; `None` for one that we are not in and the server does not show: a share that was withdrawn.
    fn own_page(&self, id: &ScopeId, page: Result<LedgerPage, Code>) -> Result<Option<LedgerPage>> {
        let me = self.me()?;
        match page {
            Ok(page) => Ok(Some(page)),
            Err(Code::UnknownKeychain) => match self.belief.scopes.get(id) {
                Some(known) if known.is_in(&me) => {
                    Err(Error::rollback(format!("the server shows nothing of {id}, which you are in")))
                }
                _ => Ok(None),
            },
            Err(code) => Err(Error::new(code, format!("the server does not show {id}"))),
        }
    }

    /// Who shared with us in these entries; the last, if several did.
    pub(super) fn sharer(&self, entries: &[SignedEntry]) -> Option<ScopeId> {
        let me = self.me().ok()?;
        let names_me = |op: &Op| matches!(op, Op::Share(share) if share.principals.iter().any(|p| p.id() == me));
        entries.iter().rev().find_map(|entry| match ScopeEntry::decode(&entry.signed).ok()? {
            ScopeEntry::Ordinary(entry) if entry.ops.iter().any(names_me) => Some(entry.author),
            _ => None,
        })
    }

    /// Replays a page on what is known, fetching the authors' ledgers that replay asks for.
    pub(super) async fn take_in(&mut self, id: &ScopeId, page: Page<'_>) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let mut asked = Vec::new();
        loop {
            let accounts = &self.belief.accounts;
            let next = match self.belief.scopes.get(id) {
                Some(known) => known.extended(page, accounts, &key),
                None => KnownScope::received(id, page, accounts, &key),
            };
            match next {
                Ok(next) => {
                    self.belief.keep_scope(next);
                    return Ok(());
                }
                Err(Stop::MissingLedger(account)) if !asked.contains(&account) => {
                    asked.push(account);
                    let mut missing = authors(page.entries);
                    missing.retain(|author| self.belief.accounts.get(author).is_none());
                    // It may be known, and not as far as the entry cites it.
                    if missing.contains(&account) {
                        self.need_accounts(&missing).await?;
                    } else {
                        self.fetch_accounts(&[account]).await?;
                    }
                }
                Err(stop) => return Err(settled(stop)),
            }
        }
    }

    /// What a keychain's new state asks for: an answer to a share, keys, news.
    pub(super) async fn follow_up(
        &mut self,
        id: &ScopeId,
        before: Option<&KnownScope>,
        shared_by: Option<ScopeId>,
    ) -> Result<()> {
        let me = self.me()?;
        let accepted = match self.belief.scope(id)?.unanswered(&me) {
            Some(_) => self.accept(id).await?,
            None => None,
        };
        let known = self.belief.scope(id)?;
        if accepted.is_none() && self.lacks_keys(known, &me) {
            let path = route::wraps(id);
            let own = self.ask(Method::Get, &path, Vec::new(), OwnWraps::decode).await?;
            self.open_wraps(id, &own.wraps)?;
        }
        let known = self.belief.scope(id)?;
        if let Some(ring) = self.belief.rings.get(id) {
            let change = event::Change { me, before, after: known, accepted: accepted.as_ref(), shared_by, ring };
            let sharers = accepted.as_ref().and_then(|terms| terms.shared_by).into_iter().chain(shared_by);
            let sharers: Vec<ScopeId> = sharers.collect();
            let events = change.events(|id| self.belief.person(id));
            debug_assert!(sharers.iter().all(|id| self.belief.accounts.get(id).is_some()), "replay needed them");
            events.into_iter().for_each(|event| self.belief.emit(event));
        }
        Ok(())
    }

    /// Takes a share: the server places our answer, and hands our wraps out in the reply. Returns its terms.
    async fn accept(&mut self, id: &ScopeId) -> Result<Option<Member>> {
        let me = self.me()?;
        for _ in 0..3 {
            let known = self.belief.scope(id)?;
            let Some(share) = known.unanswered(&me) else { return Ok(None) };
            let terms = known.ledger().pending().get(&me).map(|share| share.terms.clone());
            let entry = compose::accept(known, share, self.author()?);
            let body = Place { entry: entry.clone() }.encode();
            match self.exchange(Method::Post, &route::placed(id), body).await? {
                Ok(bytes) => {
                    let placed = decode_answer(&bytes, Placed::decode)?;
                    self.placed(id, share, &entry, &placed)?;
                    self.open_wraps(id, &placed.wraps)?;
                    return Ok(terms);
                }
                Err(refusal) if refusal.code == Code::StaleCitation => self.fetch_own_account().await?,
                // Withdrawn, or accepted by this account before: the ledger tells which.
                Err(refusal) if matches!(refusal.code.as_str(), "NotPending" | "UnknownKeychain") => {
                    self.fetch_scopes(&[*id], &[]).await?;
                    return Ok(None);
                }
                Err(refusal) if refusal.code == Code::ClockSkew => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Error::new(Code::Conflict, "the share could not be accepted").hint("Try again."))
    }

    /// Others' answers may stand between what is known and ours. They need not be read before the key is used: the
    /// share that we answered is verified, and with it the key's fingerprint.
    fn placed(
        &mut self,
        id: &ScopeId,
        share: keyfold_format::EntryHash,
        entry: &SignedEntry,
        placed: &Placed,
    ) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let known = self.belief.scope(id)?;
        let head = known.ledger().head();
        let next = if placed.seq == head.seq + 1 && placed.prev == head.hash {
            known.tried(entry, &self.belief.accounts).map_err(settled)?.confirmed(&placed.receipt, &key)?
        } else {
            let at = Head { seq: placed.seq, hash: entry.hash(placed.prev, placed.seq) };
            known.accepted(share, at, &placed.receipt, &key)?
        };
        self.belief.keep_scope(next);
        Ok(())
    }

    /// Whether keys that we are entitled to are not here.
    fn lacks_keys(&self, known: &KnownScope, me: &ScopeId) -> bool {
        let Some(member) = known.ledger().members().get(me) else { return false };
        match self.belief.rings.get(&known.ledger().id()) {
            Some(ring) => !ring.missing(known.ledger(), member).is_empty(),
            None => !member.keys.is_empty(),
        }
    }

    fn open_wraps(&mut self, id: &ScopeId, wraps: &[keyfold_format::wrap::Wrap]) -> Result<()> {
        let mut ring = self.belief.rings.remove(id).unwrap_or_default();
        let (known, own, account) = (self.belief.scope(id)?, self.belief.own()?, self.belief.own_ledger()?);
        ring.open_wraps(known.ledger(), wraps, own, account);
        self.belief.keep_ring(*id, ring);
        Ok(())
    }
}

fn authors(entries: &[SignedEntry]) -> Vec<ScopeId> {
    let mut authors: Vec<ScopeId> =
        entries.iter().filter_map(|entry| ScopeEntry::decode(&entry.signed).ok()).map(|entry| entry.author()).collect();
    authors.sort_unstable();
    authors.dedup();
    authors
}
