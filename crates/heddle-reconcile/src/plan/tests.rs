use super::*;
use crate::{InventoryEntry, Phase};

fn key(kind: &str, name: &str) -> ObjectKey {
    let namespace = (kind != "Namespace").then(|| "shop".to_owned());
    ObjectKey {
        kind: GroupKind::new(if kind == "Deployment" { "apps/v1" } else { "v1" }, kind),
        namespace,
        name: name.into(),
    }
}

fn desired(kind: &str, name: &str, manifest: &str) -> DesiredObject {
    DesiredObject {
        key: key(kind, name),
        api_version: "v1".into(),
        manifest: manifest.into(),
        defines: None,
        may_vanish: false,
        order: Order::default(),
    }
}

fn own_entry(time: &str) -> OwnEntry {
    OwnEntry { fields: "f".into(), time: time.into() }
}

fn known(kind: &str, name: &str, manifest: &str) -> InventoryEntry {
    InventoryEntry {
        uid: Some("uid".into()),
        manifest: Some(manifest.into()),
        entry: Some(own_entry("t1")),
        ..InventoryEntry::announced(key(kind, name), "v1")
    }
}

fn alive(owner: &str, entry: Option<OwnEntry>) -> LiveObject {
    LiveObject {
        uid: "uid".into(),
        resource_version: "1".into(),
        owner: Some(owner.into()),
        entry,
        ..LiveObject::default()
    }
}

fn watched(objects: Vec<(ObjectKey, LiveObject)>) -> Live {
    let covered = ["Deployment", "ConfigMap", "Namespace"].map(|kind| {
        let key = key(kind, "");
        (key.kind, key.namespace)
    });
    Live { objects: objects.into_iter().collect(), covered: covered.into_iter().collect() }
}

fn scope() -> Scope {
    Scope {
        owner: "me".into(),
        living: [("me".into(), "mine".into()), ("other".into(), "theirs".into())].into(),
        ..Scope::default()
    }
}

fn reasons(plan: &Plan) -> Vec<Reason> {
    plan.steps.iter().flatten().map(|apply| apply.reason).collect()
}

#[test]
fn an_object_that_is_as_it_was_applied_is_left_alone() {
    let inventory = [known("ConfigMap", "a", "m1")].into_iter().collect();
    let live = watched(vec![(key("ConfigMap", "a"), alive("me", Some(own_entry("t1"))))]);
    let plan = plan(&[desired("ConfigMap", "a", "m1")], &inventory, &live, &scope());
    assert_eq!((plan.steps.len(), plan.unchanged), (0, 1));
}

#[test]
fn new_changed_and_drifted_objects_are_applied() {
    let inventory = ["b", "c", "d", "e"].map(|name| known("ConfigMap", name, "m1")).into_iter().collect();
    let stranger = LiveObject { uid: "anew".into(), ..alive("me", Some(own_entry("t1"))) };
    let live = watched(vec![
        (key("ConfigMap", "b"), alive("me", Some(own_entry("t1")))),
        (key("ConfigMap", "c"), alive("me", Some(own_entry("t2")))),
        (key("ConfigMap", "e"), stranger),
    ]);
    let wanted = [
        desired("ConfigMap", "a", "m1"),
        desired("ConfigMap", "b", "m2"),
        desired("ConfigMap", "c", "m1"),
        desired("ConfigMap", "d", "m1"),
        desired("ConfigMap", "e", "m1"),
    ];
    let plan = plan(&wanted, &inventory, &live, &scope());
    assert_eq!(reasons(&plan), [Reason::New, Reason::Changed, Reason::Drifted, Reason::Drifted, Reason::Drifted]);
}

#[test]
fn where_nothing_is_watched_an_unchanged_manifest_is_not_applied_again() {
    let inventory = [known("ConfigMap", "a", "m1")].into_iter().collect();
    let plan = plan(&[desired("ConfigMap", "a", "m1")], &inventory, &Live::default(), &scope());
    assert_eq!(plan.unchanged, 1);
}

