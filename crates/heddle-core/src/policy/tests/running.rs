//! What may follow on what runs: only what is above it and written as it is.

use super::*;

fn named(name: &str) -> TagPolicy {
    if name.starts_with("semver") { semver(name.trim_start_matches("semver ")) } else { kind(name) }
}

/// What follows on a running tag under `semver: "*"`, whatever the order of the list.
#[track_caller]
fn follows(current: &str, tags: &[&str], expected: Option<&str>) {
    check(&semver("*"), Some(current), tags, expected);
}

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

/// Tags with the digit of their digest; a dot where nobody knows it.
fn imaged(tags: &[(&str, char)]) -> TagList {
    let info = |(text, digit): &(&str, char)| TagInfo {
        digest: (*digit != '.').then(|| digest(*digit)),
        ..TagInfo::named(tag(text), DateTime::UNIX_EPOCH)
    };
    TagList::whole(tags.iter().map(info).collect())
}

fn standing(policy: &TagPolicy, current: Standing<'_>, tags: &TagList) -> Decision {
    let now = DateTime::UNIX_EPOCH;
    let situation = Situation { current: Some(current), tags, barred: &[], companions: &[], now };
    CompiledPolicy::new(policy).unwrap().decide(&situation)
}

#[track_caller]
fn check_image(policy: &TagPolicy, current: Option<&str>, tags: &[(&str, char)], expected: Option<&str>) {
    let current = current.map(tag);
    let decision = standing(policy, Standing::new(current.as_ref(), None), &imaged(tags));
    assert_eq!(decision.chosen.as_ref().map(Tag::as_str), expected, "{decision:?}");
}

#[test]
fn the_images_of_well_known_publishers_move_on_in_their_own_shape() {
    // Bitnami, Red Hat, linuxserver, NVIDIA, OpenJDK, Temurin, Chainguard, Collabora, k3s, RKE2, EKS.
    follows("2.1.0-debian-11-r3", &["2.1.0-debian-11-r12", "2.1.0-debian-12-r1", "2.1.0"], Some("2.1.0-debian-11-r12"));
    follows("9.2-700", &["9.2-1031", "9.2", "9.2-1031.1699", "9.3"], Some("9.2-1031"));
    follows("9.2-700.1690000000", &["9.2-755.1697625012", "9.2-755"], Some("9.2-755.1697625012"));
    follows("3.0.9.1549-ls201", &["3.0.10.1567-ls203", "3.0.10.1567", "4.0"], Some("3.0.10.1567-ls203"));
    follows("22.12-py3", &["23.05-py3", "23.06-tf2-py3", "23.07"], Some("23.05-py3"));
    follows(
        "11.8.0-base-ubuntu22.04",
        &["12.2.0-base-ubuntu22.04", "12.3.0-base-ubuntu20.04"],
        Some("12.2.0-base-ubuntu22.04"),
    );
    follows("17.0.1-jdk-slim", &["17.0.10-jdk-slim", "21.0.1-jdk", "18-jdk-slim"], Some("17.0.10-jdk-slim"));
    follows("8u342-jdk", &["8u372-jdk", "17.0.2-jdk", "8-jdk"], Some("8u372-jdk"));
    follows("8u342-jdk", &["8.372-jdk"], None);
    follows("8u342-b07-jre", &["8u342-b10-jre", "8u342-b12-jdk"], Some("8u342-b10-jre"));
    follows(
        "17.0.8_7-jre-jammy",
        &["17.0.8.1_1-jre-jammy", "17.0.9_9-jre-jammy", "17.0.9_9-jre"],
        Some("17.0.9_9-jre-jammy"),
    );
    follows("1.21.3-r0-dev", &["1.21.3-r2-dev", "1.22.0-r0"], Some("1.21.3-r2-dev"));
    follows("1.21.3-dev", &["1.21.4-dev", "1.22.0"], Some("1.21.4-dev"));
    follows("23.05.4.2.1", &["23.05.5.4.1", "24.04", "23.05.6.1"], Some("23.05.5.4.1"));
    follows("v1.27.9-k3s1", &["v1.27.9-k3s2", "v1.28.5-rc1-k3s1", "v1.28.5"], Some("v1.27.9-k3s2"));
    follows("v1.27.9-rke2r1", &["v1.28.5-rke2r1", "v1.28.5-k3s1"], Some("v1.28.5-rke2r1"));
    follows("v1.28.1-eksbuild.1", &["v1.28.1-eksbuild.10", "v1.28.1-minimal-eksbuild.11"], Some("v1.28.1-eksbuild.10"));
}

