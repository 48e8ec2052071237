//! How a device comes into an account: it asks and another one lets it in, or it is given a text that brings it in by
//! itself.
//!
//! Spec: `docs/spec/devices.md`.

use super::{
    Session, SignIn,
    device::{Parts, describe, has_device, holder_keys, label_of, labelled, renewal, unknown_holder},
    visit::Visited,
};
use crate::{
    Error, Result,
    host::Host,
    machine::{
        Enrolled, Joining, KnownAccount, Own, ServerPin,
        compose::{self, Holder},
        record,
        server::ServerUrl,
    },
    model::{ClientEvent, Device, DeviceRequest, DeviceRequested, WhoAmI},
};
use keyfold_core::{
    DeviceSeed,
    device::DeviceKeys,
    enrolment::{self, EnrolmentText},
    safety::{SafetyInput, SafetyWords},
};
use keyfold_format::{
    DeviceCode, HolderId, Name, ScopeId,
    account::{AccountOp, holder_statement},
    cbor,
    label::SignatureLabel,
};
use keyfold_protocol::{
    Code, limits, route,
    signing::Method,
    wire::{
        After, DeclineEnrolment, EnrolmentAnswer, EnrolmentRequest, EnrolmentRequested, EnrolmentRequests,
        EnrolmentState, LedgerPages, Ledgers, LoggedIn, RequestEnrolment,
    },
};

/// How long a text for a new device can be used, unless somebody says otherwise, in milliseconds.
pub const ENROLMENT_TEXT_MS: u64 = 60 * 60 * 1_000;

impl<H: Host> Session<H> {
    /// Asks to be let into the account of a user id, with this device. What comes is to be shown: the code is for a
    /// device that is in, the words are for the person to compare there. `UnknownUser`, `HomeExists`.
    pub async fn request_enrolment(&mut self, sign_in: SignIn<'_>, label: &str) -> Result<DeviceRequested> {
        self.check_empty()?;
        let label = super::device::parse_label(label)?;
        // Let in meanwhile, and not heard of it.
        if self.finish_joining().await? {
            self.check_empty()?;
        }
        let Visited { enrolled, account, .. } = self.visit(sign_in).await?;
        let (id, ledger) = (self.device.id(), account.ledger());
        let statement = holder_statement(&ledger.id(), &id, &id);
        let sharing = ledger.current_keys().ok_or_else(|| Error::internal("an account without keys"))?;
        let sharing = (ledger.generation(), &sharing.sharing);
        let sealed = enrolment::seal_request_label(&ledger.id(), sharing, &id, &label, &mut self.rng())?;
        let request = RequestEnrolment {
            keys: holder_keys(&self.device),
            signature: self.device.signing.sign(SignatureLabel::HolderKey, &[&statement]),
            label: sealed,
        };
        let requested = self
            .ask_of(&enrolled.server, Method::Post, route::ENROLMENTS, request.encode(), EnrolmentRequested::decode)
            .await?;
        let code = DeviceCode { device: id, user_id: enrolled.user_id.clone() }.to_string();
        let words = self.device_words(&enrolled.account, &id).await?;
        // From here on this account is the one, whatever the server shows.
        self.belief.keep_account(account)?;
        let joining = Joining { enrolled, asked: true };
        self.belief.stage(record::JOINING, Some(cbor::encode(&joining).into()));
        self.commit().await?;
        Ok(DeviceRequested { device_id: id.to_string(), code, words, expires_at: requested.expires_ms })
    }

    /// Waits some seconds for the answer. `None`: there is none yet. `UnknownEnrolment`: it was declined, or its time is
    /// over.
    pub async fn await_enrolment(&mut self) -> Result<Option<WhoAmI>> {
        if self.belief.enrolled.is_some() {
            return self.who_am_i().map(Some);
        }
        let Some(Joining { enrolled, asked: true }) = self.joining().await? else { return Err(nobody_asked()) };
        let path = route::VISITS_ENROLMENT;
        let answer = self.ask_of(&enrolled.server, Method::Get, path, Vec::new(), EnrolmentAnswer::decode).await;
        let state = match answer {
            Ok(answer) => answer.state,
            // The visit is over, and with it the wish.
            Err(error) if error.code == Code::UnknownDevice => EnrolmentState::Ended,
            Err(error) => return Err(error),
        };
        match state {
            EnrolmentState::LetIn => self.join(enrolled).await.map(Some),
            EnrolmentState::Ended => {
                self.belief.stage(record::JOINING, None);
                self.commit().await?;
                Err(nobody_asked())
            }
            _ => Ok(None),
        }
    }

