use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    change::{Gate, GateKind},
    id::ClusterId,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn rollout(number: u128) -> RolloutKey {
    let sync = SyncName { namespace: "heddle-system".into(), name: "shop".into() };
    RolloutKey { cluster: ClusterId(Uuid::from_u128(number)), sync }
}

fn revision() -> Revision {
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap()
}

fn fact(seconds: i64, kind: FactKind) -> Fact {
    Fact { kind, at: at(seconds), clock: Clock::Fine, seen_at: at(seconds + 1) }
}

fn millis(at: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(at)
}

/// What a source says that counts whole seconds, heard of at this millisecond.
fn coarse(seconds: i64, seen_at: i64, kind: FactKind) -> Fact {
    Fact { kind, at: at(seconds), clock: Clock::WholeSeconds, seen_at: millis(seen_at) }
}

fn proposed() -> FactKind {
    FactKind::Proposed { proposal: ProposalRef::PullRequest { number: 41, url: "https://host/41".into() } }
}

fn merged() -> FactKind {
    FactKind::Merged { revision: revision(), by: Some("ada".into()) }
}

fn applied(number: u128) -> FactKind {
    FactKind::Applied { rollout: rollout(number), revision: revision() }
}

fn failed(number: u128, message: &str) -> FactKind {
    FactKind::ApplyFailed { rollout: rollout(number), revision: revision(), message: message.into() }
}

fn health(number: u128, status: HealthStatus) -> FactKind {
    let reason = (status != HealthStatus::Healthy).then(|| "pod api-0: CrashLoopBackOff".to_owned());
    FactKind::Health { rollout: rollout(number), status, reason }
}

fn gated(kind: GateKind, until: Option<i64>) -> FactKind {
    FactKind::Gated { gate: Gate { kind, reason: "frozen: holidays".into(), until: until.map(at) } }
}

/// The line as the terminal draws it, its times, its end and its reason.
#[track_caller]
fn check(rollouts: Option<&[u128]>, facts: &[Fact], expected: &str) {
    let rollouts = rollouts.map(|numbers| numbers.iter().copied().map(rollout).collect());
    let line = line(&History { rollouts, facts: facts.to_vec(), unread: None }, at(1000));
    assert_eq!(draw(&line), expected);
}

fn draw(line: &Line) -> String {
    let knots: Vec<String> = line
        .knots
        .iter()
        .map(|knot| {
            let sign = match knot.state {
                KnotState::Done => "●",
                KnotState::Moving => "◐",
                KnotState::Waiting => "◎",
                KnotState::Failed => "■",
                KnotState::NotYet => "○",
            };
            let time = knot.at.map(|at| at.timestamp().to_string()).unwrap_or_default();
            format!("{sign}{time}{}", if knot.inferred { "?" } else { "" })
        })
        .collect();
    let end = line.end.map(|end| format!(" {end:?}@{}", line.ended_at.unwrap().timestamp())).unwrap_or_default();
    let reason = line.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{}{end}{reason}", knots.join(" "))
}

fn whole_way() -> Vec<Fact> {
    vec![
        fact(1, FactKind::Pushed),
        fact(2, proposed()),
        fact(3, merged()),
        fact(4, applied(1)),
        fact(5, health(1, HealthStatus::Progressing)),
        fact(6, health(1, HealthStatus::Healthy)),
    ]
}

#[test]
fn a_change_goes_through_five_stations() {
    let facts = whole_way();
    check(None, &facts[..0], "○ ○ ○ ○ ○");
    check(None, &facts[..1], "●1 ◐ ○ ○ ○");
    check(None, &facts[..2], "●1 ●2 ◎ ○ ○ (waits for #41 to be merged)");
    check(Some(&[1]), &facts[..3], "●1 ●2 ●3 ◐ ○");
    check(Some(&[1]), &facts[..4], "●1 ●2 ●3 ●4 ◐");
    check(Some(&[1]), &facts, "●1 ●2 ●3 ●4 ●6 Healthy@6");
}

