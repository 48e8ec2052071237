//! What vaults store.

use super::{
    super::{Object, Once, Result, StoreError},
    id, number, unsigned,
    write::spend,
};
use keyfold_format::{ObjectId, ScopeId};
use keyfold_protocol::{
    limits,
    wire::{Reference, SwapReference, Swapped},
};
use sqlx::{Row, SqliteConnection, SqlitePool};

pub(super) async fn put(
    c: &mut SqliteConnection,
    once: Once,
    scope: ScopeId,
    objects: &[Object],
    now_ms: u64,
) -> Result<()> {
    spend(c, once).await?;
    for Object { id, bytes } in objects {
        // One that is put again is wanted again: a sweep leaves it alone.
        sqlx::query(
            "INSERT INTO objects (scope, id, bytes, since) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET since = excluded.since",
        )
        .bind(&scope.0[..])
        .bind(&id.0[..])
        .bind(&bytes[..])
        .bind(number(now_ms))
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}

pub(super) async fn delete(c: &mut SqliteConnection, once: Once, scope: ScopeId, ids: &[ObjectId]) -> Result<()> {
    spend(c, once).await?;
    for id in ids {
        sqlx::query("DELETE FROM objects WHERE scope = ? AND id = ?")
            .bind(&scope.0[..])
            .bind(&id.0[..])
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

pub(super) async fn swap(
    c: &mut SqliteConnection,
    once: Once,
    scope: ScopeId,
    swap: &SwapReference,
) -> Result<Swapped> {
    spend(c, once).await?;
    let stands = reference(c, scope, &swap.name).await?;
    if stands.as_ref().map(|stands| stands.version) != swap.expected {
        return Ok(Swapped { version: None, stands });
    }
    let version = swap.expected.map_or(1, |version| version + 1);
    sqlx::query(
        r#"INSERT INTO "references" (scope, name, version, bytes) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET version = excluded.version, bytes = excluded.bytes"#,
    )
    .bind(&scope.0[..])
    .bind(&swap.name)
    .bind(number(version))
    .bind(&swap.bytes[..])
    .execute(c)
    .await?;
    Ok(Swapped { version: Some(version), stands: None })
}

pub(super) async fn reference(c: &mut SqliteConnection, scope: ScopeId, name: &str) -> Result<Option<Reference>> {
    let row = sqlx::query(r#"SELECT version, bytes FROM "references" WHERE scope = ? AND name = ?"#)
        .bind(&scope.0[..])
        .bind(name)
        .fetch_optional(c)
        .await?;
    row.map(|row| Ok(Reference { version: unsigned(row.try_get(0)?), bytes: row.try_get(1)? })).transpose()
}

pub(super) async fn reference_names(pool: &SqlitePool, scope: ScopeId, after: Option<String>) -> Result<Vec<String>> {
    let names =
        sqlx::query_scalar(r#"SELECT name FROM "references" WHERE scope = ? AND name > ? ORDER BY name LIMIT ?"#);
    // No name is empty.
    let names = names.bind(scope.0.to_vec()).bind(after.unwrap_or_default()).bind(number(limits::OBJECT_IDS as u64));
    Ok(names.fetch_all(pool).await?)
}

pub(super) async fn objects(pool: &SqlitePool, scope: ScopeId, ids: Vec<ObjectId>) -> Result<Vec<Vec<u8>>> {
    let mut connection = pool.acquire().await?;
    let (mut objects, mut room) = (Vec::with_capacity(ids.len()), limits::OBJECTS_BYTES);
    for id in ids {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM objects WHERE scope = ? AND id = ?")
            .bind(&scope.0[..])
            .bind(&id.0[..])
            .fetch_optional(&mut *connection)
            .await?;
        let bytes = bytes.unwrap_or_default();
        if bytes.len() > room && !objects.is_empty() {
            break;
        }
        room = room.saturating_sub(bytes.len());
        objects.push(bytes);
    }
    Ok(objects)
}

pub(super) async fn object_ids(
    pool: &SqlitePool,
    scope: ScopeId,
    after: Option<ObjectId>,
    before_ms: u64,
) -> Result<Vec<ObjectId>> {
    let ids: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM objects WHERE scope = ? AND id > ? AND since < ? ORDER BY id LIMIT ?")
            .bind(&scope.0[..])
            .bind(after.map_or(Vec::new(), |after| after.0.to_vec()))
            .bind(number(before_ms))
            .bind(number(limits::OBJECT_IDS as u64))
            .fetch_all(pool)
            .await?;
    ids.iter().map(|bytes| Ok::<_, StoreError>(ObjectId(id(bytes)?))).collect()
}
