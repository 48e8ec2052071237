//! The one writer. While a commit waits for the disk, requests queue; the next transaction takes all of them, each in
//! a savepoint of its own, and one wait for the disk serves them all. So fifty people who accept at once cost about as
//! much as one.

use super::{
    super::{
        AccountEntry, Committed, Enrolment, Listener, NewAccount, NewEntry, Object, Once, Passkey, Result, StoreError,
        Visitor,
    },
    sessions, storage, visits, write,
};
use futures_util::{FutureExt, future::BoxFuture};
use keyfold_format::{HolderId, ObjectId, ScopeId, UserId, wrap::Wrap};
use keyfold_protocol::wire::{SwapReference, Swapped};
use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeSet;
use tokio::sync::{mpsc, oneshot};

/// Writes that may wait; more are `Busy`.
const QUEUE: usize = 4_096;
/// Writes in one transaction, so that the first does not wait long for the last.
const GROUP: usize = 256;

/// The way to the writer's task.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

type Answer<T> = oneshot::Sender<Result<T>>;

enum Job {
    SignUp(Once, Box<NewAccount>, Answer<u64>),
    LogIn(Once, u64, Answer<u64>),
    LogOut(Once, Answer<()>),
    EndSessions(Once, ScopeId, bool, Answer<Vec<HolderId>>),
    Used(HolderId, u64, Answer<()>),
    Visit(Once, Box<(Visitor, Option<Passkey>)>, u64, Answer<()>),
    RequestEnrolment(Once, Box<Enrolment>, u64, Answer<()>),
    DeclineEnrolment(Once, ScopeId, HolderId, Answer<bool>),
    ReleaseName(Once, ScopeId, UserId, Answer<bool>),
    Append(Once, Box<NewEntry>, Answer<()>),
    AddWraps(Once, ScopeId, ScopeId, Vec<Wrap>, Answer<()>),
    ExtendAccount(Once, Box<AccountEntry>, Answer<()>),
    PutObjects(Once, ScopeId, Vec<Object>, u64, Answer<()>),
    DeleteObjects(Once, ScopeId, Vec<ObjectId>, Answer<()>),
    SwapReference(Once, ScopeId, Box<SwapReference>, Answer<Swapped>),
    Close(oneshot::Sender<()>),
    #[cfg(test)]
    LimitPages(u32, oneshot::Sender<()>),
}

impl Writer {
    /// Takes the connection; nothing else writes.
    pub(super) fn start(connection: SqliteConnection, listener: Listener) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(run(connection, queue, listener));
        Self { jobs }
    }

    pub(super) fn sign_up(&self, once: Once, account: NewAccount) -> BoxFuture<'static, Result<u64>> {
        self.queue(|answer| Job::SignUp(once, Box::new(account), answer))
    }

    pub(super) fn log_in(&self, once: Once, now_ms: u64) -> BoxFuture<'static, Result<u64>> {
        self.queue(|answer| Job::LogIn(once, now_ms, answer))
    }

    pub(super) fn log_out(&self, once: Once) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::LogOut(once, answer))
    }

    pub(super) fn end_sessions(
        &self,
        once: Once,
        account: ScopeId,
        own: bool,
    ) -> BoxFuture<'static, Result<Vec<HolderId>>> {
        self.queue(|answer| Job::EndSessions(once, account, own, answer))
    }

    pub(super) fn used(&self, device: HolderId, now_ms: u64) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::Used(device, now_ms, answer))
    }

    pub(super) fn visit(
        &self,
        once: Once,
        visitor: Visitor,
        used: Option<Passkey>,
        now_ms: u64,
    ) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::Visit(once, Box::new((visitor, used)), now_ms, answer))
    }

    pub(super) fn request_enrolment(
        &self,
        once: Once,
        enrolment: Enrolment,
        now_ms: u64,
    ) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::RequestEnrolment(once, Box::new(enrolment), now_ms, answer))
    }

    pub(super) fn release_name(
        &self,
        once: Once,
        account: ScopeId,
        user_id: UserId,
    ) -> BoxFuture<'static, Result<bool>> {
        self.queue(|answer| Job::ReleaseName(once, account, user_id, answer))
    }

    pub(super) fn decline_enrolment(
        &self,
        once: Once,
        account: ScopeId,
        device: HolderId,
    ) -> BoxFuture<'static, Result<bool>> {
        self.queue(|answer| Job::DeclineEnrolment(once, account, device, answer))
    }

    pub(super) fn append(&self, once: Once, entry: NewEntry) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::Append(once, Box::new(entry), answer))
    }

    pub(super) fn add_wraps(
        &self,
        once: Once,
        scope: ScopeId,
        author: ScopeId,
        wraps: Vec<Wrap>,
    ) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::AddWraps(once, scope, author, wraps, answer))
    }

    pub(super) fn extend_account(&self, once: Once, entry: AccountEntry) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::ExtendAccount(once, Box::new(entry), answer))
    }

    pub(super) fn put_objects(
        &self,
        once: Once,
        scope: ScopeId,
        objects: Vec<Object>,
        now_ms: u64,
    ) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::PutObjects(once, scope, objects, now_ms, answer))
    }

    pub(super) fn delete_objects(
        &self,
        once: Once,
        scope: ScopeId,
        ids: Vec<ObjectId>,
    ) -> BoxFuture<'static, Result<()>> {
        self.queue(|answer| Job::DeleteObjects(once, scope, ids, answer))
    }

    pub(super) fn swap_reference(
        &self,
        once: Once,
        scope: ScopeId,
        swap: SwapReference,
    ) -> BoxFuture<'static, Result<Swapped>> {
        self.queue(|answer| Job::SwapReference(once, scope, Box::new(swap), answer))
    }

    /// Writes what is queued, then ends the task and with it the connection.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            _ = closed.await;
        }
    }

    /// A disk of so many pages, for tests.
    #[cfg(test)]
    pub(super) async fn limit_pages(&self, pages: u32) {
        let (done, limited) = oneshot::channel();
        _ = self.jobs.send(Job::LimitPages(pages, done)).await;
        _ = limited.await;
    }

    /// Queues now; the future only waits.
    fn queue<T: Send + 'static>(&self, job: impl FnOnce(Answer<T>) -> Job) -> BoxFuture<'static, Result<T>> {
        let (answer, outcome) = oneshot::channel();
        let queued = self.jobs.try_send(job(answer));
        async move {
            queued.map_err(|e| match e {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Broken("the store is closed".to_owned()),
            })?;
            outcome.await.unwrap_or_else(|_| Err(StoreError::Broken("the writer ended".to_owned())))
        }
        .boxed()
    }
}

