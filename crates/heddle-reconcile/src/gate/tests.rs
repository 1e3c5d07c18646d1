use super::*;
use crate::{
    GroupKind, Hook, HookEnd, Inventory, InventoryEntry, Live, LiveObject, ObjectKey, Order, Scope, ended_hooks,
    hook_manifest, plan, run_of,
};

const DONE: Progress = Progress::Done;
const RUNS: Progress = Progress::Underway { is_stuck: false };
const STUCK: Progress = Progress::Underway { is_stuck: true };

fn key(name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("batch/v1", "Job"), namespace: Some("shop".into()), name: name.into() }
}

fn object(name: &str, order: Order) -> DesiredObject {
    DesiredObject {
        key: key(name),
        api_version: "batch/v1".into(),
        manifest: name.into(),
        defines: None,
        may_vanish: false,
        order,
    }
}

fn hook(phase: Phase) -> Order {
    Order { phase, hook: Some(Hook::default()), ..Order::default() }
}

fn wave(wave: i32) -> Order {
    Order { wave, ..Order::default() }
}

/// What is applied and what waits, step by step, with `states` by name; what is not named there is done.
fn run(
    wanted: &[DesiredObject],
    inventory: &Inventory,
    states: &[(&str, Progress)],
) -> (Vec<String>, Vec<(String, Why)>) {
    let planned = plan(wanted, inventory, &Live::default(), &Scope::default());
    let (mut applied, mut waiting) = (Vec::new(), Vec::new());
    let name = |index: usize| wanted[index].key.name.clone();
    for step in &planned.steps {
        let held: Vec<usize> = waiting.iter().map(|(index, _)| *index).collect();
        let opened = planned.open(step, wanted, |index| {
            if held.contains(&index) {
                return Progress::NotApplied;
            }
            states.iter().find(|(other, _)| *other == wanted[index].key.name).map_or(DONE, |(_, state)| *state)
        });
        applied.extend(opened.ready.iter().map(|apply| name(apply.index)));
        waiting.extend(opened.waiting.iter().map(|waiting| (waiting.index, waiting.why)));
    }
    (applied, waiting.into_iter().map(|(index, why)| (name(index), why)).collect())
}

#[test]
fn nothing_waits_where_nobody_asked_for_it() {
    let wanted = [object("a", Order::default()), object("b", Order::default())];
    let (applied, waiting) = run(&wanted, &Inventory::default(), &[("a", Progress::Broken), ("b", STUCK)]);
    assert_eq!((applied.len(), waiting), (2, vec![]));
}

#[test]
fn each_wave_waits_until_all_earlier_ones_are_healthy_and_names_the_worst() {
    let wanted = [object("db", wave(-1)), object("cache", wave(-1)), object("api", wave(0)), object("late", wave(1))];
    let check = |states: &[(&str, Progress)], on: usize| {
        let (applied, waiting) = run(&wanted, &Inventory::default(), states);
        assert_eq!(applied, ["cache", "db"]);
        assert_eq!(waiting[0], ("api".into(), Why::Awaits(on)), "{states:?}");
        assert_eq!(waiting[1].0, "late");
    };
    check(&[("db", RUNS)], 0);
    check(&[("cache", STUCK)], 1);
    check(&[("db", RUNS), ("cache", STUCK)], 1);
    check(&[("db", Progress::Broken), ("cache", Progress::NotApplied)], 0);
    check(&[("db", Progress::NotApplied), ("cache", STUCK)], 0);
    let (applied, waiting) = run(&wanted, &Inventory::default(), &[]);
    assert_eq!((applied.len(), waiting), (4, vec![]));
}

#[test]
fn what_waits_holds_the_next_wave_up_too() {
    let wanted = [object("db", wave(-1)), object("api", wave(0)), object("late", wave(1))];
    let (_, waiting) = run(&wanted, &Inventory::default(), &[("db", RUNS)]);
    // The object that is farthest from being healthy: `api` is not even applied.
    assert_eq!(waiting, [("api".into(), Why::Awaits(0)), ("late".into(), Why::Awaits(1))]);
}

