//! What the server keeps, in words of the domain. Each operation is one transaction: it happened whole, and is durable
//! when its future resolves, or it did not happen.
//!
//! It stands apart from the domain so that a second database is a second implementation and nothing else; what any
//! implementation must do is [`conformance`].

#[cfg(test)]
mod conformance;
pub(crate) mod members;
pub(crate) mod sqlite;

use futures_util::future::BoxFuture;
use keyfold_format::{EntryHash, HolderId, ObjectId, ScopeId, UserId, VerifyingKey, entry::Head, wrap::Wrap};
use keyfold_protocol::{
    events::{Cursor, Event},
    limits,
    signing::Nonce,
    wire::{DeviceSession, Reference, ScopeKind, ScopeSummary, SealedMasterKeys, Standing, SwapReference, Swapped},
};

/// A request's right to take effect, once: spent in the transaction of the effect, so that neither a restart nor
/// another replica takes it again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Once {
    /// Who signed the request.
    pub(crate) device: HolderId,
    /// Its nonce.
    pub(crate) nonce: Nonce,
    /// When it was signed, in seconds since 1970.
    pub(crate) created: u64,
}

/// A device as far as requests need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// Whose it is.
    pub(crate) account: ScopeId,
    /// What its requests are verified with.
    pub(crate) signing_key: VerifyingKey,
    /// When it logged in, in milliseconds since 1970; `None` while it is logged out.
    pub(crate) session_since: Option<u64>,
    /// When it is refused unless it has renewed its keys, in milliseconds since 1970.
    pub(crate) expires_ms: Option<u64>,
    /// When it was last used, in milliseconds since 1970.
    pub(crate) last_used_ms: Option<u64>,
}

/// A device that no account has yet, and that the gate let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// What its requests are verified with.
    pub(crate) signing_key: VerifyingKey,
    /// Whom the gate let in.
    pub(crate) user_id: UserId,
    /// When the visit ends, in milliseconds since 1970.
    pub(crate) expires_ms: u64,
    /// The passkey that was made for this visit: it is the account's that this device founds.
    pub(crate) passkey: Option<Passkey>,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passkey {
    /// What the authenticator calls it.
    pub(crate) credential: Vec<u8>,
    /// What the authenticator calls the person: random, and the same for all of one person's passkeys.
    pub(crate) handle: [u8; 16],
    /// The public key and counter, in JSON as the gate writes it.
    pub(crate) key: Vec<u8>,
}

/// A device's wish to be let into an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enrolment {
    /// Which account.
    pub(crate) account: ScopeId,
    /// The encoded request.
    pub(crate) request: Vec<u8>,
    /// When it is forgotten, in milliseconds since 1970.
    pub(crate) expires_ms: u64,
}

/// An account to be.
#[derive(Clone, Debug)]
pub(crate) struct NewAccount {
    /// Its first entry.
    pub(crate) entry: NewEntry,
    /// The name that nobody else may have.
    pub(crate) user_id: UserId,
    /// Its first device's key; the device is the one that asks.
    pub(crate) signing_key: VerifyingKey,
    /// The master-key envelope of generation 0.
    pub(crate) master_key: Vec<u8>,
    /// Milliseconds since 1970.
    pub(crate) now_ms: u64,
}

