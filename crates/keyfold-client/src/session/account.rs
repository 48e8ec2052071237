//! Signing up, logging in and out, and who one is.

use super::{
    Session, SignIn,
    wire::{Answer, decode_answer, not_ours},
};
use crate::{
    Error, Result,
    host::Host,
    identity,
    machine::{Enrolled, KnownAccount, Own, PendingSignUp, ServerPin, compose, record, server::ServerUrl},
    model::{ClientEvent, WhoAmI},
};
use keyfold_format::{UserId, VerifyingKey, cbor, id::from_base64url};
use keyfold_protocol::{
    Code, route,
    signing::Method,
    wire::{EndSessions, Gate, LedgerPage, LoggedIn, SignUp, SignedUp},
};

impl<H: Host> Session<H> {
    /// Founds an account with this device, and logs in.
    ///
    /// If only the answer of an earlier attempt was lost, the same request is sent again, and the account is there.
    /// At a gate that is not open, what is shown there is needed unless that is so.
    pub async fn sign_up(&mut self, sign_in: SignIn<'_>) -> Result<WhoAmI> {
        if let Some(enrolled) = &self.belief.enrolled {
            return Err(home_exists(&enrolled.user_id));
        }
        let user_id = UserId::new(sign_in.user_id).map_err(|fault| {
            Error::from(fault).hint("A user id is 1 to 128 bytes of text in normal form C, without control characters.")
        })?;
        let former = self.former_sign_up(&user_id, &sign_in).await?;
        let is_former = former.is_some();
        let mut pending = match former {
            Some(former) => former,
            None => self.new_sign_up(&user_id, &sign_in).await?,
        };
        let mut answer = match self.send_sign_up(&pending).await {
            Err(error) if is_former && error.code == Code::BadServerSignature => {
                pending = self.with_next_key(pending).await.ok().flatten().ok_or(error)?;
                self.send_sign_up(&pending).await?
            }
            sent => sent?,
        };
        if is_former && matches!(&answer, Err(refusal) if refusal.code == Code::GateMismatch) {
            // It never got there, and whoever it came in as is out again.
            pending = self.new_sign_up(&user_id, &sign_in).await?;
            answer = self.send_sign_up(&pending).await?;
        }
        let bytes = match answer {
            Ok(bytes) => bytes,
            Err(refusal) => {
                // The server knows nothing of it, so the next attempt may be another.
                self.belief.stage(record::SIGN_UP, None);
                self.commit().await?;
                return Err(refusal.into());
            }
        };
        let signed_up = decode_answer(&bytes, SignedUp::decode)?;
        let request = SignUp::decode(&pending.body)?;
        let account = KnownAccount::founded(request.genesis)?;
        let page = LedgerPage { entries: Vec::new(), receipt: signed_up.receipt, more: false, unseen: Vec::new() };
        let account = account.extended(&page, &pending.server.key)?;
        let enrolled = Enrolled { server: pending.server, user_id, account: account.ledger().id(), device: None };
        self.belief.own = Some(Own::open(&request.master_key, &self.device, account.ledger())?);
        self.belief.stage(record::ENROLLED, Some(cbor::encode(&enrolled).into()));
        self.belief.stage(record::MASTER, Some(request.master_key.into()));
        self.belief.stage(record::SIGN_UP, None);
        self.belief.emit(ClientEvent::IdentityUpdated { account_id: Some(enrolled.account.to_string()) });
        self.belief.enrolled = Some(enrolled);
        self.belief.keep_account(account)?;
        self.commit().await?;
        self.who_am_i()
    }

    async fn send_sign_up(&mut self, pending: &PendingSignUp) -> Result<Answer> {
        self.exchange_with(&pending.server, Method::Post, route::ACCOUNTS, pending.body.clone()).await
    }

    /// The attempt that was made before.
    async fn former_sign_up(&mut self, user_id: &UserId, sign_in: &SignIn<'_>) -> Result<Option<PendingSignUp>> {
        let Some(bytes) = self.host.load(record::SIGN_UP).await? else { return Ok(None) };
        let pending: PendingSignUp = super::read(&bytes)?;
        if pending.user_id != *user_id || pending.server.url != ServerUrl::parse(sign_in.server_url)? {
            return Err(home_exists(&pending.user_id).hint(format!(
                "It was signing up as {} when the connection broke. Repeat that, or use another home.",
                pending.user_id
            )));
        }
        let named = sign_in.server_key.map(parse_server_key).transpose()?;
        let Some(key) = named.filter(|key| *key != pending.server.key) else { return Ok(Some(pending)) };
        // The server's next key may be named, or the one before it.
        let info = self.server_info(&pending.server.url, Some(key)).await?;
        if info.server_key == pending.server.key { Ok(Some(pending)) } else { self.with_next_key(pending).await }
    }

    /// The attempt at a server that may have its next key since.
    async fn with_next_key(&mut self, pending: PendingSignUp) -> Result<Option<PendingSignUp>> {
        let Some(keys) = self.later_keys(&pending.server.url, &pending.server.key).await? else {
            return Err(wrong_server_key());
        };
        let pending = PendingSignUp { server: pending.server.followed(&keys), ..pending };
        self.belief.stage(record::SIGN_UP, Some(cbor::encode(&pending).into()));
        self.commit().await?;
        Ok(Some(pending))
    }

