//! Records of passwords, beside the recovery methods in the ledgers that they belong to.

use super::super::{AccountEntry, Result};
use keyfold_format::{HolderId, ScopeId};
use sqlx::{SqliteConnection, SqlitePool};

pub(super) async fn record(pool: &SqlitePool, account: ScopeId, recovery: HolderId) -> Result<Option<Vec<u8>>> {
    let record = sqlx::query_scalar("SELECT record FROM opaque_records WHERE account = ? AND recovery = ?");
    Ok(record.bind(&account.0[..]).bind(&recovery.0[..]).fetch_optional(pool).await?)
}

pub(super) async fn any(pool: &SqlitePool) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM opaque_records)").fetch_one(pool).await?)
}

/// With the entry that adds or takes away the methods, in its transaction.
pub(super) async fn follow(c: &mut SqliteConnection, new: &AccountEntry) -> Result<()> {
    let account = &new.entry.scope.0[..];
    for recovery in &new.passwords.gone {
        sqlx::query("DELETE FROM opaque_records WHERE account = ? AND recovery = ?")
            .bind(account)
            .bind(&recovery.0[..])
            .execute(&mut *c)
            .await?;
    }
    if let Some((recovery, record)) = &new.passwords.added {
        sqlx::query("INSERT INTO opaque_records (account, recovery, record) VALUES (?, ?, ?)")
            .bind(account)
            .bind(&recovery.0[..])
            .bind(&record[..])
            .execute(c)
            .await?;
    }
    Ok(())
}