/// An entry with everything that comes with it.
#[derive(Clone, Debug)]
pub(crate) struct NewEntry {
    /// Which ledger.
    pub(crate) scope: ScopeId,
    /// What that is.
    pub(crate) kind: ScopeKind,
    /// What the ledger's head becomes.
    pub(crate) head: Head,
    /// What the ledger's head is; `None` founds the ledger.
    pub(crate) follows: Option<Head>,
    /// Names the signed entry without its place.
    pub(crate) content: EntryHash,
    /// The account that wrote it.
    pub(crate) author: ScopeId,
    /// The encoded entry.
    pub(crate) entry: Vec<u8>,
    /// What the entry entitles to.
    pub(crate) wraps: Vec<Wrap>,
    /// Ledgers of groups that it cites, and of all to whom it wraps a new key, and the numbers of the entries that must
    /// be their newest.
    pub(crate) cited: Vec<(ScopeId, u64)>,
    /// What the entry cites, with the numbers of the newest entries: its scope has seen as much of them.
    pub(crate) cites: Vec<(ScopeId, u64)>,
    /// Whose standing the entry changes, accounts and groups; `None` for no standing any more.
    pub(crate) standings: Vec<(ScopeId, Option<Standing>)>,
    /// Whom it bans, and (`false`) whom it lets in again.
    pub(crate) bans: Vec<(ScopeId, bool)>,
    /// Who hears of it now. Not stored: what is stored follows from the standings.
    pub(crate) audience: Vec<ScopeId>,
    /// Groups that stand in the ledger, or did before the entry: whoever is in one, at any depth, hears of it too.
    pub(crate) audience_groups: Vec<ScopeId>,
}

/// An account's entry with everything that comes with it.
#[derive(Clone, Debug)]
pub(crate) struct AccountEntry {
    /// The entry.
    pub(crate) entry: NewEntry,
    /// Whether it makes a new generation, which those who share a scope with the account are told of.
    pub(crate) new_generation: bool,
    /// The devices that it changes: with their keys, or `None` for what is no device any more.
    pub(crate) devices: Vec<(HolderId, Option<VerifyingKey>)>,
    /// The master-key envelope for who holds it now.
    pub(crate) master_key: Option<Vec<u8>>,
    /// When devices that it adds are refused unless they have renewed their keys, in milliseconds since 1970.
    pub(crate) expires_ms: Option<u64>,
    /// The passwords for recovery that it changes.
    pub(crate) passwords: PasswordChanges,
}

/// An object of a vault.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// The hash of its bytes.
    pub(crate) id: ObjectId,
    /// Sealed.
    pub(crate) bytes: Vec<u8>,
}

/// What an entry does to an account's passwords, each named by its recovery method.
#[derive(Clone, Debug, Default)]
pub(crate) struct PasswordChanges {
    /// One that it adds, with its record.
    pub(crate) added: Option<(HolderId, Vec<u8>)>,
    /// Those that it takes away.
    pub(crate) gone: Vec<HolderId>,
}

/// Entries of one ledger, with the head as of the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// What the ledger is of.
    pub(crate) kind: ScopeKind,
    /// Its newest entry, or the last one that may be read.
    pub(crate) head: Head,
    /// Encoded entries, oldest first.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Whether the limits cut the page before the head.
    pub(crate) more: bool,
}

/// How much of a ledger to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Stop before this many bytes, but give one entry at least.
    pub(crate) bytes: usize,
    /// Stop after so many entries.
    pub(crate) entries: usize,
    /// The newest entry that there is, as far as this reader is concerned; `None` for the head.
    pub(crate) last: Option<u64>,
}

impl Limit {
    /// As much as one reply holds.
    pub(crate) const PAGE: Self = Self { bytes: limits::PAGE_BYTES, entries: limits::PAGE_ENTRIES, last: None };
    /// The whole ledger.
    pub(crate) const NONE: Self = Self { bytes: usize::MAX, entries: usize::MAX, last: None };
    /// No entries: for the head alone.
    pub(crate) const HEAD: Self = Self { bytes: 0, entries: 0, last: None };
}

/// How far somebody may read a scope's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// All of it, and what comes: who has a standing.
    All,
    /// Up to the entry with this number, which ended the membership; or the newest one when the last membership ended
    /// through which the scope was reached.
    Until(u64),
}

/// Wraps of one key for one recipient that are kept beside those that came with entries.
pub(crate) const WRAPS_BESIDE: i64 = 32;

/// How long it is before it is written again that a device is used, in milliseconds.
pub(crate) const USED_MS: u64 = 60_000;

