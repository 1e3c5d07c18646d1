//! What people asked to be written in a repository.

use heddle_core::{
    change::Mode,
    git::BranchName,
    id::RequestId,
    image::Digest,
    request::{Asked, Override, Requested},
};
use serde::{Deserialize, Serialize};

/// A request that has not ended, with all that its person was shown. It is written as that, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenRequest {
    /// The request.
    pub id: RequestId,
    /// Who asks, and why. It goes into the commit's trailers.
    pub requested: Requested,
    /// The branch.
    pub branch: BranchName,
    /// What is to be written.
    pub asked: Asked,
    /// What the tag of a release points to, where that is known; written where a digest belongs beside the tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_digest: Option<Digest>,
    /// Whether that digest is to come: a scan of the image is about to look at the tag.
    #[serde(default)]
    pub awaits_digest: bool,
    /// The least strict way to write it: a commit, or a pull request.
    pub mode: Mode,
    /// What it goes against.
    #[serde(default)]
    pub despite: Vec<Override>,
}

/// A request of which nothing is written or ended now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingRequest {
    /// The request.
    pub id: RequestId,
    /// For what it waits, in a sentence.
    pub reason: String,
}

/// A request that ends unwritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedRequest {
    /// The request.
    pub id: RequestId,
    /// Why, in a sentence: what stands there now, or what cannot be written.
    pub reason: String,
}
