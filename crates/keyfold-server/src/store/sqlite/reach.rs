//! Who comes to what through groups. Memberships are steps, from a person into a group, from a group into a group or
//! keychain; whoever can go from step to step comes to where they lead. They are walked when somebody asks.
//!
//! Times are cursors. A step lasts from the event that made the membership to the one that ended it, and a way lasts
//! while all of its steps do: from the latest `since` to the earliest `until`. A way that nobody could ever have gone
//! at one moment is none. So whoever was put out of a group reads what is above up to that moment, and nobody reads
//! what came under a group after he had left it.
//!
//! Spec: `docs/spec/http.md`, "Scopes".

use super::{
    super::{KEYCHAINS, Result, StoreError},
    number,
    read::{column, events_of, scopes_of},
    unsigned,
};
use keyfold_format::{ScopeId, UserId, limits::GROUP_DEPTH};
use keyfold_protocol::{
    events::{Cursor, Event},
    wire::ScopeSummary,
};
use sqlx::{
    AssertSqlSafe, Row, Sqlite, SqliteConnection, SqlitePool,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// Later than any event: what lasts. The same number as in the tables.
const LASTS: u64 = i64::MAX as u64;

/// For the account `?1`: `reached`, groups that it was in at any depth, and `comes`, everything that those were in.
/// Walks that would not end soon are cut: at the depth of groups, and at so many rows that only an attack makes.
const COMES: &str = "WITH RECURSIVE
     reached(scope, since, until, depth) AS (
         SELECT s.scope, s.since, min(s.until, coalesce(b.since, s.until)), 1
         FROM steps s INDEXED BY steps_up LEFT JOIN bans b ON b.principal = ?1 AND b.scope = s.scope
         WHERE s.principal = ?1 AND s.into_group = 1
         UNION
         SELECT s.scope, max(r.since, s.since), min(r.until, s.until, coalesce(b.since, s.until)), r.depth + 1
         FROM reached r JOIN steps s INDEXED BY steps_up ON s.principal = r.scope AND s.into_group = 1
         LEFT JOIN bans b ON b.principal = ?1 AND b.scope = s.scope
         WHERE r.depth < ?2 AND r.since <= r.until
         LIMIT 16384
     ),
     ways(scope, since, until) AS (
         SELECT s.scope, max(r.since, s.since), min(r.until, s.until, coalesce(b.since, s.until))
         FROM reached r JOIN steps s ON s.principal = r.scope
         LEFT JOIN bans b ON b.principal = ?1 AND b.scope = s.scope
     ),
     comes(scope, until) AS (SELECT scope, until FROM ways WHERE since <= until)";

/// Statements are put together from the constants of this file.
fn walking(statement: String, account: &ScopeId) -> Query<'_, Sqlite, SqliteArguments> {
    sqlx::query(AssertSqlSafe(statement)).bind(&account.0[..]).bind(GROUP_DEPTH as i64)
}

/// Up to which event somebody reads a scope because of groups.
pub(super) enum Last {
    /// None ends it.
    Lasts,
    /// The entry with this number.
    Entry(u64),
}

/// How far an account reads a scope to which it comes through groups; or one, a group, without which something does
/// not replay that it reads. Who reads some of it, and was shown more while a share waited for him that has ended since,
/// reads on up to that event: what he has seen stays readable.
pub(super) async fn reading(
    pool: &SqlitePool,
    scope: ScopeId,
    account: ScopeId,
    share_ended: Option<Cursor>,
) -> Result<Option<Last>> {
    let inside = format!("{COMES} SELECT max(until) FROM comes WHERE scope = ?3");
    // A reader replays from the start, so it does not matter since when he reads; what was below the group before it
    // came in belongs to its replay too.
    let below = format!(
        "{COMES}, above(scope, since, until, depth) AS (
             VALUES (?3, 0, {LASTS}, 0)
             UNION
             SELECT s.scope, max(a.since, s.since), min(a.until, s.until), a.depth + 1
             FROM above a JOIN steps s ON s.principal = a.scope AND a.since <= s.until
             WHERE a.depth <= ?2
             LIMIT 65536
         ), reads(scope, until) AS (
             SELECT scope, until FROM comes
             UNION ALL
             SELECT scope, coalesce(until, {LASTS}) FROM audience
             WHERE account = ?1 AND (standing IS NOT NULL OR read_until IS NOT NULL)
         ) SELECT max(min(a.until, r.until)) FROM above a JOIN reads r ON r.scope = a.scope
         WHERE a.depth > 0 AND a.since <= r.until"
    );
    let mut last = None;
    for statement in [inside, below] {
        let row = walking(statement, &account).bind(&scope.0[..]).fetch_one(pool).await?;
        let until = row.try_get::<Option<i64>, _>(0)?.map(unsigned);
        if until == Some(LASTS) {
            return Ok(Some(Last::Lasts));
        }
        last = last.max(until);
    }
    let Some(until) = last.map(|last| last.max(share_ended.unwrap_or(0))) else { return Ok(None) };
    let seq: Option<i64> =
        sqlx::query_scalar("SELECT seq FROM events WHERE scope = ? AND cursor <= ? ORDER BY cursor DESC LIMIT 1")
            .bind(&scope.0[..])
            .bind(number(until))
            .fetch_optional(pool)
            .await?;
    Ok(seq.map(|seq| Last::Entry(unsigned(seq))))
}

