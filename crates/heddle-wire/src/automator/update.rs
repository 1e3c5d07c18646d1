//! Updating a repository: what is meant, and what came of it.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, Mode, ProposalRef},
    git::{BranchName, Revision},
    id::{ChangeId, IntentId, ProposalId, RequestId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::{Place, PlaceKey},
    policy::TagList,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::lease::RepositoryAccess;
use super::read::BranchHead;
use super::read::Finding;
use super::read::OpenProposal;
use super::read::SyncPath;
use super::request::{OpenRequest, RefusedRequest, WaitingRequest};

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
    /// The tags on which the choices for an image depend, of each image that the repository uses and a rule governs. What
    /// cannot be chosen and says nothing of what runs is not among them.
    pub images: Vec<ImageTags>,
    /// The images among them for which no rule chooses anything but what stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<ImageRepository>,
    /// The [`fingerprint`](super::fingerprint) of the choices that the tags were taken for. Where the rules at the head are
    /// others, nothing is written, and a read is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The time at which the tags were taken: what is too young then is not chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<DateTime<Utc>>,
    /// Branch and path of the Syncs that follow this repository.
    pub sync_paths: Vec<SyncPath>,
    /// Intents that were posted and never confirmed: settle these first.
    pub open_intents: Vec<OpenIntent>,
    /// Proposals whose pull request is open.
    pub open_proposals: Vec<OpenProposal>,
    /// What people asked for and is not in Git, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<OpenRequest>,
    /// What people took back.
    pub barred: Vec<Barred>,
    /// What was healthy, and where: environments that follow others take nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven: Vec<Proven>,
    /// The address of the dashboard, for links to changes: `{dashboard}/changes/{id}`.
    pub dashboard_url: Url,
}

/// The tags of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageTags {
    /// The image.
    pub image: ImageRepository,
    /// Its tags as far as a choice depends on them; `None` when the last scan did not read the list to its end.
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
    /// The digest that came with it; where the tag stayed, it alone is barred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The change that was reverted or declined.
    pub change: ChangeId,
    /// How and by whom, in a sentence: "reverted in 4b825dc", "declined by ada (#41)".
    pub reason: String,
}

/// A tag that was healthy in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proven {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag.
    pub tag: Tag,
    /// Since when every cluster had it healthy.
    pub since: DateTime<Utc>,
    /// Until when: another tag was on its way to the same place. `None` while it stands.
    pub until: Option<DateTime<Utc>>,
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
    /// Requests that end unwritten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedRequest>,
    /// Requests of which nothing is written or ended now, each with what it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingRequest>,
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
    /// The request that it carries out, and nothing else beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
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
    /// The digest that stands there, where it is one at all places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_digest: Option<Digest>,
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

/// The ids of what was announced, in the order of [`PlanRequest::proposals`] without those that were left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanResponse {
    /// One for each that was not left out.
    pub intents: Vec<PostedIntent>,
    /// Requests that ended since the update was leased. What was planned for them was left out.
    #[serde(default)]
    pub left_out: Vec<RequestId>,
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
