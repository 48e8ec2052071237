//! One's own devices: listed, given new keys, revoked. And the way in which any entry of one's own account is written.
//!
//! Spec: `docs/spec/devices.md`.

use super::{
    Session,
    wire::{Answer, decode_answer},
};
use crate::{
    Error, Result,
    host::{Host, HostRng},
    machine::{
        Enrolled, KnownAccount, Own, Renewing,
        compose::{self, AccountDraft, Deed, Holder},
        record,
    },
    model::{ClientEvent, Device, RevokedDevices},
};
use keyfold_core::{DeviceSeed, device::DeviceKeys, enrolment};
use keyfold_format::{
    HolderId, Name, ScopeId,
    account::{self, AccountOp, Entry, HolderKeys, RevokeDevice, holder_statement},
    cbor,
    label::SignatureLabel,
    sorted::SortedSet,
};
use keyfold_protocol::{
    Code, Details, ErrorBody, route,
    signing::Method,
    wire::{Appended, DeviceSession, LoggedIn, Sessions},
};
use zeroize::Zeroizing;

/// How often an entry is composed before giving up.
const TRIES: u32 = 8;

/// What an entry of one's own account is made of.
pub(super) struct Parts<'a> {
    pub(super) known: &'a KnownAccount,
    pub(super) own: &'a Own,
    pub(super) author: Holder<'a>,
}

/// Makes an entry of the newest state.
pub(super) type ComposeOwn<'c, H> = dyn FnMut(Parts<'_>, &mut HostRng<'_, H>) -> Result<AccountDraft> + Send + 'c;

impl<H: Host> Session<H> {
    /// One's own devices, oldest first.
    pub async fn devices(&mut self) -> Result<Vec<Device>> {
        self.belief.own()?;
        let sessions = match self.fetch_own_account().await {
            Ok(()) => {
                self.commit().await?;
                self.sessions().await?
            }
            Err(error) if error.is_offline() => Vec::new(),
            Err(error) => return Err(error),
        };
        let ledger = self.belief.own_ledger()?;
        let own = self.belief.own()?;
        let listed = compose::devices(ledger).into_iter().filter_map(|id| {
            let session = sessions.iter().find(|session| session.device == id);
            Some(Device {
                logged_in_since: session.and_then(|session| session.since_ms),
                last_used: session.and_then(|session| session.last_used_ms),
                ..describe(ledger, own, &id, self.device_id())?
            })
        });
        Ok(listed.collect())
    }

