//! What each Sync applied as a whole, from when until when: where a revision is, and what ran at an instant.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    id::{ClusterId, OrganizationId, RepositoryId},
    image::ImageRef,
    name::SyncName,
    pipeline::RolloutKey,
};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::{
    db::Db,
    error::{DbError, json, word},
    organizations,
    syncs::split,
};

mod past;

pub use self::past::{Past, Ran, find_first, list_at};

/// A revision that a Sync applied as a whole.
#[derive(Debug, Clone)]
pub struct NewApplied {
    /// The Sync.
    pub sync: SyncName,
    /// Canonical address of the repository that it followed then.
    pub repository_url: RepoUrl,
    /// The branch that it followed then.
    pub branch: BranchName,
    /// The path, without slashes at its ends.
    pub path: String,
    /// The revision.
    pub revision: Revision,
    /// When, by the agent's clock.
    pub applied_at: DateTime<Utc>,
    /// Objects that differ from those before, where the agent knew.
    pub changed: Option<u64>,
    /// The images of its objects.
    pub images: Vec<ImageRef>,
}

/// Stores what the Syncs of a cluster applied, in the order in which they did, each once, with its place on the branch where
/// that is known. No time is after `now`, and none of a Sync before that of what it applied before: clocks are put back.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    cluster: ClusterId,
    applied: &[NewApplied],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if applied.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&NewApplied) -> &str| applied.iter().map(|one| of(one).to_owned()).collect::<Vec<String>>();
    let times: Vec<DateTime<Utc>> = applied.iter().map(|one| one.applied_at).collect();
    let changed: Vec<Option<i64>> =
        applied.iter().map(|one| one.changed.map(|count| i64::try_from(count).unwrap_or(i64::MAX))).collect();
    let images =
        applied.iter().map(|one| json("image_sets.images", &one.images)).collect::<Result<Vec<Value>, DbError>>()?;
    sqlx::query!(
        "with told as (
             select n.*, sha256(convert_to(n.images::text, 'UTF8')) as hash
             from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
                         $10::int8[], $11::jsonb[]) with ordinality
                 as n (namespace, name, url, branch, path, revision, at, changed, images, position)
         ), last as (
             select s.namespace, s.name,
                    (select max(a.applied_at) from applied_revisions a
                     where a.organization_id = $1 and a.cluster_id = $2 and a.sync_namespace = s.namespace
                         and a.sync_name = s.name) as at
             from (select distinct namespace, name from told) s
         ), kept as (
             insert into image_sets as known (organization_id, hash, images)
             select distinct on (hash) $1::uuid, hash, images from told order by hash
             on conflict (organization_id, hash) do update set used_at = now()
                 where known.used_at < now() - interval '1 hour'
         )
         insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch,
                                        path, revision, ordinal, lineage, applied_at, changed, images_hash)
         select $1, $2, t.namespace, t.name, t.url, t.branch, t.path, t.revision, v.ordinal,
                case when v.ordinal is not null then v.lineage end,
                least($12, greatest(
                    l.at, max(t.at) over (partition by t.namespace, t.name order by t.position))),
                t.changed, t.hash
         from told t
         join last l on l.namespace = t.namespace and l.name = t.name
         left join repositories r on r.organization_id = $1 and r.url = t.url
         left join revisions v on v.repository_id = r.id and v.branch = t.branch and v.revision = t.revision
         order by t.position
         on conflict do nothing",
        organization.0,
        cluster.0,
        &texts(|one| &one.sync.namespace),
        &texts(|one| &one.sync.name),
        &texts(|one| one.repository_url.as_str()),
        &texts(|one| one.branch.as_str()),
        &texts(|one| &one.path),
        &texts(|one| one.revision.as_str()),
        &times,
        &changed as &[Option<i64>],
        &images,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes over, in all organizations, what [`take_over`] does in one; gives how many rows.
