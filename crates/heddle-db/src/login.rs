//! The role that the application logs in as.
//!
//! Queries run as [`APPLICATION_ROLE`], which owns nothing. Whoever could put SQL of their own into one could say `set
//! role none` all the same, and would be what the login is: so the login may own nothing either.

use sqlx::{Connection, PgConnection, PgTransaction, postgres::PgConnectOptions};

use crate::db::APPLICATION_ROLE;

/// Why a role is not let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such role.
    #[error("there is no role `{0}`")]
    Missing(String),
    /// The role may do more than the application.
    #[error("the role `{0}` owns tables of Heddle or is a superuser, so it is not kept from anybody's rows")]
    Strong(String),
    /// The server did not do it.
    #[error("the database did not let the role in")]
    Store(#[from] sqlx::Error),
}

/// Lets `login` work as [`APPLICATION_ROLE`] in a database that was migrated as `owner`. Replicas that start together wait
/// for each other.
///
/// # Errors
/// When there is no such role, it may do more than that, or the server cannot be reached.
pub async fn admit(owner: &PgConnectOptions, login: &str) -> Result<(), LoginError> {
    let mut connection = PgConnection::connect_with(owner).await?;
    let mut tx = begin(&mut connection).await?;
    let is_strong = sqlx::query_scalar!(
        r#"select r.rolsuper or r.rolbypassrls or exists (
                select from pg_class c
                where c.relnamespace = 'public'::regnamespace and pg_has_role(r.oid, c.relowner, 'member')) as "strong!"
           from pg_roles r where r.rolname = $1"#,
        login,
    )
    .fetch_optional(&mut *tx)
    .await?;
    match is_strong {
        None => return Err(LoginError::Missing(login.to_owned())),
        Some(true) => return Err(LoginError::Strong(login.to_owned())),
        Some(false) => {}
    }
    let is_in =
        sqlx::query_scalar!(r#"select pg_has_role($1::name, $2::name, 'member') as "is_in!""#, login, APPLICATION_ROLE)
            .fetch_one(&mut *tx)
            .await?;
    if !is_in {
        let grant = sqlx::query_scalar!(
            r#"select format('grant %I to %I', $1::text, $2::text) as "sql!""#,
            APPLICATION_ROLE,
            login
        )
        .fetch_one(&mut *tx)
        .await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(grant)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

/// Makes `login` without a password where there is none yet: for a server that nobody but its starter can enter.
///
/// # Errors
/// When the server cannot be reached.
pub async fn make(owner: &PgConnectOptions, login: &str) -> Result<(), LoginError> {
    let mut connection = PgConnection::connect_with(owner).await?;
    let mut tx = begin(&mut connection).await?;
    let create = sqlx::query_scalar!(
        r#"select format('create role %I login nosuperuser nobypassrls nocreaterole noinherit', $1::text) as "sql!"
           where not exists (select from pg_roles where rolname = $1)"#,
        login,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(create) = create {
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

/// A transaction in which nobody else changes logins.
async fn begin(connection: &mut PgConnection) -> Result<PgTransaction<'_>, sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtext('heddle: logins')) as lock").execute(&mut *tx).await?;
    Ok(tx)
}
