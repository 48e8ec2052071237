//! Visits, and wishes to be let in: what there is of a device that no account has.

use super::{
    super::{Enrolment, Once, Passkey, Result, StoreError, Visitor},
    id, number, passkeys,
    read::column,
    unsigned,
    write::spend,
};
use keyfold_format::{HolderId, ScopeId, UserId, VerifyingKey};
use keyfold_protocol::limits;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

pub(super) async fn visitor(pool: &SqlitePool, device: HolderId) -> Result<Option<Visitor>> {
    let row =
        sqlx::query("SELECT signing_key, user_id, expires, credential, handle, passkey FROM visits WHERE device = ?")
            .bind(&device.0[..])
            .fetch_optional(pool)
            .await?;
    row.map(|row| {
        let user_id = UserId::new(row.try_get::<&str, _>(1)?).map_err(|e| StoreError::Broken(e.to_string()))?;
        let passkey = match row.try_get::<Option<Vec<u8>>, _>(3)? {
            Some(credential) => Some(Passkey { credential, handle: id(row.try_get(4)?)?, key: row.try_get(5)? }),
            None => None,
        };
        let (signing_key, expires_ms) = (VerifyingKey(column(&row, 0)?), unsigned(row.try_get(2)?));
        Ok(Visitor { signing_key, user_id, expires_ms, passkey })
    })
    .transpose()
}

pub(super) async fn enrolments(pool: &SqlitePool, account: ScopeId, now_ms: u64) -> Result<Vec<Enrolment>> {
    let rows = sqlx::query(
        "SELECT account, request, expires FROM enrolments WHERE account = ? AND expires > ? ORDER BY expires, device",
    );
    let rows = rows.bind(&account.0[..]).bind(number(now_ms)).fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn enrolment(pool: &SqlitePool, device: HolderId) -> Result<Option<Enrolment>> {
    let row = sqlx::query("SELECT account, request, expires FROM enrolments WHERE device = ?");
    row.bind(&device.0[..]).fetch_optional(pool).await?.as_ref().map(read).transpose()
}

fn read(row: &SqliteRow) -> Result<Enrolment> {
    let (request, expires) = (row.try_get(1)?, row.try_get(2)?);
    Ok(Enrolment { account: ScopeId(column(row, 0)?), request, expires_ms: unsigned(expires) })
}

pub(super) async fn visit(
    c: &mut SqliteConnection,
    once: Once,
    visitor: &Visitor,
    used: Option<&Passkey>,
    now_ms: u64,
) -> Result<()> {
    spend(c, once).await?;
    passkeys::check_newcomer(c, visitor).await?;
    if let Some(used) = used {
        passkeys::used(c, used).await?;
    }
    let made = visitor.passkey.as_ref();
    sqlx::query("DELETE FROM visits WHERE expires <= ?").bind(number(now_ms)).execute(&mut *c).await?;
    sqlx::query(
        "INSERT OR REPLACE INTO visits (device, signing_key, user_id, expires, credential, handle, passkey)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&once.device.0[..])
    .bind(&visitor.signing_key.0[..])
    .bind(visitor.user_id.as_str())
    .bind(number(visitor.expires_ms))
    .bind(made.map(|passkey| &passkey.credential[..]))
    .bind(made.map(|passkey| &passkey.handle[..]))
    .bind(made.map(|passkey| &passkey.key[..]))
    .execute(c)
    .await?;
    Ok(())
}

pub(super) async fn request_enrolment(
    c: &mut SqliteConnection,
    once: Once,
    enrolment: &Enrolment,
    now_ms: u64,
) -> Result<()> {
    spend(c, once).await?;
    sqlx::query("DELETE FROM enrolments WHERE expires <= ?").bind(number(now_ms)).execute(&mut *c).await?;
    let others: i64 = sqlx::query_scalar("SELECT count(*) FROM enrolments WHERE account = ? AND device <> ?")
        .bind(&enrolment.account.0[..])
        .bind(&once.device.0[..])
        .fetch_one(&mut *c)
        .await?;
    if unsigned(others) >= limits::ENROLMENTS as u64 {
        return Err(StoreError::TooManyEnrolments);
    }
    sqlx::query("INSERT OR REPLACE INTO enrolments (device, account, request, expires) VALUES (?, ?, ?, ?)")
        .bind(&once.device.0[..])
        .bind(&enrolment.account.0[..])
        .bind(&enrolment.request[..])
        .bind(number(enrolment.expires_ms))
        .execute(c)
        .await?;
    Ok(())
}

pub(super) async fn decline_enrolment(
    c: &mut SqliteConnection,
    once: Once,
    account: ScopeId,
    device: HolderId,
) -> Result<bool> {
    spend(c, once).await?;
    let gone = sqlx::query("DELETE FROM enrolments WHERE device = ? AND account = ?");
    Ok(gone.bind(&device.0[..]).bind(&account.0[..]).execute(c).await?.rows_affected() > 0)
}

pub(super) async fn release_name(
    c: &mut SqliteConnection,
    once: Once,
    account: ScopeId,
    user_id: &UserId,
) -> Result<bool> {
    spend(c, once).await?;
    // Nobody can be called so: it begins with a control character. Of names that are gone each is another.
    let nameless = format!("\u{0}{account}");
    let released = sqlx::query("UPDATE accounts SET user_id = ? WHERE account = ? AND user_id = ?")
        .bind(&nameless)
        .bind(&account.0[..])
        .bind(user_id.as_str())
        .execute(&mut *c)
        .await?;
    if released.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM passkeys WHERE account = ?").bind(&account.0[..]).execute(c).await?;
    Ok(true)
}

/// An account has the device now.
pub(super) async fn over(c: &mut SqliteConnection, device: &HolderId) -> Result<()> {
    for statement in ["DELETE FROM enrolments WHERE device = ?", "DELETE FROM visits WHERE device = ?"] {
        sqlx::query(statement).bind(&device.0[..]).execute(&mut *c).await?;
    }
    Ok(())
}
