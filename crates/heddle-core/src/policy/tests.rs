mod candidates;
mod limits;
mod publishers;
mod running;
mod schemes;
mod signed;

use super::{
    order::{Numbers, Order, Shape},
    *,
};

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn list(tags: &[&str]) -> TagList {
    let first_seen_at = DateTime::UNIX_EPOCH;
    TagList::whole(tags.iter().map(|text| TagInfo::named(tag(text), first_seen_at)).collect())
}

fn semver(range: &str) -> TagPolicy {
    TagPolicy { semver: Some(range.into()), ..TagPolicy::default() }
}

fn choose(policy: &TagPolicy, current: Option<&str>, tags: &TagList, barred: &[&str]) -> Selection {
    let current = current.map(tag);
    let current = current.as_ref().map(|tag| Standing::new(Some(tag), None));
    let barred: Vec<Tag> = barred.iter().map(|text| tag(text)).collect();
    let barred: Vec<_> = barred.iter().map(|tag| BarredTag { tag, reason: "reverted in 4b825dc" }).collect();
    let now = DateTime::UNIX_EPOCH;
    let situation = Situation { current, tags, barred: &barred, companions: &[], now };
    let selection = select(policy, &situation);
    if let Ok(policy) = CompiledPolicy::new(policy) {
        assert_eq!(policy.decide(&situation), selection.decision, "with a word on each tag or without");
    }
    selection
}

fn check(policy: &TagPolicy, current: Option<&str>, tags: &[&str], expected: Option<&str>) {
    for turned in 0..tags.len().max(1) {
        let mut tags = tags.to_vec();
        tags.rotate_left(turned);
        let selection = choose(policy, current, &list(&tags), &[]);
        assert_eq!(selection.decision.chosen.as_ref().map(Tag::as_str), expected, "{tags:?}: {selection:#?}");
        assert_eq!(selection.verdicts.len(), tags.len(), "each tag has its verdict");
    }
}

fn check_rule(policy: &TagPolicy, current: Option<&str>, passed: &str, rule: &str, reason: &str) {
    let selection = choose(policy, current, &list(&[passed]), &[]);
    assert_eq!(selection.decision.chosen, None, "{selection:#?}");
    assert_eq!((&*selection.verdicts[0].rule, &*selection.verdicts[0].reason), (rule, reason));
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
    assert_eq!(selection.decision.chosen, None);
    assert!(selection.verdicts.iter().all(|verdict| verdict.rule == "incomplete"));
    let empty = choose(&semver("*"), Some("1.0.0"), &list(&[]), &[]);
    assert_eq!((empty.decision.chosen, empty.verdicts.len()), (None, 0));
}

#[test]
fn what_was_taken_back_bars_everything_not_above_it() {
    let tags = list(&["1.4.0", "1.4.1", "1.4.2", "v1.4.2", "1.5.0-rc.1"]);
    let selection = choose(&semver(">=1"), Some("1.4.0"), &tags, &["1.4.2"]);
    assert_eq!(selection.decision.chosen, Some(tag("1.4.0")));
    let barred: Vec<_> =
        selection.verdicts.iter().filter(|verdict| verdict.rule == "barred").map(|v| v.tag.as_str()).collect();
    assert_eq!(barred, ["1.4.2", "v1.4.2", "1.4.1"]);
    let newer = choose(&semver(">=1"), Some("1.4.0"), &list(&["1.4.0", "1.4.2", "1.4.3"]), &["1.4.2"]);
    assert_eq!(newer.decision.chosen, Some(tag("1.4.3")));
}

#[test]
fn a_barred_tag_that_the_rule_cannot_order_bars_itself_alone() {
    let selection = choose(&semver("*"), None, &list(&["1.0.0"]), &["main"]);
    assert_eq!(selection.decision.chosen, Some(tag("1.0.0")));
}

