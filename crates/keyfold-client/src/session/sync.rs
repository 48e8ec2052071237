//! Catching up: fetch what is new, replay it, answer the shares that wait, open the wraps, note what happened.

use super::{Session, group::ASKS, identity::settled};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        KnownScope, event,
        scope::{Growing, Page, Stop},
    },
    model::ClientEvent,
};
use keyfold_format::{
    ScopeId,
    entry::{Cite, Head, SignedEntry},
    scope::{Kind, Ledgers as _, Op, ScopeEntry},
    sorted::{SortedMap, SortedSet},
};
use keyfold_protocol::{
    Class, Code,
    events::News,
    route,
    signing::Method,
    wire::{After, LedgerPage, OwnWraps, ScopeKind, Scopes},
};

/// A keychain that was left as it was, because what the server shows of it is not believed. Others go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub keychain: ScopeId,
    /// Why. Every operation on it says so too.
    pub error: Error,
}

/// What came of fetching keychains' ledgers.
#[derive(Default)]
pub(super) struct Fetched {
    /// Who shared with us in the new entries.
    pub(super) shared_by: SortedMap<ScopeId, ScopeId>,
    /// Those whose entries were refused.
    pub(super) stopped: Vec<Stopped>,
    /// Who has made a new generation, as the server says, that some of them have not seen.
    unseen: SortedSet<ScopeId>,
}

impl<H: Host> Session<H> {
    /// Takes in everything that happened, and tells it: what is told here is not told again to whoever watches
    /// later. If a keychain is stopped, that is the answer once all others are taken in; their events stay to be told.
    pub async fn sync(&mut self) -> Result<Vec<ClientEvent>> {
        let stopped = self.catch_up_all().await?;
        self.repair().await?;
        if let Some(stopped) = stopped.into_iter().next() {
            return Err(stopped.error);
        }
        let (events, next) = self.journal(self.untold()).await?;
        self.tell_until(next).await?;
        Ok(events)
    }

    /// Takes in everything that happened, except in the keychains that it returns.
    pub async fn catch_up_all(&mut self) -> Result<Vec<Stopped>> {
        // Who has just come into a group is in what it stands in, and sees that when he asks again.
        let before = self.groups_entered();
        let stopped = self.catch_up_listed().await?;
        if self.groups_entered() == before { Ok(stopped) } else { self.catch_up_listed().await }
    }

    /// How many groups there are whose keys are here.
    fn groups_entered(&self) -> usize {
        let is_group = |id: &&ScopeId| self.belief.ledgers().newest_group(id).is_some();
        self.belief.rings.keys().filter(is_group).count()
    }

    async fn catch_up_listed(&mut self) -> Result<Vec<Stopped>> {
        let me = self.me()?;
        let listed = self.ask(Method::Get, route::SCOPES, Vec::new(), Scopes::decode).await?;
        self.recall_scopes().await?;
        let mut behind = Vec::new();
        for summary in listed.scopes.iter().filter(|summary| summary.kind != ScopeKind::Account) {
            let known = self.belief.scopes.get(&summary.scope);
            let up_to_date = known.is_some_and(|known| {
                !summary.unseen
                    && known.is_complete()
                    && known.ledger().head() == summary.head
                    && !self.is_taken_unasked(known, &me)
                    && !self.lacks_keys(known)
            });
            if summary.missing {
                self.missing.want(summary.scope);
            }
            // A head that is not ours yet is a hint: what it is, its ledger says.
            if !up_to_date {
                behind.push(summary.scope);
            }
        }
        let is_listed = |id: &ScopeId| listed.scopes.iter().any(|summary| summary.scope == *id);
        let concerns_me = |known: &KnownScope| self.belief.is_in(known) || known.unanswered(&me).is_some();
        let scopes = self.belief.scopes.iter().filter(|(id, known)| concerns_me(known) && !is_listed(id));
        let unlisted: Vec<(ScopeId, Head)> = scopes.map(|(id, known)| (*id, known.ledger().head())).collect();
        behind.extend(unlisted.iter().map(|(id, _)| *id));
        // What another release wrote is read anew; the server still shows whoever was in it how it ended.
        let unread = self.belief.floors().filter(|id| !behind.contains(id) && self.belief.rings.contains_key(id));
        let unread: Vec<ScopeId> = unread.copied().collect();
        behind.extend(unread);
        let mut stopped = self.catch_up_each(&behind, &[me]).await?;
        // Whoever is not in a keychain any more is shown the entry that says so. Nothing less ends a membership.
        for (keychain, head) in unlisted {
            let known = self.belief.scopes.get(&keychain);
            let unsaid = known.is_some_and(|known| self.belief.is_in(known) && known.ledger().head() == head);
            if unsaid && !stopped.iter().any(|stopped| stopped.keychain == keychain) {
                stopped.push(Stopped { keychain, error: self.hidden(&keychain, &me) });
            }
        }
        self.commit().await?;
        Ok(stopped)
    }

