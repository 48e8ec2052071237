//! Keychains: found, listed, named by purpose, rotated.

use super::{Session, Stopped, group::unknown, identity::settled, wire::decode_answer};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        KnownScope,
        belief::{not_in, unknown_keychain},
        compose::{self, Draft},
        event, record,
    },
    model::{ClientEvent, KeyMetadata, Keychain},
};
use keyfold_format::{
    KeyFingerprint, Name, ScopeId, cbor,
    entry::SignedEntry,
    id::base64url,
    scope::{Algorithm, KEYCHAIN_RANK, Kind, Member},
    wrap::Wrap,
};
use keyfold_protocol::{
    Code, ErrorBody, route,
    signing::Method,
    wire::{Place, Placed},
};
use minicbor::{Decode, Encode};

/// A creation that was sent and not acknowledged so far. Asked for again, it is sent again rather than made anew.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
struct Creation {
    #[n(0)]
    purpose: Name,
    #[n(1)]
    algorithm: u8,
    #[n(2)]
    genesis: SignedEntry,
    #[n(3)]
    wraps: Vec<Wrap>,
    /// Of a group.
    #[n(4)]
    rank: Option<u16>,
}

impl<H: Host> Session<H> {
    /// Founds a keychain.
    pub async fn create_keychain(&mut self, purpose: &str, algorithm: Algorithm) -> Result<KeyMetadata> {
        if algorithm == Algorithm::Group {
            return Err(Error::new(Code::Unsupported, "a keychain's keys are not those of a group"));
        }
        let id = self.create_scope(purpose, algorithm, KEYCHAIN_RANK).await?;
        self.newest_key(&id)
    }

    /// Founds a keychain, or a group.
    pub(super) async fn create_scope(&mut self, purpose: &str, algorithm: Algorithm, rank: u16) -> Result<ScopeId> {
        let purpose = Name::new(purpose).map_err(|fault| {
            Error::from(fault).hint("It is 1 to 256 bytes of text in normal form C, without control characters.")
        })?;
        self.me()?;
        let stored_rank = (algorithm == Algorithm::Group).then_some(rank);
        if let Some(bytes) = self.host.load(record::CREATION).await? {
            let creation: Creation = super::read(&bytes)?;
            let is_same = creation.algorithm == algorithm.number() && creation.rank == stored_rank;
            if creation.purpose == purpose && is_same {
                return self.finish_creation(creation).await;
            }
        }
        let mut refusal = None;
        for _ in 0..2 {
            let draft =
                compose::create(&purpose, algorithm, rank, self.author()?, &self.belief.ledgers(), &mut self.rng())
                    .map_err(settled)?;
            let creation = Creation {
                purpose: purpose.clone(),
                algorithm: algorithm.number(),
                genesis: draft.entry.clone(),
                wraps: draft.wraps.clone(),
                rank: stored_rank,
            };
            self.belief.stage(record::CREATION, Some(cbor::encode(&creation).into()));
            self.commit().await?;
            match self.found(&draft).await? {
                Ok(appended) => {
                    let key = self.belief.enrolled()?.server.key;
                    return self.founded(draft, &appended.receipt, &key).await;
                }
                Err(refused) => refusal = Some(self.creation_refused(refused).await?),
            }
        }
        Err(refusal.map_or_else(|| Error::internal("nothing was tried"), Error::from))
    }

    /// A refusal that another attempt may get past is returned; any other is the answer.
    async fn creation_refused(&mut self, refusal: ErrorBody) -> Result<ErrorBody> {
        self.belief.stage(record::CREATION, None);
        match refusal.code {
            Code::StaleCitation => self.fetch_own_account().await?,
            Code::ClockSkew => {}
            _ => {
                self.commit().await?;
                return Err(refusal.into());
            }
        }
        self.commit().await?;
        Ok(refusal)
    }

    async fn founded(
        &mut self,
        draft: Draft,
        receipt: &keyfold_format::receipt::Receipt,
        server: &keyfold_format::VerifyingKey,
    ) -> Result<ScopeId> {
        let next = draft.next.confirmed(receipt, server)?;
        let id = next.ledger().id();
        let mut ring = crate::machine::Keyring::default();
        if let Some(made) = draft.made {
            ring.hold(next.ledger(), 1, made);
        }
        self.belief.emit(event::updated(next.ledger(), &ring));
        self.belief.keep_scope(next);
        self.belief.keep_ring(id, ring);
        self.belief.stage(record::CREATION, None);
        self.commit().await?;
        Ok(id)
    }