#[test]
fn what_the_rule_cannot_place_is_followed_by_nothing() {
    for (policy, current, tags) in [
        ("semver *", "release-v7.2.0", &["v6.0.0", "v8.0.0", "release-v7.3.0"][..]),
        ("semver *", "latest", &["1.2.0", "1.3.0", "latest", "20240101"]),
        ("semver *", "4b825dc", &["1.2.0", "9f86d08"]),
        ("semver *", "9.9.9.9.9.9.9.9", &["1.2.0"]),
        ("numerical asc", "stable", &["1", "2"]),
        ("alphabetical asc", "focal", &["jammy", "noble", "v2"]),
        ("newest first-seen", "main", &["main-1", "main-2"]),
    ] {
        let policy = named(policy);
        let selection = choose(&policy, Some(current), &list(tags), &[]);
        assert_eq!(selection.decision.chosen, None, "{current}: {selection:#?}");
        assert!(!selection.decision.is_placed);
        for way in [current, "`match`", "`extract`", "`suffix`", "another policy", "`from_any: true`", "by hand"] {
            assert!(selection.decision.reason.contains(way), "{way}: {}", selection.decision.reason);
        }
        assert!(selection.verdicts.iter().any(|verdict| verdict.rule == "current"), "{selection:#?}");
        let lifted = TagPolicy { downgrade: true, ..policy };
        assert_eq!(choose(&lifted, Some(current), &list(tags), &[]).decision.chosen, None, "it lifts nothing here");
    }
}

#[test]
fn from_any_chooses_the_best_where_nothing_runs_that_can_be_placed() {
    let any = |policy: &str| TagPolicy { from_any: true, ..named(policy) };
    let tags = ["1.2.0", "1.3.0", "latest", "20240101", "917005", "3f2a9bc"];
    check(&any("semver >=1.2"), Some("latest"), &tags, Some("1.3.0"));
    check(&any("numerical asc"), Some("main"), &["7", "12e4567", "9"], Some("9"));
    // It never lifts what is known of one that can be placed.
    check(&any("semver *"), Some("1.3.1"), &["1.3.0", "1.2.0", "2.0.0-alpine"], None);
}

#[test]
fn within_counts_from_versions_of_any_count_of_numbers() {
    let within = |within| TagPolicy { within: Some(within), ..semver("*") };
    let tags = ["4.1.0.77", "4.1.9.80", "4.2.0.90", "5.0.0.1", "6.0.0"];
    check(&within(Within::Patch), Some("4.1.0.77"), &tags, Some("4.1.9.80"));
    check(&within(Within::Minor), Some("4.1.0.77"), &tags, Some("4.2.0.90"));
    check(&within(Within::Major), Some("4.1.0.77"), &tags, Some("5.0.0.1"));
}

#[test]
fn another_scheme_of_numbers_is_never_taken_for_the_next() {
    follows("0.9.3", &["0.9.4", "2022.3.1", "1970.1.1"], Some("0.9.4"));
    follows("2022.3.1", &["2023.1.0", "0.9.4"], Some("2023.1.0"));
    follows("3", &["4", "20240923"], Some("4"));
    follows("3", &["20240923"], None);
    follows("9", &["10", "100"], Some("10"));
    follows("999.1", &["1000.2"], Some("1000.2"));
    check(&kind("numerical asc"), Some("41"), &["42", "101", "4100", "1700000000"], Some("101"));
    check(&kind("numerical asc"), Some("41"), &["4100"], None);
    check(&kind("numerical desc"), Some("4100"), &["41", "4099"], Some("4099"));
    check(&kind("numerical asc"), Some("1.25"), &["1.5", "2.1", "20240101"], Some("2.1"));
    check(&kind("numerical asc"), Some("1.25"), &["1.5"], None);
    check(&kind("alphabetical asc"), Some("build-9"), &["build-99", "build-9999", "other-99"], Some("build-99"));
    // Where nothing runs a lone number is no version, and one with a `v` is.
    check(&semver("*"), None, &["20240101", "1.2.0"], Some("1.2.0"));
    check(&semver("*"), None, &["v3", "v2"], Some("v3"));
}

