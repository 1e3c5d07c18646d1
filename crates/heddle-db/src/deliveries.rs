//! Which deliveries of webhooks were taken.

use sqlx::PgExecutor;

use crate::error::DbError;

/// Notes a webhook's delivery; false when it was taken before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note(db: impl PgExecutor<'_>, delivery: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"select use_delivery($1) as "fresh!""#, delivery).fetch_one(db).await?)
}
