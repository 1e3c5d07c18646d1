//! Values that several commands take, as a person writes them.

use chrono::{DateTime, Local, NaiveDateTime, TimeZone, Utc};
use heddle_core::{
    git::{GitWordError, RepoName},
    image::{Digest, ImageError, ImageRepository, Tag},
    name::{EnvironmentName, NameError},
};
use heddle_wire::view::MIN_REVISION_DIGITS;

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

/// The id of a commit, or enough of its beginning.
pub(super) fn parse_beginning(text: &str) -> Result<String, String> {
    let is_id = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id && (MIN_REVISION_DIGITS..=64).contains(&text.len()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("write a commit's id, or at least its first {MIN_REVISION_DIGITS} hexadecimal digits"))
    }
}

/// An instant with its offset, or by this machine's time zone.
pub(super) fn parse_instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .ok_or("write a time such as 2026-11-03T14:00 or 2026-11-03T14:00:00Z")?;
    let instant = Local.from_local_datetime(&local).earliest();
    Ok(instant.ok_or("there is no such time on this machine's clock, which was put forward then")?.to_utc())
}

#[cfg(test)]
mod tests;
