//! The gate `passkey`: a passkey that was made for this server says who asks (WebAuthn Level 3), checked by
//! `webauthn-rs`. Passkeys are discoverable: which one is used, and so who asks, the person's authenticator says, and
//! the server's question is the same for everybody. A stranger learns nothing by asking it.
//!
//! What a passkey signs is bound to the device that asks: it answers a question that this device alone was asked, once,
//! a short while ago.

use super::Refusal;
use crate::store::Passkey;
use keyfold_format::{HolderId, UserId};
use quick_cache::sync::Cache;
use serde_json::Value;
use std::{
    fmt,
    time::{Duration, Instant},
};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
    Webauthn, WebauthnBuilder, WebauthnError,
};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Questions that wait for an answer. With more, some that wait are asked anew.
const QUESTIONS: usize = 65_536;

/// Where passkeys are made and used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyConfig {
    /// Origins of the pages that ask for passkeys: `https://app.example`; `http` on `localhost`.
    pub origins: Vec<String>,
    /// The domain that passkeys are made for: that of the origins, or one above. It can never be changed without
    /// all passkeys being lost. Default: the domain of the first origin.
    pub id: Option<String>,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnusableOrigin(String);

/// Who came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// Somebody new under this name, who made a passkey for it. It counts once the account is there.
    Newcomer(UserId, Passkey),
    /// Whose passkey this is. It is as it must be stored now.
    Known(UserId, Passkey),
}

/// The gate at work.
pub(crate) struct Passkeys {
    webauthn: Webauthn,
    questions: Cache<HolderId, Question>,
}

#[derive(Clone)]
struct Question {
    since: Instant,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Register { user_id: UserId, handle: Uuid, state: PasskeyRegistration },
    SignIn(DiscoverableAuthentication),
}

impl Passkeys {
    pub(crate) fn new(config: &PasskeyConfig) -> Result<Self, UnusableOrigin> {
        let parse = |origin: &String| {
            let url = Url::parse(origin).map_err(|_| UnusableOrigin(format!("`{origin}` is no origin of a page")))?;
            // Elsewhere browsers have no passkeys.
            let is_secure = url.scheme() == "https" || (url.scheme() == "http" && url.domain() == Some("localhost"));
            let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let usable = is_secure && is_origin && url.domain().is_some();
            if usable { Ok(url) } else { Err(UnusableOrigin(format!("`{origin}` is no origin that has passkeys"))) }
        };
        let origins = config.origins.iter().map(parse).collect::<Result<Vec<Url>, _>>()?;
        let (first, others) = origins.split_first().ok_or_else(|| UnusableOrigin("no origin is named".to_owned()))?;
        let id = config.id.as_deref().or(first.domain()).unwrap_or_default();
        let refused = |_| UnusableOrigin(format!("`{id}` is not the domain of {first}, nor one above it"));
        let builder = WebauthnBuilder::new(id, first).map_err(refused)?.rp_name(id).timeout(PATIENCE);
        let builder = others.iter().fold(builder, WebauthnBuilder::append_allowed_origin);
        Ok(Self { webauthn: builder.build().map_err(refused)?, questions: Cache::new(QUESTIONS) })
    }

    /// Asks a device for a passkey: to make one for a name, or to use one that is there. What is given is for
    /// `navigator.credentials`, in JSON; no account is looked at for it.
    pub(crate) fn ask(&self, device: HolderId, name: Option<UserId>) -> Result<Vec<u8>, Refusal> {
        let (options, kind) = match name {
            Some(user_id) => {
                let handle = Uuid::new_v4();
                let name = user_id.as_str();
                let asked = self.webauthn.start_passkey_registration(handle, name, name, None);
                let (options, state) = asked.map_err(failed)?;
                let mut options = options_of(&options)?;
                // The library leaves it to the authenticator whether it can find the passkey by itself; here it must.
                if let Some(selection) = options.get_mut("authenticatorSelection").and_then(Value::as_object_mut) {
                    selection.insert("residentKey".to_owned(), "required".into());
                    selection.insert("requireResidentKey".to_owned(), true.into());
                }
                (options, Kind::Register { user_id, handle, state })
            }
            None => {
                let (options, state) = self.webauthn.start_discoverable_authentication().map_err(failed)?;
                (options_of(&options)?, Kind::SignIn(state))
            }
        };
        self.questions.insert(device, Question { since: Instant::now(), kind });
        Ok(options.to_string().into_bytes())
    }

    /// Checks a device's answer, in JSON, to what it was asked last. `find` looks up whose passkey it is.
    pub(crate) async fn admit<E: From<Refusal>>(
        &self,
        device: HolderId,
        answer: &[u8],
        find: impl AsyncFnOnce(Vec<u8>) -> Result<Option<(UserId, Passkey)>, E>,
    ) -> Result<SignedIn, E> {
        let question = self.questions.remove(&device).map(|(_, question)| question);
        let question = question.filter(|question| question.since.elapsed() < PATIENCE);
        match question.ok_or(NOT_ASKED)?.kind {
            Kind::Register { user_id, handle, state } => {
                let answer: RegisterPublicKeyCredential = parse(answer)?;
                let passkey = self.webauthn.finish_passkey_registration(&answer, &state).map_err(refused)?;
                Ok(SignedIn::Newcomer(user_id, stored(&passkey, handle)?))
            }
            Kind::SignIn(state) => {
                let answer: PublicKeyCredential = parse(answer)?;
                let (handle, credential) =
                    self.webauthn.identify_discoverable_authentication(&answer).map_err(refused)?;
                let found = find(credential.to_vec()).await?;
                let (user_id, known) = found.filter(|(_, known)| known.handle == *handle.as_bytes()).ok_or(UNKNOWN)?;
                let mut passkey: webauthn_rs::prelude::Passkey = parse(&known.key)?;
                let outcome =
                    self.webauthn.finish_discoverable_authentication_v2(&answer, state, &passkey).map_err(refused)?;
                passkey.update_credential(&outcome);
                Ok(SignedIn::Known(user_id, stored(&passkey, handle)?))
            }
        }
    }
}

const NOT_ASKED: Refusal = Refusal::Refused("this device was asked for no passkey, or too long ago");
/// One text for a passkey that is not known and for one that does not verify.
const UNKNOWN: Refusal = Refusal::Refused("the passkey is none of this server's");

fn refused(error: WebauthnError) -> Refusal {
    tracing::info!(%error, "a passkey was refused");
    UNKNOWN
}

/// Only randomness can fail here.
fn failed(error: WebauthnError) -> Refusal {
    tracing::error!(%error, "no passkey can be asked for");
    Refusal::Unavailable
}

fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(json).map_err(|_| Refusal::Refused("this is no answer of an authenticator"))
}

/// The options of a question: what stands in `publicKey`.
fn options_of(question: &impl serde::Serialize) -> Result<Value, Refusal> {
    let mut question = serde_json::to_value(question).map_err(|_| Refusal::Unavailable)?;
    Ok(question.get_mut("publicKey").map(Value::take).unwrap_or_default())
}

fn stored(passkey: &webauthn_rs::prelude::Passkey, handle: Uuid) -> Result<Passkey, Refusal> {
    let key = serde_json::to_vec(passkey).map_err(|_| Refusal::Unavailable)?;
    Ok(Passkey { credential: passkey.cred_id().to_vec(), handle: *handle.as_bytes(), key })
}

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passkeys({:?})", self.webauthn.get_allowed_origins())
    }
}
