//! Turns at what is counted before it is added to.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// Waits until no other transaction has the turn at `what` of `subject`, and has it until this one ends. Whoever counts and
/// then adds takes it first: else of several at once each would count without the others.
///
/// # Errors
/// When the server cannot be reached, or others have it for longer than one waits for a lock.
pub async fn take_turn(db: impl PgExecutor<'_>, what: &str, subject: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 0) # hashtextextended($2::uuid::text, 0))",
        what,
        subject
    )
    .fetch_one(db)
    .await?;
    Ok(())
}