#[test]
fn match_says_that_a_lone_number_is_meant() {
    let counted = |matches: &str| TagPolicy { matches: Some(matches.into()), ..kind("numerical asc") };
    check(&counted("^[0-9]+$"), Some("41"), &["4100", "main"], Some("4100"));
    // It would take a version too, so it does not say which is meant.
    check(&counted("^[0-9.]+$"), Some("41"), &["4100"], None);
    let dated = TagPolicy { matches: Some("^[0-9]{8}$".into()), from_any: true, ..semver("*") };
    check(&dated, Some("latest"), &["20240101", "20231231", "1.2.0"], Some("20240101"));
    let extracted = TagPolicy { extract: Some("$at".into()), ..counted("^main-[a-f0-9]+-(?P<at>[0-9]+)$") };
    check(
        &extracted,
        Some("main-4b825dc-9"),
        &["main-9f86d08-1700000000", "dev-9f86d08-1"],
        Some("main-9f86d08-1700000000"),
    );
}

#[test]
fn more_numbers_follow_only_where_nothing_else_does_and_nothing_moves() {
    follows("v2.0", &["v2.0.1", "v2.1"], Some("v2.1"));
    follows("v2.0", &["v2.0", "v2.0.1", "v2.0.2"], Some("v2.0.2"));
    // What the rule keeps out leads nowhere.
    let all = &["v2.0", "v2.0.1", "v2.1", "v2.2-rc.1"];
    check(&semver("<2.1"), Some("v2.0"), all, Some("v2.0.1"));
    check(&semver("~2.0"), Some("v2.0"), all, Some("v2.0.1"));
    let but = |policy: TagPolicy| check(&policy, Some("v2.0"), all, Some("v2.0.1"));
    but(TagPolicy { within: Some(Within::Patch), ..semver("*") });
    but(TagPolicy { ignore: vec!["v2.1".into()], ..semver("*") });
    but(TagPolicy { allow: vec!["v2.0*".into()], ..semver("*") });
    // What people took back was let in by the rule all the same.
    let taken_back = choose(&semver("*"), Some("v2.0"), &list(&["v2.0", "v2.1", "v2.1.1"]), &["v2.1"]);
    assert_eq!(taken_back.decision.chosen, Some(tag("v2.0")));
    let tags = [("v2.0", 'a'), ("v2.0.1", 'a'), ("v2.0.2", '.')];
    check_image(&semver("*"), Some("v2.0"), &tags, Some("v2.0"));
    check_image(&semver("*"), Some("v2.0"), &[("v2.0", 'b'), ("v2.0.1", 'a'), ("v2.0.2", 'c')], Some("v2.0.2"));
    let moves = choose(&semver("*"), Some("v2.0"), &imaged(&tags), &[]);
    let verdict = moves.verdicts.iter().find(|verdict| verdict.tag.as_str() == "v2.0.2").unwrap();
    let reason = "it has more numbers than `v2.0`, which runs now, which moves to each newer one by itself";
    assert_eq!((&*verdict.rule, &*verdict.reason), ("precision", reason));
    // Whoever reads the digits from the left takes the second for lower.
    follows("2.0-debian-9", &["2.0.1-debian-9"], None);
}

