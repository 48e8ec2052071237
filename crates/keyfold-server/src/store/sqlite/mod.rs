//! The store on SQLite: one file, WAL, every commit on the disk before it is acknowledged.
//!
//! One writer groups what waits into one transaction ([`writer`]); readers run beside it on a pool. This folder is the
//! only place that names sqlx.

mod passkeys;
mod passwords;
mod reach;
mod read;
mod sessions;
mod storage;
mod visits;
mod write;
mod writer;

use super::{
    AccountEntry, Device, Enrolment, Limit, Listener, NewAccount, NewEntry, Object, Once, Page, Passkey, Reading,
    Result, Store, StoreError, Visitor,
};
use futures_util::{FutureExt, future::BoxFuture};
use keyfold_format::{EntryHash, HolderId, ObjectId, ScopeId, UserId, wrap::Wrap};
use keyfold_protocol::{
    events::{Cursor, Event},
    wire::{DeviceSession, Reference, ScopeSummary, SealedMasterKeys, SwapReference, Swapped},
};
use sqlx::{
    ConnectOptions, SqlSafeStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};
use writer::Writer;

const READERS: u32 = 4;

/// The store in one SQLite file.
pub(crate) struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings its tables up to date. `listener` hears of every commit, in order.
    pub(crate) async fn open(file: &Path, listener: Listener) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: the log is on the disk before a commit returns, whatever happens to the power.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .disable_statement_logging();
        let migrating = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrations().run(&migrating).await.map_err(|e| StoreError::Broken(e.to_string()))?;
        migrating.close().await;
        let connection = options.clone().connect().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.create_if_missing(false).read_only(true))
            .await?;
        Ok(Self { readers, writer: Writer::start(connection, listener) })
    }
}

