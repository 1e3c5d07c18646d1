//! What people asked to be written in a repository.

use heddle_core::{
    change::Mode,
    git::BranchName,
    id::RequestId,
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    request::{Override, Requested, ShownPlace},
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
    pub write: RequestedWrite,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RequestedWrite {
    /// A tag at all places of an image in an environment.
    Release(Release),
}

/// A tag at all places of an image in an environment, whatever a rule would choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Release {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag.
    pub to: Tag,
    /// What the tag points to, where that is known; written where a digest belongs beside the tag.
    pub to_digest: Option<Digest>,
    /// The places that were shown: all of them.
    pub places: Vec<ShownPlace>,
    /// The least strict way to write it: a commit, or a pull request.
    pub mode: Mode,
    /// What it goes against.
    pub despite: Vec<Override>,
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
