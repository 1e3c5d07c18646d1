//! Where a commit is, and what ran when.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName, RepoUrl, Revision},
    id::ClusterId,
    image::ImageRef,
    name::{EnvironmentName, SyncName},
    pipeline::{RevisionLine, RevisionSyncLine},
    pull_request::BringingPullRequest,
};
use serde::{Deserialize, Serialize};

/// Fewest hexadecimal digits by which a commit is looked for.
pub const MIN_REVISION_DIGITS: usize = 7;

bodies! {
    /// Where a commit is: `GET /organizations/{organization}/revisions/{revision}`.
    WhereView {
        /// The commits that begin so, once for each branch that carries one; the newest first, at most 20.
        found: Vec<RevisionView>,
        /// Revisions that begin so, that Syncs applied, and that no read has met on a branch; at most 20.
        unplaced: Vec<UnplacedRevision>,
        /// Repositories in which it is looked for now. What was found there before is told until then.
        looking: Vec<RepoName>,
        /// Repositories in which it was looked for and is not.
        absent: Vec<RepoName>,
        /// Repositories in which nobody has looked for it yet.
        unasked: Vec<RepoName>,
    }

    /// A commit.
    RevisionView {
        /// Its repository.
        repository: RepoName,
        /// The branch that carries it; `None` where none does that an environment or a Sync follows.
        branch: Option<BranchName>,
        /// The commit.
        revision: Revision,
        /// Its page at the host.
        url: String,
        /// The first line of its message; `None` where only an agent told of it.
        subject: Option<String>,
        /// Login or name of its author, likewise.
        author: Option<String>,
        /// Its committer's time, likewise.
        committed_at: Option<DateTime<Utc>>,
        /// The pull request that brings it.
        pull_request: Option<BringingPullRequest>,
        /// Whether the host was asked for the pull request; else none says nothing, and a look finds out.
        pull_request_known: bool,
        /// The commit on the branch that carries it, where that is another: a merge, or all of a pull request squashed.
        carried_by: Option<Revision>,
        /// What is not known of it, and why.
        note: Option<String>,
        /// When it was looked for; `None` where a read met it on its way.
        looked_at: Option<DateTime<Utc>>,
        /// Its line.
        line: RevisionLine,
        /// Each Sync of the line, with names.
        syncs: Vec<RevisionSyncView>,
    }

    /// A revision that Syncs applied, and of which no read knows the place: its repository is not connected or stands on
    /// another host, or it is on no branch any more. Which revisions contain it is not known.
    UnplacedRevision {
        /// The address of its repository, as Syncs name it.
        repository_url: RepoUrl,
        /// Its name, where it is connected.
        repository: Option<RepoName>,
        /// The branch that they followed then.
        branch: BranchName,
        /// The revision.
        revision: Revision,
        /// What is not known of it, and why.
        note: String,
        /// The Syncs that applied this very revision.
        syncs: Vec<RevisionSyncView>,
    }

    /// A Sync that a commit concerns.
    RevisionSyncView {
        /// The cluster's name.
        cluster_name: String,
        /// The environment that it is shown under.
        environment: Option<EnvironmentName>,
        /// How it is doing with the commit.
        line: RevisionSyncLine,
    }

    /// Looks for a commit in repositories: `POST /organizations/{organization}/revisions/{revision}/looks`.
    LookForRevision {
        /// The repository; all of the organization where it is left out.
        #[serde(default)]
        repository: Option<RepoName>,
    }

    /// Where a commit is looked for.
    Looking {
        /// The repositories in which it is looked for now.
        repositories: Vec<RepoName>,
    }

    /// What ran at an instant: `GET /organizations/{organization}/past?at=TIME`.
    PastPage {
        /// The instant.
        at: DateTime<Utc>,
        /// Since when anything is known; `None` where nothing is.
        known_since: Option<DateTime<Utc>>,
        /// What each Sync ran then, by cluster and name. A Sync that had not applied anything yet, or was gone, is not
        /// among them.
        items: Vec<PastSync>,
        /// Pass as `after` for the next page.
        next: Option<String>,
    }

    /// What a Sync ran.
    PastSync {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The Sync.
        sync: SyncName,
        /// The environment that its branch and path belong to now.
        environment: EnvironmentName,
        /// The repository, where it is connected.
        repository: Option<RepoName>,
        /// The branch that it followed then.
        branch: BranchName,
        /// The path that it followed then.
        path: String,
        /// The revision.
        revision: Revision,
        /// The first line of its message, where a read saw it.
        subject: Option<String>,
        /// Login or name of its author, likewise.
        author: Option<String>,
        /// Since when it was applied.
        applied_at: DateTime<Utc>,
        /// When all of it had been seen healthy, where that was by then.
        healthy_at: Option<DateTime<Utc>>,
        /// Whether that was kept then; else no `healthy_at` says nothing.
        health_known: bool,
        /// When another took its place, or the Sync was gone; `None` where it is so still.
        until: Option<DateTime<Utc>>,
        /// The images of what was applied.
        images: Vec<ImageRef>,
    }
}
