//! The profile of requests: what a client signs and what a server checks before it believes who asks.
//!
//! Spec: `docs/spec/http.md`, "Requests".

use super::{
    base::{SignatureParams, parse_signature, signature_field, signature_input, signature_member},
    digest,
    fields::{self, Fields},
};
use crate::{Code, limits};
use keyfold_format::{HolderId, ServerId, Signature, VerifyingKey, id};

/// The one label of our signatures in `Signature` and `Signature-Input`.
pub const LABEL: &str = "kf";
const TAG: &str = "keyfold-request";

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes something, or asks with a body.
    Post,
    /// Ends something.
    Delete,
}

impl Method {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// 24 random bytes, fresh in every request: they bind the response to it, and let the server take it only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 24]);

impl Nonce {
    fn encode(&self) -> String {
        id::base64url(&self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        id::from_base64url(text).ok()?.try_into().ok().map(Self)
    }
}

/// What a client wants to ask, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, `/v1/…`, percent-encoded where it must be.
    pub path: String,
    /// The query without `?`; empty if there is none.
    pub query: String,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
}

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host, and port unless it is the scheme's own, in lower case: `keyfold.example`, `127.0.0.1:8787`.
    pub authority: String,
    /// The pinned server key's id.
    pub server: ServerId,
}

/// A request as it goes out: send these headers (beside `host`, which is `binding.authority()`) and keep the binding
/// for the response.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// What is asked.
    pub request: Request,
    /// Headers to send as they are.
    pub headers: Vec<(&'static str, String)>,
    /// What the response must be bound to.
    pub binding: Binding,
}

impl Request {
    /// Signs for `device`. `created` is in seconds since 1970; `sign` is Ed25519 over the bytes that it is given.
    pub fn sign(
        self,
        to: &Address,
        device: &HolderId,
        nonce: Nonce,
        created: u64,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Outgoing {
        let mut out = self.outgoing(&to.authority, nonce);
        out.headers.push((fields::SERVER, to.server.to_string()));
        let params = request_params(device, created);
        let server = to.server.to_string();
        // A base is refused only for values with line breaks, which no path of ours holds. Signing nothing then is
        // safe: the server answers `Unauthorized`.
        if let Some(base) = params.base(|name, _| out.binding.component(name, &server)) {
            let signature = sign(base.as_bytes());
            out.headers.push((fields::SIGNATURE_INPUT, signature_input(LABEL, &params)));
            out.headers.push((fields::SIGNATURE, signature_field(LABEL, &signature)));
            out.binding.signature = Some(signature);
        }
        out
    }

    /// Leaves unsigned, for what may be asked before a device is enrolled. The nonce binds the response all the same.
    pub fn unsigned(self, authority: &str, nonce: Nonce) -> Outgoing {
        self.outgoing(authority, nonce)
    }

    fn outgoing(self, authority: &str, nonce: Nonce) -> Outgoing {
        let digest = digest::content_digest(&self.body);
        let headers = vec![(fields::CONTENT_DIGEST, digest.clone()), (fields::NONCE, nonce.encode())];
        let binding = Binding {
            method: self.method.as_str().to_owned(),
            authority: authority.to_ascii_lowercase(),
            path: self.path.clone(),
            query: self.query.clone(),
            digest: Some(digest),
            nonce: Some(nonce.encode()),
            signature: None,
        };
        Outgoing { request: self, headers, binding }
    }
}

fn request_params(device: &HolderId, created: u64) -> SignatureParams {
    ["@method", "@authority", "@path", "@query", fields::CONTENT_DIGEST, fields::SERVER, fields::NONCE]
        .into_iter()
        .fold(SignatureParams::new(), SignatureParams::covering)
        .created(created)
        .param("keyid", &device.to_string())
        .param("alg", "ed25519")
        .param("tag", TAG)
}

/// What a response is bound to: the parts of its request, as they were sent or as they arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    method: String,
    authority: String,
    path: String,
    query: String,
    digest: Option<String>,
    nonce: Option<String>,
    signature: Option<Signature>,
}

impl Binding {
    /// From a request as it arrived, whatever else is wrong with it: errors are signed too. Fields that are absent or
    /// malformed are left out; a client of ours always sends them, and so believes no such response.
    pub fn of(method: &str, authority: &str, path: &str, query: &str, fields: &Fields) -> Self {
        let one = |name| fields.one(name).ok().flatten();
        Self {
            method: method.to_owned(),
            authority: authority.to_ascii_lowercase(),
            path: path.to_owned(),
            query: query.to_owned(),
            digest: one(fields::CONTENT_DIGEST).map(str::to_owned),
            nonce: one(fields::NONCE).map(str::to_owned),
            signature: one(fields::SIGNATURE).and_then(|field| parse_signature(field, LABEL).ok()),
        }
    }

    /// Host and port that the request names.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Adds what there is of the request to a response's signature.
    pub(super) fn cover(&self, mut params: SignatureParams) -> SignatureParams {
        for name in ["@method", "@authority", "@path", "@query"] {
            params = params.covering_request(name);
        }
        if self.digest.is_some() {
            params = params.covering_request(fields::CONTENT_DIGEST);
        }
        if self.nonce.is_some() {
            params = params.covering_request(fields::NONCE);
        }
        if self.signature.is_some() {
            params = params.covering_request_signature(LABEL);
        }
        params
    }

