//! Ways back into one's account: kept, replaced and taken away while one is in, and used when every device is lost or a
//! thief has one.
//!
//! Spec: `docs/spec/recovery.md`; what outranks what: `docs/spec/account-ledger.md`, "Who outranks whom".

use super::{
    Session, SignIn,
    device::{Parts, branch, has_device, holder_keys, label_of, labelled, parse_label},
    visit::Visited,
    wire::decode_answer,
};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        Joining, KnownAccount, Own,
        compose::{self, Deed, Holder},
        record,
    },
    model::{Recovered, Recovery, RecoveryGap, RecoveryKind, RecoveryStarted, RecoveryStatus},
};
use keyfold_core::{RecoverySecret, account::MasterKeys, recovery::RecoveryKeys};
use keyfold_format::{
    HolderId,
    account::{self, AccountOp, AddRecovery, HolderKeys, HolderKind, RecoveryMethod, RevokeDevice, holder_statement},
    cbor,
    label::SignatureLabel,
    limits::ENTRY_OPS,
    sorted::SortedSet,
};
use keyfold_protocol::{
    Code, ErrorBody, route,
    signing::Method,
    wire::{Appended, NameReleased, PasswordResponse, RegisterPassword, ReleaseName, SealedMasterKeys, TryPassword},
};

/// How often a recovery is tried while a thief writes to the account too.
const TRIES: u32 = 32;
/// Devices that one entry revokes: with the device that it adds and the generation that it makes there is room for them.
const REVOKED: usize = ENTRY_OPS - 3;

/// A way back, and the secret that proves that one has it.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryProof<'a> {
    /// What it is.
    pub method: RecoveryKind,
    /// Its secret.
    pub secret: &'a RecoverySecret,
}

/// A new way back.
#[derive(Clone, Copy, Debug)]
pub struct NewRecovery<'a> {
    /// What it is, and its secret, which this device forgets.
    pub proof: RecoveryProof<'a>,
    /// What it is called.
    pub label: Option<&'a str>,
    /// OPAQUE's record, for a password.
    pub password: Option<&'a [u8]>,
    /// The way back that it takes the place of, by its secret.
    pub replaces: Option<RecoveryProof<'a>>,
}

/// Which devices are to be out afterwards.
#[derive(Clone, Copy, Debug, Default)]
pub enum Revoke<'a> {
    /// None.
    #[default]
    None,
    /// These, with those that they let in.
    These(&'a [&'a str]),
    /// All that there were.
    All,
}

/// How to come back.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoverOptions<'a> {
    /// What this device is called.
    pub label: Option<&'a str>,
    /// Which devices are lost, or a thief's.
    pub revoke: Revoke<'a>,
}

impl<H: Host> Session<H> {
    /// Which ways back one has, and what is missing.
    pub async fn recovery_status(&mut self) -> Result<RecoveryStatus> {
        self.belief.own()?;
        match self.fetch_own_account().await {
            Ok(()) => self.commit().await?,
            Err(error) if error.is_offline() => {}
            Err(error) => return Err(error),
        }
        let methods = methods(self.belief.own_ledger()?, Some(self.belief.own()?));
        let has = |kind: RecoveryKind| methods.iter().any(|recovery| recovery.method == kind);
        let mut missing = Vec::new();
        if methods.is_empty() {
            missing.push(RecoveryGap::NoRecovery);
        } else if methods.iter().all(|recovery| recovery.method == RecoveryKind::Passkey) {
            missing.push(RecoveryGap::OnlyPasskeys);
        }
        if !has(RecoveryKind::Paper) && !has(RecoveryKind::Shares) {
            missing.push(RecoveryGap::NothingOffline);
        }
        Ok(RecoveryStatus { methods, missing })
    }

