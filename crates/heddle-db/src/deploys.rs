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

/// Something that happened to a Sync of a cluster.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// The Sync.
    pub sync: SyncName,
    /// Canonical address of the repository that it followed then.
    pub repository_url: RepoUrl,
    /// The branch that it followed then.
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
    /// The repository.
    pub repository: RepositoryId,
    /// The branch.
    pub branch: BranchName,
    /// The revision.
    pub revision: Revision,
    /// The number of the newest head that it contains.
    pub ordinal: i64,
    /// When, by the agent's clock.
    pub at: DateTime<Utc>,
    /// What, as it came.
    pub what: Value,
}

struct Row {
    cluster_id: Uuid,
    sync_namespace: String,
    sync_name: String,
    repository_id: Uuid,
    branch: String,
    revision: String,
    ordinal: i64,
    at: DateTime<Utc>,
    what: Value,
}

impl TryFrom<Row> for Placed {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            key: RolloutKey {
                cluster: ClusterId(row.cluster_id),
                sync: SyncName { namespace: row.sync_namespace, name: row.sync_name },
            },
            repository: RepositoryId(row.repository_id),
            branch: word("deploys.branch", &row.branch)?,
            revision: word("deploys.revision", &row.revision)?,
            ordinal: row.ordinal,
            at: row.at,
            what: row.what,
        })
    }
}

/// Stores what happened in a cluster, each once, with the number of its revision where that is known. Gives those that
/// are new and have a number, oldest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    cluster: ClusterId,
    deploys: &[Deploy],
) -> Result<Vec<Placed>, DbError> {
    let texts = |of: fn(&Deploy) -> &str| deploys.iter().map(|deploy| of(deploy).to_owned()).collect::<Vec<String>>();
    let times: Vec<DateTime<Utc>> = deploys.iter().map(|deploy| deploy.at).collect();
    let whats: Vec<Value> = deploys.iter().map(|deploy| deploy.what.clone()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"with stored as (
               insert into deploys (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch,
                                    revision, at, what, ordinal)
               select $1, $2, n.namespace, n.name, n.url, n.branch, n.revision, n.at, n.what, v.ordinal
               from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::jsonb[])
                   as n (namespace, name, url, branch, revision, at, what)
               left join repositories r on r.organization_id = $1 and r.url = n.url
               left join revisions v on v.repository_id = r.id and v.branch = n.branch and v.revision = n.revision
               on conflict (cluster_id, sync_namespace, sync_name, revision, at, md5(what::text)) do nothing
               returning id, cluster_id, sync_namespace, sync_name, repository_url, branch, revision, ordinal, at, what)
           select s.cluster_id, s.sync_namespace, s.sync_name, r.id as "repository_id!", s.branch, s.revision,
                  s.ordinal as "ordinal!", s.at, s.what
           from stored s join repositories r on r.organization_id = $1 and r.url = s.repository_url
           where s.ordinal is not null order by s.at, s.id"#,
        organization.0,
        cluster.0,
        &texts(|deploy| &deploy.sync.namespace),
        &texts(|deploy| &deploy.sync.name),
        &texts(|deploy| deploy.repository_url.as_str()),
        &texts(|deploy| deploy.branch.as_str()),
        &texts(|deploy| deploy.revision.as_str()),
        &times,
        &whats,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Placed::try_from).collect()
}

/// Gives what happened at these revisions of a repository the numbers that they have now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn place(db: impl PgExecutor<'_>, repository: RepositoryId, revisions: &[String]) -> Result<(), DbError> {
    sqlx::query!(
        "update deploys d set ordinal = v.ordinal
         from repositories r join revisions v on v.repository_id = r.id
         where r.id = $1 and v.revision = any($2) and d.organization_id = r.organization_id
             and d.repository_url = r.url and d.branch = v.branch and d.revision = v.revision
             and d.ordinal is distinct from v.ordinal",
        repository.0,
        revisions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// So much of what happened to one Sync is looked at again when a read has placed something.
const MOST_LOOKED_AT: i64 = 500;

/// What happened to the Syncs that the repository's unfinished merged changes roll out to, from each merge on, oldest
/// first; of each Sync the last [`MOST_LOOKED_AT`] of it. What came before was judged when it came, or when it was placed.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_concerning(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Placed>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"with concerned as (
               select o.cluster_id, o.sync_namespace, o.sync_name, c.branch, min(c.merged_ordinal) as since
               from changes c join change_rollouts o on o.change_id = c.id
               where c.repository_id = $1 and c.ended is null and c.merged_ordinal is not null
               group by 1, 2, 3, 4)
           select d.cluster_id, d.sync_namespace, d.sync_name, r.id as repository_id, d.branch, d.revision,
                  d.ordinal as "ordinal!", d.at, d.what
           from repositories r cross join concerned c
           cross join lateral (
               select * from deploys l
               where l.cluster_id = c.cluster_id and l.sync_namespace = c.sync_namespace
                   and l.sync_name = c.sync_name and l.branch = c.branch and l.ordinal >= c.since
                   and l.repository_url = r.url
               order by l.ordinal desc limit $2) d
           where r.id = $1 order by d.at, d.id"#,
        repository.0,
        MOST_LOOKED_AT,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Placed::try_from).collect()
}