#[test]
fn what_depends_on_waits_for_health_and_what_comes_after_for_the_apply_alone() {
    let awaits = Order { awaited: vec![key("db"), key("elsewhere")], ..Order::default() };
    let after = Order { after: vec![key("db")], ..Order::default() };
    let wanted = [object("db", Order::default()), object("api", awaits), object("hook", after)];
    let (applied, waiting) = run(&wanted, &Inventory::default(), &[("db", RUNS)]);
    assert_eq!((applied, waiting), (vec!["db".into(), "hook".into()], vec![("api".into(), Why::Awaits(0))]));
    let (applied, waiting) = run(&wanted, &Inventory::default(), &[("db", Progress::NotApplied)]);
    assert_eq!(applied, ["db"]);
    assert_eq!(waiting, [("api".into(), Why::Needs(0)), ("hook".into(), Why::Needs(0))]);
}

#[test]
fn hooks_run_before_and_after_the_rest_and_what_is_left_out_of_a_success_waits_for_a_failure() {
    let wanted = [
        object("migrate", hook(Phase::PreSync)),
        object("api", Order::default()),
        object("test", hook(Phase::PostSync)),
        object("alarm", hook(Phase::SyncFail)),
    ];
    let (applied, waiting) = run(&wanted, &Inventory::default(), &[("migrate", RUNS), ("test", Progress::NotApplied)]);
    assert_eq!((applied, waiting.len()), (vec![], 3));
    let planned = plan(&wanted, &Inventory::default(), &Live::default(), &Scope::default());
    assert_eq!(planned.on_failure.iter().map(|apply| apply.index).collect::<Vec<_>>(), [3]);
    assert_eq!(planned.steps.len(), 3);
}

fn applied_before(name: &str, manifest: &str, ended: Option<HookEnd>) -> Inventory {
    let entry = InventoryEntry {
        uid: Some("uid".into()),
        manifest: Some(manifest.into()),
        ended,
        ..InventoryEntry::announced(key(name), "batch/v1")
    };
    [entry].into_iter().collect()
}

#[test]
fn a_run_that_is_under_way_is_not_cut_short_and_one_that_is_stuck_is_replaced() {
    let wanted = [object("migrate", hook(Phase::PreSync))];
    let before = applied_before("migrate", "older", None);
    assert_eq!(run(&wanted, &before, &[("migrate", RUNS)]).1, [("migrate".into(), Why::StillRuns)]);
    for state in [STUCK, Progress::Broken, DONE, Progress::NotApplied] {
        assert_eq!(run(&wanted, &before, &[("migrate", state)]).0, ["migrate"], "{state:?}");
    }
}

#[test]
fn a_hook_runs_anew_with_each_change_of_anything_and_not_because_it_is_gone_or_was_edited() {
    let others = [object("api", Order::default()), object("web", Order::default())];
    let run = run_of(others.iter());
    assert_eq!(run, run_of(others.iter().rev()), "the order of files is no change");
    let hooks = [object("migrate", hook(Phase::PreSync))];
    assert_eq!(run, run_of(others.iter().chain(&hooks)), "a hook is no reason to run another");
    assert_ne!(run, run_of(others[..1].iter()));
    assert_ne!(hook_manifest("m", &run), hook_manifest("m", &run_of(others[..1].iter())));
    assert_ne!(hook_manifest("m", &run), hook_manifest("n", &run));

    let hook = &hooks[0];
    let covered = Live { covered: [(hook.key.kind.clone(), None)].into(), ..Live::default() };
    let drifts = |ended: Option<HookEnd>, live: &Live| {
        let inventory = applied_before("migrate", "migrate", ended);
        crate::has_drifted(hook, inventory.find(&hook.key).unwrap(), live)
    };
    assert!(drifts(None, &covered), "it went before it ended");
    assert!(!drifts(Some(HookEnd::Succeeded), &covered));
    assert!(!drifts(Some(HookEnd::Failed { reason: "x".into() }), &covered));
    let edited = LiveObject {
        uid: "another".into(),
        resource_version: "9".into(),
        owner: None,
        entry: None,
        ..LiveObject::default()
    };
    assert!(!drifts(None, &Live { objects: [(hook.key.clone(), edited)].into(), ..covered }));
}