/// What became durable, in the order in which it did: told to the listener before the writes resolve.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    /// The event.
    pub(crate) event: Event,
    /// Who hears of it.
    pub(crate) audience: Vec<ScopeId>,
}

/// Hears of what became durable.
pub(crate) type Listener = Box<dyn Fn(Committed) + Send + Sync>;

/// Keychains of one page.
pub(crate) const KEYCHAINS: usize = 1_000;

/// Why nothing was written, or read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StoreError {
    /// This request took effect before.
    #[error("the request was taken before")]
    Replayed,
    /// Another account has the user id.
    #[error("the user id is taken")]
    UserTaken,
    /// The sign-up happened before, and its device has logged out since.
    #[error("the device is logged out")]
    LoggedOut,
    /// Another account has the device.
    #[error("the device is another account's")]
    DeviceTaken,
    /// The ledger's head is not the one that the entry follows, or the ledger exists already.
    #[error("the head moved")]
    HeadMoved,
    /// A group that is cited has a newer entry.
    #[error("a cited group moved on")]
    StaleCitation,
    /// As many devices as may ask to be let into the account.
    #[error("too many devices ask to be let in")]
    TooManyEnrolments,
    /// There are as many wraps of this key for this recipient as are kept.
    #[error("too many wraps for one recipient")]
    TooManyWraps,
    /// The disk, or the quota, is full.
    #[error("the storage is full")]
    Full,
    /// More writes wait than are taken on.
    #[error("too many writes wait")]
    Busy,
    /// The database is closed or broken. The text is for logs, never for clients.
    #[error("the store failed: {0}")]
    Broken(String),
}

