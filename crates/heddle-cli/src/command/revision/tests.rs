use heddle_core::{
    id::ClusterId,
    name::SyncName,
    pipeline::{Knot, RolloutKey, Station},
};

use super::*;

fn nothing() -> WhereView {
    WhereView { found: vec![], unplaced: vec![], looking: vec![], absent: vec![], unasked: vec![] }
}

#[test]
fn it_is_nothing_only_where_all_was_looked_through() {
    let config = || vec!["acme/config".parse().unwrap()];
    assert_eq!(exit(&WhereView { absent: config(), ..nothing() }), Exit::Nothing);
    assert_eq!(exit(&nothing()), Exit::Nothing, "no repository is connected");
    assert_eq!(exit(&WhereView { looking: config(), ..nothing() }), Exit::Away);
    assert_eq!(exit(&WhereView { absent: config(), unasked: config(), ..nothing() }), Exit::Away);
    let elsewhere = UnplacedRevision {
        repository_url: "git.example.org/acme/other".parse().unwrap(),
        repository: None,
        branch: "main".parse().unwrap(),
        revision: "a".repeat(40).parse().unwrap(),
        note: String::new(),
        syncs: vec![],
    };
    assert_eq!(exit(&WhereView { unplaced: vec![elsewhere], looking: config(), ..nothing() }), Exit::Done);
}

#[test]
fn what_several_commits_changed_at_once_is_said_to_be_of_all() {
    let knot = |station| Knot { station, state: KnotState::Done, at: Some(Utc::now()), inferred: false, took_ms: None };
    let line = |changed, by: Option<&str>| RevisionSyncLine {
        sync: RolloutKey {
            cluster: ClusterId(uuid::Uuid::nil()),
            sync: SyncName { namespace: "heddle-system".into(), name: "prod".into() },
        },
        applied: knot(Station::Applied),
        healthy: knot(Station::Healthy),
        contained_in: by.map(|digit| digit.repeat(40).parse().unwrap()),
        changed,
        reason: None,
        left_out: false,
    };
    assert_eq!(changes(&line(Some(1), None)), "1 object");
    assert_eq!(changes(&line(Some(4), Some("b"))), "4 objects, with what came with it");
    assert_eq!(changes(&line(Some(0), Some("b"))), "nothing, with what came with it");
    assert_eq!(changes(&line(None, Some("b"))), "not known");
}
