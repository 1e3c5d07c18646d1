//! What a scan of an image found, and push notices.

use chrono::{DateTime, Utc};
use heddle_core::id::OrganizationId;
use heddle_db::{
    DbError, Tx,
    images::{self, Image},
    notice::{Notice, Topic},
    occurrences, work,
};
use heddle_wire::automator::ScanOutcome;
use uuid::Uuid;

/// Stores what a scan found. Gives the repositories whose update it made due.
///
/// # Errors
/// When the store cannot be reached.
pub async fn apply(
    tx: &mut Tx,
    organization: OrganizationId,
    held: &work::Held,
    outcome: &ScanOutcome,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    images::lock(&mut **tx, &[held.subject]).await?;
    let Some(image) = images::find(&mut **tx, held.subject).await? else { return Ok(Vec::new()) };
    let different = match outcome {
        ScanOutcome::Complete { tags, etag } => {
            let tags: Vec<_> = tags.iter().map(|scanned| (scanned.tag.clone(), scanned.digest.clone())).collect();
            let changed = images::replace_tags(tx, organization, image.id, &tags, now).await?;
            images::record_complete(&mut **tx, image.id, etag.as_deref(), now).await?;
            changed || !image.complete
        }
        ScanOutcome::Unchanged => {
            images::record_complete(&mut **tx, image.id, image.etag.as_deref(), now).await?;
            !image.complete
        }
        ScanOutcome::Failed { reason, .. } => {
            images::record_failure(&mut **tx, image.id, reason, now).await?;
            announce(tx, organization, &image).await?;
            return Ok(Vec::new());
        }
    };
    if !different {
        return Ok(Vec::new());
    }
    let repositories = occurrences::list_repositories_of(&mut **tx, organization, &image.image).await?;
    work::request_updates(tx, organization, &repositories).await?;
    announce(tx, organization, &image).await?;
    Ok(repositories)
}

async fn announce(tx: &mut Tx, organization: OrganizationId, image: &Image) -> Result<(), DbError> {
    tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(image.id) }).await
}