#[test]
fn every_tag_passed_over_says_why() {
    check_rule(&semver(">=2"), Some("1.0.0"), "1.4.0", "semver", "it is outside `>=2`");
    check_rule(&semver("*"), None, "latest", "semver", "it is no version");
    check_rule(&semver("*"), Some("1.4.0"), "1.3.0", "downgrade", "it is a lower version than `1.4.0`, which runs now");
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

fn kind(text: &str) -> TagPolicy {
    let mut policy = TagPolicy::default();
    match text {
        "numerical asc" => policy.numerical = Some(SortOrder::Asc),
        "numerical desc" => policy.numerical = Some(SortOrder::Desc),
        "alphabetical asc" => policy.alphabetical = Some(SortOrder::Asc),
        "alphabetical desc" => policy.alphabetical = Some(SortOrder::Desc),
        "newest created" => policy.newest = Some(NewestBy::Created),
        "newest first-seen" => policy.newest = Some(NewestBy::FirstSeen),
        tag => policy.digest = Some(tag.to_owned()),
    }
    policy
}

fn day(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(day)
}

/// Tags with the days on which they were created and first seen.
fn seen(tags: &[(&str, Option<i64>, i64)]) -> TagList {
    let info = |(text, created, first_seen): &(&str, Option<i64>, i64)| TagInfo {
        created_at: created.map(day),
        ..TagInfo::named(tag(text), day(*first_seen))
    };
    TagList::whole(tags.iter().map(info).collect())
}

fn on_day(policy: &TagPolicy, current: Option<&str>, tags: &TagList, today: i64) -> Selection {
    let current = current.map(tag);
    let current = current.as_ref().map(|tag| Standing::new(Some(tag), None));
    select(policy, &Situation { current, tags, barred: &[], companions: &[], now: day(today) })
}

#[test]
fn numbers_are_exact_however_long_they_are() {
    let tags = ["20261123235959123456789", "20261123235959123456788", "9", "latest"];
    check(&kind("numerical asc"), Some("20261123235959123456780"), &tags, Some("20261123235959123456789"));
    check(&kind("numerical desc"), Some("9"), &tags, Some("9"));
    check(&kind("numerical asc"), Some("007"), &["007", "7"], Some("007"));
    check_rule(&kind("numerical asc"), None, "latest", "numerical", "it is no number");
    check_rule(&kind("numerical asc"), Some("9"), "8", "downgrade", "it is a lesser number than `9`, which runs now");
}

#[test]
fn text_is_ordered_byte_by_byte() {
    check(&kind("alphabetical asc"), None, &["a", "B", "c"], Some("c"));
    check(&kind("alphabetical desc"), None, &["a", "B", "c"], Some("B"));
}

#[test]
fn time_orders_by_creation_or_by_first_sight() {
    let tags = seen(&[("a", Some(3), 1), ("b", Some(1), 3), ("c", None, 2)]);
    assert_eq!(on_day(&kind("newest created"), None, &tags, 9).decision.chosen, Some(tag("a")));
    assert_eq!(on_day(&kind("newest first-seen"), None, &tags, 9).decision.chosen, Some(tag("b")));
}

#[test]
fn a_young_tag_waits_and_says_until_when() {
    let policy = TagPolicy { min_age: Some("2d".into()), ..semver("*") };
    let tags = seen(&[("1.0.0", None, 0), ("1.1.0", None, 9)]);
    let young = on_day(&policy, Some("1.0.0"), &tags, 10);
    assert_eq!(young.decision.chosen, Some(tag("1.0.0")));
    let waiting = young.decision.waiting.unwrap();
    assert_eq!((waiting.tag, waiting.until), (tag("1.1.0"), Some(day(11))));
    assert_eq!(waiting.reason, "it is too young: `min_age` lets it in after 1 d more");
    assert_eq!(on_day(&policy, Some("1.0.0"), &tags, 11).decision.chosen, Some(tag("1.1.0")));
}

#[test]
fn all_platforms_must_be_there_and_known() {
    let policy = TagPolicy { platforms: vec!["linux/amd64".into(), "linux/arm".into()], ..semver("*") };
    let with = |platforms: Option<&[&str]>| {
        let mut tags = list(&["1.0.0"]);
        tags.tags[0].platforms = platforms.map(|all| all.iter().map(|text| (*text).to_owned()).collect());
        on_day(&policy, None, &tags, 0)
    };
    assert_eq!(with(Some(&["linux/amd64", "linux/arm/v7"])).decision.chosen, Some(tag("1.0.0")));
    assert_eq!(with(Some(&["linux/amd64"])).verdicts[0].reason.to_string(), "it is not for `linux/arm`");
    assert_eq!(with(None).verdicts[0].reason.to_string(), "nobody knows which platforms it is for");
}

#[test]
fn images_in_lockstep_move_together() {
    let policy = TagPolicy { lockstep: vec!["ghcr.io/acme/web".into()], ..semver("*") };
    let policy = CompiledPolicy::new(&policy).unwrap();
    let (tags, web) = (list(&["1.0.0", "1.1.0"]), "ghcr.io/acme/web".parse().unwrap());
    let chosen = |companions: &[Companion<'_>]| {
        let now = DateTime::UNIX_EPOCH;
        policy.select(&Situation { current: None, tags: &tags, barred: &[], companions, now }).decision.chosen
    };
    assert_eq!(chosen(&[Companion { image: &web, tags: &list(&["1.0.0"]) }]), Some(tag("1.0.0")));
    assert_eq!(chosen(&[]), None);
}

#[test]
fn contradictions_are_faults() {
    let policy = TagPolicy { within: Some(Within::Minor), prerelease: true, ..kind("numerical asc") };
    let fields: Vec<_> = CompiledPolicy::new(&policy).unwrap_err().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["within", "prerelease"]);
}