#[test]
fn every_sync_must_have_it() {
    let mut facts = whole_way();
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ◐ ○");
    facts.push(fact(8, applied(2)));
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ●8 ◐");
    facts.push(fact(9, health(2, HealthStatus::Healthy)));
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ●8 ●9 Healthy@9");
}

#[test]
fn nothing_is_everywhere_before_the_syncs_are_known() {
    check(None, &whole_way(), "●1 ●2 ●3 ◐ ○");
}

#[test]
fn a_later_station_implies_the_earlier_ones_and_says_so() {
    check(Some(&[1]), &[fact(6, health(1, HealthStatus::Healthy))], "●6? ●6? ●6? ●6 ●6 Healthy@6");
    check(None, &[fact(3, merged())], "●3? ●3? ●3 ◐ ○");
    check(None, &[fact(3, FactKind::Declined { by: None })], "●3? ●3? ○ ○ ○ Declined@3");
    check(None, &[fact(3, FactKind::Reverted { revision: revision() })], "●3? ●3? ●3? ○ ○ Reverted@3");
    check(Some(&[1]), &[fact(3, failed(1, "x"))], "●3? ●3? ●3? ■ ○ (x)");
}

#[test]
fn a_clock_that_is_late_does_not_turn_the_line_around() {
    let mut facts = whole_way();
    facts[2].at = at(50);
    check(Some(&[1]), &facts, "●1 ●2 ●4? ●4 ●6 Healthy@6");
}

/// Milliseconds from station to station.
#[track_caller]
fn check_times(facts: &[Fact], expected: &[i64]) {
    let line = line(&History { rollouts: Some(vec![rollout(1)]), facts: facts.to_vec(), unread: None }, at(1000));
    let times: Vec<i64> = line.knots.iter().filter_map(|knot| knot.at).map(|at| at.timestamp_millis()).collect();
    assert_eq!(times, expected, "{}", draw(&line));
}

#[test]
fn within_a_second_that_its_source_does_not_divide_our_clock_counts() {
    let pushed = Fact { at: millis(1200), ..fact(1, FactKind::Pushed) };
    let proposed = coarse(1, 1650, proposed());
    check_times(&[pushed.clone(), proposed.clone(), coarse(2, 2340, merged())], &[1200, 1650, 2340]);
    // Heard of long after: it was over when its second was.
    check_times(&[pushed.clone(), proposed.clone(), coarse(2, 60_000, merged())], &[1200, 1650, 2999]);
    // A later station that is known better bounds it.
    let applied = Fact { at: millis(2500), ..fact(2, applied(1)) };
    check_times(&[pushed.clone(), proposed.clone(), coarse(2, 60_000, merged()), applied], &[1200, 1650, 2500, 2500]);
    // Our clock is behind its source's: the source is believed.
    check_times(&[pushed, proposed, coarse(3, 1700, merged())], &[1200, 1650, 3000]);
}

#[test]
fn a_gate_is_the_reason_until_it_opens() {
    let pushed = fact(1, FactKind::Pushed);
    check(None, &[pushed.clone(), fact(2, gated(GateKind::Freeze, None))], "●1 ◎ ○ ○ ○ (frozen: holidays)");
    check(None, &[pushed.clone(), fact(2, gated(GateKind::Freeze, Some(2000)))], "●1 ◎ ○ ○ ○ (frozen: holidays)");
    check(None, &[pushed.clone(), fact(2, gated(GateKind::Freeze, Some(900)))], "●1 ◐ ○ ○ ○");
    check(None, &[pushed.clone(), fact(2, gated(GateKind::Broken, None))], "●1 ■ ○ ○ ○ (frozen: holidays)");
    check(None, &[pushed.clone(), fact(2, gated(GateKind::Refused, None))], "●1 ■ ○ ○ ○ (frozen: holidays)");
    let branch = [pushed, fact(2, proposed()), fact(3, gated(GateKind::Branch, None))];
    check(None, &branch, "●1 ●2 ◎ ○ ○ (frozen: holidays)");
}

