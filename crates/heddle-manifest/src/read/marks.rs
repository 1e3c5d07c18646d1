//! Values that a comment gives to a policy, and the images that such comments alone make known.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    image::{ImageValue, Parts},
    policy::{FoundPolicy, MarkedPart},
    values,
    yaml::Spot,
};

/// A value with a policy behind it.
pub(super) struct Mark {
    pub policy: FoundPolicy,
    pub part: MarkedPart,
    pub spot: Spot,
    pub object: String,
    pub obstacle: Option<&'static str>,
}

impl Mark {
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

/// Images that only markers name: a whole one; a name with the tag and digest of the same policy beside it; or a tag, a
/// digest or both, whose name the policy knows. Where one mapping has several of a kind, keys that begin alike are one
/// image.
pub(super) fn unshaped(marks: Vec<Mark>) -> Vec<ImageValue> {
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
    groups.into_iter().flat_map(of_group).filter_map(unshaped_image).collect()
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

fn unshaped_image(marks: Vec<Mark>) -> Option<ImageValue> {
    let spot = |part: MarkedPart| marks.iter().find(|mark| mark.part == part).map(|mark| mark.spot.clone());
    let first = marks.first()?;
    let parts = Parts {
        name: spot(MarkedPart::Whole).or(spot(MarkedPart::Name)),
        tag: spot(MarkedPart::Tag),
        digest: spot(MarkedPart::Digest),
        ..Parts::default()
    };
    if parts.name.is_some() && parts.image().is_err() {
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
        policy: Some(first.policy.clone()),
        vacant: None,
    })
}