///
/// # Errors
/// When the server cannot be reached. What was taken over until then stays.
pub async fn take_over_all(db: &Db, since: DateTime<Utc>) -> Result<u64, DbError> {
    let mut tx = db.routing().await?;
    let organizations = organizations::list_ids(&mut *tx).await?;
    tx.commit().await?;
    let mut taken = 0;
    for organization in organizations {
        let mut tx = db.organization(organization).await?;
        taken += take_over(&mut *tx, organization, since).await?;
        tx.commit().await?;
    }
    Ok(taken)
}

/// Takes over what agents told since `since` and a replica of a release before this table did not store here. How healthy it
/// was is not known.
///
/// # Errors
/// When the server cannot be reached.
pub async fn take_over(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    since: DateTime<Utc>,
) -> Result<u64, DbError> {
    let taken = sqlx::query!(
        "with missed as (
             select d.*, s.path, sha256(convert_to((d.what -> 'images')::text, 'UTF8')) as hash
             from deploys d
             -- The path of what was followed then is known where that is followed still.
             join syncs s on s.cluster_id = d.cluster_id and s.namespace = d.sync_namespace and s.name = d.sync_name
                 and s.repository_url = d.repository_url and s.branch = d.branch
             where d.organization_id = $1 and d.received_at >= $2 and d.what ->> 'what' = 'applied'
                 and not exists (
                     select from applied_revisions a
                     where a.organization_id = $1 and a.cluster_id = d.cluster_id
                         and a.sync_namespace = d.sync_namespace and a.sync_name = d.sync_name
                         and a.revision = d.revision
                         -- Two clocks told the two times.
                         and a.applied_at >= least(d.at, d.received_at) - interval '1 minute')
         ), kept as (
             insert into image_sets (organization_id, hash, images)
             select distinct on (hash) $1::uuid, hash, what -> 'images' from missed order by hash
             on conflict do nothing
         )
         insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch,
                                        path, revision, ordinal, lineage, applied_at, images_hash, health_kept)
         select $1, m.cluster_id, m.sync_namespace, m.sync_name, m.repository_url, m.branch, m.path, m.revision,
                v.ordinal, case when v.ordinal is not null then v.lineage end, least(m.at, m.received_at), m.hash, false
         from missed m
         left join repositories r on r.organization_id = $1 and r.url = m.repository_url
         left join revisions v on v.repository_id = r.id and v.branch = m.branch and v.revision = m.revision
         order by m.at
         on conflict do nothing",
        organization.0,
        since,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected())
}

