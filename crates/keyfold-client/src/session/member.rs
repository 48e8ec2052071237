//! Members of a keychain: what each may do, who is banned, leaving, and the new key that somebody's leaving asks for.

use super::{Session, group::ASKS, identity::settled, sync::one_keychain_s, wire::decode_answer};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        KnownScope,
        belief::{Belief, not_in},
        compose::{self, Draft},
        event,
        ways::ways,
    },
    model::{BanOutcome, PartialPermissions, PermissionFlags},
};
use keyfold_format::{
    Rejected, ScopeId,
    entry::Head,
    scope::{Kind, Ledger, Ledgers as _, Member},
    wrap::Wrap,
};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{AddWraps, AddedWraps, Place, Placed},
};

/// When a keychain needs a new key any follower's client makes it, after a random part of this time, so that not all
/// of them do at once. Milliseconds.
pub const REPAIR_WITHIN_MS: u32 = 2_000;

/// How many repairs of one keychain one call makes: each ends a few shares, or takes in one who was put out below.
const REPAIRS: usize = 8;

impl<H: Host> Session<H> {
    /// What a member may do in a keychain; `None` for oneself. `NoSuchMember`.
    pub async fn permissions(&mut self, kc: &str, user_id: Option<&str>) -> Result<PermissionFlags> {
        let id = self.resolve_scope(kc).await?;
        self.freshen(&id).await?;
        let Some(user_id) = user_id else { return Ok(self.membership(self.belief.scope(&id)?)?.permissions.into()) };
        let who = self.standing_in(&id, user_id).await?;
        self.commit().await?;
        let ledger = self.belief.scope(&id)?.ledger();
        if !ledger.members().contains_key(&who) {
            return Err(no_such_member(user_id));
        }
        Ok(ledger.permissions(&who).into())
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
        let id = self.resolve_scope(kc).await?;
        let who = self.standing_in(&id, user_id).await?;
        self.prepare(&id).await?;
        let draft = self
            .append(id, |belief, author, rng| {
                let (granted, withdrawn) = (change.granted(), change.withdrawn());
                compose::set_permissions(belief.scope(&id)?, who, granted, withdrawn, author, &belief.ledgers(), rng)
            })
            .await
            .map_err(|error| naming(error, user_id))?;
        let now: PermissionFlags = self.belief.scope(&id)?.ledger().permissions(&who).into();
        if draft.is_some() {
            self.tell(&id, vec![event::permissions_updated(&id, self.belief.person(&who), now)])?;
        }
        self.commit().await?;
        Ok(now)
    }

    /// Bans somebody from a keychain and makes a new key that he does not get, in one entry and one request. Oneself:
    /// leaves it. Indexes that this device has seen are anchored behind it.
    ///
    /// `DeletionNotAllowed`, `NoSuchMember`, `OwnerProtected`, `ManagerProtected`; of oneself `LastOwner`.
    pub async fn ban(&mut self, kc: &str, user_id: &str) -> Result<BanOutcome> {
        let id = self.resolve_scope(kc).await?;
        let who = self.standing_in(&id, user_id).await?;
        self.prepare(&id).await?;
        if who == self.me()? {
            return self.end_membership(id).await;
        }
        self.need_followers(&id).await?;
        let draft = self
            .append(id, |belief, author, rng| {
                compose::ban(belief.scope(&id)?, belief.ring(&id)?, who, author, &belief.ledgers(), rng)
            })
            .await
            .map_err(|error| naming(error, user_id))?;
        if let Some(draft) = draft {
            self.made(&id, draft, &[who])?;
        }
        self.commit().await?;
        self.anchor_seen(&id).await;
        // What stands above the group must not go on with keys that whoever is out of it has. If this is cut short,
        // every later catch-up does it.
        if self.belief.scope(&id)?.ledger().kind() == Kind::Group {
            self.repair().await?;
        }
        let ledger = self.belief.scope(&id)?.ledger();
        let current = ledger.key(ledger.current_key());
        let key_fingerprint = current.map(|key| key.fingerprint.to_string());
        let through = ways_around_a_ban(ledger, who, &self.belief);
        Ok(BanOutcome {
            keychain_fingerprint: id.to_string(),
            user_id: self.belief.person(&who).user_id,
            key_fingerprint,
            through: through.iter().map(|group| self.belief.person(group).user_id).collect(),
        })
    }