/// The groups through which an account comes to a scope now: those it is in, from which steps lead there.
pub(super) async fn ways(pool: &SqlitePool, account: ScopeId, scope: ScopeId) -> Result<Vec<ScopeId>> {
    let statement = format!(
        "{COMES}, now AS (SELECT scope FROM reached WHERE until = {LASTS}),
         leading(id, depth) AS (
             VALUES (?3, 0)
             UNION
             SELECT s.principal, l.depth + 1 FROM leading l JOIN steps s ON s.scope = l.id AND s.from_group = 1
             WHERE l.depth < ?2 AND s.until = {LASTS} AND s.principal IN now
         ) SELECT DISTINCT id FROM leading WHERE depth > 0"
    );
    let rows = walking(statement, &account).bind(&scope.0[..]).fetch_all(pool).await?;
    rows.iter().map(|row| column(row, 0).map(ScopeId)).collect()
}

pub(super) async fn scopes(pool: &SqlitePool, account: ScopeId) -> Result<Vec<ScopeSummary>> {
    let statement = format!(
        "{COMES}, direct AS (SELECT scope, standing FROM audience WHERE account = ?1 AND standing IS NOT NULL),
         mine AS (
             SELECT scope, standing FROM direct
             UNION
             SELECT scope, 1 FROM comes WHERE until = {LASTS} AND scope NOT IN (SELECT scope FROM direct)
         )
         SELECT l.scope, l.kind, l.seq, l.hash, m.standing, EXISTS (
             SELECT 1 FROM unseen u JOIN audience a USING (account, scope)
             WHERE u.scope = l.scope AND a.standing IS NOT NULL
         ) FROM mine m JOIN ledgers l USING (scope)
         WHERE l.kind <> 0 ORDER BY l.scope"
    );
    scopes_of(&walking(statement, &account).fetch_all(pool).await?)
}

/// Everybody who stands in a scope that has not seen an account's newest generation, or comes to one through groups.
pub(super) async fn around(c: &mut SqliteConnection, account: &ScopeId) -> Result<Vec<ScopeId>> {
    let rows = sqlx::query(
        "WITH RECURSIVE below(id, depth) AS (
             SELECT scope, 0 FROM unseen WHERE account = ?1
             UNION
             SELECT s.principal, b.depth + 1 FROM below b JOIN steps s ON s.scope = b.id AND s.from_group = 1
             WHERE b.depth < ?2 AND s.until = ?3
         )
         SELECT DISTINCT a.account FROM audience a JOIN below b ON a.scope = b.id WHERE a.standing IS NOT NULL",
    )
    .bind(&account.0[..])
    .bind(GROUP_DEPTH as i64)
    .bind(number(LASTS))
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| column(row, 0).map(ScopeId)).collect()
}