/// Gives what was applied at these revisions of a repository, and has no place yet, that which they have on their branches
/// now. What has one keeps it: a revision that comes back after a rewrite had another then.
///
/// # Errors
/// When the server cannot be reached.
pub async fn place(db: impl PgExecutor<'_>, repository: RepositoryId, revisions: &[String]) -> Result<(), DbError> {
    sqlx::query!(
        "update applied_revisions a set ordinal = v.ordinal, lineage = v.lineage
         from repositories r join revisions v on v.repository_id = r.id
         where r.id = $1 and v.revision = any($2) and a.organization_id = r.organization_id
             and a.repository_url = r.url and a.branch = v.branch and a.revision = v.revision
             and a.ordinal is null and v.ordinal is not null",
        repository.0,
        revisions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes of these Syncs of a cluster which are healthy at what they applied last, since the verdict holds, at the latest
/// since now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_healthy(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    syncs: &[SyncName],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if syncs.is_empty() {
        return Ok(());
    }
    let (namespaces, names) = split(syncs);
    sqlx::query!(
        "update applied_revisions a set healthy_at = greatest(a.applied_at, least(h.since, $4))
         from unnest($2::text[], $3::text[]) as n (namespace, name)
         join syncs s on s.cluster_id = $1 and s.namespace = n.namespace and s.name = n.name
         cross join lateral (
             select l.id from applied_revisions l
             where l.cluster_id = s.cluster_id and l.sync_namespace = s.namespace and l.sync_name = s.name
             order by l.applied_at desc, l.id desc limit 1) newest
         cross join lateral (
             select max((c ->> 'since')::timestamptz) as since from jsonb_array_elements(s.conditions) c
             where c ->> 'kind' = 'Healthy' and c ->> 'status' = 'True') h
         where s.health = 'healthy' and s.unseen_since is null and h.since is not null
             and a.id = newest.id and a.healthy_at is null and a.revision = s.applied_revision
             and a.repository_url = s.repository_url and a.branch = s.branch and a.path = s.path",
        cluster.0,
        &namespaces,
        &names,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that Syncs of a cluster are gone, all of it with `None`: what they applied last is followed by nobody any more.
///
/// # Errors
/// When the server cannot be reached.
pub async fn end(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    syncs: Option<&[SyncName]>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let (namespaces, names) = syncs.map(split).unzip();
    sqlx::query!(
        "update applied_revisions a set ended_at = $4
         from syncs s
         cross join lateral (
             select l.id from applied_revisions l
             where l.cluster_id = s.cluster_id and l.sync_namespace = s.namespace and l.sync_name = s.name
             order by l.applied_at desc, l.id desc limit 1) newest
         where s.cluster_id = $1 and a.id = newest.id and a.ended_at is null
             and ($2::text[] is null
                 or (s.namespace, s.name) in (select * from unnest($2::text[], $3::text[])))",
        cluster.0,
        namespaces.as_deref(),
        names.as_deref(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How a Sync first came to a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The Sync.
    pub key: RolloutKey,
    /// The revision that it applied: the one that was asked for, or the first one that contains it.
    pub revision: Revision,
    /// When.
    pub applied_at: DateTime<Utc>,
    /// Objects that it changed, where that is known.
    pub changed: Option<u64>,
    /// When it, or one that contains it, was first seen healthy as a whole.
    pub healthy_at: Option<DateTime<Utc>>,
    /// Whether it would have been noted that all was healthy.
    pub is_health_known: bool,
    /// What the Sync applied last, of anything.
    pub last: Revision,
    /// The times are when the Sync's state told it, and not its facts.
    pub is_inferred: bool,
}

/// A revision at its place on a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<'a> {
    /// Canonical address of the repository.
    pub repository_url: &'a RepoUrl,
    /// The branch.
    pub branch: &'a BranchName,
    /// The revision.
    pub revision: &'a Revision,
    /// Its number.
    pub ordinal: i64,
    /// The stretch of the branch's history in which numbers tell what contains what.
    pub lineage: i64,
}

/// How the Syncs that follow the branch, and those that once applied this very revision, came to it. Those that have not are
/// not among them.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_reached(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    at: &At<'_>,
) -> Result<Vec<Reached>, DbError> {
    let rows = sqlx::query!(
        r#"with concerned as (
               select cluster_id, namespace, name from syncs
               where organization_id = $1 and repository_url = $2 and branch = $3
               union
               select cluster_id, sync_namespace, sync_name from applied_revisions
               where organization_id = $1 and repository_url = $2 and branch = $3 and revision = $4)
           select c.cluster_id as "cluster_id!", c.namespace as "namespace!", c.name as "name!", f.revision,
                  f.applied_at, f.changed, coalesce(f.healthy_at, h.healthy_at) as healthy_at,
                  f.health_kept, l.revision as last
           from concerned c
           cross join lateral (
               -- What is older than all that was read has the number 0, and is no part of what else has it.
               (select a.revision, a.applied_at, a.changed, a.healthy_at, a.health_kept, a.ordinal
                from applied_revisions a
                where a.cluster_id = c.cluster_id and a.sync_namespace = c.namespace and a.sync_name = c.name
                    and a.branch = $3 and a.lineage = $6 and a.ordinal = $5 and a.revision = $4
                    and a.repository_url = $2
                order by a.applied_at limit 1)
               union all
               (select a.revision, a.applied_at, a.changed, a.healthy_at, a.health_kept, a.ordinal
                from applied_revisions a
                where a.cluster_id = c.cluster_id and a.sync_namespace = c.namespace and a.sync_name = c.name
                    and a.branch = $3 and a.lineage = $6 and a.ordinal > $5 and a.repository_url = $2
                order by a.ordinal, a.applied_at limit 1)
               order by ordinal limit 1) f
           left join lateral (
               select a.healthy_at from applied_revisions a
               where a.cluster_id = c.cluster_id and a.sync_namespace = c.namespace and a.sync_name = c.name
                   and a.branch = $3 and a.lineage = $6 and a.ordinal >= $5
                   and (a.ordinal > $5 or a.revision = $4) and a.repository_url = $2
                   and a.healthy_at is not null
               order by a.ordinal limit 1) h on true
           cross join lateral (
               select a.revision from applied_revisions a
               where a.organization_id = $1 and a.cluster_id = c.cluster_id and a.sync_namespace = c.namespace
                   and a.sync_name = c.name
               order by a.applied_at desc, a.id desc limit 1) l
           order by 1, 2, 3"#,
        organization.0,
        at.repository_url.as_str(),
        at.branch.as_str(),
        at.revision.as_str(),
        at.ordinal,
        at.lineage,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Reached {
                key: RolloutKey {
                    cluster: ClusterId(row.cluster_id),
                    sync: SyncName { namespace: row.namespace, name: row.name },
                },
                revision: word("applied_revisions.revision", &row.revision.unwrap_or_default())?,
                applied_at: row.applied_at.unwrap_or_default(),
                changed: row.changed.map(i64::unsigned_abs),
                healthy_at: row.healthy_at,
                is_health_known: row.health_kept.unwrap_or_default(),
                last: word("applied_revisions.revision", &row.last)?,
                is_inferred: false,
            })
        })
        .collect()
}