    /// Leaves a keychain. The keys that one has stay and open what they opened; another member's client makes a new
    /// one. `LastOwner`.
    pub async fn leave(&mut self, kc: &str) -> Result<BanOutcome> {
        let id = self.resolve_scope(kc).await?;
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
            let entry = compose::leave(known, self.author()?).ok_or_else(|| not_a_member(known, &me))?;
            let body = Place { entry: entry.clone() }.encode();
            match self.exchange(Method::Post, &route::placed(&id), body).await? {
                Ok(bytes) => {
                    let placed = decode_answer(&bytes, Placed::decode)?;
                    let at = Head { seq: placed.seq, hash: entry.hash(placed.prev, placed.seq) };
                    self.left(&id, at).await?;
                    let user_id = self.belief.person(&me).user_id;
                    return Ok(BanOutcome {
                        keychain_fingerprint: id.to_string(),
                        user_id,
                        key_fingerprint: None,
                        through: Vec::new(),
                    });
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
        self.tell(id, Vec::new())?;
        self.commit().await
    }

    /// In how many milliseconds a keychain or group will need a new key that one may make, or a share will be over that
    /// one may end, as far as was just caught up. 0: now. `None`: nothing is in sight.
    pub fn repair_in_ms(&self) -> Option<u64> {
        let me = self.me().ok()?;
        let now_ms = self.surely_ms();
        if self.missing.is_wanted() || !self.due_for_repair().is_empty() {
            return Some(0);
        }
        let ends = self.belief.scopes.values().filter_map(|known| {
            let own = self.belief.terms(known).filter(|own| is_going_on(own, now_ms))?;
            compose::next_end(known.ledger(), &me, own.permissions)
        });
        ends.min().map(|end| end.saturating_sub(now_ms))
    }

    /// Makes the new key of each keychain and group that needs one and that one follows, ends shares that are over, and
    /// wraps keys that others lack, unless somebody else was faster. Whether anything was done. To be called when [`Self::repair_in_ms`] says that
    /// it is time, after a random part of [`REPAIR_WITHIN_MS`].
    ///
    /// From the lowest rank upwards: the new key of a group is what those above it wrap to.
    pub async fn repair(&mut self) -> Result<bool> {
        self.repair_telling(|_, _| {}).await
    }

    /// The same; `progress` hears how many are done, of how many that are known to be due.
    pub async fn repair_telling(&mut self, mut progress: impl FnMut(usize, usize)) -> Result<bool> {
        self.me()?;
        self.recall_scopes().await?;
        let mut any = self.answer_missing().await?;
        let mut tried: Vec<ScopeId> = Vec::new();
        let is_left = |tried: &[ScopeId], id: &ScopeId| tried.iter().filter(|one| *one == id).count() < REPAIRS;
        let mut done = 0;
        loop {
            // What one repair makes due stands above it, and comes in the next round if it was not due before.
            let mut due = self.due_for_repair();
            due.retain(|id| is_left(&tried, id));
            if due.is_empty() {
                break;
            }
            let all = done + due.len();
            for id in due {
                progress(done, all);
                tried.push(id);
                match self.repair_one(&id).await {
                    Ok(made) => any |= made,
                    // Another follower may be able to, and whoever uses the keychain here is told why it cannot be done.
                    Err(error) => {
                        one_keychain_s(error)?;
                        tried.extend([id; REPAIRS]);
                    }
                }
                done += 1;
            }
            progress(done, all);
        }
        Ok(any)
    }

    /// Repairs a keychain before it is written to, and before it the groups that stand in it, as far as one may.
    pub(super) async fn repair_below(&mut self, id: &ScopeId) -> Result<()> {
        for each in self.with_groups(&[*id]).await? {
            // One entry ends a few shares; there may be more.
            for _ in 0..ASKS {
                if !self.due_for_repair().contains(&each) {
                    break;
                }
                match self.repair_one(&each).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) if each == *id => return Err(error),
                    // What is above goes around a group that is not repaired.
                    Err(error) => {
                        one_keychain_s(error)?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn repair_one(&mut self, id: &ScopeId) -> Result<bool> {
        self.need_followers(id).await?;
        let now_ms = self.surely_ms();
        let mut before = None;
        let draft = self
            .append(*id, |belief, author, rng| {
                let scope = belief.scope(id)?;
                before = Some(scope.ledger().clone());
                compose::repair(scope, belief.ring(id)?, now_ms, author, &belief.ledgers(), rng)
            })
            .await?;
        let any = draft.is_some();
        if let (Some(draft), Some(before)) = (draft, before) {
            let missed = self.missed(id, &before, &draft)?;
            self.made(id, draft, &[])?;
            self.commit().await?;
            self.add_wraps(id, missed).await?;
        }
        self.commit().await?;
        if any {
            self.anchor_seen(id).await;
        }
        Ok(any)
    }

    /// What groups missed that are clean again since an entry of ours.
    fn missed(&mut self, id: &ScopeId, before: &Ledger, draft: &Draft) -> Result<Vec<Wrap>> {
        if before.groups().is_empty() {
            return Ok(Vec::new());
        }
        for number in 1..=draft.next.ledger().current_key() {
            self.belief.reach(id, number);
        }
        compose::missed(before, draft, self.belief.ring(id)?, &self.belief.ledgers(), &mut self.rng()).map_err(settled)
    }

    /// Adds wraps for others. Where the server does not take them the entry stands all the same.
    pub(super) async fn add_wraps(&mut self, id: &ScopeId, wraps: Vec<Wrap>) -> Result<()> {
        if wraps.is_empty() {
            return Ok(());
        }
        let added = self.ask(Method::Post, &route::wraps(id), AddWraps { wraps }.encode(), AddedWraps::decode).await;
        added.map(drop).or_else(|error| one_keychain_s(error).map(drop))
    }

    /// A time that has come by one's own clock and by the server's: it alone ends no share by being ahead.
    fn surely_ms(&self) -> u64 {
        self.host.now_ms().min(self.now_ms())
    }

    /// Those that need a repair which one may make, the lowest rank first.
    pub(super) fn due_for_repair(&self) -> Vec<ScopeId> {
        let Ok(me) = self.me() else { return Vec::new() };
        let now_ms = self.surely_ms();
        let is_due = |known: &&KnownScope| {
            let Some(own) = self.belief.terms(known).filter(|own| is_going_on(own, now_ms)) else { return false };
            let ledger = known.ledger();
            if self.stopped.contains(&ledger.id()) {
                return false;
            }
            let needs_key = || ledger.needs_rotation() || ledger.unseen(&self.belief.ledgers()).is_some();
            (own.follows && needs_key() && self.belief.can_rotate(known))
                || !compose::over(ledger, &me, own.permissions, now_ms).is_empty()
        };
        let due = self.belief.scopes.values().filter(is_due).map(|known| known.ledger().id());
        let mut due: Vec<ScopeId> = due.collect();
        due.sort_by_key(|id| self.rank(id));
        due
    }
}

/// The member groups through which somebody would be in if he were not banned.
fn ways_around_a_ban(ledger: &Ledger, who: ScopeId, belief: &Belief) -> Vec<ScopeId> {
    let ledgers = belief.ledgers();
    let leads =
        |group: &&ScopeId| ledgers.newest_group(group).is_some_and(|state| !ways(state, who, &ledgers).is_empty());
    ledger.groups().keys().filter(leads).copied().collect()
}

/// Whether a membership is not over.
fn is_going_on(own: &Member, now_ms: u64) -> bool {
    own.expires_at.is_none_or(|end| end > now_ms)
}

/// Why somebody cannot leave: he is not in it, or only through a group.
fn not_a_member(known: &KnownScope, account: &ScopeId) -> Error {
    if known.ledger().groups().is_empty() {
        return not_in(known.ledger(), account);
    }
    Error::new(Rejected::NotAMember.into(), "you are in it through a group only")
        .hint("Leave that group: `keyfold group leave`.")
}

/// A rule about a member, said of the person that was named.
fn naming(error: Error, user_id: &str) -> Error {
    if error.code == Code::Rejected(Rejected::NoSuchMember) { no_such_member(user_id) } else { error }
}

fn no_such_member(user_id: &str) -> Error {
    Error::new(Rejected::NoSuchMember.into(), format!("{user_id} is not a member of the keychain"))
        .hint("`keyfold participants` lists who is.")
}
