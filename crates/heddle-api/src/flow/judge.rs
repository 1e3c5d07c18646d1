//! What the deployments of clusters say of the changes that roll out.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{OrganizationId, RepositoryId},
    observe::{self, Deployed, DeployedWhat, Rolling},
};
use heddle_db::{
    DbError, Tx,
    changes::{self, TrackedChange},
    deploys::{self, Placed},
    facts as stored,
};
use heddle_wire::agent::{self as wire, SyncError};
use uuid::Uuid;

use super::facts;

/// Says of the changes that `placed` concerns what happened. Gives the repositories in which a change became healthy,
/// for which others may have waited.
///
/// # Errors
/// When the store cannot be reached.
pub async fn judge(
    tx: &mut Tx,
    organization: OrganizationId,
    placed: Vec<Placed>,
    now: DateTime<Utc>,
) -> Result<BTreeSet<RepositoryId>, DbError> {
    let repositories: BTreeSet<Uuid> = placed.iter().map(|one| one.repository.0).collect();
    if repositories.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rolling = list_rolling(tx, organization, &repositories.into_iter().collect::<Vec<_>>()).await?;
    if rolling.is_empty() {
        return Ok(BTreeSet::new());
    }
    let deployed = placed.into_iter().map(deployed).collect::<Result<Vec<_>, DbError>>()?;
    facts::record(tx, organization, &observe::report(&deployed, &rolling), now).await
}

/// Says of every unfinished merged change of a repository what its Syncs did since the merge.
///
/// # Errors
/// When the store cannot be reached.
pub async fn judge_all(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    now: DateTime<Utc>,
) -> Result<BTreeSet<RepositoryId>, DbError> {
    let placed = deploys::list_concerning(&mut **tx, repository).await?;
    judge(tx, organization, placed, now).await
}

/// The changes of these repositories that roll out.
async fn list_rolling(
    tx: &mut Tx,
    organization: OrganizationId,
    repositories: &[Uuid],
) -> Result<Vec<Rolling>, DbError> {
    let known = changes::list_rolling(&mut **tx, organization, repositories).await?;
    let ids: Vec<Uuid> = known.iter().map(|change| change.id.0).collect();
    let mut rollouts = stored::list_rollouts_of(&mut **tx, &ids).await?;
    Ok(known
        .iter()
        .filter_map(|change| {
            Some(Rolling {
                id: change.id,
                repository: change.repository,
                branch: change.branch.clone(),
                image: change.image.clone(),
                to: change.to.clone(),
                to_digest: change.to_digest.clone(),
                merged_ordinal: change.merged_ordinal?,
                replaced_ordinal: replaced_ordinal(change, &known),
                rollouts: rollouts.remove(&change.id)?,
            })
        })
        .collect())
}

/// The number of the first head in which a later change stands at one of the places of `change`.
fn replaced_ordinal(change: &TrackedChange, known: &[TrackedChange]) -> Option<i64> {
    known
        .iter()
        .filter(|later| later.sequence > change.sequence && later.repository == change.repository)
        .filter(|later| later.environment == change.environment && later.image == change.image)
        .filter(|later| later.places.iter().any(|place| change.places.iter().any(|own| own.key() == place.key())))
        .filter_map(|later| later.merged_ordinal)
        .min()
}

fn deployed(placed: Placed) -> Result<Deployed, DbError> {
    let what: wire::Deploy = serde_json::from_value(placed.what)
        .map_err(|error| DbError::Corrupt { column: "deploys.what", reason: error.to_string() })?;
    let what = match what {
        wire::Deploy::Applied { images, .. } => DeployedWhat::Applied { images },
        wire::Deploy::Failed { images, errors } => {
            let message = errors.first().map_or_else(|| "it could not be applied".to_owned(), in_words);
            DeployedWhat::Failed { images, message }
        }
        wire::Deploy::Health { image, status, reason } => {
            DeployedWhat::Health { image, status, reason: reason.map(Into::into) }
        }
    };
    Ok(Deployed {
        rollout: placed.key,
        repository: placed.repository,
        branch: placed.branch,
        revision: placed.revision,
        ordinal: placed.ordinal,
        at: placed.at,
        what,
    })
}

/// An error with its place.
pub(super) fn in_words(error: &SyncError) -> String {
    match (&error.file, error.line, &error.object) {
        (Some(file), Some(line), _) => format!("{file}:{line}: {}", error.message),
        (Some(file), None, _) => format!("{file}: {}", error.message),
        (None, _, Some(object)) => format!("{object}: {}", error.message),
        (None, _, None) => error.message.to_string(),
    }
}
