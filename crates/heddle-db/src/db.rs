//! The pool, and transactions that say for whom they run.
//!
//! Row security reads two settings, and this is the one place that sets them.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use heddle_core::id::{OrganizationId, UserId};
use sqlx::{
    Connection, PgConnection, PgPool, PgTransaction,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::DbError,
    notice::{Notice, NoticeStream, Notices},
};

/// The role that all programs' queries run as: it owns nothing and no policy lets it pass.
pub const APPLICATION_ROLE: &str = "heddle_app";

/// A statement ends after this time.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Nobody waits longer than this for a lock of another.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Brings the schema up to this release, as the role that `options` names, which becomes the owner of all tables.
/// Replicas that start together wait for each other.
///
/// # Errors
/// When the server cannot be reached, or the schema is newer than this release.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect_with(options).await?;
    sqlx::migrate!("../../migrations").run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// How long a transaction waits for its turn and a connection. Then it is [`DbError::Busy`].
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The store, as one replica reaches it. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    notices: Notices,
    /// What a transaction holds besides its connection, in the order in which it is taken.
    turns: Arc<[Arc<Semaphore>]>,
}

impl Db {
    /// Connects as [`APPLICATION_ROLE`] to a database that [`migrate`] has prepared, and begins to listen for notices.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(options: PgConnectOptions, connections: u32) -> Result<Self, DbError> {
        let options = options
            .application_name("heddle-api")
            .options([("role", APPLICATION_ROLE)])
            .options([("statement_timeout", in_ms(STATEMENT_TIMEOUT)), ("lock_timeout", in_ms(LOCK_TIMEOUT))])
            .options([("idle_in_transaction_session_timeout", "60s")])
            // Many short queries by index on disks without a head: compiling a plan costs more than it saves, and a row
            // from anywhere costs hardly more than the next one.
            .options([("jit", "off"), ("random_page_cost", "1.1")]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(LONGEST_WAIT)
            .connect_with(options.clone())
            .await?;
        let notices = Notices::listen(options).await?;
        Ok(Self { pool, notices, turns: Arc::from([]) })
    }

    /// The same store, whose transactions first take a turn at each of `turns`, in this order: those whom many share
    /// wait there, and not in the queue for connections, where everybody waits.
    #[must_use]
    pub fn behind(&self, turns: impl IntoIterator<Item = Arc<Semaphore>>) -> Self {
        Self { turns: turns.into_iter().collect(), ..self.clone() }
    }

    /// Most connections at once.
    pub fn connections(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    /// A transaction that sees and writes one organization's rows.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn organization(&self, organization: OrganizationId) -> Result<Tx, DbError> {
        self.begin(Some(organization), None).await
    }

    /// A transaction of one person: their account, sessions, tokens and memberships.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn user(&self, user: UserId) -> Result<Tx, DbError> {
        self.begin(None, Some(user)).await
    }

    /// A transaction of one person in one organization.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn member(&self, organization: OrganizationId, user: UserId) -> Result<Tx, DbError> {
        self.begin(Some(organization), Some(user)).await
    }

    /// A transaction for nobody yet: only the narrow functions and the tables without row security answer.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn routing(&self) -> Result<Tx, DbError> {
        self.begin(None, None).await
    }

    /// Everything that any replica announces from now on.
    pub fn notices(&self) -> NoticeStream {
        self.notices.subscribe()
    }

    /// Whether the server answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query_scalar!("select 1 as one").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Ends all connections; what runs is waited for.
    pub async fn close(&self) {
        self.notices.stop();
        self.pool.close().await;
    }

    async fn begin(&self, organization: Option<OrganizationId>, user: Option<UserId>) -> Result<Tx, DbError> {
        let (mut inner, turns) =
            tokio::time::timeout(LONGEST_WAIT, self.enter()).await.map_err(|_| DbError::Busy)??;
        if organization.is_some() || user.is_some() {
            set(&mut inner, organization, user).await?;
        }
        Ok(Tx { inner, _turns: turns })
    }

    async fn enter(&self) -> Result<(PgTransaction<'static>, Vec<OwnedSemaphorePermit>), DbError> {
        let mut taken = Vec::with_capacity(self.turns.len());
        for turn in self.turns.iter() {
            // Nobody closes a turn.
            taken.push(Arc::clone(turn).acquire_owned().await.map_err(|_| DbError::Busy)?);
        }
        Ok((self.pool.begin().await?, taken))
    }
}

fn in_ms(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// The one place that says whose rows a transaction sees.
async fn set(
    connection: &mut PgConnection,
    organization: Option<OrganizationId>,
    user: Option<UserId>,
) -> Result<(), DbError> {
    let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    sqlx::query!(
        "select set_config('heddle.organization', $1, true) as organization,
                set_config('heddle.user', $2, true) as \"user\"",
        text(organization.map(|id| id.0)),
        text(user.map(|id| id.0)),
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// A transaction. Dropping it undoes it. Queries take `&mut *tx`.
pub struct Tx {
    inner: PgTransaction<'static>,
    _turns: Vec<OwnedSemaphorePermit>,
}

impl Tx {
    /// Makes it so.
    ///
    /// # Errors
    /// When the server did not confirm; then it may or may not be so.
    pub async fn commit(self) -> Result<(), DbError> {
        Ok(self.inner.commit().await?)
    }

    /// Takes back all that it did, and its locks are free when this is done. One that is dropped is taken back some time
    /// later.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn rollback(self) -> Result<(), DbError> {
        Ok(self.inner.rollback().await?)
    }

    /// From here on the transaction is one of `organization`, which a narrow function has just named.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn enter(&mut self, organization: OrganizationId) -> Result<(), DbError> {
        set(&mut self.inner, Some(organization), None).await
    }

    /// Announces something to every replica, when and if this transaction commits.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn notify(&mut self, notice: &Notice) -> Result<(), DbError> {
        crate::notice::send(&mut *self.inner, notice).await
    }

    /// Announces several things to every replica, when and if this transaction commits.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn notify_all(&mut self, notices: &[Notice]) -> Result<(), DbError> {
        crate::notice::send_all(&mut *self.inner, notices).await
    }
}

impl Deref for Tx {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
