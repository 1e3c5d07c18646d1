//! After how long rows are forgotten.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Kinds of ages, each a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Changes, and what belongs to them.
    History,
    /// Texts of commits and pull requests that were written.
    Intents,
    /// What agents reported that happened.
    Reports,
    /// The record of who did what.
    Audit,
    /// Tags that their registry does not list any more, and images that no rule needs.
    Tags,
    /// Keys that were revoked.
    Keys,
}

impl Age {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 6] = [Self::History, Self::Intents, Self::Reports, Self::Audit, Self::Tags, Self::Keys];

    /// The environment variable that sets it, in days.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::History => "HEDDLE_KEEP_HISTORY_DAYS",
            Self::Intents => "HEDDLE_KEEP_INTENTS_DAYS",
            Self::Reports => "HEDDLE_KEEP_REPORTS_DAYS",
            Self::Audit => "HEDDLE_KEEP_AUDIT_DAYS",
            Self::Tags => "HEDDLE_KEEP_TAGS_DAYS",
            Self::Keys => "HEDDLE_KEEP_KEYS_DAYS",
        }
    }

    /// The days where nothing is set.
    pub const fn default_days(self) -> u32 {
        match self {
            Self::History => 400,
            Self::Intents | Self::Keys => 90,
            Self::Reports => 14,
            Self::Audit => 730,
            Self::Tags => 30,
        }
    }
}

/// How long each kind is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ages(Vec<(Age, u32)>);

impl Default for Ages {
    fn default() -> Self {
        Self(Age::ALL.map(|age| (age, age.default_days())).to_vec())
    }
}

impl Ages {
    /// The same with another number of days for one kind.
    #[must_use]
    pub fn with(mut self, age: Age, days: u32) -> Self {
        self.0.retain(|(known, _)| *known != age);
        self.0.push((age, days));
        self
    }

    /// The days of one kind.
    pub fn days(&self, age: Age) -> u32 {
        self.0.iter().find(|(known, _)| *known == age).map_or(age.default_days(), |(_, days)| *days)
    }

    /// The instant before which one kind is forgotten.
    pub fn before(&self, age: Age, now: DateTime<Utc>) -> DateTime<Utc> {
        now - Duration::from_secs(u64::from(self.days(age)) * 24 * 3600)
    }
}
