//! What people ask to be written: what it would do, and where it is.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{ChangeId, RepositoryId, RequestId, UserId},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
    policy::Verdict,
    request::{Override, Reason, RequestState, ShownPlace},
};
use serde::{Deserialize, Serialize};

bodies! {
    /// What releasing a tag would do: `GET /organizations/{organization}/release?environment=…&image=…&tag=…`.
    ReleasePreview {
        /// The repository.
        repository: RepositoryId,
        /// Its name.
        repository_name: RepoName,
        /// The branch.
        branch: BranchName,
        /// The head that was read last.
        head: Revision,
        /// The environment.
        environment: EnvironmentName,
        /// The image.
        image: ImageRepository,
        /// The tag: the one that was named, else the greatest that the rule allows.
        to: Tag,
        /// All places of the image in the environment, with what stands there.
        places: Vec<ShownPlace>,
        /// The environments that these places count in. Whoever asks needs the right for each.
        environments: Vec<EnvironmentName>,
        /// Commit or pull request.
        mode: Mode,
        /// What it does, in words: "opens a pull request on acme/config".
        does: String,
        /// Why the rule there passes the tag over, where it does.
        passed_over: Option<Verdict>,
        /// The tag that the rule would bring afterwards, unless a hold keeps this one.
        afterwards: Option<Tag>,
        /// What is not known of the tag, in words: the registry was not read to its end.
        unknown: Option<String>,
        /// Why the asker may not ask for it.
        refusal: Option<String>,
        /// Names all that; goes into [`NewRequest::shown`].
        shown: String,
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
        /// The environment.
        environment: EnvironmentName,
        /// The image.
        image: ImageRepository,
        /// The tag.
        to: Tag,
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
        /// The tag.
        tag: Tag,
        /// By pull request, also where the rule commits.
        #[serde(default)]
        by_pull_request: bool,
        /// What it goes against.
        #[serde(default)]
        despite: Vec<Override>,
    }
}
