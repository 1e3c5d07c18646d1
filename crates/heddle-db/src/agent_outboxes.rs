//! How far each agent's outbox was taken.

use chrono::{DateTime, Utc};
use heddle_core::id::{ClusterId, OrganizationId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// Takes a report of an outbox; false when it, or a later one of the same outbox, was taken before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn take(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    cluster: ClusterId,
    epoch: Uuid,
    sequence: i64,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let taken = sqlx::query!(
        "insert into agent_outboxes as known (cluster_id, organization_id, epoch, sequence, taken_at)
         values ($1, $2, $3, $4, $5)
         on conflict (cluster_id, epoch) do update set sequence = excluded.sequence, taken_at = excluded.taken_at
         where known.sequence < excluded.sequence",
        cluster.0,
        organization.0,
        epoch,
        sequence,
        now,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() > 0)
}

/// How far an outbox was taken.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, cluster: ClusterId, epoch: Uuid) -> Result<Option<i64>, DbError> {
    Ok(sqlx::query_scalar!(
        "select sequence from agent_outboxes where cluster_id = $1 and epoch = $2",
        cluster.0,
        epoch
    )
    .fetch_optional(db)
    .await?)
}
