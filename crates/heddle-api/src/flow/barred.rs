//! Tags that people took back, until something newer stands at their place.

use heddle_core::{
    id::{OrganizationId, RepositoryId},
    observe,
    policy::BarredTag,
};
use heddle_db::{Tx, changes, occurrences::Occurrence};
use heddle_wire::automator::Barred;

use crate::problem::ApiResult;

/// What people took back in a repository, until something newer stood there.
///
/// # Errors
/// When the store cannot be reached.
pub async fn list(tx: &mut Tx, organization: OrganizationId, repository: RepositoryId) -> ApiResult<Vec<Barred>> {
    let past = changes::list_past(&mut **tx, organization, repository).await?;
    Ok(observe::barred(&past)
        .into_iter()
        .map(|one| Barred {
            environment: one.environment,
            image: one.image,
            place: one.place,
            tag: one.tag,
            digest: one.digest,
            change: one.change,
            reason: one.reason,
        })
        .collect())
}

/// Those of them that count at one place.
pub fn at<'a>(all: &'a [Barred], place: &Occurrence) -> Vec<BarredTag<'a>> {
    all.iter()
        .filter(|one| Some(&one.environment) == place.environment.as_ref())
        .filter(|one| one.image == place.image && one.place == place.place.key())
        .map(|one| BarredTag { tag: &one.tag, reason: &one.reason })
        .collect()
}
