//! What a server says about itself to anybody.

use crate::{
    record::{numbered, record},
    signing::{BadServerSignature, Binding, Reply, response::Verified},
};
use keyfold_format::{ServerId, VerifyingKey};

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
