//! What the server does, in words of the product: accounts, sessions, scopes, events. Routes call it, it calls the
//! store; it decides nothing that the ledgers' replay decides.

mod account_entries;
mod accounts;
mod events;
mod fault;
mod groups;
mod ledgers;
mod missing;
mod replay;
mod scopes;
mod sessions;
mod wraps;

use crate::{
    hub::Hub,
    limits::{Buckets, Origin, Rates},
    secrets::Secrets,
    store::{Once, Store},
};
pub(crate) use fault::{Fault, fault, logged_out, too_large};
use keyfold_format::ScopeId;
use keyfold_protocol::wire::Gate;
use missing::Missing;
use replay::Replayed;
use std::{sync::Arc, time::Instant};

/// The domain, with everything it needs.
pub(crate) struct Domain {
    pub(crate) secrets: Secrets,
    pub(crate) hub: Arc<Hub>,
    pub(crate) gate: Gate,
    store: Arc<dyn Store>,
    replayed: Replayed,
    missing: Missing,
    addresses: Buckets<Origin>,
    requests: Buckets<ScopeId>,
    lookups: Buckets<ScopeId>,
}

/// Who asks: an enrolled device that is logged in, or is about to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: ScopeId,
    pub(crate) once: Once,
}

impl Domain {
    pub(crate) fn new(store: Arc<dyn Store>, hub: Arc<Hub>, secrets: Secrets, gate: Gate, rates: Rates) -> Self {
        Self {
            secrets,
            hub,
            gate,
            replayed: Replayed::new(),
            missing: Missing::new(),
            store,
            addresses: Buckets::new(rates.address),
            requests: Buckets::new(rates.account),
            lookups: Buckets::new(rates.lookup),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn admit_address(&self, address: Origin) -> Result<(), Fault> {
        self.addresses.take(address, 1.0, Instant::now()).map_err(fault::rate_limited)
    }

    /// Counts a request of an account.
    pub(crate) fn admit_account(&self, account: ScopeId) -> Result<(), Fault> {
        self.requests.take(account, 1.0, Instant::now()).map_err(fault::rate_limited)
    }

    /// Whether the store answers.
    pub(crate) async fn ready(&self) -> bool {
        self.store.cursor().await.is_ok()
    }
}
