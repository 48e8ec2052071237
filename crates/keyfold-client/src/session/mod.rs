//! One person's device at work: asks the server, gives what it answers to `machine`, and commits what came of it.
//! Generic over the host, so that it is the same on a disk and in a browser. It decides nothing by itself.
//!
//! An operation changes memory first and the store last, in one commit. If it fails or is dropped in between, the
//! next one reads the store again: what was not committed never was.

mod account;
mod append;
mod audit;
mod compare;
mod device;
mod enrolment;
mod file;
mod group;
mod identity;
mod incoming;
mod keychain;
mod line;
mod member;
mod missing;
mod owners;
mod participants;
mod recovery;
mod share;
mod subscribe;
mod succession;
mod sync;
mod unsent;
mod value;
mod vault;
mod vault_anchor;
mod vault_files;
mod vault_sweep;
mod visit;
mod wire;

pub(crate) use account::parse_server_key;
pub use enrolment::ENROLMENT_TEXT_MS;
pub use file::{NamedKey, SealedHead, TrailerCheck};
pub(crate) use group::GROUP;
pub(crate) use line::{Line, not_ours};
pub use member::REPAIR_WITHIN_MS;
use missing::Missing;
pub use recovery::{NewRecovery, RecoverOptions, RecoveryProof, Revoke};
pub use subscribe::Subscription;
pub use sync::Stopped;
#[cfg(feature = "native")]
pub(crate) use unsent::refused;
pub use value::{EncryptedValue, verify_signature};
pub use vault_files::About;
use visit::Visited;
pub use visit::{SignIn, SignInProof};

use crate::{
    Error, Result,
    host::{Host, HostRng},
    machine::{
        Belief, Keyring, KnownAccount, Own, StoredScope,
        compose::Author,
        record::{self, Marks, Pins, Waiting},
    },
    model::{AcceptShares, ClientEvent},
    vault::OpenIndex,
};
use keyfold_core::{DeviceSeed, device::DeviceKeys};
use keyfold_format::{
    HolderId, IndexId, ScopeId,
    sorted::{SortedMap, SortedSet},
};
use std::sync::Arc;

/// A device at work. Only one may work on a home at a time: the host sees to it.
pub struct Session<H> {
    host: Arc<H>,
    device: Arc<DeviceKeys>,
    belief: Belief,
    is_read: bool,
    /// What the server's clock is ahead of ours, once it has said so.
    skew_ms: i64,
    /// Which shares are taken without asking.
    accepts: AcceptShares,
    missing: Missing,
    /// One's own account, as one sees it who only signed in: while recovering.
    visited: Option<Visited>,
    /// Keychains of which the server showed what is not believed when it was last asked: nobody repairs them by himself.
    stopped: SortedSet<ScopeId>,
    /// The indexes that were opened, by id.
    indexes: SortedMap<IndexId, Arc<OpenIndex<H>>>,
}

impl<H: Host> Session<H> {
    /// For a device, on its store.
    pub fn new(host: H, seed: &DeviceSeed) -> Result<Self> {
        let device = DeviceKeys::derive(seed)?;
        Ok(Self {
            host: Arc::new(host),
            device: Arc::new(device),
            belief: Belief::default(),
            is_read: false,
            skew_ms: 0,
            accepts: AcceptShares::default(),
            missing: Missing::default(),
            visited: None,
            stopped: SortedSet::new(),
            indexes: SortedMap::new(),
        })
    }

    /// To be called before each operation: takes in what another process has committed, and drops what a former
    /// operation left unfinished.
    pub async fn refresh(&mut self) -> Result<()> {
        let marks: Marks = match self.host.load(record::MARKS).await? {
            Some(bytes) => read(&bytes)?,
            None => Marks::default(),
        };
        if self.is_read && !self.belief.is_changed() && marks.version == self.belief.marks().version {
            return Ok(());
        }
        self.is_read = false;
        let enrolled = match self.host.load(record::ENROLLED).await? {
            Some(bytes) => Some(read(&bytes)?),
            None => None,
        };
        let pins = match self.host.load(record::PINS).await? {
            Some(bytes) => read::<Pins>(&bytes)?,
            None => Pins::default(),
        };
        let waiting = match self.host.load(record::WAITING).await? {
            Some(bytes) => read::<Waiting>(&bytes)?.keychains,
            None => Vec::new(),
        };
        if let Some(bytes) = self.host.load(record::ACCEPTS).await? {
            self.accepts = AcceptShares::from_number(read(&bytes)?);
        }
        let mut disputes = SortedSet::new();
        for (name, _) in self.host.scan(record::DISPUTES).await? {
            disputes.insert(named(&name, record::DISPUTES)?);
        }
        let mut rings = SortedMap::new();
        for (name, bytes) in self.host.scan(record::RINGS).await? {
            rings.insert(named(&name, record::RINGS)?, Keyring::decode(&bytes)?);
        }
        if let Some(seed) = self.host.load(record::SEED).await? {
            let seed = DeviceSeed::from_slice(&seed).ok_or_else(|| Error::internal("a device's seed has 32 bytes"))?;
            self.device = Arc::new(DeviceKeys::derive(&seed)?);
        }
        self.belief = Belief::new(enrolled, marks, pins, waiting, disputes, rings);
        if let Some(id) = self.belief.enrolled.as_ref().map(|enrolled| enrolled.account) {
            self.recall_account(&id).await?;
            if let Some(envelope) = self.host.load(record::MASTER).await? {
                self.belief.own = Some(Own::open(&envelope, &self.device, self.belief.own_ledger()?)?);
            }
        }
        self.is_read = true;
        Ok(())
    }

