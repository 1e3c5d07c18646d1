//! When each config repository was last read, and a hash of what stood in it.

use chrono::{DateTime, Utc};
use heddle_core::id::{OrganizationId, RepositoryId};
use sqlx::PgExecutor;

use crate::error::DbError;

/// Notes a read; says whether what stands in the repository differs from the read before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record(
    db: &mut sqlx::PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    content_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let before = sqlx::query_scalar!("select content_hash from reads where repository_id = $1", repository.0)
        .fetch_optional(&mut *db)
        .await?;
    sqlx::query!(
        "insert into reads (repository_id, organization_id, content_hash, read_at) values ($1, $2, $3, $4)
         on conflict (repository_id) do update set content_hash = excluded.content_hash, read_at = excluded.read_at",
        repository.0,
        organization.0,
        content_hash,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok(before.as_deref() != Some(content_hash))
}

/// Notes `.heddle.yaml` of a repository that was read: `None` where its text was not told, and within that `None` where there
/// is no such file.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_rules(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    rules: Option<Option<&str>>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update reads set rules_known = $2, rules_text = $3
         where repository_id = $1 and (rules_known <> $2 or rules_text is distinct from $3)",
        repository.0,
        rules.is_some(),
        rules.flatten(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// `.heddle.yaml` of a repository as it was read last; `None` where nobody knows it, and within that `None` where there is no
/// such file.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_rules(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Option<Option<String>>, DbError> {
    let found = sqlx::query!("select rules_known, rules_text from reads where repository_id = $1", repository.0)
        .fetch_optional(db)
        .await?;
    Ok(found.filter(|row| row.rules_known).map(|row| row.rules_text))
}

/// When each of the organization's repositories was last read.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Vec<(RepositoryId, DateTime<Utc>)>, DbError> {
    let rows = sqlx::query!("select repository_id, read_at from reads where organization_id = $1", organization.0)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (RepositoryId(row.repository_id), row.read_at)).collect())
}