    /// The answer to an earlier attempt was lost. If the keychain is there, it is that one.
    async fn finish_creation(&mut self, creation: Creation) -> Result<ScopeId> {
        let id = creation.genesis.scope_id();
        let next = KnownScope::founded(&creation.genesis, &self.belief.ledgers()).map_err(settled)?;
        let draft = Draft { expected: None, entry: creation.genesis, wraps: creation.wraps, next, made: None };
        match self.found(&draft).await? {
            Err(refusal) if refusal.code != Code::Conflict => {
                self.belief.stage(record::CREATION, None);
                self.commit().await?;
                return Err(refusal.into());
            }
            _ => {}
        }
        self.catch_up(&[id], &[]).await?;
        self.tell(&id, Vec::new())?;
        self.belief.stage(record::CREATION, None);
        self.commit().await?;
        Ok(id)
    }

    /// The newest key of every keychain that this account is in, by purpose.
    pub async fn keychains(&mut self) -> Result<Vec<KeyMetadata>> {
        self.me()?;
        self.sync_if_reached().await?;
        let mut found = Vec::new();
        for id in self.belief.rings.keys().copied().collect::<Vec<_>>() {
            if !self.belief.ring(&id)?.is_empty() && self.is_in(&id, Kind::Keychain).await? {
                self.prepare(&id).await?;
                found.push(self.newest_key(&id)?);
            }
        }
        found
            .sort_unstable_by(|a, b| (&a.purpose, &a.keychain_fingerprint).cmp(&(&b.purpose, &b.keychain_fingerprint)));
        Ok(found)
    }

    /// A keychain with all its keys that this account can read, newest first.
    pub async fn keychain(&mut self, kc: &str) -> Result<Keychain> {
        let id = self.resolve(kc).await?;
        self.freshen(&id).await?;
        self.held(&id).await
    }

    /// The same of every keychain that this account is in, as it is known without asking the server, by purpose.
    pub async fn held_keychains(&mut self) -> Result<Vec<Keychain>> {
        self.me()?;
        let mut found = Vec::new();
        for id in self.belief.rings.keys().copied().collect::<Vec<_>>() {
            if !self.belief.ring(&id)?.is_empty() && self.is_in(&id, Kind::Keychain).await? {
                found.push(self.held(&id).await?);
            }
        }
        found
            .sort_unstable_by(|a, b| (&a.purpose, &a.keychain_fingerprint).cmp(&(&b.purpose, &b.keychain_fingerprint)));
        Ok(found)
    }

    pub(super) async fn held(&mut self, id: &ScopeId) -> Result<Keychain> {
        let id = *id;
        self.prepare(&id).await?;
        let known = self.belief.scope(&id)?;
        let member = self.membership(known)?;
        let numbers: Vec<u32> = member.held_keys().iter().collect();
        let mut ring = self.belief.rings.remove(&id).ok_or_else(unknown_keychain)?;
        let ledger = self.belief.scope(&id)?.ledger();
        let readable: Vec<u32> = numbers.into_iter().rev().filter(|number| ring.reach(ledger, *number)).collect();
        self.belief.rings.insert(id, ring);
        let known = self.belief.scope(&id)?;
        Ok(Keychain {
            keychain_fingerprint: id.to_string(),
            purpose: self.belief.ring(&id)?.purpose().to_owned(),
            algorithm: known.ledger().algorithm(),
            permissions: member.permissions.into(),
            read_only: member.read_only,
            follows: member.follows,
            needs_rotation: known.ledger().needs_rotation(),
            shared_by: member.shared_by.map(|by| self.belief.person(&by)),
            shared_by_verified: member.shared_by.is_none_or(|by| self.belief.is_verified(&by)),
            keys: readable.into_iter().map(|number| self.key_metadata(&id, number)).collect::<Result<_>>()?,
        })
    }

    /// Makes the next key of a keychain, for every follower.
    pub async fn rotate(&mut self, kc: &str) -> Result<KeyMetadata> {
        let id = self.resolve_scope(kc).await?;
        self.freshen(&id).await?;
        self.need_followers(&id).await?;
        let draft = self
            .append(id, |belief, author, rng| {
                let (scope, ring) = (belief.scope(&id)?, belief.ring(&id)?);
                compose::rotate(scope, ring, author, &belief.ledgers(), rng).map(Some)
            })
            .await?;
        if let Some(draft) = draft {
            self.made(&id, draft, &[])?;
        }
        self.commit().await?;
        self.anchor_seen(&id).await;
        self.newest_key(&id)
    }

