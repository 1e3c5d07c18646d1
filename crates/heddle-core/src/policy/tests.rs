use super::*;

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn list(tags: &[&str]) -> TagList {
    let first_seen_at = DateTime::UNIX_EPOCH;
    let tags = tags.iter().map(|text| TagInfo { tag: tag(text), digest: None, first_seen_at }).collect();
    TagList { tags, complete: true }
}

fn semver(range: &str) -> TagPolicy {
    TagPolicy { semver: Some(range.into()), ..TagPolicy::default() }
}

fn choose(policy: &TagPolicy, current: Option<&str>, tags: &TagList, barred: &[&str]) -> Selection {
    let current = current.map(tag);
    let barred: Vec<Tag> = barred.iter().map(|text| tag(text)).collect();
    let barred: Vec<_> = barred.iter().map(|tag| BarredTag { tag, reason: "reverted in 4b825dc" }).collect();
    select(&SelectInput { policy, current: current.as_ref(), tags, barred: &barred, now: DateTime::UNIX_EPOCH })
}

fn check(policy: &TagPolicy, current: Option<&str>, tags: &[&str], expected: Option<&str>) {
    for turned in 0..tags.len().max(1) {
        let mut tags = tags.to_vec();
        tags.rotate_left(turned);
        let selection = choose(policy, current, &list(&tags), &[]);
        assert_eq!(selection.chosen.as_ref().map(Tag::as_str), expected, "{tags:?}: {selection:#?}");
        assert_eq!(selection.verdicts.len(), tags.len(), "each tag has its verdict");
    }
}

fn check_rule(policy: &TagPolicy, current: Option<&str>, passed: &str, rule: &str, reason: &str) {
    let selection = choose(policy, current, &list(&[passed]), &[]);
    assert_eq!(selection.chosen, None, "{selection:#?}");
    assert_eq!((selection.verdicts[0].rule.as_str(), selection.verdicts[0].reason.as_str()), (rule, reason));
}

#[test]
fn a_prerelease_needs_a_policy_that_allows_it() {
    check(&semver(">=1.0"), None, &["1.9.0", "1.10.0", "2.0.0-rc.1"], Some("1.10.0"));
    check(&semver(">=2.0.0-0"), None, &["1.10.0", "2.0.0-rc.1"], Some("2.0.0-rc.1"));
    let allowing = TagPolicy { prerelease: true, ..semver(">=1.0") };
    check(&allowing, None, &["1.10.0", "2.0.0-rc.1"], Some("2.0.0-rc.1"));
    check(&semver(">=1.0"), Some("1.9.0"), &["1.9.0", "2.0.0-rc.1"], Some("1.9.0"));
}

#[test]
fn nothing_older_than_the_current_tag_is_chosen() {
    check(&semver("<2"), Some("1.5.0"), &["1.4.0"], None);
    check(&semver("<2"), Some("1.5.0"), &["1.4.0", "1.5.1"], Some("1.5.1"));
    check(&TagPolicy { downgrade: true, ..semver("<2") }, Some("2.5.0"), &["1.4.0"], Some("1.4.0"));
}

#[test]
fn the_variant_of_the_running_tag_is_kept() {
    let tags = &["1.2.3-alpine", "1.2.4-alpine", "1.2.5", "1.2.5-debian", "1.3.0-rc.1-alpine"];
    check(&semver("1.x"), Some("1.2.3-alpine"), tags, Some("1.2.4-alpine"));
    check(&semver("1.x"), Some("1.2.3"), tags, Some("1.2.5"));
    check(&TagPolicy { suffix: Some("debian".into()), ..semver("1.x") }, Some("1.2.3"), tags, Some("1.2.5-debian"));
    check(
        &TagPolicy { prerelease: true, ..semver("1.x") },
        Some("1.2.3-alpine"),
        &["1.2.4-alpine", "1.3.0-rc.1-alpine"],
        Some("1.3.0-rc.1-alpine"),
    );
}

#[test]
fn equal_versions_are_told_apart_the_same_way_each_time() {
    check(&semver("*"), Some("1.2.3"), &["v1.3.0", "1.3.0", "1.3"], Some("1.3.0"));
    check(&semver("*"), Some("v1.2.3"), &["v1.3.0", "1.3.0"], Some("v1.3.0"));
    check(&semver("*"), Some("1.3.0"), &["v1.3.0", "1.3.0"], Some("1.3.0"));
    check(&semver("*"), None, &["v1.3.0", "1.3.0", "v1.3"], Some("v1.3.0"));
    check(&semver("*"), Some("v1.2.3"), &["1.3.0"], Some("1.3.0"));
}

#[test]
fn a_tag_that_moves_is_not_chosen_for_one_that_stands() {
    check(&semver("*"), Some("1.2.3"), &["2", "1.3", "1.2.4"], Some("1.2.4"));
    check(&semver("*"), Some("1.2"), &["1.3", "1.2.4"], Some("1.3"));
}

