//! What a signature that is there, that is not, and that nobody can judge does to a choice.

use chrono::TimeDelta;

use super::*;

const KEY: &str = "keys/cosign.pub";

fn policy(keys: &[&str]) -> TagPolicy {
    let signer = |key: &&str| Signer { id: Some(SignerId::of_path(key)), ..Signer::of_key(key) };
    TagPolicy { signed_by: keys.iter().map(signer).collect(), ..semver("*") }
}

fn image(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

fn undecided() -> Signed {
    Signed::Unknown { reason: "`ghcr.io` did not answer within 15 s".into() }
}

/// Tags with what came of looking for signatures by each key.
fn checked(tags: &[(&str, &[(&str, Signed)])]) -> TagList {
    let mut list = list(&tags.iter().map(|(text, _)| *text).collect::<Vec<_>>());
    for (info, (_, checks)) in list.tags.iter_mut().zip(tags) {
        let check = |(key, outcome): &(&str, Signed)| SignatureCheck {
            signer: SignerId::of_path(key),
            outcome: outcome.clone(),
        };
        info.signatures = checks.iter().map(check).collect();
    }
    list
}

fn one_key(tags: &[(&str, Option<Signed>)]) -> Selection {
    let tags: Vec<(&str, Vec<(&str, Signed)>)> = tags
        .iter()
        .map(|(text, signed)| (*text, signed.iter().map(|signed| (KEY, signed.clone())).collect()))
        .collect();
    let tags: Vec<_> = tags.iter().map(|(text, checks)| (*text, checks.as_slice())).collect();
    choose(&policy(&[KEY]), Some("1.4.1"), &checked(&tags), &[])
}

/// The chosen tag, what waits with its gate, and what is said of the greatest.
fn said(selection: &Selection) -> (Option<&str>, Option<(&str, GateKind)>, String) {
    let Decision { chosen, waiting, .. } = &selection.decision;
    let waiting = waiting.as_ref().map(|waiting| (waiting.tag.as_str(), waiting.gate));
    let greatest = selection.verdicts.iter().max_by_key(|verdict| verdict.tag.to_string()).unwrap();
    (chosen.as_ref().map(Tag::as_str), waiting, greatest.reason.to_string())
}

#[test]
fn only_what_is_signed_is_chosen() {
    let tags = [("1.4.1", Some(Signed::Yes)), ("1.4.2", Some(Signed::Yes)), ("1.4.3", Some(Signed::No))];
    let selection = one_key(&tags);
    assert_eq!(said(&selection), (Some("1.4.2"), None, "it carries no signature by `keys/cosign.pub`".into()));
    assert_eq!(
        selection.decision.reason,
        "it is the highest that `*` allows, signed by `keys/cosign.pub`; `1.4.3` is above it, and it carries no signature \
         by `keys/cosign.pub`"
    );
    assert!(selection.verdicts.iter().any(|verdict| verdict.rule == "signed_by"));
}

#[test]
fn an_unsigned_tag_waits_for_its_signature() {
    let selection = one_key(&[("1.4.1", Some(Signed::Yes)), ("1.4.2", Some(Signed::No))]);
    let (chosen, waiting, _) = said(&selection);
    assert_eq!((chosen, waiting), (Some("1.4.1"), Some(("1.4.2", GateKind::Signature))));
}

#[test]
fn what_nobody_looked_at_is_waited_for_and_nothing_below_it_is_chosen() {
    let tags = [("1.4.1", Some(Signed::Yes)), ("1.4.2", Some(Signed::Yes)), ("1.4.3", None)];
    let selection = one_key(&tags);
    let words = "nobody looked yet whether it is signed by `keys/cosign.pub`";
    assert_eq!(said(&selection), (None, Some(("1.4.3", GateKind::Signature)), words.into()));
    assert_eq!(selection.decision.reason, format!("`1.4.3` is above it: {words}"));
}

#[test]
fn a_verifier_that_cannot_decide_waits_with_its_reason() {
    let selection = one_key(&[("1.4.2", Some(Signed::Yes)), ("1.4.3", Some(undecided()))]);
    let words = "nobody can say whether it is signed by `keys/cosign.pub`: `ghcr.io` did not answer within 15 s";
    assert_eq!(said(&selection), (None, Some(("1.4.3", GateKind::Signature)), words.into()));
    // Below what is signed it keeps nothing back.
    let selection = one_key(&[("1.4.2", Some(undecided())), ("1.4.3", Some(Signed::Yes))]);
    assert_eq!(selection.decision.chosen, Some(tag("1.4.3")));
}

#[test]
fn one_of_several_keys_is_enough() {
    let policy = policy(&["a.pub", "b.pub"]);
    let chosen = |checks: &[(&str, Signed)]| {
        let selection = choose(&policy, None, &checked(&[("1.0.0", checks)]), &[]);
        (selection.decision.chosen.is_some(), selection.verdicts[0].reason.to_string())
    };
    assert!(chosen(&[("a.pub", Signed::No), ("b.pub", Signed::Yes)]).0);
    assert!(chosen(&[("b.pub", Signed::Yes)]).0);
    let refused = "it carries no signature by `a.pub` or `b.pub`".to_owned();
    assert_eq!(chosen(&[("a.pub", Signed::No), ("b.pub", Signed::No)]), (false, refused));
    let open = "nobody looked yet whether it is signed by `a.pub` or `b.pub`".to_owned();
    assert_eq!(chosen(&[("a.pub", Signed::No)]), (false, open));
}

#[test]
fn a_check_of_another_key_counts_for_nothing() {
    let selection = choose(&policy(&[KEY]), None, &checked(&[("1.0.0", &[("other.pub", Signed::Yes)])]), &[]);
    assert_eq!(selection.decision.chosen, None);
}

#[test]
fn a_key_that_cannot_be_read_lets_nothing_through() {
    let policy = TagPolicy { signed_by: vec![Signer::of_key(KEY)], ..semver("*") };
    let selection = choose(&policy, None, &checked(&[("1.0.0", &[(KEY, Signed::Yes)])]), &[]);
    let words = "nothing counts as signed: `keys/cosign.pub` could not be read from the default branch";
    assert_eq!(said(&selection), (None, Some(("1.0.0", GateKind::Signature)), words.into()));
}

#[test]
fn what_is_looked_for_is_what_would_be_chosen_the_greatest_first() {
    // Not below what runs; what was unsigned is looked at again while it would be chosen.
    let tags = [
        ("1.4.0", None),
        ("1.4.1", Some(Signed::Yes)),
        ("1.4.2", Some(Signed::No)),
        ("1.4.3", Some(Signed::Yes)),
        ("1.4.4", Some(Signed::No)),
        ("1.4.5", None),
        ("1.4.6", Some(undecided())),
    ];
    assert_eq!(looked_for(&tags), ["1.4.5", "1.4.6", "1.4.4"]);
    let many: Vec<String> = (0..100).map(|number| format!("1.5.{number}")).collect();
    let many: Vec<_> = many.iter().map(|text| (text.as_str(), None)).collect();
    let found = looked_for(&many);
    assert_eq!((found.len(), found[0].as_str()), (limit::MAX_VERIFIED_TAGS, "1.5.99"));
}

#[test]
fn a_tag_that_is_taken_without_its_digest_was_seen_of_late() {
    let bare = Signer { tag_only: true, id: Some(SignerId::of_path(KEY)), ..Signer::of_key(KEY) };
    let policy = TagPolicy { signed_by: vec![bare], ..semver("*") };
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let unseen = |policy: &TagPolicy, seen_at: Option<DateTime<Utc>>| {
        let info = TagInfo { seen_at, ..checked(&[("1.4.2", &[(KEY, Signed::Yes)])]).tags.remove(0) };
        CompiledPolicy::new(policy).unwrap().unseen(&info, now)
    };
    assert_eq!(unseen(&policy, Some(now - limit::MAX_BARE_AGE)), None);
    let waits = "it was signed by `keys/cosign.pub`, and nobody saw since 1970-01-01 22:59 UTC whether it still names that \
                 image";
    let long_ago = now - limit::MAX_BARE_AGE - TimeDelta::minutes(1);
    assert_eq!(unseen(&policy, Some(long_ago)).as_deref(), Some(waits));
    assert!(unseen(&policy, None).is_some(), "of which nobody says when it was seen");
    // What is written with its digest is what was verified, however long ago.
    assert_eq!(unseen(&TagPolicy { pin_digest: true, ..policy.clone() }, None), None);

    // Each scan sees the few that would be taken, however many are signed.
    let names: Vec<String> = (0..100).map(|number| format!("1.5.{number}")).collect();
    let tags: Vec<_> = names.iter().map(|text| (text.as_str(), [(KEY, Signed::Yes)])).collect();
    let tags: Vec<_> = tags.iter().map(|(text, checks)| (*text, checks.as_slice())).collect();
    let (list, current) = (checked(&tags), tag("1.4.1"));
    let current = Some(Standing::new(Some(&current), None));
    let situation = Situation { current, tags: &list, barred: &[], companions: &[], now };
    assert_eq!(CompiledPolicy::new(&policy).unwrap().taken_bare(&situation), [tag("1.5.99")]);
}

#[test]
fn what_a_promotion_may_name_is_looked_at_although_what_runs_has_no_place() {
    let list = checked(&[("1.4.2", &[]), ("1.4.3", &[])]);
    let (policy, current) = (CompiledPolicy::new(&policy(&[KEY])).unwrap(), tag("main"));
    let current = Some(Standing::new(Some(&current), None));
    let situation = Situation { current, tags: &list, barred: &[], companions: &[], now: DateTime::UNIX_EPOCH };
    assert_eq!(policy.unverified(&situation, &[]), []);
    assert_eq!(policy.unverified(&situation, &[tag("1.4.2")]), [tag("1.4.2")]);
}

#[test]
fn of_a_tag_that_is_followed_the_new_image_waits_for_its_signature() {
    let list = |digit: char| {
        let mut list = checked(&[("latest", &[(KEY, Signed::No)])]);
        list.tags[0].digest = Some(image(digit));
        list.tags[0].platforms = Some(Vec::new());
        list
    };
    let followed = TagPolicy { semver: None, digest: Some("latest".into()), ..policy(&[KEY]) };
    let waiting = |standing: Option<char>| {
        let (policy, current, list) = (CompiledPolicy::new(&followed).unwrap(), tag("latest"), list('2'));
        let standing = standing.map(image);
        let current = Some(Standing::new(Some(&current), standing.as_ref()));
        let situation = Situation { current, tags: &list, barred: &[], companions: &[], now: DateTime::UNIX_EPOCH };
        policy.decide(&situation).waiting.map(|waiting| (waiting.tag.to_string(), waiting.gate))
    };
    let waits = Some(("latest".to_owned(), GateKind::Signature));
    assert_eq!((waiting(Some('1')), waiting(None)), (waits.clone(), waits));
    assert_eq!(waiting(Some('2')), None, "what stands stays");
}

#[test]
fn what_certainly_does_not_count_as_signed_is_refused_and_nothing_else() {
    let refused = |policy: &TagPolicy, signed: Option<Signed>, digest: Option<char>| {
        let checks: Vec<(&str, Signed)> = signed.into_iter().map(|signed| (KEY, signed)).collect();
        let mut list = checked(&[("1.4.2", &checks)]);
        list.tags[0].digest = Some(image('2'));
        let policy = CompiledPolicy::new(policy).unwrap();
        policy.refuses(&tag("1.4.2"), digest.map(image).as_ref(), Some(&list)).is_some()
    };
    let keyed = policy(&[KEY]);
    assert!(refused(&keyed, Some(Signed::No), None) && refused(&keyed, Some(Signed::No), Some('2')));
    assert!(!refused(&keyed, Some(Signed::No), Some('1')), "of the other image nothing is known");
    for open in [Some(Signed::Yes), Some(undecided()), None] {
        assert!(!refused(&keyed, open, Some('2')));
    }
    let keyless = TagPolicy { signed_by: vec![Signer::of_key(KEY)], ..semver("*") };
    assert!(refused(&keyless, Some(Signed::Yes), Some('1')), "whatever the image");
    assert!(!refused(&semver("*"), Some(Signed::No), None));
}

/// The tags above 1.4.1 whose signatures are looked for.
fn looked_for(tags: &[(&str, Option<Signed>)]) -> Vec<String> {
    looked_for_again(tags, &[])
}

fn looked_for_again(tags: &[(&str, Option<Signed>)], due: &[&str]) -> Vec<String> {
    let tags: Vec<(&str, Vec<(&str, Signed)>)> = tags
        .iter()
        .map(|(text, signed)| (*text, signed.iter().map(|signed| (KEY, signed.clone())).collect()))
        .collect();
    let tags: Vec<_> = tags.iter().map(|(text, checks)| (*text, checks.as_slice())).collect();
    let (list, current) = (checked(&tags), tag("1.4.1"));
    let policy = CompiledPolicy::new(&policy(&[KEY])).unwrap();
    let current = Some(Standing::new(Some(&current), None));
    let situation = Situation { current, tags: &list, barred: &[], companions: &[], now: DateTime::UNIX_EPOCH };
    let due: Vec<Tag> = due.iter().copied().map(tag).collect();
    policy.unverified(&situation, &due).iter().map(ToString::to_string).collect()
}

#[test]
fn scan_after_scan_comes_down_to_the_signed_tag_however_many_above_it_are_not() {
    let names: Vec<String> = (0..60).map(|number| format!("1.5.{number}")).collect();
    let mut tags: Vec<(&str, Option<Signed>)> = names.iter().map(|text| (text.as_str(), None)).collect();
    let mut rounds = 0;
    while one_key(&tags).decision.chosen != Some(tag("1.5.0")) {
        rounds += 1;
        assert!(rounds <= 5, "{tags:?}");
        for looked_at in looked_for(&tags) {
            let signed = if looked_at == "1.5.0" { Signed::Yes } else { Signed::No };
            tags.iter_mut().find(|(text, _)| *text == looked_at).unwrap().1 = Some(signed);
        }
    }
    // What was refused keeps a share beside what is new, and comes again when it is due.
    assert!(looked_for(&tags).len() == limit::MAX_VERIFIED_TAGS && !looked_for(&tags).contains(&"1.5.1".to_owned()));
    assert!(looked_for_again(&tags, &["1.5.1", "1.4.0"]).ends_with(&["1.5.1".to_owned()]));
    let new: Vec<String> = (0..40).map(|number| format!("1.6.{number}")).collect();
    tags.extend(new.iter().map(|text| (text.as_str(), None)));
    let found = looked_for(&tags);
    let again = found.iter().filter(|text| text.starts_with("1.5.")).count();
    assert_eq!((found.len(), again), (limit::MAX_VERIFIED_TAGS, limit::MAX_VERIFIED_TAGS / 4));
}

#[test]
fn what_was_verified_is_written_unless_the_rule_takes_the_tag_alone() {
    let alone = |tag_only: &[bool]| {
        let signer = |tag_only: &bool| Signer { tag_only: *tag_only, ..Signer::of_key(KEY) };
        TagPolicy { signed_by: tag_only.iter().map(signer).collect(), ..semver("*") }.writes_digest(None)
    };
    assert!(alone(&[false]));
    assert!(alone(&[true, false]));
    assert!(!alone(&[true]));
}
