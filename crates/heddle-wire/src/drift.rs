//! What a reporter and the API say to each other, under `/reporter/v1`.
//!
//! A look tells what differs, by the names that the tool gives; who looked has hidden what is secret. The API trusts no
//! verdict of it: whether all is the same follows from what is in it.

use chrono::{DateTime, Utc};
use heddle_core::{
    drift::{Cause, Deviation, DriftSource, DriftTool, Found, PlanHash, RecordName},
    git::{RepoName, Revision},
    name::EnvironmentName,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::{Message, Name, Path, Text};

/// Largest look, in bytes of JSON before compression.
pub const MAX_LOOK_BYTES: usize = 1 << 20;

/// Most things that differ in a look; the rest is counted.
pub const MAX_ITEMS: usize = 1000;

/// Most places of one thing that differ; the rest is counted.
pub const MAX_DIFFERENCES: usize = 100;

/// Most things in a look that were not looked at; the rest is counted.
pub const MAX_NOT_LOOKED_AT: usize = 200;

/// Longest value in a look, in bytes.
pub const MAX_VALUE_BYTES: usize = 2048;

/// A value as it is told.
pub type ShownValue = Text<MAX_VALUE_BYTES>;

/// What one look found: `POST /reporter/v1/looks`, gzip. A look that was taken already changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftLook {
    /// Made by who looked; sent again, it is the same look.
    pub id: Uuid,
    /// The repository that the source lies in; where the token is for one, it must be for this one.
    #[serde(default)]
    pub repository: Option<RepoName>,
    /// The environment; the token must be for it.
    pub environment: EnvironmentName,
    /// The tool; the token must be for it.
    pub tool: DriftTool,
    /// What was looked at; the token must be for it.
    pub source: DriftSource,
    /// The commit that was checked out, where there is one.
    pub commit: Option<Revision>,
    /// When the look began, by the API's clock: `GET /reporter/v1/record` tells it. An older look never replaces a newer one,
    /// so a look that cannot say exactly says what is too early.
    pub begun_at: DateTime<Utc>,
    /// When it ended, by the API's clock.
    pub ended_at: DateTime<Utc>,
    /// The program that looked, such as `tofu`.
    pub program: Name,
    /// Its version, where it came to say it.
    pub version: Option<Name>,
    /// What differs.
    pub items: Vec<DriftItem>,
    /// How many more things differ.
    #[serde(default)]
    pub more: u64,
    /// What was not looked at.
    pub not_looked_at: Vec<NotLookedAt>,
    /// How much more was not looked at.
    #[serde(default)]
    pub more_not_looked_at: u64,
    /// Why the look did not come to its end, where it did not.
    pub failure: Option<Message>,
    /// What `heddle sync` is to be given to apply exactly this; of Terraform alone.
    pub plan_hash: Option<PlanHash>,
}

/// One thing that differs, in the same shape whichever tool looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftItem {
    /// The thing, by the name that its tool gives it.
    pub object: Path,
    /// How it differs.
    pub deviation: Deviation,
    /// On which side something moved.
    pub cause: Cause,
    /// Why, in the tool's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Message>,
    /// Where it differs.
    pub differences: Vec<ItemDifference>,
    /// In how many more places.
    pub more: u64,
    /// Who did it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Name>,
    /// When, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemDifference {
    /// Where in the thing.
    pub path: Path,
    /// What is there, redacted; `None` where nothing is, or it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<ShownValue>,
    /// What is wanted, redacted; `None` where nothing is, or it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<ShownValue>,
}

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotLookedAt {
    /// What, by the name that the tool gives it.
    pub object: Path,
    /// Why.
    pub reason: Message,
}

/// What a token reports, and what time it is: `GET /reporter/v1/record`. Asked for before a look begins, so that a token of
/// something else shows at once, and so that no clock but the API's decides which look is the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReporterRecord {
    /// The record.
    pub record: Uuid,
    /// What it is about.
    pub name: RecordName,
    /// The API's clock.
    pub now: DateTime<Utc>,
}

/// The answer to a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LookTaken {
    /// The record.
    pub record: Uuid,
    /// Its page in the dashboard.
    pub url: String,
    /// What the look found, as it is shown.
    pub found: Found,
}