    /// Takes in events of the server; what was applied already costs nothing. What happened counts as told: the
    /// caller reads the journal and tells it. Returns the keychains that were left as they were.
    pub async fn apply(&mut self, news: &[News]) -> Result<Vec<Stopped>> {
        let me = self.me()?;
        let mut scopes: Vec<ScopeId> = Vec::new();
        let mut accounts: Vec<ScopeId> = Vec::new();
        for news in news {
            let event = match news {
                News::Event(event) => event,
                News::Enrolment(device) => {
                    self.belief.emit(ClientEvent::DeviceRequested { device_id: device.to_string() });
                    continue;
                }
                // Whoever watches an index asks for it by himself.
                News::Reference(_) => continue,
                News::Wraps(scope) => {
                    if self.recall_scope(scope).await? {
                        if self.lacks_keys(self.belief.scope(scope)?) {
                            scopes.push(*scope);
                        } else {
                            self.missing.want(*scope);
                        }
                    }
                    continue;
                }
            };
            match event.kind {
                ScopeKind::Keychain | ScopeKind::Group => {
                    self.recall_scope(&event.scope).await?;
                    let known = self.belief.scopes.get(&event.scope);
                    if known.is_none_or(|known| known.ledger().head().seq < event.seq || !known.is_complete()) {
                        scopes.push(event.scope);
                        if !self.recall_account(&event.author).await? {
                            accounts.push(event.author);
                        }
                    }
                }
                ScopeKind::Account if event.scope == me => accounts.push(me),
                // Somebody's new generation, which what he stands in is to observe.
                ScopeKind::Account => {
                    let is_known = self.recall_account(&event.scope).await?;
                    let known = self.belief.accounts.get(&event.scope).filter(|_| is_known);
                    if known.is_some_and(|known| known.head().seq < event.seq) {
                        accounts.push(event.scope);
                    }
                }
                _ => {}
            }
        }
        // In the order in which they came: so they are told.
        for list in [&mut scopes, &mut accounts] {
            let mut seen = SortedSet::new();
            list.retain(|id| seen.insert(*id));
        }
        let mut stopped = Vec::new();
        if !scopes.is_empty() || !accounts.is_empty() {
            stopped = self.catch_up_each(&scopes, &accounts).await?;
        }
        // Who comes into a group, or is put out of one, is so in what it stands in; no event of that says it.
        if news.iter().any(|news| matches!(news, News::Event(event) if event.kind == ScopeKind::Group)) {
            stopped = self.catch_up_all().await?;
        }
        self.belief.tell_until(self.belief.marks().next_event);
        self.commit().await?;
        Ok(stopped)
    }

    /// Brings one keychain up to date before it is used. `true`: the server was not reached, and what is known must
    /// do. An error, if one is not in it any more.
    pub(super) async fn freshen(&mut self, id: &ScopeId) -> Result<bool> {
        let stale = match self.catch_up(&[*id], &[]).await {
            Ok(()) => {
                self.commit().await?;
                false
            }
            Err(error) if error.is_offline() && !self.belief.is_changed() && self.belief.floor(id).is_none() => true,
            Err(error) => return Err(error),
        };
        if self.recall_scope(id).await? {
            self.membership(self.belief.scope(id)?)?;
        }
        Ok(stale)
    }

    /// Fetches ledgers, and does for each keychain what its new state asks for. Staged, not committed, unless one is
    /// stopped: then the others are committed, and that is the error.
    pub(super) async fn catch_up(&mut self, scopes: &[ScopeId], accounts: &[ScopeId]) -> Result<()> {
        match self.catch_up_each(scopes, accounts).await?.into_iter().next() {
            Some(stopped) => {
                self.commit().await?;
                Err(stopped.error)
            }
            None => Ok(()),
        }
    }

