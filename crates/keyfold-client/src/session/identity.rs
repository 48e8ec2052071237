//! Other people: looked up by user id, verified by replay, pinned at first sight.

use super::Session;
use crate::{
    Error, Result,
    host::Host,
    identity::Identity,
    machine::{KnownAccount, scope::Stop},
};
use keyfold_format::{Malformed, Rejected, ScopeId, UserId, scope::Ledgers as _, sorted::SortedSet};
use keyfold_protocol::{
    Code, limits, route,
    signing::Method,
    wire::{AccountLedger, Accounts, After, LedgerPage, LedgerPages, Ledgers, Lookup},
};

impl<H: Host> Session<H> {
    /// A person's identity, or `UnknownUser`.
    pub async fn identity(&mut self, user_id: &str) -> Result<Identity> {
        self.identities(&[user_id]).await?.pop().flatten().ok_or_else(|| unknown_user(user_id))
    }

    /// One's own identity, without asking the server; `None` while nobody is logged in.
    pub fn own_identity(&self) -> Option<Identity> {
        self.belief.own().ok().and_then(|_| Identity::of(self.belief.own_ledger().ok()?, true))
    }

    /// Several at once; `None` for whom there is no account.
    pub async fn identities(&mut self, user_ids: &[&str]) -> Result<Vec<Option<Identity>>> {
        let accounts = self.look_up(user_ids).await?;
        self.commit().await?;
        Ok(accounts.into_iter().map(|id| self.identity_of(&id?).ok()).collect())
    }

    /// The identity of an account that was read.
    pub(super) fn identity_of(&self, id: &ScopeId) -> Result<Identity> {
        let known = self.belief.accounts.get(id);
        let identity = known.and_then(|known| Identity::of(known.ledger(), self.belief.is_verified(id)));
        identity.ok_or_else(|| Error::internal("an account was not read"))
    }

    /// Looks accounts up, in the order of the user ids. Staged, not committed.
    pub(super) async fn look_up(&mut self, user_ids: &[&str]) -> Result<Vec<Option<ScopeId>>> {
        let asked = user_ids.iter().map(|id| user_id(id)).collect::<Result<Vec<_>>>()?;
        let unique: SortedSet<UserId> = asked.iter().cloned().collect();
        let unique: Vec<UserId> = unique.iter().cloned().collect();
        for chunk in unique.chunks(limits::LOOKUPS) {
            let body = Lookup { user_ids: chunk.to_vec() }.encode();
            let answer = self.ask(Method::Post, route::LOOKUP, body, Accounts::decode).await?;
            if answer.accounts.len() != chunk.len() {
                return Err(super::wire::not_ours());
            }
            for (user_id, found) in chunk.iter().zip(&answer.accounts) {
                self.take_in_account(user_id, found.as_ref()).await?;
            }
        }
        Ok(asked.iter().map(|user_id| self.belief.pinned(user_id)).collect())
    }

    /// The accounts of people. Those who were met before are whom their pins name, and cost no request: the server
    /// refuses what cites them at an old head. Newcomers, and those whose identity is disputed, are asked for.
    pub(super) async fn people(&mut self, user_ids: &[&str]) -> Result<Vec<ScopeId>> {
        let mut asked = Vec::new();
        for text in user_ids {
            let pinned = self.belief.pinned(&user_id(text)?);
            if pinned.is_none_or(|id| self.belief.is_disputed(&id)) {
                asked.push(*text);
            }
        }
        if !asked.is_empty() {
            self.look_up(&asked).await?;
        }
        let mut found = Vec::with_capacity(user_ids.len());
        for text in user_ids {
            let id = self.belief.pinned(&user_id(text)?).ok_or_else(|| unknown_user(text))?;
            if self.belief.is_disputed(&id) {
                return Err(Error::identity_changed(text));
            }
            self.belief.meet(&id);
            found.push(id);
        }
        Ok(found)
    }

    /// Somebody's account, from what is known if it is: for what sends nothing to him. A former account has no user id
    /// any more, and is named by its own id.
    pub(super) async fn person(&mut self, text: &str) -> Result<ScopeId> {
        let former = || text.parse().ok().filter(|id| self.belief.is_former(id));
        match self.belief.pinned(&user_id(text)?).or_else(former) {
            Some(id) => Ok(id),
            None => self.people(&[text]).await?.pop().ok_or_else(|| unknown_user(text)),
        }
    }

