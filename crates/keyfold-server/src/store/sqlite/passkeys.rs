//! Passkeys: those of accounts, and those that wait with a visit for their account.

use super::{
    super::{Passkey, Result, StoreError, Visitor},
    id,
};
use keyfold_format::{HolderId, ScopeId, UserId};
use sqlx::{Row, SqliteConnection, SqlitePool};

pub(super) async fn passkey(pool: &SqlitePool, credential: Vec<u8>) -> Result<Option<(UserId, Passkey)>> {
    let row = sqlx::query(
        "SELECT a.user_id, p.handle, p.key FROM passkeys p JOIN accounts a USING (account) WHERE p.credential = ?",
    )
    .bind(&credential[..])
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let user_id = UserId::new(row.try_get::<&str, _>(0)?).map_err(|e| StoreError::Broken(e.to_string()))?;
        Ok((user_id, Passkey { credential, handle: id(row.try_get(1)?)?, key: row.try_get(2)? }))
    })
    .transpose()
}

/// A newcomer's name is free.
pub(super) async fn check_newcomer(c: &mut SqliteConnection, visitor: &Visitor) -> Result<()> {
    let taken = sqlx::query("SELECT 1 FROM accounts WHERE user_id = ?").bind(visitor.user_id.as_str());
    let is_taken = visitor.passkey.is_some() && taken.fetch_optional(c).await?.is_some();
    if is_taken { Err(StoreError::UserTaken) } else { Ok(()) }
}

/// A passkey was used: its counter moved.
pub(super) async fn used(c: &mut SqliteConnection, passkey: &Passkey) -> Result<()> {
    sqlx::query("UPDATE passkeys SET key = ? WHERE credential = ?")
        .bind(&passkey.key[..])
        .bind(&passkey.credential[..])
        .execute(c)
        .await?;
    Ok(())
}

/// What was made for the visit of this device is the account's. One that another account has stays that one's: no
/// authenticator makes the same twice.
pub(super) async fn founded(c: &mut SqliteConnection, device: &HolderId, account: &ScopeId) -> Result<()> {
    sqlx::query(
        "INSERT INTO passkeys (credential, account, handle, key) SELECT credential, ?, handle, passkey FROM visits
         WHERE device = ? AND credential IS NOT NULL ON CONFLICT DO NOTHING",
    )
    .bind(&account.0[..])
    .bind(&device.0[..])
    .execute(c)
    .await?;
    Ok(())
}
