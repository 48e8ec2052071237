//! The profile of responses: signed always, errors too, and bound to their request by its nonce.
//!
//! A reply that does not verify is a network error, never a verdict: whoever sits between may cut a connection, but
//! may not say `UnknownUser`.
//!
//! Spec: `docs/spec/http.md`, "Responses".

use super::{
    base::{SignatureParams, parse_signature, signature_field, signature_input},
    digest,
    fields::{self, Fields},
    request::{Binding, LABEL},
};
use crate::Code;
use keyfold_format::{ServerId, Signature, VerifyingKey};

const TAG: &str = "keyfold-response";

pub use keyfold_format::id::server_id;

/// What a server is about to answer.
#[derive(Clone, Copy, Debug)]
pub struct ReplyHead<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The server's time in milliseconds since 1970.
    pub time_ms: u64,
    /// The whole body.
    pub body: &'a [u8],
}

/// Signs a response; the headers that it gives are to be sent as they are.
pub fn sign_response(
    reply: ReplyHead<'_>,
    binding: &Binding,
    server: &ServerId,
    sign: impl FnOnce(&[u8]) -> Signature,
) -> Vec<(&'static str, String)> {
    let digest = digest::content_digest(reply.body);
    let time = reply.time_ms.to_string();
    let params = response_params(binding, server, reply.time_ms / 1_000);
    let mut headers = vec![(fields::CONTENT_DIGEST, digest.clone()), (fields::TIME, time.clone())];
    if let Some(base) = base(&params, reply.status, &digest, &time, binding) {
        headers.push((fields::SIGNATURE_INPUT, signature_input(LABEL, &params)));
        headers.push((fields::SIGNATURE, signature_field(LABEL, &sign(base.as_bytes()))));
    }
    headers
}

fn response_params(binding: &Binding, server: &ServerId, created: u64) -> SignatureParams {
    let own = ["@status", fields::CONTENT_DIGEST, fields::TIME]
        .into_iter()
        .fold(SignatureParams::new(), SignatureParams::covering);
    binding.cover(own).created(created).param("keyid", &server.to_string()).param("alg", "ed25519").param("tag", TAG)
}

fn base(params: &SignatureParams, status: u16, digest: &str, time: &str, binding: &Binding) -> Option<String> {
    params.base(|name, of_request| match (name, of_request) {
        ("@status", false) => Some(status.to_string()),
        (fields::CONTENT_DIGEST, false) => Some(digest.to_owned()),
        (fields::TIME, false) => Some(time.to_owned()),
        (name, true) => binding.component(name, ""),
        _ => None,
    })
}

/// A reply that is not, or not provably, the pinned server's answer to this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not signed by the server that was asked")]
pub struct BadServerSignature;

impl BadServerSignature {
    /// The stable code.
    pub fn code(self) -> Code {
        Code::BadServerSignature
    }
}

/// A reply as it arrived. It says nothing before [`Reply::verify`].
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The fields that the profile reads.
    pub fields: Fields,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A reply that the server signed, in answer to the request that it was verified against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The HTTP status.
    pub status: u16,
    /// The server's time in milliseconds since 1970. It is fresh, whatever the own clock says: the signature covers
    /// the nonce of the request.
    pub time_ms: u64,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The server that says that it signed, checked by nobody: enough to know that it is another key than the pinned one.
    pub fn claimed_server(&self) -> Option<ServerId> {
        let input = self.fields.one(fields::SIGNATURE_INPUT).ok()??;
        SignatureParams::parse(input, LABEL).ok()?.text("keyid")?.parse().ok()
    }

    /// Verifies with the pinned server key.
    pub fn verify(self, binding: &Binding, key: &VerifyingKey) -> Result<Verified, BadServerSignature> {
        let one = |name| self.fields.one(name).ok().flatten().ok_or(BadServerSignature);
        let (digest, time) = (one(fields::CONTENT_DIGEST)?, one(fields::TIME)?);
        let time_ms: u64 = time.parse().map_err(|_| BadServerSignature)?;
        let params = SignatureParams::parse(one(fields::SIGNATURE_INPUT)?, LABEL).map_err(|_| BadServerSignature)?;
        let signature = parse_signature(one(fields::SIGNATURE)?, LABEL).map_err(|_| BadServerSignature)?;
        // One profile: what must be covered is computed here, never taken from the reply.
        let expected = response_params(binding, &server_id(key), time_ms / 1_000);
        if params.serialize() != expected.serialize() || !digest::matches(digest, &self.body) {
            return Err(BadServerSignature);
        }
        let base = base(&expected, self.status, digest, time, binding).ok_or(BadServerSignature)?;
        key.verify_message(base.as_bytes(), &signature).map_err(|_| BadServerSignature)?;
        Ok(Verified { status: self.status, time_ms, body: self.body })
    }
}