/// What of a look is above its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a look tells of at most {limit} {what}, and this one of {count}: count the rest")]
pub struct LookExcess {
    /// What there is too much of.
    pub what: &'static str,
    /// How much there is.
    pub count: usize,
    /// How much may be.
    pub limit: usize,
}

impl DriftLook {
    /// The record that it is of, as it says itself.
    pub fn record_name(&self) -> RecordName {
        RecordName {
            repository: self.repository.clone(),
            environment: self.environment.clone(),
            tool: self.tool,
            source: self.source.clone(),
        }
    }

    /// How many things differ.
    pub fn count_items(&self) -> u64 {
        self.more.saturating_add(self.items.len() as u64)
    }

    /// How many things were not looked at.
    pub fn count_not_looked_at(&self) -> u64 {
        self.more_not_looked_at.saturating_add(self.not_looked_at.len() as u64)
    }

    /// What it found: never "the same" where something was not looked at.
    pub fn found(&self) -> Found {
        Found::of(self.count_items(), self.count_not_looked_at() == 0 && self.failure.is_none())
    }

    /// Looks for what is above its limit; bytes are counted where they are read.
    ///
    /// # Errors
    /// The first that there is too much of.
    pub fn check_size(&self) -> Result<(), LookExcess> {
        let differences = self.items.iter().map(|item| item.differences.len()).max().unwrap_or_default();
        let counts = [
            ("things that differ", self.items.len(), MAX_ITEMS),
            ("places of one thing", differences, MAX_DIFFERENCES),
            ("things that were not looked at", self.not_looked_at.len(), MAX_NOT_LOOKED_AT),
        ];
        match counts.into_iter().find(|(_, count, limit)| count > limit) {
            Some((what, count, limit)) => Err(LookExcess { what, count, limit }),
            None => Ok(()),
        }
    }

    /// The same with no more in it than a look may tell, and than fits into `most_bytes` of JSON; the rest is counted.
    #[must_use]
    pub fn fit(mut self, most_bytes: usize) -> Self {
        for item in &mut self.items {
            item.keep(MAX_DIFFERENCES);
        }
        self.keep_items(MAX_ITEMS);
        self.keep_not_looked_at(MAX_NOT_LOOKED_AT);
        while serde_json::to_vec(&self).is_ok_and(|text| text.len() > most_bytes) && self.halve() {}
        self
    }

    /// Leaves out half of what takes the most room; false when nothing is left to leave out.
    fn halve(&mut self) -> bool {
        let places = self.items.iter().map(|item| item.differences.len()).max().unwrap_or_default();
        match (places, self.items.len(), self.not_looked_at.len()) {
            // What differs is worth more than where.
            (2.., ..) => self.items.iter_mut().for_each(|item| item.keep(places / 2)),
            (_, items @ 1.., _) => self.keep_items(items / 2),
            (.., not_looked_at @ 1..) => self.keep_not_looked_at(not_looked_at / 2),
            _ => return false,
        }
        true
    }

    fn keep_items(&mut self, most: usize) {
        self.more += self.items.len().saturating_sub(most) as u64;
        self.items.truncate(most);
    }

    fn keep_not_looked_at(&mut self, most: usize) {
        self.more_not_looked_at += self.not_looked_at.len().saturating_sub(most) as u64;
        self.not_looked_at.truncate(most);
    }
}

impl DriftItem {
    /// How it differs, in words: `was changed outside`, `is to be made`.
    pub const fn words(&self) -> &'static str {
        match (self.cause, self.deviation) {
            (Cause::Outside, Deviation::Missing) => "was removed outside",
            (Cause::Outside, _) => "was changed outside",
            (Cause::Either, Deviation::Missing) => "is not there",
            (Cause::Either, _) => "would change",
            (Cause::Git, Deviation::Missing) => "is to be made",
            (Cause::Git, Deviation::Changed) => "is to be changed",
            (Cause::Git, Deviation::Replaced) => "is to be replaced",
            (Cause::Git, Deviation::Unwanted) => "is to be removed",
            (Cause::Git, Deviation::Forgotten) => "is to be forgotten",
            (Cause::Git, Deviation::Moved) => "is to be moved",
            (Cause::Git, Deviation::Imported) => "is to be imported",
        }
    }

    fn keep(&mut self, most: usize) {
        self.more += self.differences.len().saturating_sub(most) as u64;
        self.differences.truncate(most);
    }
}

#[cfg(test)]
mod tests;
