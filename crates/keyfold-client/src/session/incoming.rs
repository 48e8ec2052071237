//! Shares with this account: taken by themselves or left to the person, and the answers.
//!
//! The server hands a share's keys out in its reply to `Accept`, so what waits, and what is declined, has never been
//! readable here.

use super::{Session, identity::settled, wire::decode_answer};
use crate::{
    Error, Result,
    host::Host,
    machine::{KnownScope, compose, record},
    model::{AcceptShares, ClientEvent, IncomingShare, Keychain},
};
use keyfold_format::{
    EntryHash, Rejected, ScopeId, cbor,
    entry::{Head, SignedEntry},
    scope::{Kind, Member},
};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{Place, Placed},
};

/// How often an answer is composed before giving up.
const TRIES: u32 = 3;

/// What became of an answer.
enum Answered {
    /// It stands.
    Placed(Box<Placed>),
    /// What it cites has changed, or a clock was set: it is to be composed anew.
    Again,
    /// There is nothing to answer any more.
    Gone,
}

impl<H: Host> Session<H> {
    /// Which shares are taken without asking, from now on. Those that wait are not asked for again: with
    /// [`AcceptShares::Auto`] the next catch-up takes them, else they go on waiting.
    pub fn accept_shares(&mut self, which: AcceptShares) {
        self.accepts = which;
    }

    /// The same, for every later session on this home too.
    pub async fn keep_accept_shares(&mut self, which: AcceptShares) -> Result<()> {
        self.accept_shares(which);
        self.belief.stage(record::ACCEPTS, Some(cbor::encode(&which.number()).into()));
        self.commit().await
    }

    /// The shares that wait for an answer of this account's, by when they were made.
    pub async fn incoming_shares(&mut self) -> Result<Vec<IncomingShare>> {
        self.me()?;
        self.sync_if_reached().await?;
        self.waiting_shares().await
    }

    /// The same, as far as is known without asking the server.
    pub async fn waiting_shares(&mut self) -> Result<Vec<IncomingShare>> {
        self.me()?;
        let waiting: Vec<ScopeId> = self.belief.waiting().iter().copied().collect();
        let now_ms = self.now_ms();
        let mut found: Vec<IncomingShare> = Vec::with_capacity(waiting.len());
        for id in waiting {
            if !self.recall_scope(&id).await? {
                continue;
            }
            let share = self.incoming_share(&id).await?;
            if let Some(share) = share.filter(|share| share.expires_at.is_none_or(|end| end > now_ms)) {
                let at = found.partition_point(|before| before.shared_at <= share.shared_at);
                found.insert(at, share);
            }
        }
        Ok(found)
    }

    async fn incoming_share(&mut self, id: &ScopeId) -> Result<Option<IncomingShare>> {
        let me = self.me()?;
        let Some(by) = self.belief.scope(id)?.ledger().pending().get(&me).map(|share| share.author) else {
            return Ok(None);
        };
        self.need_accounts(&[by]).await?;
        let ledger = self.belief.scope(id)?.ledger();
        let share = ledger.pending().get(&me).map(|share| IncomingShare {
            keychain_fingerprint: id.to_string(),
            algorithm: ledger.algorithm(),
            account_id: by.to_string(),
            shared_by: self.belief.person(&by),
            known: self.belief.has_met(&by),
            verified: self.belief.is_verified(&by),
            permissions: share.terms.permissions.into(),
            read_only: share.terms.read_only,
            key_fingerprints: super::share::fingerprints(ledger, share.terms.keys.iter()),
            shared_at: share.terms.since_time,
            expires_at: share.terms.expires_at,
        });
        Ok(share)
    }

    /// Takes a share that waits. `NotPending` if none does.
    pub async fn accept_share(&mut self, keychain_fingerprint: &str) -> Result<Keychain> {
        let id = self.asked_about(keychain_fingerprint)?;
        let me = self.me()?;
        self.recall_scope(&id).await?;
        let was_in = self.belief.scopes.get(&id).is_some_and(|known| known.is_in(&me));
        self.catch_up(&[id], &[]).await?;
        if let Some(before) = self.belief.scopes.get(&id).filter(|known| known.unanswered(&me).is_some()).cloned() {
            self.follow_up_taking(&id, Some(&before), None, true).await?;
        }
        self.commit().await?;
        match self.belief.scopes.get(&id) {
            Some(known) if known.is_in(&me) && !was_in => {
                let is_group = known.ledger().kind() == Kind::Group;
                let held = self.held(&id).await?;
                if is_group {
                    self.catch_up_all().await?;
                }
                Ok(held)
            }
            _ => Err(nothing_waits()),
        }
    }

    /// Refuses a share that waits, and says which it was. `NotPending` if none does.
    pub async fn decline_share(&mut self, keychain_fingerprint: &str) -> Result<IncomingShare> {
        let id = self.asked_about(keychain_fingerprint)?;
        let me = self.me()?;
        self.recall_scope(&id).await?;
        if self.belief.scopes.get(&id).is_none_or(|known| known.unanswered(&me).is_none()) {
            self.catch_up(&[id], &[]).await?;
        }
        for _ in 0..TRIES {
            let Some(known) = self.belief.scopes.get(&id) else { break };
            let Some(share) = known.unanswered(&me) else { break };
            let entry = compose::decline(known, share, self.author()?);
            let declined = self.incoming_share(&id).await?.ok_or_else(nothing_waits)?;
            match self.send_answer(&id, &entry).await? {
                Answered::Placed(placed) => {
                    self.declined(&id, share, &entry, &placed).await?;
                    self.commit().await?;
                    return Ok(declined);
                }
                Answered::Gone => break,
                Answered::Again => {}
            }
        }
        self.commit().await?;
        Err(nothing_waits())
    }

