//! Entries of `.heddle.yaml` that a person asks to be written or taken out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    image::{Tag, glob_in_full},
    name::EnvironmentName,
};

/// An entry of `holds`: images that stay as they are in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldEntry {
    /// The images, as a glob; left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The environment; left out: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The one tag that may be written; left out: whatever runs stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// Who holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until then; left out: until it is taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// An entry of `freezes`: a time in which nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FreezeEntry {
    /// The environments; empty: all of them.
    #[serde(default)]
    pub environments: Vec<EnvironmentName>,
    /// From then on.
    pub from: DateTime<Utc>,
    /// Until then.
    pub to: DateTime<Utc>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is done to one entry of `.heddle.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "edit", rename_all = "kebab-case")]
pub enum RuleEdit {
    /// A hold is added; one of the same images and environment becomes this one.
    Hold {
        /// The hold.
        entry: HoldEntry,
        /// The holds that it takes the place of, as they were shown; `None` where nobody was shown any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<Vec<HoldEntry>>,
    },
    /// A hold is taken out that says just this.
    Resume {
        /// The hold.
        entry: HoldEntry,
    },
    /// A freeze is added.
    Freeze {
        /// The freeze.
        entry: FreezeEntry,
    },
    /// A freeze is taken out that says just this.
    Thaw {
        /// The freeze.
        entry: FreezeEntry,
    },
}

impl RuleEdit {
    /// The environments in which what holds is another afterwards; `None`: all of them.
    pub fn environments(&self) -> Option<&[EnvironmentName]> {
        match self {
            Self::Hold { entry, .. } | Self::Resume { entry } => entry.environment.as_ref().map(std::slice::from_ref),
            Self::Freeze { entry } | Self::Thaw { entry } => {
                Some(entry.environments.as_slice()).filter(|names| !names.is_empty())
            }
        }
    }

    /// Whether it takes the role admin: a freeze stops everybody, and its end lets everything go.
    pub const fn takes_admin(&self) -> bool {
        match self {
            Self::Hold { .. } | Self::Resume { .. } => false,
            Self::Freeze { .. } | Self::Thaw { .. } => true,
        }
    }
}

impl HoldEntry {
    /// Whether it is about the same images in the same environment, however they are written.
    pub fn is_of(&self, other: &Self) -> bool {
        (self.images(), &self.environment) == (other.images(), &other.environment)
    }

    /// The glob in full; `None` where it names all images.
    fn images(&self) -> Option<String> {
        self.image.as_deref().filter(|image| !matches!(*image, "*" | "**")).map(glob_in_full)
    }
}

/// `ghcr.io/acme/api in prod`, for sentences.
impl std::fmt::Display for HoldEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.image.as_deref().unwrap_or("every image"))?;
        match &self.environment {
            Some(environment) => write!(f, " in {environment}"),
            None => f.write_str(" in every environment"),
        }
    }
}

/// `prod and staging from 2026-12-20 00:00 to 2027-01-03 00:00 UTC`, for sentences.
impl std::fmt::Display for FreezeEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.environments.iter().map(EnvironmentName::as_str).collect();
        let names = if names.is_empty() { "every environment".to_owned() } else { names.join(" and ") };
        let [from, to] = [self.from, self.to].map(|at| at.format("%Y-%m-%d %H:%M"));
        write!(f, "{names} from {from} to {to} UTC")
    }
}

/// `hold acme/api in prod at 1.4.1`, for sentences.
impl std::fmt::Display for RuleEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hold { entry, .. } => {
                write!(f, "hold {entry}")?;
                entry.tag.as_ref().map_or(Ok(()), |tag| write!(f, " at {tag}"))?;
                entry.until.map_or(Ok(()), |at| write!(f, " until {}", at.format("%Y-%m-%d %H:%M UTC")))
            }
            Self::Resume { entry } => write!(f, "resume {entry}"),
            Self::Freeze { entry } => write!(f, "freeze {entry}"),
            Self::Thaw { entry } => write!(f, "thaw {entry}"),
        }
    }
}
