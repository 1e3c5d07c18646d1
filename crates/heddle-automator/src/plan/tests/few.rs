//! A plan from the tags on which choices depend is the plan from whole lists.

use std::collections::BTreeSet;

use heddle_core::policy::{Companion, CompiledPolicy, Situation, Standing, TagPolicy};

use super::*;

/// The lists without what no choice depends on, and the images for which every choice stays with what stands.
pub fn few(input: &PlanInput<'_>) -> (Vec<ImageTags>, HashSet<ImageRepository>) {
    let mut kept: Vec<(ImageRepository, Tag)> = Vec::new();
    let (mut settled, mut loose) = (HashSet::new(), HashSet::new());
    let lists: Vec<_> = input.images.iter().filter_map(|one| Some((&one.image, one.list.as_ref()?))).collect();
    let companions: Vec<_> = lists.iter().map(|(image, tags)| Companion { image, tags }).collect();
    for branch in input.branches {
        for occurrence in &branch.found.occurrences {
            let image = &occurrence.image.repository;
            let Some((_, list)) = lists.iter().find(|(known, list)| *known == image && list.complete) else {
                loose.insert(image.clone());
                continue;
            };
            for environment in &occurrence.environments {
                let policy = input.config.ruling(occurrence, environment).and_then(|rule| rule.policy.as_ref());
                let Some(policy) = policy else { continue };
                let digest = occurrence.image.digest.as_ref();
                let policy = TagPolicy { pin_digest: policy.writes_digest(digest), ..policy.clone() };
                let Ok(policy) = CompiledPolicy::new(&policy) else { continue };
                let found = policy.candidates(&Situation {
                    current: Some(Standing::new(occurrence.image.tag.as_ref(), digest)),
                    tags: list,
                    barred: &[],
                    companions: &companions,
                    now: input.taken_at,
                });
                let follows = input.config.promotion_of(environment).is_some();
                if found.settled && !follows { &mut settled } else { &mut loose }.insert(image.clone());
                let names: BTreeSet<Tag> = found.tags.tags.into_iter().map(|info| info.tag).collect();
                for image in policy.lockstep().iter().chain([image]) {
                    kept.extend(names.iter().map(|tag| (image.clone(), tag.clone())));
                }
            }
        }
    }
    kept.extend(input.barred.iter().map(|one| (one.image.clone(), one.tag.clone())));
    kept.extend(input.proven.iter().map(|one| (one.image.clone(), one.tag.clone())));
    for change in input.open.iter().flat_map(|open| &open.proposal.changes) {
        loose.insert(change.image.clone());
        kept.push((change.image.clone(), change.to.clone()));
    }
    let few = |one: &ImageTags| {
        let list = one.list.as_ref()?;
        let stays = |info: &&TagInfo| kept.contains(&(one.image.clone(), info.tag.clone()));
        let (tags, dropped) = (list.tags.iter().filter(stays).cloned().collect(), list.dropped.clone());
        Some(TagList { tags, dropped, ..list.clone() })
    };
    let images = input.images.iter().map(|one| ImageTags { image: one.image.clone(), list: few(one) }).collect();
    settled.retain(|image| !loose.contains(image));
    (images, settled)
}

/// Plans from whole lists and from few tags; both must say the same.
pub fn plan_both_ways(input: &PlanInput<'_>) -> Plan {
    let (images, settled) = few(input);
    let by_few = plan(&PlanInput { images: &images, settled: &settled, ..*input });
    let by_all = plan(input);
    assert_eq!(format!("{by_few:#?}"), format!("{by_all:#?}"), "{images:#?} {settled:?}");
    by_all
}

#[test]
fn an_image_for_which_no_rule_chooses_another_tag_is_left_as_it_stands() {
    let world = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.0"]);
    world.check("");
}
