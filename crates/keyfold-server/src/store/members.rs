//! Who is in which keychain, as rows of a PostgreSQL database: for policies there, which keep others away from what
//! indexes store (`keyfold_members`, made by the migration of the client's store for PostgreSQL). Rows of other scopes
//! are left alone.

use keyfold_format::{ScopeId, UserId};
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::time::Duration;

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The table of members.
pub(crate) struct Members(PgPool);

impl Members {
    /// Connects as somebody who may write the table.
    pub(crate) async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect(url).await?;
        let members = Self(pool);
        // Whether the table is there and may be written is better known now than after the first ban.
        members.write(&ScopeId([0; 32]), &[]).await?;
        Ok(members)
    }

    /// Who may read what a keychain keeps there, and whether he may write too; nobody else from now on.
    pub(crate) async fn write(&self, keychain: &ScopeId, members: &[(UserId, bool)]) -> Result<(), sqlx::Error> {
        let scope = keychain.to_string();
        let (users, may_write): (Vec<&str>, Vec<bool>) =
            members.iter().map(|(user_id, may_write)| (user_id.as_str(), *may_write)).unzip();
        let mut transaction = self.0.begin().await?;
        sqlx::query("delete from public.keyfold_members where scope = $1 and user_id <> all ($2)")
            .bind(&scope)
            .bind(&users)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "insert into public.keyfold_members as m (scope, user_id, may_write)
             select $1, * from unnest($2::text[], $3::bool[])
             on conflict (scope, user_id) do update set may_write = excluded.may_write
             where m.may_write <> excluded.may_write",
        )
        .bind(&scope)
        .bind(&users)
        .bind(&may_write)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }
}
