//! What each write does, inside a savepoint of the writer.

use super::{
    super::{AccountEntry, NewAccount, NewEntry, Once, Result, StoreError, WRAPS_BESIDE},
    number, passkeys, passwords, reach, unsigned, visits,
};
use keyfold_format::{ScopeId, wrap::Wrap};
use keyfold_protocol::{
    events::Event,
    limits,
    wire::{ScopeKind, Standing},
};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

/// Rows in one statement: SQLite takes 32,766 values.
const ROWS: usize = 4_096;

/// Spends the request's nonce, and forgets those whose time has passed: a request as old as they are is refused for
/// its age.
pub(super) async fn spend(c: &mut SqliteConnection, once: Once) -> Result<()> {
    let inserted = sqlx::query("INSERT INTO nonces (device, nonce, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(&once.device.0[..])
        .bind(&once.nonce.0[..])
        .bind(number(once.created))
        .execute(&mut *c)
        .await?;
    if inserted.rows_affected() == 0 {
        return Err(StoreError::Replayed);
    }
    // `created` lies in the window around now, so this is at least one window before now.
    let passed = once.created.saturating_sub(3 * limits::WINDOW_SECONDS);
    sqlx::query("DELETE FROM nonces WHERE created < ?").bind(number(passed)).execute(c).await?;
    Ok(())
}

pub(super) async fn sign_up(c: &mut SqliteConnection, once: Once, new: &NewAccount) -> Result<u64> {
    let taken = sqlx::query(
        "SELECT e.content, d.device IS NOT NULL, d.session_since FROM accounts a JOIN entries e ON e.scope = a.account AND e.seq = 0
         LEFT JOIN devices d ON d.account = a.account AND d.device = ? WHERE a.user_id = ?",
    )
    .bind(&once.device.0[..])
    .bind(new.user_id.as_str())
    .fetch_optional(&mut *c)
    .await?;
    if let Some(row) = taken {
        let same = row.try_get::<&[u8], _>(0)? == new.entry.content.0 && row.try_get::<bool, _>(1)?;
        let since: Option<i64> = row.try_get(2)?;
        return if same { since.map(unsigned).ok_or(StoreError::LoggedOut) } else { Err(StoreError::UserTaken) };
    }
    let enrolled = sqlx::query("SELECT 1 FROM devices WHERE device = ?").bind(&once.device.0[..]);
    if enrolled.fetch_optional(&mut *c).await?.is_some() {
        return Err(StoreError::DeviceTaken);
    }
    append(c, once, &new.entry).await?;
    let account = &new.entry.scope.0[..];
    sqlx::query("INSERT INTO accounts (account, user_id) VALUES (?, ?)")
        .bind(account)
        .bind(new.user_id.as_str())
        .execute(&mut *c)
        .await?;
    sqlx::query(
        "INSERT INTO devices (device, account, signing_key, session_since, last_used) VALUES (?1, ?2, ?3, ?4, ?4)",
    )
    .bind(&once.device.0[..])
    .bind(account)
    .bind(&new.signing_key.0[..])
    .bind(number(new.now_ms))
    .execute(&mut *c)
    .await?;
    insert_envelope(c, &new.entry, &new.master_key).await?;
    passkeys::founded(c, &once.device, &new.entry.scope).await?;
    visits::over(c, &once.device).await?;
    Ok(new.now_ms)
}

async fn insert_envelope(c: &mut SqliteConnection, entry: &NewEntry, envelope: &[u8]) -> Result<()> {
    sqlx::query("INSERT INTO envelopes (account, seq, envelope) VALUES (?, ?, ?)")
        .bind(&entry.scope.0[..])
        .bind(number(entry.head.seq))
        .bind(envelope)
        .execute(c)
        .await?;
    Ok(())
}

/// Gives the event, and whom a new generation concerns.
pub(super) async fn extend_account(
    c: &mut SqliteConnection,
    once: Once,
    new: &AccountEntry,
) -> Result<(Event, Vec<ScopeId>)> {
    let (event, _) = append(c, once, &new.entry).await?;
    let account = &new.entry.scope.0[..];
    for (device, signing_key) in &new.devices {
        let Some(key) = signing_key else {
            sqlx::query("DELETE FROM devices WHERE device = ? AND account = ?")
                .bind(&device.0[..])
                .bind(account)
                .execute(&mut *c)
                .await?;
            continue;
        };
        let enrolled = sqlx::query(
            "INSERT INTO devices (device, account, signing_key, expires) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET signing_key = excluded.signing_key, expires = NULL
             WHERE account = excluded.account",
        )
        .bind(&device.0[..])
        .bind(account)
        .bind(&key.0[..])
        .bind(new.expires_ms.map(number))
        .execute(&mut *c)
        .await?;
        visits::over(c, device).await?;
        if enrolled.rows_affected() == 0 {
            return Err(StoreError::DeviceTaken);
        }
    }
    if let Some(envelope) = &new.master_key {
        insert_envelope(c, &new.entry, envelope).await?;
    }
    passwords::follow(c, new).await?;
    let around = if new.new_generation { keep_unseen(c, &new.entry).await? } else { Vec::new() };
    Ok((event, around))
}

/// No scope in which the account stands has seen the generation that this entry made. Whom that concerns.
async fn keep_unseen(c: &mut SqliteConnection, new: &NewEntry) -> Result<Vec<ScopeId>> {
    sqlx::query(
        "INSERT INTO unseen (scope, account, seq)
         SELECT a.scope, ?1, ?2 FROM audience a JOIN ledgers l USING (scope)
         WHERE a.account = ?1 AND a.standing IS NOT NULL AND l.kind <> ?3
         ON CONFLICT DO UPDATE SET seq = excluded.seq",
    )
    .bind(&new.scope.0[..])
    .bind(number(new.head.seq))
    .bind(i64::from(ScopeKind::Account.number()))
    .execute(&mut *c)
    .await?;
    reach::around(c, &new.scope).await
}

/// What a scope's entry cites, the scope has seen.
async fn keep_seen(c: &mut SqliteConnection, new: &NewEntry) -> Result<()> {
    for (principal, seq) in &new.cites {
        sqlx::query("DELETE FROM unseen WHERE scope = ? AND account = ? AND seq <= ?")
            .bind(&new.scope.0[..])
            .bind(&principal.0[..])
            .bind(number(*seq))
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// Gives the event, and who hears of it because a group of the audience leads to him.
pub(super) async fn append(c: &mut SqliteConnection, once: Once, new: &NewEntry) -> Result<(Event, Vec<ScopeId>)> {
    spend(c, once).await?;
    check_cited(c, new).await?;
    move_head(c, new).await?;
    let (scope, seq) = (&new.scope.0[..], number(new.head.seq));
    sqlx::query("INSERT INTO entries (scope, seq, hash, content, author, entry) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(scope)
        .bind(seq)
        .bind(&new.head.hash.0[..])
        .bind(&new.content.0[..])
        .bind(&new.author.0[..])
        .bind(&new.entry[..])
        .execute(&mut *c)
        .await?;
    let cursor: i64 =
        sqlx::query_scalar("INSERT INTO events (scope, kind, seq, author) VALUES (?, ?, ?, ?) RETURNING cursor")
            .bind(scope)
            .bind(i64::from(new.kind.number()))
            .bind(seq)
            .bind(&new.author.0[..])
            .fetch_one(&mut *c)
            .await?;
    insert_wraps(c, new).await?;
    for (principal, standing) in &new.standings {
        let is_group = new.audience_groups.contains(principal);
        if !is_group {
            keep_standing(c, new, principal, *standing, cursor).await?;
        }
        if is_group || new.kind == ScopeKind::Group {
            let is_member = *standing == Some(Standing::Member);
            keep_step(c, new, (principal, is_group), is_member, cursor).await?;
        }
    }
    keep_bans(c, new, cursor).await?;
    keep_seen(c, new).await?;
    let inside = if new.audience_groups.is_empty() { Vec::new() } else { reach::inside(c, new.scope, cursor).await? };
    let event =
        Event { cursor: unsigned(cursor), scope: new.scope, kind: new.kind, seq: new.head.seq, author: new.author };
    Ok((event, inside))
}

/// Who reads a scope himself, and hears of it.
async fn keep_standing(
    c: &mut SqliteConnection,
    new: &NewEntry,
    account: &ScopeId,
    standing: Option<Standing>,
    cursor: i64,
) -> Result<()> {
    let standing = standing.map(|s| i64::from(s.number()));
    // Whoever was a member once and is invited again reads on meanwhile; whatever he has seen stays readable.
    sqlx::query(
        "INSERT INTO audience (account, scope, standing, until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET standing = excluded.standing, until = excluded.until, read_until = CASE
             WHEN audience.standing = ?5 AND excluded.standing IS NOT ?5 THEN ?6
             WHEN audience.standing IS NOT NULL AND audience.read_until IS NOT NULL AND excluded.standing IS NULL
                 THEN ?6
             ELSE audience.read_until END",
    )
    .bind(&account.0[..])
    .bind(&new.scope.0[..])
    .bind(standing)
    .bind(standing.is_none().then_some(cursor))
    .bind(i64::from(Standing::Member.number()))
    .bind(number(new.head.seq))
    .execute(c)
    .await?;
    Ok(())
}

/// A membership over which a way through groups leads: it begins, goes on or ends.
async fn keep_step(
    c: &mut SqliteConnection,
    new: &NewEntry,
    (principal, is_group): (&ScopeId, bool),
    is_member: bool,
    cursor: i64,
) -> Result<()> {
    let statement = if is_member {
        "INSERT INTO steps (principal, scope, since, from_group, into_group) SELECT ?1, ?2, ?3, ?4, ?5
         WHERE NOT EXISTS (SELECT 1 FROM steps WHERE principal = ?1 AND scope = ?2 AND until = 9223372036854775807)"
    } else {
        "UPDATE steps SET until = ?3 WHERE principal = ?1 AND scope = ?2 AND until = 9223372036854775807"
    };
    let mut query = sqlx::query(statement).bind(&principal.0[..]).bind(&new.scope.0[..]).bind(cursor);
    if is_member {
        query = query.bind(is_group).bind(new.kind == ScopeKind::Group);
    }
    query.execute(c).await?;
    Ok(())
}

async fn keep_bans(c: &mut SqliteConnection, new: &NewEntry, cursor: i64) -> Result<()> {
    for (principal, is_banned) in &new.bans {
        let query = if *is_banned {
            sqlx::query("INSERT INTO bans (since, principal, scope) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .bind(cursor)
        } else {
            sqlx::query("DELETE FROM bans WHERE principal = ? AND scope = ?")
        };
        query.bind(&principal.0[..]).bind(&new.scope.0[..]).execute(&mut *c).await?;
    }
    Ok(())
}

/// Of an append to a group and one that cites it, one is first for everybody: as heads are compared here, in the one
/// order of all writes, no lock has to be held from one ledger to another.
async fn check_cited(c: &mut SqliteConnection, new: &NewEntry) -> Result<()> {
    for cited in new.cited.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("WITH cited(scope, seq) AS (");
        query.push_values(cited, |mut row, (scope, seq)| {
            row.push_bind(&scope.0[..]).push_bind(number(*seq));
        });
        query.push(") SELECT count(*) FROM cited JOIN ledgers USING (scope, seq)");
        let newest: i64 = query.build_query_scalar().persistent(false).fetch_one(&mut *c).await?;
        if unsigned(newest) != cited.len() as u64 {
            return Err(StoreError::StaleCitation);
        }
    }
    Ok(())
}

/// Wraps that come with no entry.
pub(super) async fn add_wraps(
    c: &mut SqliteConnection,
    once: Once,
    scope: ScopeId,
    author: ScopeId,
    wraps: &[Wrap],
) -> Result<()> {
    const PLACE: &str = "scope = ?1 AND recipient = ?2 AND number = ?3 AND recipient_number = ?4 AND history = ?5";
    spend(c, once).await?;
    let delete = format!("DELETE FROM wraps WHERE {PLACE} AND author = ?6");
    let insert = format!(
        "INSERT INTO wraps (scope, recipient, number, recipient_number, history, author, sealed)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM wraps WHERE {PLACE} AND author IS NOT NULL) < ?8"
    );
    for wrap in wraps {
        // The statements are made of constants.
        let [delete, insert] = [&delete, &insert].map(|statement| {
            sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .bind(&scope.0[..])
                .bind(&wrap.recipient.0[..])
                .bind(i64::from(wrap.number))
                .bind(i64::from(wrap.recipient_number))
                .bind(i64::from(wrap.history))
                .bind(&author.0[..])
        });
        delete.execute(&mut *c).await?;
        let inserted = insert.bind(wrap.sealed()).bind(WRAPS_BESIDE).execute(&mut *c).await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::TooManyWraps);
        }
    }
    Ok(())
}

/// The compare-and-swap that everything rests on.
async fn move_head(c: &mut SqliteConnection, new: &NewEntry) -> Result<()> {
    let moved = match new.follows {
        None => {
            sqlx::query("INSERT INTO ledgers (scope, kind, seq, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
                .bind(&new.scope.0[..])
                .bind(i64::from(new.kind.number()))
                .bind(number(new.head.seq))
                .bind(&new.head.hash.0[..])
                .execute(c)
                .await?
        }
        Some(head) => {
            sqlx::query("UPDATE ledgers SET seq = ?, hash = ? WHERE scope = ? AND seq = ? AND hash = ?")
                .bind(number(new.head.seq))
                .bind(&new.head.hash.0[..])
                .bind(&new.scope.0[..])
                .bind(number(head.seq))
                .bind(&head.hash.0[..])
                .execute(c)
                .await?
        }
    };
    if moved.rows_affected() == 1 { Ok(()) } else { Err(StoreError::HeadMoved) }
}

async fn insert_wraps(c: &mut SqliteConnection, new: &NewEntry) -> Result<()> {
    for wraps in new.wraps.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO wraps (scope, recipient, number, recipient_number, history, sealed) ",
        );
        query.push_values(wraps, |mut row, wrap| {
            row.push_bind(&new.scope.0[..])
                .push_bind(&wrap.recipient.0[..])
                .push_bind(i64::from(wrap.number))
                .push_bind(i64::from(wrap.recipient_number))
                .push_bind(i64::from(wrap.history))
                .push_bind(wrap.sealed());
        });
        query.build().persistent(false).execute(&mut *c).await?;
    }
    Ok(())
}