    /// This device's id: that of the keys that it was added to the account with.
    pub(super) fn device_id(&self) -> HolderId {
        let enrolled = self.belief.enrolled.as_ref();
        enrolled.and_then(|enrolled| enrolled.device).unwrap_or_else(|| self.device.id())
    }

    /// The world that it works in.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Makes everything that was staged durable, at once.
    async fn commit(&mut self) -> Result<()> {
        if self.belief.is_changed() {
            self.host.commit(self.belief.puts()).await?;
            self.belief.committed();
        }
        Ok(())
    }

    /// Events from number `from` on, and the number of the next one.
    pub async fn journal(&mut self, from: u64) -> Result<(Vec<ClientEvent>, u64)> {
        let next = self.belief.marks().next_event;
        let mut events = Vec::new();
        for number in from.max(next.saturating_sub(record::JOURNAL_LENGTH))..next {
            if let Some(bytes) = self.host.load(&record::journal(number)).await? {
                events.push(read::<record::Noted>(&bytes)?.event);
            }
        }
        Ok((events, next))
    }

    /// The first event that nobody was told.
    pub fn untold(&self) -> u64 {
        self.belief.marks().untold
    }

    /// Remembers that all events before `number` were told.
    pub async fn tell_until(&mut self, number: u64) -> Result<()> {
        self.belief.tell_until(number);
        self.commit().await
    }

    /// Milliseconds since 1970, by the server's clock as far as it is known.
    fn now_ms(&self) -> u64 {
        self.host.now_ms().saturating_add_signed(self.skew_ms)
    }

    fn rng(&self) -> HostRng<'_, H> {
        HostRng(&*self.host)
    }

    fn author(&self) -> Result<Author<'_>> {
        Ok(Author { own: self.belief.own()?, ledger: self.belief.own_ledger()?, via: &[], now_ms: self.now_ms() })
    }

    fn me(&self) -> Result<ScopeId> {
        Ok(self.belief.own()?.account())
    }

    /// Reads an account from the store into memory, if it is there and not in memory already.
    async fn recall_account(&mut self, id: &ScopeId) -> Result<bool> {
        if self.belief.accounts.get(id).is_some() {
            return Ok(true);
        }
        let Some(bytes) = self.host.load(&record::account(id)).await? else { return Ok(false) };
        self.belief.recall_account(KnownAccount::decode(&bytes)?);
        Ok(true)
    }

    /// Reads the ledger of a keychain or group from the store into memory, and those of the groups that stand in it, if
    /// they are there and not in memory already. Whether that of the first one is.
    async fn recall_scope(&mut self, id: &ScopeId) -> Result<bool> {
        let mut wanted = vec![*id];
        let mut looked = 0;
        while let Some(next) = wanted.get(looked).copied() {
            looked += 1;
            if !self.belief.scopes.contains_key(&next) {
                let Some(bytes) = self.host.load(&record::scope(&next)).await? else { continue };
                self.belief.recall_scope(next, StoredScope::decode(&bytes)?);
            }
            let Some(known) = self.belief.scopes.get(&next) else { continue };
            let below = known.ledger().groups().keys().filter(|group| !wanted.contains(group)).copied();
            wanted.extend(below.collect::<Vec<_>>());
        }
        Ok(self.belief.scopes.contains_key(id))
    }

    /// Reads all keychains' ledgers into memory.
    async fn recall_scopes(&mut self) -> Result<()> {
        for (name, bytes) in self.host.scan(record::SCOPES).await? {
            let id = named(&name, record::SCOPES)?;
            if !self.belief.scopes.contains_key(&id) {
                self.belief.recall_scope(id, StoredScope::decode(&bytes)?);
            }
        }
        Ok(())
    }
}

/// The id in a record's name.
fn named(name: &str, prefix: &str) -> Result<ScopeId> {
    let id = name.strip_prefix(prefix).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::internal("a record has a strange name"))
}

fn read<T: for<'b> minicbor::Decode<'b, ()>>(bytes: &[u8]) -> Result<T> {
    minicbor::decode(bytes)
        .map_err(|_| Error::internal("a record cannot be read; another release wrote it, or the disk changed it"))
}
