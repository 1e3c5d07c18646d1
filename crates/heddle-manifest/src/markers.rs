//! Comments behind values that name a policy: ours, and Flux's markers. Each belongs to an image, or is told.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    Finding,
    image::{ImageValue, Parts},
    kustomize::ImageEntry,
    policy::{FoundPolicy, MarkedPart},
    values,
    yaml::{Documents, Node, Position, Spot, Value, cursor::Cursor},
};

/// What makes a comment one of Flux's markers.
const MARKER: &str = "$imagepolicy";

/// The comments of a file, as they are given to images.
pub(crate) struct Markers<'s> {
    text: &'s str,
    documents: &'s Documents,
    /// Whether a comment in it names a policy.
    is_any: bool,
    /// The comments that were understood, by their first byte.
    followed: HashSet<usize>,
    /// What stands before a marker and cannot be written by it.
    refused: Vec<(Position, String)>,
}

impl<'s> Markers<'s> {
    pub fn of(text: &'s str, documents: &'s Documents) -> Self {
        let is_policy = |text: &str| text.contains(MARKER) || text.trim_start().starts_with("heddle:");
        let is_any = documents.comments.iter().any(|comment| is_policy(&comment.text));
        Self { text, documents, is_any, followed: HashSet::new(), refused: Vec::new() }
    }

    /// Gives images their policies from comments, and adds those that only a marker names.
    pub fn mark(&mut self, root: &Cursor<'_>, object: &str, images: &mut Vec<ImageValue>) {
        let mut alone = Vec::new();
        let known = by_byte(images.iter().map(|image| &image.parts));
        for mark in self.marked(root, object) {
            match known.get(&mark.spot.span.start) {
                Some(index) => images[*index].policy = Some(mark.policy),
                None => alone.push(mark),
            }
        }
        images.extend(self.unshaped(alone));
    }

    /// Likewise for the entries of a kustomization; gives the images that only a marker names.
    pub fn mark_entries(&mut self, root: &Node, entries: &mut [ImageEntry]) -> Vec<ImageValue> {
        let mut alone = Vec::new();
        let mut known = by_byte(entries.iter().map(|entry| &entry.value.parts));
        // A marker behind the name by which an entry finds its images is the entry's.
        known.extend(entries.iter().enumerate().map(|(index, entry)| (entry.name_at, index)));
        for mark in self.marked(&Cursor::root(root), "Kustomization") {
            match known.get(&mark.spot.span.start) {
                Some(index) => Arc::make_mut(&mut entries[*index].value).policy = Some(mark.policy),
                None => alone.push(mark),
            }
        }
        self.unshaped(alone)
    }

    /// What is wrong with the markers that lead to nothing; `is_read` says of which bytes anything is read.
    pub fn unfollowed(self, path: &str, is_read: impl Fn(usize) -> bool) -> Vec<Finding> {
        let told = |position: Position, message: String| Finding {
            file: path.to_owned(),
            position,
            code: "unread-marker",
            message,
            blocks: true,
        };
        let is_left = |at: usize| !self.followed.contains(&at) && is_read(at);
        let comments = self.documents.comments.iter();
        let left = comments.filter(|comment| comment.text.contains(MARKER) && is_left(comment.at));
        let left = left.map(|comment| {
            let message = "this marker is followed by nobody: it must be `{\"$imagepolicy\": \"NAMESPACE:NAME\"}`, also with `:tag`, \
                           `:name` or `:digest`, and stand behind a text, not behind a list, a mapping or an alias";
            told(position_of(self.text, comment.at), message.to_owned())
        });
        left.chain(self.refused.iter().map(|(position, message)| told(*position, message.clone()))).collect()
    }

    /// The values with a comment behind them that names a policy.
    fn marked(&mut self, root: &Cursor<'_>, object: &str) -> Vec<Mark> {
        let mut found = Vec::new();
        if self.is_any && !root.is_by_alias() {
            self.walk(&Cursor::root(root.node), object, &mut found);
        }
        found
    }

    fn walk(&mut self, cursor: &Cursor<'_>, object: &str, found: &mut Vec<Mark>) {
        // Below an alias nothing is written here.
        if cursor.is_by_alias() {
            return;
        }
        match &cursor.node.value {
            Value::Mapping(_) => cursor.entries().for_each(|(_, value)| self.walk(&value, object, found)),
            Value::Sequence(_) => cursor.items().for_each(|item| self.walk(&item, object, found)),
            Value::Scalar(..) => {
                let Some(comment) = self.documents.comment_behind(self.text, cursor.node) else { return };
                let Some((policy, part)) = FoundPolicy::of_comment(&comment.text) else { return };
                let Some(spot) = cursor.spot() else { return };
                self.followed.insert(comment.at);
                let (object, obstacle) = (object.to_owned(), cursor.obstacle);
                found.push(Mark { policy, part, spot, object, obstacle });
            }
            Value::Alias(_) | Value::Anchored(_) => {}
        }
    }

