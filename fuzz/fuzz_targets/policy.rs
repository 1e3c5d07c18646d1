//! A choice is the same in any order of the tags, is one of them, and says something of each. The first line is the kind and
//! its range, the second a pattern, the others are tags; the first tag is the running one.
#![no_main]

use chrono::DateTime;
use heddle_core::{
    image::{ImageRef, Tag},
    policy::{CompiledPolicy, NewestBy, Situation, SortOrder, Standing, TagInfo, TagList, TagPolicy},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let (kind, pattern) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let _ = text.parse::<ImageRef>();
    let matches = (!pattern.is_empty()).then(|| pattern.to_owned());
    let base = TagPolicy { extract: matches.as_ref().map(|_| "$0".to_owned()), matches, ..TagPolicy::default() };
    let policy = match kind.split_at_checked(1).unwrap_or_default() {
        ("n", _) => TagPolicy { numerical: Some(SortOrder::Asc), ..base },
        ("a", _) => TagPolicy { alphabetical: Some(SortOrder::Desc), ..base },
        ("f", _) => TagPolicy { newest: Some(NewestBy::FirstSeen), ..base },
        ("d", tag) => TagPolicy { digest: Some(tag.to_owned()), ..base },
        (_, range) => TagPolicy { semver: Some(range.to_owned()), min_age: Some("1d".to_owned()), ..base },
    };
    let Ok(policy) = CompiledPolicy::new(&policy) else { return };
    let now = DateTime::UNIX_EPOCH;
    let mut tags: Vec<Tag> = lines.filter_map(|line| Tag::of_list(line).ok()).collect();
    let current = tags.first().cloned();
    tags.sort();
    tags.dedup();
    let choose = |tags: &[Tag]| {
        let list = TagList::whole(tags.iter().map(|tag| TagInfo::named(tag.clone(), now)).collect());
        let current = current.as_ref().map(|tag| Standing::new(Some(tag), None));
        let (barred, signatures, companions) = (&[], &[], &[]);
        let situation = Situation { current, tags: &list, barred, signatures, companions, now };
        let selection = policy.select(&situation);
        assert_eq!(policy.decide(&situation), selection.decision);
        selection
    };
    let forwards = choose(&tags);
    tags.reverse();
    let backwards = choose(&tags);
    assert_eq!(forwards, backwards);
    assert_eq!(forwards.verdicts.len(), tags.len());
    let (Some(chosen), Some(current)) = (forwards.decision.chosen, current) else { return };
    assert!(tags.contains(&chosen));
    let placed = forwards.decision.is_placed && policy.followed_tag().is_none() && !kind.starts_with('f');
    assert!(!placed || chosen == current || policy.is_above(&chosen, &current));
});