#[test]
fn waves_follow_the_kinds() {
    let wanted = [desired("Deployment", "d", "m"), desired("ConfigMap", "c", "m"), desired("Namespace", "shop", "m")];
    let plan = plan(&wanted, &Inventory::default(), &Live::default(), &scope());
    let kinds: Vec<_> = plan.steps.iter().map(|step| wanted[step[0].index].key.kind.kind.as_str()).collect();
    assert_eq!(kinds, ["Namespace", "ConfigMap", "Deployment"]);
}

#[test]
fn an_object_of_another_living_sync_is_refused_and_one_of_a_dead_sync_is_taken_over() {
    let live = watched(vec![
        (key("ConfigMap", "theirs"), alive("other", None)),
        (key("ConfigMap", "orphan"), alive("dead", None)),
    ]);
    let wanted = [desired("ConfigMap", "theirs", "m"), desired("ConfigMap", "orphan", "m")];
    let plan = plan(&wanted, &Inventory::default(), &live, &scope());
    assert_eq!(plan.refusals.iter().map(|refusal| refusal.index).collect::<Vec<_>>(), [0]);
    assert_eq!(reasons(&plan), [Reason::New]);
    let given_up = Scope { given_up: [key("ConfigMap", "theirs")].into(), ..scope() };
    assert_eq!(super::plan(&wanted, &Inventory::default(), &live, &given_up).refusals, []);
}

#[test]
fn what_lies_outside_of_the_scope_is_refused_with_the_remedy() {
    let scope = Scope { namespaces: vec!["billing".into()], ..scope() };
    let plan = plan(&[desired("ConfigMap", "a", "m")], &Inventory::default(), &Live::default(), &scope);
    assert!(plan.refusals[0].message.contains("add `shop` to `spec.namespaces`"), "{plan:?}");
    let scope = Scope { namespaces: vec![], kinds: vec!["Secret".into()], ..scope };
    let plan = super::plan(&[desired("ConfigMap", "a", "m")], &Inventory::default(), &Live::default(), &scope);
    assert!(plan.refusals[0].message.contains("add `ConfigMap` to `spec.kinds`"), "{plan:?}");
    for kinds in [&["ConfigMap"][..], &["Secret", "Deployment.apps"]] {
        let scope = Scope { kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(), ..scope.clone() };
        let wanted = if kinds.len() == 1 { desired("ConfigMap", "a", "m") } else { desired("Deployment", "a", "m") };
        let plan = super::plan(&[wanted], &Inventory::default(), &Live::default(), &scope);
        assert_eq!((plan.refusals.len(), plan.steps.len()), (0, 1), "{kinds:?}");
    }
}

#[test]
fn an_object_that_stands_twice_is_applied_once_and_said() {
    let wanted = [desired("ConfigMap", "a", "m1"), desired("ConfigMap", "a", "m2")];
    let plan = plan(&wanted, &Inventory::default(), &Live::default(), &scope());
    assert_eq!((plan.steps[0].len(), plan.refusals.len()), (1, 1));
}

#[test]
fn what_the_repository_does_not_have_any_more_is_surplus_and_a_refused_object_is_not() {
    let inventory = [known("ConfigMap", "gone", "m"), known("ConfigMap", "theirs", "m")].into_iter().collect();
    let live = watched(vec![(key("ConfigMap", "theirs"), alive("other", None))]);
    let plan = plan(&[desired("ConfigMap", "theirs", "m")], &inventory, &live, &scope());
    assert_eq!(plan.surplus, [key("ConfigMap", "gone")]);
}

#[test]
fn a_job_that_goes_away_when_it_is_done_is_not_run_again() {
    let inventory = [known("ConfigMap", "a", "m1")].into_iter().collect();
    let gone = DesiredObject { may_vanish: true, ..desired("ConfigMap", "a", "m1") };
    assert_eq!(plan(std::slice::from_ref(&gone), &inventory, &watched(vec![]), &scope()).unchanged, 1);
    let changed = DesiredObject { manifest: "m2".into(), ..gone };
    assert_eq!(reasons(&plan(&[changed], &inventory, &watched(vec![]), &scope())), [Reason::Changed]);
}

