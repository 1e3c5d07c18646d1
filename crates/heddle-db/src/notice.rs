//! How replicas hear of each other's writes: Postgres `notify` in, one `broadcast` channel out.
//!
//! A notice is a hint to look again, never the truth: after a lost connection comes [`Notice::Missed`], and whoever
//! waits reads the tables.

use std::time::Duration;

use heddle_core::{
    git::{BranchName, RepoUrl},
    id::{ClusterId, OrganizationId},
};
use serde::{Deserialize, Serialize};
use sqlx::{
    PgExecutor,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::sync::broadcast::{self, error::RecvError};
use tracing::warn;
use uuid::Uuid;

use crate::error::DbError;

const CHANNEL: &str = "heddle";

/// Slow readers that fall this far behind are told that they missed something.
const CAPACITY: usize = 1024;

/// What a replica announces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    /// Something that the dashboard shows is different now.
    Changed {
        /// Whose.
        organization: OrganizationId,
        /// What kind of thing.
        topic: Topic,
        /// Which one, where one is meant.
        id: Option<Uuid>,
    },
    /// Work may be due.
    Work,
    /// A branch of a repository moved, or became readable.
    BranchMoved {
        /// Whose.
        organization: OrganizationId,
        /// The repository.
        repository: RepoUrl,
        /// The branch.
        branch: BranchName,
    },
    /// The API wants to hear everything from a cluster's agent.
    Resync {
        /// The cluster.
        cluster: ClusterId,
    },
    /// A cluster or one of its keys is out: its open polls end now.
    Revoked {
        /// The cluster.
        cluster: ClusterId,
    },
    /// A session ended: its open streams end now.
    SessionEnded {
        /// The session.
        session: Uuid,
    },
    /// The connection was lost for a while; anything may have happened. Never sent, only received.
    Missed,
}

/// A part of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Changes and their lines.
    Changes,
    /// Workloads.
    Workloads,
    /// Clusters and Syncs.
    Clusters,
    /// Repositories, environments and findings.
    Repositories,
    /// Scans and automators.
    Status,
    /// Records of drift and their reporters.
    Drift,
}

/// Announces `notice` when the transaction of `db` commits.
///
/// # Errors
/// When the server cannot be reached.
pub async fn send(db: impl PgExecutor<'_>, notice: &Notice) -> Result<(), DbError> {
    let text = serde_json::to_string(notice)
        .map_err(|error| DbError::Corrupt { column: "notice", reason: error.to_string() })?;
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, text).execute(db).await?;
    Ok(())
}

/// What one waiter hears, from when it began to listen.
pub struct NoticeStream(broadcast::Receiver<Notice>);

impl From<broadcast::Receiver<Notice>> for NoticeStream {
    fn from(receiver: broadcast::Receiver<Notice>) -> Self {
        Self(receiver)
    }
}

impl NoticeStream {
    /// Waits for the next notice; a gap counts as [`Notice::Missed`]. `None` when the store is closed.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(notice) => Some(notice),
            Err(RecvError::Lagged(_)) => Some(Notice::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Announces several things when the transaction of `db` commits.
///
/// # Errors
/// When the server cannot be reached.
pub(crate) async fn send_all(db: impl PgExecutor<'_>, notices: &[Notice]) -> Result<(), DbError> {
    let texts = notices.iter().map(serde_json::to_string).collect::<Result<Vec<String>, _>>();
    let texts = texts.map_err(|error| DbError::Corrupt { column: "notice", reason: error.to_string() })?;
    sqlx::query!("select pg_notify($1, text) from unnest($2::text[]) as text", CHANNEL, &texts).fetch_all(db).await?;
    Ok(())
}

/// The one listener of a replica. It has a connection of its own, since a pool cannot close while a listener lives.
#[derive(Clone)]
pub(crate) struct Notices {
    sender: broadcast::Sender<Notice>,
    task: std::sync::Arc<AbortOnDrop>,
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Notices {
    pub(crate) async fn listen(options: PgConnectOptions) -> Result<Self, DbError> {
        let (sender, _) = broadcast::channel(CAPACITY);
        let listener = connect(options.clone()).await?;
        let task = tokio::spawn(pump(listener, options, sender.clone()));
        Ok(Self { sender, task: std::sync::Arc::new(AbortOnDrop(task)) })
    }

    pub(crate) fn subscribe(&self) -> NoticeStream {
        NoticeStream(self.sender.subscribe())
    }

    pub(crate) fn stop(&self) {
        self.task.0.abort();
    }
}

async fn connect(options: PgConnectOptions) -> Result<PgListener, DbError> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

async fn pump(mut listener: PgListener, options: PgConnectOptions, sender: broadcast::Sender<Notice>) {
    loop {
        // Nobody may be there to hear it; that is no fault.
        let _ = match listener.try_recv().await {
            Ok(Some(told)) => match serde_json::from_str(told.payload()) {
                Ok(notice) => sender.send(notice),
                // A newer replica knows notices that this one does not.
                Err(_) => sender.send(Notice::Missed),
            },
            Ok(None) => sender.send(Notice::Missed),
            Err(error) => {
                warn!(%error, "lost the connection that listens for notices; connecting again");
                listener = reconnect(&options).await;
                sender.send(Notice::Missed)
            }
        };
    }
}

async fn reconnect(options: &PgConnectOptions) -> PgListener {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match connect(options.clone()).await {
            Ok(listener) => return listener,
            Err(error) => warn!(%error, "cannot listen for notices yet"),
        }
    }
}
