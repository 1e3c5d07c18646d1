//! What stands beside the values of a patch file: comments that name a policy, and anchors. A patch has both as every other
//! file does, but its values become images only where it is carried out.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{closure::Reader, effective::Live};
use crate::{
    aliases,
    image::{ImageValue, Parts},
    yaml::Documents,
};

/// Completes the images that a patch file set or brought, right after it was carried out.
pub(super) fn complete(reader: &mut Reader<'_>, file: &Arc<str>, documents: &Documents, live: &mut Vec<Live>) {
    let own: Vec<usize> = (0..live.len()).filter(|index| live[*index].file == *file).collect();
    mark(reader, file, &own, live);
    release(documents, &own, live);
}

/// Gives images the policies of their comments, and adds those that only a comment names.
fn mark(reader: &mut Reader<'_>, file: &Arc<str>, own: &[usize], live: &mut Vec<Live>) {
    let is_marked = |value: &&Arc<ImageValue>| value.policy.is_some() && value.parts.within.is_none();
    let marked: Vec<&Arc<ImageValue>> = reader.images(file).iter().filter(is_marked).collect();
    if marked.is_empty() {
        return;
    }
    let mut known: HashMap<usize, Vec<usize>> = HashMap::new();
    for index in own {
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

/// Lets the texts change that aliases take to several places of the same image.
fn release(documents: &Documents, own: &[usize], live: &mut [Live]) {
    let is_bound = |value: &ImageValue| value.parts.spots().any(|spot| spot.shared.is_some());
    if !own.iter().any(|index| is_bound(&live[*index].value)) {
        return;
    }
    // A patch for several objects stands once for all of them.
    let id = |value: &ImageValue| (value.id().0, value.id().1.to_owned());
    let mut values: BTreeMap<(usize, String), ImageValue> = BTreeMap::new();
    for index in own {
        let value = &live[*index].value;
        values.entry(id(value)).or_insert_with(|| (**value).clone());
    }
    aliases::release(values.values_mut(), &documents.roots);
    for index in own {
        let value = Arc::make_mut(&mut live[*index].value);
        if let Some(released) = values.get(&id(value)) {
            let fixed_name = value.parts.fixed_name.take();
            value.parts = Parts { fixed_name, ..released.parts.clone() };
            value.obstacle = released.obstacle;
            value.policy = value.policy.take().or_else(|| released.policy.clone());
        }
    }
}