    pub(super) fn component(&self, name: &str, server: &str) -> Option<String> {
        Some(match name {
            "@method" => self.method.clone(),
            "@authority" => self.authority.clone(),
            "@path" => self.path.clone(),
            "@query" => format!("?{}", self.query),
            fields::CONTENT_DIGEST => self.digest.clone()?,
            fields::NONCE => self.nonce.clone()?,
            fields::SERVER => server.to_owned(),
            fields::SIGNATURE => signature_member(self.signature.as_ref()?),
            _ => return None,
        })
    }
}

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFault {
    /// A header is absent, repeated or malformed, or the digest is not the body's.
    #[error("the request's headers do not follow the protocol")]
    Malformed,
    /// Signed for another server key.
    #[error("the request is for another server")]
    WrongServer,
    /// The signature is not the profile's, or does not verify.
    #[error("the request's signature does not verify")]
    Unauthorized,
    /// Signed too long ago, or in the future.
    #[error("the request was signed at another time than now")]
    ClockSkew,
}

impl RequestFault {
    /// The stable code.
    pub fn code(self) -> Code {
        match self {
            Self::Malformed => Code::Malformed,
            Self::WrongServer => Code::WrongServer,
            Self::Unauthorized => Code::Unauthorized,
            Self::ClockSkew => Code::ClockSkew,
        }
    }
}

/// A request as it arrived, with its body.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// What the response will be bound to.
    pub binding: &'a Binding,
    /// The fields that the profile reads.
    pub fields: &'a Fields,
    /// The whole body.
    pub body: &'a [u8],
}

/// Who sent a request, as far as it can be told without a key.
#[derive(Clone, Debug)]
pub enum Sender {
    /// Nobody signed.
    Stranger(Nonce),
    /// Somebody says to be a device.
    Claimed(Claimed),
}

/// A signed request whose signature was not checked.
#[derive(Clone, Debug)]
pub struct Claimed {
    device: HolderId,
    created: u64,
    nonce: Nonce,
    base: String,
    signature: Signature,
}

/// A signed request whose signature and time were checked. The nonce is still to be taken, once, with the effect.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The device that signed.
    pub device: HolderId,
    /// Seconds since 1970, within the window.
    pub created: u64,
    /// To be taken once.
    pub nonce: Nonce,
}

impl Received<'_> {
    /// Checks the headers and the digest, and tells who is said to have sent this.
    pub fn sender(&self, server: &ServerId) -> Result<Sender, RequestFault> {
        let head = ReceivedHead { binding: self.binding, fields: self.fields };
        head.check_body(self.body)?;
        head.sender(server)
    }
}

/// A request whose body is still to arrive: the signature covers the digest, so who sent it can be told before.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedHead<'a> {
    /// What the response will be bound to.
    pub binding: &'a Binding,
    /// The fields that the profile reads.
    pub fields: &'a Fields,
}

impl ReceivedHead<'_> {
    /// Checks that this is the body that the digest names.
    pub fn check_body(&self, body: &[u8]) -> Result<(), RequestFault> {
        let digest = self.fields.one(fields::CONTENT_DIGEST).ok().flatten().ok_or(RequestFault::Malformed)?;
        if digest::matches(digest, body) { Ok(()) } else { Err(RequestFault::Malformed) }
    }

    /// Checks the headers, and tells who is said to have sent them. The body is to be checked when it is there.
    pub fn sender(&self, server: &ServerId) -> Result<Sender, RequestFault> {
        let one = |name| self.fields.one(name).map_err(|_| RequestFault::Malformed);
        let nonce = one(fields::NONCE)?.and_then(Nonce::parse).ok_or(RequestFault::Malformed)?;
        one(fields::CONTENT_DIGEST)?.ok_or(RequestFault::Malformed)?;
        let named = one(fields::SERVER)?;
        if named.is_some_and(|named| named != server.to_string()) {
            return Err(RequestFault::WrongServer);
        }
        let (input, signature) = match (one(fields::SIGNATURE_INPUT)?, one(fields::SIGNATURE)?) {
            (None, None) => return Ok(Sender::Stranger(nonce)),
            (Some(input), Some(signature)) => (input, signature),
            _ => return Err(RequestFault::Malformed),
        };
        let named = named.ok_or(RequestFault::Malformed)?;
        let params = SignatureParams::parse(input, LABEL).map_err(|_| RequestFault::Malformed)?;
        let signature = parse_signature(signature, LABEL).map_err(|_| RequestFault::Malformed)?;
        let device = params.text("keyid").and_then(|t| t.parse().ok()).ok_or(RequestFault::Malformed)?;
        let created = params.created_seconds().ok_or(RequestFault::Malformed)?;
        // One profile: a signature that covers less, more or in another order is not ours.
        if params.serialize() != request_params(&device, created).serialize() {
            return Err(RequestFault::Unauthorized);
        }
        let base = params.base(|name, _| self.binding.component(name, named)).ok_or(RequestFault::Malformed)?;
        Ok(Sender::Claimed(Claimed { device, created, nonce, base, signature }))
    }
}

impl Claimed {
    /// The device that is said to have signed: the key to look up.
    pub fn device(&self) -> &HolderId {
        &self.device
    }

    /// When it says that it was signed, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Verifies with the device's key, at `now` in seconds since 1970.
    pub fn verify(self, key: &VerifyingKey, now: u64) -> Result<Verified, RequestFault> {
        key.verify_message(self.base.as_bytes(), &self.signature).map_err(|_| RequestFault::Unauthorized)?;
        if self.created.abs_diff(now) > limits::WINDOW_SECONDS {
            return Err(RequestFault::ClockSkew);
        }
        Ok(Verified { device: self.device, created: self.created, nonce: self.nonce })
    }
}
