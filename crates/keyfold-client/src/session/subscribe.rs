//! The handshake of the event stream, for whoever holds the socket: what to sign, and whether the answer is the
//! server's.

use super::Session;
use crate::{Error, Result, host::Host, machine::ServerPin};
use keyfold_format::{HolderId, label::SignatureLabel};
use keyfold_protocol::{
    events::{Challenge, Subscribe, Welcome},
    route,
    signing::BadServerSignature,
};

/// A device that asks for events.
#[derive(Clone, Debug)]
pub struct Subscription {
    server: ServerPin,
    device: HolderId,
}

impl Subscription {
    /// Where the socket is.
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url.websocket(), route::EVENTS)
    }

    /// Whether the server signed for this very handshake. Events follow of what happens from now on; what happened
    /// before, a catch-up brings, which is to be done once this has returned.
    ///
    /// No cursor is kept: events are not signed, and whoever can slip one in could move it past what is to come.
    pub fn welcomed(&self, challenge: &Challenge, sent: &Subscribe, welcome: &Welcome) -> Result<()> {
        welcome.verify(&self.server.key, challenge, sent).map_err(|_| BadServerSignature.into())
    }
}

impl<H: Host> Session<H> {
    /// To follow events from now on. `LoggedOut`.
    pub fn subscription(&self) -> Result<Subscription> {
        self.belief.own()?;
        let server = self.belief.enrolled()?.server.clone();
        Ok(Subscription { server, device: self.device_id() })
    }

    /// Answers the server's challenge with the device's signature.
    pub fn answer(&self, subscription: &Subscription, challenge: &Challenge) -> Result<Subscribe> {
        let mut nonce = [0; 32];
        self.host.random(&mut nonce);
        let Subscription { server, device } = subscription;
        let after = None;
        let created = self.now_ms() / 1_000;
        let message = Subscribe::message(&server.id(), challenge, &nonce, after, created);
        // The key signs under a label only, so that nothing else can ever be had signed by it.
        let label = SignatureLabel::Events;
        let labelled = message.strip_prefix(label.as_str().as_bytes()).and_then(|rest| rest.strip_prefix(&[0]));
        let parts = labelled.ok_or_else(|| Error::internal("the message of a subscription has another label"))?;
        let signature = self.device.signing.sign(label, &[parts]);
        Ok(Subscribe { device: *device, after, nonce, created, signature })
    }
}