async fn run(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Job>, listener: Listener) {
    let mut group = Vec::new();
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let close = group.iter().position(|job| matches!(job, Job::Close(_)));
        let closing = close.map(|at| group.split_off(at));
        commit(&mut connection, group.drain(..), &listener).await;
        if let Some(Job::Close(done)) = closing.and_then(|jobs| jobs.into_iter().next()) {
            // The log is folded into the file, so that a copy of the folder is one file.
            _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
            _ = connection.close().await;
            _ = done.send(());
            return;
        }
    }
}

/// A job that was tried: how to answer once the transaction is on the disk, or was not.
type Ready = Box<dyn FnOnce(Option<StoreError>) + Send>;

async fn commit(connection: &mut SqliteConnection, jobs: impl Iterator<Item = Job>, listener: &Listener) {
    let mut ready: Vec<Ready> = Vec::new();
    let mut committed = Vec::new();
    let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await;
    let mut failed = begun.err().map(StoreError::from);
    for job in jobs {
        match job {
            Job::SignUp(once, account, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| write::sign_up(c, once, &account).await).await;
                ready.push(answer_later(answer, outcome));
            }
            Job::LogIn(once, now_ms, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| sessions::log_in(c, once, now_ms).await).await;
                ready.push(answer_later(answer, outcome));
            }
            Job::LogOut(once, answer) => {
                let outcome = in_savepoint(connection, &mut failed, async |c| sessions::log_out(c, once).await).await;
                ready.push(answer_later(answer, outcome));
            }
            Job::EndSessions(once, account, own, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| sessions::end(c, once, account, own).await).await;
                ready.push(answer_later(answer, outcome));
            }
            Job::Used(device, now_ms, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| sessions::used(c, device, now_ms).await).await;
                ready.push(answer_later(answer, outcome));
            }
            Job::Visit(once, visit, now_ms, answer) => {
                let (visitor, used) = *visit;
                let outcome = in_savepoint(connection, &mut failed, async |c| {
                    visits::visit(c, once, &visitor, used.as_ref(), now_ms).await
                });
                ready.push(answer_later(answer, outcome.await));
            }
            Job::RequestEnrolment(once, enrolment, now_ms, answer) => {
                let outcome = in_savepoint(connection, &mut failed, async |c| {
                    visits::request_enrolment(c, once, &enrolment, now_ms).await
                });
                ready.push(answer_later(answer, outcome.await));
            }
            Job::DeclineEnrolment(once, account, device, answer) => {
                let outcome = in_savepoint(connection, &mut failed, async |c| {
                    visits::decline_enrolment(c, once, account, device).await
                });
                ready.push(answer_later(answer, outcome.await));
            }
            Job::ReleaseName(once, account, user_id, answer) => {
                let outcome = in_savepoint(connection, &mut failed, async |c| {
                    visits::release_name(c, once, account, &user_id).await
                });
                ready.push(answer_later(answer, outcome.await));
            }
            Job::Append(once, entry, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| write::append(c, once, &entry).await).await;
                let outcome = outcome.map(|(event, inside)| {
                    let audience = distinct(entry.audience, inside);
                    committed.push(Committed { event, audience });
                });
                ready.push(answer_later(answer, outcome));
            }
            Job::AddWraps(once, scope, author, wraps, answer) => {
                let outcome = in_savepoint(connection, &mut failed, async |c| {
                    write::add_wraps(c, once, scope, author, &wraps).await
                });
                ready.push(answer_later(answer, outcome.await));
            }
            Job::ExtendAccount(once, new, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| write::extend_account(c, once, &new).await).await;
                let outcome = outcome.map(|(event, around)| {
                    let audience = distinct(new.entry.audience, around);
                    committed.push(Committed { event, audience });
                });
                ready.push(answer_later(answer, outcome));
            }
            Job::PutObjects(once, scope, objects, now_ms, answer) => {
                let outcome = in_savepoint(connection, &mut failed, async |c| {
                    storage::put(c, once, scope, &objects, now_ms).await
                });
                ready.push(answer_later(answer, outcome.await));
            }
            Job::DeleteObjects(once, scope, ids, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| storage::delete(c, once, scope, &ids).await);
                ready.push(answer_later(answer, outcome.await));
            }
            Job::SwapReference(once, scope, swap, answer) => {
                let outcome =
                    in_savepoint(connection, &mut failed, async |c| storage::swap(c, once, scope, &swap).await);
                ready.push(answer_later(answer, outcome.await));
            }
            Job::Close(_) => {}
            #[cfg(test)]
            Job::LimitPages(pages, done) => {
                let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
                _ = sqlx::query(limit).execute(&mut *connection).await;
                _ = done.send(());
            }
        }
    }
    if failed.is_none() {
        failed = sqlx::query("COMMIT").execute(&mut *connection).await.err().map(StoreError::from);
    }
    if let Some(error) = &failed {
        tracing::error!(%error, "a transaction was not committed");
        _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    } else {
        committed.into_iter().for_each(listener);
    }
    for answer in ready {
        answer(failed.as_ref().map(StoreError::again));
    }
}