#[test]
fn the_worst_sync_gives_the_reason() {
    let mut facts = whole_way();
    facts.truncate(3);
    facts.push(fact(4, applied(1)));
    facts.push(fact(5, failed(2, "api.yaml:3: no such field")));
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ■ ○ (api.yaml:3: no such field)");
    facts.push(fact(6, applied(2)));
    facts.push(fact(7, health(1, HealthStatus::Degraded)));
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ●6 ■ (pod api-0: CrashLoopBackOff)");
    facts.push(fact(8, health(1, HealthStatus::Progressing)));
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ●6 ◐ (pod api-0: CrashLoopBackOff)");
}

#[test]
fn the_first_end_stays() {
    let mut facts = whole_way();
    facts.push(fact(7, FactKind::Reverted { revision: revision() }));
    facts.push(fact(8, health(1, HealthStatus::Degraded)));
    check(Some(&[1]), &facts, "●1 ●2 ●3 ●4 ●6 Healthy@6");
    facts.push(fact(5, FactKind::Superseded { by: "1.5.0".into() }));
    check(Some(&[1]), &facts, "●1 ●2 ●3 ●4 ●6 Superseded@5");
}

#[test]
fn a_place_that_no_cluster_follows_ends_at_the_merge() {
    check(Some(&[]), &whole_way()[..2], "●1 ●2 ◎ ○ ○ (waits for #41 to be merged)");
    check(Some(&[]), &whole_way()[..3], "●1 ●2 ●3 ○ ○ NoCluster@3");
}

#[test]
fn a_sync_that_is_skipped_or_gone_counts_no_more() {
    let skipped = |number, seconds| fact(seconds, FactKind::Skipped { rollout: rollout(number) });
    let gone = |number, seconds| fact(seconds, FactKind::RolloutRetired { rollout: rollout(number) });
    let mut facts = whole_way();
    facts.push(skipped(2, 7));
    check(Some(&[1, 2]), &facts, "●1 ●2 ●3 ●4 ●6 Healthy@6");
    check(Some(&[2]), &[fact(3, merged()), skipped(2, 7)], "●3? ●3? ●3 ○ ○ Superseded@7");
    check(Some(&[2]), &[fact(3, merged()), gone(2, 7)], "●3? ●3? ●3 ○ ○ Retired@7");
    check(Some(&[1]), &[fact(3, merged()), skipped(1, 4), fact(5, applied(1))], "●3? ●3? ●3 ●5 ◐");
}

#[test]
fn what_is_not_written_says_that_its_registry_is_not_read() {
    let unread = Some(Unread { reason: "ghcr.io does not know the login".into(), since: at(7) });
    let draw = |facts: &[Fact]| {
        draw(&line(&History { rollouts: None, facts: facts.to_vec(), unread: unread.clone() }, at(1000)))
    };
    let held = [fact(1, FactKind::Pushed), fact(2, gated(GateKind::Freeze, None))];
    assert_eq!(draw(&held), "●1 ■ ○ ○ ○ (ghcr.io does not know the login)");
    // What stands in a pull request goes on without the registry.
    assert_eq!(draw(&[fact(1, FactKind::Pushed), fact(2, proposed())]), "●1 ●2 ◎ ○ ○ (waits for #41 to be merged)");
}

#[test]
fn a_rollout_line_tells_its_own_story() {
    let history = History {
        rollouts: Some(vec![rollout(1), rollout(2)]),
        facts: vec![fact(3, merged()), fact(5, applied(1)), fact(6, failed(2, "forbidden"))],
        unread: None,
    };
    let line = line(&history, at(1000));
    assert_eq!(line.rollouts[0].applied.took_ms, Some(2000));
    assert_eq!(line.rollouts[0].healthy.state, KnotState::Moving);
    assert_eq!(line.rollouts[1].applied.state, KnotState::Failed);
    assert_eq!(line.rollouts[1].reason.as_deref(), Some("forbidden"));
}

