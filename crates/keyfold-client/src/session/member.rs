//! Members of a keychain: what each may do, who is banned, leaving, and the new key that somebody's leaving asks for.

use super::{Session, sync::one_keychain_s, wire::decode_answer};
use crate::{
    Error, Result,
    host::Host,
    machine::{belief::not_in, compose, event},
    model::{BanOutcome, PartialPermissions, PermissionFlags},
};
use keyfold_format::{Rejected, ScopeId, entry::Head, scope::Ledger};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{Place, Placed},
};

/// When a keychain needs a new key any follower's client makes it, after a random part of this time, so that not all
/// of them do at once. Milliseconds.
pub const REPAIR_WITHIN_MS: u32 = 2_000;

impl<H: Host> Session<H> {
    /// What a member may do in a keychain; `None` for oneself. `NoSuchMember`.
    pub async fn permissions(&mut self, kc: &str, user_id: Option<&str>) -> Result<PermissionFlags> {
        let id = self.resolve(kc).await?;
        self.freshen(&id).await?;
        let who = match user_id {
            Some(user_id) => self.person(user_id).await?,
            None => self.me()?,
        };
        self.commit().await?;
        let ledger = self.belief.scope(&id)?.ledger();
        match user_id {
            Some(user_id) if !ledger.members().contains_key(&who) => Err(no_such_member(user_id)),
            _ => Ok(ledger.permissions(&who).into()),
        }
    }

    /// Changes what a member may do; what `change` leaves out stays. Returns what he may do now.
    ///
    /// `ManagementNotAllowed`, `NoSuchMember`, `OwnerProtected`, `PermissionsNotHeld`, `RightsWithoutFollowing`.
    pub async fn set_permissions(
        &mut self,
        kc: &str,
        user_id: &str,
        change: PartialPermissions,
    ) -> Result<PermissionFlags> {
        let id = self.resolve(kc).await?;
        let who = self.person(user_id).await?;
        self.prepare(&id).await?;
        let draft = self
            .append(id, |belief, author, rng| {
                let (granted, withdrawn) = (change.granted(), change.withdrawn());
                compose::set_permissions(belief.scope(&id)?, who, granted, withdrawn, author, &belief.accounts, rng)
            })
            .await
            .map_err(|error| naming(error, user_id))?;
        let now: PermissionFlags = self.belief.scope(&id)?.ledger().permissions(&who).into();
        if draft.is_some() {
            self.belief.emit(event::updated(&id, self.belief.ring(&id)?));
            self.belief.emit(event::permissions_updated(&id, self.belief.person(&who), now));
        }
        self.commit().await?;
        Ok(now)
    }

    /// Bans somebody from a keychain and makes a new key that he does not get, in one entry and one request. Oneself:
    /// leaves it.
    ///
    /// `DeletionNotAllowed`, `NoSuchMember`, `OwnerProtected`, `ManagerProtected`; of oneself `LastOwner`.
    pub async fn ban(&mut self, kc: &str, user_id: &str) -> Result<BanOutcome> {
        let id = self.resolve(kc).await?;
        let who = self.person(user_id).await?;
        self.prepare(&id).await?;
        if who == self.me()? {
            return self.end_membership(id).await;
        }
        self.need_followers(&id).await?;
        let draft = self
            .append(id, |belief, author, rng| {
                compose::ban(belief.scope(&id)?, belief.ring(&id)?, who, author, &belief.accounts, rng)
            })
            .await
            .map_err(|error| naming(error, user_id))?;
        if let Some(draft) = draft {
            self.made(&id, draft, &[who])?;
        }
        self.commit().await?;
        let ledger = self.belief.scope(&id)?.ledger();
        let current = ledger.key(ledger.current_key());
        let key_fingerprint = current.map(|key| key.fingerprint.to_string());
        Ok(BanOutcome {
            keychain_fingerprint: id.to_string(),
            user_id: self.belief.person(&who).user_id,
            key_fingerprint,
        })
    }

    /// Leaves a keychain. The keys that one has stay and open what they opened; another member's client makes a new
    /// one. `LastOwner`.
    pub async fn leave(&mut self, kc: &str) -> Result<BanOutcome> {
        let id = self.resolve(kc).await?;
        self.prepare(&id).await?;
        self.end_membership(id).await
    }