    /// A new attempt, let in at the gate, and durable before it is sent.
    async fn new_sign_up(&mut self, user_id: &UserId, sign_in: &SignIn<'_>) -> Result<PendingSignUp> {
        let url = ServerUrl::parse(sign_in.server_url)?;
        let key = sign_in.server_key.map(parse_server_key).transpose()?;
        let info = self.server_info(&url, key).await?;
        let server = ServerPin::new(url, info.server_key);
        if info.gate != Gate::Open {
            self.come_in(&server, info.gate, user_id, sign_in.proof).await?;
        }
        let request = compose::sign_up(user_id, &self.device, self.now_ms(), &mut self.rng())?;
        let pending = PendingSignUp { server, user_id: user_id.clone(), body: request.encode() };
        self.belief.stage(record::SIGN_UP, Some(cbor::encode(&pending).into()));
        self.commit().await?;
        Ok(pending)
    }

    /// Starts a session and opens the account's keys again. Keys that the pinned ledger does not name are refused.
    pub async fn log_in(&mut self) -> Result<WhoAmI> {
        let enrolled = self.belief.enrolled()?.clone();
        let answer = self.ask(Method::Post, route::SESSIONS, Vec::new(), LoggedIn::decode).await?;
        self.fetch_own_account().await?;
        let statement = answer.receipt.verify(&self.belief.enrolled()?.server.key)?;
        let ledger = self.belief.own_ledger()?;
        if statement.scope != enrolled.account || ledger.hash_at(statement.head.seq) != Some(statement.head.hash) {
            return Err(Error::rollback("the server shows another state of your account than before"));
        }
        self.open_own(answer.master_keys)?;
        self.belief.emit(ClientEvent::IdentityUpdated { account_id: Some(enrolled.account.to_string()) });
        self.commit().await?;
        self.sync().await?;
        self.who_am_i()
    }

    /// Opens the newest envelope that this device can open. Whoever made a later one may have left this device out; that
    /// is no reason to refuse one that holds the keys that the ledger names.
    pub(super) fn open_own(&mut self, envelopes: Vec<Vec<u8>>) -> Result<()> {
        let ledger = self.belief.own_ledger()?;
        let mut newest = None;
        for envelope in envelopes.into_iter().rev() {
            match Own::open(&envelope, &self.device, ledger) {
                Ok(own) => {
                    self.belief.own = Some(own);
                    self.belief.stage(record::MASTER, Some(envelope.into()));
                    return Ok(());
                }
                Err(fault) => newest = newest.or(Some(fault)),
            }
        }
        Err(newest.unwrap_or_else(not_ours))
    }

    /// Gets the keys of the newest generation if the own ledger has one that is newer than what is open: with the
    /// former ones nothing could be signed that cites it, and the stored envelope would not open any more.
    pub(super) async fn renew_own(&mut self) -> Result<()> {
        let generation = self.belief.own_ledger()?.generation();
        if self.belief.own.as_ref().is_none_or(|own| own.generation() == generation) {
            return Ok(());
        }
        let answer = self.ask(Method::Post, route::SESSIONS, Vec::new(), LoggedIn::decode).await?;
        self.open_own(answer.master_keys)
    }

    /// Ends the session and wipes the account's keys and all keychains' keys from this device. The device itself,
    /// pins and high-water marks stay. The keys are wiped even if the server is not reached; then it is an error.
    pub async fn log_out(&mut self) -> Result<()> {
        self.belief.enrolled()?;
        let told = self.exchange(Method::Delete, route::SESSIONS, Vec::new()).await;
        self.wipe(told).await
    }

    /// The same of all of the account's devices. Each stays enrolled and can log in again; what the others hold they
    /// wipe themselves, if they are honest: a device that was stolen is revoked.
    pub async fn log_out_everywhere(&mut self) -> Result<()> {
        self.belief.enrolled()?;
        let asked = EndSessions { own: true };
        let told = self.exchange(Method::Post, route::END_SESSIONS, asked.encode()).await;
        self.wipe(told).await
    }

    /// Wipes the keys, whatever the server answered.
    async fn wipe(&mut self, told: Result<Answer>) -> Result<()> {
        let rings: Vec<String> = self.belief.rings.keys().map(record::ring).collect();
        rings.into_iter().for_each(|name| self.belief.stage(name, None));
        self.belief.stage(record::MASTER, None);
        self.belief.forget_secrets();
        self.belief.emit(ClientEvent::IdentityUpdated { account_id: None });
        self.commit().await?;
        match told {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) if refusal.code == Code::LoggedOut => Ok(()),
            Ok(Err(refusal)) => Err(refusal.into()),
            Err(error) => Err(error.hint("The keys are wiped here; the server was not told, so its session goes on.")),
        }
    }

    /// Who this home belongs to.
    pub fn who_am_i(&self) -> Result<WhoAmI> {
        let enrolled = self.belief.enrolled()?;
        Ok(WhoAmI {
            user_id: enrolled.user_id.to_string(),
            account_id: enrolled.account.to_string(),
            device_id: self.device_id().to_string(),
            generation: self.belief.own_ledger()?.generation(),
            logged_in: self.belief.own.is_some(),
            accept_shares: self.accepts,
            server_url: enrolled.server.url.http(),
            server_key: enrolled.server.key.to_string(),
            former_server_keys: enrolled.server.former.iter().map(VerifyingKey::to_string).collect(),
            uri: identity::uri(self.belief.own_ledger()?),
        })
    }
}

pub(crate) fn parse_server_key(text: &str) -> Result<VerifyingKey> {
    let bytes = from_base64url(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(VerifyingKey).ok_or_else(|| {
        Error::new(Code::WrongServerKey, "this is not a server key")
            .hint("A server key is 43 characters; `keyfold serve` prints it.")
    })
}

fn wrong_server_key() -> Error {
    Error::new(Code::WrongServerKey, "the server does not have the key that you named")
}

pub(super) fn home_exists(user_id: &UserId) -> Error {
    Error::new(Code::HomeExists, format!("this home belongs to {user_id}"))
        .hint("Use another home (--home) for another account.")
}