    /// The same; those that are stopped are returned. Staged, not committed.
    async fn catch_up_each(&mut self, scopes: &[ScopeId], accounts: &[ScopeId]) -> Result<Vec<Stopped>> {
        // What stands in them is brought up to date first, and what opens them opened.
        let scopes = &self.with_groups(scopes).await?;
        let before: SortedMap<ScopeId, KnownScope> =
            scopes.iter().filter_map(|id| Some((*id, self.belief.scopes.get(id)?.clone()))).collect();
        let Fetched { shared_by, mut stopped, .. } = self.fetch_scopes(scopes, accounts).await?;
        let mut scopes = scopes.clone();
        scopes.sort_by_key(|id| self.rank(id));
        for id in &scopes {
            if !self.belief.scopes.contains_key(id) || stopped.iter().any(|stopped| stopped.keychain == *id) {
                continue;
            }
            if let Err(error) = self.follow_up(id, before.get(id), shared_by.get(id).copied()).await {
                let error = one_keychain_s(error)?;
                // Its news is told when all of it can be.
                self.belief.restore_scope(id, before.get(id).cloned());
                stopped.push(Stopped { keychain: *id, error });
            }
        }
        for id in &scopes {
            self.stopped.remove(id);
        }
        for Stopped { keychain, .. } in &stopped {
            self.stopped.insert(*keychain);
        }
        Ok(stopped)
    }

