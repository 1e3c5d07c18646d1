//! Tags that people took back, until something newer stands at their place.

use heddle_core::{
    change::ProposalRef,
    id::RepositoryId,
    observe::{self, PastChange, TakenBack},
    pipeline::FactKind,
    policy::BarredTag,
};
use heddle_db::{
    Tx,
    changes::{self, Change},
    facts as stored,
    occurrences::Occurrence,
};
use heddle_wire::automator::Barred;
use uuid::Uuid;

use super::facts;
use crate::problem::ApiResult;

/// What people took back in a repository, until something newer stood there.
///
/// # Errors
/// When the store cannot be reached.
pub async fn list(tx: &mut Tx, repository: RepositoryId) -> ApiResult<Vec<Barred>> {
    let past = changes::list_taken_back(&mut **tx, repository).await?;
    let ids: Vec<Uuid> = past.iter().map(|change| change.id.0).collect();
    let known = stored::list_of(&mut **tx, &ids).await?;
    let numbers: Vec<Option<u64>> = past.iter().map(pull_request).collect();
    let tracked = facts::tracked(&past, &[]);
    let past: Vec<PastChange> = tracked
        .into_iter()
        .zip(numbers)
        .map(|(change, number)| {
            let taken_back = known.get(&change.id).into_iter().flatten().find_map(|fact| match &fact.kind {
                FactKind::Reverted { revision } => Some(TakenBack::Reverted { revision: revision.clone() }),
                FactKind::Declined { by } => Some(TakenBack::Declined { by: by.clone(), number }),
                _ => None,
            });
            PastChange { change, taken_back }
        })
        .collect();
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

fn pull_request(change: &Change) -> Option<u64> {
    match change.proposal_ref {
        Some(ProposalRef::PullRequest { number, .. }) => Some(number),
        _ => None,
    }
}

/// Those of them that count at one place.
pub fn at<'a>(all: &'a [Barred], place: &Occurrence) -> Vec<BarredTag<'a>> {
    all.iter()
        .filter(|one| Some(&one.environment) == place.environment.as_ref())
        .filter(|one| one.image == place.image && one.place == place.place.key())
        .map(|one| BarredTag { tag: &one.tag, reason: &one.reason })
        .collect()
}
