//! Which tags must be described before a choice can be trusted.
//!
//! A list of tags holds names alone. When an image was created and for which platforms it is stands in its manifest and
//! configuration, which is a request or three for each tag; registries limit those. So a policy says which it needs.

use super::{CompiledPolicy, Situation, TagInfo, extract::Room, order::Order, select::Chooser};
use crate::image::Tag;

impl CompiledPolicy {
    /// Whether a choice, or what is written of it, may depend on what images say of themselves.
    pub fn needs_descriptions(&self) -> bool {
        let by_description = matches!(self.order, Order::Created) || !self.platforms.is_empty();
        by_description || self.min_age.is_some() || self.writes_digest()
    }

    /// Whether the digest of the chosen tag is written beside it.
    fn writes_digest(&self) -> bool {
        self.pin_digest || matches!(self.order, Order::Follow(_))
    }

    /// The tags that nobody described yet and on whose description the choice depends; none means that it can be trusted.
    pub fn undescribed(&self, situation: &Situation<'_>) -> Vec<Tag> {
        if !self.needs_descriptions() {
            return Vec::new();
        }
        let chooser = Chooser::new(self, situation);
        let mut room = Room::default();
        let unknown = situation.tags.tags.iter().filter(|info| info.platforms.is_none());
        unknown.filter(|info| chooser.needs(info, &mut room)).map(|info| info.tag.clone()).collect()
    }
}

impl<'a> Chooser<'a> {
    /// Whether nothing else than the missing description keeps a tag out, or its digest would be written.
    fn needs(&self, info: &'a TagInfo, room: &mut Room) -> bool {
        let by_creation = matches!(self.policy.order, Order::Created);
        if by_creation && self.situation.current == Some(&info.tag) {
            return true;
        }
        let writes_digest = self.policy.writes_digest();
        let judged = self.judged(info, room);
        if judged.qualifies {
            return writes_digest;
        }
        match judged.verdict.as_ref().map_or("", |verdict| &*verdict.rule) {
            "platforms" => true,
            "newest" => by_creation,
            // Of what was there before us the creation tells the age.
            "min_age" => writes_digest || info.was_there_before(self.situation.tags),
            // It may pass at any time.
            "lockstep" => writes_digest,
            _ => false,
        }
    }
}
