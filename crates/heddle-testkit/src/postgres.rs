//! One Postgres server a test process, a database of its own for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use heddle_db::launcher::{EmbeddedPostgres, Settings};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

/// An empty database. The server ends with the process, so nothing is dropped.
#[derive(Debug, Clone)]
pub struct Database {
    options: PgConnectOptions,
}

impl Database {
    /// Makes a database on the process's server, and starts that first where needed.
    pub async fn create() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = server().await?;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = server.options().connect().await.context("could not connect to the shared Postgres")?;
        // The name is made of our own letters and a number.
        let sql = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(sql).execute(&mut connection).await.with_context(|| format!("could not create {name}"))?;
        connection.close().await?;
        Ok(Self { options: server.options().database(&name) })
    }

    /// A database that holds the schema of this release.
    pub async fn migrated() -> Result<Self> {
        let database = Self::create().await?;
        heddle_db::migrate(&database.options).await.context("could not migrate a fresh database")?;
        Ok(database)
    }

    /// How to connect as the owner, who sees past row security.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The same as an address, for `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().into()
    }
}

async fn server() -> Result<&'static EmbeddedPostgres> {
    static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
    SERVER
        .get_or_try_init(async || {
            let folder = crate::scratch::dir("pg")?.keep();
            let settings = Settings { durable: false, ..Settings::new(folder) };
            EmbeddedPostgres::start(settings).await.context("could not start Postgres for tests")
        })
        .await
}