fn migrations() -> Migrator {
    let files = [
        ("ledgers", include_str!("../../../migrations/sqlite/0001_ledgers.sql")),
        ("former members", include_str!("../../../migrations/sqlite/0002_former_members.sql")),
        ("account entries", include_str!("../../../migrations/sqlite/0003_account_entries.sql")),
        ("groups", include_str!("../../../migrations/sqlite/0004_groups.sql")),
        ("visits", include_str!("../../../migrations/sqlite/0005_visits.sql")),
        ("passwords", include_str!("../../../migrations/sqlite/0006_passwords.sql")),
        ("passkeys", include_str!("../../../migrations/sqlite/0007_passkeys.sql")),
        ("sessions", include_str!("../../../migrations/sqlite/0008_sessions.sql")),
        ("unseen", include_str!("../../../migrations/sqlite/0009_unseen.sql")),
        ("storage", include_str!("../../../migrations/sqlite/0010_storage.sql")),
    ];
    let numbered = (1..).zip(files).map(|(number, (name, text))| {
        Migration::new(number, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(numbered.collect())
}

impl Store for SqliteStore {
    fn sign_up(&self, once: Once, account: NewAccount) -> BoxFuture<'static, Result<u64>> {
        self.writer.sign_up(once, account)
    }

    fn log_in(&self, once: Once, now_ms: u64) -> BoxFuture<'static, Result<u64>> {
        self.writer.log_in(once, now_ms)
    }

    fn log_out(&self, once: Once) -> BoxFuture<'static, Result<()>> {
        self.writer.log_out(once)
    }

    fn end_sessions(&self, once: Once, account: ScopeId, own: bool) -> BoxFuture<'static, Result<Vec<HolderId>>> {
        self.writer.end_sessions(once, account, own)
    }

    fn used(&self, device: HolderId, now_ms: u64) -> BoxFuture<'static, Result<()>> {
        self.writer.used(device, now_ms)
    }

    fn visit(
        &self,
        once: Once,
        visitor: Visitor,
        used: Option<Passkey>,
        now_ms: u64,
    ) -> BoxFuture<'static, Result<()>> {
        self.writer.visit(once, visitor, used, now_ms)
    }

    fn request_enrolment(&self, once: Once, enrolment: Enrolment, now_ms: u64) -> BoxFuture<'static, Result<()>> {
        self.writer.request_enrolment(once, enrolment, now_ms)
    }

    fn decline_enrolment(&self, once: Once, account: ScopeId, device: HolderId) -> BoxFuture<'static, Result<bool>> {
        self.writer.decline_enrolment(once, account, device)
    }

    fn release_name(&self, once: Once, account: ScopeId, user_id: UserId) -> BoxFuture<'static, Result<bool>> {
        self.writer.release_name(once, account, user_id)
    }

    fn append(&self, once: Once, entry: NewEntry) -> BoxFuture<'static, Result<()>> {
        self.writer.append(once, entry)
    }

    fn add_wraps(
        &self,
        once: Once,
        scope: ScopeId,
        author: ScopeId,
        wraps: Vec<Wrap>,
    ) -> BoxFuture<'static, Result<()>> {
        self.writer.add_wraps(once, scope, author, wraps)
    }

    fn extend_account(&self, once: Once, entry: AccountEntry) -> BoxFuture<'static, Result<()>> {
        self.writer.extend_account(once, entry)
    }

    fn put_objects(
        &self,
        once: Once,
        scope: ScopeId,
        objects: Vec<Object>,
        now_ms: u64,
    ) -> BoxFuture<'static, Result<()>> {
        self.writer.put_objects(once, scope, objects, now_ms)
    }

    fn delete_objects(&self, once: Once, scope: ScopeId, ids: Vec<ObjectId>) -> BoxFuture<'static, Result<()>> {
        self.writer.delete_objects(once, scope, ids)
    }

    fn swap_reference(&self, once: Once, scope: ScopeId, swap: SwapReference) -> BoxFuture<'static, Result<Swapped>> {
        self.writer.swap_reference(once, scope, swap)
    }

    fn objects(&self, scope: ScopeId, ids: Vec<ObjectId>) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        storage::objects(&self.readers, scope, ids).boxed()
    }

    fn object_ids(
        &self,
        scope: ScopeId,
        after: Option<ObjectId>,
        before_ms: u64,
    ) -> BoxFuture<'_, Result<Vec<ObjectId>>> {
        storage::object_ids(&self.readers, scope, after, before_ms).boxed()
    }

    fn reference_names(&self, scope: ScopeId, after: Option<String>) -> BoxFuture<'_, Result<Vec<String>>> {
        storage::reference_names(&self.readers, scope, after).boxed()
    }

    fn reference(&self, scope: ScopeId, name: String) -> BoxFuture<'_, Result<Option<Reference>>> {
        async move { storage::reference(&mut *self.readers.acquire().await?, scope, &name).await }.boxed()
    }

    fn spent(&self, once: Once) -> BoxFuture<'_, Result<bool>> {
        read::spent(&self.readers, once).boxed()
    }

    fn device(&self, id: HolderId) -> BoxFuture<'_, Result<Option<Device>>> {
        read::device(&self.readers, id).boxed()
    }

    fn sessions(&self, account: ScopeId) -> BoxFuture<'_, Result<Vec<DeviceSession>>> {
        sessions::of_account(&self.readers, account).boxed()
    }

    fn passkey(&self, credential: Vec<u8>) -> BoxFuture<'_, Result<Option<(UserId, Passkey)>>> {
        passkeys::passkey(&self.readers, credential).boxed()
    }

    fn visitor(&self, device: HolderId) -> BoxFuture<'_, Result<Option<Visitor>>> {
        visits::visitor(&self.readers, device).boxed()
    }

    fn enrolments(&self, account: ScopeId, now_ms: u64) -> BoxFuture<'_, Result<Vec<Enrolment>>> {
        visits::enrolments(&self.readers, account, now_ms).boxed()
    }

    fn enrolment(&self, device: HolderId) -> BoxFuture<'_, Result<Option<Enrolment>>> {
        visits::enrolment(&self.readers, device).boxed()
    }

    fn password(&self, account: ScopeId, recovery: HolderId) -> BoxFuture<'_, Result<Option<Vec<u8>>>> {
        passwords::record(&self.readers, account, recovery).boxed()
    }

    fn has_passwords(&self) -> BoxFuture<'_, Result<bool>> {
        passwords::any(&self.readers).boxed()
    }

    fn account(&self, user_id: UserId) -> BoxFuture<'_, Result<Option<ScopeId>>> {
        read::account(&self.readers, user_id).boxed()
    }

    fn envelopes(&self, account: ScopeId, before: Option<u64>) -> BoxFuture<'_, Result<Vec<SealedMasterKeys>>> {
        read::envelopes(&self.readers, account, before).boxed()
    }

    fn page(&self, scope: ScopeId, after: Option<u64>, limit: Limit) -> BoxFuture<'_, Result<Option<Page>>> {
        read::page(&self.readers, scope, after, limit).boxed()
    }

    fn reading(&self, scope: ScopeId, account: ScopeId) -> BoxFuture<'_, Result<Option<Reading>>> {
        read::reading(&self.readers, scope, account).boxed()
    }

    fn ways(&self, account: ScopeId, scope: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeId>>> {
        reach::ways(&self.readers, account, scope).boxed()
    }

    fn inside(&self, scope: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeId>>> {
        async move { reach::inside(&mut *self.readers.acquire().await?, scope, i64::MAX).await }.boxed()
    }

    fn keychains(&self, after: Option<ScopeId>) -> BoxFuture<'_, Result<Vec<ScopeId>>> {
        reach::keychains(&self.readers, after).boxed()
    }

    fn keychains_above(&self, scope: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeId>>> {
        reach::keychains_above(&self.readers, scope).boxed()
    }

    fn comers(&self, scope: ScopeId) -> BoxFuture<'_, Result<Vec<(ScopeId, UserId)>>> {
        reach::comers(&self.readers, scope).boxed()
    }

    fn scopes(&self, account: ScopeId) -> BoxFuture<'_, Result<Vec<ScopeSummary>>> {
        reach::scopes(&self.readers, account).boxed()
    }

    fn unseen(&self, scope: ScopeId, limit: u32) -> BoxFuture<'_, Result<Vec<ScopeId>>> {
        read::unseen(&self.readers, scope, limit).boxed()
    }

    fn placed(&self, scope: ScopeId, content: EntryHash) -> BoxFuture<'_, Result<Option<(u64, EntryHash)>>> {
        read::placed(&self.readers, scope, content).boxed()
    }

    fn wraps(&self, scope: ScopeId, recipient: ScopeId) -> BoxFuture<'_, Result<Vec<Wrap>>> {
        read::wraps(&self.readers, scope, recipient).boxed()
    }

    fn events(&self, account: ScopeId, after: Cursor, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>> {
        reach::events(&self.readers, account, after, limit).boxed()
    }

    fn cursor(&self) -> BoxFuture<'_, Result<Cursor>> {
        read::cursor(&self.readers).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.readers.close().await;
            self.writer.close().await;
        }
        .boxed()
    }
}

