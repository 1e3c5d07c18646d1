//! What asks for work, and what forgets it.

use heddle_core::id::{OrganizationId, RepositoryId};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::Kind;
use crate::{
    error::DbError,
    notice::{self, Notice},
};

/// Makes the reading of a repository due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_read(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
) -> Result<(), DbError> {
    // A report on an update asks for a read before it ends its own row, a report on a read the other way round.
    sqlx::query!("select id from work where kind = 'update' and subject_id = $1 for update", repository.0)
        .fetch_optional(&mut *db)
        .await?;
    request(db, organization, Kind::Read, &[repository.0]).await
}

/// Makes the update of some repositories and the reading of others due now. Whoever asks for both asks once: a second
/// call would lock rows of updates after those of reads.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_updates_and_reads(
    db: &mut PgConnection,
    organization: OrganizationId,
    updates: &[Uuid],
    reads: &[Uuid],
) -> Result<(), DbError> {
    // The updates beside the reads, as for one repository, together with those that are asked for: two that ask for
    // several lock them in one order.
    let both: Vec<Uuid> = updates.iter().chain(reads).copied().collect();
    if both.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "select id from work where kind = 'update' and subject_id = any($1) order by subject_id for update",
        both.as_slice(),
    )
    .fetch_all(&mut *db)
    .await?;
    request(db, organization, Kind::Update, updates).await?;
    request(db, organization, Kind::Read, reads).await
}

/// Makes the update of repositories due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_updates(
    db: &mut PgConnection,
    organization: OrganizationId,
    repositories: &[Uuid],
) -> Result<(), DbError> {
    request(db, organization, Kind::Update, repositories).await
}

/// Makes the scans of images due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_scans(
    db: &mut PgConnection,
    organization: OrganizationId,
    images: &[Uuid],
) -> Result<(), DbError> {
    request(db, organization, Kind::Scan, images).await
}

/// Makes the test of a login due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_test(db: &mut PgConnection, organization: OrganizationId, login: Uuid) -> Result<(), DbError> {
    request(db, organization, Kind::Test, &[login]).await
}

async fn request(
    db: &mut PgConnection,
    organization: OrganizationId,
    kind: Kind,
    subjects: &[Uuid],
) -> Result<(), DbError> {
    if subjects.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into work as known (organization_id, kind, subject_id, installation_id, due_at, asked_at, generation)
         select $1, $2, subject, (select installation_id from repositories where id = subject), now(), now(), 1
         from unnest($3::uuid[]) as subject order by subject
         on conflict (kind, subject_id) do update set
             due_at = greatest(least(known.due_at, now()), known.not_before),
             asked_at = coalesce(known.asked_at, now()),
             installation_id = excluded.installation_id,
             generation = known.generation + 1",
        organization.0,
        kind.word(),
        subjects,
    )
    .execute(&mut *db)
    .await?;
    if kind == Kind::Update {
        note_needs(db, subjects).await?;
    }
    notice::send(db, &Notice::Work).await
}

/// Notes the most that the open requests of repositories need, whose rows of work this transaction holds. In a statement of its
/// own: one that waited for such a row sees of other tables what was there before it waited, and so not the request for which
/// the row was held.
async fn note_needs(db: &mut PgConnection, repositories: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "update work w set needs_requests = n.needs
         from (select subject, coalesce((
                   select max(q.needs) from requests q where q.repository_id = subject and q.ended is null), 0) as needs
               from unnest($1::uuid[]) as subject) n
         where w.kind = 'update' and w.subject_id = n.subject and w.needs_requests <> n.needs",
        repositories,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the work on something that is gone.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget(db: impl PgExecutor<'_>, subjects: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "delete from work where id in (
             select id from work where subject_id = any($1) order by kind desc, subject_id for update)",
        subjects,
    )
    .execute(db)
    .await?;
    Ok(())
}
