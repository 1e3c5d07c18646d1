//! What a choice depends on, the policy aside.

use chrono::{DateTime, Utc};

use super::{TagInfo, TagList, running::ANY_IMAGE};
use crate::image::{Digest, ImageRepository, Tag};

/// All that a choice depends on, the policy aside.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What stands at the place; `None` where there is no place, and the best of the list is asked for.
    pub current: Option<Standing<'a>>,
    /// What the registry has.
    pub tags: &'a TagList,
    /// What people took back at the place.
    pub barred: &'a [BarredTag<'a>],
    /// The tags of the repositories that the policy keeps in lockstep. One without an entry was not scanned.
    pub companions: &'a [Companion<'a>],
    /// The time at which the choice is made.
    pub now: DateTime<Utc>,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The tag; `None` where none is written, and a container runtime takes `latest`.
    pub tag: Option<&'a Tag>,
    /// The digest, where one is written.
    pub digest: Option<&'a Digest>,
}

impl<'a> Standing<'a> {
    /// An image with a tag, perhaps with a digest.
    pub fn new(tag: Option<&'a Tag>, digest: Option<&'a Digest>) -> Self {
        Self { tag, digest }
    }

    /// The tag that is written, where one is.
    pub(super) fn written(&self) -> Option<&'a Tag> {
        self.tag.filter(|tag| !tag.as_str().is_empty())
    }

    /// What is known of the tag that a container runtime takes.
    pub(super) fn known(&self, list: &'a TagList) -> Option<&'a TagInfo> {
        let name = self.written().map_or(ANY_IMAGE, Tag::as_str);
        list.all().find(|info| info.tag.as_str() == name)
    }
}

/// A tag that a person took back, and how.
#[derive(Debug, Clone, Copy)]
pub struct BarredTag<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// "reverted in 4b825dc", "declined by ada (#41)".
    pub reason: &'a str,
}

/// A repository that is kept in lockstep, and its tags.
#[derive(Debug, Clone, Copy)]
pub struct Companion<'a> {
    /// The repository.
    pub image: &'a ImageRepository,
    /// Its tags.
    pub tags: &'a TagList,
}
