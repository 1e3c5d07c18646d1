//! What ran at an instant.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    id::{ClusterId, OrganizationId, RepositoryId},
    image::ImageRef,
    name::SyncName,
    pipeline::RolloutKey,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, from_json, word};

/// What a Sync ran at an instant.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The Sync.
    pub key: RolloutKey,
    /// The cluster's name.
    pub cluster_name: String,
    /// Canonical address of the repository that it followed then.
    pub repository_url: RepoUrl,
    /// The branch that it followed then.
    pub branch: BranchName,
    /// The path that it followed then.
    pub path: String,
    /// The repository, where it is connected.
    pub repository: Option<RepositoryId>,
    /// The revision.
    pub revision: Revision,
    /// The first line of its message, where a read saw it.
    pub subject: Option<String>,
    /// Its author, where a read saw it.
    pub author: Option<String>,
    /// Since when it ran.
    pub applied_at: DateTime<Utc>,
    /// When all of it was first seen healthy.
    pub healthy_at: Option<DateTime<Utc>>,
    /// Whether that would have been noted; else `None` says nothing.
    pub is_health_known: bool,
    /// When the next one was applied, or the Sync was gone; `None` where it runs still.
    pub until: Option<DateTime<Utc>>,
    /// Its images.
    pub images: Vec<ImageRef>,
}

/// What Syncs ran.
#[derive(Debug, Clone)]
pub struct Past {
    /// By cluster and name. Syncs that ran nothing then are not among them.
    pub ran: Vec<Ran>,
    /// Pass as `after` for more.
    pub next: Option<RolloutKey>,
}

/// What the Syncs of the organization ran at an instant, by cluster and name, after `after`; `limit` Syncs are looked at.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_at(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    at: DateTime<Utc>,
    after: Option<&RolloutKey>,
    limit: i64,
) -> Result<Past, DbError> {
    let (cluster, namespace, name) =
        after.map_or((Uuid::nil(), "", ""), |key| (key.cluster.0, key.sync.namespace.as_str(), key.sync.name.as_str()));
    let rows = sqlx::query!(
        r#"with recursive each as (
               -- From one Sync to the next by the index, however much each has applied.
               (select cluster_id, sync_namespace, sync_name, 1::int8 as number from applied_revisions
                where organization_id = $1 and (cluster_id, sync_namespace, sync_name) > ($3, $4, $5)
                order by 1, 2, 3 limit 1)
               union all
               select n.*, e.number + 1 from each e cross join lateral (
                   select a.cluster_id, a.sync_namespace, a.sync_name from applied_revisions a
                   where a.organization_id = $1
                       and (a.cluster_id, a.sync_namespace, a.sync_name)
                           > (e.cluster_id, e.sync_namespace, e.sync_name)
                   order by 1, 2, 3 limit 1) n
               where e.number < $6)
           select e.cluster_id as "cluster_id!", e.sync_namespace as "sync_namespace!", e.sync_name as "sync_name!",
                  k.name as cluster_name, r.id as "repository_id?", f.repository_url as "repository_url?",
                  f.branch as "branch?", f.path as "path?", f.revision as "revision?", f.applied_at as "applied_at?",
                  f.healthy_at as "healthy_at?", f.health_kept as "health_kept?",
                  least(next.applied_at, f.ended_at) as until, i.images as "images?", v.subject as "subject?",
                  v.author as "author?"
           from each e
           join clusters k on k.id = e.cluster_id
           left join lateral (
               select * from applied_revisions a
               where a.cluster_id = e.cluster_id and a.sync_namespace = e.sync_namespace
                   and a.sync_name = e.sync_name and a.applied_at <= $2
               order by a.applied_at desc, a.id desc limit 1) f on f.ended_at is null or f.ended_at > $2
           left join image_sets i on i.organization_id = $1 and i.hash = f.images_hash
           left join lateral (
               select a.applied_at from applied_revisions a
               where a.cluster_id = e.cluster_id and a.sync_namespace = e.sync_namespace
                   and a.sync_name = e.sync_name and a.applied_at > $2
               order by a.applied_at limit 1) next on true
           left join repositories r on r.organization_id = $1 and r.url = f.repository_url
           left join revisions v on v.repository_id = r.id and v.branch = f.branch and v.revision = f.revision
           order by 1, 2, 3"#,
        organization.0,
        at,
        cluster,
        namespace,
        name,
        limit,
    )
    .fetch_all(db)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
    let (mut ran, mut next) = (Vec::new(), None);
    for row in rows {
        let key = RolloutKey {
            cluster: ClusterId(row.cluster_id),
            sync: SyncName { namespace: row.sync_namespace, name: row.sync_name },
        };
        next = Some(key.clone()).filter(|_| is_full);
        // Not gone yet, and something was applied.
        let (Some(revision), Some(applied_at)) = (row.revision, row.applied_at) else { continue };
        ran.push(Ran {
            key,
            cluster_name: row.cluster_name,
            repository_url: word("applied_revisions.repository_url", &row.repository_url.unwrap_or_default())?,
            branch: word("applied_revisions.branch", &row.branch.unwrap_or_default())?,
            path: row.path.unwrap_or_default(),
            repository: row.repository_id.map(RepositoryId),
            revision: word("applied_revisions.revision", &revision)?,
            subject: row.subject,
            author: row.author,
            applied_at,
            healthy_at: row.healthy_at,
            is_health_known: row.health_kept.unwrap_or_default(),
            until: row.until,
            images: from_json("image_sets.images", row.images.unwrap_or_default())?,
        });
    }
    Ok(Past { ran, next })
}

/// Since when anything is known of what ran.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_first(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select min(applied_at) from applied_revisions where organization_id = $1", organization.0,)
        .fetch_one(db)
        .await?)
}
