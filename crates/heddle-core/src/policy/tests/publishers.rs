//! What follows on the tags of well-known publishers, and of people who tag as these do.

use super::*;

/// A line each: the policy, what runs, the tags from the oldest to the newest, what is chosen; `-` for nothing.
const CASES: &str = include_str!("publishers.txt");

fn policy(text: &str) -> TagPolicy {
    let mut policy = TagPolicy::default();
    for field in text.split(';') {
        let (name, value) = field.split_once('=').unwrap();
        let value = value.to_owned();
        match name {
            "semver" => policy.semver = Some(value),
            "match" => policy.matches = Some(value),
            "extract" => policy.extract = Some(value),
            "suffix" => policy.suffix = Some(value),
            "prerelease" => policy.prerelease = true,
            "downgrade" => policy.downgrade = true,
            "from_any" => policy.from_any = true,
            "within" if value == "patch" => policy.within = Some(Within::Patch),
            "within" => policy.within = Some(Within::Minor),
            order => policy = TagPolicy { matches: policy.matches, ..kind(&format!("{order} {value}")) },
        }
    }
    policy
}

#[test]
fn the_tags_of_well_known_publishers_move_as_their_users_expect() {
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [rule, runs, tags, expected] = columns[..] else { panic!("four columns: {line}") };
        let tags: Vec<_> = tags.split(' ').zip(1..).map(|(tag, day)| (tag, Some(day), day)).collect();
        let selection = on_day(&policy(rule), Some(runs), &seen(&tags), 200);
        let chosen = selection.decision.chosen.map_or("-".to_owned(), String::from);
        if chosen != expected {
            wrong.push(format!("{line}\n    chosen: {chosen}, {}", selection.decision.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