    /// Images that only markers name: a whole one; a name with the tag and digest of the same policy beside it; or a tag, a
    /// digest or both, whose name the policy knows. Where one mapping has several of a kind, keys that begin alike are one
    /// image.
    fn unshaped(&mut self, marks: Vec<Mark>) -> Vec<ImageValue> {
        let mut groups: Vec<Vec<Mark>> = Vec::new();
        let mut known: HashMap<(String, FoundPolicy), usize> = HashMap::new();
        for mark in marks {
            let next = groups.len();
            let group = match mark.part {
                MarkedPart::Whole => next,
                _ => *known.entry((mark.around().to_owned(), mark.policy.clone())).or_insert(next),
            };
            if group == next {
                groups.push(Vec::new());
            }
            groups[group].push(mark);
        }
        groups.into_iter().flat_map(of_group).filter_map(|group| self.unshaped_image(group)).collect()
    }

    fn unshaped_image(&mut self, marks: Vec<Mark>) -> Option<ImageValue> {
        let spot = |part: MarkedPart| marks.iter().find(|mark| mark.part == part).map(|mark| mark.spot.clone());
        let first = marks.first()?;
        let parts = Parts {
            name: spot(MarkedPart::Whole).or(spot(MarkedPart::Name)),
            tag: spot(MarkedPart::Tag),
            digest: spot(MarkedPart::Digest),
            ..Parts::default()
        };
        if parts.name.is_some() && parts.image().is_err() {
            self.refused.push((first.spot.position, first.refused()));
            return None;
        }
        // A name that stands alone says no build: its tag has a marker of its own elsewhere.
        if marks.iter().all(|mark| mark.part == MarkedPart::Name) {
            return None;
        }
        Some(ImageValue {
            object: first.object.clone(),
            container: None,
            obstacle: marks.iter().find_map(|mark| mark.obstacle),
            parts,
            is_kustomizable: false,
            is_of_own_kind: false,
            policy: Some(first.policy.clone()),
            vacant: None,
            chart: None,
        })
    }
}

/// Where a byte stands in a text.
fn position_of(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(line), column: number(column) }
}

/// Which of the images has a part that starts at a byte. Parts within a block of text have bytes of that text alone.
fn by_byte<'p>(images: impl DoubleEndedIterator<Item = &'p Parts> + ExactSizeIterator) -> HashMap<usize, usize> {
    let whole = images.enumerate().rev().filter(|(_, parts)| parts.within.is_none());
    whole.flat_map(|(index, parts)| parts.spots().map(move |spot| (spot.span.start, index))).collect()
}

/// A value with a policy behind it.
struct Mark {
    policy: FoundPolicy,
    part: MarkedPart,
    spot: Spot,
    object: String,
    obstacle: Option<&'static str>,
}

impl Mark {
    /// What is said where it stands behind a text that is no image.
    fn refused(&self) -> String {
        let stands = match self.spot.text.as_str() {
            "" => "nothing stands".to_owned(),
            text => format!("`{text}`, which is no image, stands"),
        };
        let who = match &self.policy {
            FoundPolicy::FluxMarker { namespace, name } => format!("the marker of `{namespace}:{name}`"),
            _ => "this comment".to_owned(),
        };
        format!("{stands} before {who}, so it is not updated: write the image that is meant, with a tag")
    }

    /// The mapping or list that the value stands in.
    fn around(&self) -> &str {
        self.spot.field.rsplit_once('.').map_or("", |(to, _)| to)
    }

    /// What tells the keys of one image from those of another beside it: `api` of `API_TAG` and `API_NAME`.
    fn stem(&self) -> String {
        let key = self.spot.field.rsplit('.').next().unwrap_or_default().trim_matches(['[', ']', '"']);
        let key = values::plain(key);
        let parts = ["imagename", "imagetag", "imagedigest", "repository", "name", "image", "tag", "version", "digest"];
        parts.iter().find_map(|part| key.strip_suffix(part)).unwrap_or(&key).to_owned()
    }
}

/// The marks of one mapping and policy, those of each image for themselves.
fn of_group(marks: Vec<Mark>) -> Vec<Vec<Mark>> {
    let parts: HashSet<MarkedPart> = marks.iter().map(|mark| mark.part).collect();
    if parts.len() == marks.len() {
        return vec![marks];
    }
    let mut by_stem: BTreeMap<String, Vec<Mark>> = BTreeMap::new();
    for mark in marks {
        by_stem.entry(mark.stem()).or_default().push(mark);
    }
    // Two of a kind under keys that begin alike: each for itself.
    let split = |marks: Vec<Mark>| {
        let parts: HashSet<MarkedPart> = marks.iter().map(|mark| mark.part).collect();
        if parts.len() == marks.len() { vec![marks] } else { marks.into_iter().map(|mark| vec![mark]).collect() }
    };
    by_stem.into_values().flat_map(split).collect()
}

#[cfg(test)]
mod tests;
