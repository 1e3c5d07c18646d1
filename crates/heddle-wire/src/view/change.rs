//! Changes and their lines.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{ChangeId, ClusterId},
    image::{Digest, ImageRepository, Tag},
    name::{EnvironmentName, SyncName},
    pipeline::Line,
    place::Place,
};
use serde::{Deserialize, Serialize};

use super::cluster::Link;

bodies! {
    /// A page of changes: `GET /organizations/{organization}/changes`.
    ChangePage {
        /// The changes, newest first.
        items: Vec<ChangeView>,
        /// Pass as `after` for the next page.
        next: Option<String>,
        /// How many of each, over all pages.
        counts: ChangeCounts,
    }

    /// How many changes there are.
    ChangeCounts {
        /// Not ended.
        in_flight: i64,
        /// Not ended and waiting for someone or stuck on a fault.
        stuck: i64,
        /// Healthy in the last 24 hours.
        healthy_today: i64,
    }

    /// A change.
    ChangeView {
        /// The change.
        id: ChangeId,
        /// Its repository.
        repository: RepoName,
        /// Its branch.
        branch: BranchName,
        /// Its environment.
        environment: EnvironmentName,
        /// Its image.
        image: ImageRepository,
        /// The tag that stood there.
        from: Option<Tag>,
        /// The tag it goes to.
        to: Tag,
        /// The digest it goes to, where one is written beside the tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_digest: Option<Digest>,
        /// How it is written.
        mode: Mode,
        /// Its line.
        line: Line,
        /// The commit or pull request.
        proposal: Option<ProposalRef>,
        /// When it was first known.
        created_at: DateTime<Utc>,
    }

    /// A change with everything: `GET /organizations/{organization}/changes/{change}`.
    ChangeDetail {
        /// The change.
        change: ChangeView,
        /// Where it writes.
        places: Vec<Place>,
        /// The lines that change, as unified diff.
        diff: String,
        /// Why this tag.
        why: String,
        /// Each Sync's result.
        rollouts: Vec<RolloutView>,
    }

    /// The result of a change in one Sync.
    RolloutView {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The Sync.
        sync: SyncName,
        /// Whether the agent is there.
        link: Link,
        /// When the agent was last heard.
        last_seen_at: Option<DateTime<Utc>>,
        /// The applied revision.
        revision: Option<Revision>,
        /// Applied and healthy, or why not.
        line: heddle_core::pipeline::RolloutLine,
    }
}
