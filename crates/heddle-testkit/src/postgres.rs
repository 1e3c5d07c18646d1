//! One Postgres server a test process, a database of its own for each test.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};
use heddle_db::launcher::{EmbeddedPostgres, Settings};
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

use crate::wait;

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
        let sql = AssertSqlSafe(format!("create database {name}"));
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

    /// Every row of every table, by table, also what row security hides from the programs.
    pub async fn dump(&self) -> Result<BTreeMap<String, Vec<Value>>> {
        let mut connection = self.options.connect().await?;
        let names = "select tablename::text from pg_tables where schemaname = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut connection).await?;
        let mut dump = BTreeMap::new();
        for table in tables {
            let sql = AssertSqlSafe(format!("select row_to_json(t)::text from \"{table}\" t"));
            let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await?;
            let rows: serde_json::Result<_> = rows.iter().map(|row| serde_json::from_str(row)).collect();
            dump.insert(table, rows?);
        }
        Ok(dump)
    }

    /// Holds who writes to a table from now on, in the middle of their transaction.
    pub async fn hold_writes(&self, table: &'static str) -> Result<HeldTable> {
        let mut connection = self.options.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(format!("begin; lock table {table} in share mode")))
            .execute(&mut connection)
            .await?;
        Ok(HeldTable { connection, table })
    }
}

/// A table that nobody can write to. Dropping it lets writers go on.
#[derive(Debug)]
pub struct HeldTable {
    connection: PgConnection,
    table: &'static str,
}

impl HeldTable {
    /// Waits until somebody waits to write.
    ///
    /// # Errors
    /// When nobody did in time.
    pub async fn reached(&mut self) -> Result<()> {
        let sql = "select count(*) from pg_locks where relation = $1::regclass and not granted";
        wait::until(format!("a write to {}", self.table), wait::LONG, async || {
            let waiting: i64 = sqlx::query_scalar(sql).bind(self.table).fetch_one(&mut self.connection).await?;
            anyhow::ensure!(waiting > 0, "nobody writes");
            Ok::<_, anyhow::Error>(())
        })
        .await
    }

    /// Lets writers go on.
    pub async fn release(self) -> Result<()> {
        Ok(self.connection.close().await?)
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
