//! How it all goes, and what just changed.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    git::RepoName,
    id::{ClusterId, RepositoryId},
    image::{ImageRepository, Tag},
    registry::ReadFault,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An automator asks for work at least each minute. One that did not for this long is not there.
pub const AUTOMATOR_SILENT: TimeDelta = TimeDelta::minutes(2);

impl StatusView {
    /// Whether an automator asked for work lately.
    pub fn has_automator(&self, now: DateTime<Utc>) -> bool {
        self.automator_seen_at.is_some_and(|seen| now - seen < AUTOMATOR_SILENT)
    }
}

bodies! {
    /// How the parts of the platform are: `GET /organizations/{organization}/status`.
    StatusView {
        /// When an automator last leased work.
        automator_seen_at: Option<DateTime<Utc>>,
        /// When a registry was last read with success.
        scanned_at: Option<DateTime<Utc>>,
        /// Images whose last scan failed, with the reason.
        failing_images: Vec<FailingImage>,
        /// Push notices that no update has looked at yet, the newest first.
        #[serde(default)]
        waiting_pushes: Vec<WaitingPush>,
        /// How many clusters are connected.
        clusters_connected: i64,
        /// How many clusters there are.
        clusters: i64,
        /// Findings that block a write.
        blocking_findings: i64,
        /// Repositories that Syncs follow and nobody approved for their cluster, the longest waiting first.
        #[serde(default)]
        asking: Vec<AskedRepository>,
        /// Logins, or the lack of one, for which images cannot be read. Each of these images is among the failing ones, too.
        #[serde(default)]
        unreadable: Vec<UnreadableImages>,
        /// Registries that are asked less than they could be, because they said so.
        #[serde(default)]
        slow_hosts: Vec<SlowHost>,
        /// Automators of the organization that are silent, so that nobody scans their registries.
        #[serde(default)]
        silent_automators: Vec<SilentAutomator>,
    }

    /// What a 401 or 403 means for which images.
    UnreadableImages {
        /// Host and prefix of the login; without one the host alone.
        login: String,
        /// What is wrong.
        fault: ReadFault,
        /// It and the remedy, in sentences.
        message: String,
        /// Some of the images, by name.
        images: Vec<ImageRepository>,
        /// How many there are.
        count: u64,
        /// Since when the first of them cannot be read.
        since: DateTime<Utc>,
    }

    /// A registry that is asked less than it could be.
    SlowHost {
        /// The host, or host and prefix of the login that it is read with.
        login: String,
        /// Why, in a sentence.
        message: String,
        /// Nothing is asked there before.
        not_before: Option<DateTime<Utc>>,
        /// How many images wait for it.
        images: i64,
        /// Since when.
        since: DateTime<Utc>,
    }

    /// An automator of the organization that asks for no work.
    SilentAutomator {
        /// Its name.
        name: String,
        /// The registries that it serves.
        hosts: Vec<String>,
        /// When it was seen last.
        seen_at: Option<DateTime<Utc>>,
        /// How many images nobody scans meanwhile.
        images: i64,
    }

    /// A repository that a Sync of a cluster follows, and that the cluster may not read before an administrator approves it:
    /// `POST /organizations/{organization}/clusters/{cluster}/repositories/{repository}/approve`.
    AskedRepository {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The repository.
        repository: RepositoryId,
        /// Its name.
        repository_name: RepoName,
        /// When it was asked for first.
        asked_at: DateTime<Utc>,
    }

    /// An image that could not be scanned.
    FailingImage {
        /// The image.
        image: ImageRepository,
        /// Why.
        reason: String,
        /// Since when.
        since: DateTime<Utc>,
        /// What is wrong with its login or the lack of one, where that is why: its login speaks for it.
        #[serde(default)]
        fault: Option<ReadFault>,
    }

    /// A tag that was pushed and has no line yet.
    WaitingPush {
        /// The image.
        image: ImageRepository,
        /// The tag.
        tag: Tag,
        /// When it was pushed.
        pushed_at: DateTime<Utc>,
        /// What it waits for, in words: `no automator for 58 min`.
        reason: String,
    }

    /// What the event stream says: the page reads again. `GET /organizations/{organization}/events`, server-sent events
    /// named `changed`.
    Event {
        /// What changed.
        topic: Topic,
        /// Which one, where one is meant.
        id: Option<Uuid>,
    }
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// A change or its line.
    Changes,
    /// Workloads.
    Workloads,
    /// Clusters and Syncs.
    Clusters,
    /// Repositories, environments and findings.
    Repositories,
    /// Scans and automators.
    Status,
    /// Records of drift and their reporters.
    Drift,
}
