//! What a request asks to be written.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{RuleEdit, ShownPlace};
use crate::{
    id::ChangeId,
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
};

/// What an automator must know to write a request: the releases of a tag.
const RELEASES: u16 = 1;

/// Entries of `.heddle.yaml`, and going back.
const RULES_AND_ROLLBACKS: u16 = 2;

/// What another environment has, everything since an instant, and holds that take the place of those that were shown.
const PROMOTIONS: u16 = 3;

/// The newest kind of request that this code writes. An automator names it when it asks for work, and is given none that
/// needs more.
pub const KNOWN_REQUESTS: u16 = PROMOTIONS;

/// What a request asks to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Asked {
    /// A tag at all places of an image in an environment.
    Release(Release),
    /// What stood before a change, at its places.
    Rollback(Rollback),
    /// Entries of `.heddle.yaml`.
    Rules(Rules),
    /// What was healthy in another environment, without waiting longer.
    Promotion(Promotion),
}

/// A tag at all places of an image in an environment, whatever a rule would choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Release {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag.
    pub to: Tag,
    /// The places that were shown: all of them.
    pub places: Vec<ShownPlace>,
    /// Holds by which the tag stays, written with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<RuleEdit>,
}

/// What stood before some changes, at their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rollback {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where everything since an instant is rolled back, that instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// One for each change.
    pub steps: Vec<RollbackStep>,
}

/// One change that is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackStep {
    /// The change.
    pub change: ChangeId,
    /// The image.
    pub image: ImageRepository,
    /// The tag that is written.
    pub to: Tag,
    /// The digest that stood beside it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_digest: Option<Digest>,
    /// The places of the change that still say what it wrote.
    pub places: Vec<ShownPlace>,
    /// Changes before it that wrote there since the instant to which everything goes back, and those of other environments that
    /// count there. They are taken back with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<ChangeId>,
}

/// What was healthy in another environment, at all places of its images in this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Promotion {
    /// The environment.
    pub environment: EnvironmentName,
    /// The other one.
    pub from: EnvironmentName,
    /// One for each image.
    pub steps: Vec<PromotionStep>,
}

/// One image that is promoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromotionStep {
    /// The image.
    pub image: ImageRepository,
    /// The tag that was healthy in the other environment.
    pub to: Tag,
    /// The digest that is written beside it, where one belongs there and it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_digest: Option<Digest>,
    /// The places that were shown: all of the image in the environment.
    pub places: Vec<ShownPlace>,
}

/// A tag for places, whatever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The image.
    pub image: &'a ImageRepository,
    /// The tag.
    pub to: &'a Tag,
    /// The digest beside it, where it is known with what is asked for.
    pub to_digest: Option<&'a Digest>,
    /// The places.
    pub places: &'a [ShownPlace],
}

impl Step<'_> {
    /// Whether a digest belongs beside the tag that nobody knew when this was asked for.
    pub fn lacks_digest(&self) -> bool {
        self.to_digest.is_none() && self.places.iter().any(|place| place.digest.is_some())
    }
}

/// Entries of `.heddle.yaml` that come, change or go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rules {
    /// What is done, in this order.
    pub edits: Vec<RuleEdit>,
    /// The environments in which something else holds afterwards.
    pub environments: Vec<EnvironmentName>,
}

/// The kinds of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RequestKind {
    /// A tag at all places of an image.
    Release,
    /// What stood before a change.
    Rollback,
    /// Entries of `.heddle.yaml`.
    Rules,
    /// What was healthy in another environment.
    Promotion,
}

impl RequestKind {
    /// The word in rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Rollback => "rollback",
            Self::Rules => "rules",
            Self::Promotion => "promotion",
        }
    }
}

