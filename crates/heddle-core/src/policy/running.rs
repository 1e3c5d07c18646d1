//! Where in a rule's order stands what runs: by its text, else by its content.

use super::{
    CompiledPolicy, Situation, Standing, TagInfo,
    compiled::Variant,
    extract::Room,
    layout::Layout,
    order::{Order, Place},
    release::Split,
};
use crate::image::{Digest, Tag};

/// The tag that a container runtime takes where none is written. It says nothing of its image, and a `match` that takes it
/// takes just anything.
pub(super) const ANY_IMAGE: &str = "latest";

/// What runs, in the order of a rule.
#[derive(Debug, Clone)]
pub(super) enum Running<'a> {
    /// There is no place, or the rule does not look at what runs.
    Free,
    /// It has a place in the order.
    Placed(Box<Anchor<'a>>),
    /// It has none, by its text or by its content.
    Lost,
}

/// The place of what runs.
#[derive(Debug, Clone)]
pub(super) struct Anchor<'a> {
    pub place: Place<'a>,
    /// The tag whose image it is, where the text alone says nothing.
    pub content: Option<&'a Tag>,
    /// Whether `match` says that this very kind of tag is meant, so that a word may stand for a number.
    pub meant: bool,
}

impl<'a> Running<'a> {
    /// Places what runs.
    pub(super) fn find(policy: &CompiledPolicy, situation: &Situation<'a>) -> Self {
        let Some(standing) = situation.current.filter(|_| policy.keeps_place()) else { return Self::Free };
        let text = policy.place_standing(&standing, situation);
        let meant = || standing.written().is_some_and(|tag| policy.means_this(tag));
        let place = text.map(|place| Anchor { place, content: None, meant: meant() });
        let anchor = place.or_else(|| policy.place_content(&standing, situation));
        anchor.map_or(Self::Lost, |anchor| Self::Placed(Box::new(anchor)))
    }
}

impl CompiledPolicy {
    /// Whether only what is above the running tag, and written as it is, may be chosen.
    pub(super) fn keeps_place(&self) -> bool {
        self.habits.keeps_place && !matches!(self.order, Order::Follow(_))
    }

    /// How versions are read beside a tag that says which variant is meant.
    pub(super) fn split(&self) -> Split {
        match self.variant {
            Variant::Untold => Split::Nothing,
            Variant::Matching(_) => Split::NumberedVariant,
            Variant::OfRunning | Variant::Named(_) => Split::Variant,
        }
    }

    /// The place of a tag, with what is known of it though the registry may list it no more.
    pub(super) fn place_known<'a>(&self, tag: &'a Tag, situation: &Situation<'a>, split: Split) -> Option<Place<'a>> {
        match situation.tags.all().find(|info| info.tag == *tag) {
            Some(info) => self.place(info, split, &mut Room::default()).ok(),
            None => self.place_of_text(tag, split),
        }
    }

    /// Whether a tag names no image in particular, as `latest` does: words without digits, also where the rule orders
    /// words, unless `match` says that this tag is meant.
    pub(super) fn is_floating(&self, tag: &Tag) -> bool {
        Layout::read(tag.as_str().into()).floats() && !self.means_this(tag)
    }

    /// Whether `match` says that a tag is one of those that are meant: it takes it, and does not take just anything.
    fn means_this(&self, tag: &Tag) -> bool {
        let takes = |text: &str| self.extraction.as_ref().is_some_and(|extraction| extraction.finds(text));
        takes(tag.as_str()) && !takes(ANY_IMAGE)
    }

    /// The place by the text.
    fn place_standing<'a>(&self, standing: &Standing<'a>, situation: &Situation<'a>) -> Option<Place<'a>> {
        let tag = standing.written().filter(|tag| !self.is_floating(tag))?;
        self.place_known(tag, situation, self.split())
    }

    /// The greatest of the tags that are known to be the same image.
    fn place_content<'a>(&self, standing: &Standing<'a>, situation: &Situation<'a>) -> Option<Anchor<'a>> {
        let digest = content_of(standing, situation)?;
        self.greatest_of_image(standing, digest, situation.tags.all())
    }

    /// The greatest of some tags that is known to be an image.
    pub(super) fn greatest_of_image<'a>(
        &self,
        standing: &Standing<'a>,
        digest: &Digest,
        tags: impl Iterator<Item = &'a TagInfo>,
    ) -> Option<Anchor<'a>> {
        let mut room = Room::default();
        let same = tags.filter(|info| info.digest.as_ref() == Some(digest));
        let placed = same.filter_map(|info| Some((info, self.place_named(info, standing, &mut room)?)));
        let greatest = placed.max_by(|(one, left), (other, right)| {
            let exactness = || match (&left.layout, &right.layout) {
                (Some(left), Some(right)) => left.compare_exactness(right),
                _ => std::cmp::Ordering::Equal,
            };
            self.order.compare(&left.key, &right.key).then_with(exactness).then_with(|| one.tag.cmp(&other.tag))
        })?;
        let tag = &greatest.0.tag;
        Some(Anchor { place: greatest.1, content: Some(tag), meant: self.means_this(tag) })
    }

    /// The place of a tag that can say where the running image stands: it names one image, and not itself.
    pub(super) fn place_named<'a>(
        &self,
        info: &'a TagInfo,
        standing: &Standing<'_>,
        room: &mut Room,
    ) -> Option<Place<'a>> {
        let place = self.place(info, self.split(), room).ok()?;
        let layout = place.layout.as_ref()?;
        let names = standing.written() != Some(&info.tag) && !self.is_floating(&info.tag);
        let lone = matches!(self.order, Order::Release { .. }) && layout.is_lone() && !self.means(&info.tag, layout);
        (names && !lone).then_some(place)
    }

    /// Whether `match` says that a lone number is meant: it takes no version in the place of the number.
    pub(super) fn means(&self, tag: &Tag, layout: &Layout<'_>) -> bool {
        let Some(extraction) = &self.extraction else { return false };
        let tag = tag.as_str();
        // What a template made of the tag is meant as it is.
        let Some(at) = tag.find(layout.text()) else { return true };
        let numbers = layout.span();
        let version = format!("{}1.2.3{}", &tag[..at + numbers.start], &tag[at + numbers.end..]);
        !extraction.finds(&version)
    }
}

/// The digest of what runs: the one that is written, else what the registry says of the tag now.
pub(super) fn content_of<'a>(standing: &Standing<'a>, situation: &Situation<'a>) -> Option<&'a Digest> {
    standing.digest.or_else(|| standing.known(situation.tags)?.digest.as_ref())
}
