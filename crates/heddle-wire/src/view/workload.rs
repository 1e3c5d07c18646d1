//! What runs, and why not something newer.

use chrono::{DateTime, Utc};
use heddle_core::{
    health::HealthStatus,
    id::{ChangeId, ClusterId},
    image::{ImageRepository, Tag},
    name::{EnvironmentName, SyncName},
    policy::Verdict,
};
use serde::{Deserialize, Serialize};

use super::cluster::Link;
use crate::agent::ContainerImage;

bodies! {
    /// A page of workloads: `GET /organizations/{organization}/workloads`.
    WorkloadPage {
        /// The workloads by cluster, namespace and name.
        items: Vec<WorkloadView>,
        /// Pass as `after` for the next page.
        next: Option<String>,
        /// How many in all.
        total: i64,
    }

    /// A workload.
    WorkloadView {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The Sync that applied it.
        sync: SyncName,
        /// The environment.
        environment: Option<EnvironmentName>,
        /// Its kind.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The verdict.
        health: HealthStatus,
        /// Why it is not healthy.
        reason: Option<String>,
        /// Since when.
        since: DateTime<Utc>,
        /// What runs, by container.
        images: Vec<WorkloadImage>,
        /// The state in words: "up to date", "1.4.3 waits in #41", "nothing updates it".
        state: String,
        /// When this was reported.
        reported_at: DateTime<Utc>,
        /// Since when the agent has not seen the objects of the Sync; `None` while it sees them.
        unseen_since: Option<DateTime<Utc>>,
        /// Whether the agent is there.
        link: Link,
    }

    /// An image of a workload.
    WorkloadImage {
        /// What runs.
        running: ContainerImage,
        /// What Git says should run.
        desired: Option<Tag>,
        /// The newest tag that the policy allows.
        newest: Option<Tag>,
        /// Whether a policy governs it.
        governed: bool,
        /// The change in flight.
        change: Option<ChangeId>,
    }

    /// Why tags were chosen or passed over:
    /// `GET /organizations/{organization}/verdicts?environment=…&image=…`.
    Verdicts {
        /// The image.
        image: ImageRepository,
        /// The environment.
        environment: EnvironmentName,
        /// The tag that stands in Git.
        current: Option<Tag>,
        /// The rule in words, with file and line.
        rule: String,
        /// When the registry was last read to the end.
        scanned_at: Option<DateTime<Utc>>,
        /// Why the last scan failed.
        scan_error: Option<String>,
        /// Each tag, best first, at most 200.
        tags: Vec<Verdict>,
    }
}
