//! What the server does, in words of the product: accounts, sessions, scopes, events. Routes call it, it calls the
//! store; it decides nothing that the ledgers' replay decides.

mod account_entries;
mod accounts;
mod enrolments;
mod events;
mod fault;
mod groups;
mod ledgers;
pub(crate) mod mirror;
mod missing;
mod passwords;
mod replay;
mod scopes;
mod sessions;
mod storage;
mod visits;
mod wraps;

use crate::{
    gate::Keeper,
    hub::Hub,
    limits::{Buckets, Origin, Rates},
    opaque::Opaque,
    secrets::Secrets,
    store::{Once, Store},
};
pub(crate) use fault::{Fault, fault, logged_out, request_clock_skew, too_large, unknown_user};
use keyfold_format::{ScopeId, UserId};
use missing::Missing;
use replay::Replayed;
use std::{sync::Arc, time::Instant};
use tokio::sync::Notify;
pub(crate) use visits::Guest;

/// The domain, with everything it needs.
pub(crate) struct Domain {
    pub(crate) secrets: Secrets,
    pub(crate) hub: Arc<Hub>,
    pub(crate) gate: Keeper,
    store: Arc<dyn Store>,
    replayed: Replayed,
    missing: Missing,
    /// Somebody was let in, or declined.
    decided: Notify,
    addresses: Buckets<Origin>,
    requests: Buckets<ScopeId>,
    lookups: Buckets<ScopeId>,
    /// `None`: its secret is lost.
    opaque: Option<Opaque>,
    passwords: Buckets<UserId>,
    passwords_from: Buckets<Origin>,
    visits: Buckets<Origin>,
    entries: Buckets<ScopeId>,
}

/// Who asks: an enrolled device that is logged in, or is about to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: ScopeId,
    pub(crate) once: Once,
}

impl Domain {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        hub: Arc<Hub>,
        secrets: Secrets,
        opaque: Option<Opaque>,
        gate: Keeper,
        rates: Rates,
    ) -> Self {
        Self {
            secrets,
            hub,
            gate,
            replayed: Replayed::new(),
            missing: Missing::new(),
            decided: Notify::new(),
            store,
            addresses: Buckets::new(rates.address),
            requests: Buckets::new(rates.account),
            lookups: Buckets::new(rates.lookup),
            opaque,
            passwords: Buckets::new(rates.password),
            passwords_from: Buckets::new(rates.passwords),
            visits: Buckets::new(rates.visit),
            entries: Buckets::new(rates.entries),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn admit_address(&self, address: Origin) -> Result<(), Fault> {
        self.addresses.take(address, 1.0, Instant::now()).map_err(fault::rate_limited)
    }

    /// Counts an attempt of an address to come in.
    pub(crate) fn admit_visit(&self, address: Origin) -> Result<(), Fault> {
        self.visits.take(address, 1.0, Instant::now()).map_err(fault::rate_limited)
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