    /// Goes on where a device was let in without having heard of it. To be called before an operation on a home that has
    /// no account. Whether it has one now.
    pub async fn finish_joining(&mut self) -> Result<bool> {
        if self.belief.enrolled.is_some() {
            return Ok(true);
        }
        let Some(Joining { enrolled, .. }) = self.joining().await? else { return Ok(false) };
        match self.join(enrolled).await {
            Ok(_) => Ok(true),
            // Not yet, or never: what needs an account says that there is none.
            Err(error) if matches!(error.code, Code::UnknownDevice | Code::Unauthorized) || error.is_offline() => {
                self.refresh().await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The devices that ask to be let into one's account.
    pub async fn enrolment_requests(&mut self) -> Result<Vec<DeviceRequest>> {
        let me = self.me()?;
        let mut requests = Vec::new();
        for waiting in self.waiting_devices().await? {
            let id = waiting.request.keys.id();
            requests.push(DeviceRequest {
                device_id: id.to_string(),
                label: self.request_label(&waiting.request).map(|label| label.as_str().to_owned()),
                words: self.device_words(&me, &id).await?,
                expires_at: waiting.expires_ms,
            });
        }
        Ok(requests)
    }

    /// Lets a device in that asks, by the code that it shows, or by its id when its words were compared. With `label` it
    /// is called so, else as it calls itself.
    ///
    /// `BadCode`: the code is altered, or another person's. `UnknownEnrolment`: nobody asks with it.
    pub async fn approve_device(&mut self, code: &str, label: Option<&str>) -> Result<Device> {
        let me = self.me()?;
        let id = self.read_code(code)?;
        let label = self.label_text(label)?;
        let waiting = self.waiting_devices().await?;
        let asked = waiting.into_iter().map(|waiting| waiting.request).find(|request| request.keys.id() == id);
        let Some(request) = asked else {
            // Let in before, and the answer was lost.
            self.fetch_own_account().await?;
            self.commit().await?;
            let (ledger, own) = (self.belief.own_ledger()?, self.belief.own()?);
            return describe(ledger, own, &id, self.device_id()).ok_or_else(nobody_asked);
        };
        let statement = holder_statement(&me, &id, &id);
        let signed = request.keys.signing.verify(SignatureLabel::HolderKey, &[&statement], &request.signature);
        signed.map_err(|_| bad_code("the device has not signed that it joins your account"))?;
        let label = label.or_else(|| self.request_label(&request));
        self.extend_own(None, &mut |Parts { known, own, author }, rng| {
            let keys = labelled(own, id, request.keys.clone(), label.as_ref(), rng)?;
            let deed = (AccountOp::AddDevice(keys), Some(request.signature));
            compose::extend_account(known, vec![deed], author, own.masters(), None, None, rng)
        })
        .await?;
        self.commit().await?;
        describe(self.belief.own_ledger()?, self.belief.own()?, &id, self.device_id()).ok_or_else(unknown_holder)
    }

    /// Does not let a device in that asks. Which it was.
    pub async fn decline_device(&mut self, code: &str) -> Result<String> {
        self.me()?;
        let device = self.read_code(code)?;
        let body = DeclineEnrolment { device }.encode();
        self.ask(Method::Post, route::DECLINE, body, EnrolmentRequests::decode).await?;
        Ok(device.to_string())
    }

    /// A text that brings a device in by itself: once, and within `lasts_ms`, at most a day. It is a secret: whoever has
    /// it is in.
    pub async fn enroll_new_device(&mut self, label: Option<&str>, lasts_ms: Option<u64>) -> Result<String> {
        let me = self.me()?;
        let label = self.label_text(label)?;
        let lasts_ms = lasts_ms.unwrap_or(ENROLMENT_TEXT_MS).clamp(1, limits::REGISTER_MS);
        let expires_ms = self.now_ms() + lasts_ms;
        let seed = DeviceSeed::generate(&mut self.rng());
        let device = DeviceKeys::derive(&seed)?;
        let id = device.id();
        let statement = holder_statement(&me, &id, &id);
        let signature = device.signing.sign(SignatureLabel::HolderKey, &[&statement]);
        self.extend_own(Some(expires_ms), &mut |Parts { known, own, author }, rng| {
            let keys = labelled(own, id, holder_keys(&device), label.as_ref(), rng)?;
            let deed = (AccountOp::AddDevice(keys), Some(signature));
            compose::extend_account(known, vec![deed], author, own.masters(), None, None, rng)
        })
        .await?;
        self.commit().await?;
        let enrolled = self.belief.enrolled()?;
        let text = EnrolmentText {
            seed,
            account: me,
            user_id: enrolled.user_id.clone(),
            expires_ms,
            server_key: enrolled.server.key,
            server_url: enrolled.server.url.http().to_owned(),
        };
        Ok(text.write().to_string())
    }

    /// Brings this device in by a text of [`Self::enroll_new_device`], which is used up by it.
    ///
    /// `BadCode`, `EnrolmentExpired`; `UnknownDevice` or `Unauthorized` if it was used or taken back.
    pub async fn register_enrolled_device(&mut self, text: &str) -> Result<WhoAmI> {
        self.check_empty()?;
        let text = EnrolmentText::read(text.trim()).map_err(|_| bad_code("this is not a text for a new device"))?;
        let added = DeviceKeys::derive(&text.seed)?;
        let id = added.id();
        let enrolled = Enrolled {
            server: ServerPin::new(ServerUrl::parse(&text.server_url)?, text.server_key),
            user_id: text.user_id.clone(),
            account: text.account,
            device: Some(id),
        };
        let again = self.joining().await?.is_some_and(|joining| joining.enrolled == enrolled);
        if again && let Ok(joined) = self.join(enrolled.clone()).await {
            return Ok(joined);
        }
        // By the clock of the server, which refuses it from then on, as far as it is known.
        self.server_info(&enrolled.server.url.clone(), Some(text.server_key)).await?;
        if text.expires_ms <= self.now_ms() {
            return Err(Error::new(Code::EnrolmentExpired, "the text for this device was not used in time")
                .hint("Make another one on a device that is in: `keyfold device enroll`."));
        }
        let own_keys = std::mem::replace(&mut self.device, added.into());
        let registered = self.register(enrolled.clone(), &own_keys).await;
        self.device = own_keys;
        // Nothing is this home's before it has joined.
        self.belief.enrolled = None;
        registered.map_err(used)?;
        self.join(enrolled).await
    }

    /// With the keys of the text: gives the device the keys that are this home's own.
    async fn register(&mut self, enrolled: Enrolled, own_keys: &DeviceKeys) -> Result<()> {
        let id = self.device.id();
        self.belief.enrolled = Some(enrolled.clone());
        let answer = self.ask(Method::Post, route::SESSIONS, Vec::new(), LoggedIn::decode).await?;
        let known = self.adopted(&enrolled).await?;
        if !has_device(known.ledger(), &id, &self.device) {
            return Err(Error::rollback("the server shows your account without the device that the text is for"));
        }
        let own = newest(answer.master_keys, &self.device, &known)?;
        // Durable before it is sent: if only the answer is lost, the text is used, and by this home.
        let joining = Joining { enrolled, asked: false };
        let joining = (record::JOINING.to_owned(), Some(cbor::encode(&joining).into()));
        self.host.commit(vec![joining]).await?;
        let label = label_of(known.ledger(), &own, &id);
        let deed = renewal(known.ledger(), &own, &id, own_keys, label.as_ref(), &mut self.rng())?;
        let author = Holder { id, signing: &self.device.signing, now_ms: self.now_ms() };
        let draft = compose::extend_account(&known, vec![deed], author, own.masters(), None, None, &mut self.rng())?;
        self.send_own(&draft).await?.map_err(Error::from)?;
        Ok(())
    }

    /// The account of a text, as the server shows it.
    async fn adopted(&mut self, enrolled: &Enrolled) -> Result<KnownAccount> {
        let body = Ledgers { wanted: vec![After { scope: enrolled.account, after: None }] }.encode();
        let mut answer = self.ask(Method::Post, route::LEDGERS, body, LedgerPages::decode).await?;
        let page = answer.pages.pop().ok_or_else(super::wire::not_ours)?;
        let page = page.map_err(|code| Error::new(code, "the server does not show your account"))?;
        let answer = keyfold_protocol::wire::AccountLedger { entries: page.entries, receipt: page.receipt };
        let server = self.belief.enrolled()?.server.key;
        let known = KnownAccount::looked_up(&enrolled.user_id, None, &answer, &server)?;
        super::device::expect_account(&known, &enrolled.account)?;
        Ok(known)
    }

    /// This device was let in: logs in for the first time.
    pub(super) async fn join(&mut self, enrolled: Enrolled) -> Result<WhoAmI> {
        let id = enrolled.device.unwrap_or_else(|| self.device.id());
        self.recall_account(&enrolled.account).await?;
        self.keep_enrolled(enrolled.clone());
        let joined = async {
            let answer = self.ask(Method::Post, route::SESSIONS, Vec::new(), LoggedIn::decode).await?;
            match self.belief.accounts.get(&enrolled.account) {
                Some(_) => self.fetch_own_account().await?,
                None => {
                    let known = self.adopted(&enrolled).await?;
                    self.belief.keep_account(known)?;
                }
            }
            if !has_device(self.belief.own_ledger()?, &id, &self.device) {
                return Err(Error::rollback("the server lets this device in, and your account's ledger does not"));
            }
            self.open_own(answer.master_keys)
        };
        joined.await?;
        self.belief.stage(record::JOINING, None);
        self.belief.emit(ClientEvent::IdentityUpdated { account_id: Some(enrolled.account.to_string()) });
        self.commit().await?;
        self.sync_if_reached().await?;
        self.who_am_i()
    }

    pub(super) async fn joining(&mut self) -> Result<Option<Joining>> {
        match self.host.load(record::JOINING).await? {
            Some(bytes) => super::read(&bytes).map(Some),
            None => Ok(None),
        }
    }

    async fn waiting_devices(&mut self) -> Result<Vec<EnrolmentRequest>> {
        let path = route::ENROLMENTS;
        Ok(self.ask(Method::Get, path, Vec::new(), EnrolmentRequests::decode).await?.requests)
    }

    fn request_label(&self, request: &RequestEnrolment) -> Option<Name> {
        let (me, own, ledger) = (self.me().ok()?, self.belief.own().ok()?, self.belief.own_ledger().ok()?);
        let generation = enrolment::label_generation(&request.label)?;
        let id = request.keys.id();
        own.with_generation(generation, ledger, |secrets| {
            enrolment::open_request_label(&me, &secrets.sharing, &id, &request.label)
        })?
    }

    /// A code, or a device's id.
    fn read_code(&self, text: &str) -> Result<HolderId> {
        if let Ok(id) = text.trim().parse() {
            return Ok(id);
        }
        let code: DeviceCode = text.trim().parse().map_err(|_| bad_code("this is not a device's code"))?;
        let own = &self.belief.enrolled()?.user_id;
        if code.user_id != *own {
            return Err(bad_code(format!("the code is of a device of {}, and you are {own}", code.user_id)));
        }
        Ok(code.device)
    }

    /// What an account and a device that is to be one of it have in common.
    async fn device_words(&self, account: &ScopeId, device: &HolderId) -> Result<SafetyWords> {
        let stretched = self.host.stretch(SafetyInput::of(account, &ScopeId(device.0))).await;
        stretched.map(SafetyWords::from_stretched).ok_or_else(|| Error::internal("no way to work words out"))
    }

    pub(super) fn check_empty(&self) -> Result<()> {
        match &self.belief.enrolled {
            Some(enrolled) => Err(super::account::home_exists(&enrolled.user_id)),
            None => Ok(()),
        }
    }
}

/// The newest envelope that a device opens.
pub(super) fn newest(envelopes: Vec<Vec<u8>>, device: &DeviceKeys, known: &KnownAccount) -> Result<Own> {
    let mut fault = super::wire::not_ours();
    for envelope in envelopes.into_iter().rev() {
        match Own::open(&envelope, device, known.ledger()) {
            Ok(own) => return Ok(own),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

fn bad_code(message: impl Into<String>) -> Error {
    Error::new(Code::BadCode, message).hint("Copy it whole, or make a new one.")
}

fn nobody_asked() -> Error {
    Error::new(Code::UnknownEnrolment, "no device asks with this to be let in: it was declined or used, or is too old")
        .hint("Ask again on the new device.")
}

/// Its keys are others by now.
fn used(error: Error) -> Error {
    match error.code {
        Code::Unauthorized | Code::UnknownDevice => Error::new(error.code, "the text was used before, or taken back")
            .hint("Make another one on a device that is in: `keyfold device enroll`. If it was not you who used it, revoke that device."),
        _ => error,
    }
}
