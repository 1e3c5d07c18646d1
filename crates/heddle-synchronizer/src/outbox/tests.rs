use heddle_core::health::HealthStatus;

use heddle_wire::agent::{Follows, Observed, Source};

use super::*;

fn agent() -> AgentInfo {
    AgentInfo { version: "0".into(), kubernetes_version: "v1".into(), started_at: Utc::now() }
}

fn open(dir: &tempfile::TempDir) -> Outbox {
    Outbox::open(dir.path(), agent()).unwrap()
}

fn name() -> SyncName {
    SyncName { namespace: "heddle-system".into(), name: "shop".into() }
}

fn source() -> Source {
    Source { repository: "https://example.org/a/b".parse().unwrap(), branch: "main".parse().unwrap(), path: "".into() }
}

fn fact(revision: char, what: Deploy) -> DeployFact {
    let revision = revision.to_string().repeat(40).parse().unwrap();
    DeployFact { sync: name(), source: source(), at: Utc::now(), revision, what }
}

fn applied(revision: char) -> DeployFact {
    fact(revision, Deploy::Applied { images: vec![] })
}

fn revisions(report: &Report) -> String {
    report.facts.iter().map(|fact| &fact.revision.as_str()[..1]).collect()
}

fn state(objects: u64) -> SyncReport {
    SyncReport {
        sync: name(),
        follows: Follows::Readable(source()),
        suspended: false,
        applied_revision: None,
        attempted_revision: None,
        fetched_at: None,
        conditions: vec![],
        errors: vec![],
        observed: Some(Observed { health: HealthStatus::Healthy, objects, workloads: vec![] }),
        drifts: vec![],
        stopped_prune: None,
    }
}

#[test]
fn facts_keep_their_order_and_a_repeated_one_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(&dir);
    for revision in ['a', 'a', 'b', 'a'] {
        outbox.tell_fact(applied(revision)).unwrap();
    }
    assert_eq!(revisions(&outbox.next_report().unwrap()), "aba");
}

#[test]
fn a_report_that_was_not_acknowledged_is_sent_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(&dir);
    outbox.tell_fact(applied('a')).unwrap();
    let first = outbox.next_report().unwrap();
    outbox.tell_fact(applied('b')).unwrap();
    assert_eq!(outbox.next_report().unwrap(), first);
    drop(outbox);

    let outbox = open(&dir);
    assert_eq!(outbox.next_report().unwrap(), first);
    outbox.acknowledge(first.sequence).unwrap();
    let second = outbox.next_report().unwrap();
    assert_eq!((second.epoch, second.sequence, revisions(&second).as_str()), (first.epoch, 2, "b"));
}

#[test]
fn of_states_only_the_newest_is_told_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(&dir);
    outbox.tell_state(state(1));
    outbox.tell_state(state(2));
    let report = outbox.next_report().unwrap();
    assert_eq!(report.syncs, [state(2)]);
    assert!(report.present.is_none());
    outbox.acknowledge(1).unwrap();
    outbox.tell_state(state(2));
    assert!(!outbox.has_news());
    assert!(outbox.next_report().unwrap().syncs.is_empty());
}

#[test]
fn a_report_is_complete_only_when_every_sync_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(&dir);
    outbox.tell_state(state(1));
    assert!(outbox.next_report().unwrap().present.is_none());
    outbox.acknowledge(1).unwrap();
    outbox.know_all([name()].into());
    let report = outbox.next_report().unwrap();
    assert_eq!((report.present, report.syncs.len()), (Some(vec![name()]), 1));
    outbox.acknowledge(2).unwrap();
    outbox.forget(&name());
    let report = outbox.next_report().unwrap();
    assert_eq!((report.present, report.syncs.len()), (Some(vec![]), 0));
}

#[test]
fn a_damaged_file_begins_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let before = open(&dir).next_report().unwrap();
    fs::write(dir.path().join("outbox.json"), "{").unwrap();
    let after = open(&dir).next_report().unwrap();
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(after.sequence, 1);
}