const SQLITE_FULL: i32 = 13;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<i32>().ok());
        // The low byte is the primary code; the others say where it happened.
        match code.map(|c| c & 0xff) {
            Some(SQLITE_FULL) => Self::Full,
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// 64-bit numbers are signed in SQLite; none of ours comes near the border.
fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn id<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| StoreError::Broken("an id of another length".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{super::conformance, *};
    use futures_util::TryFutureExt;
    use keyfold_format::{VerifyingKey, entry::Head};
    use keyfold_protocol::{signing::Nonce, wire::ScopeKind};
    use std::sync::Arc;

    #[tokio::test]
    async fn sqlite_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let open = |name: &'static str, listener| {
            let file = path.join(name);
            async move { Arc::new(SqliteStore::open(&file, listener).await.unwrap()) as Arc<dyn Store> }.boxed()
        };
        conformance::check_all(&open).await;
    }

    fn large_account(user: &str, fill: u8) -> NewAccount {
        let scope = ScopeId([fill; 32]);
        NewAccount {
            entry: NewEntry {
                scope,
                kind: ScopeKind::Account,
                head: Head { seq: 0, hash: EntryHash(scope.0) },
                follows: None,
                content: EntryHash(scope.0),
                author: scope,
                entry: vec![fill; 100_000],
                wraps: Vec::new(),
                cited: Vec::new(),
                cites: Vec::new(),
                bans: Vec::new(),
                standings: Vec::new(),
                audience: Vec::new(),
                audience_groups: Vec::new(),
            },
            user_id: UserId::new(user).unwrap(),
            signing_key: VerifyingKey([fill; 32]),
            master_key: vec![fill; 100_000],
            now_ms: 0,
        }
    }

    #[tokio::test]
    async fn a_full_disk_refuses_whole_writes_and_takes_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keyfold.db");
        let store = SqliteStore::open(&file, Box::new(|_| {})).await.unwrap();
        store.writer.limit_pages(100).await;
        let once = |n| Once { device: HolderId([n; 32]), nonce: Nonce([n; 24]), created: 1_800_000_000 };
        assert!(store.sign_up(once(1), large_account("alice", 1)).await.is_ok());
        // Others of the same transaction are told the same; none of them is half there.
        let writes = [
            store.log_out(Once { nonce: Nonce([9; 24]), ..once(1) }),
            store.sign_up(once(2), large_account("bob", 2)).map_ok(drop).boxed(),
            store.log_out(once(3)),
        ];
        for outcome in futures_util::future::join_all(writes).await {
            assert!(matches!(outcome, Err(StoreError::Full)), "{outcome:?}");
        }
        assert!(store.device(HolderId([1; 32])).await.unwrap().unwrap().session_since.is_some());
        assert_eq!(store.account(UserId::new("bob").unwrap()).await.unwrap(), None);
        assert_eq!(store.device(HolderId([2; 32])).await.unwrap(), None);
        assert!(!store.spent(once(2)).await.unwrap());
        store.writer.limit_pages(10_000).await;
        assert!(store.sign_up(once(2), large_account("bob", 2)).await.is_ok());
    }
}
