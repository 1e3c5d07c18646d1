use uuid::Uuid;

use super::*;
use crate::{id::ClusterId, name::SyncName};

fn at(second: i64) -> At {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn commit(digit: char) -> Revision {
    digit.to_string().repeat(40).try_into().unwrap()
}

fn pull(end: PullRequestFate) -> BringingPullRequest {
    BringingPullRequest {
        number: 7,
        title: "Raise the limit".into(),
        url: "https://example.org/7".into(),
        author: "ada".into(),
        base: "main".parse().unwrap(),
        opened_at: at(0),
        end,
    }
}

fn sync(name: &str) -> RevisionInSync {
    RevisionInSync {
        key: RolloutKey {
            cluster: ClusterId(Uuid::nil()),
            sync: SyncName { namespace: "heddle-system".into(), name: name.into() },
        },
        applied: None,
        healthy_at: None,
        now: SyncNow::default(),
    }
}

fn applied(name: &str, revision: char, second: i64, changed: Option<u64>) -> RevisionInSync {
    let applied = Some(AppliedRevision {
        revision: commit(revision),
        at: at(second),
        changed,
        is_inferred: false,
        is_health_known: true,
    });
    RevisionInSync { applied, ..sync(name) }
}

fn healthy(name: &str, revision: char, second: i64, healthy: i64) -> RevisionInSync {
    RevisionInSync { healthy_at: Some(at(healthy)), ..applied(name, revision, second, Some(1)) }
}

fn merged(syncs: Vec<RevisionInSync>) -> RevisionHistory {
    RevisionHistory { pull_request: None, merged: Some(("main".parse().unwrap(), Some(at(10)))), syncs }
}

/// The knots' states as letters, and how it ended or why it stands.
fn told(history: &RevisionHistory) -> String {
    let line = revision_line(&commit('a'), history);
    let knots: String = line
        .knots
        .iter()
        .map(|knot| match knot.state {
            KnotState::Done => 'D',
            KnotState::Moving => 'M',
            KnotState::Waiting => 'W',
            KnotState::Failed => 'F',
            KnotState::NotYet => '-',
        })
        .collect();
    let end = line.end.map(|end| format!("{end:?}")).or(line.reason).unwrap_or_default();
    format!("{knots} {end}").trim_end().to_owned()
}

#[test]
fn a_commit_is_healthy_when_every_sync_that_it_changes_is() {
    assert_eq!(told(&merged(vec![healthy("a", 'a', 12, 15), sync("b")])), "DDM-");
    let unwell = applied("b", 'a', 13, Some(2));
    assert_eq!(
        told(&merged(vec![healthy("a", 'a', 12, 15), unwell])),
        "DDDW how its objects are doing has not been seen yet"
    );
    let done = merged(vec![healthy("a", 'a', 12, 15), healthy("b", 'b', 13, 14)]);
    assert_eq!(told(&done), "DDDD Healthy");
    let line = revision_line(&commit('a'), &done);
    assert_eq!(line.knots[2].at, Some(at(13)));
    assert_eq!(line.knots[3].at, Some(at(15)));
    assert_eq!(line.syncs[0].contained_in, None);
    assert_eq!(line.syncs[1].contained_in, Some(commit('b')), "it never applied the commit by itself");
}

#[test]
fn a_sync_in_which_nothing_changes_holds_nothing_up() {
    let degraded = SyncNow { health: Some((HealthStatus::Degraded, None)), ..SyncNow::default() };
    let untouched = RevisionInSync { now: degraded, ..applied("b", 'a', 12, Some(0)) };
    assert_eq!(told(&merged(vec![healthy("a", 'a', 12, 15), untouched.clone()])), "DDDD Healthy");
    assert_eq!(told(&merged(vec![untouched])), "DDDD Unchanged");
    // Not known is not nothing.
    assert_eq!(
        told(&merged(vec![applied("a", 'a', 12, None)])),
        "DDDW how its objects are doing has not been seen yet"
    );
}

#[test]
fn what_keeps_a_sync_from_the_commit_is_said() {
    let with = |now| merged(vec![RevisionInSync { now, ..sync("a") }]);
    let silence = Some(("the agent of `west` has been silent".to_owned(), None));
    assert_eq!(told(&with(SyncNow { silence, ..SyncNow::default() })), "DDW- the agent of `west` has been silent");
    let suspended = SyncNow { is_suspended: true, ..SyncNow::default() };
    assert_eq!(told(&with(suspended)), "DDW- the Sync is suspended; take `spec.suspend` off to go on");
    let failure = Some("a.yaml:3: no such kind".to_owned());
    assert_eq!(told(&with(SyncNow { failure, ..SyncNow::default() })), "DDF- a.yaml:3: no such kind");
    let waits_for = Some("waits for Sync b".to_owned());
    assert_eq!(told(&with(SyncNow { waits_for, ..SyncNow::default() })), "DDW- waits for Sync b");
    let now =
        SyncNow { health: Some((HealthStatus::Degraded, Some("api: out of memory".into()))), ..SyncNow::default() };
    assert_eq!(told(&merged(vec![RevisionInSync { now, ..applied("a", 'a', 12, None) }])), "DDDF api: out of memory");
}

#[test]
fn a_sync_that_left_counts_only_where_it_had_been_healthy_with_the_commit() {
    let gone = SyncNow { left: Some(Left::Gone), ..SyncNow::default() };
    let moved_on = SyncNow { left: Some(Left::MovedOn), ..SyncNow::default() };
    assert_eq!(told(&merged(vec![RevisionInSync { now: gone.clone(), ..sync("a") }])), "DD-- NoSync");
    assert_eq!(told(&merged(vec![RevisionInSync { now: gone.clone(), ..healthy("a", 'a', 12, 14) }])), "DDDD Healthy");
    assert_eq!(told(&merged(vec![])), "DD-- NoSync");
    // A preview that was deleted while it rolled out waits for nobody.
    let left = |now: &SyncNow| RevisionInSync { now: now.clone(), ..applied("b", 'a', 12, Some(1)) };
    let beside = merged(vec![healthy("a", 'a', 12, 15), left(&gone)]);
    assert_eq!(told(&beside), "DDDD Healthy");
    let line = revision_line(&commit('a'), &beside);
    let reason = "the Sync was gone, or followed something else, before it was seen healthy";
    assert_eq!((line.syncs[1].left_out, line.syncs[1].reason.as_deref()), (true, Some(reason)));
    assert_eq!(line.syncs[1].applied.at, Some(at(12)), "what it did before is told");
    let untouched = applied("a", 'a', 12, Some(0));
    for now in [gone, moved_on] {
        assert_eq!(told(&merged(vec![left(&now)])), "DD-- Left");
        assert_eq!(
            told(&merged(vec![left(&now), untouched.clone()])),
            "DDDD Left",
            "where it changed something it is gone"
        );
        // Not kept is not unhealthy.
        let mut unkept = left(&now);
        unkept.applied.as_mut().unwrap().is_health_known = false;
        let line = revision_line(&commit('a'), &merged(vec![unkept]));
        let reason = line.syncs[0].reason.as_ref().unwrap();
        assert!(reason.ends_with("since; whether it was healthy was not kept then"), "{reason}");
    }
}

/// Whatever a Sync says now: a line that has not ended says what it waits for, but for one that is about to be applied.
#[test]
fn no_line_stays_without_an_end_or_a_reason() {
    use HealthStatus::{Degraded, Healthy, Missing, Progressing, Suspended, Terminating, Unknown};
    let verdicts = [Healthy, Progressing, Degraded, Suspended, Missing, Terminating, Unknown];
    let health = verdicts.into_iter().map(|status| Some((status, None))).chain([None]);
    for health in health {
        for left in [None, Some(Left::Gone), Some(Left::MovedOn)] {
            for changed in [None, Some(0), Some(1)] {
                let now = SyncNow { left, health: health.clone(), ..SyncNow::default() };
                let here = RevisionInSync { now, ..applied("a", 'a', 12, changed) };
                for syncs in [vec![here.clone()], vec![healthy("b", 'a', 12, 14), here.clone()]] {
                    let line = revision_line(&commit('a'), &merged(syncs));
                    assert!(line.end.is_some() || line.reason.is_some(), "{:?} with {line:?}", here.now);
                }
            }
        }
    }
}

#[test]
fn what_is_not_merged_says_what_brings_it() {
    let of = |pull_request| RevisionHistory { pull_request, merged: None, syncs: vec![] };
    assert_eq!(told(&of(Some(pull(PullRequestFate::Open)))), "DW-- waits for #7 to be merged");
    assert_eq!(told(&of(Some(pull(PullRequestFate::Closed { at: None })))), "D--- Declined");
    let elsewhere = pull(PullRequestFate::Merged { revision: commit('c'), at: at(5) });
    assert_eq!(told(&of(Some(elsewhere))), "DW-- #7 was merged into `main`, which no environment follows");
    let alone = "DW-- no branch that an environment follows carries it, and no pull request brings it";
    assert_eq!(told(&of(None)), alone);
}

#[test]
fn the_hosts_word_says_when_a_pull_request_was_opened_and_merged() {
    let fate = PullRequestFate::Merged { revision: commit('a'), at: at(8) };
    let history = RevisionHistory { pull_request: Some(pull(fate)), ..merged(vec![applied("a", 'a', 12, Some(1))]) };
    let line = revision_line(&commit('a'), &history);
    let times: Vec<_> = line.knots.iter().map(|knot| knot.at).collect();
    assert_eq!(times, [Some(at(0)), Some(at(8)), Some(at(12)), None]);
    assert_eq!(line.knots[1].took_ms, Some(8_000));
    assert!(!line.knots[0].inferred);
    let direct = revision_line(&commit('a'), &merged(vec![]));
    assert_eq!((direct.knots[0].at, direct.knots[0].inferred), (Some(at(10)), true), "a push and its merge are one");
}
