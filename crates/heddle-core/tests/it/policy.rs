//! Ranges and choices, as Masterminds/semver, Flux v2 and Kargo have them.

use heddle_core::{
    image::Tag,
    policy::{CompiledPolicy, Range, SelectInput, TagInfo, TagList, TagPolicy, TagVersion, VerdictKind, select},
};
use serde_json::Value;

use crate::conformance::{Outcome, run};

#[test]
fn ranges_agree_with_masterminds() {
    let zeros = "leading zeros are read, as Masterminds does by default: calendar versions have them";
    let empty = "an empty range is refused, as Flux refuses it: a forgotten value must not mean everything";
    let on_purpose = [
        ("semver-check-072", empty),
        ("semver-check-073", empty),
        ("semver-version-084", zeros),
        ("semver-version-085", zeros),
        ("semver-version-086", zeros),
    ];
    run("automator/semver-constraints-oracle.json", &on_purpose, |case| match case["kind"].as_str().unwrap() {
        "constraint_check" => check_constraint(case),
        "constraint_parse" => parse_constraint(case),
        "version_parse_loose" => parse_version(case),
        "version_compare" => compare(case),
        _ => Outcome::NotOurs,
    });
}

#[test]
fn semver_policies_agree_with_flux() {
    let parts = "two numbers are a version here, as at the other peers";
    let order = "equal versions are ordered by their text, whatever the order of the list";
    let on_purpose = [
        ("flux2-version-003", parts),
        ("flux2-version-004", parts),
        ("flux2-version-006", parts),
        ("flux2-version-007", parts),
        ("flux2-sort-001", order),
    ];
    run("automator/policy-flux2.json", &on_purpose, |case| {
        let semver = case["policy"]["type"] == "semver";
        match case["kind"].as_str().unwrap() {
            "select" if semver => choose(case),
            "validate_policy" if semver => validate(case),
            "sort_desc" if semver => sort(case),
            "version_parse_flux" => parse_version(case),
            _ => Outcome::NotOurs,
        }
    });
}

#[test]
fn allow_and_ignore_agree_with_kargo() {
    let strict = "two numbers are a version here; Kargo can be told that they are none";
    run("automator/policy-kargo.json", &[("kargo-semver-002", strict)], |case| match case["kind"].as_str().unwrap() {
        "candidate" if case["policy"]["type"] == "semver" => candidate(case),
        "sort_desc" => sort(case),
        _ => Outcome::NotOurs,
    });
}

fn judge<T: PartialEq + std::fmt::Debug>(actual: &T, expected: &T) -> Outcome {
    if actual == expected { Outcome::Agreed } else { Outcome::Wrong(format!("{actual:?}, not {expected:?}")) }
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|all| all.iter().map(|one| one.as_str().unwrap().to_owned()).collect()).unwrap_or_default()
}

fn check_constraint(case: &Value) -> Outcome {
    let version = TagVersion::parse(text(case, "version")).unwrap();
    let prereleases = case["options"]["include_prerelease"] == true;
    let matches = text(case, "constraint").parse::<Range>().is_ok_and(|range| range.contains(&version, prereleases));
    judge(&matches, &case["expect"]["matches"].as_bool().unwrap())
}

fn parse_constraint(case: &Value) -> Outcome {
    let expected = case["expect"]["or_groups"].as_u64().map(|groups| {
        (
            usize::try_from(groups).unwrap(),
            usize::try_from(case["expect"]["terms_in_first_group"].as_u64().unwrap()).unwrap(),
        )
    });
    let actual = text(case, "constraint").parse::<Range>().ok().map(|range| (range.shape().len(), range.shape()[0]));
    judge(&actual, &expected)
}

fn parse_version(case: &Value) -> Outcome {
    judge(&TagVersion::parse(text(case, "version")).is_some(), &case["expect"]["valid"].as_bool().unwrap())
}

fn compare(case: &Value) -> Outcome {
    let (a, b) = (TagVersion::parse(text(case, "a")).unwrap(), TagVersion::parse(text(case, "b")).unwrap());
    judge(&(a.cmp_precedence(&b) as i64), &case["expect"]["ordering"].as_i64().unwrap())
}

fn policy(case: &Value) -> TagPolicy {
    let filled = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    TagPolicy {
        semver: Some(case["policy"]["range"].as_str().unwrap_or("*").to_owned()),
        matches: filled(&case["filter"]["pattern"]),
        extract: filled(&case["filter"]["extract"]),
        ..TagPolicy::default()
    }
}

fn tag_list(tags: &[String]) -> TagList {
    let first_seen_at = chrono::DateTime::UNIX_EPOCH;
    let tags = tags.iter().filter_map(|text| text.parse::<Tag>().ok());
    TagList { tags: tags.map(|tag| TagInfo { tag, digest: None, first_seen_at }).collect(), complete: true }
}

fn chosen(policy: &TagPolicy, tags: &[String]) -> Option<String> {
    let input =
        SelectInput { policy, current: None, tags: &tag_list(tags), barred: &[], now: chrono::DateTime::UNIX_EPOCH };
    select(&input).chosen.map(String::from)
}

fn choose(case: &Value) -> Outcome {
    let expected = case["expect"]["tag"].as_str().map(str::to_owned);
    judge(&chosen(&policy(case), &texts(&case["tags"])), &expected)
}

fn validate(case: &Value) -> Outcome {
    judge(&CompiledPolicy::new(&policy(case)).is_ok(), &case["expect"]["valid"].as_bool().unwrap())
}

fn candidate(case: &Value) -> Outcome {
    let patterns = |key: &str| texts(&case[key]).iter().map(|text| format!("regexp:{text}")).collect();
    let policy = TagPolicy { allow: patterns("allow_regexes"), ignore: patterns("ignore_regexes"), ..policy(case) };
    let tag = text(case, "tag").to_owned();
    judge(&chosen(&policy, &[tag]).is_some(), &case["expect"]["matches"].as_bool().unwrap())
}

/// The order of qualifying tags is that of the verdicts; tags that a registry cannot list twice appear once.
fn sort(case: &Value) -> Outcome {
    let tags = tag_list(&texts(&case["tags"]));
    let policy = policy(case);
    let input =
        SelectInput { policy: &policy, current: None, tags: &tags, barred: &[], now: chrono::DateTime::UNIX_EPOCH };
    let verdicts = select(&input).verdicts;
    let above = |rule: &str, reason: &str| rule == "semver" && reason.ends_with("is above it");
    let ordered: Vec<String> = verdicts
        .into_iter()
        .filter(|v| v.verdict == VerdictKind::Chosen || above(&v.rule, &v.reason))
        .map(|v| v.tag.into())
        .collect();
    judge(&ordered, &texts(&case["expect"]["tags"]))
}
