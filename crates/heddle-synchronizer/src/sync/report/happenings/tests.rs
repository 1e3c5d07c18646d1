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

fn notes(all: Vec<Happening>) -> Vec<String> {
    all.into_iter().map(|told| format!("{}: {}", told.reason, told.note)).collect()
}

/// What is told of what a run did, as `reason: note`.
fn told_done(what: &Done, healed: &[DriftReport]) -> Vec<String> {
    notes(done(what, &good().revision, &healed.iter().collect::<Vec<_>>()))
}

#[test]
fn what_was_done_is_told_and_nothing_where_nothing_was_done() {
    assert!(told_done(&Done::default(), &[]).is_empty());
    let applied = Done { applied: 3, ..Done::default() };
    assert_eq!(told_done(&applied, &[]), ["Applied: applied 3 objects of aaaaaaa"]);
    let pruned = Done { deleted: 2, ..Done::default() };
    assert_eq!(told_done(&pruned, &[]), ["Pruned: deleted 2 objects that left the path"]);
    let key = ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: Some("shop".into()), name: "a".into() };
    let kept = Done { kept: vec![Spared { key, reason: "its `x` says so".into() }], ..Done::default() };
    let note = "Kept: ConfigMap shop/a left the path and stays: its `x` says so; no Sync has it any more";
    assert_eq!(told_done(&kept, &[]), [note]);
}

#[test]
fn a_fault_is_told_when_it_is_new() {
    let failed = |message| Compared { errors: vec![error(message)], ..good() };
    let told = |compared: &Compared, before: Option<&Compared>| notes(found(compared, before));
    assert!(told(&good(), None).is_empty());
    let note = "Failed: 1 errors in aaaaaaa, the first: ConfigMap shop/a: it is refused";
    assert_eq!(told(&failed("it is refused"), None), [note]);
    assert!(told(&failed("it is refused"), Some(&failed("it is refused"))).is_empty());
    assert_eq!(told(&failed("it is refused"), Some(&failed("it is misspelt"))), [note]);
    let stopped = Stopped { plan: "abc".into(), reason: "it is large".into(), objects: Vec::new() };
    let stopped = || Compared { pruned: Pruned::Stopped(stopped.clone()), ..good() };
    assert_eq!(told(&stopped(), None), ["PruneStopped: stopped: it is large"]);
    assert!(told(&stopped(), Some(&stopped())).is_empty());
}

#[test]
fn a_healed_drift_is_told_with_who_and_what_and_of_many_their_number() {
    let healed = |count| Done { applied: count, healed: count, ..Done::default() };
    let one = "DriftHealed: Deployment shop/a was changed by kubectl-scale and put back (spec.replicas)";
    assert_eq!(told_done(&healed(1), &[drift("Deployment shop/a")]), [one]);
    let many = vec![drift("Deployment shop/a"); ONE_BY_ONE + 1];
    assert_eq!(told_done(&healed(4), &many), ["DriftHealed: 4 objects were changed by others and put back"]);
}
