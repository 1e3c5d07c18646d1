//! Reading a repository: what stands in it.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::Mode,
    drift::{DriftSource, DriftTool},
    git::{BranchName, RepoName, Revision},
    id::{ChangeId, IntentId, ProposalId, RequestId},
    image::{Digest, ImageRef, ImageRepository, Tag},
    name::EnvironmentName,
    place::Place,
    policy::TagPolicy,
    pull_request::BringingPullRequest,
};
use serde::{Deserialize, Serialize};

use super::lease::RepositoryAccess;

/// Read the head of every branch that an environment follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadWork {
    /// The repository.
    pub repository: RepositoryAccess,
    /// The last head that was read, by branch; the report lists what came since.
    pub known_heads: Vec<BranchHead>,
    /// Revisions that agents reported and that no read has placed yet.
    pub unknown_revisions: Vec<UnknownRevision>,
    /// Branch and path of the Syncs that follow this repository; where no environment covers one, it gets an implicit
    /// environment.
    pub sync_paths: Vec<SyncPath>,
    /// Proposals whose pull request is open as far as is known.
    pub open_proposals: Vec<OpenProposal>,
    /// Commits that somebody looks for: ids or their beginnings, seven hexadecimal digits at least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted_commits: Vec<String>,
}

/// A revision that an agent reported and that no read has placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnknownRevision {
    /// The branch that it was applied from.
    pub branch: BranchName,
    /// The revision.
    pub revision: Revision,
}

/// A branch and a path that a Sync follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncPath {
    /// The branch.
    pub branch: BranchName,
    /// The path, without slashes at its ends; empty for the root.
    pub path: String,
    /// The names of the Syncs that follow it, each once.
    #[serde(default)]
    pub syncs: Vec<String>,
}

/// The head of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BranchHead {
    /// The branch.
    pub branch: BranchName,
    /// Its head.
    pub revision: Revision,
}

/// A proposal that is not settled.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenProposal {
    /// The proposal.
    pub id: ProposalId,
    /// The branch of its pull request.
    pub head_branch: BranchName,
    /// The branch it goes to.
    pub base_branch: BranchName,
    /// The pull request's number, once it is known.
    pub number: Option<u64>,
    /// The head that we wrote last, once it is known.
    pub head: Option<Revision>,
    /// The group it is for: the environment's name with `group: environment`.
    pub group: String,
    /// The request that it was made for. It carries nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The changes that it carries.
    pub changes: Vec<ProposedChange>,
}

/// A change within a proposal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProposedChange {
    /// The change.
    pub id: ChangeId,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Its image.
    pub image: ImageRepository,
    /// The tag it goes to.
    pub to: Tag,
    /// The digest it goes to, where it pins one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_digest: Option<Digest>,
    /// The places it writes.
    pub places: Vec<Place>,
}

/// What stands in a repository: `POST /automator/v1/leases/{id}/read-report`. It ends the lease.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadReport {
    /// Each branch that was read.
    pub branches: Vec<BranchReport>,
    /// The environments, in order of promotion, implicit ones last.
    pub environments: Vec<EnvironmentReport>,
    /// Where images stand.
    pub occurrences: Vec<Occurrence>,
    /// What somebody must look at.
    #[serde(default)]
    pub drift: Vec<DriftExpectation>,
    /// `.heddle.yaml` of the default branch; `None` where its text cannot be told: it is a link or no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesFile>,
    /// What is wrong in the configuration or the manifests.
    pub findings: Vec<Finding>,
    /// The state of each open proposal's pull request.
    pub proposals: Vec<ProposalState>,
    /// Every unknown revision that was asked about, on the branch that was asked about, with the first-parent revision of
    /// that branch that it equals or precedes.
    pub placed_revisions: Vec<PlacedRevision>,
    /// Every commit that was looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_up: Vec<LookedUp>,
}

/// What became of the search for a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LookedUp {
    /// What was looked for.
    pub wanted: String,
    /// The commit; `None` where the repository has none that begins so, or several.
    pub found: Option<FoundCommit>,
    /// The host did not answer, so that nothing is known of it; who asks again has it looked for again.
    #[serde(default)]
    pub failed: bool,
}

/// A commit that was looked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundCommit {
    /// The commit, with the pull request that brings it.
    pub commit: CommitReport,
    /// The branches among those that are read that carry it, each with the first revision of its own line that does.
    pub carried: Vec<CarriedCommit>,
    /// Those that contain it so far back that what brought it was not looked for.
    pub far_back: Vec<BranchName>,
}

/// That a branch carries a commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CarriedCommit {
    /// The branch.
    pub branch: BranchName,
    /// The first revision of its own line that contains the commit, or into which its pull request was squashed.
    pub by: CommitReport,
}

/// `.heddle.yaml` as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RulesFile {
    /// Its text; `None` where there is no such file.
    pub text: Option<String>,
}