    /// Keeps a further way back, or one in the place of another. `WrongSecret` if what it is to replace is none of this
    /// account's.
    pub async fn add_recovery(&mut self, new: NewRecovery<'_>) -> Result<Recovery> {
        let me = self.me()?;
        self.fetch_own_account().await?;
        let label = new.label.map(parse_label).transpose()?;
        let method = RecoveryMethod::from(new.proof.method);
        let keys = RecoveryKeys::derive(new.proof.secret, &me, method)?;
        let id = keys.id();
        if self.belief.own_ledger()?.holders().contains_key(&id) {
            return self.recovery(&id);
        }
        let public =
            HolderKeys { signing: keys.signing.verifying_key(), wrapping: keys.wrapping.public().clone(), label: None };
        let statement = holder_statement(&me, &id, &id);
        let signature = keys.signing.sign(SignatureLabel::HolderKey, &[&statement]);
        let former = match new.replaces {
            Some(proof) => Some(self.proved(proof)?),
            None => None,
        };
        let password = new.password.map(<[u8]>::to_vec);
        self.extend_own(None, &mut |Parts { known, own, author }, rng| {
            let public = labelled(own, id, public.clone(), label.as_ref(), rng)?;
            let mut deeds: Vec<Deed> =
                vec![(AccountOp::AddRecovery(AddRecovery { method, keys: public }), Some(signature))];
            let mut draft = match &former {
                None => compose::extend_account(known, deeds, author, own.masters(), None, None, rng)?,
                Some(former) => {
                    deeds.push((AccountOp::RemoveRecovery(former.id()), None));
                    by_recovery(known, deeds, former, author.now_ms, own.masters().followed(rng), rng)?
                }
            };
            draft.extend.password.clone_from(&password);
            Ok(draft)
        })
        .await?;
        self.commit().await?;
        self.recovery(&id)
    }

    /// Takes a way back away, by its own secret or that of an older one: no device can. `NoRecovery`, `WrongSecret`,
    /// `RecoveryProtected`.
    pub async fn remove_recovery(&mut self, recovery: &str, proof: RecoveryProof<'_>) -> Result<()> {
        self.me()?;
        self.fetch_own_account().await?;
        let author = self.proved(proof)?;
        let ledger = self.belief.own_ledger()?;
        let id: Option<HolderId> = recovery.parse().ok();
        let id = id.filter(|id| ledger.holders().get(id).is_some_and(account::Holder::is_recovery));
        let id = id.ok_or_else(|| {
            Error::new(Code::NoRecovery, "your account has no such way back")
                .hint("`keyfold recovery status` lists them.")
        })?;
        self.extend_own(None, &mut |Parts { known, own, author: device }, rng| {
            let deeds = vec![(AccountOp::RemoveRecovery(id), None)];
            by_recovery(known, deeds, &author, device.now_ms, own.masters().followed(rng), rng)
        })
        .await?;
        self.commit().await
    }

    /// The server's part of setting a password: OPAQUE's registration request in, its response out.
    pub async fn register_password(&mut self, request: Vec<u8>) -> Result<Vec<u8>> {
        self.me()?;
        let body = RegisterPassword { request }.encode();
        Ok(self.ask(Method::Post, route::PASSWORD, body, PasswordResponse::decode).await?.response)
    }

    /// Signs in to one's account with a device that it does not have, to come back into it. `UnknownUser`, `HomeExists`.
    pub async fn start_recovery(&mut self, sign_in: SignIn<'_>) -> Result<RecoveryStarted> {
        self.check_empty()?;
        let visited = match self.came_back().await? {
            Some(visited) if visited.enrolled.user_id.as_str() == sign_in.user_id => visited,
            Some(visited) => return Err(super::account::home_exists(&visited.enrolled.user_id)),
            None => self.visit(sign_in).await?,
        };
        let ledger = visited.account.ledger();
        let started = RecoveryStarted {
            account_id: ledger.id().to_string(),
            methods: methods(ledger, None),
            device_ids: compose::devices(ledger).iter().map(ToString::to_string).collect(),
        };
        self.visited = Some(visited);
        Ok(started)
    }