#[test]
fn a_hook_is_deleted_as_its_policy_says() {
    let failed = HookEnd::Failed { reason: "x".into() };
    let policy = |delete_succeeded, delete_failed| Hook { delete_succeeded, delete_failed };
    assert!(policy(true, false).deletes(&HookEnd::Succeeded) && !policy(true, false).deletes(&failed));
    assert!(policy(false, true).deletes(&failed) && !policy(false, true).deletes(&HookEnd::Succeeded));
}

#[test]
fn what_succeeded_is_deleted_when_all_of_its_phase_has() {
    let of =
        |phase| Order { phase, hook: Some(Hook { delete_succeeded: true, delete_failed: true }), ..Order::default() };
    let wanted = [
        object("account", of(Phase::PreSync)),
        object("migrate", of(Phase::PreSync)),
        object("kept", hook(Phase::PreSync)),
        object("test", of(Phase::PostSync)),
        object("api", Order::default()),
    ];
    let (done, failed) = (HookEnd::Succeeded, HookEnd::Failed { reason: "x".into() });
    let deleted = |ends: &[(&str, &HookEnd)]| -> Vec<String> {
        let end_of = |key: &ObjectKey| ends.iter().find(|(name, _)| *name == key.name).map(|(_, end)| (*end).clone());
        let ends: std::collections::HashMap<ObjectKey, HookEnd> =
            wanted.iter().filter_map(|one| Some((one.key.clone(), end_of(&one.key)?))).collect();
        ended_hooks(wanted.iter(), |object| ends.get(&object.key)).into_iter().map(|key| key.name.clone()).collect()
    };
    assert!(deleted(&[("account", &done)]).is_empty(), "its Job still runs");
    assert!(deleted(&[("account", &done), ("migrate", &done)]).is_empty(), "so does another of the phase");
    assert_eq!(deleted(&[("account", &done), ("migrate", &done), ("kept", &done)]), ["account", "migrate"]);
    assert_eq!(deleted(&[("account", &done), ("migrate", &failed)]), ["migrate"]);
    assert_eq!(deleted(&[("test", &done)]), ["test"]);
}

#[test]
fn drift_is_repaired_whatever_an_earlier_wave_does() {
    let wanted = [object("db", wave(-1)), object("api", Order::default())];
    let entry = |name: &str| applied_before(name, name, None).find(&key(name)).cloned().unwrap();
    let inventory = [entry("db"), entry("api")].into_iter().collect();
    let live = Live { covered: [(key("api").kind, None)].into(), ..Live::default() };
    let planned = plan(&wanted, &inventory, &live, &Scope::default());
    let opened = planned.open(&planned.steps[1], &wanted, |_| Progress::Broken);
    assert_eq!((opened.ready.len(), opened.ready[0].reason), (1, Reason::Drifted));
}

#[test]
fn an_object_is_as_far_as_its_health_says() {
    let of = |api_version: &str, kind: &str, status| Progress::of(&GroupKind::new(api_version, kind), status, false);
    assert_eq!(of("apps/v1", "Deployment", HealthStatus::Healthy), DONE);
    assert_eq!(of("apps/v1", "Deployment", HealthStatus::Progressing), RUNS);
    assert_eq!(of("apps/v1", "Deployment", HealthStatus::Suspended), STUCK);
    assert_eq!(of("apps/v1", "Deployment", HealthStatus::Missing), STUCK);
    assert_eq!(of("apps/v1", "Deployment", HealthStatus::Degraded), Progress::Broken);
    assert_eq!(of("v1", "ConfigMap", HealthStatus::Unknown), DONE, "nothing is to be seen of it");
    let stuck = Progress::of(&GroupKind::new("batch/v1", "Job"), HealthStatus::Progressing, true);
    assert_eq!(stuck, STUCK);
}

/// argo#12840: a claim of an early wave waits for its first consumer, which waits for the wave.
#[test]
fn argo_12840_a_claim_that_waits_for_its_consumer_holds_no_wave_up() {
    let claim = GroupKind::new("v1", "PersistentVolumeClaim");
    assert_eq!(Progress::of(&claim, HealthStatus::Progressing, false), DONE);
    assert_eq!(Progress::of(&claim, HealthStatus::Degraded, false), Progress::Broken);
}