    /// Fetches ledgers. What is refused of a keychain stops that one.
    pub(super) async fn fetch_scopes(&mut self, scopes: &[ScopeId], accounts: &[ScopeId]) -> Result<Fetched> {
        let mut fetched = Fetched::default();
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
            let pages = self.fetch(std::mem::take(&mut wanted)).await?;
            // Accounts first: replay looks their keys up.
            let (first, mut then): (Vec<_>, Vec<_>) =
                pages.into_iter().partition(|(after, _)| accounts.contains(&after.scope));
            // Who was put out of a group is not in the scopes above either, and need not be shown them.
            then.sort_by_key(|(after, _)| self.rank(&after.scope));
            for (After { scope: id, after }, page) in first.into_iter().chain(then) {
                if accounts.contains(&id) && !scopes.contains(&id) {
                    match self.take_in_account_page(&id, page).await {
                        Ok(()) => {}
                        // An author that an event named: if replay needs him it asks for him, and this is its error.
                        Err(error) if id != self.me()? => drop(one_keychain_s(error)?),
                        Err(error) => return Err(error),
                    }
                    continue;
                }
                // What stands above a group has asked for it meanwhile: what was asked here is older than what is known.
                let now = self.after(&id);
                if now.after != after {
                    again.push(now);
                    continue;
                }
                match self.take_in_own_page(&id, page, &mut fetched).await {
                    Ok(true) => again.push(self.after(&id)),
                    Ok(false) => {}
                    Err(error) => fetched.stopped.push(Stopped { keychain: id, error: one_keychain_s(error)? }),
                }
            }
            wanted = again;
        }
        self.look_at_unseen(&fetched.unseen).await?;
        Ok(fetched)
    }

    /// Brings those up to date of whom the server says that they have made a new generation. What follows from it, their
    /// ledgers say; of who has nothing to do with what is here nothing is fetched.
    async fn look_at_unseen(&mut self, unseen: &SortedSet<ScopeId>) -> Result<()> {
        let mut wanted = Vec::new();
        for id in unseen {
            if self.recall_account(id).await? {
                let after = self.belief.accounts.get(id).map(|known| known.head().seq);
                wanted.push(After { scope: *id, after });
            }
        }
        for (After { scope: id, .. }, page) in self.fetch(wanted).await? {
            if let Err(error) = self.take_in_account_page(&id, page).await {
                one_keychain_s(error)?;
            }
        }
        Ok(())
    }

    /// A keychain's page. `true`: there is more.
    async fn take_in_own_page(
        &mut self,
        id: &ScopeId,
        page: Result<LedgerPage, Code>,
        fetched: &mut Fetched,
    ) -> Result<bool> {
        let Some(page) = self.own_page(id, page)? else { return Ok(false) };
        if let Some(by) = self.sharer(&page.entries) {
            fetched.shared_by.insert(*id, by);
        }
        for account in &page.unseen {
            fetched.unseen.insert(*account);
        }
        self.take_in(id, Page { entries: &page.entries, receipt: &page.receipt, more: page.more }, 0).await?;
        Ok(page.more)
    }

    pub(super) fn after(&self, id: &ScopeId) -> After {
        After { scope: *id, after: self.belief.scopes.get(id).map(|known| known.ledger().head().seq) }
    }

    /// A keychain's page; `None` for one that we are not in and the server does not show: a share that was withdrawn.
    fn own_page(&mut self, id: &ScopeId, page: Result<LedgerPage, Code>) -> Result<Option<LedgerPage>> {
        let me = self.me()?;
        match page {
            Ok(page) => Ok(Some(page)),
            Err(Code::UnknownKeychain) => match self.belief.scopes.get(id) {
                Some(known) if self.belief.is_in(known) => Err(self.hidden(id, &me)),
                None if self.belief.floor(id).is_some() && self.belief.rings.contains_key(id) => {
                    Err(self.hidden(id, &me))
                }
                // It may stand in a keychain, whose replay needs what is known of it.
                Some(known) if known.ledger().kind() == Kind::Group => Ok(None),
                Some(known) if !self.belief.rings.contains_key(id) => {
                    let reached = known.reached();
                    self.belief.forget_scope(id, reached);
                    Ok(None)
                }
                _ => Ok(None),
            },
            Err(code) => Err(Error::new(code, format!("the server does not show {id}"))),
        }
    }

    /// The server does not show a keychain that we are in. If only the server's word says that we are, that word is
    /// done with.
    fn hidden(&mut self, id: &ScopeId, me: &ScopeId) -> Error {
        if let Some(known) = self.belief.scopes.get(id).and_then(|known| known.unanswered_after_all(me)) {
            self.belief.keep_scope(known);
        }
        Error::rollback(format!("the server shows nothing of {id}, which you are in"))
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

    /// Replays a page on what is known, fetching what replay asks for: the authors' ledgers, and groups. `depth` is that
    /// of [`Self::need_state`].
    pub(super) async fn take_in(&mut self, id: &ScopeId, page: Page<'_>, depth: usize) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let mut growing: Option<Growing<'_>> = None;
        let (mut asks, mut left) = (0, usize::MAX);
        let mut last: Option<(ScopeId, usize)> = None;
        loop {
            let ledgers = self.belief.ledgers();
            let started = match (growing.take(), self.belief.scopes.get(id)) {
                (Some(started), _) => Ok(started),
                (None, Some(known)) => Growing::on(known, page, &key).map_err(Stop::from),
                (None, None) => Growing::of(id, page, self.belief.floor(id), &ledgers, &key),
            };
            let stop = match started {
                Ok(mut started) => match started.go(&ledgers) {
                    Ok(()) => match started.done() {
                        Ok(next) => return self.take_over(id, next),
                        Err(error) => Stop::Refused(error),
                    },
                    Err(stop) => {
                        // Whatever is asked for between two entries is bounded.
                        asks = if started.left() < left { 0 } else { asks + 1 };
                        left = started.left();
                        growing = Some(started);
                        stop
                    }
                },
                Err(stop) => {
                    asks += 1;
                    stop
                }
            };
            let provided = match stop {
                stop @ Stop::Refused(_) => Err(settled(stop)),
                stop if asks > ASKS => Err(settled(stop)),
                Stop::MissingState(group, seq) => Box::pin(self.need_state(&group, seq, depth)).await,
                Stop::MissingLedger(account) => {
                    let before = last.filter(|(asked, _)| *asked == account).map_or(0, |(_, times)| times);
                    last = Some((account, before + 1));
                    self.need_cited(account, page.entries, before + 1).await
                }
            };
            if let Err(error) = provided {
                return Err(self.doubted(id, page.receipt, error).await);
            }
        }
    }

    fn take_over(&mut self, id: &ScopeId, next: KnownScope) -> Result<()> {
        let broken_word = next.broken_word(self.belief.scopes.get(id));
        self.belief.keep_scope(next);
        broken_word.map_or(Ok(()), Err)
    }

    /// A ledger that replay asks for, for the `times`-th time, with those of all others that it will: of a page's
    /// authors, and of whom it cites further than is known here.
    async fn need_cited(&mut self, account: ScopeId, entries: &[SignedEntry], times: usize) -> Result<()> {
        // The server was asked, and what it shows does not reach to where he is cited.
        if times > 2 {
            return Err(settled(Stop::MissingLedger(account)));
        }
        let mut behind = vec![account];
        for (id, Cited { seq, is_author }) in cited(entries).iter().filter(|(id, _)| **id != account) {
            self.recall_account(id).await?;
            // Of newcomers nothing is needed before they answer.
            let reaches = self.belief.accounts.get(id).map_or(!is_author, |known| known.head().seq >= *seq);
            if !reaches {
                behind.push(*id);
            }
        }
        // It may rest in the store, as far as it is cited.
        let is_new = self.belief.accounts.get(&account).is_none();
        if is_new && self.recall_account(&account).await? {
            behind.remove(0);
        }
        self.fetch_accounts(&behind).await
    }

    /// What a keychain's new state asks for: an answer to a share, keys, news.
    pub(super) async fn follow_up(
        &mut self,
        id: &ScopeId,
        before: Option<&KnownScope>,
        shared_by: Option<ScopeId>,
    ) -> Result<()> {
        let takes = self.takes(id, before)?;
        self.follow_up_taking(id, before, shared_by, takes).await
    }

    /// The same; whether a share that waits is taken was decided.
    pub(super) async fn follow_up_taking(
        &mut self,
        id: &ScopeId,
        before: Option<&KnownScope>,
        shared_by: Option<ScopeId>,
        takes: bool,
    ) -> Result<()> {
        let me = self.me()?;
        let was_in = before.is_some_and(|before| self.belief.is_in(before) && self.belief.rings.contains_key(id));
        let mut accepted = if takes { self.accept(id).await? } else { None };
        // Withdrawn a moment ago.
        let Some(known) = self.belief.scopes.get(id) else { return Ok(()) };
        if accepted.is_none() && self.lacks_keys(known) {
            let path = route::wraps(id);
            let own = self.ask(Method::Get, &path, Vec::new(), OwnWraps::decode).await?;
            self.open_wraps(id, &own.wraps)?;
            self.say_what_is_missing(id).await?;
            let known = self.belief.scope(id)?;
            // Nobody answers a share with a group: who is in it has come by it.
            if !was_in && !known.ledger().members().contains_key(&me) {
                accepted = self.belief.terms(known);
            }
        }
        let told = event::told(was_in, before, self.belief.scope(id)?);
        let sharers = accepted.as_ref().and_then(|terms| terms.shared_by).into_iter().chain(shared_by);
        let told: Vec<ScopeId> = told.everybody().chain(sharers).collect();
        self.need_accounts(&told).await?;
        let known = self.belief.scope(id)?;
        if let Some(ring) = self.belief.rings.get(id) {
            let accepted = accepted.as_ref();
            let change = event::Change { me, was_in, before, after: known, accepted, shared_by, ring };
            let events = change.events(|id| self.belief.person(id));
            events.into_iter().for_each(|event| self.belief.emit(event));
        }
        Ok(())
    }
}

