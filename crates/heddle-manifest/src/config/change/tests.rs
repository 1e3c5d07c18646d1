use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;

fn held(image: &str, environment: Option<&str>, tag: Option<&str>) -> HoldEntry {
    HoldEntry {
        image: Some(image.to_owned()),
        environment: environment.map(|name| name.parse().unwrap()),
        tag: tag.map(|tag| tag.parse().unwrap()),
        by: Some("Ada".to_owned()),
        reason: Some("1.4.2 leaks: #12".to_owned()),
        until: Some("2026-12-01T08:00:00Z".parse().unwrap()),
    }
}

fn known() -> Surroundings {
    let environments = ["staging", "prod"].map(|name| name.parse().unwrap());
    Surroundings { environments: environments.into(), ..Surroundings::default() }
}

fn new(entry: &HoldEntry) -> RuleEdit {
    RuleEdit::Hold { entry: entry.clone(), replaces: None }
}

fn hold(text: Option<&str>, entry: &HoldEntry) -> Result<Changed, ChangeError> {
    change(text, &[new(entry)], &known())
}

fn resume(text: &str, entry: &HoldEntry) -> Result<Changed, ChangeError> {
    change(Some(text), &[RuleEdit::Resume { entry: entry.clone() }], &known())
}

const ENTRY: &str = "image: acme/api\n  environment: prod\n  tag: 1.4.1\n  by: Ada\n  reason: \"1.4.2 leaks: #12\"\n  until: \"2026-12-01T08:00:00Z\"\n";

#[test]
fn a_hold_makes_the_file_or_the_list_where_there_is_none_and_says_nothing_else() {
    let entry = held("acme/api", Some("prod"), Some("1.4.1"));
    let new = format!("version: 1\nholds:\n- {ENTRY}");
    assert_eq!(hold(None, &entry).unwrap().text, new);
    let changed = hold(Some("# ours\nversion: 1\n# end\n"), &entry).unwrap();
    assert_eq!(changed.text, format!("# ours\nversion: 1\nholds:\n- {ENTRY}# end\n"));
    assert_eq!(changed.environments, BTreeSet::from(["prod".parse().unwrap()]));
    let everywhere = hold(None, &held("acme/api", None, None)).unwrap();
    assert_eq!(everywhere.environments, known().environments);
}

#[test]
fn a_hold_of_the_same_images_and_environment_changes_in_place() {
    let text = "version: 1\nholds:\n  - {image: acme/web}\n  - tag: 1.4.0 # good\n    image: acme/api\n    environment: prod\n    by: bob\n  # end\n";
    let mut entry = held("acme/api", Some("prod"), Some("1.4.1"));
    let changed = hold(Some(text), &entry).unwrap().text;
    let grown = "    by: Ada\n    reason: \"1.4.2 leaks: #12\"\n    until: \"2026-12-01T08:00:00Z\"\n";
    assert_eq!(changed, text.replace("1.4.0", "1.4.1").replace("    by: bob\n", grown));
    (entry.tag, entry.reason) = (None, None);
    let whatever = hold(Some(&changed), &entry).unwrap().text;
    let without = changed.replace("  - tag: 1.4.1 # good\n    image", "  - image");
    assert_eq!(whatever, without.replace("    reason: \"1.4.2 leaks: #12\"\n", ""));
    assert_eq!(hold(Some(&whatever), &entry).unwrap_err(), ChangeError::Same);
}

#[test]
fn a_hold_takes_the_place_of_those_of_the_same_images_however_they_are_written() {
    let text =
        "version: 1\nholds:\n  - {image: docker.io/acme/api, environment: prod, tag: 1.4.0}\n  - {image: acme/web}\n";
    let entry = HoldEntry { by: None, reason: None, until: None, ..held("acme/api", Some("prod"), Some("1.4.1")) };
    let changed = hold(Some(text), &entry).unwrap();
    assert_eq!((changed.config.holds.len(), changed.config.holds[0].entry()), (2, entry));
}

#[test]
fn a_hold_that_changed_since_it_was_shown_is_not_written_over() {
    let text = "version: 1\nholds:\n  - {image: acme/api, environment: prod, tag: 1.4.0}\n";
    let entry = held("acme/api", Some("prod"), Some("1.4.1"));
    let shown = replaced(&read(text).0, &entry);
    assert_eq!(shown.len(), 1);
    let edits = [RuleEdit::Hold { entry: entry.clone(), replaces: Some(shown) }];
    assert_eq!(change(Some(text), &edits, &known()).unwrap().config.holds.len(), 1);
    let moved = change(Some(&text.replace("1.4.0", "1.3.9")), &edits, &known()).unwrap_err();
    assert_eq!(moved, ChangeError::Moved("acme/api in prod".into()));
    let gone = change(Some("version: 1\n"), &edits, &known()).unwrap_err();
    assert_eq!(gone, moved);
    let none = RuleEdit::Hold { entry, replaces: Some(Vec::new()) };
    assert!(matches!(change(Some(text), &[none], &known()), Err(ChangeError::Moved(_))));
}

