//! The reads.

use super::{
    super::{Device, Limit, Once, Page, Reading, Result, StoreError},
    id, number,
    reach::{self, Last},
    unsigned,
};
use futures_util::TryStreamExt;
use keyfold_format::{
    EntryHash, HolderId, ScopeId, UserId, VerifyingKey,
    entry::Head,
    wrap::{Wrap, WrapKind, WrapPlace},
};
use keyfold_protocol::{
    events::{Cursor, Event},
    limits,
    wire::{ScopeKind, ScopeSummary, SealedMasterKeys, Standing},
};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

pub(super) async fn spent(pool: &SqlitePool, once: Once) -> Result<bool> {
    let row = sqlx::query("SELECT 1 FROM nonces WHERE device = ? AND nonce = ?")
        .bind(&once.device.0[..])
        .bind(&once.nonce.0[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn device(pool: &SqlitePool, device: HolderId) -> Result<Option<Device>> {
    let row =
        sqlx::query("SELECT account, signing_key, session_since, expires, last_used FROM devices WHERE device = ?")
            .bind(&device.0[..])
            .fetch_optional(pool)
            .await?;
    row.map(|row| {
        Ok(Device {
            account: ScopeId(column(&row, 0)?),
            signing_key: VerifyingKey(column(&row, 1)?),
            session_since: row.try_get::<Option<i64>, _>(2)?.map(unsigned),
            expires_ms: row.try_get::<Option<i64>, _>(3)?.map(unsigned),
            last_used_ms: row.try_get::<Option<i64>, _>(4)?.map(unsigned),
        })
    })
    .transpose()
}

pub(super) async fn account(pool: &SqlitePool, user_id: UserId) -> Result<Option<ScopeId>> {
    let row = sqlx::query("SELECT account FROM accounts WHERE user_id = ?")
        .bind(user_id.as_str())
        .fetch_optional(pool)
        .await?;
    row.map(|row| column(&row, 0).map(ScopeId)).transpose()
}

pub(super) async fn envelopes(
    pool: &SqlitePool,
    account: ScopeId,
    before: Option<u64>,
) -> Result<Vec<SealedMasterKeys>> {
    let newest = sqlx::query_as::<_, (i64, Vec<u8>)>(
        "SELECT seq, envelope FROM envelopes WHERE account = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    );
    let before = before.map_or(i64::MAX, number);
    let mut rows = newest.bind(&account.0[..]).bind(before).bind(number(limits::ENVELOPES as u64)).fetch(pool);
    let mut envelopes = Vec::new();
    let mut bytes = 0;
    while let Some((seq, envelope)) = rows.try_next().await? {
        bytes += envelope.len();
        if bytes > limits::PAGE_BYTES && !envelopes.is_empty() {
            break;
        }
        envelopes.push(SealedMasterKeys { seq: unsigned(seq), envelope });
    }
    envelopes.reverse();
    Ok(envelopes)
}

pub(super) async fn page(pool: &SqlitePool, scope: ScopeId, after: Option<u64>, limit: Limit) -> Result<Option<Page>> {
    // One read transaction: the head is that of the entries.
    let mut reader = pool.begin().await?;
    let head = match limit.last {
        None => sqlx::query("SELECT kind, seq, hash FROM ledgers WHERE scope = ?").bind(&scope.0[..]),
        Some(last) => sqlx::query(
            "SELECT l.kind, e.seq, e.hash FROM ledgers l JOIN entries e USING (scope) WHERE l.scope = ? AND e.seq = ?",
        )
        .bind(&scope.0[..])
        .bind(number(last)),
    };
    let row = head.fetch_optional(&mut *reader).await?;
    let Some(row) = row else { return Ok(None) };
    let head = Head { seq: unsigned(row.try_get(1)?), hash: EntryHash(column(&row, 2)?) };
    let mut page = Page { kind: kind(&row, 0)?, head, entries: Vec::new(), more: false };
    let mut bytes = 0;
    let mut rows = sqlx::query_scalar::<_, Vec<u8>>(
        "SELECT entry FROM entries WHERE scope = ? AND seq > ? AND seq <= ? ORDER BY seq",
    )
    .bind(&scope.0[..])
    .bind(after.map_or(-1, number))
    .bind(number(head.seq))
    .fetch(&mut *reader);
    while let Some(entry) = rows.try_next().await? {
        bytes += entry.len();
        if page.entries.len() >= limit.entries || (bytes > limit.bytes && !page.entries.is_empty()) {
            page.more = true;
            break;
        }
        page.entries.push(entry);
    }
    Ok(Some(page))
}

pub(super) async fn reading(pool: &SqlitePool, scope: ScopeId, account: ScopeId) -> Result<Option<Reading>> {
    let row =
        sqlx::query("SELECT standing IS NOT NULL, read_until, until FROM audience WHERE account = ? AND scope = ?")
            .bind(&account.0[..])
            .bind(&scope.0[..])
            .fetch_optional(pool)
            .await?;
    let (mut until, mut share_ended) = (None, None);
    if let Some(row) = row {
        if row.try_get(0)? {
            return Ok(Some(Reading::All));
        }
        until = row.try_get::<Option<i64>, _>(1)?.map(unsigned);
        share_ended = row.try_get::<Option<i64>, _>(2)?.map(unsigned);
    }
    Ok(match reach::reading(pool, scope, account, share_ended).await? {
        Some(Last::Lasts) => Some(Reading::All),
        Some(Last::Entry(seq)) => Some(Reading::Until(until.unwrap_or(0).max(seq))),
        None => until.map(Reading::Until),
    })
}

pub(super) fn scopes_of(rows: &[SqliteRow]) -> Result<Vec<ScopeSummary>> {
    rows.iter()
        .map(|row| {
            Ok(ScopeSummary {
                scope: ScopeId(column(row, 0)?),
                kind: kind(row, 1)?,
                head: Head { seq: unsigned(row.try_get(2)?), hash: EntryHash(column(row, 3)?) },
                standing: known_standing(row.try_get(4)?)?,
                missing: false,
                unseen: row.try_get(5)?,
            })
        })
        .collect()
}

pub(super) async fn unseen(pool: &SqlitePool, scope: ScopeId, limit: u32) -> Result<Vec<ScopeId>> {
    let rows = sqlx::query(
        "SELECT u.account FROM unseen u JOIN audience a USING (account, scope)
         WHERE u.scope = ? AND a.standing IS NOT NULL ORDER BY u.account LIMIT ?",
    )
    .bind(&scope.0[..])
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| column(row, 0).map(ScopeId)).collect()
}

pub(super) async fn placed(pool: &SqlitePool, scope: ScopeId, content: EntryHash) -> Result<Option<(u64, EntryHash)>> {
    let row = sqlx::query(
        "SELECT e.seq, before.hash FROM entries e JOIN entries before ON before.scope = e.scope
         AND before.seq = e.seq - 1 WHERE e.scope = ? AND e.content = ?",
    )
    .bind(&scope.0[..])
    .bind(&content.0[..])
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((unsigned(row.try_get(0)?), EntryHash(column(&row, 1)?)))).transpose()
}

pub(super) async fn wraps(pool: &SqlitePool, scope: ScopeId, recipient: ScopeId) -> Result<Vec<Wrap>> {
    let rows = sqlx::query(
        "SELECT number, recipient_number, history, sealed FROM wraps WHERE scope = ? AND recipient = ?
         ORDER BY number, rowid",
    )
    .bind(&scope.0[..])
    .bind(&recipient.0[..])
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let place = WrapPlace {
                kind: WrapKind::Keychain,
                scope,
                number: row.try_get(0)?,
                recipient,
                recipient_number: row.try_get(1)?,
                history: row.try_get(2)?,
            };
            Wrap::new(&place, row.try_get(3)?).map_err(|_| StoreError::Broken("a wrap of another length".to_owned()))
        })
        .collect()
}

pub(super) fn events_of(rows: &[SqliteRow]) -> Result<Vec<Event>> {
    rows.iter()
        .map(|row| {
            Ok(Event {
                cursor: unsigned(row.try_get(0)?),
                scope: ScopeId(column(row, 1)?),
                kind: kind(row, 2)?,
                seq: unsigned(row.try_get(3)?),
                author: ScopeId(column(row, 4)?),
            })
        })
        .collect()
}

pub(super) async fn cursor(pool: &SqlitePool) -> Result<Cursor> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(cursor) FROM events").fetch_one(pool).await?;
    Ok(newest.map_or(0, unsigned))
}

pub(super) fn column(row: &SqliteRow, at: usize) -> Result<[u8; 32]> {
    id(row.try_get::<&[u8], _>(at)?)
}

fn kind(row: &SqliteRow, at: usize) -> Result<ScopeKind> {
    ScopeKind::from_number(row.try_get(at)?).map_err(|_| StoreError::Broken("an unknown kind".to_owned()))
}

fn known_standing(number: i64) -> Result<Standing> {
    u8::try_from(number)
        .ok()
        .and_then(|n| Standing::from_number(n).ok())
        .ok_or_else(|| StoreError::Broken("an unknown standing".to_owned()))
}
