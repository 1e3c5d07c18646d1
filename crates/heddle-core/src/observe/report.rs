//! What a cluster's reports say about changes.

use chrono::{DateTime, Utc};

use super::Observation;
use crate::{
    git::{BranchName, Revision},
    health::HealthStatus,
    id::{ChangeId, RepositoryId},
    image::{Digest, ImageRef, ImageRepository, Tag},
    pipeline::{Clock, FactKind, RolloutKey},
};

/// Something that happened to a Sync, at a revision that is numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The Sync.
    pub rollout: RolloutKey,
    /// The repository that it followed then.
    pub repository: RepositoryId,
    /// The branch that it followed then.
    pub branch: BranchName,
    /// The revision.
    pub revision: Revision,
    /// The number of the newest head that the revision contains.
    pub ordinal: i64,
    /// When, by the agent's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub what: DeployedWhat,
}

/// What can happen to a Sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployedWhat {
    /// Every object is applied.
    Applied {
        /// The images among them.
        images: Vec<ImageRef>,
    },
    /// Some object could not be applied.
    Failed {
        /// The images that were applied all the same.
        images: Vec<ImageRef>,
        /// The first error, with file and line.
        message: String,
    },
    /// The verdict on what runs one image.
    Health {
        /// The image.
        image: ImageRef,
        /// The verdict.
        status: HealthStatus,
        /// Why it is not healthy.
        reason: Option<String>,
    },
}

/// A merged change that rolls out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolling {
    /// The change.
    pub id: ChangeId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Its branch.
    pub branch: BranchName,
    /// Its image.
    pub image: ImageRepository,
    /// The tag it goes to.
    pub to: Tag,
    /// The digest it goes to, where it pins one.
    pub to_digest: Option<Digest>,
    /// The number of the first head that contains it.
    pub merged_ordinal: i64,
    /// The number of the first head in which a later change stands at its place.
    pub replaced_ordinal: Option<i64>,
    /// The Syncs that it rolls out to.
    pub rollouts: Vec<RolloutKey>,
}

/// The facts that follow for `changes`. A deployment counts for the changes of its own branch whose merge its revision
/// contains.
pub fn report(deployed: &[Deployed], changes: &[Rolling]) -> Vec<Observation> {
    let mut observations = Vec::new();
    for event in deployed {
        for change in changes {
            let contains = (event.repository, &event.branch) == (change.repository, &change.branch)
                && event.ordinal >= change.merged_ordinal;
            if contains && change.rollouts.contains(&event.rollout) {
                observations.extend(observe(event, change));
            }
        }
    }
    observations
}

fn observe(event: &Deployed, change: &Rolling) -> Option<Observation> {
    let rollout = event.rollout.clone();
    let revision = event.revision.clone();
    let shows = |images: &[ImageRef]| images.iter().any(|image| is_of(image, change));
    let fact = match &event.what {
        DeployedWhat::Applied { images } | DeployedWhat::Failed { images, .. } if shows(images) => {
            FactKind::Applied { rollout, revision }
        }
        // The whole revision is there and this tag is not among its images: a later value stood at the place already.
        DeployedWhat::Applied { .. } => FactKind::Skipped { rollout },
        DeployedWhat::Failed { .. } if change.replaced_ordinal.is_some_and(|replaced| replaced <= event.ordinal) => {
            FactKind::Skipped { rollout }
        }
        DeployedWhat::Failed { message, .. } => FactKind::ApplyFailed { rollout, revision, message: message.clone() },
        DeployedWhat::Health { image, status, reason } if is_of(image, change) => {
            FactKind::Health { rollout, status: *status, reason: reason.clone() }
        }
        DeployedWhat::Health { .. } => return None,
    };
    Some(Observation { change: change.id, fact, at: event.at, clock: Clock::Fine, merge: None })
}

/// Whether `image` is what the change put there, by tag or by digest.
fn is_of(image: &ImageRef, change: &Rolling) -> bool {
    image.repository == change.image
        && match (&image.digest, &change.to_digest) {
            (Some(running), Some(wanted)) => running == wanted,
            _ => image.tag.as_ref() == Some(&change.to),
        }
}