/// Nobody is told twice, whatever ways lead to him.
fn distinct(audience: Vec<ScopeId>, inside: Vec<ScopeId>) -> Vec<ScopeId> {
    if inside.is_empty() {
        return audience;
    }
    let all: BTreeSet<ScopeId> = audience.into_iter().chain(inside).collect();
    all.into_iter().collect()
}

fn answer_later<T: Send + 'static>(answer: Answer<T>, outcome: Result<T>) -> Ready {
    Box::new(move |failed| {
        // Nobody waiting any more is no reason to undo.
        _ = answer.send(match failed {
            Some(error) => Err(error),
            None => outcome,
        });
    })
}

/// A refusal leaves the others of the group as they were. A failure of the database fails the group: SQLite may have
/// rolled everything back by itself, and what followed would stand outside any transaction.
async fn in_savepoint<T>(
    connection: &mut SqliteConnection,
    failed: &mut Option<StoreError>,
    write: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    if let Some(error) = failed {
        return Err(error.again());
    }
    let outcome = tried(connection, write).await;
    if let Err(error @ (StoreError::Full | StoreError::Broken(_))) = &outcome {
        *failed = Some(error.again());
    }
    outcome
}

async fn tried<T>(
    connection: &mut SqliteConnection,
    write: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    sqlx::query("SAVEPOINT one").execute(&mut *connection).await?;
    match write(connection).await {
        Err(failure @ (StoreError::Full | StoreError::Broken(_))) => Err(failure),
        Err(refused) => {
            sqlx::query("ROLLBACK TO one").execute(&mut *connection).await?;
            sqlx::query("RELEASE one").execute(&mut *connection).await?;
            Err(refused)
        }
        Ok(done) => {
            sqlx::query("RELEASE one").execute(&mut *connection).await?;
            Ok(done)
        }
    }
}

impl StoreError {
    /// The same failure, for everybody whose write was in the transaction.
    fn again(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Broken(reason) => Self::Broken(reason.clone()),
            other => Self::Broken(other.to_string()),
        }
    }
}
