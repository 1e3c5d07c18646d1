//! Values that several commands take, as a person writes them.

use heddle_core::{
    git::{GitWordError, RepoName},
    image::{Digest, ImageError, ImageRepository, Tag},
    name::{EnvironmentName, NameError},
};

pub(super) fn parse_tag(text: &str) -> Result<Tag, String> {
    text.parse().map_err(|error: ImageError| error.to_string())
}

pub(super) fn parse_listed_tag(text: &str) -> Result<Tag, String> {
    Tag::of_list(text).map_err(|error| error.to_string())
}

/// What runs: a tag, with its digest where one is written behind it.
#[derive(Debug, Clone)]
pub struct RunningTag {
    /// The tag; empty for an image without one.
    pub tag: Tag,
    /// The digest behind `@`.
    pub digest: Option<Digest>,
}

pub(super) fn parse_running_tag(text: &str) -> Result<RunningTag, String> {
    let (tag, digest) = text.split_once('@').map_or((text, None), |(tag, digest)| (tag, Some(digest)));
    Ok(RunningTag { tag: parse_listed_tag(tag)?, digest: digest.map(parse_digest).transpose()? })
}

pub(super) fn parse_digest(text: &str) -> Result<Digest, String> {
    text.parse().map_err(|error: ImageError| error.to_string())
}

pub(super) fn parse_repository(text: &str) -> Result<ImageRepository, String> {
    text.parse().map_err(|error: ImageError| error.to_string())
}

pub(super) fn parse_repo_name(text: &str) -> Result<RepoName, String> {
    text.parse().map_err(|error: GitWordError| error.to_string())
}

pub(super) fn parse_environment(text: &str) -> Result<EnvironmentName, String> {
    text.parse().map_err(|error: NameError| error.to_string())
}
