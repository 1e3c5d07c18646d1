//! The keys of one marker that stand in several mappings or files: a tag here, its digest there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::live::Live;
use crate::policy::FoundPolicy;

const SEVERAL: &str = "the digest of its marker stands elsewhere beside several tags, so nothing says whose it is: write tag and digest in one mapping";

/// Completes the images of an environment whose tag and digest stand apart, by their marker and the file of its policy.
pub(super) fn complete(live: &mut [Live]) {
    let mut groups: HashMap<(FoundPolicy, Arc<str>, String), Vec<usize>> = HashMap::new();
    for (index, image) in live.iter().enumerate() {
        if let (true, Some(policy), Some(home)) =
            (image.value.parts.is_nameless(), &image.value.policy, &image.policy_file)
        {
            groups.entry((policy.clone(), Arc::clone(home), image.name.clone())).or_default().push(index);
        }
    }
    for ((policy, home, _), members) in groups.into_iter().filter(|(_, members)| members.len() > 1) {
        let FoundPolicy::FluxMarker { namespace, name } = policy else { continue };
        let bond: Arc<str> = format!("{namespace}:{name} {home}").into();
        let texts = |part: fn(&Live) -> Option<&str>| -> BTreeSet<String> {
            members.iter().filter_map(|index| part(&live[*index])).map(str::to_owned).collect()
        };
        let (tags, digests) = (texts(tag), texts(digest));
        let is_split = !digests.is_empty() && members.iter().any(|index| digest(&live[*index]).is_none());
        let one = |set: &BTreeSet<String>| (set.len() == 1).then(|| set.iter().next().cloned()).flatten();
        let both = one(&tags).zip(one(&digests));
        for index in members {
            let image = &mut live[index];
            image.bond = Some((Arc::clone(&bond), is_split));
            if !is_split {
                continue;
            }
            let value = Arc::make_mut(&mut image.value);
            match &both {
                Some((tag, digest)) => {
                    value.parts.tag_beside = value.parts.tag.is_none().then(|| tag.clone());
                    value.parts.digest_beside = value.parts.digest.is_none().then(|| digest.clone());
                }
                None => value.obstacle = value.obstacle.or(Some(SEVERAL)),
            }
            image.build = image.value.parts.name_and_build().1;
        }
    }
}

fn tag(image: &Live) -> Option<&str> {
    image.value.parts.tag.as_ref().map(|spot| spot.text.as_str()).filter(|text| !text.is_empty())
}

fn digest(image: &Live) -> Option<&str> {
    image.value.parts.digest.as_ref().map(|spot| spot.text.as_str()).filter(|text| !text.is_empty())
}