#[test]
fn what_counts_in_one_environment_counts_in_those_that_share_a_place_with_it() {
    let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<EnvironmentName>>();
    let around = Surroundings {
        environments: names(&["staging", "prod", "test"]),
        shared: [("acme/api".parse().unwrap(), names(&["staging", "prod"]))].into(),
    };
    let check = |edit: RuleEdit, expected: &[&str]| {
        assert_eq!(change(None, &[edit], &around).unwrap().environments, names(expected));
    };
    check(new(&held("acme/*", Some("prod"), None)), &["prod", "staging"]);
    check(new(&HoldEntry { image: None, ..held("", Some("prod"), None) }), &["prod", "staging"]);
    check(new(&held("acme/web", Some("prod"), None)), &["prod"]);
    check(new(&held("acme/api", Some("test"), None)), &["test"]);
    let times = ["2026-12-20T00:00:00Z", "2027-01-03T00:00:00Z"].map(|at| at.parse().unwrap());
    let entry = FreezeEntry { environments: vec!["prod".parse().unwrap()], from: times[0], to: times[1], reason: None };
    check(RuleEdit::Freeze { entry }, &["prod", "staging"]);
}

#[test]
fn a_hold_that_is_not_there_any_more_is_said() {
    let text = hold(None, &held("acme/api", Some("prod"), Some("1.4.1"))).unwrap().text;
    let other = held("acme/api", Some("prod"), Some("1.4.2"));
    assert_eq!(resume(&text, &other).unwrap_err(), ChangeError::Gone { what: "hold" });
}

#[test]
fn comments_outside_of_an_entry_stay_when_it_goes() {
    let text = "version: 1\nholds:\n  # why\n  - image: acme/api # this one\n    # inside\n    tag: 1.4.1\n\n# end\n";
    let (config, _) = read(text);
    let left = resume(text, &config.holds[0].entry()).unwrap().text;
    assert_eq!(left, "version: 1\nholds:\n  # why\n\n# end\n");
    let again = hold(Some(&left), &held("acme/api", None, None)).unwrap();
    assert_eq!(again.config.holds.len(), 1, "{}", again.text);
}

#[test]
fn a_freeze_comes_and_goes() {
    let entry = FreezeEntry {
        environments: ["staging", "prod"].map(|name| name.parse().unwrap()).into(),
        from: "2026-12-20T00:00:00Z".parse().unwrap(),
        to: "2027-01-03T00:00:00Z".parse().unwrap(),
        reason: Some("holidays".into()),
    };
    let text = "version: 1\nenvironments: [{name: staging, path: s}, {name: prod, path: p}]\nupdates: {group: none}\n";
    let frozen = change(Some(text), &[RuleEdit::Freeze { entry: entry.clone() }], &known()).unwrap();
    let list = "freezes:\n- environments:\n  - staging\n  - prod\n  from: \"2026-12-20T00:00:00Z\"\n  to: \"2027-01-03T00:00:00Z\"\n  reason: holidays\n";
    assert_eq!(frozen.text, format!("{text}{list}"));
    let thawed = change(Some(&frozen.text), &[RuleEdit::Thaw { entry }], &known()).unwrap();
    assert_eq!(thawed.text, text);
}

#[test]
fn a_part_of_a_second_makes_no_other_freeze_and_no_other_hold() {
    let text = "version: 1\n";
    let at = |part: &str| FreezeEntry {
        environments: Vec::new(),
        from: format!("2026-12-20T00:00:00{part}Z").parse().unwrap(),
        to: format!("2027-01-03T00:00:00{part}Z").parse().unwrap(),
        reason: None,
    };
    let frozen = change(Some(text), &[RuleEdit::Freeze { entry: at(".25") }], &known()).unwrap();
    let again = change(Some(&frozen.text), &[RuleEdit::Freeze { entry: at(".75") }], &known());
    assert_eq!(again.unwrap_err(), ChangeError::Same);
    assert_eq!(change(Some(&frozen.text), &[RuleEdit::Thaw { entry: at(".5") }], &known()).unwrap().text, text);
    let own = frozen.text.replace("00Z", "00.5Z");
    assert_eq!(change(Some(&own), &[RuleEdit::Thaw { entry: at("") }], &known()).unwrap().text, text);
    let entry = HoldEntry { environment: None, ..held("acme/api", None, Some("1.4.1")) };
    let own = hold(Some(text), &entry).unwrap().text.replace("00Z", "00.5Z");
    assert_eq!(resume(&own, &entry).unwrap().text, text);
}