#[test]
fn match_and_extract_say_what_is_ordered() {
    let policy = TagPolicy {
        matches: Some(r"^release-(?P<version>\d+\.\d+\.\d+)$".into()),
        extract: Some("$version".into()),
        ..semver(">=1")
    };
    check(&policy, Some("release-1.0.0"), &["release-1.9.0", "release-1.10.0", "2.0.0"], Some("release-1.10.0"));
}

#[test]
fn within_bounds_the_step() {
    let tags = &["1.2.4", "1.3.0", "2.0.0"];
    let within = |within| TagPolicy { within: Some(within), ..semver("*") };
    check(&within(Within::Patch), Some("1.2.3"), tags, Some("1.2.4"));
    check(&within(Within::Minor), Some("1.2.3"), tags, Some("1.3.0"));
    check(&within(Within::Major), Some("1.2.3"), tags, Some("2.0.0"));
}

#[test]
fn nothing_is_chosen_from_an_incomplete_or_empty_list() {
    let half = TagList { complete: false, ..list(&["1.0.0", "1.1.0"]) };
    let selection = choose(&semver("*"), Some("1.0.0"), &half, &[]);
    assert_eq!(selection.chosen, None);
    assert!(selection.verdicts.iter().all(|verdict| verdict.rule == "incomplete"));
    let empty = choose(&semver("*"), Some("1.0.0"), &list(&[]), &[]);
    assert_eq!((empty.chosen, empty.verdicts.len()), (None, 0));
}

#[test]
fn what_was_taken_back_bars_everything_not_above_it() {
    let tags = list(&["1.4.0", "1.4.1", "1.4.2", "v1.4.2", "1.5.0-rc.1"]);
    let selection = choose(&semver(">=1"), Some("1.4.0"), &tags, &["1.4.2"]);
    assert_eq!(selection.chosen, Some(tag("1.4.0")));
    let barred: Vec<_> =
        selection.verdicts.iter().filter(|verdict| verdict.rule == "barred").map(|v| v.tag.as_str()).collect();
    assert_eq!(barred, ["v1.4.2", "1.4.2", "1.4.1"]);
    let newer = choose(&semver(">=1"), Some("1.4.0"), &list(&["1.4.0", "1.4.2", "1.4.3"]), &["1.4.2"]);
    assert_eq!(newer.chosen, Some(tag("1.4.3")));
}

#[test]
fn a_barred_tag_that_the_rule_cannot_order_bars_itself_alone() {
    let selection = choose(&semver("*"), None, &list(&["1.0.0"]), &["main"]);
    assert_eq!(selection.chosen, Some(tag("1.0.0")));
}

#[test]
fn every_tag_passed_over_says_why() {
    check_rule(&semver(">=2"), Some("1.0.0"), "1.4.0", "semver", "it is outside `>=2`");
    check_rule(&semver("*"), None, "latest", "semver", "it is no version");
    check_rule(&semver("*"), Some("1.4.0"), "1.3.0", "downgrade", "it is older than `1.4.0`, which runs now");
    check_rule(
        &semver("*"),
        Some("1.4.0"),
        "1.5.0-alpine",
        "suffix",
        "it has the variant `alpine`, and no variant is kept",
    );
    let ignoring = TagPolicy { ignore: vec!["regexp:^1\\.5".into()], ..semver("*") };
    check_rule(&ignoring, None, "1.5.0", "ignore", "`ignore` names it: `regexp:^1\\.5`");
    let allowing = TagPolicy { allow: vec!["glob:2.*".into()], ..semver("*") };
    check_rule(&allowing, None, "1.5.0", "allow", "no pattern of `allow` names it");
    check_rule(&semver("*"), None, "1.5.0.sig", "artifact", "it is a signature or an attestation, not an image");
}

#[test]
fn what_is_not_built_stops_the_rule() {
    let policy = TagPolicy { min_age: Some("2d".into()), ..semver("*") };
    check_rule(&policy, None, "1.0.0", "policy", "`min_age` is not built yet, so nothing is written by this rule");
    let policy = TagPolicy { alphabetical: Some(SortOrder::Asc), ..TagPolicy::default() };
    assert!(CompiledPolicy::new(&policy).unwrap_err()[0].not_built);
}

#[test]
fn all_faults_of_a_policy_are_named_at_once() {
    let policy =
        TagPolicy { matches: Some("(".into()), ignore: vec!["regexp:[".into(), "blob:x".into()], ..semver(">=1 <") };
    let fields: Vec<_> = CompiledPolicy::new(&policy).unwrap_err().iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["semver", "match", "ignore", "ignore"]);
    let policy = TagPolicy { matches: Some("(a)".into()), extract: Some("$version".into()), ..semver("*") };
    assert_eq!(CompiledPolicy::new(&policy).unwrap_err()[0].message, "`match` has no group `version`");
}

#[test]
fn numbers_beyond_64_bits_are_no_version() {
    assert_eq!(TagVersion::parse("18446744073709551616.0.0"), None);
    assert!(TagVersion::parse("18446744073709551615.0.0").is_some());
}