proptest::proptest! {
    #[test]
    fn the_order_of_the_list_changes_nothing(
        texts in proptest::collection::btree_set("v?[0-9]{1,3}([.][0-9]{1,2}){0,2}(-rc[.]?[0-9]|-alpine)?|[a-z]{1,6}", 1..12),
        turn in 0_usize..12,
        which in 0_usize..6,
        current in proptest::option::of("[0-9]{1,2}[.][0-9]{1,2}(-alpine)?"),
    ) {
        let names = ["numerical asc", "numerical desc", "alphabetical asc", "alphabetical desc", "newest first-seen"];
        let policy = names.get(which).map_or_else(|| semver("*"), |name| kind(name));
        let mut tags = list(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let first = on_day(&policy, current.as_deref(), &tags, 0);
        tags.tags.rotate_left(turn % texts.len());
        tags.tags.reverse();
        proptest::prop_assert_eq!(first, on_day(&policy, current.as_deref(), &tags, 0));
    }

    #[test]
    fn no_text_makes_a_policy_panic(text in ".{0,40}", name in "[!-~]{1,30}") {
        let everything = TagPolicy {
            matches: Some(text.clone()),
            extract: Some(text.clone()),
            ignore: vec![text.clone()],
            min_age: Some(text.clone()),
            suffix: Some(text.clone()),
            ..semver(&text)
        };
        let tags = TagList::whole(vec![TagInfo::named(Tag::of_list(&name).unwrap(), day(0))]);
        on_day(&everything, None, &tags, 0);
        on_day(&TagPolicy { suffix: Some(text), ..semver("*") }, Some("1.0.0"), &tags, 0);
        on_day(&kind("numerical asc"), None, &tags, 0);
    }
}

proptest::proptest! {
    #[test]
    fn a_prefix_never_contradicts_the_order(
        left in "[0-9]{0,24}(\\.[0-9]{1,3}){0,2}(-rc)?|-?[0-9]{1,20}(e-?[0-9]{1,6})?|[a-z0-9.-]{1,12}",
        right in "[0-9]{0,24}(\\.[0-9]{1,3}){0,2}(-rc)?|-?[0-9]{1,20}(e-?[0-9]{1,6})?|[a-z0-9.-]{1,12}",
    ) {
        let orders = [
            Order::Version { range: None, shape: Shape::Loose },
            Order::Number(SortOrder::Asc, Numbers::Signed),
            Order::Number(SortOrder::Desc, Numbers::Signed),
            Order::Text(SortOrder::Asc),
            Order::Text(SortOrder::Desc),
            Order::VersionOrText,
        ];
        let info = TagInfo::named(Tag::of_list("x").unwrap(), day(0));
        for order in orders {
            let key = |text: &'static str| order.key(&info, text.into());
            let (left, right): (&'static str, &'static str) = (left.clone().leak(), right.clone().leak());
            if let (Ok(left), Ok(right)) = (key(left), key(right)) {
                let by_prefix = order.prefix(&left).cmp(&order.prefix(&right));
                proptest::prop_assert!(by_prefix.is_eq() || by_prefix == order.compare(&left, &right), "{order:?}");
            }
        }
    }
}

fn undescribed(policy: &TagPolicy, current: &str, tags: &TagList, today: i64) -> Vec<String> {
    let current = tag(current);
    let current = Some(Standing::new(Some(&current), None));
    let situation = Situation { current, tags, barred: &[], companions: &[], now: day(today) };
    CompiledPolicy::new(policy).unwrap().undescribed(&situation).iter().map(Tag::to_string).collect()
}

#[test]
fn only_tags_that_nothing_else_keeps_out_are_to_be_described() {
    let tags = list(&["1.4.0", "1.4.1", "1.4.2", "2.0.0", "main", "1.4.3-rc.1"]);
    let policy = TagPolicy { platforms: vec!["linux/arm64".into()], ..semver("<2") };
    assert_eq!(undescribed(&policy, "1.4.1", &tags, 0), ["1.4.1", "1.4.2"]);
    assert_eq!(undescribed(&semver("<2"), "1.4.1", &tags, 0), [""; 0]);
    // By creation no tag is out before its time is known, the running one too.
    let newest = TagPolicy { matches: Some("^1".into()), ..kind("newest created") };
    assert_eq!(undescribed(&newest, "main", &tags, 0), ["1.4.0", "1.4.1", "1.4.2", "1.4.3-rc.1", "main"]);
    let mut known = tags;
    for info in &mut known.tags {
        info.platforms = Some(Vec::new());
    }
    assert_eq!(undescribed(&policy, "1.4.1", &known, 0), [""; 0]);
    assert_eq!(undescribed(&newest, "main", &known, 0), [""; 0]);
}

#[test]
fn an_age_asks_for_the_creation_of_what_was_there_before_the_first_scan() {
    let policy = TagPolicy { min_age: Some("2d".into()), ..semver("*") };
    let mut tags = seen(&[("1.4.1", None, 3), ("1.4.2", None, 4)]);
    tags.watched_since = Some(day(3));
    assert_eq!(undescribed(&policy, "1.4.0", &tags, 4), ["1.4.1"]);
    assert_eq!(undescribed(&policy, "1.4.0", &tags, 5), [""; 0], "it is old enough by what we saw");
}

#[test]
fn a_policy_says_its_kind_as_it_is_written() {
    let kinds = ["semver >=1 <2", "numerical asc", "alphabetical desc", "newest created", "newest first-seen"];
    for text in kinds {
        let policy = if let Some(range) = text.strip_prefix("semver ") { semver(range) } else { kind(text) };
        assert_eq!(policy.to_string(), text);
    }
    let digest = TagPolicy { digest: Some("latest".into()), ..TagPolicy::default() };
    assert_eq!(digest.to_string(), "digest latest");
    assert_eq!(TagPolicy::default().to_string(), "a rule without a policy");
}

#[test]
fn fractions_are_numbers_and_ids_of_commits_are_none() {
    check(&kind("numerical asc"), None, &["1.5", "1.25", "0.5", "v2"], Some("1.5"));
    check(&kind("numerical asc"), None, &["9", "1e1", "95e-1", "12e4567"], Some("9"));
    check(&kind("numerical desc"), None, &["1.5", "1.25", "0.0", "0"], Some("0.0"));
    check_rule(&kind("numerical asc"), None, "12e4567", "numerical", "it is no number");
}

#[test]
fn a_tag_is_above_another_in_the_order_of_the_policy_alone() {
    let above = |policy: TagPolicy, left: &str, right: &str| {
        CompiledPolicy::new(&policy).unwrap().is_above(&tag(left), &tag(right))
    };
    assert!(above(semver("*"), "1.10.0", "1.9.0"));
    assert!(!above(semver("*"), "1.9.0", "1.10.0") && !above(semver("*"), "1.9.0", "1.9.0"));
    let texts = TagPolicy { alphabetical: Some(SortOrder::Asc), ..TagPolicy::default() };
    assert!(above(texts, "1.9.0", "1.10.0"));
    assert!(!above(semver("*"), "1.9.0", "latest") && !above(semver("*"), "latest", "1.9.0"));
}
