//! What stands beside the values of a patch file: comments that name a policy, and anchors. A patch has both as every other
//! file does, but its values become images only where it is carried out.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{closure::Reader, live::Live};
use crate::{aliases, image::ImageValue, yaml::Documents};

/// Completes the images that a patch file set or brought, right after it was carried out.
pub(super) fn complete(reader: &mut Reader<'_>, file: &Arc<str>, documents: &Documents, live: &mut Vec<Live>) {
    let own: Vec<usize> = (0..live.len()).filter(|index| live[*index].file == *file).collect();
    let set = live.len();
    mark(reader, file, &own, live);
    release(file, documents, &mut live[..set]);
}

/// Gives images the policies of their comments, and adds those that only a comment names.
fn mark(reader: &mut Reader<'_>, file: &Arc<str>, own: &[usize], live: &mut Vec<Live>) {
    let is_marked = |value: &&Arc<ImageValue>| value.policy.is_some() && value.parts.within.is_none();
    let marked: Vec<&Arc<ImageValue>> = reader.images(file).iter().filter(is_marked).collect();
    if marked.is_empty() {
        return;
    }
    let mut known: HashMap<usize, Vec<usize>> = HashMap::new();
    // What stands within a text has its bytes counted from there.
    for index in own.iter().filter(|index| live[**index].value.parts.within.is_none()) {
        for spot in live[*index].value.parts.spots() {
            known.entry(spot.span.start).or_default().push(*index);
        }
    }
    for value in marked {
        let indices: HashSet<usize> =
            value.parts.spots().filter_map(|spot| known.get(&spot.span.start)).flatten().copied().collect();
        for index in &indices {
            let image = Arc::make_mut(&mut live[*index].value);
            image.policy = image.policy.take().or_else(|| value.policy.clone());
        }
        if indices.is_empty() {
            live.extend(Live::read(reader, file, value));
        }
    }
}

/// Lets the texts change that aliases take to several places of the same image. What keeps one object's image from being
/// changed stays with it.
fn release(file: &str, documents: &Documents, live: &mut [Live]) {
    let is_bound =
        |image: &&mut Live| *image.file == *file && image.value.parts.spots().any(|spot| spot.shared.is_some());
    let bound = live.iter_mut().filter(is_bound).map(|image| Arc::make_mut(&mut image.value));
    aliases::release(bound, &documents.roots);
}