#[test]
fn comments_of_others_in_brackets_stay_when_an_entry_goes() {
    let lines = [
        "  {image: acme/a}, # why a\n",
        "  # above b\n",
        "  {image: acme/b}, # why b\n",
        "  {image: acme/c} # why c\n",
    ];
    let text = format!("version: 1\nholds: [\n{}]\n", lines.concat());
    let (config, _) = read(&text);
    for (index, line) in [0, 2, 3].into_iter().enumerate() {
        let left = resume(&text, &config.holds[index].entry()).unwrap().text;
        assert_eq!(left, text.replace(lines[line], ""));
    }
    let text = "version: 1\nholds: [{image: acme/a}, # why a\n  {image: acme/b}]\n";
    let (config, _) = read(text);
    let refused = resume(text, &config.holds[1].entry());
    assert!(matches!(refused, Err(ChangeError::Edit(EditError::Refused { .. }))), "{refused:?}");
}

#[test]
fn an_anchor_elsewhere_keeps_no_entry_from_going() {
    let text = "version: 1\nenvironments:\n- {name: &prod prod, path: *prod}\n";
    let list = format!("{text}holds:\n- image: acme/a\n");
    assert_eq!(resume(&list, &read(&list).0.holds[0].entry()).unwrap().text, text);
    let text = "version: 1\nholds:\n- image: &api acme/api\n- image: acme/web\n- image: *api\n  tag: 1.4.1\n";
    let (config, _) = read(text);
    let left = resume(text, &config.holds[1].entry()).unwrap().text;
    assert_eq!(left, text.replace("- image: acme/web\n", ""));
    let refused = resume(text, &config.holds[0].entry());
    assert!(matches!(refused, Err(ChangeError::Edit(EditError::Refused { .. }))), "{refused:?}");
}

#[test]
fn a_comment_above_the_next_key_stays_when_the_first_goes() {
    let text = "version: 1\nholds:\n- tag: 1.4.1 # good\n  # the api\n  image: acme/api # all of it\n";
    let entry =
        HoldEntry { environment: None, tag: None, by: None, reason: None, until: None, ..held("acme/api", None, None) };
    let left = hold(Some(text), &entry).unwrap().text;
    assert_eq!(left, text.replace("tag: 1.4.1 # good\n  #", "#"));
}

#[test]
fn every_hold_of_the_same_images_changes() {
    let one = "- image: acme/api\n  tag: 1.4.0\n";
    let text = format!("version: 1\nholds:\n{one}- image: acme/web\n{one}- image: acme/api\n");
    let entry = HoldEntry { by: None, reason: None, until: None, ..held("acme/api", None, Some("1.4.1")) };
    let changed = hold(Some(&text), &entry).unwrap();
    let new = "- image: acme/api\n  tag: 1.4.1\n";
    assert_eq!(changed.text, format!("version: 1\nholds:\n{new}- image: acme/web\n{new}{new}"));
    assert_eq!(resume(&changed.text, &entry).unwrap().text, "version: 1\nholds:\n- image: acme/web\n");
}

#[test]
fn more_equal_entries_than_the_limit_are_left_to_a_person() {
    let text = |count| format!("version: 1\nholds:\n{}", "- image: acme/api\n".repeat(count));
    let entry =
        HoldEntry { environment: None, tag: None, by: None, reason: None, until: None, ..held("acme/api", None, None) };
    assert!(resume(&text(MAX_EQUAL_ENTRIES), &entry).is_ok());
    for refused in [
        resume(&text(MAX_EQUAL_ENTRIES + 1), &entry),
        hold(Some(&text(MAX_EQUAL_ENTRIES + 1)), &held("acme/api", None, Some("1"))),
    ] {
        assert!(refused.unwrap_err().to_string().contains("11 entries of `.heddle.yaml`"));
    }
}

#[test]
fn a_list_that_an_alias_stands_for_is_told_as_such() {
    let text = "version: 1\nholds: &none []\nfreezes: *none\n";
    let entry = FreezeEntry {
        environments: Vec::new(),
        from: "2026-12-20T00:00:00Z".parse().unwrap(),
        to: "2027-01-03T00:00:00Z".parse().unwrap(),
        reason: None,
    };
    let refused = change(Some(text), &[RuleEdit::Freeze { entry }], &known()).unwrap_err().to_string();
    assert!(refused.contains("an alias stands in the place of the list"), "{refused}");
}

