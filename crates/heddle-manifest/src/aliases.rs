//! Texts that aliases take to several places, where each of these is the same part of one image: `tag: &tag v1` here,
//! `tag: *tag` there. They change together.

use std::collections::HashMap;

use crate::{
    image::ImageValue,
    yaml::cursor::{SHARED, Shared},
};

/// Lets tags, digests and whole images change that aliases take to other places of the same image and to nothing else.
/// `images` are all of a file.
pub(crate) fn release(images: &mut [ImageValue]) {
    let mut places: HashMap<(usize, String), usize> = HashMap::new();
    for image in images.iter_mut().filter(|image| image.parts.within.is_none()) {
        let (name, _) = image.parts.name_and_build();
        for Shared { at, .. } in image.parts.build_spots_mut().filter_map(|spot| spot.shared) {
            *places.entry((at, name.clone())).or_default() += 1;
        }
    }
    if places.is_empty() {
        return;
    }
    for image in images.iter_mut().filter(|image| image.parts.within.is_none()) {
        let (name, _) = image.parts.name_and_build();
        let mut is_free = true;
        for spot in image.parts.build_spots_mut() {
            let known = spot.shared.as_ref().and_then(|shared| places.get(&(shared.at, name.clone())));
            match (&mut spot.shared, known) {
                (Some(shared), Some(known)) if *known == shared.uses + 1 => shared.is_free = true,
                _ => is_free &= spot.obstacle.is_none(),
            }
        }
        // The name is not written when a tag is.
        let others = image.parts.spots().filter(|spot| spot.shared.is_none_or(|shared| !shared.is_free));
        let is_plain = others.into_iter().all(|spot| spot.obstacle.is_none() || spot.shared.is_some());
        if is_free && is_plain && image.obstacle.is_some_and(|reason| SHARED.contains(&reason)) {
            image.obstacle = None;
        }
    }
}
