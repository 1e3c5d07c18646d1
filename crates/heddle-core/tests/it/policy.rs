//! Ranges and choices, as Masterminds/semver, Flux 2, Flux 1 and Kargo have them.

use chrono::{DateTime, TimeDelta};
use heddle_core::{
    image::Tag,
    policy::{
        CompiledPolicy, FluxOrder, FluxPolicy, ForeignPolicy, KargoPolicy, Platform, Range, Selection, Situation,
        Standing, TagInfo, TagList, TagVersion, VerdictKind,
    },
};
use serde_json::Value;

use crate::conformance::{Outcome, judge, run, text, texts};

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
        "version_parse_loose" => validity(case, |version| version.is_some()),
        "version_parse_strict" => validity(case, |version| version.is_some_and(|it| it.is_strict() && !it.v_prefix)),
        "version_compare" => compare(case),
        _ => Outcome::NotOurs,
    });
}

#[test]
fn policies_agree_with_flux_2() {
    let sort = "equal versions are ordered by their text, whatever the order of the list, and a tag is listed once";
    run("automator/policy-flux2.json", &[("flux2-sort-001", sort)], |case| match case["kind"].as_str().unwrap() {
        "select" => choose(case),
        "validate_policy" => judge(&flux(case).is_ok(), &case["expect"]["valid"].as_bool().unwrap()),
        "sort_desc" => judge(&ordered(&flux(case).unwrap(), &texts(&case["tags"])), &texts(&case["expect"]["tags"])),
        "version_parse_flux" => {
            judge(&is_flux_version(text(case, "version")), &case["expect"]["valid"].as_bool().unwrap())
        }
        "filter" => filter(case),
        "exclude" => exclude(case),
        _ => Outcome::NotOurs,
    });
}

#[test]
fn policies_agree_with_flux_1() {
    run("automator/policy-flux1.json", &[], |case| match case["kind"].as_str().unwrap() {
        "pattern_match" => {
            let list = created(&[(text(case, "tag").to_owned(), Some(0))]);
            let selection = selected(&flux_1(text(case, "pattern")).unwrap(), None, list);
            // An image without a tag can match, and is never chosen.
            let matches =
                selection.verdicts.iter().any(|one| one.verdict == VerdictKind::Chosen || one.rule == "untagged");
            judge(&matches, &case["expect"]["matches"].as_bool().unwrap())
        }
        // Tags that are no versions do not qualify here; there they come last.
        "sort_desc" => {
            let expected: Vec<String> =
                texts(&case["expect"]["tags"]).into_iter().filter(|tag| TagVersion::parse(tag).is_some()).collect();
            judge(&ordered(&flux_1("semver:*").unwrap(), &texts(&case["tags"])), &expected)
        }
        "sort_newest" => sort_newest(case, &flux_1("glob:*").unwrap()),
        "automation" => automate(case),
        _ => Outcome::NotOurs,
    });
}

