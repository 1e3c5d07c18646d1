use heddle_reconcile::{GroupKind, ObjectKey, Spared, Stopped};
use heddle_wire::agent::SyncError;

use super::{super::conditions::tests::good, *};

fn error(message: &str) -> SyncError {
    SyncError { file: None, line: None, object: Some("ConfigMap shop/a".into()), message: message.into() }
}

fn drift(object: &str) -> DriftReport {
    let at = "2026-11-24T01:00:00Z".parse().unwrap();
    let (manager, fields) = (Some("kubectl-scale".into()), vec!["spec.replicas".into()]);
    DriftReport { object: object.into(), manager, fields, at, healed_at: Some(at) }
}

/// What is told of a run that came to `compared`, as `reason: note`.
fn told(compared: &Compared, before: Option<&Compared>, healed: &[DriftReport]) -> Vec<String> {
    let all = happenings(compared, before, &healed.iter().collect::<Vec<_>>());
    all.into_iter().map(|told| format!("{}: {}", told.reason, told.note)).collect()
}

#[test]
fn what_was_done_is_told_and_nothing_where_nothing_was_done() {
    let idle = || Compared { applied: 0, ..good() };
    assert_eq!(told(&good(), None, &[]), ["Applied: applied 3 objects of aaaaaaa"]);
    assert!(told(&idle(), Some(&good()), &[]).is_empty());
    let pruned = Compared { deleted: 2, ..idle() };
    assert_eq!(told(&pruned, None, &[]), ["Pruned: deleted 2 objects that left the path"]);
    let key = ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: Some("shop".into()), name: "a".into() };
    let kept = Compared { kept: vec![Spared { key, reason: "its `x` says so".into() }], ..idle() };
    let note = "Kept: ConfigMap shop/a left the path and stays: its `x` says so; no Sync has it any more";
    assert_eq!(told(&kept, None, &[]), [note]);
}

#[test]
fn a_fault_is_told_when_it_is_new() {
    let failed = |message| Compared { applied: 0, errors: vec![error(message)], ..good() };
    let note = "Failed: 1 errors in aaaaaaa, the first: ConfigMap shop/a: it is refused";
    assert_eq!(told(&failed("it is refused"), None, &[]), [note]);
    assert!(told(&failed("it is refused"), Some(&failed("it is refused")), &[]).is_empty());
    assert_eq!(told(&failed("it is refused"), Some(&failed("it is misspelt")), &[]), [note]);
    let stopped = Stopped { plan: "abc".into(), reason: "it is large".into(), objects: Vec::new() };
    let stopped = || Compared { applied: 0, pruned: Pruned::Stopped(stopped.clone()), ..good() };
    assert_eq!(told(&stopped(), None, &[]), ["PruneStopped: stopped: it is large"]);
    assert!(told(&stopped(), Some(&stopped()), &[]).is_empty());
}

#[test]
fn a_healed_drift_is_told_with_who_and_what_and_of_many_their_number() {
    let healed = |count| Compared { applied: count, ..good() };
    let one = "DriftHealed: Deployment shop/a was changed by kubectl-scale and put back (spec.replicas)";
    assert_eq!(told(&healed(1), None, &[drift("Deployment shop/a")]), [one]);
    let many = vec![drift("Deployment shop/a"); ONE_BY_ONE + 1];
    assert_eq!(told(&healed(4), None, &many), ["DriftHealed: 4 objects were changed by others and put back"]);
}
