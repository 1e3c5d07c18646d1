//! What the server says of itself and of the schema.

use chrono::{DateTime, Utc};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{Db, error::DbError};

/// A look at the server, as whoever runs it wants to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// As `server_version_num` has it: 170002 for 17.2.
    pub server_version: i32,
    /// The server's clock.
    pub now: DateTime<Utc>,
    /// The newest migration that was run; 0 where the schema is so old that it does not tell.
    pub migrated: i64,
    /// The newest migration of this release.
    pub newest: i64,
    /// Whether the role that logs in owns tables or is a superuser.
    pub login_is_strong: bool,
}

/// Looks at the server.
///
/// # Errors
/// When it cannot be reached.
pub async fn load(db: &Db) -> Result<Shape, DbError> {
    let mut tx = db.routing().await?;
    let row = sqlx::query!(
        r#"select current_setting('server_version_num')::integer as "server_version!", clock_timestamp() as "now!",
                  to_regprocedure('public.schema_version()') is not null as "tells!",
                  (select r.rolsuper or r.rolbypassrls or exists (
                      select from pg_class c
                      where c.relnamespace = 'public'::regnamespace and pg_has_role(r.oid, c.relowner, 'member'))
                   from pg_roles r where r.rolname = session_user) as "login_is_strong!""#
    )
    .fetch_one(&mut *tx)
    .await?;
    let migrated = if row.tells {
        sqlx::query_scalar!(r#"select schema_version() as "version!""#).fetch_one(&mut *tx).await?
    } else {
        0
    };
    tx.commit().await?;
    let newest = sqlx::migrate!("../../migrations").iter().map(|migration| migration.version).max().unwrap_or_default();
    Ok(Shape {
        server_version: row.server_version,
        now: row.now,
        migrated,
        newest,
        login_is_strong: row.login_is_strong,
    })
}

/// Whether the server lets somebody in.
///
/// # Errors
/// When it does not, or cannot be reached.
pub async fn try_login(options: &PgConnectOptions) -> Result<(), DbError> {
    Ok(PgConnection::connect_with(options).await?.close().await?)
}