/// Objects by kind and name, each with what it asks for.
fn ordered(objects: &[(&str, &str, Order)]) -> Vec<DesiredObject> {
    objects
        .iter()
        .map(|(kind, name, order)| DesiredObject { order: order.clone(), ..desired(kind, name, "m") })
        .collect()
}

fn after(names: &[(&str, &str)]) -> Order {
    Order { after: names.iter().map(|(kind, name)| key(kind, name)).collect(), ..Order::default() }
}

fn steps(wanted: &[DesiredObject]) -> Vec<Vec<&str>> {
    let plan = plan(wanted, &Inventory::default(), &Live::default(), &scope());
    let names = |step: &Vec<Apply>| step.iter().map(|apply| wanted[apply.index].key.name.as_str()).collect();
    plan.steps.iter().map(names).collect()
}

#[test]
fn an_object_comes_after_those_that_it_names_and_others_do_not_wait() {
    let wanted = ordered(&[
        ("ConfigMap", "a", after(&[("Deployment", "c")])),
        ("ConfigMap", "b", Order::default()),
        ("Deployment", "c", after(&[("ConfigMap", "d")])),
        ("ConfigMap", "d", after(&[("ConfigMap", "elsewhere")])),
    ]);
    assert_eq!(steps(&wanted), [vec!["b", "d"], vec!["c"], vec!["a"]]);
    let plan = plan(&wanted, &Inventory::default(), &Live::default(), &scope());
    assert_eq!(plan.needs, [vec![2], vec![], vec![3], vec![]]);
}

#[test]
fn waves_and_hooks_come_before_the_order_of_kinds() {
    let at = |phase, wave| Order { phase, wave, ..Order::default() };
    let wanted = ordered(&[
        ("ConfigMap", "late", at(Phase::Sync, 1)),
        ("Deployment", "early", at(Phase::Sync, -1)),
        ("Deployment", "before", at(Phase::PreSync, 5)),
        ("ConfigMap", "after", at(Phase::PostSync, -5)),
        ("ConfigMap", "plain", Order::default()),
    ]);
    assert_eq!(steps(&wanted), [["before"], ["early"], ["plain"], ["late"], ["after"]]);
}

#[test]
fn a_namespace_moves_before_the_first_that_needs_it() {
    let wanted = ordered(&[
        ("Deployment", "hook", Order { phase: Phase::PreSync, ..Order::default() }),
        ("Namespace", "shop", Order { wave: 3, ..Order::default() }),
        ("Deployment", "plain", Order::default()),
    ]);
    assert_eq!(steps(&wanted), [["shop"], ["hook"], ["plain"]]);
}

#[test]
fn a_circle_is_named_with_its_members_and_stops_nobody_else() {
    let wanted = ordered(&[
        ("ConfigMap", "a", after(&[("ConfigMap", "b")])),
        ("ConfigMap", "b", after(&[("ConfigMap", "c")])),
        ("ConfigMap", "c", after(&[("ConfigMap", "a")])),
        ("ConfigMap", "d", after(&[("ConfigMap", "a")])),
        ("ConfigMap", "free", Order::default()),
    ]);
    let plan = plan(&wanted, &Inventory::default(), &Live::default(), &scope());
    let messages: Vec<&str> = plan.refusals.iter().map(|refusal| refusal.message.as_str()).collect();
    assert!(
        messages[0].contains("ConfigMap shop/a → ConfigMap shop/b → ConfigMap shop/c → ConfigMap shop/a"),
        "{messages:?}"
    );
    assert_eq!(messages[3], "it waits for ConfigMap shop/a, which waits for itself");
    assert_eq!(steps(&wanted), [["free"]]);
}
