//! Wraps: opening those that came, saying which are lacking, and answering others who lack some.
//!
//! A server or a member may have sent garbage in a wrap's place, or a group was not clean when a key came. Whoever lacks
//! a key says so, and a client that holds it wraps it anew. A request is no authority: wrapped is to whom the ledger
//! entitles, at the key that it cites, so that whoever makes requests up gains nothing but work.
//!
//! Spec: `docs/spec/http.md`, "Wraps".

use super::{Session, identity::settled, sync::one_keychain_s};
use crate::{
    Result,
    host::Host,
    machine::{KnownScope, compose},
};
use keyfold_format::{ScopeId, scope::Member, sorted::SortedSet, wrap::Wrap};
use keyfold_protocol::{
    limits, route,
    signing::Method,
    wire::{MissingWrap, MissingWraps},
};

/// What a session notes of it between its operations. Nothing is lost with it: what is still missing is seen again.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Where others lack wraps.
    wanted: SortedSet<ScopeId>,
    /// Where one said that one does.
    said: SortedSet<ScopeId>,
}

impl Missing {
    /// Others lack wraps there.
    pub(super) fn want(&mut self, id: ScopeId) {
        self.wanted.insert(id);
    }

    /// Whether others do anywhere.
    pub(super) fn is_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }
}

impl<H: Host> Session<H> {
    /// Whether keys that we are entitled to are not here, ourselves or through groups.
    pub(super) fn lacks_keys(&self, known: &KnownScope) -> bool {
        let ring = self.belief.rings.get(&known.ledger().id());
        let lacks = |(_, member): &(ScopeId, &Member)| match ring {
            Some(ring) => !ring.missing(known.ledger(), member).is_empty(),
            None => !member.keys.is_empty(),
        };
        self.belief.holdings(known).iter().any(lacks)
    }

    pub(super) fn open_wraps(&mut self, id: &ScopeId, wraps: &[Wrap]) -> Result<()> {
        let me = self.me()?;
        for wrap in wraps.iter().filter(|wrap| wrap.recipient != me) {
            self.belief.reach(&wrap.recipient, wrap.recipient_number);
        }
        let mut ring = self.belief.rings.remove(id).unwrap_or_default();
        let (known, own, account) = (self.belief.scope(id)?, self.belief.own()?, self.belief.own_ledger()?);
        ring.open_wraps(known.ledger(), wraps, own, account, &self.belief.rings);
        self.belief.keep_ring(*id, ring);
        Ok(())
    }

    /// Says what is lacking of a scope, or that nothing is any more, if the server was told otherwise. That it does not
    /// listen changes nothing.
    pub(super) async fn say_what_is_missing(&mut self, id: &ScopeId) -> Result<()> {
        let missing = self.lacking(id);
        if missing.is_empty() && !self.missing.said.remove(id) {
            return Ok(());
        }
        if !missing.is_empty() {
            self.missing.said.insert(*id);
        }
        let body = MissingWraps { missing }.encode();
        let said = self.ask(Method::Post, &route::missing(id), body, MissingWraps::decode).await;
        said.map(drop).or_else(|error| one_keychain_s(error).map(drop))
    }

    /// Wraps of a scope that we are entitled to and have not got, ourselves or through groups.
    fn lacking(&self, id: &ScopeId) -> Vec<MissingWrap> {
        let (Some(known), ring) = (self.belief.scopes.get(id), self.belief.rings.get(id)) else { return Vec::new() };
        let ledger = known.ledger();
        let mut missing = Vec::new();
        for (recipient, member) in self.belief.holdings(known) {
            let lacks = ring.map(|ring| ring.missing(ledger, member)).unwrap_or_default();
            if ledger.takes_wraps(&recipient) {
                missing.extend(lacks.iter().rev().map(|(number, _)| MissingWrap { recipient, number: *number }));
            }
        }
        missing.truncate(limits::MISSING);
        missing
    }

    /// Wraps what others lack, as far as it is held here. Whether anything was sent.
    pub(super) async fn answer_missing(&mut self) -> Result<bool> {
        let mut any = false;
        for id in std::mem::take(&mut self.missing.wanted).iter() {
            match self.answer_missing_of(id).await {
                Ok(sent) => any |= sent,
                Err(error) => drop(one_keychain_s(error)?),
            }
        }
        Ok(any)
    }

    async fn answer_missing_of(&mut self, id: &ScopeId) -> Result<bool> {
        if self.stopped.contains(id) || !self.recall_scope(id).await? || self.lacks_keys(self.belief.scope(id)?) {
            return Ok(false);
        }
        let told = self.ask(Method::Get, &route::missing(id), Vec::new(), MissingWraps::decode).await?;
        if told.missing.is_empty() {
            return Ok(false);
        }
        // To whoever is out by now nothing is wrapped.
        self.catch_up(&[*id], &[]).await?;
        let recipients: Vec<ScopeId> = told.missing.iter().map(|wrap| wrap.recipient).collect();
        let members = self.belief.scope(id)?.ledger().members();
        let people: Vec<ScopeId> = recipients.into_iter().filter(|recipient| members.contains_key(recipient)).collect();
        self.need_accounts(&people).await?;
        for wrap in &told.missing {
            self.belief.reach(id, wrap.number);
        }
        let (scope, ring) = (self.belief.scope(id)?, self.belief.ring(id)?);
        let wanted = told.missing.iter().map(|wrap| (wrap.recipient, wrap.number));
        let wraps = compose::wanted(scope.ledger(), wanted, ring, &self.belief.ledgers(), &mut self.rng());
        let wraps = wraps.map_err(settled)?;
        self.commit().await?;
        let any = !wraps.is_empty();
        self.add_wraps(id, wraps).await?;
        Ok(any)
    }
}