    async fn take_in_account(&mut self, user_id: &UserId, found: Option<&AccountLedger>) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let pinned = match self.belief.pinned(user_id) {
            Some(id) => {
                self.recall_account(&id).await?;
                Some(self.belief.accounts.get(&id).ok_or_else(|| Error::internal("a pinned account is not stored"))?)
            }
            None => None,
        };
        let known = match found {
            Some(found) => KnownAccount::looked_up(user_id, pinned, found, &key),
            None if pinned.is_some() => Err(Error::identity_changed(user_id)),
            None => return Ok(()),
        };
        let known = self.or_dispute(user_id, known).await?;
        let id = known.ledger().id();
        let kept = self.belief.keep_account(known);
        self.or_dispute(user_id, kept).await?;
        self.belief.settle(&id);
        self.belief.meet(&id);
        self.renew_if_own(&id).await
    }

    /// Remembers at once that somebody's identity changed, if that is what went wrong.
    async fn or_dispute<T>(&mut self, user_id: &UserId, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(|error| error.code == Code::IdentityChanged) {
            let puts = self.belief.dispute(user_id);
            if !puts.is_empty() {
                self.host.commit(puts).await?;
            }
        }
        result
    }

    /// Makes sure that those of them that are accounts are in memory: from the store, else from the server.
    pub(super) async fn need_accounts(&mut self, ids: &[ScopeId]) -> Result<()> {
        let mut absent = Vec::new();
        for id in ids {
            let is_group = self.belief.ledgers().newest_group(id).is_some();
            if !is_group && !self.recall_account(id).await? {
                absent.push(*id);
            }
        }
        if absent.is_empty() { Ok(()) } else { self.fetch_accounts(&absent).await }
    }

    pub(super) async fn fetch_own_account(&mut self) -> Result<()> {
        let id = self.belief.enrolled()?.account;
        self.fetch_accounts(&[id]).await
    }

    /// Brings accounts up to date, known or not. Staged, not committed.
    pub(super) async fn fetch_accounts(&mut self, ids: &[ScopeId]) -> Result<()> {
        let mut wanted = Vec::with_capacity(ids.len());
        for id in ids {
            self.recall_account(id).await?;
            wanted.push(After { scope: *id, after: self.belief.accounts.get(id).map(|known| known.head().seq) });
        }
        for (after, page) in self.fetch(wanted).await? {
            self.take_in_account_page(&after.scope, page).await?;
        }
        Ok(())
    }

    /// Takes in a page of an account's ledger; what was asked for follows what is known.
    pub(super) async fn take_in_account_page(&mut self, id: &ScopeId, page: Result<LedgerPage, Code>) -> Result<()> {
        let page = page.map_err(|code| Error::new(code, "the server does not show an account's ledger"))?;
        let key = self.belief.enrolled()?.server.key;
        let known = match self.belief.accounts.get(id) {
            Some(known) => {
                let (user_id, extended) = (known.ledger().user_id().clone(), known.extended(&page, &key));
                // What becomes of a former account says nothing against the one that took its place.
                if self.belief.is_former(id) { extended? } else { self.or_dispute(&user_id, extended).await? }
            }
            None => KnownAccount::received(&AccountLedger { entries: page.entries, receipt: page.receipt }, &key)?,
        };
        if known.ledger().id() != *id {
            return Err(Error::rollback("the server answers with another account than was asked for"));
        }
        let user_id = known.ledger().user_id().clone();
        let kept =
            if self.belief.enrolled()?.account == *id { self.keep_own(known) } else { self.belief.keep_account(known) };
        self.or_dispute(&user_id, kept).await?;
        self.renew_if_own(id).await
    }

    async fn renew_if_own(&mut self, id: &ScopeId) -> Result<()> {
        if self.belief.enrolled()?.account == *id { self.renew_own().await } else { Ok(()) }
    }

    /// Fetches ledgers, as many a request as the server takes.
    pub(super) async fn fetch(&mut self, wanted: Vec<After>) -> Result<Vec<(After, Result<LedgerPage, Code>)>> {
        let mut fetched = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(limits::LEDGERS) {
            let body = Ledgers { wanted: chunk.to_vec() }.encode();
            let answer = self.ask(Method::Post, route::LEDGERS, body, LedgerPages::decode).await?;
            if answer.pages.len() != chunk.len() {
                return Err(super::wire::not_ours());
            }
            fetched.extend(chunk.iter().cloned().zip(answer.pages));
        }
        Ok(fetched)
    }
}

pub(super) fn user_id(text: &str) -> Result<UserId> {
    UserId::new(text).map_err(|fault: Malformed| {
        Error::from(fault).hint("A user id is 1 to 128 bytes of text in normal form C, without control characters.")
    })
}

fn unknown_user(user_id: &str) -> Error {
    Error::new(Code::UnknownUser, format!("nobody on this server is called {user_id}")).hint("Check the user id.")
}

/// For the callers of replay that have fetched what was missing: then it is final.
pub(super) fn settled(stop: Stop) -> Error {
    match stop {
        Stop::Refused(error) => error,
        Stop::MissingLedger(_) => Error::new(Code::MissingLedger, "the server does not show an author's ledger"),
        Stop::MissingState(..) => Rejected::CitationUnknown.into(),
    }
}
