//! Sessions: which devices are logged in, and when they were last used.

use super::{
    super::{Once, Result, StoreError, USED_MS},
    number,
    read::column,
    unsigned,
    write::spend,
};
use keyfold_format::{HolderId, ScopeId};
use keyfold_protocol::wire::DeviceSession;
use sqlx::{Row, SqliteConnection, SqlitePool};

pub(super) async fn of_account(pool: &SqlitePool, account: ScopeId) -> Result<Vec<DeviceSession>> {
    let devices = "SELECT device, session_since, last_used FROM devices WHERE account = ? ORDER BY device";
    let rows = sqlx::query(devices).bind(&account.0[..]).fetch_all(pool).await?;
    let session = |row| {
        Ok(DeviceSession {
            device: HolderId(column(row, 0)?),
            since_ms: row.try_get::<Option<i64>, _>(1)?.map(unsigned),
            last_used_ms: row.try_get::<Option<i64>, _>(2)?.map(unsigned),
        })
    };
    rows.iter().map(session).collect()
}

pub(super) async fn log_in(c: &mut SqliteConnection, once: Once, now_ms: u64) -> Result<u64> {
    spend(c, once).await?;
    let since: i64 = sqlx::query_scalar(
        "UPDATE devices SET session_since = coalesce(session_since, ?1), last_used = ?1 WHERE device = ?2
         RETURNING session_since",
    )
    .bind(number(now_ms))
    .bind(&once.device.0[..])
    .fetch_optional(c)
    .await?
    // Revoked while it asked.
    .ok_or(StoreError::LoggedOut)?;
    Ok(unsigned(since))
}

pub(super) async fn log_out(c: &mut SqliteConnection, once: Once) -> Result<()> {
    spend(c, once).await?;
    sqlx::query("UPDATE devices SET session_since = NULL WHERE device = ?").bind(&once.device.0[..]).execute(c).await?;
    Ok(())
}

/// Gives the devices whose sessions it ended.
pub(super) async fn end(c: &mut SqliteConnection, once: Once, account: ScopeId, own: bool) -> Result<Vec<HolderId>> {
    spend(c, once).await?;
    let ended = sqlx::query(
        "UPDATE devices SET session_since = NULL WHERE account = ? AND session_since IS NOT NULL AND (? OR device <> ?)
         RETURNING device",
    )
    .bind(&account.0[..])
    .bind(own)
    .bind(&once.device.0[..])
    .fetch_all(c)
    .await?;
    ended.iter().map(|row| column(row, 0).map(HolderId)).collect()
}

/// Whoever asks often is written down once a minute.
pub(super) async fn used(c: &mut SqliteConnection, device: HolderId, now_ms: u64) -> Result<()> {
    sqlx::query("UPDATE devices SET last_used = ?1 WHERE device = ?2 AND coalesce(last_used, 0) <= ?3")
        .bind(number(now_ms))
        .bind(&device.0[..])
        .bind(number(now_ms.saturating_sub(USED_MS)))
        .execute(c)
        .await?;
    Ok(())
}
