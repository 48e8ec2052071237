//! One exchange with the server: signed, sent, verified. An answer that the server did not sign is no answer.

pub(super) use super::line::{Answer, not_ours};
use super::{
    Session,
    line::{Heard, Line, nonce, send},
};
use crate::{
    Error, Result,
    host::Host,
    machine::{ServerPin, server::ServerUrl},
};
use keyfold_format::Malformed;
use keyfold_protocol::{
    Code, Details, ErrorBody,
    signing::{BadServerSignature, Method, Nonce, Outgoing, Reply, Request},
    wire::Info,
};
use std::sync::Arc;

/// How far the server's clock may be from this device's to be gone by: what a wrong time zone makes, and no more.
const CLOCK_BOUND_MS: u64 = 24 * 60 * 60 * 1_000;

impl<H: Host> Session<H> {
    /// Asks the server of this home; a refusal is an error.
    pub(super) async fn ask<T>(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let bytes = self.exchange(method, path, body).await?.map_err(Error::from)?;
        decode_answer(&bytes, decode)
    }

    /// Asks the server of this home; a refusal is for the caller to look at.
    pub(super) async fn exchange(&mut self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer> {
        let mut server = self.belief.enrolled()?.server.clone();
        let request = Request { method, path: path.to_owned(), query: String::new(), body: body.clone() };
        let answer = match self.converse(&server, request).await? {
            Some(answer) => answer,
            // Of another key the server's word counts only if the pinned one leads there.
            None => {
                if !self.follow_server().await? {
                    return Err(BadServerSignature.into());
                }
                server = self.belief.enrolled()?.server.clone();
                self.exchange_with(&server, method, path, body.clone()).await?
            }
        };
        if matches!(&answer, Err(refusal) if refusal.code == Code::Unauthorized) && self.renewed().await? {
            return self.exchange_with(&server, method, path, body).await;
        }
        Ok(answer)
    }

    /// The same, of a server that is not this home's yet. A clock that is off is set right once.
    pub(super) async fn exchange_with(
        &mut self,
        server: &ServerPin,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer> {
        let request = Request { method, path: path.to_owned(), query: String::new(), body };
        match self.converse(server, request).await? {
            Some(answer) => Ok(answer),
            None => Err(BadServerSignature.into()),
        }
    }

    async fn converse(&mut self, server: &ServerPin, request: Request) -> Result<Heard> {
        let heard = self.send_signed(server, request.clone()).await?;
        match heard {
            Some(Err(ErrorBody { code: Code::ClockSkew, details: Some(Details::Time(time_ms)), .. })) => {
                self.set_clock(time_ms)?;
                self.send_signed(server, request).await
            }
            heard => Ok(heard),
        }
    }

    async fn send_signed(&self, server: &ServerPin, request: Request) -> Result<Heard> {
        self.line(server).ask(request).await
    }

    /// The way to a server, as it is known now.
    pub(super) fn line(&self, server: &ServerPin) -> Line<H> {
        Line {
            host: Arc::clone(&self.host),
            device: Arc::clone(&self.device),
            id: self.device_id(),
            server: server.clone(),
            skew_ms: self.skew_ms,
        }
    }

    /// What a server says about itself. The answer is verified with `key`, the one that this leads to, or with the key
    /// that it names itself.
    pub(super) async fn server_info(
        &mut self,
        url: &ServerUrl,
        key: Option<keyfold_format::VerifyingKey>,
    ) -> Result<Info> {
        let request = Request {
            method: Method::Get,
            path: keyfold_protocol::route::INFO.to_owned(),
            query: String::new(),
            body: Vec::new(),
        };
        let out = request.unsigned(url.authority(), self.nonce());
        let reply = self.send(url, &out).await?;
        let wrong = || {
            Error::new(Code::WrongServerKey, "the server does not have the key that you named")
                .hint("Compare the key with the one that `keyfold serve` printed, by another way than this connection.")
        };
        let (info, verified) = Info::on_first_use(reply, &out.binding)?;
        if let Some(key) = key
            && info.server_key != key
            && self.later_keys(url, &key).await?.and_then(|keys| keys.last().copied()) != Some(info.server_key)
        {
            return Err(wrong());
        }
        // The reply is bound to our nonce, so its time is now.
        // A clock that is right to a few seconds is left alone: the network's delay would make it worse.
        if self.now_ms().abs_diff(verified.time_ms) > 30_000 {
            self.set_clock(verified.time_ms)?;
        }
        Ok(info)
    }

    pub(super) async fn send(&self, url: &ServerUrl, out: &Outgoing) -> Result<Reply> {
        Ok(send(&*self.host, url, out).await?)
    }

    pub(super) fn nonce(&self) -> Nonce {
        nonce(&*self.host)
    }

    /// Goes by the server's clock, if it is near enough. One that runs ahead would have this account's entries dated
    /// ahead, and every later entry of everybody must not be before them.
    fn set_clock(&mut self, server_ms: u64) -> Result<()> {
        let host_ms = self.host.now_ms();
        if host_ms.abs_diff(server_ms) > CLOCK_BOUND_MS {
            return Err(Error::new(Code::ClockSkew, "this device's clock and the server's are more than a day apart")
                .hint(format!(
                    "This device's is {} days {} the server's. Set it; if it is right the server's is wrong, and only its operator can mend it.",
                    host_ms.abs_diff(server_ms) / CLOCK_BOUND_MS,
                    if host_ms > server_ms { "ahead of" } else { "behind" },
                )));
        }
        self.skew_ms = server_ms.wrapping_sub(host_ms).cast_signed();
        Ok(())
    }
}

pub(super) fn decode_answer<T>(bytes: &[u8], decode: impl FnOnce(&[u8]) -> Result<T, Malformed>) -> Result<T> {
    decode(bytes).map_err(|_| not_ours())
}
