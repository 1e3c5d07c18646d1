//! What people ask to be written: what it would do, and where it is.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{ChangeId, RepositoryId, RequestId, UserId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    policy::Verdict,
    request::{FreezeEntry, HoldEntry, Override, Reason, RequestKind, RequestState, ShownPlace},
};
use serde::{Deserialize, Serialize};

bodies! {
    /// Asks what something would do: `POST /organizations/{organization}/requests/preview`. It writes nothing.
    PreviewRequest {
        /// What.
        wish: Wish,
        /// Why, as [`NewRequest::reason`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    }

    /// What a wish would do.
    RequestPreview {
        /// The repository.
        repository: RepositoryId,
        /// Its name.
        repository_name: RepoName,
        /// The branch.
        branch: BranchName,
        /// The head that was read last.
        head: Revision,
        /// What is asked for, in words: "hold acme/api in prod at 1.4.1".
        title: String,
        /// What it does, in words: "opens a pull request on acme/config".
        does: String,
        /// Commit or pull request.
        mode: Mode,
        /// What is written where, one step for each image.
        steps: Vec<PreviewStep>,
        /// The lines of `.heddle.yaml` that change, as unified diff.
        rules_diff: Option<String>,
        /// What is left as it is, and why: places that say something else by now.
        left: Vec<String>,
        /// The environments in which something is another afterwards. Whoever asks needs the right for each.
        environments: Vec<EnvironmentName>,
        /// What stands in its way. Each must be named in `despite`.
        gates: Vec<PreviewGate>,
        /// Why the rule there passes the tag over, where it does.
        passed_over: Option<Verdict>,
        /// The tag that the rule would bring afterwards, unless a hold keeps this one.
        afterwards: Option<Tag>,
        /// What else is to be known, a sentence each.
        notes: Vec<String>,
        /// Why the asker may not ask for it.
        refusal: Option<String>,
        /// Names all that; goes into [`NewRequest::shown`].
        shown: String,
    }

    /// A tag for places of an image.
    PreviewStep {
        /// The image.
        image: ImageRepository,
        /// The tag.
        to: Tag,
        /// The digest that is written beside it, where one belongs there and it is known.
        to_digest: Option<Digest>,
        /// The places, with what stands there.
        places: Vec<ShownPlace>,
    }

    /// Something that keeps rules from writing, and a person who names it not.
    PreviewGate {
        /// What to name; `None` where naming nothing helps, and it must be mended.
        despite: Option<Override>,
        /// A sentence that says what it is and where it stands.
        reason: String,
    }

    /// What `.heddle.yaml` of a repository keeps back: an item of `GET /organizations/{organization}/holds`.
    KeptBack {
        /// The repository.
        repository: RepositoryId,
        /// Its name.
        repository_name: RepoName,
        /// Its holds that have not ended.
        holds: Vec<HoldEntry>,
        /// Its freezes that have not ended, those too that have not begun.
        freezes: Vec<FreezeEntry>,
        /// Why nothing is known of it: it was not read yet, or cannot be read.
        unknown: Option<String>,
    }

    /// Asks for something to be written: `POST /organizations/{organization}/requests`. It is written as it was shown, or
    /// ends with what stands there instead.
    NewRequest {
        /// What.
        wish: Wish,
        /// Why, on one line of at most 200 characters; it stands in the commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// The `shown` of what was looked at before.
        shown: String,
    }

    /// A page of requests: `GET /organizations/{organization}/requests`.
    RequestPage {
        /// The requests, newest first.
        items: Vec<RequestView>,
        /// Pass as `after` for the next page.
        next: Option<String>,
    }

    /// What somebody asked for, and where it is.
    RequestView {
        /// The request.
        id: RequestId,
        /// The repository.
        repository: RepositoryId,
        /// Its name.
        repository_name: RepoName,
        /// The branch.
        branch: BranchName,
        /// Its kind.
        kind: RequestKind,
        /// What is asked for, in words: "release acme/api 1.4.1 in prod".
        title: String,
        /// The environments in which something is another afterwards.
        environments: Vec<EnvironmentName>,
        /// The image, where it is about one.
        image: Option<ImageRepository>,
        /// The tag, where it is about one.
        to: Option<Tag>,
        /// Where, with what stood there.
        places: Vec<ShownPlace>,
        /// How it is written, at the least strict.
        mode: Mode,
        /// What it goes against.
        despite: Vec<Override>,
        /// Who asked.
        requested_by: String,
        /// Their account.
        user: UserId,
        /// Why.
        reason: Option<Reason>,
        /// Where it stands.
        state: RequestState,
        /// The same in words: what it waits for, or why it ended.
        message: String,
        /// The commit or pull request.
        proposal: Option<ProposalRef>,
        /// The changes that tell how it goes on.
        changes: Vec<ChangeId>,
        /// When it was asked for.
        created_at: DateTime<Utc>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Wish {
    /// A tag at all places of an image in an environment.
    Release(WishedRelease),
    /// What stood before a change, at its places.
    Rollback(WishedRollback),
    /// What stood in an environment at an instant.
    RollbackSince(WishedRollbackSince),
    /// What is healthy in another environment, without waiting longer.
    Promote(WishedPromotion),
    /// Images that stay as they are.
    Hold(WishedHold),
    /// The end of a hold.
    Resume(WishedResume),
    /// A time in which nothing is written. It takes the role admin.
    Freeze(WishedFreeze),
    /// The end of a freeze, likewise.
    Thaw(WishedThaw),
}

impl Wish {
    /// What it goes against, by name.
    pub fn despite(&self) -> &[Override] {
        match self {
            Self::Release(WishedRelease { despite, .. })
            | Self::Rollback(WishedRollback { despite, .. })
            | Self::RollbackSince(WishedRollbackSince { despite, .. })
            | Self::Promote(WishedPromotion { despite, .. }) => despite,
            Self::Hold(_) | Self::Resume(_) | Self::Freeze(_) | Self::Thaw(_) => &[],
        }
    }
}

bodies! {
    /// A tag at all places of an image in an environment.
    WishedRelease {
        /// The repository, where several have the environment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The environment.
        environment: EnvironmentName,
        /// The image.
        image: ImageRepository,
        /// The tag; left out: the greatest that the rule there allows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<Tag>,
        /// By pull request, also where the rule commits.
        #[serde(default)]
        by_pull_request: bool,
        /// With a hold by which the tag stays, until `hold_until` or for good.
        #[serde(default)]
        hold: bool,
        /// When that hold ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_until: Option<DateTime<Utc>>,
        /// What it goes against.
        #[serde(default)]
        despite: Vec<Override>,
    }

    /// What stood before a change, at those of its places that still say what it wrote.
    WishedRollback {
        /// The change.
        change: ChangeId,
        /// The tag to go back to, by name; left out: the one that stood there before, if it was healthy there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Tag>,
        /// By pull request, also where the rule commits.
        #[serde(default)]
        by_pull_request: bool,
        /// What it goes against.
        #[serde(default)]
        despite: Vec<Override>,
    }

    /// What stood in an environment at an instant, as one pull request: at the places that changes wrote since then, and of these
    /// those that still say what the last of them wrote.
    WishedRollbackSince {
        /// The repository, where several have the environment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The environment.
        environment: EnvironmentName,
        /// The instant; changes count that were merged then or later.
        since: DateTime<Utc>,
        /// Tags to go back to, by name; of other images the one that stood there before, if it was healthy there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<WishedTag>,
        /// What it goes against.
        #[serde(default)]
        despite: Vec<Override>,
    }

    /// A tag of an image, by name.
    WishedTag {
        /// The image.
        image: ImageRepository,
        /// The tag.
        tag: Tag,
    }

    /// What is healthy in another environment, at all places of its images in this one, without waiting as long as `promote` says.
    WishedPromotion {
        /// The repository, where several have the environment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The environment.
        environment: EnvironmentName,
        /// The other one; left out: the one that `promote` names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<EnvironmentName>,
        /// The images; left out: all that rules govern here.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<ImageRepository>,
        /// By pull request, also where the rules commit.
        #[serde(default)]
        by_pull_request: bool,
        /// What it goes against.
        #[serde(default)]
        despite: Vec<Override>,
    }

    /// Images that stay as they are. A hold of the same images in the same environment becomes this one.
    WishedHold {
        /// The repository, where several are connected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The images, as a glob over repositories; left out: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// The environment; left out: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<EnvironmentName>,
        /// The one tag that may be written; left out: whatever runs stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<Tag>,
        /// When it ends; left out: when somebody ends it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    }

    /// A time in which nothing is written.
    WishedFreeze {
        /// The repository, where several are connected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The environments; left out: all.
        #[serde(default)]
        environments: Vec<EnvironmentName>,
        /// From then on.
        from: DateTime<Utc>,
        /// Until then.
        to: DateTime<Utc>,
    }

    /// The end of a freeze that says just this.
    WishedThaw {
        /// The repository, where several are connected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The freeze, as `GET …/holds` lists it.
        freeze: FreezeEntry,
    }

    /// The end of the holds of just these images and this environment.
    WishedResume {
        /// The repository, where several are connected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<RepositoryId>,
        /// The images, as the hold names them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// The environment, as the hold names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<EnvironmentName>,
    }
}
