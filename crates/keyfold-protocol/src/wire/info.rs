//! What a server says about itself to anybody.

use crate::{
    record::{numbered, record},
    signing::{BadServerSignature, Binding, Reply, response::Verified},
};
use keyfold_format::{
    ServerId, VerifyingKey,
    succession::{self, Succession},
};

record! {
    /// `GET /v1/info`.
    Info {
        /// The server's signing key.
        server_key: VerifyingKey,
        /// `H("KF1 server id", server key)`.
        server_id: ServerId,
        /// Milliseconds since 1970.
        time_ms: u64,
        /// The server's version.
        version: String,
        /// The oldest client version that it serves.
        oldest_client: String,
        /// How accounts are let in.
        gate: Gate,
        /// Its limits.
        limits: Limits,
    }

    /// `GET /v1/succession`.
    Successions {
        /// The steps to the server's key from those that it had before, oldest first; the newest, if there are many.
        steps: Vec<Succession>,
    }

    /// What a server takes at most.
    Limits {
        /// Body of a request, in bytes.
        body_bytes: u64,
        /// User ids of one look-up.
        lookups: u32,
        /// Ledgers of one sync.
        ledgers: u32,
    }
}

numbered! {
    /// How accounts are let in.
    Gate {
        /// Everybody; on loopback addresses only.
        Open = 0,
        /// By an OpenID provider's token.
        Oidc = 1,
        /// By a passkey.
        Passkey = 2,
    }
}

impl Info {
    /// Reads the first answer of a server whose key is not pinned yet, and verifies it with the key that it names.
    /// That proves nothing about whose server it is; it makes sure that what is pinned signs.
    pub fn on_first_use(reply: Reply, binding: &Binding) -> Result<(Self, Verified), BadServerSignature> {
        let claimed = Self::decode(&reply.body).map_err(|_| BadServerSignature)?;
        let verified = reply.verify(binding, &claimed.server_key)?;
        Ok((claimed, verified))
    }
}

impl Successions {
    /// Reads how a server came to its key from the one that was pinned, and verifies the answer with the newest: whoever
    /// shows another server's steps does not have that. Gives the keys after the pinned one, the newest last.
    pub fn from_pinned(
        reply: Reply,
        binding: &Binding,
        pinned: &VerifyingKey,
    ) -> Result<Vec<VerifyingKey>, BadServerSignature> {
        let claimed = Self::decode(&reply.body).map_err(|_| BadServerSignature)?;
        let keys = succession::follow(&claimed.steps, pinned).map_err(|_| BadServerSignature)?;
        let newest = keys.last().ok_or(BadServerSignature)?;
        let verified = reply.verify(binding, newest)?;
        if verified.status == 200 { Ok(keys) } else { Err(BadServerSignature) }
    }
}