/// What operations resolve to.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The store's contract.
///
/// - A write is queued when its method returns, so writes happen in the order in which they were called; its future
///   tells the outcome, and may be dropped without undoing the write.
/// - A write spends its [`Once`]; spent before, it is [`StoreError::Replayed`] and changes nothing.
/// - Reads see every write whose future resolved.
pub(crate) trait Store: Send + Sync + 'static {
    /// Founds an account with its device logged in, and with the passkey that was made for the device's visit. For a user id that exists: the account that stands there, if its
    /// first entry is this very one and the device its own, with the time its session began, or
    /// [`StoreError::LoggedOut`]; else [`StoreError::UserTaken`]. A device has one account: [`StoreError::DeviceTaken`].
    fn sign_up(&self, once: Once, account: NewAccount) -> BoxFuture<'static, Result<u64>>;
    /// Starts the device's session; one that has begun goes on. Gives the time it began.
    fn log_in(&self, once: Once, now_ms: u64) -> BoxFuture<'static, Result<u64>>;
    /// Ends the device's session.
    fn log_out(&self, once: Once) -> BoxFuture<'static, Result<()>>;
    /// Ends the sessions of the account's devices, that of the one that asks only with `own`. Gives those that were
    /// logged in.
    fn end_sessions(&self, once: Once, account: ScopeId, own: bool) -> BoxFuture<'static, Result<Vec<HolderId>>>;
    /// Remembers that a device is used, unless that is remembered of the minute before. It spends nothing.
    fn used(&self, device: HolderId, now_ms: u64) -> BoxFuture<'static, Result<()>>;
    /// Founds a ledger or appends to it, if its head is the one that the entry follows and the groups that it cites
    /// are as it says.
    fn append(&self, once: Once, entry: NewEntry) -> BoxFuture<'static, Result<()>>;
    /// Keeps further wraps beside those that came with entries. One of the same author to the same place takes the
    /// place of his earlier one, and of no other; with [`WRAPS_BESIDE`] there it is [`StoreError::TooManyWraps`].
    fn add_wraps(
        &self,
        once: Once,
        scope: ScopeId,
        author: ScopeId,
        wraps: Vec<Wrap>,
    ) -> BoxFuture<'static, Result<()>>;
    /// Keeps a visit of the device that asks, in place of an earlier one, and forgets those that are over at `now_ms`.
    /// `used` is a passkey of an account as it is from now on. With one that was made for the visit, a user id that an
    /// account has is [`StoreError::UserTaken`].
    fn visit(&self, once: Once, visitor: Visitor, used: Option<Passkey>, now_ms: u64)
    -> BoxFuture<'static, Result<()>>;
    /// Keeps a wish of the device that asks, in place of an earlier one, and forgets those that are over at `now_ms`.
    /// [`StoreError::TooManyEnrolments`] with [`limits::ENROLMENTS`] others there.
    fn request_enrolment(&self, once: Once, enrolment: Enrolment, now_ms: u64) -> BoxFuture<'static, Result<()>>;
    /// Forgets a device's wish to be let into this account. Whether there was one.
    fn decline_enrolment(&self, once: Once, account: ScopeId, device: HolderId) -> BoxFuture<'static, Result<bool>>;
    /// Takes an account's user id away from it, if it is this one, and its passkeys with it: the next may take it.
    /// Whether it was.
    fn release_name(&self, once: Once, account: ScopeId, user_id: UserId) -> BoxFuture<'static, Result<bool>>;
    /// Appends to an account's ledger like [`Self::append`]. A new device is logged out, and visits no more; one that is
    /// another account's is [`StoreError::DeviceTaken`]. One that renews its keys does not expire.
    fn extend_account(&self, once: Once, entry: AccountEntry) -> BoxFuture<'static, Result<()>>;

    /// Keeps objects of a vault. One that is there already is there anew.
    fn put_objects(
        &self,
        once: Once,
        scope: ScopeId,
        objects: Vec<Object>,
        now_ms: u64,
    ) -> BoxFuture<'static, Result<()>>;
    /// Deletes objects of a vault; those that are not there are gone already.
    fn delete_objects(&self, once: Once, scope: ScopeId, ids: Vec<ObjectId>) -> BoxFuture<'static, Result<()>>;
    /// Puts something else under a reference of a vault, if what is expected stands there. Of those who expect the same
    /// one succeeds.
    fn swap_reference(&self, once: Once, scope: ScopeId, swap: SwapReference) -> BoxFuture<'static, Result<Swapped>>;

    /// Objects of a vault in the order of the ids, empty for those that are not there; as many as one reply holds, one
    /// at least.
    fn objects(&self, scope: ScopeId, ids: Vec<ObjectId>) -> BoxFuture<'_, Result<Vec<Vec<u8>>>>;
    /// Ids of a vault's objects that were put before a time, ascending, after one; as many as one reply holds.
    fn object_ids(
        &self,
        scope: ScopeId,
        after: Option<ObjectId>,
        before_ms: u64,
    ) -> BoxFuture<'_, Result<Vec<ObjectId>>>;
    /// The names of a vault's references, ascending by their bytes, those after `after`; at most [`limits::OBJECT_IDS`].
    ///
    /// [`limits::OBJECT_IDS`]: keyfold_protocol::limits::OBJECT_IDS
    fn reference_names(&self, scope: ScopeId, after: Option<String>) -> BoxFuture<'_, Result<Vec<String>>>;
    /// What stands under a reference of a vault.
    fn reference(&self, scope: ScopeId, name: String) -> BoxFuture<'_, Result<Option<Reference>>>;
    /// Keychains in the order of their ids, those after `after`; at most [`KEYCHAINS`].
    fn keychains(&self, after: Option<ScopeId>) -> BoxFuture<'_, Result<Vec<ScopeId>>>;
    /// The keychains to which a group leads, at any depth; or the keychain itself.
    fn keychains_above(&self, scope: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeId>>>;
    /// Everybody with a user id who stands in a scope, or comes to it through groups.
    fn comers(&self, scope: ScopeId) -> BoxFuture<'_, Result<Vec<(ScopeId, UserId)>>>;
    /// Whether a request took effect before: so that a replay is refused before any work is done for it. The write
    /// decides all the same.
    fn spent(&self, once: Once) -> BoxFuture<'_, Result<bool>>;
    /// A device by its id.
    fn device(&self, id: HolderId) -> BoxFuture<'_, Result<Option<Device>>>;
    /// An account's devices, ascending by id.
    fn sessions(&self, account: ScopeId) -> BoxFuture<'_, Result<Vec<DeviceSession>>>;
    /// A passkey of an account, by what the authenticator calls it, and that account's user id.
    fn passkey(&self, credential: Vec<u8>) -> BoxFuture<'_, Result<Option<(UserId, Passkey)>>>;
    /// A device that visits, also one whose visit is over.
    fn visitor(&self, device: HolderId) -> BoxFuture<'_, Result<Option<Visitor>>>;
    /// Who asks to be let into an account, and is not over at `now_ms`; oldest first.
    fn enrolments(&self, account: ScopeId, now_ms: u64) -> BoxFuture<'_, Result<Vec<Enrolment>>>;
    /// What a device asks for, also when it is over.
    fn enrolment(&self, device: HolderId) -> BoxFuture<'_, Result<Option<Enrolment>>>;
    /// The record of a password, by the recovery method of the account that it is.
    fn password(&self, account: ScopeId, recovery: HolderId) -> BoxFuture<'_, Result<Option<Vec<u8>>>>;
    /// Whether there is any.
    fn has_passwords(&self) -> BoxFuture<'_, Result<bool>>;
    /// Whose user id this is.
    fn account(&self, user_id: UserId) -> BoxFuture<'_, Result<Option<ScopeId>>>;
    /// The newest master-key envelopes that came with entries before `before`, and the numbers of those; as many as one
    /// reply holds, oldest first.
    fn envelopes(&self, account: ScopeId, before: Option<u64>) -> BoxFuture<'_, Result<Vec<SealedMasterKeys>>>;
    /// The entries after `after`, all for `None`; `None` if there is no such ledger.
    fn page(&self, scope: ScopeId, after: Option<u64>, limit: Limit) -> BoxFuture<'_, Result<Option<Page>>>;
    /// How far an account may read a scope: as it stands there itself, as it comes there through groups, and, of a
    /// group, as far as something that it reads does not replay without it. `None` for nothing of it.
    fn reading(&self, scope: ScopeId, account: ScopeId) -> BoxFuture<'_, Result<Option<Reading>>>;
    /// The groups through which an account comes to a scope now.
    fn ways(&self, account: ScopeId, scope: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeId>>>;
    /// Everybody who comes to a scope through groups now.
    fn inside(&self, scope: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeId>>>;
    /// The scopes, other than accounts, in which somebody has a standing, himself or through groups; ascending. What is
    /// missing there is not the store's to say: `false`.
    fn scopes(&self, account: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeSummary>>>;
    /// Accounts that stand in a scope and have a generation which it has not seen, so many at most.
    fn unseen(&self, scope: ScopeId, limit: u32) -> BoxFuture<'_, Result<Vec<ScopeId>>>;
    /// Where an entry with this content stands, and what it follows.
    fn placed(&self, scope: ScopeId, content: EntryHash) -> BoxFuture<'_, Result<Option<(u64, EntryHash)>>>;
    /// Wraps for one recipient, whatever he is entitled to.
    fn wraps(&self, scope: ScopeId, recipient: ScopeId) -> BoxFuture<'_, Result<Vec<Wrap>>>;
    /// Events after a cursor that concern an account: the newest of each scope, ascending by cursor.
    fn events(&self, account: ScopeId, after: Cursor, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>>;
    /// The newest cursor; 0 if there was no event.
    fn cursor(&self) -> BoxFuture<'_, Result<Cursor>>;
    /// Writes what is queued and closes.
    fn close(&self) -> BoxFuture<'_, ()>;
}
