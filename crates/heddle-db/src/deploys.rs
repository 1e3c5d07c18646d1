//! What happened to Syncs, kept a while: it is looked at again when a revision becomes known or a change is merged.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    id::{ClusterId, OrganizationId, RepositoryId},
    name::SyncName,
    pipeline::RolloutKey,
};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// Something that happened to a Sync.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// The Sync.
    pub key: RolloutKey,
    /// Canonical address of its repository.
    pub repository_url: RepoUrl,
    /// Its branch.
    pub branch: BranchName,
    /// The revision it is about.
    pub revision: Revision,
    /// When, by the agent's clock.
    pub at: DateTime<Utc>,
    /// What, as it came.
    pub what: Value,
}

/// A deployment at a revision with a number.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The Sync.
    pub key: RolloutKey,
    /// The revision.
    pub revision: Revision,
    /// The number of the newest head that it contains.
    pub ordinal: i64,
    /// When, by the agent's clock.
    pub at: DateTime<Utc>,
    /// What, as it came.
    pub what: Value,
}

/// Stores what happened, once.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record(db: impl PgExecutor<'_>, organization: OrganizationId, deploy: &Deploy) -> Result<(), DbError> {
    sqlx::query!(
        "insert into deploys (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch, revision,
                              at, what)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (cluster_id, sync_namespace, sync_name, revision, at, md5(what::text)) do nothing",
        organization.0,
        deploy.key.cluster.0,
        deploy.key.sync.namespace,
        deploy.key.sync.name,
        deploy.repository_url.as_str(),
        deploy.branch.as_str(),
        deploy.revision.as_str(),
        deploy.at,
        deploy.what,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What happened at numbered revisions of a repository from `from_ordinal` on, to these clusters.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_placed(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    from_ordinal: i64,
    clusters: &[Uuid],
) -> Result<Vec<Placed>, DbError> {
    let rows = sqlx::query!(
        r#"select d.cluster_id, d.sync_namespace, d.sync_name, d.revision, v.ordinal as "ordinal!", d.at, d.what
           from repositories r
           join revisions v on v.repository_id = r.id and v.ordinal >= $2
           join deploys d on d.organization_id = r.organization_id and d.repository_url = r.url
               and d.branch = v.branch and d.revision = v.revision and d.cluster_id = any($3)
           where r.id = $1 order by d.at, d.id"#,
        repository.0,
        from_ordinal,
        clusters,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Placed {
                key: RolloutKey {
                    cluster: ClusterId(row.cluster_id),
                    sync: SyncName { namespace: row.sync_namespace, name: row.sync_name },
                },
                revision: word("deploys.revision", &row.revision)?,
                ordinal: row.ordinal,
                at: row.at,
                what: row.what,
            })
        })
        .collect()
}

/// Forgets what a cluster reported before `before`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget(db: impl PgExecutor<'_>, cluster: ClusterId, before: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("delete from deploys where cluster_id = $1 and received_at < $2", cluster.0, before)
        .execute(db)
        .await?;
    Ok(())
}