    /// The server says that it placed our refusal. The ledger is not for us any more, unless we were in it once: then
    /// it shows that we declined.
    async fn declined(&mut self, id: &ScopeId, share: EntryHash, entry: &SignedEntry, placed: &Placed) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let at = Head { seq: placed.seq, hash: entry.hash(placed.prev, placed.seq) };
        // Checks what the server signed for.
        self.belief.scope(id)?.accepted(share, at, &placed.receipt, &key)?;
        if !self.belief.rings.contains_key(id) {
            self.belief.forget_scope(id, at);
            return Ok(());
        }
        self.catch_up(&[*id], &[]).await?;
        match self.belief.scope(id)?.unanswered(&self.me()?) {
            Some(waits) if waits == share => {
                Err(Error::rollback(format!("the server did not place your answer in {id}")))
            }
            _ => Ok(()),
        }
    }

    fn asked_about(&self, keychain_fingerprint: &str) -> Result<ScopeId> {
        self.me()?;
        keychain_fingerprint.parse().map_err(|_| nothing_waits())
    }

    /// Whether the share that a keychain's new state has for us is to be taken now. One that has waited before, and
    /// is the person's to answer, goes on waiting; that one starts to wait is told.
    pub(super) fn takes(&mut self, id: &ScopeId, before: Option<&KnownScope>) -> Result<bool> {
        let (me, known) = (self.me()?, self.belief.scope(id)?);
        let Some(share) = known.unanswered(&me) else { return Ok(false) };
        let Some(by) = known.ledger().pending().get(&me).map(|share| share.author) else { return Ok(false) };
        let is_new = before.and_then(|before| before.unanswered(&me)) != Some(share);
        let takes = match self.accepts {
            AcceptShares::Auto => true,
            // Looking at who shared must not take what he shared before.
            AcceptShares::Known => is_new && self.belief.has_met(&by),
            AcceptShares::Ask => false,
        };
        if is_new && !takes {
            let (keychain_fingerprint, shared_by) = (id.to_string(), self.belief.person(&by));
            self.belief.emit(ClientEvent::ShareReceived { keychain_fingerprint, shared_by });
        }
        Ok(takes)
    }

    /// Whether a share waits that nobody is to be asked about.
    pub(super) fn is_taken_unasked(&self, known: &KnownScope, me: &ScopeId) -> bool {
        self.accepts == AcceptShares::Auto && known.unanswered(me).is_some()
    }

    /// Takes a share: the server places our answer, and hands our wraps out in the reply. Returns its terms.
    pub(super) async fn accept(&mut self, id: &ScopeId) -> Result<Option<Member>> {
        let me = self.me()?;
        for _ in 0..TRIES {
            let known = self.belief.scope(id)?;
            let Some(share) = known.unanswered(&me) else { return Ok(None) };
            let terms = known.ledger().pending().get(&me).map(|share| share.terms.clone());
            let entry = compose::accept(known, share, self.author()?);
            match self.send_answer(id, &entry).await? {
                Answered::Placed(placed) => {
                    if let Err(error) = self.placed(id, share, &entry, &placed) {
                        return Err(self.doubted(id, &placed.receipt, error).await);
                    }
                    self.open_wraps(id, &placed.wraps)?;
                    terms.iter().filter_map(|terms| terms.shared_by).for_each(|by| self.belief.meet(&by));
                    return Ok(terms);
                }
                Answered::Gone => return Ok(None),
                Answered::Again => {}
            }
        }
        Err(Error::new(Code::Conflict, "the share could not be accepted").hint("Try again."))
    }

    /// Asks the server to place an answer to a share.
    async fn send_answer(&mut self, id: &ScopeId, entry: &SignedEntry) -> Result<Answered> {
        let body = Place { entry: entry.clone() }.encode();
        match self.exchange(Method::Post, &route::placed(id), body).await? {
            Ok(bytes) => return decode_answer(&bytes, Placed::decode).map(|placed| Answered::Placed(Box::new(placed))),
            Err(refusal) if refusal.code == Code::StaleCitation => self.fetch_own_account().await?,
            // Over, withdrawn, or answered by this account before: the ledger tells which.
            Err(refusal) if matches!(refusal.code.as_str(), "NotPending" | "UnknownKeychain") => {
                let fetched = self.fetch_scopes(&[*id], &[]).await?;
                return fetched.stopped.into_iter().next().map_or(Ok(Answered::Gone), |stopped| Err(stopped.error));
            }
            Err(refusal) if refusal.code == Code::ClockSkew => {}
            Err(refusal) => return Err(refusal.into()),
        }
        Ok(Answered::Again)
    }

    /// Others' answers may stand between what is known and ours. They need not be read before the key is used: the
    /// share that we answered is verified, and with it the key's fingerprint.
    fn placed(&mut self, id: &ScopeId, share: EntryHash, entry: &SignedEntry, placed: &Placed) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let known = self.belief.scope(id)?;
        let head = known.ledger().head();
        let at = Head { seq: placed.seq, hash: entry.hash(placed.prev, placed.seq) };
        let follows = placed.seq == head.seq + 1 && placed.prev == head.hash;
        // It belongs to the ledger if that very head is signed. A later one says nothing of what is before it.
        let next = if follows && placed.receipt.statement.head == at {
            known.tried(entry, &self.belief.ledgers()).map_err(settled)?.confirmed(&placed.receipt, &key)?
        } else {
            known.accepted(share, at, &placed.receipt, &key)?
        };
        self.belief.keep_scope(next);
        Ok(())
    }
}

fn nothing_waits() -> Error {
    Error::new(Code::Rejected(Rejected::NotPending), "no such share is waiting for your answer")
        .hint("`keyfold accept` lists those that are, by the fingerprint of the keychain.")
}
