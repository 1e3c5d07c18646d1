use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    image::Tag,
    policy::{Selection, Situation, Standing, TagInfo, TagList},
};

fn tag(text: &str) -> Tag {
    Tag::of_list(text).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// Tags created a second after each other, in the order given, for `linux/amd64`.
fn list(tags: &[&str]) -> TagList {
    let info = |(text, seconds): (&&str, i64)| TagInfo {
        created_at: Some(at(seconds)),
        platforms: Some(vec!["linux/amd64".to_owned()]),
        ..TagInfo::named(tag(text), at(0))
    };
    TagList::whole(tags.iter().zip(0..).map(info).collect())
}

fn choose(policy: ForeignPolicy, current: Option<&str>, tags: &TagList) -> Selection {
    let current = current.map(tag);
    let current = current.as_ref().map(|tag| Standing::new(Some(tag), None));
    let situation = Situation { current, tags, barred: &[], companions: &[], now: at(0) };
    policy.compile().unwrap().select(&situation)
}

fn check(policy: ForeignPolicy, current: Option<&str>, tags: &[&str], expected: Option<&str>) {
    let mut list = list(tags);
    for _ in tags {
        list.tags.rotate_left(1);
        let selection = choose(policy.clone(), current, &list);
        assert_eq!(selection.decision.chosen.as_ref().map(Tag::as_str), expected, "{policy:?}: {selection:#?}");
    }
}

fn check_faults(policy: ForeignPolicy, fields: &[&str]) {
    let found: Vec<_> = policy.compile().unwrap_err().into_iter().map(|fault| fault.field).collect();
    assert_eq!(found, fields, "{policy:?}");
}

fn flux(order: FluxOrder, pattern: &str, extract: &str) -> ForeignPolicy {
    let (pattern, extract) = (pattern.to_owned(), extract.to_owned());
    ForeignPolicy::Flux(FluxPolicy { order, pattern, extract, reflects_digest: false, exclusions: None })
}

fn updater(strategy: &str, constraint: &str) -> ImageUpdaterPolicy {
    ImageUpdaterPolicy { strategy: strategy.into(), constraint: constraint.into(), ..ImageUpdaterPolicy::default() }
}

fn keel(policy: &str) -> ForeignPolicy {
    ForeignPolicy::Keel(KeelPolicy { policy: policy.into(), ..KeelPolicy::default() })
}

fn renovate(allowed: &str) -> ForeignPolicy {
    ForeignPolicy::Renovate(RenovatePolicy { allowed_versions: allowed.into(), ..RenovatePolicy::default() })
}

#[test]
fn flux_takes_versions_of_three_parts_and_goes_back() {
    let policy = || flux(FluxOrder::Semver("1.x".into()), "", "");
    check(policy(), Some("1.5.0"), &["1.4.0", "1.6", "1.4.1-rc.1", "2026.03.01"], Some("1.4.0"));
    check(policy(), None, &["1.2.0", "1.2.0-alpine"], Some("1.2.0"));
}

#[test]
fn one_word_among_numbers_fails_flux_as_a_whole() {
    let numbers = || flux(FluxOrder::Numerical("ASC".into()), "", "");
    check(numbers(), None, &["9", "10", "1e1.5"], None);
    check(
        numbers(),
        None,
        &["9", "10", "20261123000000000000001", "20261123000000000000000"],
        Some("20261123000000000000001"),
    );
    check(flux(FluxOrder::Numerical("desc".into()), "", ""), None, &["9", "-10", "10"], Some("-10"));
    let extracted = flux(FluxOrder::Numerical(String::new()), r"^main-[a-f0-9]+-(?P<ts>\d+)$", "$ts");
    check(extracted, None, &["main-4b825dc-100", "main-0000000-99", "latest"], Some("main-4b825dc-100"));
}

#[test]
fn flux_hides_signatures_unless_the_repository_says_otherwise() {
    check(flux(FluxOrder::Alphabetical(String::new()), "", ""), None, &["b", "c.sig"], Some("b"));
    let shown = FluxPolicy {
        order: FluxOrder::Alphabetical(String::new()),
        pattern: String::new(),
        extract: String::new(),
        reflects_digest: true,
        exclusions: Some(vec!["^b$".into()]),
    };
    assert!(ForeignPolicy::Flux(shown.clone()).compile().unwrap().pins_digest());
    check(ForeignPolicy::Flux(shown), None, &["b", "c.sig"], Some("c.sig"));
}

#[test]
fn faults_of_flux_carry_its_names() {
    check_faults(flux(FluxOrder::Semver("*-*".into()), "(", ""), &["range", "pattern"]);
    check_faults(flux(FluxOrder::Numerical("up".into()), "", ""), &["order"]);
}

#[test]
fn flux_1_follows_the_newest_build_of_a_known_time() {
    let glob = || ForeignPolicy::FluxV1("master-*".into());
    check(glob(), Some("master-a"), &["master-a", "master-c", "master-b", "dev-d"], Some("master-b"));
    check(glob(), Some("master-z"), &["master-a"], None);
    check(ForeignPolicy::FluxV1("semver:~1".into()), Some("x"), &["1.10", "1.10.0", "2"], Some("1.10.0"));
    check(ForeignPolicy::FluxV1("regex:^v".into()), None, &["v1", "v2", "w3"], Some("v2"));
    check_faults(ForeignPolicy::FluxV1("semver:oops".into()), &["flux-v1"]);
}

#[test]
fn image_updater_knows_four_strategies() {
    let of = |strategy: &str, constraint: &str| ForeignPolicy::ImageUpdater(updater(strategy, constraint));
    let tags = ["0.1", "0.5.1", "0.9", "1.0", "1.0.1", "1.1.2", "2.0.3"];
    check(of("", ""), Some("latest"), &tags, Some("2.0.3"));
    check(of("semver", "^1.0"), Some("1.0"), &tags, Some("1.1.2"));
    check(of("semver", "~1.0"), Some("1.0"), &["0.1", "2.0.3"], None);
    check(of("semver", ""), Some("v2.2.0"), &["v2.2.0", "v2.3.0-rc.0.18.g1abb7b5dd-ppc64le"], Some("v2.2.0"));
    check(of("latest", ""), None, &["zz", "ll", "bb"], Some("bb"));
    check(of("name", ""), None, &["zz", "bb", "ll"], Some("zz"));
    check(of("digest", "latest"), Some("latest"), &["latest", "1.0"], Some("latest"));
    check_faults(of("digest", ""), &["constraint"]);
    check_faults(of("semver", "latest"), &["constraint"]);
}

#[test]
fn image_updater_lets_nothing_in_when_its_match_cannot_be_read() {
    let allowing =
        |text: &str| ForeignPolicy::ImageUpdater(ImageUpdaterPolicy { allow_tags: text.into(), ..updater("name", "") });
    check(allowing("RegExp:^v"), None, &["v1", "w1"], Some("v1"));
    check(allowing("ANY"), None, &["v1", "w1"], Some("w1"));
    check(allowing("other"), None, &["v1"], None);
    check(allowing("regexp:[aA-zZ"), None, &["v1"], None);
}

#[test]
fn image_updater_ignores_by_globs_and_asks_for_one_platform() {
    let ignoring = ImageUpdaterPolicy { ignore_tags: vec!["tag?".into(), "[a-c]x".into()], ..updater("name", "") };
    check(ForeignPolicy::ImageUpdater(ignoring), None, &["tag1", "tag10", "bx", "dx"], Some("tag10"));
    let platforms = |list: &[&str]| ImageUpdaterPolicy {
        platforms: list.iter().map(|text| (*text).to_owned()).collect(),
        ..updater("newest-build", "")
    };
    check(ForeignPolicy::ImageUpdater(platforms(&["linux/arm64", "linux/amd64"])), None, &["a"], Some("a"));
    check(ForeignPolicy::ImageUpdater(platforms(&["linux/arm64"])), None, &["a"], None);
}

#[test]
fn keel_looks_from_the_running_tag() {
    let tags = ["1.3.0-dev", "1.5.0", "1.8.0-alpha", "3050"];
    check(keel("major"), Some("1.1.0"), &tags, Some("1.5.0"));
    check(keel("major"), Some("1.2.0-dev"), &tags, Some("1.3.0-dev"));
    check(keel("all"), Some("1.6.0-alpha"), &tags, Some("1.8.0-alpha"));
    check(keel("patch"), Some("1.2"), &["1.3", "1.5", "2.0", "1.2.1"], Some("1.2.1"));
    check(keel("minor"), Some("1.4.5"), &["1.4.5"], None);
    check(keel("minor"), Some("latest"), &tags, Some("1.8.0-alpha"));
    check(keel("minor"), Some("main"), &tags, None);
    let any_text = KeelPolicy { policy: "minor".into(), match_pre_release: false, match_tag: false };
    check(ForeignPolicy::Keel(any_text), Some("1.2.0-dev"), &tags, Some("1.8.0-alpha"));
}

#[test]
fn keels_other_policies_look_at_text() {
    let builds = ["1.3.0-dev", "build-2a-1694132169", "build-1a-1696801785", "build-3a-1695801785"];
    check(keel("glob:build-*"), Some("1.0.0"), &builds, Some("build-3a-1695801785"));
    check(keel("glob:latest"), Some("latest"), &["latest"], None);
    check(keel("regexp:^build-.*-(?P<compare>.+)$"), Some("1.0.0"), &builds, Some("build-1a-1696801785"));
    check(keel("never"), Some("1.0.0"), &["1.1.0"], None);
    check_faults(keel("sometimes"), &["policy"]);
    check_faults(keel("regexp:("), &["policy"]);
}

#[test]
fn keels_force_never_goes_to_a_lower_version() {
    let tags = ["3.0.0", "3.0.1", "7.9.1-1-ubi8", "8.0.0", "8.3.1", "latest"];
    check(keel("force"), Some("7.9.1-1-ubi8"), &tags, Some("8.3.1"));
    check(keel("force"), Some("8.3.1"), &tags, Some("8.3.1"));
    check(keel("force"), Some("7.9.1-1-ubi8"), &["3.0.0", "5.0.0"], None);
    check(keel("force"), Some("latest"), &["main"], Some("main"));
    let same = KeelPolicy { policy: "force".into(), match_tag: true, ..KeelPolicy::default() };
    check(ForeignPolicy::Keel(same), Some("1.2.3"), &["1.2.3", "1.2.4"], Some("1.2.3"));
}

#[test]
fn kargo_is_strict_by_default_and_takes_pre_releases_without_a_constraint() {
    let kargo = |strategy: &str, constraint: &str, strict| {
        let (strategy, constraint) = (strategy.to_owned(), constraint.to_owned());
        ForeignPolicy::Kargo(KargoPolicy { strategy, constraint, strict_semvers: strict, ..KargoPolicy::default() })
    };
    check(kargo("", "", None), None, &["1.0.0", "2.0", "1.0.1-rc.1", "03.0.0"], Some("1.0.1-rc.1"));
    check(kargo("SemVer", "^1", Some(false)), None, &["1.0.0", "1.2", "2.0"], Some("1.2"));
    check(kargo("Lexical", "", None), None, &["a", "c", "b"], Some("c"));
    check(kargo("NewestBuild", "", None), None, &["a", "c", "b"], Some("b"));
    check(kargo("Digest", "main", None), None, &["main", "z"], Some("main"));
    check_faults(kargo("Digest", "", None), &["constraint"]);
    check_faults(kargo("Newest", "", None), &["imageSelectionStrategy"]);
    let platform = KargoPolicy { platform: Some("invalid".into()), ..KargoPolicy::default() };
    check_faults(ForeignPolicy::Kargo(platform), &["platform"]);
}

#[test]
fn renovate_keeps_the_suffix_and_the_count_of_numbers() {
    let tags = ["3.7.0", "3.7.0b1", "3.7-alpine", "3.8.0-alpine", "3.8.0b1-alpine", "3.8.2", "3.9", "0a1b2c3", "4.0.0"];
    check(renovate(""), Some("3.7.0"), &tags, Some("4.0.0"));
    check(renovate(""), Some("3.7.0-alpine"), &tags, Some("3.8.0-alpine"));
    check(renovate(""), Some("3.8"), &tags, Some("3.9"));
    check(renovate("<4"), Some("3.7.0"), &tags, Some("3.8.2"));
    check(renovate("/^3\\.7/"), Some("3.6.0"), &tags, Some("3.7.0"));
    check(renovate("!/^4/"), Some("3.6.0"), &tags, Some("3.8.2"));
    check(renovate("3.7.0"), Some("3.6.0"), &tags, Some("3.7.0"));
    check(renovate(""), Some("latest"), &tags, None);
    check_faults(renovate("oops oops"), &["allowedVersions"]);
}

#[test]
fn renovate_leaves_an_unstable_tag_for_its_own_release_alone() {
    let tags = ["3.7.0b2", "3.8.0b1", "3.7.0"];
    check(renovate(""), Some("3.7.0b1"), &["3.7.0b2", "3.8.0b1"], Some("3.7.0b2"));
    check(renovate(""), Some("3.7.0b1"), &tags, Some("3.7.0"));
    let unstable = RenovatePolicy { ignore_unstable: false, ..RenovatePolicy::default() };
    check(ForeignPolicy::Renovate(unstable), Some("3.7.0"), &tags, Some("3.8.0b1"));
}

#[test]
fn where_nothing_runs_keel_and_renovate_take_the_highest_that_they_would_list() {
    check(keel("patch"), None, &["2.0.0", "1.9.9", "3050", "garbage"], Some("2.0.0"));
    check(keel("glob:build-*"), None, &["build-10", "build-9", "x"], Some("build-9"));
    check(keel("force"), None, &["1.0.0", "2.0.0", "main"], Some("2.0.0"));
    check(renovate("<4"), None, &["3.7.0", "3.8.0b1", "4.0.0", "latest"], Some("3.7.0"));
}

#[test]
fn keel_steps_from_the_running_tag() {
    let step = |policy: &str, same, from: &str, to: &str| {
        let policy = KeelPolicy { policy: policy.into(), match_pre_release: same, ..KeelPolicy::default() };
        choose(ForeignPolicy::Keel(policy), Some(from), &list(&[to])).decision.chosen.is_some()
    };
    let taken = [
        ("patch", true, "2.1", "2.1.7"),
        ("patch", true, "2.1.6", "v2.1.7"),
        ("minor", true, "2.1.6", "2.9"),
        ("major", true, "2.1.6", "3.0.0"),
        ("minor", true, "v2.1.0-edge", "v2.2.0-edge"),
        ("patch", false, "2.1.0-aa", "2.1.0-ab"),
        ("all", true, "2.1.0-aa", "2.1.0-ab"),
        ("patch", true, "latest", "7.0.0-rc1"),
    ];
    let left = [
        ("patch", true, "2.1", "2.2"),
        ("patch", true, "2.1.6", "3.1.7"),
        ("minor", true, "2.1.6", "3.0.0"),
        ("all", true, "2.1.6", "2.1.5"),
        ("all", true, "2.1.6", "2.1.6"),
        ("all", true, "2.1.6", "3050"),
        ("all", true, "2.1.6", "2.1.6+build"),
        ("minor", true, "2.1.6", "2.1.7-edge"),
        ("minor", true, "2.1.6-edge", "2.1.7-beta"),
        ("major", true, "release-2.1.6", "2.1.7"),
    ];
    for (policy, same, from, to) in taken {
        assert!(step(policy, same, from, to), "{policy} {from} → {to}");
    }
    for (policy, same, from, to) in left {
        assert!(!step(policy, same, from, to), "{policy} {from} → {to}");
    }
}

#[test]
fn an_image_without_a_tag_is_never_chosen_and_keeps_flux_1_where_it_is() {
    check(ForeignPolicy::FluxV1("glob:*".into()), Some("a"), &["a", ""], None);
    check(flux(FluxOrder::Alphabetical("desc".into()), "", ""), None, &["a", ""], None);
}

/// A translation chooses the same as the peer.
#[track_caller]
fn check_same(foreign: ForeignPolicy, translation: Translation, current: Option<&str>, tags: &[&str]) {
    let list = list(tags);
    let at_home = choose(foreign.clone(), current, &list).decision.chosen;
    let current = current.map(tag);
    let standing = current.as_ref().map(|tag| Standing::new(Some(tag), None));
    let policy = CompiledPolicy::new(&translation.policy.unwrap()).unwrap();
    let situation = Situation { current: standing, tags: &list, barred: &[], companions: &[], now: at(9) };
    let here = policy.select(&situation).decision.chosen;
    // Where nothing is to be done, the peers that look from the running tag choose none and Heddle the running one.
    let moves = |chosen: Option<Tag>| chosen.filter(|chosen| current.as_ref() != Some(chosen));
    assert_eq!(moves(here), moves(at_home), "{foreign:?} from {current:?}");
}

#[test]
fn what_is_translated_chooses_as_at_home() {
    let tags =
        ["1.2.0", "1.2.3-alpine", "1.3.0", "1.3.1-rc.1", "2.0.0", "v2.1.0", "latest", "main-1", "main-9", "main-10"];
    for range in ["1.x", ">=1.2.0-0 <2", "^2", "*"] {
        let ForeignPolicy::Flux(policy) = flux(FluxOrder::Semver(range.into()), "", "") else { unreachable!() };
        check_same(ForeignPolicy::Flux(policy.clone()), policy.translate(), Some("1.2.0"), &tags);
        let policy = updater("semver", range);
        check_same(ForeignPolicy::ImageUpdater(policy.clone()), policy.translate(), Some("1.2.0"), &tags);
        let pattern = format!("semver:{range}");
        check_same(ForeignPolicy::FluxV1(pattern.clone()), translate_flux_v1(&pattern), Some("1.2.0"), &tags);
    }
    let ForeignPolicy::Flux(numbers) = flux(FluxOrder::Numerical("asc".into()), r"^main-(?P<n>\d+)$", "$n") else {
        unreachable!()
    };
    check_same(ForeignPolicy::Flux(numbers.clone()), numbers.translate(), Some("main-1"), &tags);
    for (pattern, runs) in [("glob:main-*", "main-1"), ("main-?", "main-1"), ("regexp:^v", "1.2.0"), ("*", "main-9")] {
        check_same(ForeignPolicy::FluxV1(pattern.into()), translate_flux_v1(pattern), Some(runs), &tags);
    }
    for (strategy, constraint) in [("newest-build", ""), ("alphabetical", ""), ("digest", "latest")] {
        let policy = ImageUpdaterPolicy {
            ignore_tags: vec!["main-[1]*".into(), "v?.*".into()],
            ..updater(strategy, constraint)
        };
        check_same(ForeignPolicy::ImageUpdater(policy.clone()), policy.translate(), Some("main-1"), &tags);
    }
    for policy in ["all", "major", "minor", "patch", "glob:main-*", "regexp:^main-(?P<compare>.*)$"] {
        for match_pre_release in [true, false] {
            let policy = KeelPolicy { policy: policy.into(), match_pre_release, match_tag: false };
            let current = if policy.policy.contains(':') { "main-1" } else { "1.2.0" };
            check_same(ForeignPolicy::Keel(policy.clone()), policy.translate(None), Some(current), &tags);
        }
    }
}

#[test]
fn what_has_no_word_is_told() {
    let policy = |policy: &str| KeelPolicy { policy: policy.into(), match_tag: true, ..KeelPolicy::default() };
    let followed = policy("force").translate(Some(&tag("latest")));
    assert_eq!(followed.policy.unwrap().digest.as_deref(), Some("latest"));
    assert!(policy("never").translate(None).policy.is_none());
    let several =
        ImageUpdaterPolicy { platforms: vec!["linux/amd64".into(), "linux/arm64".into()], ..updater("latest", "") };
    assert!(several.translate().differs.iter().any(|sentence| sentence.contains("platforms")));
    // What follows one tag orders nothing.
    assert_eq!(updater("digest", "latest").translate().differs, Vec::<String>::new());
    let closed = ImageUpdaterPolicy { allow_tags: "v*".into(), ..updater("", "") };
    assert!(closed.translate().policy.is_none());
}

#[test]
fn renovate_says_which_rule_keeps_a_tag_out() {
    let rules = |current: &str, tag: &str| -> String {
        let selection = choose(renovate(""), Some(current), &list(&[current, tag]));
        let verdict = selection.verdicts.iter().find(|verdict| verdict.tag.as_str() == tag).unwrap();
        verdict.rule.to_string()
    };
    assert_eq!(rules("1.2.3-alpine", "1.2.4-debian"), "suffix");
    assert_eq!(rules("1.2.3-alpine", "1.3-alpine"), "precision");
    assert_eq!(rules("1.2.3-alpine", "1.2.2-alpine"), "downgrade");
    assert_eq!(rules("1.2.3-alpine", "1.2.4-alpine"), "semver");
}

#[test]
fn only_the_digest_strategy_of_image_updater_pins() {
    let pins = |strategy: &str| ForeignPolicy::ImageUpdater(updater(strategy, "1.x")).compile().unwrap().pins_digest();
    assert!(!pins("semver"));
    let followed = ForeignPolicy::ImageUpdater(updater("digest", "latest")).compile().unwrap();
    assert_eq!((followed.pins_digest(), followed.followed_tag()), (true, Some("latest")));
}

#[test]
fn renovate_waits_as_long_as_its_words_say() {
    let waits = |age: &str| {
        let policy = RenovatePolicy { minimum_release_age: age.into(), ..RenovatePolicy::default() };
        let selection = choose(ForeignPolicy::Renovate(policy), Some("1.0.0"), &list(&["1.0.0", "1.0.1"]));
        selection.decision.waiting.and_then(|waiting| Some((waiting.until? - at(0)).num_hours()))
    };
    assert_eq!(waits("3 days"), Some(72));
    assert_eq!(waits("1 week 12h"), Some(180));
    assert_eq!(waits("90 minutes"), Some(1));
    assert_eq!(waits(""), None);
}

#[test]
fn keels_words_are_told_in_heddles() {
    let translate = |policy: &str| KeelPolicy { policy: policy.into(), ..KeelPolicy::default() }.translate(None);
    let all = translate("all").policy.unwrap();
    assert_eq!((all.semver.as_deref(), all.prerelease), (Some("*"), true));
    let never = translate("never");
    assert_eq!((never.policy, never.differs), (None, vec!["the policy says never".to_owned()]));
}

#[test]
fn a_glob_with_classes_becomes_an_expression() {
    let ignoring = ImageUpdaterPolicy { ignore_tags: vec!["v[^0-3].x".into(), "1.*".into()], ..updater("semver", "") };
    let ignore = ignoring.translate().policy.unwrap().ignore;
    assert_eq!(ignore, [r"regexp:^v[^0-3]\.x$", "glob:1.*"]);
}