    /// Lets go of one's user id, for there is no way back into the account that has it: whoever signs in as one may found
    /// a new account under it then, and others take that one by hand only. Nothing of the former account is deleted, and
    /// a device that turns up after all still opens it. After [`Self::start_recovery`].
    pub async fn release_name(&mut self) -> Result<()> {
        let visited = self.visited.take().ok_or_else(not_started)?;
        let (body, path) = (ReleaseName { account: visited.enrolled.account }.encode(), route::VISITS_NAME);
        let released = self.ask_of(&visited.enrolled.server, Method::Post, path, body, NameReleased::decode).await;
        match released {
            // Let go of before, and the answer was lost.
            Err(error) if error.code == Code::UnknownUser => Ok(()),
            Err(error) => {
                self.visited = Some(visited);
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }

    /// Where a recovery let this device in and its answer was lost: the account as it was before, and this device is one
    /// of it now.
    async fn came_back(&mut self) -> Result<Option<Visited>> {
        let Some(Joining { enrolled, asked: false }) = self.joining().await? else { return Ok(None) };
        self.recall_account(&enrolled.account).await?;
        let Some(account) = self.belief.accounts.get(&enrolled.account).cloned() else { return Ok(None) };
        let joined = self.finish_joining().await?;
        Ok(joined.then(|| Visited { enrolled, account, master_keys: Vec::new() }))
    }

    /// The server's part of trying a password: OPAQUE's KE1 in, its KE2 out. It is the same whether there is a password
    /// or not.
    pub async fn try_password(&mut self, recovery: &str, request: Vec<u8>) -> Result<Vec<u8>> {
        let recovery = recovery.parse().map_err(|_| no_recovery())?;
        let (body, path) = (TryPassword { recovery, request }.encode(), route::PASSWORD_LOGIN);
        let answer = match &self.visited {
            Some(visited) => {
                let server = visited.enrolled.server.clone();
                self.ask_of(&server, Method::Post, path, body, PasswordResponse::decode).await?
            }
            None => self.ask(Method::Post, path, body, PasswordResponse::decode).await?,
        };
        Ok(answer.response)
    }

    /// Comes back: this device is one of the account afterwards, and who is named is out. After [`Self::start_recovery`].
    ///
    /// `WrongSecret`: it is none of this account's ways back, or no more.
    pub async fn recover(&mut self, proof: RecoveryProof<'_>, options: RecoverOptions<'_>) -> Result<Recovered> {
        let label = options.label.map(parse_label).transpose()?;
        for _ in 0..TRIES {
            // Kept until one is in: who mistyped, or lost the network, goes on from here.
            let visited = self.visited.clone().ok_or_else(not_started)?;
            let before = visited.account.clone();
            let keys = way_back(before.ledger(), proof)?;
            let device = self.device.id();
            let is_in = self.belief.enrolled.is_some();
            if !is_in && !has_device(before.ledger(), &device, &self.device) {
                let masters = self.opened(&visited, &keys).await?;
                let revoked = revoked(before.ledger(), options.revoke)?;
                if let Err(refusal) = self.let_in(&visited, &keys, masters, label.as_ref(), &revoked).await? {
                    if refusal.code != Code::Conflict {
                        return Err(refusal.into());
                    }
                    // A thief, or another device of one's own, was faster. One looks again.
                    self.visited = Some(self.look_again(visited).await?);
                    continue;
                }
            }
            if !is_in {
                self.join(visited.enrolled).await?;
            }
            // Of very many devices the first entry names only some.
            while let Some(rest) = self.still_to_revoke(before.ledger(), options.revoke)? {
                self.extend_own(None, &mut |Parts { known, own, author }, rng| {
                    by_recovery(
                        known,
                        revocations(known.ledger(), &rest, Some(device)),
                        &keys,
                        author.now_ms,
                        own.masters().followed(rng),
                        rng,
                    )
                })
                .await?;
            }
            self.commit().await?;
            self.visited = None;
            let after = self.belief.own_ledger()?;
            let gone = |id: &&HolderId| !after.holders().contains_key(id);
            let (mut revoked_device_ids, mut removed_recovery_ids) = (Vec::new(), Vec::new());
            for (id, holder) in before.ledger().holders().iter().filter(|(id, _)| gone(id)) {
                let list = if holder.is_recovery() { &mut removed_recovery_ids } else { &mut revoked_device_ids };
                list.push(id.to_string());
            }
            return Ok(Recovered { who: self.who_am_i()?, revoked_device_ids, removed_recovery_ids });
        }
        Err(Error::new(Code::Conflict, "somebody changes your account faster than you can come back")
            .hint("Try again."))
    }

    /// Writes the entry by which a way back lets this device in.
    async fn let_in(
        &mut self,
        visited: &Visited,
        keys: &RecoveryKeys,
        masters: MasterKeys,
        label: Option<&keyfold_format::Name>,
        revoked: &SortedSet<HolderId>,
    ) -> Result<std::result::Result<(), ErrorBody>> {
        let (known, ledger) = (&visited.account, visited.account.ledger());
        let id = self.device.id();
        let statement = holder_statement(&ledger.id(), &id, &id);
        let signature = self.device.signing.sign(SignatureLabel::HolderKey, &[&statement]);
        let (now_ms, mut rng) = (self.now_ms(), self.rng());
        // Whoever made the newest generation may have kept it to himself; then there is one after it.
        let goes_on = !revoked.is_empty() || masters.generation() != ledger.generation();
        let masters = if goes_on { masters.next_after(ledger.generation(), &mut rng) } else { masters };
        let secrets = masters.secrets(ledger.nonce())?;
        let mut public = holder_keys(&self.device);
        let seal =
            |name| keyfold_core::enrolment::seal_label(&secrets, masters.generation(), &id, name, &mut self.rng());
        public.label = label.map(seal).transpose()?;
        // First who goes: a device that let the way back in would take along whom the way back lets in.
        let mut deeds = revocations(ledger, revoked, None);
        deeds.push((AccountOp::AddDevice(public), Some(signature)));
        let author = Holder { id: keys.id(), signing: &keys.signing, now_ms };
        let draft = if goes_on {
            let (rotate, secrets) = compose::next_generation(&masters, ledger)?;
            deeds.push((rotate, None));
            compose::extend_account(known, deeds, author, &masters, None, Some(&secrets), &mut rng)?
        } else {
            compose::extend_account(known, deeds, author, &masters, None, None, &mut rng)?
        };
        // Durable before it is sent: if only the answer is lost, this device is in. The account is pinned from here on.
        let joining = Joining { enrolled: visited.enrolled.clone(), asked: false };
        self.belief.stage(record::JOINING, Some(cbor::encode(&joining).into()));
        self.belief.keep_account(known.clone())?;
        self.commit().await?;
        let body = draft.extend.encode();
        match self.exchange_with(&visited.enrolled.server, Method::Post, route::ACCOUNT_ENTRIES, body).await? {
            Ok(bytes) => {
                decode_answer(&bytes, Appended::decode)?;
                Ok(Ok(()))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The newest master keys that a way back opens. A thief may have made many newer ones that it does not.
    async fn opened(&mut self, visited: &Visited, keys: &RecoveryKeys) -> Result<MasterKeys> {
        let ledger = visited.account.ledger();
        let mut sealed: Vec<SealedMasterKeys> = visited.master_keys.clone();
        loop {
            for SealedMasterKeys { seq, envelope } in sealed.iter().rev() {
                let head = ledger.hash_at(*seq).map(|hash| keyfold_format::entry::Head { seq: *seq, hash });
                let Some(generation) = head.and_then(|head| ledger.generation_at(head)) else { continue };
                let Some(named) = ledger.keys(generation) else { continue };
                let opened = MasterKeys::open(envelope, ledger.id(), generation, ledger.nonce(), &keys.wrapping, named);
                if let Ok((masters, _)) = opened {
                    return Ok(masters);
                }
            }
            let oldest = sealed.iter().map(|sealed| sealed.seq).min().filter(|oldest| *oldest > 0);
            let Some(oldest) = oldest else { return Err(nothing_opens()) };
            let known = Some(ledger.head().seq);
            sealed = self.read_own(&visited.enrolled.server, known, Some(oldest)).await?.master_keys;
            sealed.retain(|sealed| sealed.seq < oldest);
        }
    }

    /// The account as it is now: an extension of what was seen.
    async fn look_again(&mut self, visited: Visited) -> Result<Visited> {
        let Visited { enrolled, mut account, .. } = visited;
        loop {
            let own = self.read_own(&enrolled.server, Some(account.head().seq), None).await?;
            let more = own.page.more;
            account = account.extended_partly(&own.page, &enrolled.server.key)?;
            if !more {
                return Ok(Visited { enrolled, account, master_keys: own.master_keys });
            }
        }
    }

    /// Those of the devices to be revoked that are still there, as many as one entry takes.
    fn still_to_revoke(&self, before: &account::Ledger, revoke: Revoke<'_>) -> Result<Option<SortedSet<HolderId>>> {
        let (now, own) = (self.belief.own_ledger()?, self.device_id());
        let left = wanted(before, revoke)?.into_iter().filter(|id| now.holders().contains_key(id) && *id != own);
        let left: SortedSet<HolderId> = left.take(REVOKED).collect();
        Ok(Some(left).filter(|left| !left.is_empty()))
    }

    /// The keys of a way back that this account has.
    fn proved(&self, proof: RecoveryProof<'_>) -> Result<RecoveryKeys> {
        way_back(self.belief.own_ledger()?, proof)
    }

    fn recovery(&self, id: &HolderId) -> Result<Recovery> {
        let found = methods(self.belief.own_ledger()?, Some(self.belief.own()?));
        found.into_iter().find(|recovery| recovery.recovery_id == id.to_string()).ok_or_else(no_recovery)
    }
}

/// An entry by a way back that goes on with the next generation: for that it need not know the one before.
fn by_recovery<R: rand_core::CryptoRng>(
    known: &KnownAccount,
    mut deeds: Vec<Deed>,
    keys: &RecoveryKeys,
    now_ms: u64,
    masters: MasterKeys,
    rng: &mut R,
) -> Result<compose::AccountDraft> {
    let (rotate, secrets) = compose::next_generation(&masters, known.ledger())?;
    deeds.push((rotate, None));
    let author = Holder { id: keys.id(), signing: &keys.signing, now_ms };
    compose::extend_account(known, deeds, author, &masters, None, Some(&secrets), rng)
}

/// One op for each, but not for those that go with another. `stays` does, whoever let it in.
fn revocations(ledger: &account::Ledger, devices: &SortedSet<HolderId>, stays: Option<HolderId>) -> Vec<Deed> {
    let mut gone: SortedSet<HolderId> = SortedSet::new();
    let mut deeds: Vec<Deed> = Vec::new();
    for device in compose::devices(ledger).into_iter().filter(|id| devices.contains(id)) {
        if gone.contains(&device) {
            continue;
        }
        for under in branch(ledger, &device, &SortedSet::new()) {
            gone.insert(under);
        }
        deeds.push((AccountOp::RevokeDevice(RevokeDevice { device, kept: stays.into_iter().collect() }), None));
    }
    deeds
}

/// The devices to be revoked, oldest first.
fn wanted(ledger: &account::Ledger, revoke: Revoke<'_>) -> Result<Vec<HolderId>> {
    let devices = compose::devices(ledger);
    match revoke {
        Revoke::None => Ok(Vec::new()),
        Revoke::All => Ok(devices),
        Revoke::These(ids) => {
            let asked = ids.iter().map(|id| id.parse().map_err(|_| super::device::unknown_holder()));
            let asked = asked.collect::<Result<SortedSet<HolderId>>>()?;
            let known: Vec<HolderId> = devices.into_iter().filter(|id| asked.contains(id)).collect();
            if known.len() == asked.len() { Ok(known) } else { Err(super::device::unknown_holder()) }
        }
    }
}

/// As many of them as one entry takes: those under others need no op of their own.
fn revoked(ledger: &account::Ledger, revoke: Revoke<'_>) -> Result<SortedSet<HolderId>> {
    let mut taken: SortedSet<HolderId> = SortedSet::new();
    for device in wanted(ledger, revoke)? {
        taken.insert(device);
        if revocations(ledger, &taken, None).len() > REVOKED {
            taken.remove(&device);
            break;
        }
    }
    Ok(taken)
}

/// The keys of a way back, if the account has it.
fn way_back(ledger: &account::Ledger, proof: RecoveryProof<'_>) -> Result<RecoveryKeys> {
    let keys = RecoveryKeys::derive(proof.secret, &ledger.id(), proof.method.into())?;
    let holder = ledger.holders().get(&keys.id());
    if holder.is_some_and(account::Holder::is_recovery) {
        return Ok(keys);
    }
    if methods(ledger, None).is_empty() {
        return Err(no_recovery());
    }
    Err(Error::new(Code::WrongSecret, "this is none of the ways back that the account has")
        .hint("It is another account's, or it was replaced or taken away. `keyfold recovery status` lists those that there are."))
}

/// The ways back of an account, oldest first.
fn methods(ledger: &account::Ledger, own: Option<&Own>) -> Vec<Recovery> {
    let mut found: Vec<_> = ledger.holders().iter().filter(|(_, holder)| holder.is_recovery()).collect();
    found.sort_by_key(|(_, holder)| holder.age());
    let described = found.into_iter().filter_map(|(id, holder)| {
        let HolderKind::Recovery(method) = holder.kind else { return None };
        Some(Recovery {
            recovery_id: id.to_string(),
            method: method.into(),
            label: own.and_then(|own| label_of(ledger, own, id)).map(|label| label.as_str().to_owned()),
            added_at: holder.added,
            added_by: holder.added_by.map(|by| by.to_string()),
        })
    });
    described.collect()
}

fn not_started() -> Error {
    Error::new(Code::NoHome, "no recovery was started").hint("Sign in first, to see which ways back there are.")
}

fn no_recovery() -> Error {
    Error::new(Code::NoRecovery, "the account has no such way back")
        .hint("Another of its devices can let this one in. If there is none, what was encrypted is lost; a new account under the user id starts empty.")
}

fn nothing_opens() -> Error {
    Error::new(Code::WrongSecret, "the way back is the account's, and the server shows no master key that it opens")
        .hint("The server withholds it, or lost it. Try again, or ask who runs the server for a backup.")
}