/// What a Sync applied of which no read knows the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    /// Canonical address of the repository that it followed then.
    pub repository_url: RepoUrl,
    /// The branch that it followed then.
    pub branch: BranchName,
    /// How it came to it.
    pub reached: Reached,
}

/// So many rows of what no read has placed are shown at most.
pub const MOST_UNPLACED: i64 = 200;

/// What Syncs applied at revisions that begin with `beginning` and have no place on a branch: of repositories that are not
/// connected or stand elsewhere, or of what is on no branch any more. By repository, branch and revision;
/// [`MOST_UNPLACED`] at most.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unplaced(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    beginning: &str,
) -> Result<Vec<Unplaced>, DbError> {
    let rows = sqlx::query!(
        r#"select f.*, l.revision as last from (
               select distinct on (a.repository_url, a.branch, a.revision, a.cluster_id, a.sync_namespace, a.sync_name)
                      a.repository_url, a.branch, a.revision, a.cluster_id, a.sync_namespace, a.sync_name, a.applied_at,
                      a.changed, a.health_kept, max(a.healthy_at) over (
                          partition by a.repository_url, a.branch, a.revision, a.cluster_id, a.sync_namespace,
                                       a.sync_name) as healthy_at
               from applied_revisions a
               where a.organization_id = $1 and a.revision ~>=~ $2 and a.revision ~<~ ($2 || 'g') and a.ordinal is null
               order by a.repository_url, a.branch, a.revision, a.cluster_id, a.sync_namespace, a.sync_name,
                        a.applied_at
               limit $3) f
           cross join lateral (
               select a.revision from applied_revisions a
               where a.organization_id = $1 and a.cluster_id = f.cluster_id and a.sync_namespace = f.sync_namespace
                   and a.sync_name = f.sync_name
               order by a.applied_at desc, a.id desc limit 1) l
           order by 1, 2, 3, 4, 5, 6"#,
        organization.0,
        beginning,
        MOST_UNPLACED,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Unplaced {
                repository_url: word("applied_revisions.repository_url", &row.repository_url)?,
                branch: word("applied_revisions.branch", &row.branch)?,
                reached: Reached {
                    key: RolloutKey {
                        cluster: ClusterId(row.cluster_id),
                        sync: SyncName { namespace: row.sync_namespace, name: row.sync_name },
                    },
                    revision: word("applied_revisions.revision", &row.revision)?,
                    applied_at: row.applied_at,
                    changed: row.changed.map(i64::unsigned_abs),
                    healthy_at: row.healthy_at,
                    is_health_known: row.health_kept,
                    last: word("applied_revisions.revision", &row.last)?,
                    is_inferred: false,
                },
            })
        })
        .collect()
}
