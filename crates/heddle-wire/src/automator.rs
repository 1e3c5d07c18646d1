//! What an automator and the API say to each other, under `/automator/v1`.
//!
//! The automator leases one piece of work, reports under the lease's fencing number, and lets it go. A report with an
//! old number is answered 409 `lease-lost`.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{ChangeId, IntentId, LeaseId, OrganizationId, ProposalId, RepositoryId},
    image::{Digest, ImageRef, ImageRepository, Tag},
    name::EnvironmentName,
    place::{Place, PlaceKey},
    policy::{TagList, TagPolicy},
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::secret::WireSecret;

/// Asks for work: `POST /automator/v1/lease`. The answer is 204 when none became due in `wait_secs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaseRequest {
    /// How long to wait for work, at most 55.
    pub wait_secs: u64,
    /// Names the automator's process in logs and the dashboard.
    pub automator: String,
}

/// Work that belongs to the asker until `expires_at`; renewed by `POST /automator/v1/leases/{id}/renew`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// The lease.
    pub id: LeaseId,
    /// The fencing number; sent as the header `Heddle-Fence` with everything under this lease.
    pub fence: i64,
    /// When it ends unless renewed.
    pub expires_at: DateTime<Utc>,
    /// Whose work it is.
    pub organization: OrganizationId,
    /// The work.
    pub work: Work,
}

/// A piece of work, with what it needs and no more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "work", rename_all = "kebab-case")]
pub enum Work {
    /// Read a repository and say what stands there.
    Read(ReadWork),
    /// List an image's tags.
    Scan(ScanWork),
    /// Write what the policies choose.
    Update(UpdateWork),
}

/// Access to one repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepositoryAccess {
    /// The repository.
    pub id: RepositoryId,
    /// Its name on the host.
    pub name: RepoName,
    /// The address for `git fetch`.
    pub clone_url: Url,
    /// The base address of the REST API.
    pub api_url: Url,
    /// The address of the GraphQL API.
    pub graphql_url: Url,
    /// An installation token for this repository alone, with the permissions that the work needs.
    pub token: WireSecret,
    /// When the token ends.
    pub token_expires_at: DateTime<Utc>,
    /// The login of the App's bot, such as `heddle[bot]`: the author of our commits.
    pub bot_login: String,
    /// The default branch; its `.heddle.yaml` counts.
    pub default_branch: BranchName,
}

/// Read the head of every branch that an environment follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadWork {
    /// The repository.
    pub repository: RepositoryAccess,
    /// The last head that was read, by branch; the report lists what came since.
    pub known_heads: Vec<BranchHead>,
    /// Revisions that agents reported and that no read has placed yet.
    pub unknown_revisions: Vec<Revision>,
    /// Branch and path of the Syncs that follow this repository; where no environment covers one, it gets an implicit
    /// environment.
    pub sync_paths: Vec<SyncPath>,
    /// Proposals whose pull request is open as far as is known.
    pub open_proposals: Vec<OpenProposal>,
}

/// A branch and a path that a Sync follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncPath {
    /// The branch.
    pub branch: BranchName,
    /// The path, without slashes at its ends; empty for the root.
    pub path: String,
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
    /// What is wrong in the configuration or the manifests.
    pub findings: Vec<Finding>,
    /// The state of each open proposal's pull request.
    pub proposals: Vec<ProposalState>,
    /// Unknown revisions that were placed: each with the first-parent revision of the branch that it equals or precedes.
    pub placed_revisions: Vec<PlacedRevision>,
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
}

/// A revision that an agent reported, placed on its branch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlacedRevision {
    /// The revision that was unknown.
    pub revision: Revision,
    /// The branch.
    pub branch: BranchName,
    /// The newest first-parent revision of the branch that it contains; `None` when it is not on the branch.
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
    /// Line of the rule in `.heddle.yaml`, from 1.
    pub line: u32,
    /// Its mode.
    pub mode: Mode,
    /// Its policy; `None` when the rule is broken, so that nothing is written.
    pub policy: Option<TagPolicy>,
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

/// List the tags of one image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScanWork {
    /// The image.
    pub image: ImageRepository,
    /// The login for its registry.
    pub credential: Option<RegistryCredential>,
    /// The entity tag of the last complete list, where the registry gave one.
    pub etag: Option<String>,
}

/// A login for a registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistryCredential {
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: WireSecret,
}

/// The outcome of a scan: `POST /automator/v1/leases/{id}/scan-report`. It ends the lease; the answer may hand over the
/// update that the scan made due, as a [`Lease`], else 204.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScanReport {
    /// What came of it.
    pub outcome: ScanOutcome,
    /// Whether the reporter takes the update that this made due.
    pub take_update: bool,
}

/// What a scan found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum ScanOutcome {
    /// The whole list.
    Complete {
        /// Every tag; digests for those that were asked.
        tags: Vec<ScannedTag>,
        /// The entity tag, where the registry gives one.
        etag: Option<String>,
    },
    /// The registry says that nothing changed since `etag`.
    Unchanged,
    /// It failed or was cut short. What was known stays, marked incomplete; nothing is written from it.
    Failed {
        /// Why, in a sentence without secrets.
        reason: String,
        /// When the registry allows the next try.
        retry_at: Option<DateTime<Utc>>,
    },
}

/// A tag in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScannedTag {
    /// The tag.
    pub tag: Tag,
    /// Its digest.
    pub digest: Option<Digest>,
}

