//! A storage in PostgreSQL, where row-level security says who reads and who writes. The tables and policies are in
//! `postgres.sql`, which an operator runs once.

use super::{LISTED_AFTER, PAGE};
use keyfold_format::ObjectId;
use keyfold_index::store::{Reference, Store, StoreError, Swapped};
use sqlx::{
    PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow, PgSslMode},
};
use std::{collections::HashMap, time::Duration};

/// What an operator runs once, as the owner of the database.
pub const POSTGRES_MIGRATION: &str = include_str!("postgres.sql");

/// Connections of one client.
const CONNECTIONS: u32 = 8;
/// Objects that are asked for at once.
const GET_TOGETHER: usize = 256;
/// Bytes that are sent at once, or one object.
const PUT_TOGETHER: usize = 4 << 20;

/// A storage in PostgreSQL. A clone is the same storage, over the same connections.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
    scope: String,
    listed_after: Duration,
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host/database`, for one of its scopes. Whoever logs in is the user that
    /// the policies ask about.
    ///
    /// Over a network the server's certificate is asked for and checked (`sslmode=verify-full`) unless `sslmode` says
    /// `require`, `verify-ca` or `disable`; `sslrootcert` names who signs it if the public ones do not.
    pub async fn connect(url: &str, scope: &str) -> Result<Self, StoreError> {
        Self::connected(url, scope, None).await
    }

    /// The same, for a user: by a server that speaks for many and logs in as a member of `keyfold_gateway`. The database
    /// believes it, and nobody else, whose requests these are.
    pub async fn connect_for(url: &str, scope: &str, user: &str) -> Result<Self, StoreError> {
        Self::connected(url, scope, Some(user.to_owned())).await
    }

    async fn connected(url: &str, scope: &str, user: Option<String>) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(fault)?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).after_connect(move |connection, _| {
            let user = user.clone();
            Box::pin(async move {
                let named = sqlx::query("select set_config('keyfold.user', $1, false)");
                match user {
                    Some(user) => named.bind(user).execute(connection).await.map(drop),
                    None => Ok(()),
                }
            })
        });
        let pool = pool.connect_with(behind_tls(options).application_name("keyfold")).await.map_err(fault)?;
        Ok(Self { pool, scope: scope.to_owned(), listed_after: LISTED_AFTER })
    }

    /// Another scope, over the same connections.
    #[must_use]
    pub fn scope(&self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self.clone() }
    }

    /// Lists objects of this age and older, in place of [`LISTED_AFTER`]. Only for who knows that nobody writes.
    #[must_use]
    pub fn listed_after(self, age: Duration) -> Self {
        Self { listed_after: age, ..self }
    }

    async fn put_together(&self, objects: &[(ObjectId, Vec<u8>)]) -> Result<(), StoreError> {
        let (ids, bytes): (Vec<_>, Vec<_>) = objects.iter().map(|(id, bytes)| (&id.0[..], &bytes[..])).unzip();
        let put = sqlx::query(
            "insert into public.keyfold_objects (scope, id, bytes) \
             select $1, put.id, put.bytes from unnest($2::bytea[], $3::bytea[]) as put (id, bytes) \
             on conflict do nothing",
        );
        put.bind(&self.scope).bind(ids).bind(bytes).execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    /// Whether the user may write here. Whoever may not changes no row, and is told nothing by the database.
    async fn may_write(&self) -> Result<bool, StoreError> {
        let member = sqlx::query_scalar(
            "select may_write from public.keyfold_members where scope = $1 and user_id = public.keyfold_user()",
        );
        let member: Option<bool> = member.bind(&self.scope).fetch_optional(&self.pool).await.map_err(fault)?;
        Ok(member.unwrap_or(false))
    }

    /// The version of the bytes, if they stand there now.
    async fn swap_now(&self, name: &str, expected: Option<&str>, bytes: &[u8]) -> Result<Option<String>, StoreError> {
        let swap = match expected {
            Some(version) => sqlx::query_scalar(
                "update public.keyfold_references set bytes = $3 \
                 where scope = $1 and name = $2 and version::text = $4 returning version::text",
            )
            .bind(&self.scope)
            .bind(name)
            .bind(bytes)
            .bind(version),
            None => sqlx::query_scalar(
                "insert into public.keyfold_references (scope, name, bytes) values ($1, $2, $3) \
                 on conflict do nothing returning version::text",
            )
            .bind(&self.scope)
            .bind(name)
            .bind(bytes),
        };
        swap.fetch_optional(&self.pool).await.map_err(fault)
    }
}

impl Store for PostgresStore {
    async fn put(&self, mut objects: Vec<(ObjectId, Vec<u8>)>) -> Result<(), StoreError> {
        // In one order, so that two who put the same objects do not wait for each other.
        objects.sort_by_key(|(id, _)| *id);
        let mut rest = &objects[..];
        while !rest.is_empty() {
            let mut bytes = 0;
            let fit = rest.iter().take_while(|(_, object)| {
                bytes += object.len();
                bytes <= PUT_TOGETHER
            });
            let (now, later) = rest.split_at(fit.count().max(1));
            self.put_together(now).await?;
            rest = later;
        }
        Ok(())
    }

    async fn get(&self, ids: &[ObjectId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut found: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for ids in ids.chunks(GET_TOGETHER) {
            let get = sqlx::query_as("select id, bytes from public.keyfold_objects where scope = $1 and id = any($2)");
            let ids: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
            let rows: Vec<_> = get.bind(&self.scope).bind(ids).fetch_all(&self.pool).await.map_err(fault)?;
            found.extend(rows);
        }
        Ok(ids.iter().map(|id| found.get(&id.0[..]).cloned()).collect())
    }

    async fn delete(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        let delete = sqlx::query("delete from public.keyfold_objects where scope = $1 and id = any($2)");
        let all: Vec<_> = ids.iter().map(|id| &id.0[..]).collect();
        let deleted = delete.bind(&self.scope).bind(all).execute(&self.pool).await.map_err(fault)?.rows_affected();
        if deleted < ids.len() as u64 && !self.may_write().await? {
            return Err(may_not_write());
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<Reference>, StoreError> {
        let read =
            sqlx::query("select version::text, bytes from public.keyfold_references where scope = $1 and name = $2");
        let reference = |row: PgRow| Ok(Reference { version: row.try_get(0)?, bytes: row.try_get(1)? });
        read.bind(&self.scope).bind(name).try_map(reference).fetch_optional(&self.pool).await.map_err(fault)
    }

    async fn swap(&self, name: &str, expected: Option<&str>, bytes: Vec<u8>) -> Result<Swapped, StoreError> {
        if let Some(version) = self.swap_now(name, expected, &bytes).await? {
            return Ok(Swapped::Done(version));
        }
        // A statement of its own: the one above has seen what stood there when it began.
        let stands = self.read(name).await?;
        if stands.as_ref().map(|stands| stands.version.as_str()) == expected {
            // Versions do not come back, so it was not refused for its version.
            return Err(may_not_write());
        }
        Ok(Swapped::Stands(stands))
    }

    async fn references(&self, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        // By bytes, whatever the database sorts by.
        let references = sqlx::query_scalar(
            r#"select name from public.keyfold_references
               where scope = $1 and name collate "C" > $2 order by name collate "C" limit $3"#,
        );
        let references = references.bind(&self.scope).bind(after.unwrap_or_default()).bind(PAGE as i64);
        references.fetch_all(&self.pool).await.map_err(fault)
    }

    async fn list(&self, after: Option<ObjectId>) -> Result<Vec<ObjectId>, StoreError> {
        let list = sqlx::query_scalar(
            "select id from public.keyfold_objects \
             where scope = $1 and id > $2 and stored_at <= clock_timestamp() - make_interval(secs => $3) \
             order by id limit $4",
        );
        let after = after.map(|id| id.0.to_vec()).unwrap_or_default();
        let list = list.bind(&self.scope).bind(after).bind(self.listed_after.as_secs_f64()).bind(PAGE as i64);
        let ids: Vec<Vec<u8>> = list.fetch_all(&self.pool).await.map_err(fault)?;
        Ok(ids.into_iter().filter_map(|id| id.try_into().ok().map(ObjectId)).collect())
    }
}

/// Over a network, with who is really asked. The library would do without encryption where it is not offered.
fn behind_tls(options: PgConnectOptions) -> PgConnectOptions {
    let here =
        options.get_socket().is_some() || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
    let undecided = matches!(options.get_ssl_mode(), PgSslMode::Allow | PgSslMode::Prefer);
    if undecided && !here { options.ssl_mode(PgSslMode::VerifyFull) } else { options }
}

fn may_not_write() -> StoreError {
    StoreError::Denied("this user may not write here".to_owned())
}

fn fault(error: sqlx::Error) -> StoreError {
    let said = error.to_string();
    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    match error.as_database_error().and_then(|error| error.code()).as_deref() {
        // Insufficient privilege, or refused by a policy; a name or password that is not taken.
        Some("42501" | "28000" | "28P01") => StoreError::Denied(said),
        // More bytes than a column takes; no such table: the migration was not run.
        Some("23514" | "42P01") => StoreError::Denied(said),
        Some("53100") => StoreError::Full,
        _ => StoreError::Unreachable(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> String {
        format!("{:?}", behind_tls(url.parse().unwrap()).get_ssl_mode())
    }

    #[test]
    fn over_a_network_the_server_is_checked_unless_something_else_was_decided() {
        assert_eq!(mode("postgres://alice@db.example/keyfold"), "VerifyFull");
        assert_eq!(mode("postgres://alice@db.example/keyfold?sslmode=prefer"), "VerifyFull");
        assert_eq!(mode("postgres://alice@db.example/keyfold?sslmode=disable"), "Disable");
        assert_eq!(mode("postgres://alice@db.example/keyfold?sslmode=verify-ca"), "VerifyCa");
        assert_eq!(mode("postgres://alice@127.0.0.1/keyfold"), "Prefer");
        assert_eq!(mode("postgres://alice@localhost/keyfold?host=/run/postgresql"), "Prefer");
    }
}