#[test]
fn policies_agree_with_kargo() {
    run("automator/policy-kargo.json", &[], |case| match case["kind"].as_str().unwrap() {
        "candidate" => {
            let chosen =
                selected(&kargo(case), None, created(&[(text(case, "tag").to_owned(), Some(0))])).decision.chosen;
            judge(&chosen.is_some(), &case["expect"]["matches"].as_bool().unwrap())
        }
        "sort_desc" => judge(&ordered(&kargo(case), &texts(&case["tags"])), &texts(&case["expect"]["tags"])),
        "filter" => {
            let mut tags = ordered(&kargo(case), &texts(&case["tags"]));
            tags.reverse();
            judge(&tags, &texts(&case["expect"]["tags"]))
        }
        "sort_newest" => {
            let newest = KargoPolicy { strategy: "NewestBuild".into(), ..KargoPolicy::default() };
            sort_newest(case, &ForeignPolicy::Kargo(newest).compile().unwrap())
        }
        "validate_platform" => {
            judge(&Platform::parse(text(case, "platform")).is_some(), &case["expect"]["valid"].as_bool().unwrap())
        }
        "platform_match" => {
            let offered = Platform::parse(&format!("{}/{}", text(case, "os"), text(case, "arch"))).unwrap();
            let admits = Platform::parse(text(case, "constraint")).unwrap().admits(&offered);
            judge(&admits, &case["expect"]["matches"].as_bool().unwrap())
        }
        _ => Outcome::NotOurs,
    });
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

fn validity(case: &Value, is_valid: impl Fn(Option<TagVersion>) -> bool) -> Outcome {
    judge(&is_valid(TagVersion::parse(text(case, "version"))), &case["expect"]["valid"].as_bool().unwrap())
}

fn compare(case: &Value) -> Outcome {
    let (a, b) = (TagVersion::parse(text(case, "a")).unwrap(), TagVersion::parse(text(case, "b")).unwrap());
    judge(&(a.cmp_precedence(&b) as i64), &case["expect"]["ordering"].as_i64().unwrap())
}

/// The case's policy and filter as an `ImagePolicy`.
fn flux(case: &Value) -> Result<CompiledPolicy, String> {
    let policy = &case["policy"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let order = match policy["type"].as_str() {
        Some("semver") => FluxOrder::Semver(word(&policy["range"])),
        Some("alphabetical") => FluxOrder::Alphabetical(word(&policy["order"])),
        Some("numerical") => FluxOrder::Numerical(word(&policy["order"])),
        _ => return Err("no kind".into()),
    };
    let filter = &case["filter"];
    compiled(FluxPolicy {
        order,
        pattern: word(&filter["pattern"]),
        extract: word(&filter["extract"]),
        reflects_digest: false,
        exclusions: Some(Vec::new()),
    })
}

fn compiled(policy: FluxPolicy) -> Result<CompiledPolicy, String> {
    ForeignPolicy::Flux(policy).compile().map_err(|faults| format!("{faults:?}"))
}

fn alphabetical() -> FluxPolicy {
    FluxPolicy {
        order: FluxOrder::Alphabetical(String::new()),
        pattern: String::new(),
        extract: String::new(),
        reflects_digest: false,
        exclusions: Some(Vec::new()),
    }
}

fn is_flux_version(text: &str) -> bool {
    let policy = FluxPolicy { order: FluxOrder::Semver(">=0-0".into()), ..alphabetical() };
    !ordered(&compiled(policy).unwrap(), &[text.to_owned()]).is_empty()
}

/// What the filter yields is not seen from outside: each value must come from a tag that is kept, and each tag give one.
fn filter(case: &Value) -> Outcome {
    let pattern = text(&case["filter"], "pattern").to_owned();
    let extract = text(&case["filter"], "extract").to_owned();
    let kept = ordered(&compiled(FluxPolicy { pattern, extract, ..alphabetical() }).unwrap(), &texts(&case["tags"]));
    let expected = texts(&case["expect"]["values_sorted"]);
    let found = |value: &&String| kept.iter().any(|tag| tag.contains(value.as_str()));
    let missing: Vec<_> = expected.iter().filter(|value| !found(value)).collect();
    let foreign: Vec<_> =
        kept.iter().filter(|tag| !expected.iter().any(|value| tag.contains(value.as_str()))).collect();
    judge(&(missing, foreign), &(Vec::new(), Vec::new()))
}

fn exclude(case: &Value) -> Outcome {
    let exclusions = case["exclude"].as_array().map(|_| texts(&case["exclude"]));
    let policy = compiled(FluxPolicy { exclusions, ..alphabetical() });
    let mut kept = policy.map(|policy| ordered(&policy, &texts(&case["tags"]))).ok();
    if let Some(kept) = &mut kept {
        kept.sort();
    }
    let expected = case["expect"]["tags"].as_array().map(|_| {
        let mut tags = texts(&case["expect"]["tags"]);
        // `0.2.-alpha` is a tag; what is no tag is never listed.
        tags.sort();
        tags
    });
    judge(&kept, &expected)
}

fn flux_1(pattern: &str) -> Result<CompiledPolicy, String> {
    ForeignPolicy::FluxV1(pattern.to_owned()).compile().map_err(|faults| format!("{faults:?}"))
}

fn kargo(case: &Value) -> CompiledPolicy {
    let any = case["policy"]["type"] != "semver";
    let policy = KargoPolicy {
        strategy: if any { "Lexical".into() } else { String::new() },
        allow_tags_regexes: texts(&case["allow_regexes"]),
        ignore_tags_regexes: texts(&case["ignore_regexes"]),
        strict_semvers: case["policy"]["strict"].as_bool(),
        ..KargoPolicy::default()
    };
    ForeignPolicy::Kargo(policy).compile().unwrap()
}

/// Tags with their creation in seconds, also those that no image can carry.
fn created(tags: &[(String, Option<i64>)]) -> TagList {
    let at = |seconds: &Option<i64>| seconds.map(|seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000 + seconds));
    let info = |(text, seconds): &(String, Option<i64>)| {
        let tag = Tag::of_list(text).ok()?;
        Some(TagInfo { created_at: at(seconds), ..TagInfo::named(tag, DateTime::UNIX_EPOCH) })
    };
    TagList::whole(tags.iter().filter_map(info).collect())
}

fn tags_with_created(case: &Value) -> Vec<(String, Option<i64>)> {
    let pairs = case["tags_with_created"].as_array().unwrap().iter();
    pairs.map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_i64())).collect()
}