impl Asked {
    /// Its kind.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Release(_) => RequestKind::Release,
            Self::Rollback(_) => RequestKind::Rollback,
            Self::Rules(_) => RequestKind::Rules,
            Self::Promotion(_) => RequestKind::Promotion,
        }
    }

    /// What an automator must know to write it: at most [`KNOWN_REQUESTS`] here.
    pub fn needs(&self) -> u16 {
        let replaces = |edit: &RuleEdit| matches!(edit, RuleEdit::Hold { replaces: Some(_), .. });
        match self {
            Self::Promotion(_) | Self::Rollback(Rollback { since: Some(_), .. }) => PROMOTIONS,
            _ if self.edits().iter().any(replaces) => PROMOTIONS,
            Self::Release(release) if release.holds.is_empty() => RELEASES,
            Self::Release(_) | Self::Rollback(_) | Self::Rules(_) => RULES_AND_ROLLBACKS,
        }
    }

    /// The environment, where it is about one alone by what was asked for.
    pub fn environment(&self) -> Option<&EnvironmentName> {
        match self {
            Self::Release(release) => Some(&release.environment),
            Self::Rollback(rollback) => Some(&rollback.environment),
            Self::Promotion(promotion) => Some(&promotion.environment),
            Self::Rules(rules) => Some(&rules.environments).filter(|names| names.len() == 1)?.first(),
        }
    }

    /// The image and the tag, where it is about one alone.
    pub fn image(&self) -> Option<(&ImageRepository, &Tag)> {
        let mut steps = self.steps();
        steps.next().filter(|_| steps.next().is_none()).map(|step| (step.image, step.to))
    }

    /// What it writes at places, one step for each image and tag.
    pub fn steps<'a>(&'a self) -> impl Iterator<Item = Step<'a>> {
        let release = match self {
            Self::Release(Release { image, to, places, .. }) => Some(Step { image, to, to_digest: None, places }),
            Self::Rollback(_) | Self::Rules(_) | Self::Promotion(_) => None,
        };
        let back: &[RollbackStep] = if let Self::Rollback(rollback) = self { &rollback.steps } else { &[] };
        let promoted: &[PromotionStep] = if let Self::Promotion(promotion) = self { &promotion.steps } else { &[] };
        let step = |image: &'a ImageRepository, to: &'a Tag, digest: &'a Option<Digest>, places: &'a [ShownPlace]| {
            let to_digest = digest.as_ref();
            Step { image, to, to_digest, places }
        };
        let back = back.iter().map(move |one| step(&one.image, &one.to, &one.to_digest, &one.places));
        let promoted = promoted.iter().map(move |one| step(&one.image, &one.to, &one.to_digest, &one.places));
        release.into_iter().chain(back).chain(promoted)
    }

    /// Gives each step of several the digest that is known of its tag by now, where none was known when it was asked for.
    pub fn complete(&mut self, known: impl Fn(&ImageRepository, &Tag) -> Option<Digest>) {
        match self {
            Self::Rollback(Rollback { steps, .. }) => {
                for step in steps.iter_mut().filter(|step| step.to_digest.is_none()) {
                    step.to_digest = known(&step.image, &step.to);
                }
            }
            Self::Promotion(Promotion { steps, .. }) => {
                for step in steps.iter_mut().filter(|step| step.to_digest.is_none()) {
                    step.to_digest = known(&step.image, &step.to);
                }
            }
            Self::Release(_) | Self::Rules(_) => {}
        }
    }

    /// The places that it writes, as they were shown.
    pub fn places(&self) -> impl Iterator<Item = &ShownPlace> {
        self.steps().flat_map(|step| step.places)
    }

    /// What it does to `.heddle.yaml`.
    pub fn edits(&self) -> &[RuleEdit] {
        match self {
            Self::Release(release) => &release.holds,
            Self::Rollback(_) | Self::Promotion(_) => &[],
            Self::Rules(rules) => &rules.edits,
        }
    }

    /// The environments in which something is another afterwards. Whoever asks needs the right for each.
    pub fn touched(&self) -> BTreeSet<EnvironmentName> {
        let mut touched: BTreeSet<_> = self.places().flat_map(|place| place.environments.iter().cloned()).collect();
        if let Self::Rules(rules) = self {
            touched.extend(rules.environments.iter().cloned());
        }
        touched
    }
}

/// `release acme/api 1.4.1 in prod`, for lists and records.
impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Release(Release { environment, image, to, holds, .. }) => {
                write!(f, "release {image} {to} in {environment}")?;
                if holds.is_empty() { Ok(()) } else { f.write_str(" and hold it there") }
            }
            Self::Rollback(Rollback { environment, since: Some(since), .. }) => {
                write!(f, "roll {environment} back to {}", since.format("%Y-%m-%d %H:%M UTC"))
            }
            Self::Rollback(Rollback { environment, steps, .. }) => match steps.as_slice() {
                [step] => write!(f, "roll {} back to {} in {environment}", step.image, step.to),
                steps => write!(f, "roll {} changes back in {environment}", steps.len()),
            },
            Self::Promotion(Promotion { environment, from, steps }) => match steps.as_slice() {
                [step] => write!(f, "promote {} {} from {from} to {environment}", step.image, step.to),
                steps => write!(f, "promote {} images from {from} to {environment}", steps.len()),
            },
            Self::Rules(rules) => {
                let mut edits = rules.edits.iter().peekable();
                while let Some(edit) = edits.next() {
                    write!(f, "{edit}{}", if edits.peek().is_some() { ", " } else { "" })?;
                }
                Ok(())
            }
        }
    }
}