/// How a page cites somebody.
struct Cited {
    /// The newest entry of his that it names.
    seq: u64,
    is_author: bool,
}

fn cited(entries: &[SignedEntry]) -> SortedMap<ScopeId, Cited> {
    let mut cited: SortedMap<ScopeId, Cited> = SortedMap::new();
    for entry in entries.iter().filter_map(|entry| ScopeEntry::decode(&entry.signed).ok()) {
        let author = entry.author();
        let cites = match entry {
            ScopeEntry::Ordinary(entry) => entry.cites,
            ScopeEntry::Placed(placed) => vec![placed.author],
        };
        for Cite { principal, head, .. } in cites {
            let before = cited.get(&principal).map_or((0, false), |before| (before.seq, before.is_author));
            let is_author = before.1 || principal == author;
            cited.insert(principal, Cited { seq: before.0.max(head.seq), is_author });
        }
    }
    cited
}

/// What stops one keychain, or else what stops everything: no server, no session, no room.
pub(super) fn one_keychain_s(error: Error) -> Result<Error> {
    let everything = error.class() == Class::Network
        || matches!(error.code, Code::LoggedOut | Code::UnknownDevice | Code::Unauthorized | Code::ClockSkew)
        || matches!(error.code, Code::StorageFull | Code::Internal | Code::Io | Code::NoHome | Code::ClientTooOld);
    if everything { Err(error) } else { Ok(error) }
}
