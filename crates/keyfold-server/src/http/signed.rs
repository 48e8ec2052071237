//! Around every route: finds out who asks, then reads the body that he may send, and signs the answer whatever it is.

use super::{App, Peer, body::Held};
use crate::{
    clock,
    domain::{Caller, Fault, Guest, fault, logged_out, request_clock_skew, unknown_user},
    store::Once,
};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderName, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use keyfold_format::{HolderId, VerifyingKey};
use keyfold_protocol::{
    Code, route,
    signing::{
        Binding, Fields, ReceivedHead, ReplyHead, Sender, fields,
        request::{Claimed, RequestFault, Verified},
        sign_response,
    },
};
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// The middleware.
pub(super) async fn signed(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let fields = read_fields(&parts);
    let binding = Binding::of(
        parts.method.as_str(),
        authority(&parts),
        parts.uri.path(),
        parts.uri.query().unwrap_or_default(),
        &fields,
    );
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let started = Instant::now();
    let answer = match admit(&app, parts, body, &fields, &binding).await {
        // The body's memory is the request's until it is answered.
        Ok((request, _memory)) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    // Paths hold ids at most; queries and bodies are never logged.
    tracing::info!(%method, path, status = answer.status().as_u16(), took = ?started.elapsed(), "answered");
    sign(&app, answer, &binding).await
}

fn read_fields(parts: &Parts) -> Fields {
    let mut read = Fields::default();
    for name in fields::ALL {
        for value in parts.headers.get_all(name) {
            // What is not ASCII is no field of ours; it then counts as malformed, not as absent.
            read.push(name, value.to_str().unwrap_or("?"));
        }
    }
    read
}

fn authority(parts: &Parts) -> &str {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    parts.uri.authority().map(|a| a.as_str()).or(host).unwrap_or_default()
}

/// Who asks, and what; or why it is not let in. The memory is that of the body.
async fn admit(
    app: &App,
    parts: Parts,
    body: Body,
    fields: &Fields,
    binding: &Binding,
) -> Result<(Request, Option<OwnedSemaphorePermit>), Fault> {
    if let Some(peer) = parts.extensions.get::<Peer>() {
        app.domain.admit_address(peer.origin)?;
    }
    let head = ReceivedHead { binding, fields };
    let asking = match head.sender(&app.domain.secrets.id()) {
        Ok(Sender::Stranger(_)) => Ok(Asking::Stranger),
        Ok(Sender::Claimed(claimed)) => identify(app, claimed).await,
        Err(refused) => Err(refused.into()),
    };
    let member = matches!(asking, Ok(Asking::Device { logged_in: true, .. } | Asking::Guest(_)));
    let held = app.bodies.read(body, member).await;
    let asking = match &held {
        Err(late) if late.code() == Code::Timeout => return Err(late.clone()),
        _ => asking?,
    };
    let Held { bytes, memory } = held.map_err(|refused| match &asking {
        // A smaller body would not help these.
        Asking::Newcomer(_) if ![route::ACCOUNTS, route::VISITS, route::VISITS_PASSKEY].contains(&parts.uri.path()) => {
            unknown_device()
        }
        Asking::Device { logged_in: false, .. } => logged_out(),
        _ => refused,
    })?;
    head.check_body(&bytes)?;
    let mut request = Request::from_parts(parts, Body::from(bytes));
    request.extensions_mut().insert(asking);
    Ok((request, memory))
}

/// Who asks.
#[derive(Clone)]
enum Asking {
    /// Nobody signed.
    Stranger,
    /// Signed by a device that no account has; the signature is not checked.
    Newcomer(Claimed),
    /// A device that visits, verified.
    Guest(Guest),
    /// A device that visits by a passkey of which nobody knew, verified. It may found an account, and see none: one that
    /// has its name meanwhile is somebody else's.
    Founder(Once),
    /// A device of an account, verified.
    Device { caller: Caller, logged_in: bool },
}

async fn identify(app: &App, claimed: Claimed) -> Result<Asking, Fault> {
    let Some(device) = app.domain.device(*claimed.device()).await? else {
        let Some(visitor) = app.domain.visitor(*claimed.device()).await? else { return Ok(Asking::Newcomer(claimed)) };
        let once = verify(claimed, &visitor.signing_key)?;
        return Ok(match visitor.passkey {
            Some(_) => Asking::Founder(once),
            None => Asking::Guest(Guest { user_id: visitor.user_id, once }),
        });
    };
    let once = verify(claimed, &device.signing_key)?;
    if device.expires_ms.is_some_and(|at| at <= clock::now_ms()) {
        return Err(enrolment_expired());
    }
    app.domain.admit_account(device.account)?;
    app.domain.device_is_used(once.device, &device);
    Ok(Asking::Device { caller: Caller { account: device.account, once }, logged_in: device.session_since.is_some() })
}

fn verify(claimed: Claimed, key: &VerifyingKey) -> Result<Once, Fault> {
    let created = claimed.created();
    let verified = claimed.verify(key, clock::now_ms() / 1_000).map_err(|refused| match refused {
        RequestFault::ClockSkew => request_clock_skew(created),
        other => other.into(),
    })?;
    let Verified { device, created, nonce } = verified;
    Ok(Once { device, nonce, created })
}

/// Extracts an enrolled device that is logged in.
pub(super) struct Member(pub(super) Caller);

/// Extracts an enrolled device, logged in or not.
pub(super) struct Enrolled(pub(super) Caller);

/// Extracts whoever signed, to be verified with the key that [`Newcomer::verify`] is given.
pub(super) struct Newcomer(Asking);

impl Newcomer {
    /// Verifies with `key`, which is found in the body by the device that is said to have signed.
    pub(super) fn verify(
        self,
        key: impl FnOnce(&keyfold_format::HolderId) -> Result<VerifyingKey, Fault>,
    ) -> Result<(Once, VerifyingKey), Fault> {
        match self.0 {
            Asking::Stranger => Err(unsigned()),
            Asking::Newcomer(claimed) => {
                let key = key(claimed.device())?;
                Ok((verify(claimed, &key)?, key))
            }
            Asking::Guest(Guest { once, .. }) | Asking::Founder(once) => Ok((once, key(&once.device)?)),
            // Signing up once more, after a lost reply.
            Asking::Device { caller, .. } => Ok((caller.once, key(&caller.once.device)?)),
        }
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Fault> {
        match enrolled(parts)? {
            (caller, true) => Ok(Self(caller)),
            (_, false) => Err(logged_out()),
        }
    }
}

/// Extracts a device that visits.
pub(super) struct Visiting(pub(super) Guest);

impl FromRequestParts<App> for Visiting {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Fault> {
        match parts.extensions.get::<Asking>() {
            Some(Asking::Guest(guest)) => Ok(Self(guest.clone())),
            Some(Asking::Founder(_)) => Err(unknown_user()),
            Some(Asking::Device { .. }) => Err(fault(Code::NotAllowed, "an account has this device already")),
            Some(Asking::Newcomer(_)) => Err(unknown_device()),
            _ => Err(unsigned()),
        }
    }
}

/// Extracts an enrolled device that is logged in, or one that visits.
pub(super) enum MemberOrGuest {
    Member(Caller),
    Guest(Guest),
}

impl FromRequestParts<App> for MemberOrGuest {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        match parts.extensions.get::<Asking>() {
            Some(Asking::Guest(guest)) => Ok(Self::Guest(guest.clone())),
            Some(Asking::Founder(_)) => Err(unknown_user()),
            _ => Member::from_request_parts(parts, app).await.map(|Member(caller)| Self::Member(caller)),
        }
    }
}

/// Extracts a device that visits or that an account has, logged in or not.
pub(super) struct AnyDevice(pub(super) HolderId);

impl FromRequestParts<App> for AnyDevice {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Fault> {
        match parts.extensions.get::<Asking>() {
            Some(Asking::Guest(guest)) => Ok(Self(guest.once.device)),
            _ => enrolled(parts).map(|(caller, _)| Self(caller.once.device)),
        }
    }
}

impl FromRequestParts<App> for Enrolled {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Fault> {
        enrolled(parts).map(|(caller, _)| Self(caller))
    }
}

impl FromRequestParts<App> for Newcomer {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Fault> {
        parts.extensions.get::<Asking>().cloned().map(Self).ok_or_else(unsigned)
    }
}

fn enrolled(parts: &Parts) -> Result<(Caller, bool), Fault> {
    match parts.extensions.get::<Asking>() {
        Some(Asking::Device { caller, logged_in }) => Ok((*caller, *logged_in)),
        Some(Asking::Newcomer(_)) => Err(unknown_device()),
        _ => Err(unsigned()),
    }
}

fn unknown_device() -> Fault {
    fault(Code::UnknownDevice, "no account has this device")
}

fn enrolment_expired() -> Fault {
    fault(Code::EnrolmentExpired, "the text for this device was not used in time")
        .hint("make another one on a device that is in")
}

fn unsigned() -> Fault {
    fault(Code::Unauthorized, "the request is not signed by a device")
}

/// Signs the answer, bound to its request.
async fn sign(app: &App, answer: Response, binding: &Binding) -> Response {
    let (mut head, body) = answer.into_parts();
    // Bodies of ours are whole in memory already.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let secrets = &app.domain.secrets;
    let reply = ReplyHead { status: head.status.as_u16(), time_ms: clock::now_ms(), body: &body };
    for (name, value) in sign_response(reply, binding, &secrets.id(), |base| secrets.sign(base)) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            head.headers.insert(HeaderName::from_static(name), value);
        }
    }
    Response::from_parts(head, Body::from(body))
}