#[test]
fn another_number_in_the_variant_is_let_in_by_a_glob_and_the_reason_says_which() {
    let tags = ["3.2.1-debian-11-r4", "3.3.0-debian-12-r1", "3.2.9-debian-12-r9", "3.4.0-alpine-r1"];
    let selection = choose(&semver("*"), Some("3.2.1-debian-11-r4"), &list(&tags), &[]);
    assert_eq!(selection.decision.chosen, Some(tag("3.2.1-debian-11-r4")));
    let way = "the newest of another such variant is `3.3.0-debian-12-r1`, and `suffix: 'debian-*'` lets it in";
    assert!(selection.decision.reason.ends_with(way), "{}", selection.decision.reason);
    let verdict = selection.verdicts.iter().find(|verdict| verdict.tag.as_str() == "3.2.9-debian-12-r9").unwrap();
    assert!(verdict.reason.ends_with(way) && verdict.rule == "suffix", "{verdict:?}");
    // Where the numbers before the variant stay, those in it say which is the newest.
    let tags_of_units =
        ["2022-CU9-ubuntu-22.04", "2022-CU10-ubuntu-22.04", "2022-CU12-ubuntu-22.04", "2022-CU11-ubuntu-22.04"];
    let selection = choose(&semver("*"), Some("2022-CU10-ubuntu-22.04"), &list(&tags_of_units), &[]);
    assert_eq!(selection.decision.chosen, Some(tag("2022-CU10-ubuntu-22.04")));
    let units =
        "the newest of another such variant is `2022-CU12-ubuntu-22.04`, and `suffix: 'CU*-ubuntu-*'` lets it in";
    assert!(selection.decision.reason.ends_with(units), "{}", selection.decision.reason);
    let newest = choose(&semver("*"), Some("2022-CU12-ubuntu-22.04"), &list(&tags_of_units), &[]);
    assert!(!newest.decision.reason.contains("another such variant"), "{}", newest.decision.reason);
    let glob = TagPolicy { suffix: Some("debian-*".into()), ..semver("*") };
    check(&glob, Some("3.2.1-debian-11-r4"), &tags, Some("3.3.0-debian-12-r1"));
    check(&glob, Some("3.2.1-debian-9-r4"), &["3.2.1-debian-10-r1", "3.2.1-debian-9-r5"], Some("3.2.1-debian-10-r1"));
    check(&glob, Some("3.2.1-debian-12-r4"), &["3.2.1-debian-11-r9"], None);
    let alpine = TagPolicy { suffix: Some("alpine*".into()), ..semver("*") };
    check(&alpine, Some("1.2.3-alpine3.9"), &["1.2.3-alpine3.18", "1.2.3-alpine"], Some("1.2.3-alpine3.18"));
}

#[test]
fn a_prerelease_counts_number_by_number_and_ids_of_commits_order_nothing() {
    let all = TagPolicy { prerelease: true, ..semver("*") };
    check(&all, Some("2.0.0-rc9"), &["2.0.0-rc10", "2.0.0-rc8"], Some("2.0.0-rc10"));
    check(&all, Some("21-ea-9-jdk"), &["21-ea-10-jdk", "21-ea-11"], Some("21-ea-10-jdk"));
    check(&all, Some("1.2.3-4b825dc"), &["1.2.3-9f86d08"], None);
    check(&all, Some("1.2.3-4b825dc"), &["1.2.4-1f86d08"], Some("1.2.4-1f86d08"));
    follows("2.0.0-rc.1", &["2.0.0", "2.0.0-rc.2"], Some("2.0.0"));
}

#[test]
fn in_orders_of_text_and_time_the_shape_is_kept_too() {
    let newest = kind("newest first-seen");
    let on = |tags: &[(&str, i64)]| seen(&tags.iter().map(|(tag, day)| (*tag, None, *day)).collect::<Vec<_>>());
    let chosen = |current: &str, tags: &[(&str, i64)]| {
        on_day(&newest, Some(current), &on(tags), 99).decision.chosen.map(String::from)
    };
    let tags = [("main-4b825dc", 1), ("main-9f86d08", 2), ("dev-1f86d08", 3), ("latest", 4), ("1.2.3", 5)];
    assert_eq!(chosen("main-4b825dc", &tags).as_deref(), Some("main-9f86d08"));
    // An id of a commit may happen to have no letter.
    assert_eq!(chosen("main-4b825dc", &[("main-4b825dc", 1), ("main-1234567", 2)]).as_deref(), Some("main-1234567"));
    assert_eq!(chosen("main-1234567", &[("main-1234567", 1), ("main-4b825dc", 2)]).as_deref(), Some("main-4b825dc"));
    let stamps = ["RELEASE.2024-01-18T22-51-28Z", "RELEASE.2024-02-04T22-36-13Z", "RELEASE.2024-03-01T00-00-00Z.fips"];
    check(&kind("alphabetical asc"), Some(stamps[0]), &stamps, Some(stamps[1]));
}

