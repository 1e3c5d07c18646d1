//! What a person took back stays back until something newer.

use super::read::share_a_place;
use crate::{
    git::{BranchName, Revision},
    id::ChangeId,
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::{Place, PlaceKey},
};

/// How a person took a change back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenBack {
    /// The branch carried it, and then no more.
    Reverted {
        /// The revision that took it back.
        revision: Revision,
    },
    /// Its pull request was closed unmerged, or merged with another value.
    Declined {
        /// Who did it.
        by: Option<String>,
        /// The pull request's number.
        number: Option<u64>,
    },
}

/// A change that was merged or taken back, as far as it may bar a tag or lift a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastChange {
    /// The change.
    pub id: ChangeId,
    /// Its number; a newer change has a higher one.
    pub sequence: i64,
    /// Its branch.
    pub branch: BranchName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Its effective image.
    pub image: ImageRepository,
    /// The tag it goes to.
    pub to: Tag,
    /// The digest it goes to, where it pins one.
    pub to_digest: Option<Digest>,
    /// The places it writes.
    pub places: Vec<Place>,
    /// How it was taken back; `None` for one that was merged and stood.
    pub taken_back: Option<TakenBack>,
}

/// A tag that bars every tag not above it at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarredTag {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The place, without file and line.
    pub place: PlaceKey,
    /// The tag.
    pub tag: Tag,
    /// The digest that came with it; where the tag stayed, it alone is barred.
    pub digest: Option<Digest>,
    /// The change that was taken back.
    pub change: ChangeId,
    /// How and by whom.
    pub reason: String,
}

/// The tags that are barred: of the changes that a person took back, those that no later change followed which stands.
pub fn barred(past: &[PastChange]) -> Vec<BarredTag> {
    let lifted = |change: &PastChange| {
        past.iter().any(|other| {
            other.taken_back.is_none() && other.sequence > change.sequence && is_at_a_place_of(other, change)
        })
    };
    past.iter()
        .filter_map(|change| change.taken_back.as_ref().map(|how| (change, how)))
        .filter(|(change, _)| !lifted(change))
        .flat_map(|(change, how)| {
            change.places.iter().map(|place| BarredTag {
                environment: change.environment.clone(),
                image: change.image.clone(),
                place: place.key(),
                tag: change.to.clone(),
                digest: change.to_digest.clone(),
                change: change.id,
                reason: how.to_string(),
            })
        })
        .collect()
}

fn is_at_a_place_of(one: &PastChange, other: &PastChange) -> bool {
    one.branch == other.branch
        && one.environment == other.environment
        && one.image == other.image
        && share_a_place(&one.places, &other.places)
}

impl std::fmt::Display for TakenBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reverted { revision } => write!(f, "reverted in {}", revision.short()),
            Self::Declined { by, number } => {
                f.write_str("declined")?;
                if let Some(by) = by {
                    write!(f, " by {by}")?;
                }
                number.map_or(Ok(()), |number| write!(f, " (#{number})"))
            }
        }
    }
}