fn selected(policy: &CompiledPolicy, current: Option<&Tag>, tags: TagList) -> Selection {
    let now = DateTime::UNIX_EPOCH;
    let current = current.map(|tag| Standing::new(Some(tag), None));
    policy.select(&Situation { current, tags: &tags, barred: &[], companions: &[], now })
}

fn plain(tags: &[String]) -> TagList {
    created(&tags.iter().map(|tag| (tag.clone(), None)).collect::<Vec<_>>())
}

fn choose(case: &Value) -> Outcome {
    let expected = case["expect"]["tag"].as_str().map(str::to_owned);
    let tags = texts(&case["tags"]);
    let chosen = flux(case).ok().and_then(|policy| selected(&policy, None, plain(&tags)).decision.chosen);
    judge(&chosen.map(String::from), &expected)
}

fn automate(case: &Value) -> Outcome {
    let current = text(case, "current").parse::<Tag>().unwrap();
    let list = created(&tags_with_created(case));
    let policy = flux_1(text(case, "pattern")).unwrap();
    let chosen = selected(&policy, Some(&current), list).decision.chosen.filter(|tag| *tag != current);
    judge(&chosen.map(String::from), &case["expect"]["tag"].as_str().map(str::to_owned))
}

/// The order of qualifying tags is that of the verdicts; tags that a registry cannot list twice appear once.
fn ordered(policy: &CompiledPolicy, tags: &[String]) -> Vec<String> {
    qualifying(selected(policy, None, plain(tags)))
}

fn qualifying(selection: Selection) -> Vec<String> {
    let verdicts = selection.verdicts.into_iter();
    let qualifies =
        |verdict: &VerdictKind, reason: &str| *verdict == VerdictKind::Chosen || reason.ends_with("is above it");
    verdicts.filter(|one| qualifies(&one.verdict, &one.reason)).map(|one| one.tag.into()).collect()
}

/// Tags without a time come last and are never chosen here.
fn sort_newest(case: &Value, policy: &CompiledPolicy) -> Outcome {
    let tags = tags_with_created(case);
    let timed = |tag: &String| tags.iter().any(|(name, at)| name == tag && at.is_some());
    let expected: Vec<String> = texts(&case["expect"]["tags"]).into_iter().filter(timed).collect();
    judge(&qualifying(selected(policy, None, created(&tags))), &expected)
}