    /// Gives up this account's copy of a key, on all its devices. What was encrypted under it cannot be read here any
    /// more, until somebody shares the key again; the membership goes on, and so do later keys. Nobody can be made to
    /// forget: a former copy elsewhere still opens what it opened.
    ///
    /// `UnknownKey`.
    pub async fn delete_key(&mut self, kc: &str, key_fingerprint: &str) -> Result<()> {
        let id = self.resolve(kc).await?;
        self.prepare(&id).await?;
        let me = self.me()?;
        let parsed: Option<KeyFingerprint> = key_fingerprint.parse().ok();
        for _ in 0..3 {
            self.freshen(&id).await?;
            let known = self.belief.scope(&id)?;
            let key = parsed.and_then(|fingerprint| known.ledger().key_by_fingerprint(&fingerprint));
            let own = self.membership(known)?;
            let Some(number) = key.map(|key| key.number).filter(|number| own.keys.contains(*number)) else {
                return Err(Error::new(Code::UnknownKey, format!("you have no key `{key_fingerprint}`"))
                    .hint("`keyfold keychain show` lists the keys."));
            };
            if own.dropped.contains(number) {
                return Ok(());
            }
            let entry = compose::drop_key(known, number, self.author()?).ok_or_else(|| not_in(known.ledger(), &me))?;
            match self.exchange(Method::Post, &route::placed(&id), Place { entry }.encode()).await? {
                Ok(bytes) => {
                    let placed = decode_answer(&bytes, Placed::decode)?;
                    self.catch_up(&[id], &[]).await?;
                    let ledger = self.belief.scope(&id)?.ledger();
                    if ledger.head().seq < placed.seq {
                        return Err(Error::rollback(format!("the server did not place an answer of yours in {id}")));
                    }
                    if ledger.members().get(&me).is_some_and(|own| !own.dropped.contains(number)) {
                        continue;
                    }
                    self.tell(&id, Vec::new())?;
                    return self.commit().await;
                }
                Err(refusal) if refusal.code == Code::StaleCitation => self.fetch_own_account().await?,
                // Given up by another device meanwhile, or out: the ledger tells which.
                Err(refusal) if matches!(refusal.code.as_str(), "KeyNotHeld" | "NotAMember" | "AuthorBanned") => {}
                Err(refusal) if refusal.code == Code::ClockSkew => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Error::new(Code::Conflict, "the key could not be given up").hint("Try again."))
    }

    /// Everybody to whom a new key will be wrapped, in one request at most. Before a key is given up for lost it is
    /// asked for.
    pub(super) async fn need_followers(&mut self, id: &ScopeId) -> Result<()> {
        if self.lacks_keys(self.belief.scope(id)?) {
            self.catch_up(&[*id], &[]).await?;
        }
        let followers: Vec<ScopeId> = self.belief.scope(id)?.ledger().followers().map(|(id, _)| *id).collect();
        self.need_accounts(&followers).await
    }

    /// Holds the key that an appended entry made, and tells it, with those whom the entry banned. Staged, not
    /// committed.
    pub(super) fn made(&mut self, id: &ScopeId, draft: Draft, banned: &[ScopeId]) -> Result<()> {
        let Draft { made: Some(made), next, .. } = draft else { return Ok(()) };
        let mut ring = self.belief.rings.remove(id).ok_or_else(unknown_keychain)?;
        let number = next.ledger().current_key();
        ring.hold(next.ledger(), number, made);
        self.belief.keep_ring(*id, ring);
        let mut news: Vec<ClientEvent> =
            banned.iter().map(|account| event::banned(id, self.belief.person(account))).collect();
        news.extend(next.ledger().key(number).map(|key| ClientEvent::KeyRotated {
            keychain_fingerprint: id.to_string(),
            key_fingerprint: key.fingerprint.to_string(),
        }));
        self.tell(id, news)
    }

    /// Tells that a keychain or group has another state; of a keychain also what is new.
    pub(super) fn tell(&mut self, id: &ScopeId, news: Vec<ClientEvent>) -> Result<()> {
        let (ledger, ring) = (self.belief.scope(id)?.ledger(), self.belief.ring(id)?);
        let (updated, kind) = (event::updated(ledger, ring), ledger.kind());
        self.belief.emit(updated);
        let told = news.into_iter().filter(|_| kind == Kind::Keychain);
        told.for_each(|event| self.belief.emit(event));
        Ok(())
    }

    /// The keychain that is meant: a fingerprint, or a purpose if only one has it. One's own win; syncs if none is
    /// known.
    pub(super) async fn resolve(&mut self, kc: &str) -> Result<ScopeId> {
        self.resolve_kind(kc, Kind::Keychain).await
    }

    /// The same of a keychain, or of a group.
    pub(super) async fn resolve_kind(&mut self, kc: &str, kind: Kind) -> Result<ScopeId> {
        self.me()?;
        if let Some(id) = self.find(kc, kind).await? {
            return Ok(id);
        }
        let stopped = self.sync_if_reached().await?;
        if let Some(id) = self.find(kc, kind).await? {
            return Ok(id);
        }
        if let Some(error) = self.banned_from(kc).filter(|_| kind == Kind::Keychain) {
            return Err(error);
        }
        // One of those that could not be taken in may be what is meant.
        let about = stopped.into_iter().find(|stopped| !self.belief.rings.contains_key(&stopped.keychain));
        Err(about.map_or_else(|| unknown(kind), |stopped| stopped.error))
    }

    /// What to say of a purpose that only a keychain has from which one is banned.
    fn banned_from(&self, purpose: &str) -> Option<Error> {
        let me = self.me().ok()?;
        let named = self.belief.rings.iter().filter(|(_, ring)| !ring.is_empty() && ring.purpose() == purpose);
        let mut ledgers = named.filter_map(|(id, _)| Some(self.belief.scopes.get(id)?.ledger()));
        ledgers.find(|ledger| ledger.bans().contains(&me)).map(|ledger| not_in(ledger, &me))
    }

    /// Whether this account is in a keychain whose keys it has: it may have been once, or been told so.
    pub(super) async fn is_in(&mut self, id: &ScopeId, kind: Kind) -> Result<bool> {
        if !self.recall_scope(id).await? {
            return Ok(false);
        }
        let known = self.belief.scope(id)?;
        Ok(known.ledger().kind() == kind && self.belief.is_in(known))
    }

    async fn find(&mut self, kc: &str, kind: Kind) -> Result<Option<ScopeId>> {
        if let Ok(id) = kc.parse::<ScopeId>()
            && self.belief.rings.contains_key(&id)
        {
            self.recall_scope(&id).await?;
            let is_other = self.belief.scopes.get(&id).is_some_and(|known| known.ledger().kind() != kind);
            return Ok((!is_other).then_some(id));
        }
        let named: Vec<ScopeId> = self
            .belief
            .rings
            .iter()
            .filter(|(_, ring)| !ring.is_empty() && ring.purpose() == kc)
            .map(|(id, _)| *id)
            .collect();
        let me = self.me()?;
        let mut own = Vec::new();
        let mut mine = Vec::new();
        for id in &named {
            if !self.is_in(id, kind).await? {
                continue;
            }
            mine.push(*id);
            if self.belief.scope(id)?.ledger().creator() == me {
                own.push(*id);
            }
        }
        match (own.as_slice(), mine.as_slice()) {
            ([id], _) | ([], [id]) => Ok(Some(*id)),
            ([], []) => Ok(None),
            _ => Err(Error::new(Code::AmbiguousPurpose, format!("several are called `{kc}`"))
                .hint("Name one by its fingerprint; `keyfold keychain list` and `keyfold group list` show them.")),
        }
    }

    /// Reads what is needed to show or use a keychain into memory.
    pub(super) async fn prepare(&mut self, id: &ScopeId) -> Result<()> {
        if !self.recall_scope(id).await? {
            if self.belief.floor(id).is_none() {
                return Err(unknown_keychain());
            }
            self.catch_up(&[*id], &[]).await?;
        }
        let sharer = self.membership(self.belief.scope(id)?)?.shared_by;
        match sharer {
            Some(by) => self.recall_account(&by).await.map(drop),
            None => Ok(()),
        }
    }

    /// One's own terms: as a member, and through groups.
    pub(super) fn membership(&self, known: &KnownScope) -> Result<Member> {
        let me = self.me()?;
        self.belief.terms(known).ok_or_else(|| not_in(known.ledger(), &me))
    }

    /// Takes in what can be, if the server is reached. A keychain that is stopped says so when it is used.
    pub(super) async fn sync_if_reached(&mut self) -> Result<Vec<Stopped>> {
        match self.catch_up_all().await {
            Err(error) if error.is_offline() && !self.belief.is_changed() && self.belief.floors().next().is_none() => {
                Ok(Vec::new())
            }
            other => other,
        }
    }

    pub(super) fn newest_key(&self, id: &ScopeId) -> Result<KeyMetadata> {
        let newest = self.belief.ring(id)?.newest().ok_or_else(unknown_keychain)?;
        self.key_metadata(id, newest)
    }

    pub(super) fn key_metadata(&self, id: &ScopeId, number: u32) -> Result<KeyMetadata> {
        let known = self.belief.scope(id)?;
        let member = self.membership(known)?;
        let key = known.ledger().key(number).ok_or_else(|| Error::internal("a key without an entry"))?;
        Ok(KeyMetadata {
            algorithm: known.ledger().algorithm(),
            purpose: self.belief.ring(id)?.purpose().to_owned(),
            keychain_fingerprint: id.to_string(),
            key_fingerprint: key.fingerprint.to_string(),
            key_number: number,
            public_key: key.public.as_ref().map(|key| base64url(key.as_bytes())),
            created_at: known.created(number),
            expires_at: member.expires_at,
            shared_by: member.shared_by.map(|by| self.belief.person(&by)),
            shared_by_verified: member.shared_by.is_none_or(|by| self.belief.is_verified(&by)),
        })
    }
}