pub(super) async fn events(pool: &SqlitePool, account: ScopeId, after: Cursor, limit: u32) -> Result<Vec<Event>> {
    let statement = format!(
        "{COMES}, mine AS (
             SELECT scope, coalesce(until, {LASTS}) AS until FROM audience WHERE account = ?1
             UNION ALL
             SELECT scope, until FROM comes
         ), last AS (SELECT scope, max(until) AS until FROM mine GROUP BY scope)
         SELECT e.cursor, e.scope, e.kind, e.seq, e.author FROM last JOIN events e ON e.cursor =
             (SELECT max(cursor) FROM events WHERE scope = last.scope AND cursor <= last.until)
         WHERE e.cursor > ?3 ORDER BY e.cursor LIMIT ?4"
    );
    let rows = walking(statement, &account).bind(number(after)).bind(i64::from(limit)).fetch_all(pool).await?;
    events_of(&rows)
}

/// Everybody who comes to a scope through groups, this event being the newest: also whom it puts out.
pub(super) async fn inside(c: &mut SqliteConnection, scope: ScopeId, event: i64) -> Result<Vec<ScopeId>> {
    let rows = sqlx::query(
        "WITH RECURSIVE groups(id, depth) AS (
             VALUES (?1, 0)
             UNION
             SELECT s.principal, g.depth + 1 FROM groups g JOIN steps s ON s.scope = g.id AND s.from_group = 1
             WHERE g.depth < ?2 AND s.until >= ?3
         )
         SELECT DISTINCT s.principal FROM groups g JOIN steps s ON s.scope = g.id AND s.from_group = 0
         WHERE g.depth > 0 AND s.until >= ?3
         AND NOT EXISTS (SELECT 1 FROM bans b WHERE b.principal = s.principal AND b.scope = ?1 AND b.since < ?3)",
    )
    .bind(&scope.0[..])
    .bind(GROUP_DEPTH as i64)
    .bind(event)
    .fetch_all(c)
    .await?;
    rows.iter().map(|row| column(row, 0).map(ScopeId)).collect()
}

pub(super) async fn keychains(pool: &SqlitePool, after: Option<ScopeId>) -> Result<Vec<ScopeId>> {
    let rows = sqlx::query("SELECT scope FROM ledgers WHERE kind = 1 AND scope > ? ORDER BY scope LIMIT ?")
        .bind(after.map(|after| after.0.to_vec()).unwrap_or_default())
        .bind(number(KEYCHAINS as u64))
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| column(row, 0).map(ScopeId)).collect()
}

pub(super) async fn keychains_above(pool: &SqlitePool, scope: ScopeId) -> Result<Vec<ScopeId>> {
    let rows = sqlx::query(
        "WITH RECURSIVE above(id, depth) AS (
             VALUES (?1, 0)
             UNION
             SELECT s.scope, a.depth + 1 FROM above a JOIN steps s ON s.principal = a.id
             WHERE a.depth < ?2 AND s.until = ?3
         )
         SELECT DISTINCT l.scope FROM above a JOIN ledgers l ON l.scope = a.id WHERE l.kind = 1",
    )
    .bind(&scope.0[..])
    .bind(GROUP_DEPTH as i64 + 1)
    .bind(number(LASTS))
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| column(row, 0).map(ScopeId)).collect()
}

pub(super) async fn comers(pool: &SqlitePool, scope: ScopeId) -> Result<Vec<(ScopeId, UserId)>> {
    let rows = sqlx::query(
        "WITH RECURSIVE groups(id, depth) AS (
             VALUES (?1, 0)
             UNION
             SELECT s.principal, g.depth + 1 FROM groups g JOIN steps s ON s.scope = g.id AND s.from_group = 1
             WHERE g.depth < ?2 AND s.until = ?3
         ), comers(account) AS (
             SELECT account FROM audience WHERE scope = ?1 AND standing IS NOT NULL
             UNION
             SELECT s.principal FROM groups g JOIN steps s ON s.scope = g.id AND s.from_group = 0
             WHERE g.depth > 0 AND s.until = ?3
         )
         SELECT account, user_id FROM comers JOIN accounts USING (account)",
    )
    .bind(&scope.0[..])
    .bind(GROUP_DEPTH as i64)
    .bind(number(LASTS))
    .fetch_all(pool)
    .await?;
    let comer = |row: &SqliteRow| {
        let user_id = UserId::new(row.try_get::<&str, _>(1)?).map_err(|e| StoreError::Broken(e.to_string()))?;
        Ok((ScopeId(column(row, 0)?), user_id))
    };
    rows.iter().map(comer).collect()
}