/// Write what the policies choose.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateWork {
    /// The repository, with a token that may write.
    pub repository: RepositoryAccess,
    /// The heads that were read last. What people took back is known up to these; where a branch stands elsewhere nothing
    /// is written, and a read is due.
    #[serde(default)]
    pub known_heads: Vec<BranchHead>,
    /// The tags of each image that the repository uses and a rule governs.
    pub images: Vec<ImageTags>,
    /// Branch and path of the Syncs that follow this repository.
    pub sync_paths: Vec<SyncPath>,
    /// Intents that were posted and never confirmed: settle these first.
    pub open_intents: Vec<OpenIntent>,
    /// Proposals whose pull request is open.
    pub open_proposals: Vec<OpenProposal>,
    /// What people took back.
    pub barred: Vec<Barred>,
    /// The address of the dashboard, for links to changes: `{dashboard}/changes/{id}`.
    pub dashboard_url: Url,
}

/// The tags of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageTags {
    /// The image.
    pub image: ImageRepository,
    /// Its tags; `None` when it was never scanned with success.
    pub list: Option<TagList>,
}

/// A tag that a person took back: no tag that is not above it is written at that place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Barred {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The place, without file and line.
    pub place: PlaceKey,
    /// The tag that was taken back.
    pub tag: Tag,
    /// The change that was reverted or declined.
    pub change: ChangeId,
    /// How and by whom, in a sentence: "reverted in 4b825dc", "declined by ada (#41)".
    pub reason: String,
}

/// An intent whose outcome is not known.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenIntent {
    /// The intent.
    pub id: IntentId,
    /// Its proposal.
    pub proposal: ProposalId,
    /// The revision that it was based on.
    pub base: Revision,
    /// The branch that it goes to.
    pub base_branch: BranchName,
    /// For a pull request its branch; `None` for a commit straight onto `base_branch`.
    pub head_branch: Option<BranchName>,
    /// What the pull request says, kept so that it can be opened after a kill between push and opening.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// Announces a write: `POST /automator/v1/leases/{id}/intents`. One call for everything of one update.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanRequest {
    /// The writes, each one commit or one pull request.
    pub proposals: Vec<PlannedProposal>,
    /// Changes that a gate keeps from being written.
    pub gated: Vec<GatedChange>,
    /// Open proposals to close because the base already carries their tags, or nothing wants them any more.
    pub superseded: Vec<ProposalId>,
    /// Findings of this update; they replace those of the last.
    pub findings: Vec<Finding>,
    /// When the first gate opens.
    pub next_due_at: Option<DateTime<Utc>>,
}

/// One commit or one pull request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedProposal {
    /// The open proposal that is moved on in place; `None` for a new one.
    pub updates: Option<ProposalId>,
    /// Commit or pull request; never [`Mode::Observe`].
    pub mode: Mode,
    /// The group, which names the branch: the environment's name with `group: environment`.
    pub group: String,
    /// The branch it goes to.
    pub base_branch: BranchName,
    /// The revision that was read.
    pub base: Revision,
    /// For a proposal that is moved on, the head that its branch is expected to have.
    pub expected_head: Option<Revision>,
    /// Title, or first line of the commit.
    pub title: String,
    /// Text of the pull request. `{change_url}` stands for the link to the change, which is not known yet.
    pub body: String,
    /// The changes.
    pub changes: Vec<PlannedChange>,
}

/// One change within a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedChange {
    /// The environment.
    pub environment: EnvironmentName,
    /// The effective image.
    pub image: ImageRepository,
    /// The tag that stands there.
    pub from: Option<Tag>,
    /// The tag that is written.
    pub to: Tag,
    /// The digest that is written, where the policy pins.
    pub to_digest: Option<Digest>,
    /// Where.
    pub places: Vec<Place>,
    /// The lines that change, as unified diff, for the Change page.
    pub diff: String,
    /// Why this tag, in a sentence: the rule and where it stands.
    pub why: String,
}

/// A change that is kept from being written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatedChange {
    /// The change.
    pub change: PlannedChange,
    /// Its branch.
    pub base_branch: BranchName,
    /// Its mode.
    pub mode: Mode,
    /// What keeps it.
    pub gate: Gate,
}

/// The ids of what was announced, in the order of [`PlanRequest::proposals`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanResponse {
    /// One for each.
    pub intents: Vec<PostedIntent>,
}

/// An announced write.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PostedIntent {
    /// Goes into the commit's `Heddle-Intent` trailer.
    pub id: IntentId,
    /// The proposal.
    pub proposal: ProposalId,
    /// The branch of the pull request: `heddle/<group>/<proposal id>`; `None` for a commit.
    pub head_branch: Option<BranchName>,
    /// The changes, in the order of [`PlannedProposal::changes`].
    pub changes: Vec<ChangeId>,
}

/// Says what came of a write: `POST /automator/v1/leases/{id}/intents/{intent}/outcome`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum IntentOutcome {
    /// It is in Git.
    Written {
        /// Where.
        proposal: ProposalRef,
        /// The commit that carries the trailer.
        revision: Revision,
        /// When, by GitHub's clock.
        at: DateTime<Utc>,
    },
    /// The branch moved first; nothing was written. A read is due.
    Moved,
    /// Nothing was written, for this reason.
    Abandoned {
        /// A sentence without secrets.
        reason: String,
        /// When it may be tried again.
        retry_at: Option<DateTime<Utc>>,
    },
}

/// Says that an open proposal's pull request was closed by us: `POST /automator/v1/leases/{id}/proposals/{proposal}/closed`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProposalClosed {
    /// Why, in a sentence.
    pub reason: String,
}

/// Ends a lease: `POST /automator/v1/leases/{id}/done` (also when the work failed, with the reason).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Why the work failed, in a sentence without secrets; it becomes due again, later each time.
    pub failed: Option<String>,
    /// The earliest next try.
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether an update saw a repository that is not as it was read last. A read is due at once.
    #[serde(default)]
    pub read_due: bool,
}
