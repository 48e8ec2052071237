//! The way to the server, in the name of a device: apart from the session, so that a vault's storage is asked while
//! the session does something else.

use crate::{
    Error, Result,
    host::{Host, HttpRequest, HttpResponse, Unreachable},
    machine::{ServerPin, server::ServerUrl},
};
use keyfold_core::device::DeviceKeys;
use keyfold_format::HolderId;
use keyfold_protocol::{
    Code, ErrorBody,
    signing::{Address, Fields, Nonce, Outgoing, Reply, Request, fields, response::Verified},
};
use std::sync::Arc;

/// What a server said: yes with a body, or no.
pub(super) type Answer = std::result::Result<Vec<u8>, ErrorBody>;

/// What came of a request: `None` for something that another key than the pinned one is said to have signed, which is no
/// answer so far.
pub(super) type Heard = Option<Answer>;

/// A device, and the server of its home.
pub(crate) struct Line<H> {
    pub(super) host: Arc<H>,
    pub(super) device: Arc<DeviceKeys>,
    pub(super) id: HolderId,
    pub(super) server: ServerPin,
    /// What the server's clock is ahead of ours.
    pub(super) skew_ms: i64,
}

impl<H> Line<H> {
    /// The same device and server, through another host.
    pub(crate) fn through(&self, host: Arc<H>) -> Self {
        let Self { device, id, server, skew_ms, .. } = self;
        Self { host, device: Arc::clone(device), id: *id, server: server.clone(), skew_ms: *skew_ms }
    }
}

impl<H: Host> Line<H> {
    /// Sends a request, signed, and verifies the answer. Where a connection broke it is sent once more as it is, since
    /// it takes effect once at most.
    pub(crate) async fn ask(&self, request: Request) -> Result<Heard> {
        let to = Address { authority: self.server.url.authority().to_owned(), server: self.server.id() };
        let created = self.host.now_ms().saturating_add_signed(self.skew_ms) / 1_000;
        let sign = |base: &[u8]| self.device.signing.sign_message(base);
        let out = request.sign(&to, &self.id, nonce(&*self.host), created, sign);
        let (reply, lost) = match send(&*self.host, &self.server.url, &out).await {
            Ok(reply) => (reply, None),
            Err(lost) if lost.broke => (send(&*self.host, &self.server.url, &out).await?, Some(lost)),
            Err(lost) => return Err(lost.into()),
        };
        let claimed = reply.claimed_server();
        match reply.verify(&out.binding, &self.server.key) {
            Ok(verified) => match (answer(verified)?, lost) {
                // It had taken effect, and what was said then is lost.
                (Err(refusal), Some(lost)) if refusal.code == Code::Replayed => Err(lost.into()),
                (answer, _) => Ok(Some(answer)),
            },
            Err(_) if claimed.is_some_and(|claimed| claimed != self.server.id()) => Ok(None),
            Err(bad) => Err(bad.into()),
        }
    }
}

/// Sends a request as it is. The reply is not verified.
pub(super) async fn send(host: &impl Host, url: &ServerUrl, out: &Outgoing) -> std::result::Result<Reply, Unreachable> {
    let request = HttpRequest {
        method: out.request.method,
        url: format!("{}{}", url.http(), out.request.path),
        headers: out.headers.clone(),
        body: out.request.body.clone(),
    };
    let HttpResponse { status, headers, body } = host.exchange(request).await?;
    let known = headers.into_iter().filter(|(name, _)| fields::ALL.iter().any(|ours| name.eq_ignore_ascii_case(ours)));
    Ok(Reply { status, fields: known.collect::<Fields>(), body })
}

pub(super) fn nonce(host: &impl Host) -> Nonce {
    let mut nonce = [0; 24];
    host.random(&mut nonce);
    Nonce(nonce)
}

/// A verified reply is the server's word, yes or no.
fn answer(reply: Verified) -> Result<Answer> {
    match reply.status {
        200..=299 => Ok(Ok(reply.body)),
        _ => ErrorBody::decode(&reply.body).map(Err).map_err(|_| not_ours()),
    }
}

/// Signed by the server, and not what was asked for: a server of another release, or a broken one.
pub(crate) fn not_ours() -> Error {
    Error::new(Code::Unsupported, "the server's answer is not one that this release understands")
        .hint("Update keyfold here or on the server.")
}