    async fn end_membership(&mut self, id: ScopeId) -> Result<BanOutcome> {
        let me = self.me()?;
        for _ in 0..3 {
            // An answer to the share may stand beyond what is known.
            if !self.belief.scope(&id)?.ledger().members().contains_key(&me) {
                self.catch_up(&[id], &[]).await?;
            }
            let known = self.belief.scope(&id)?;
            let entry = compose::leave(known, self.author()?).ok_or_else(|| not_in(known.ledger(), &me))?;
            let body = Place { entry: entry.clone() }.encode();
            match self.exchange(Method::Post, &route::placed(&id), body).await? {
                Ok(bytes) => {
                    let placed = decode_answer(&bytes, Placed::decode)?;
                    let at = Head { seq: placed.seq, hash: entry.hash(placed.prev, placed.seq) };
                    self.left(&id, at).await?;
                    let user_id = self.belief.person(&me).user_id;
                    return Ok(BanOutcome { keychain_fingerprint: id.to_string(), user_id, key_fingerprint: None });
                }
                Err(refusal) if refusal.code == Code::StaleCitation => self.fetch_own_account().await?,
                // Banned meanwhile, or gone by another device: the ledger tells which.
                Err(refusal) if matches!(refusal.code.as_str(), "NotAMember" | "AuthorBanned" | "UnknownKeychain") => {
                    self.freshen(&id).await?;
                }
                Err(refusal) if refusal.code == Code::ClockSkew => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Error::new(Code::Conflict, "the keychain could not be left").hint("Try again."))
    }

    /// The server says that the answer stands at `at`; its ledger, which it shows up to there, must have it.
    async fn left(&mut self, id: &ScopeId, at: Head) -> Result<()> {
        self.catch_up(&[*id], &[]).await?;
        let (me, known) = (self.me()?, self.belief.scope(id)?);
        if known.ledger().members().contains_key(&me) || known.ledger().head().seq < at.seq {
            return Err(Error::rollback(format!("the server did not place your leaving of {id}")));
        }
        self.belief.emit(event::updated(id, self.belief.ring(id)?));
        self.commit().await
    }

    /// In how many milliseconds a keychain will need a new key that one may make, or a share will be over that one may
    /// end, as far as was just caught up. 0: now. `None`: nothing is in sight.
    pub fn repair_in_ms(&self) -> Option<u64> {
        let me = self.me().ok()?;
        let now_ms = self.surely_ms();
        if !self.due_for_repair().is_empty() {
            return Some(0);
        }
        let ledgers = self.belief.scopes.values().map(|known| known.ledger());
        let ends = ledgers
            .filter(|ledger| is_going_on(ledger, &me, now_ms))
            .filter_map(|ledger| compose::next_end(ledger, &me));
        ends.min().map(|end| end.saturating_sub(now_ms))
    }

    /// Makes the new key of each keychain that needs one and that one follows, and ends shares that are over, unless
    /// somebody else was faster. Whether anything was done. To be called when [`Self::repair_in_ms`] says that it is
    /// time, after a random part of [`REPAIR_WITHIN_MS`].
    pub async fn repair(&mut self) -> Result<bool> {
        self.me()?;
        self.recall_scopes().await?;
        let mut any = false;
        for id in self.due_for_repair() {
            match self.repair_one(&id).await {
                Ok(made) => any |= made,
                // Another follower may be able to, and whoever uses the keychain here is told why it cannot be done.
                Err(error) => drop(one_keychain_s(error)?),
            }
        }
        Ok(any)
    }

    pub(super) async fn repair_one(&mut self, id: &ScopeId) -> Result<bool> {
        self.need_followers(id).await?;
        let now_ms = self.surely_ms();
        let draft = self
            .append(*id, |belief, author, rng| {
                compose::repair(belief.scope(id)?, belief.ring(id)?, now_ms, author, &belief.accounts, rng)
            })
            .await?;
        let any = draft.is_some();
        if let Some(draft) = draft {
            self.made(id, draft, &[])?;
        }
        self.commit().await?;
        Ok(any)
    }

    /// A time that has come by one's own clock and by the server's: it alone ends no share by being ahead.
    fn surely_ms(&self) -> u64 {
        self.host.now_ms().min(self.now_ms())
    }

    pub(super) fn due_for_repair(&self) -> Vec<ScopeId> {
        let Ok(me) = self.me() else { return Vec::new() };
        let now_ms = self.surely_ms();
        let is_due = |ledger: &&Ledger| {
            let follows = ledger.members().get(&me).is_some_and(|own| own.follows);
            is_going_on(ledger, &me, now_ms)
                && ((ledger.needs_rotation() && follows) || !compose::over(ledger, &me, now_ms).is_empty())
        };
        self.belief.scopes.values().map(|known| known.ledger()).filter(is_due).map(|ledger| ledger.id()).collect()
    }
}

/// Whether somebody is a member whose membership is not over.
fn is_going_on(ledger: &Ledger, account: &ScopeId, now_ms: u64) -> bool {
    ledger.members().get(account).is_some_and(|own| own.expires_at.is_none_or(|end| end > now_ms))
}

/// A rule about a member, said of the person that was named.
fn naming(error: Error, user_id: &str) -> Error {
    if error.code == Code::Rejected(Rejected::NoSuchMember) { no_such_member(user_id) } else { error }
}

fn no_such_member(user_id: &str) -> Error {
    Error::new(Rejected::NoSuchMember.into(), format!("{user_id} is not a member of the keychain"))
        .hint("`keyfold participants` lists who is.")
}