#[test]
fn a_tag_that_floats_is_placed_by_its_image() {
    let all = semver("*");
    let tags = [("latest", 'a'), ("1.3.0", 'a'), ("1.3", 'a'), ("1", 'a'), ("1.2.0", 'c')];
    check_image(&all, Some("latest"), &tags, Some("1.3.0"));
    check_image(&all, None, &tags, Some("1.3.0"));
    let newer: Vec<_> = tags.into_iter().chain([("1.4.0", '.'), ("1.5.0-alpine", '.'), ("2", '.')]).collect();
    check_image(&all, Some("latest"), &newer, Some("1.4.0"));
    // The greatest that is known to be its image may be out of range, and then nothing below it follows.
    check_image(&semver("<1.3"), Some("latest"), &tags, None);
    check_image(&all, Some("latest"), &[("latest", 'a'), ("1.2.0", 'c'), ("1.3.0", '.')], None);
    check_image(&kind("numerical asc"), Some("stable"), &[("stable", 'a'), ("41", 'a'), ("42", '.')], Some("42"));
    let newest = TagPolicy { matches: Some("^main".into()), ..kind("newest first-seen") };
    // What `match` says is meant is ordered, although it is a word.
    check_image(&newest, Some("main"), &[("main", 'a'), ("main-4b825dc", 'a')], Some("main"));
    let any = TagPolicy { matches: Some("main|latest".into()), ..newest };
    check_image(&any, Some("main"), &[("main", 'a'), ("main-4b825dc", 'a')], Some("main-4b825dc"));
}

#[test]
fn a_digest_at_the_place_says_which_image_a_floating_tag_is() {
    let tags = imaged(&[("latest", 'b'), ("1.2.0", 'a'), ("1.3.0", 'b')]);
    let (latest, fixed, old) = (tag("latest"), tag("1.2.0"), digest('a'));
    let older = TagPolicy { ignore: vec!["1.3.0".into()], ..semver("*") };
    let alone = standing(&older, Standing::new(None, Some(&old)), &tags);
    assert_eq!(alone.chosen, Some(fixed.clone()));
    assert_eq!(standing(&older, Standing::new(Some(&latest), Some(&old)), &tags).chosen, Some(fixed.clone()));
    assert_eq!(standing(&older, Standing::new(Some(&latest), None), &tags).chosen, None, "1.3.0 runs");
    // Beside a tag that can be ordered the digest says nothing.
    let pinned = standing(&semver("*"), Standing::new(Some(&fixed), Some(&digest('b'))), &tags);
    assert_eq!(pinned.chosen, Some(tag("1.3.0")));
}

#[test]
fn what_is_known_of_a_tag_that_the_registry_dropped_still_places_it() {
    let newest = kind("newest created");
    let mut tags = seen(&[("main-2", Some(2), 2), ("main-4", Some(4), 4)]);
    assert_eq!(on_day(&newest, Some("main-3"), &tags, 9).decision.chosen, None);
    let gone = TagInfo { created_at: Some(day(3)), ..TagInfo::named(tag("main-3"), day(3)) };
    tags.dropped = vec![gone];
    assert_eq!(on_day(&newest, Some("main-3"), &tags, 9).decision.chosen, Some(tag("main-4")));
    tags.dropped[0].created_at = Some(day(5));
    assert_eq!(on_day(&newest, Some("main-3"), &tags, 9).decision.chosen, None, "both are older");
    assert_eq!(on_day(&newest, Some("main-3"), &tags, 9).verdicts.len(), 2, "what is not listed is no candidate");
}

#[test]
fn a_followed_digest_orders_nothing() {
    let follow = kind("latest");
    check(&follow, Some("latest"), &["latest", "1.0.0"], Some("latest"));
    check(&follow, Some("release-v7.2.0"), &["latest", "1.0.0"], Some("latest"));
}

#[test]
fn a_named_tag_needs_no_place_and_waits_where_it_is_known_to_be_below() {
    let policy = CompiledPolicy::new(&semver("*")).unwrap();
    let named = |current: &str, tags: &[&str]| {
        let (current, tags, now) = (tag(current), list(tags), DateTime::UNIX_EPOCH);
        let current = Some(Standing::new(Some(&current), None));
        policy.decide_named(&Situation { current, tags: &tags, barred: &[], companions: &[], now })
    };
    assert_eq!(named("latest", &["1.4.3-alpine"]).chosen, Some(tag("1.4.3-alpine")));
    assert_eq!(named("1.4.2", &["1.4.3"]).chosen, Some(tag("1.4.3")));
    let below = named("1.5.0", &["1.4.3", "1.4.2"]);
    let waiting = below.waiting.unwrap();
    assert_eq!((below.chosen, waiting.tag, waiting.until), (None, tag("1.4.3"), None));
    assert_eq!(waiting.reason, "it is a lower version than `1.5.0`, which runs now");
}

