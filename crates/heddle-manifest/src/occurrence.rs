//! Images where they stand.

use std::{ops::Range, sync::Arc};

use heddle_core::{image::ImageRef, name::EnvironmentName, place::Place};

use crate::{
    edit::{Edit, EditError},
    image::{ImageValue, Target},
    policy::FoundPolicy,
    ruling::Beside,
    yaml::{Position, Spot},
};

/// An image at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Where.
    pub place: Place,
    /// The container, where the place belongs to one.
    pub container: Option<String>,
    /// The effective image: after `newName`.
    pub image: ImageRef,
    /// The same as the files write it, without what short names stand for.
    pub written: String,
    /// It is the version of a chart or of another artifact, and no image's.
    pub is_chart: bool,
    /// The environments whose closure holds the place and does not hide it.
    pub environments: Vec<EnvironmentName>,
    /// The bytes of the value that says which build runs, quotes too.
    pub span: Range<usize>,
    /// What beside it says how tags are chosen.
    pub policy: Option<FoundPolicy>,
    /// What that comes to.
    pub beside: Option<Beside>,
    /// What it shares with the places that change with it, and with no other.
    pub bond: Option<String>,
    /// Why it cannot be written, where something keeps it from that.
    pub obstacle: Option<String>,
    pub(crate) value: Arc<ImageValue>,
}

impl Occurrence {
    /// The edits that make the place say what it should; none when it does already.
    ///
    /// # Errors
    /// When the place cannot say it: a digest stands beside a tag that alone is to change, or something around it keeps it
    /// from being changed.
    pub fn edits(&self, target: &Target) -> Result<Vec<Edit>, EditError> {
        let position = self.value.spot().map_or(Position { line: self.place.line, column: 1 }, |spot| spot.position);
        let refused = |reason| EditError::Refused { position, reason };
        if let Some(reason) = self.value.obstacle {
            return Err(refused(reason));
        }
        self.value.parts.edits(target).map_err(refused)
    }

    /// Whether the tag stands in a value of its own.
    pub(crate) fn has_tag_apart(&self) -> bool {
        self.value.parts.tag.is_some()
    }

    /// Whether the value at a path, with these bytes, is a part of the image: its name, its tag, its digest.
    pub fn has_part(&self, field: &str, span: Option<&Range<usize>>) -> bool {
        let is_here = |spot: &Spot| spot.field == field && span.is_none_or(|span| spot.span == *span);
        self.value.spot().into_iter().chain(self.value.parts.spots()).any(is_here)
    }
}