/// What `drift:` of `.heddle.yaml` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftExpectation {
    /// The line that says so, from 1.
    pub line: u32,
    /// The repository that the source lies in; the one that was read where none is named.
    #[serde(default)]
    pub repository: Option<RepoName>,
    /// The environment.
    pub environment: EnvironmentName,
    /// The tool.
    pub tool: DriftTool,
    /// What is to be looked at.
    pub source: DriftSource,
    /// How often, in seconds.
    pub every_secs: i64,
}

/// The heads of a branch since the last read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BranchReport {
    /// The branch.
    pub branch: BranchName,
    /// First-parent commits after the known head, oldest first, ending with the head that was read. Only the head where
    /// none was known or history was rewritten.
    pub revisions: Vec<CommitReport>,
    /// True when the known head is no first-parent ancestor of the head.
    pub rewritten: bool,
    /// What came with these beside the branch's own line: the commits of branches that were merged. None where they are
    /// more than 1,000 with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<BesideCommit>,
}

/// A commit that a merge brought.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BesideCommit {
    /// The commit.
    pub commit: CommitReport,
    /// The first of `revisions` that contains it.
    pub carried_by: Revision,
}

/// A commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitReport {
    /// The commit.
    pub revision: Revision,
    /// Its committer's time.
    pub committed_at: DateTime<Utc>,
    /// Login or name of its author.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// The intents named by its `Heddle-Intent` trailers.
    pub intents: Vec<IntentId>,
    /// The pull request that brought it, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<BringingPullRequest>,
    /// Whether the host was asked for the pull request, and answered; else none says nothing.
    #[serde(default)]
    pub pull_request_known: bool,
}

/// A revision that an agent reported, placed on its branch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlacedRevision {
    /// The revision that was unknown.
    pub revision: Revision,
    /// The branch.
    pub branch: BranchName,
    /// The newest first-parent revision of the branch that it contains; `None` when it is not on the branch, or the branch
    /// is not read.
    pub contains: Option<Revision>,
}

/// An environment as `.heddle.yaml` has it, or an implicit one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnvironmentReport {
    /// Its name.
    pub name: EnvironmentName,
    /// Its path, without slashes at its ends.
    pub path: String,
    /// Its branch.
    pub branch: BranchName,
    /// It stands in no `.heddle.yaml`: a Sync follows its path.
    pub implicit: bool,
    /// The environment that goes before, where it follows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionReport>,
}

/// That an environment takes what was healthy in another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromotionReport {
    /// The other.
    pub from: EnvironmentName,
    /// How long it must have been healthy there, in seconds.
    pub after_secs: i64,
}

/// An image at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Occurrence {
    /// The branch it stands on.
    pub branch: BranchName,
    /// Where.
    pub place: Place,
    /// The container, where the place belongs to one.
    pub container: Option<String>,
    /// The effective image: after `newName`.
    pub image: ImageRef,
    /// The environments whose closure holds the place.
    pub environments: Vec<EnvironmentName>,
    /// The rule that governs it in each of these environments; none where nothing updates it.
    pub rules: Vec<GoverningRule>,
}

/// The rule that governs an occurrence in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GoverningRule {
    /// The environment.
    pub environment: EnvironmentName,
    /// The file that holds it: `.heddle.yaml`, or one in which a policy stands beside the image.
    #[serde(default = "config_file")]
    pub file: String,
    /// Its line in the file, from 1.
    pub line: u32,
    /// Its mode.
    pub mode: Mode,
    /// Its policy; `None` when the rule is broken, so that nothing is written.
    pub policy: Option<TagPolicy>,
    /// How often it asks for the registry to be asked, in seconds; `None` where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_secs: Option<u64>,
}

fn config_file() -> String {
    ".heddle.yaml".to_owned()
}

/// Something wrong in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The branch.
    pub branch: BranchName,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// A stable word: `unknown-key`, `wrong-value`, `broken-yaml`, `shared-place`, ….
    pub code: String,
    /// What is wrong, what follows from it, and what to write instead.
    pub message: String,
    /// Whether it keeps something from being written.
    pub blocks: bool,
}

/// The state of a proposal's pull request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProposalState {
    /// The proposal.
    pub id: ProposalId,
    /// The state.
    pub state: PullRequestState,
    /// The head of its branch, while that exists.
    pub head: Option<Revision>,
    /// Whether every commit since the base is ours; a branch with foreign commits belongs to the person.
    pub ours: bool,
}

/// Open, merged or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PullRequestState {
    /// Open.
    Open {
        /// What it waits for, in a sentence, where GitHub says.
        waits_for: Option<String>,
    },
    /// Merged.
    Merged {
        /// The merge commit.
        revision: Revision,
        /// Who merged.
        by: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Closed and not merged.
    Closed {
        /// Who closed.
        by: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
}