fn any_kind() -> impl Strategy<Value = FactKind> {
    let status = prop_oneof![
        Just(HealthStatus::Healthy),
        Just(HealthStatus::Progressing),
        Just(HealthStatus::Degraded),
        Just(HealthStatus::Suspended)
    ];
    prop_oneof![
        Just(FactKind::Pushed),
        Just(proposed()),
        Just(merged()),
        Just(gated(GateKind::Freeze, None)),
        Just(gated(GateKind::Branch, Some(40))),
        Just(FactKind::Declined { by: None }),
        Just(FactKind::Reverted { revision: revision() }),
        Just(FactKind::Superseded { by: "1.5.0".into() }),
        (1..3u128).prop_map(applied),
        (1..3u128, "[ab]").prop_map(|(number, message)| failed(number, &message)),
        (1..3u128, status).prop_map(|(number, status)| health(number, status)),
        (1..3u128).prop_map(|number| FactKind::Skipped { rollout: rollout(number) }),
        (1..3u128).prop_map(|number| FactKind::RolloutRetired { rollout: rollout(number) }),
    ]
}

fn any_history() -> impl Strategy<Value = History> {
    let clock = prop_oneof![Just(Clock::Fine), Just(Clock::WholeSeconds)];
    let facts = proptest::collection::vec((0..20i64, clock, 0..22_000i64, any_kind()), 0..12);
    let rollouts = proptest::option::of(proptest::collection::btree_set(1..3u128, 0..3));
    (rollouts, facts).prop_map(|(rollouts, facts)| History {
        rollouts: rollouts.map(|numbers| numbers.into_iter().map(rollout).collect()),
        facts: facts
            .into_iter()
            .map(|(seconds, clock, seen_at, kind)| Fact { kind, at: at(seconds), clock, seen_at: millis(seen_at) })
            .collect(),
        unread: None,
    })
}

/// What must not change when a fact that a later one implies is lost.
fn outcome(line: &Line) -> (Vec<KnotState>, Option<End>) {
    (line.knots.iter().map(|knot| knot.state).collect(), line.end)
}

proptest! {
    #[test]
    fn order_and_repetition_make_no_difference(
        (history, shuffled) in any_history().prop_flat_map(|history| {
            let twice = history.facts.iter().cloned().chain(history.facts.iter().cloned().map(|mut again| {
                again.seen_at += TimeDelta::seconds(30);
                again
            })).collect::<Vec<_>>();
            (Just(history), Just(twice).prop_shuffle())
        })
    ) {
        let first = line(&history, at(1000));
        let again = line(&History { rollouts: history.rollouts, facts: shuffled, unread: None }, at(1000));
        prop_assert_eq!(first, again);
    }

    #[test]
    fn times_never_run_backwards(history in any_history()) {
        let line = line(&history, at(1000));
        let times: Vec<_> = line.knots.iter().filter_map(|knot| knot.at).collect();
        prop_assert!(times.is_sorted(), "{}", draw(&line));
        let done = line.knots.iter().take_while(|knot| knot.state == KnotState::Done).count();
        prop_assert!(line.knots[done..].iter().all(|knot| knot.state != KnotState::Done), "{}", draw(&line));
    }

    /// Along the way of a change each fact is implied by those that come after it, but the last.
    #[test]
    fn the_loss_of_an_implied_fact_changes_times_only(lost in 0..5usize) {
        let facts = whole_way();
        let rollouts = Some(vec![rollout(1)]);
        let whole = line(&History { rollouts: rollouts.clone(), facts: facts.clone(), unread: None }, at(1000));
        let mut fewer = facts;
        fewer.remove(lost);
        let poorer = line(&History { rollouts, facts: fewer, unread: None }, at(1000));
        prop_assert_eq!(outcome(&whole), outcome(&poorer));
    }
}