#[test]
fn sentences_are_true_in_every_order() {
    for (policy, current, passed, reason) in [
        ("semver *", "1.4.0", "1.3.9", "it is a lower version than `1.4.0`, which runs now"),
        ("numerical asc", "42", "41", "it is a lesser number than `42`, which runs now"),
        ("numerical desc", "41", "42", "it is a greater number than `41`, which runs now"),
        ("alphabetical asc", "v2", "v1", "it comes before `v2`, which runs now"),
        ("alphabetical desc", "v1", "v2", "it comes after `v1`, which runs now"),
        ("newest first-seen", "v1", "v2", "it is not above `v1`, which runs now"),
    ] {
        let mut tags = list(&[passed]);
        tags.dropped = list(&[current]).tags;
        let selection = choose(&named(policy), Some(current), &tags, &[]);
        assert_eq!((&*selection.verdicts[0].rule, &*selection.verdicts[0].reason), ("downgrade", reason));
    }
    let created = seen(&[("v1", Some(1), 1), ("v2", Some(2), 2)]);
    let reason = on_day(&kind("newest created"), Some("v2"), &created, 9).verdicts.remove(1).reason;
    assert_eq!(&*reason, "it is older than `v2`, which runs now");
    let sees = on_day(&kind("newest first-seen"), Some("v2"), &created, 9).verdicts.remove(1).reason;
    assert_eq!(&*sees, "it was seen before `v2`, which runs now");
    let equal = choose(&semver("*"), None, &list(&["v1.3.0", "1.3.0"]), &[]).verdicts.remove(1).reason;
    assert_eq!(&*equal, "`v1.3.0` is its equal, and is preferred");
}

fn compared(policy: &TagPolicy, current: Option<&str>, tags: &TagList) -> Vec<String> {
    let current = current.map(tag);
    let current = Some(Standing::new(current.as_ref(), None));
    let now = DateTime::UNIX_EPOCH;
    let situation = Situation { current, tags, barred: &[], companions: &[], now };
    let policy = CompiledPolicy::new(policy).unwrap();
    assert!(policy.undescribed(&situation).is_empty() || policy.needs_descriptions(current));
    policy.undescribed(&situation).iter().map(Tag::to_string).collect()
}

#[test]
fn the_greatest_tags_are_compared_until_one_is_the_image_that_runs() {
    let all = semver("*");
    let known = imaged(&[("latest", 'a'), ("1.1.0", '.'), ("1.2.0", 'a'), ("1.3.0", '.'), ("20240101", '.')]);
    assert_eq!(compared(&all, Some("latest"), &known), ["1.3.0"]);
    assert_eq!(compared(&all, None, &known), ["1.3.0"]);
    assert_eq!(compared(&all, Some("1.1.0"), &known), [""; 0]);
    let unknown = imaged(&[("latest", '.'), ("1.1.0", '.'), ("1.2.0", 'c')]);
    assert_eq!(compared(&all, Some("latest"), &unknown), ["1.1.0", "latest"]);
    let names: Vec<String> = (0..50).map(|patch| format!("1.0.{patch}")).collect();
    let mut many: Vec<(&str, char)> = names.iter().map(|name| (name.as_str(), '.')).collect();
    many.push(("latest", 'a'));
    let asked = compared(&all, Some("latest"), &imaged(&many));
    assert_eq!(asked.len(), limit::MAX_COMPARED_TAGS);
    assert!(asked.iter().all(|tag| tag[4..].parse::<usize>().unwrap() >= 30), "{asked:?}");
    let policy = CompiledPolicy::new(&all).unwrap();
    let latest = tag("latest");
    assert_eq!(policy.moving(Some(Standing::new(Some(&latest), None))), Some("latest"));
    assert_eq!(policy.moving(Some(Standing::new(None, None))), Some("latest"));
    assert_eq!(policy.moving(Some(Standing::new(None, Some(&digest('a'))))), None);
}

#[test]
fn a_tag_with_few_numbers_is_compared_with_those_that_have_more() {
    let tags = imaged(&[("v2.0", '.'), ("v2.0.1", '.'), ("v2.0.2", '.'), ("v1.9.9", '.')]);
    assert_eq!(compared(&semver("*"), Some("v2.0"), &tags), ["v2.0", "v2.0.1", "v2.0.2"]);
    let above = imaged(&[("v2.0", '.'), ("v2.0.1", '.'), ("v2.1", '.')]);
    assert_eq!(compared(&semver("*"), Some("v2.0"), &above), [""; 0]);
}