#[test]
fn what_would_be_a_mistake_is_refused() {
    let check = |text: &str, entry: &HoldEntry, expected: &str| {
        assert_eq!(hold(Some(text), entry).unwrap_err().to_string(), expected);
    };
    let entry = held("acme/api", Some("prod"), None);
    check(
        "version: 1\nimagse: []\n",
        &entry,
        "`.heddle.yaml:1` is to be mended first: `.heddle.yaml` has no key `imagse`, write `images`",
    );
    let others = "version: 1\nenvironments: [{name: test, path: t}]\n";
    check(others, &entry, "there is no environment `prod`");
    let named = "`acme/api:1` names no images: write a repository, such as `ghcr.io/acme/api`";
    check("version: 1\n", &held("acme/api:1", None, None), named);
    for odd in ["acme/config#12", "fixes:#12/x", "fixes:gh-12/x", "acme/äpi", "acme/[api]"] {
        check("version: 1\n", &held(odd, None, None), &named.replace("acme/api:1", odd));
    }
    let shared = "version: 1\nx: 1\n";
    assert!(matches!(hold(Some(shared), &entry), Err(ChangeError::Broken { .. })));
}

/// A list of holds in every notation: the other entries before and behind it, and the line ends.
fn files() -> impl Strategy<Value = String> {
    let entry = prop_oneof![
        Just("{image: acme/web, tag: '1.0'}"),
        Just("{environment: staging}"),
        Just("{image: \"acme/*\", until: 2030-01-01, reason: 'a # b'}"),
    ];
    let entries = prop::collection::vec(entry, 0..4);
    let ends = prop_oneof![Just(Some("\n")), Just(Some("")), Just(Some("\n\n")), Just(None)];
    (entries, 0..4usize, any::<bool>(), any::<bool>(), ends).prop_map(|(entries, notation, comments, crlf, end)| {
        let list = match notation {
            0 if entries.is_empty() => String::new(),
            0 => format!("holds: [{}]\n", entries.join(", ")),
            1 => format!("holds: [\n  {}\n]\n", entries.join(",\n  ")),
            _ if entries.is_empty() => String::new(),
            2 => format!("holds:\n{}", entries.iter().map(|one| format!("- {one}\n")).collect::<String>()),
            _ => format!("holds:\n{}", entries.iter().map(|one| format!("  -   {one}   # c\n")).collect::<String>()),
        };
        let (before, behind) = if comments { ("# head\n\n", "\n# tail\n") } else { ("", "") };
        let text = match end {
            // The list is the last of the file, which ends with its line, within it, or with an empty line.
            Some(end) => format!("{before}version: 1\n\n{}{end}", list.trim_end_matches('\n')),
            None => format!("{before}version: 1\n{list}{behind}updates: {{group: all}}\n"),
        };
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

fn holds_asked_for() -> impl Strategy<Value = HoldEntry> {
    let text = || prop::option::of("[ -~äß]{1,20}".prop_filter("says something", |text| !text.trim().is_empty()));
    let until = prop::option::of((0..4_000_000_000_i64).prop_map(|at| DateTime::<Utc>::from_timestamp(at, 0).unwrap()));
    (prop::option::of("[a-z]{1,8}/[a-z]{1,8}"), prop::option::of("[0-9]\\.[0-9]"), text(), text(), until).prop_map(
        |(image, tag, by, reason, until)| HoldEntry {
            image: Some(image.unwrap_or_else(|| "acme/new".into())),
            environment: Some("prod".parse().unwrap()),
            tag: tag.map(|tag| tag.parse().unwrap()),
            by,
            reason,
            until,
        },
    )
}

proptest! {
    /// Whatever the notation, only the new entry comes, and taking it out again gives every byte back.
    #[test]
    fn a_hold_that_comes_and_goes_leaves_every_byte(text in files(), entry in holds_asked_for()) {
        let (before, _) = read(&text);
        let changed = hold(Some(&text), &entry).unwrap();
        let mut left = holds(&changed.config);
        prop_assert_eq!(left.pop(), Some(entry.clone()));
        prop_assert_eq!(left, holds(&before));
        let back = resume(&changed.text, &entry).unwrap();
        prop_assert_eq!(back.text, text);
    }

    /// Whichever entry goes, the others stay as they are, byte by byte.
    #[test]
    fn each_entry_can_go(text in files(), which in 0..4usize) {
        let (before, _) = read(&text);
        let there = holds(&before);
        let Some(entry) = there.get(which) else { return Ok(()) };
        let left = resume(&text, entry).unwrap();
        let meant: Vec<HoldEntry> = there.iter().filter(|one| *one != entry).cloned().collect();
        prop_assert_eq!(holds(&left.config), meant);
        // What is left is a part of what was there, in its order.
        let mut rest = text.chars();
        prop_assert!(left.text.chars().all(|c| rest.any(|other| other == c)), "{}", left.text);
    }
}
