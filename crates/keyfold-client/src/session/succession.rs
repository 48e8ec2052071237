//! Following a server to its next key: what it shows must lead on from the pinned one, signed step by step, and the
//! answer must be signed with the newest. Nobody who lacks the pinned key can make the first step.
//!
//! Spec: `docs/spec/http.md`, "The server's next key".

use super::Session;
use crate::{
    Result,
    host::Host,
    machine::{ServerPin, record, server::ServerUrl},
};
use keyfold_format::{VerifyingKey, cbor};
use keyfold_protocol::{
    route,
    signing::{Method, Request},
    wire::Successions,
};

impl<H: Host> Session<H> {
    /// Follows the server of this home, if it has a next key. Whether it has. It is durable when this returns.
    pub async fn follow_server(&mut self) -> Result<bool> {
        let server = self.belief.enrolled()?.server.clone();
        let Some(keys) = self.later_keys(&server.url, &server.key).await? else { return Ok(false) };
        self.pin(server.followed(&keys)).await?;
        Ok(true)
    }

    /// The keys of a server after `pinned`, the newest last. `None` if it shows none that can be believed.
    pub(super) async fn later_keys(&self, url: &ServerUrl, pinned: &VerifyingKey) -> Result<Option<Vec<VerifyingKey>>> {
        let request =
            Request { method: Method::Get, path: route::SUCCESSION.to_owned(), query: String::new(), body: Vec::new() };
        let out = request.unsigned(url.authority(), self.nonce());
        let reply = self.send(url, &out).await?;
        Ok(Successions::from_pinned(reply, &out.binding, pinned).ok())
    }

    /// In a commit of its own, since an operation is under way that may still come to nothing. A home that is only about
    /// to be somebody's has nothing to change yet, and becomes so with this pin.
    async fn pin(&mut self, server: ServerPin) -> Result<()> {
        let mut enrolled = self.belief.enrolled()?.clone();
        enrolled.server = server;
        if self.belief.is_staged(record::ENROLLED) {
            self.keep_enrolled(enrolled);
            return Ok(());
        }
        if self.host.load(record::ENROLLED).await?.is_some() {
            self.host.commit(vec![(record::ENROLLED.to_owned(), Some(cbor::encode(&enrolled).into()))]).await?;
        }
        self.belief.enrolled = Some(enrolled);
        Ok(())
    }
}
