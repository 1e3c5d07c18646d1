use super::*;
use crate::{GroupKind, InventoryEntry, LiveObject};

fn key(kind: &str, name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("v1", kind), namespace: Some("shop".into()), name: name.into() }
}

/// An inventory and a live view with `count` ConfigMaps of ours, called `0`, `1`, ….
fn ours(count: usize) -> (Inventory, Live) {
    let mut live = Live::default();
    live.covered.insert((key("ConfigMap", "").kind, Some("shop".into())));
    let mut inventory = Inventory::default();
    for number in 0..count {
        add(&mut inventory, &mut live, "ConfigMap", &number.to_string());
    }
    (inventory, live)
}

fn add(inventory: &mut Inventory, live: &mut Live, kind: &str, name: &str) {
    let (key, uid) = (key(kind, name), format!("uid-{name}"));
    inventory.put(InventoryEntry {
        key: key.clone(),
        version: "v1".into(),
        uid: Some(uid.clone()),
        manifest: Some("m".into()),
        entry: None,
    });
    let owner = Some("me".into());
    live.objects.insert(
        key,
        LiveObject { uid, resource_version: "1".into(), owner, entry: None, deleting: false, keep: false },
    );
}

fn surplus(count: usize) -> Vec<ObjectKey> {
    (0..count).map(|number| key("ConfigMap", &number.to_string())).collect()
}

fn rules(desired: usize) -> PruneRules<'static> {
    PruneRules { owner: "me", desired, approved: None }
}

fn deleted(verdict: &PruneVerdict) -> usize {
    verdict.waves.iter().map(Vec::len).sum()
}

#[test]
fn an_object_of_ours_is_deleted_by_its_uid() {
    let (inventory, live) = ours(3);
    let verdict = judge_prune(&surplus(1), &inventory, &live, rules(2));
    let expected = Prune { key: key("ConfigMap", "0"), version: "v1".into(), uid: Some("uid-0".into()), proved: true };
    assert_eq!(verdict.waves, [[expected]]);
}

#[test]
fn without_proof_of_ownership_nothing_is_deleted() {
    let check = |change: fn(&mut LiveObject)| {
        let (inventory, mut live) = ours(3);
        change(live.objects.get_mut(&key("ConfigMap", "0")).unwrap());
        let verdict = judge_prune(&surplus(1), &inventory, &live, rules(2));
        assert_eq!((deleted(&verdict), verdict.stopped), (0, None));
        verdict.forget.len()
    };
    assert_eq!(check(|object| object.uid = "made anew".into()), 1);
    assert_eq!(check(|object| object.owner = Some("other".into())), 1);
    assert_eq!(check(|object| object.owner = None), 1);
    assert_eq!(check(|object| object.keep = true), 0);
    assert_eq!(check(|object| object.deleting = true), 0);
}

#[test]
fn where_nothing_is_watched_the_object_is_to_be_looked_at_first() {
    let (inventory, _) = ours(3);
    let verdict = judge_prune(&surplus(1), &inventory, &Live::default(), rules(2));
    assert!(!verdict.waves[0][0].proved);
}

#[test]
fn an_empty_path_asks_however_few_there_are() {
    let (inventory, live) = ours(1);
    let verdict = judge_prune(&surplus(1), &inventory, &live, rules(0));
    assert_eq!(deleted(&verdict), 0);
    let stopped = verdict.stopped.unwrap();

    let approved = PruneRules { approved: Some(&stopped.plan), ..rules(0) };
    assert_eq!(deleted(&judge_prune(&surplus(1), &inventory, &live, approved)), 1);
    let another = PruneRules { approved: Some("0123"), ..rules(0) };
    assert!(judge_prune(&surplus(1), &inventory, &live, another).stopped.is_some());
}

#[test]
fn many_deletes_that_are_also_a_large_share_ask() {
    let asks = |delete: usize, of: usize| {
        let (inventory, live) = ours(of);
        judge_prune(&surplus(delete), &inventory, &live, rules(of - delete)).stopped.is_some()
    };
    assert!(asks(11, 20));
    assert!(!asks(10, 20));
    assert!(!asks(11, 100));
    assert!(asks(21, 100));
}

#[test]
fn an_approval_covers_the_plan_that_was_shown_and_no_other() {
    let (inventory, live) = ours(20);
    let shown = judge_prune(&surplus(11), &inventory, &live, rules(9)).stopped.unwrap();
    let rules = PruneRules { approved: Some(&shown.plan), ..rules(8) };
    assert!(judge_prune(&surplus(12), &inventory, &live, rules).stopped.is_some());
}

#[test]
fn what_takes_others_with_it_always_asks() {
    for kind in ["Namespace", "PersistentVolumeClaim", "CustomResourceDefinition"] {
        let (mut inventory, mut live) = ours(100);
        add(&mut inventory, &mut live, kind, "x");
        assert!(judge_prune(&[key(kind, "x")], &inventory, &live, rules(100)).stopped.is_some(), "{kind}");
    }
}

#[test]
fn what_needs_others_goes_first() {
    let (mut inventory, mut live) = ours(20);
    add(&mut inventory, &mut live, "ServiceAccount", "a");
    add(&mut inventory, &mut live, "Pod", "p");
    let surplus = [key("ServiceAccount", "a"), key("ConfigMap", "1"), key("Pod", "p")];
    let verdict = judge_prune(&surplus, &inventory, &live, rules(19));
    let kinds: Vec<_> = verdict.waves.iter().map(|wave| wave[0].key.kind.kind.as_str()).collect();
    assert_eq!(kinds, ["Pod", "ConfigMap", "ServiceAccount"]);
}