    /// What the server says of the devices' sessions; nothing if it is not reached.
    async fn sessions(&mut self) -> Result<Vec<DeviceSession>> {
        match self.ask(Method::Get, route::SESSIONS, Vec::new(), Sessions::decode).await {
            Ok(answer) => Ok(answer.sessions),
            Err(error) if error.is_offline() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Gives this device new keys: its slot of the master key and one entry of the account change, nothing else. With
    /// `label` it is called so from now on.
    pub async fn rotate_device(&mut self, label: Option<&str>) -> Result<Device> {
        self.belief.own()?;
        let named = label.map(parse_label).transpose()?;
        let seed = DeviceSeed::generate(&mut self.rng());
        let device = DeviceKeys::derive(&seed)?;
        // Durable before it is sent: if only the answer is lost, these keys are the ones.
        let renewing = Renewing { seed: seed.expose().to_vec() };
        self.belief.stage(record::RENEWING, Some(cbor::encode(&renewing).into()));
        self.commit().await?;
        let id = self.device_id();
        let extended = self
            .extend_own(None, &mut |Parts { known, own, author }, rng| {
                let label = match &named {
                    Some(label) => Some(label.clone()),
                    None => label_of(known.ledger(), own, &id),
                };
                let deed = renewal(known.ledger(), own, &id, &device, label.as_ref(), rng)?;
                compose::extend_account(known, vec![deed], author, own.masters(), None, None, rng)
            })
            .await;
        if let Err(error) = extended {
            if !error.is_offline() {
                self.belief.stage(record::RENEWING, None);
                self.commit().await?;
            }
            return Err(error);
        }
        self.belief.stage(record::RENEWING, None);
        self.renew_keys(device, &seed)?;
        self.log_in_again().await?;
        self.commit().await?;
        describe(self.belief.own_ledger()?, self.belief.own()?, &id, id).ok_or_else(unknown_holder)
    }

    /// Takes devices out of the account, with those that they have let in, except the `kept`: the account goes on with a
    /// new master key, and what this session takes part in with new keys. That goes on in [`Self::repair`], also after
    /// it was interrupted.
    ///
    /// `UnknownHolder`, `RevocationOfOneself`.
    pub async fn revoke_devices(&mut self, devices: &[&str], kept: &[&str]) -> Result<RevokedDevices> {
        self.belief.own()?;
        self.fetch_own_account().await?;
        let (devices, kept) = (self.device_ids(devices)?, self.device_ids(kept)?);
        let before = self.belief.own_ledger()?.clone();
        self.extend_own(None, &mut |Parts { known, own, author }, rng| {
            let (mut deeds, masters) = (Vec::new(), own.masters().followed(rng));
            let mut gone: SortedSet<HolderId> = SortedSet::new();
            for device in &devices {
                // One may have let another in, and be gone with it.
                if gone.contains(device) {
                    continue;
                }
                let op =
                    AccountOp::RevokeDevice(RevokeDevice { device: *device, kept: kept.iter().copied().collect() });
                deeds.push((op, None));
                for under in branch(known.ledger(), device, &kept) {
                    gone.insert(under);
                }
            }
            let (rotate, secrets) = compose::next_generation(&masters, known.ledger())?;
            deeds.push((rotate, None));
            let former = Some(&own.current().ledger);
            compose::extend_account(known, deeds, author, &masters, former, Some(&secrets), rng)
        })
        .await?;
        self.commit().await?;
        let after = self.belief.own_ledger()?;
        let gone = compose::devices(&before).into_iter().filter(|id| !after.holders().contains_key(id));
        Ok(RevokedDevices { device_ids: gone.map(|id| id.to_string()).collect(), generation: after.generation() })
    }

    fn device_ids(&self, texts: &[&str]) -> Result<SortedSet<HolderId>> {
        let ledger = self.belief.own_ledger()?;
        let own = self.belief.own()?;
        let mut found = SortedSet::new();
        for text in texts {
            let id: Option<HolderId> = text.parse().ok().filter(|id| ledger.holders().contains_key(id));
            // People say what a device is called; two that are called the same are told apart by id.
            let called = || {
                let labelled = compose::devices(ledger);
                let mut called = labelled
                    .into_iter()
                    .filter(|id| label_of(ledger, own, id).is_some_and(|label| label.as_str() == *text));
                let first = called.next();
                first.filter(|_| called.next().is_none())
            };
            found.insert(id.or_else(called).ok_or_else(unknown_holder)?);
        }
        Ok(found)
    }

    /// Appends what `compose` makes of the newest state of one's own account. Staged, not committed. `expires_ms`: for
    /// devices that it adds and that renew their keys.
    pub(super) async fn extend_own(&mut self, expires_ms: Option<u64>, compose: &mut ComposeOwn<'_, H>) -> Result<()> {
        for _ in 0..TRIES {
            self.renew_own().await?;
            let me = self.me()?;
            let known = self.belief.accounts.get(&me).ok_or_else(|| Error::internal("the own account was not read"))?;
            let author = Holder { id: self.device_id(), signing: &self.device.signing, now_ms: self.now_ms() };
            let parts = Parts { known, own: self.belief.own()?, author };
            let mut draft = compose(parts, &mut self.rng())?;
            draft.extend.expires_ms = expires_ms;
            match self.send_own(&draft).await? {
                Ok(appended) => return self.extended_own(draft, appended).await,
                Err(ErrorBody { code: Code::Conflict, details: Some(Details::Standing(_)), .. }) => {
                    self.fetch_own_account().await?;
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Error::new(Code::Conflict, "other devices changed the account faster than this could").hint("Try again."))
    }

    pub(super) async fn send_own(&mut self, draft: &AccountDraft) -> Result<std::result::Result<Appended, ErrorBody>> {
        let answer: Answer = self.exchange(Method::Post, route::ACCOUNT_ENTRIES, draft.extend.encode()).await?;
        Ok(match answer {
            Ok(bytes) => Ok(decode_answer(&bytes, Appended::decode)?),
            Err(refusal) => Err(refusal),
        })
    }

    /// Keeps what the server took.
    pub(super) async fn extended_own(&mut self, draft: AccountDraft, appended: Appended) -> Result<()> {
        let key = self.belief.enrolled()?.server.key;
        let next = draft.next.confirmed(&appended.receipt, &key)?;
        let generation = next.ledger().generation();
        self.keep_own(next)?;
        if self.belief.own.as_ref().is_some_and(|own| own.generation() != generation)
            && let Some(envelope) = draft.extend.master_key
        {
            self.belief.own = Some(Own::open(&envelope, &self.device, self.belief.own_ledger()?)?);
            self.belief.stage(record::MASTER, Some(envelope.into()));
        }
        Ok(())
    }

    /// Keeps one's own account as it is now, and tells what changed for who holds it.
    pub(super) fn keep_own(&mut self, next: KnownAccount) -> Result<()> {
        let me = self.belief.enrolled()?.account;
        if let Some(before) = self.belief.accounts.get(&me) {
            for event in news_of_holders(before, &next) {
                self.belief.emit(event);
            }
        }
        self.belief.keep_account(next)
    }

    /// This device has other keys from now on. Staged.
    fn renew_keys(&mut self, device: DeviceKeys, seed: &DeviceSeed) -> Result<()> {
        let id = self.device_id();
        let mut enrolled = self.belief.enrolled()?.clone();
        enrolled.device = Some(id);
        self.keep_enrolled(enrolled);
        self.belief.stage(record::SEED, Some(Zeroizing::new(seed.expose().to_vec())));
        self.device = device.into();
        Ok(())
    }

    pub(super) fn keep_enrolled(&mut self, enrolled: Enrolled) {
        self.belief.stage(record::ENROLLED, Some(cbor::encode(&enrolled).into()));
        self.belief.enrolled = Some(enrolled);
    }

    /// Gets the envelope that this device's keys open now.
    async fn log_in_again(&mut self) -> Result<()> {
        let answer = self.ask(Method::Post, route::SESSIONS, Vec::new(), LoggedIn::decode).await?;
        self.open_own(answer.master_keys)
    }

    /// After the server refused this device's signature: whether it has the new keys whose acknowledgement was lost.
    pub(super) async fn renewed(&mut self) -> Result<bool> {
        let Some(bytes) = self.host.load(record::RENEWING).await? else { return Ok(false) };
        let renewing: Renewing = super::read(&bytes)?;
        let seed = DeviceSeed::from_slice(&renewing.seed).ok_or_else(|| Error::internal("a seed has 32 bytes"))?;
        let server = self.belief.enrolled()?.server.clone();
        let id = self.device_id();
        let former = std::mem::replace(&mut self.device, DeviceKeys::derive(&seed)?.into());
        let mut enrolled = self.belief.enrolled()?.clone();
        enrolled.device = Some(id);
        let before = self.belief.enrolled.replace(enrolled.clone());
        match self.exchange_with(&server, Method::Post, route::SESSIONS, Vec::new()).await? {
            Ok(bytes) => {
                let answer = decode_answer(&bytes, LoggedIn::decode)?;
                self.open_own(answer.master_keys)?;
                self.keep_enrolled(enrolled);
                self.belief.stage(record::SEED, Some(Zeroizing::new(seed.expose().to_vec())));
                self.belief.stage(record::RENEWING, None);
                Ok(true)
            }
            Err(_) => {
                self.device = former;
                self.belief.enrolled = before;
                Ok(false)
            }
        }
    }

    /// The keys of a device, with what it is called, sealed.
    pub(super) fn label_text(&self, label: Option<&str>) -> Result<Option<Name>> {
        label.map(parse_label).transpose()
    }
}

/// The op by which a device gets these keys.
pub(super) fn renewal<R: rand_core::CryptoRng>(
    ledger: &account::Ledger,
    own: &Own,
    device: &HolderId,
    keys: &DeviceKeys,
    label: Option<&Name>,
    rng: &mut R,
) -> Result<Deed> {
    let public = labelled(own, keys.id(), holder_keys(keys), label, rng)?;
    let statement = holder_statement(&ledger.id(), device, &keys.id());
    let signature = keys.signing.sign(SignatureLabel::HolderKey, &[&statement]);
    Ok((AccountOp::RotateDevice(public), Some(signature)))
}

/// The public halves of a device's keys.
pub(super) fn holder_keys(device: &DeviceKeys) -> HolderKeys {
    HolderKeys { signing: device.signing.verifying_key(), wrapping: device.wrapping.public().clone(), label: None }
}

/// Keys with what their holder is called. `id` is the id of the keys.
pub(super) fn labelled<R: rand_core::CryptoRng>(
    own: &Own,
    id: HolderId,
    keys: HolderKeys,
    label: Option<&Name>,
    rng: &mut R,
) -> Result<HolderKeys> {
    let seal = |label| enrolment::seal_label(own.current(), own.generation(), &id, label, rng);
    Ok(HolderKeys { label: label.map(seal).transpose()?, ..keys })
}

/// What a holder is called, if that can be read.
pub(super) fn label_of(ledger: &account::Ledger, own: &Own, id: &HolderId) -> Option<Name> {
    let holder = ledger.holders().get(id)?;
    let keys = if holder.is_recovery() { holder.keys.recovery_id() } else { holder.keys.id() };
    let sealed = holder.keys.label.as_deref()?;
    let generation = enrolment::label_generation(sealed)?;
    own.with_generation(generation, ledger, |secrets| enrolment::open_label(&secrets.private_state, &keys, sealed))?
}

pub(super) fn parse_label(text: &str) -> Result<Name> {
    Name::new(text).map_err(|fault| {
        Error::from(fault)
            .hint("A device's name is 1 to 256 bytes of text in normal form C, without control characters.")
    })
}

pub(super) fn describe(ledger: &account::Ledger, own: &Own, id: &HolderId, current: HolderId) -> Option<Device> {
    let holder = ledger.holders().get(id)?;
    Some(Device {
        device_id: id.to_string(),
        label: label_of(ledger, own, id).map(|label| label.as_str().to_owned()),
        added_at: holder.added,
        added_by: holder.added_by.map(|by| by.to_string()),
        is_current: *id == current,
        logged_in_since: None,
        last_used: None,
    })
}

/// A device and those that it let in, except who is kept.
pub(super) fn branch(ledger: &account::Ledger, root: &HolderId, kept: &SortedSet<HolderId>) -> Vec<HolderId> {
    let holders = ledger.holders();
    compose::devices(ledger)
        .into_iter()
        .filter(|id| {
            let mut above = Some(*id);
            let mut steps = holders.len();
            while let Some(at) = above.filter(|_| steps > 0) {
                if at == *root {
                    return *id == *root || !kept.contains(id);
                }
                above = holders.get(&at).and_then(account::Holder::under);
                steps -= 1;
            }
            false
        })
        .collect()
}

/// What changed for who holds an account.
fn news_of_holders(before: &KnownAccount, after: &KnownAccount) -> Vec<ClientEvent> {
    let mut events = Vec::new();
    let new = after.entries().get(before.entries().len()..).unwrap_or_default();
    for entry in new.iter().filter_map(|entry| Entry::decode(&entry.signed).ok()) {
        let ledgers = [before.ledger(), after.ledger()];
        let author = ledgers.iter().find_map(|ledger| ledger.holders().get(&entry.author));
        if author.is_some_and(account::Holder::is_recovery) {
            events.push(ClientEvent::RecoveryUsed { recovery_id: entry.author.to_string() });
        }
    }
    for device in compose::devices(before.ledger()) {
        if !after.ledger().holders().contains_key(&device) {
            events.push(ClientEvent::DeviceRevoked { device_id: device.to_string() });
        }
    }
    events
}

pub(super) fn unknown_holder() -> Error {
    Error::new(Code::UnknownHolder, "your account has no such device").hint("`keyfold device list` lists them.")
}

/// Whether a device with these keys stands in a ledger.
pub(super) fn has_device(ledger: &account::Ledger, id: &HolderId, keys: &DeviceKeys) -> bool {
    let holder = ledger.holders().get(id).filter(|holder| !holder.is_recovery());
    holder.is_some_and(|holder| holder.keys.signing == keys.signing.verifying_key())
}

/// The account of a session that is not logged in anywhere yet.
pub(super) fn expect_account(known: &KnownAccount, id: &ScopeId) -> Result<()> {
    if known.ledger().id() == *id {
        return Ok(());
    }
    Err(Error::identity_changed(known.ledger().user_id()))
}
