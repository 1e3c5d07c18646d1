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

/// Takes an object of ours in, as it was applied.
fn put(inventory: &mut Inventory, live: &mut Live, key: ObjectKey, uid: String) {
    let announced = InventoryEntry::announced(key.clone(), "v1");
    inventory.put(InventoryEntry { uid: Some(uid.clone()), manifest: Some("m".into()), ..announced });
    let owner = Some("me".into());
    live.objects.insert(key, LiveObject { uid, resource_version: "1".into(), owner, ..LiveObject::default() });
}

fn add(inventory: &mut Inventory, live: &mut Live, kind: &str, name: &str) {
    let (key, uid) = (key(kind, name), format!("uid-{name}"));
    put(inventory, live, key, uid);
}

fn surplus(count: usize) -> Vec<ObjectKey> {
    (0..count).map(|number| key("ConfigMap", &number.to_string())).collect()
}

fn rules(desired: usize) -> PruneRules<'static> {
    static NONE: BTreeMap<GroupKind, String> = BTreeMap::new();
    static NOTHING: BTreeMap<ObjectKey, String> = BTreeMap::new();
    let reached = Reached::Applied;
    PruneRules { owner: "me", desired, reached, approved: None, closed: &[], plurals: &NONE, needed: &NOTHING }
}

fn deleted(verdict: &PruneVerdict) -> usize {
    verdict.steps.iter().map(Vec::len).sum()
}

#[test]
fn an_object_of_ours_is_deleted_by_its_uid() {
    let (inventory, live) = ours(3);
    let verdict = judge_prune(&surplus(1), &inventory, &live, rules(2));
    let expected = Prune { key: key("ConfigMap", "0"), version: "v1".into(), uid: Some("uid-0".into()), proved: true };
    assert_eq!(verdict.steps, [[expected]]);
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
    assert_eq!(check(|object| object.guard = PruneGuard::Keep("x")), 0);
    assert_eq!(check(|object| object.deleting = true), 0);
}

#[test]
fn where_nothing_is_watched_the_object_is_to_be_looked_at_first() {
    let (inventory, _) = ours(3);
    let verdict = judge_prune(&surplus(1), &inventory, &Live::default(), rules(2));
    assert!(!verdict.steps[0][0].proved);
}

#[test]
fn what_a_watch_saw_before_it_failed_is_to_be_looked_at_too() {
    let check = |change: fn(&mut LiveObject)| {
        let (inventory, mut live) = ours(3);
        live.covered.clear();
        change(live.objects.get_mut(&key("ConfigMap", "0")).unwrap());
        let verdict = judge_prune(&surplus(1), &inventory, &live, rules(2));
        assert!(!verdict.steps[0][0].proved && verdict.forget.is_empty());
    };
    check(|_| {});
    check(|object| object.owner = Some("other".into()));
    check(|object| object.deleting = true);
    check(|object| object.guard = PruneGuard::Keep("x"));
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
    assert!(!asks(20, 100));
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
fn what_says_that_it_stays_is_let_go_and_what_asks_is_asked_for() {
    let (inventory, mut live) = ours(30);
    live.objects.get_mut(&key("ConfigMap", "0")).unwrap().guard = PruneGuard::Keep("words");
    let verdict = judge_prune(&surplus(2), &inventory, &live, rules(28));
    assert_eq!(verdict.kept, [Spared { key: key("ConfigMap", "0"), reason: "its `words` says so".into() }]);
    assert_eq!(deleted(&verdict), 1);

    live.objects.get_mut(&key("ConfigMap", "1")).unwrap().guard = PruneGuard::Ask("words");
    let stopped = judge_prune(&surplus(2), &inventory, &live, rules(28)).stopped.unwrap();
    assert_eq!(
        (stopped.objects.as_slice(), stopped.reason.as_str()),
        ([key("ConfigMap", "1")].as_slice(), "ConfigMap shop/1 asks for it by its `words`")
    );
    let approved = PruneRules { approved: Some(&stopped.plan), ..rules(28) };
    assert_eq!(deleted(&judge_prune(&surplus(2), &inventory, &live, approved)), 1);
}

#[test]
fn what_says_that_it_stays_keeps_its_namespace_and_its_definition() {
    let space = named("v1", "Namespace", None, "shop");
    let definition = named("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "jars.pantry.example.org");
    let jar = named("pantry.example.org/v1", "Jar", Some("shop"), "jar");
    let all = [space, definition, jar.clone()];
    let (mut inventory, mut live) = holding(&all);
    live.objects.get_mut(&jar).unwrap().guard = PruneGuard::Keep("words");
    let verdict = approved(&all, &inventory, &live);
    assert_eq!((deleted(&verdict), verdict.kept.len(), verdict.held.len()), (0, 1, 2));
    // The run after that, which has let go of it.
    inventory.forget(&jar);
    let verdict = approved(&all[..2], &inventory, &live);
    assert_eq!((deleted(&verdict), verdict.held.len()), (0, 2));
    // Whoever deletes it has decided.
    live.objects.get_mut(&jar).unwrap().deleting = true;
    assert_eq!(deleted(&approved(&all[..2], &inventory, &live)), 2);
}

#[test]
fn what_is_let_go_in_a_closed_namespace_keeps_its_definition() {
    let definition = named("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "jars.pantry.example.org");
    let jar = named("pantry.example.org/v1", "Jar", Some("kube-system"), "jar");
    let all = [definition, jar];
    let (inventory, live) = holding(&all);
    let verdict = judge_prune(&all, &inventory, &live, PruneRules { closed: &["kube-system"], ..rules(1) });
    assert_eq!((verdict.stopped, verdict.kept.len(), verdict.held.len()), (None, 1, 1));
}

#[test]
fn a_namespace_that_is_gone_or_not_ours_is_forgotten_whatever_needed_it() {
    let space = named("v1", "Namespace", None, "space");
    let needed = BTreeMap::from([(space.clone(), "something stays in it".to_owned())]);
    let check = |change: fn(&mut Live, &ObjectKey)| {
        let (inventory, mut live) = holding(std::slice::from_ref(&space));
        change(&mut live, &space);
        let rules = PruneRules { needed: &needed, ..rules(1) };
        let verdict = judge_prune(std::slice::from_ref(&space), &inventory, &live, rules);
        (verdict.forget.len(), verdict.held.len())
    };
    assert_eq!(check(|_, _| {}), (0, 1));
    assert_eq!(check(|live, space| drop(live.objects.remove(space))), (1, 0));
    assert_eq!(check(|live, space| live.objects.get_mut(space).unwrap().uid = "made anew".into()), (1, 0));
    assert_eq!(check(|live, space| live.objects.get_mut(space).unwrap().owner = Some("other".into())), (1, 0));
    assert_eq!(check(|live, _| live.covered.clear()), (0, 1), "what is not seen may be there");
}

#[test]
fn what_needs_others_goes_first() {
    let (mut inventory, mut live) = ours(20);
    add(&mut inventory, &mut live, "ServiceAccount", "a");
    add(&mut inventory, &mut live, "Pod", "p");
    let surplus = [key("ServiceAccount", "a"), key("ConfigMap", "1"), key("Pod", "p")];
    let verdict = judge_prune(&surplus, &inventory, &live, rules(19));
    let kinds: Vec<_> = verdict.steps.iter().map(|step| step[0].key.kind.kind.as_str()).collect();
    assert_eq!(kinds, ["Pod", "ConfigMap", "ServiceAccount"]);
}

fn named(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new(api_version, kind), namespace: namespace.map(str::to_owned), name: name.into() }
}

/// An inventory and a live view of objects of ours; each has its name as UID.
fn holding(keys: &[ObjectKey]) -> (Inventory, Live) {
    let (mut inventory, mut live) = (Inventory::default(), Live::default());
    for key in keys {
        live.covered.insert((key.kind.clone(), key.namespace.clone()));
        put(&mut inventory, &mut live, key.clone(), key.name.clone());
    }
    (inventory, live)
}

/// Approves whatever is asked for.
fn approved(surplus: &[ObjectKey], inventory: &Inventory, live: &Live) -> PruneVerdict {
    let asked = judge_prune(surplus, inventory, live, rules(1));
    let plan = asked.stopped.as_ref().map(|stopped| stopped.plan.clone());
    judge_prune(surplus, inventory, live, PruneRules { approved: plan.as_deref(), ..rules(1) })
}

/// GoogleContainerTools/config-sync#408: a partial read of the repository removed three namespaces of four, past a guard
/// that compared counts.
#[test]
fn cs_408_what_is_missing_from_a_partial_read_is_not_deleted() {
    let (inventory, live) = ours(4);
    let verdict = judge_prune(&surplus(3), &inventory, &live, PruneRules { reached: Reached::Unread, ..rules(1) });
    assert_eq!((deleted(&verdict), verdict.held.len(), verdict.stopped), (0, 3, None));
    let spaces = ["a", "b", "c", "d"].map(|name| named("v1", "Namespace", None, name));
    let (inventory, live) = holding(&spaces);
    let verdict = judge_prune(&spaces[..3], &inventory, &live, rules(1));
    assert_eq!(verdict.stopped.unwrap().objects, spaces[..3]);
}

/// giantswarm/gitops-template#84: `prune: true` and a moved folder deleted customers' clusters.
#[test]
fn gitops_template_84_a_path_that_became_empty_deletes_nothing_unasked() {
    let (inventory, live) = holding(&[named("cluster.x-k8s.io/v1beta1", "Cluster", Some("org"), "customer")]);
    let surplus = [named("cluster.x-k8s.io/v1beta1", "Cluster", Some("org"), "customer")];
    let stopped = judge_prune(&surplus, &inventory, &live, rules(0)).stopped.unwrap();
    assert!(stopped.reason.contains("holds no objects any more"), "{stopped:?}");
}

/// argoproj/argo-cd#15058, #22607: objects were pruned that another owner had taken over.
#[test]
fn argo_15058_what_another_sync_has_taken_over_is_not_pruned() {
    let key = named("v1", "ConfigMap", Some("shop"), "shared");
    let (inventory, mut live) = holding(std::slice::from_ref(&key));
    live.objects.get_mut(&key).unwrap().owner = Some("other".into());
    let verdict = judge_prune(std::slice::from_ref(&key), &inventory, &live, rules(1));
    assert_eq!((deleted(&verdict), verdict.forget), (0, vec![key]));
}

/// kubernetes/kubernetes#108161, #66430: `apply --prune --all` deleted what it had never applied.
#[test]
fn kubernetes_108161_what_was_never_applied_is_never_pruned_though_it_carries_the_label() {
    let ours = named("v1", "ConfigMap", Some("shop"), "ours");
    let copied = named("v1", "ConfigMap", Some("other"), "copied");
    let (_, live) = holding(&[ours.clone(), copied.clone()]);
    let (inventory, _) = holding(std::slice::from_ref(&ours));
    let verdict = judge_prune(&[copied], &inventory, &live, rules(1));
    assert_eq!(deleted(&verdict), 0);
}

/// fluxcd/flux#3148: a sync that went wrong half-way marked all unchanged objects for deletion.
#[test]
fn flux1_3148_more_than_a_fifth_at_once_asks() {
    let (inventory, live) = ours(100);
    assert!(judge_prune(&surplus(100), &inventory, &live, rules(1)).stopped.is_some());
}

/// kubernetes-sigs/cli-utils (current-UID filter): an object that goes by another group now is the same object.
#[test]
fn cli_utils_current_uid_an_object_that_moved_to_another_group_is_not_deleted() {
    let old = named("extensions/v1beta1", "Ingress", Some("shop"), "web");
    let new = named("networking.k8s.io/v1", "Ingress", Some("shop"), "web");
    let (inventory, live) = holding(&[old.clone(), new]);
    let verdict = judge_prune(std::slice::from_ref(&old), &inventory, &live, rules(1));
    assert_eq!((deleted(&verdict), verdict.forget), (0, vec![old]));
}

#[test]
fn a_renamed_object_is_deleted_under_its_old_name() {
    let (old, new) = (named("v1", "Service", Some("shop"), "old"), named("v1", "Service", Some("shop"), "new"));
    let (inventory, live) = holding(&[old.clone(), new]);
    assert_eq!(deleted(&judge_prune(&[old], &inventory, &live, rules(1))), 1);
}

/// kubernetes-sigs/cli-utils (namespace-in-use filter).
#[test]
fn cli_utils_namespace_in_use_a_namespace_with_something_of_a_sync_in_it_stays() {
    let space = named("v1", "Namespace", None, "shop");
    let inside = named("v1", "ConfigMap", Some("shop"), "settings");
    let (inventory, mut live) = holding(&[space.clone(), inside.clone()]);
    let verdict = approved(std::slice::from_ref(&space), &inventory, &live);
    assert_eq!(deleted(&verdict), 0);
    assert_eq!(verdict.held[0].reason, "ConfigMap shop/settings lies in it and stays");
    // Its content may as well belong to another Sync.
    let (inventory, _) = holding(std::slice::from_ref(&space));
    live.objects.get_mut(&inside).unwrap().owner = Some("other".into());
    assert_eq!(deleted(&approved(std::slice::from_ref(&space), &inventory, &live)), 0);
}

#[test]
fn a_namespace_that_leaves_with_its_content_goes_last_and_only_with_consent() {
    let space = named("v1", "Namespace", None, "shop");
    let inside = named("v1", "ConfigMap", Some("shop"), "settings");
    let (inventory, live) = holding(&[space.clone(), inside.clone()]);
    let surplus = [space.clone(), inside.clone()];
    assert!(judge_prune(&surplus, &inventory, &live, rules(1)).stopped.is_some());
    let order: Vec<_> = approved(&surplus, &inventory, &live).steps.into_iter().flatten().map(|one| one.key).collect();
    assert_eq!(order, [inside, space]);
}

/// controlplaneio-fluxcd/flux-operator#391 pruned its own namespace; those of Kubernetes are beyond any approval.
#[test]
fn flux_operator_391_a_namespace_of_the_system_is_never_deleted() {
    let space = named("v1", "Namespace", None, "kube-system");
    let (inventory, live) = holding(std::slice::from_ref(&space));
    let verdict = approved(std::slice::from_ref(&space), &inventory, &live);
    assert_eq!((deleted(&verdict), verdict.held.len()), (0, 1));
}

/// fluxcd/kustomize-controller#90: a definition that goes first takes its objects with it, or blocks their prune.
#[test]
fn kc_90_a_definition_goes_after_its_objects_and_stays_while_one_stays() {
    let definition =
        named("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "networkpolicies.crd.projectcalico.org");
    let object = named("crd.projectcalico.org/v1", "NetworkPolicy", Some("shop"), "deny");
    let (inventory, live) = holding(&[definition.clone(), object.clone()]);
    let verdict = approved(std::slice::from_ref(&definition), &inventory, &live);
    assert_eq!(deleted(&verdict), 0);
    assert_eq!(verdict.held[0].reason, "NetworkPolicy shop/deny is one of its objects and stays");
    let both = [definition.clone(), object.clone()];
    let order: Vec<_> = approved(&both, &inventory, &live).steps.into_iter().flatten().map(|one| one.key).collect();
    assert_eq!(order, [object, definition]);
}

/// kubernetes/kubernetes#57916 and others: an object that was deleted and made anew by somebody else is theirs.
#[test]
fn kubernetes_57916_an_object_that_was_made_anew_is_not_pruned() {
    let key = named("v1", "Secret", Some("shop"), "token");
    let (inventory, mut live) = holding(std::slice::from_ref(&key));
    live.objects.get_mut(&key).unwrap().uid = "another".into();
    assert_eq!(deleted(&judge_prune(std::slice::from_ref(&key), &inventory, &live, rules(1))), 0);
}

/// kc#1664, cs#2005, cli#622: what could not be deleted, or is still being deleted, was forgotten.
#[test]
fn kc_1664_an_object_that_is_being_deleted_is_not_forgotten() {
    let key = named("v1", "PersistentVolume", None, "data");
    let (inventory, mut live) = holding(std::slice::from_ref(&key));
    terminate(&mut live, &key);
    let verdict = judge_prune(std::slice::from_ref(&key), &inventory, &live, rules(1));
    let terminating = vec![Terminating { key, finalizers: vec!["example.org/drain".into()] }];
    assert_eq!(verdict, PruneVerdict { terminating, ..PruneVerdict::default() });
}

fn terminate(live: &mut Live, key: &ObjectKey) {
    let object = live.objects.get_mut(key).unwrap();
    (object.deleting, object.finalizers) = (true, vec!["example.org/drain".into()]);
}

/// A definition, an object of it, and the operator that has to let that object go.
fn operated() -> [ObjectKey; 3] {
    [
        named("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "jars.pantry.example.org"),
        named("apps/v1", "Deployment", Some("shop"), "operator"),
        named("pantry.example.org/v1", "Jar", Some("shop"), "jar"),
    ]
}

/// GoogleContainerTools/config-sync#2005: who takes the finalizer off was deleted at the same time as what waits for it.
#[test]
fn cs_2005_an_operator_and_a_definition_wait_until_what_needs_them_is_gone() {
    let all = operated();
    let [definition, operator, jar] = all.clone();
    let (inventory, mut live) = holding(&all);
    let verdict = approved(&all, &inventory, &live);
    let steps: Vec<_> = verdict.steps.iter().map(|step| step[0].key.clone()).collect();
    assert_eq!(steps, [jar.clone(), operator.clone(), definition.clone()]);

    terminate(&mut live, &jar);
    let verdict = approved(&all, &inventory, &live);
    let waiting: Vec<_> = verdict.waiting.iter().map(|prune| prune.key.clone()).collect();
    assert_eq!((verdict.steps.len(), waiting), (0, vec![operator, definition]));
    assert_eq!(verdict.terminating[0].finalizers, ["example.org/drain"]);
}

#[test]
fn an_approval_holds_until_all_that_it_covers_is_gone_and_for_nothing_else() {
    let all = operated();
    let (mut inventory, live) = holding(&all);
    let verdict = approved(&all, &inventory, &live);
    assert!(verdict.is_approved);
    for prune in verdict.steps.iter().flatten() {
        inventory.approve(&prune.key);
    }
    // The first is gone; the plan is another one by now.
    inventory.forget(&all[2]);
    let verdict = judge_prune(&all[..2], &inventory, &live, rules(1));
    assert_eq!((deleted(&verdict), verdict.stopped.is_none()), (2, true));

    let more = named("v1", "PersistentVolumeClaim", Some("shop"), "data");
    let (mut inventory, live) = holding(&[all[1].clone(), more.clone()]);
    inventory.approve(&all[1]);
    let verdict = judge_prune(&[all[1].clone(), more.clone()], &inventory, &live, rules(1));
    assert_eq!(verdict.stopped.unwrap().objects, [more]);
    assert_eq!(verdict.steps[0][0].key, all[1]);

    // Whoever wants an object again, and not any more after that, is asked again.
    let (mut inventory, live) = holding(&all);
    inventory.approve(&all[0]);
    inventory.want(&all[0]);
    assert!(judge_prune(&all, &inventory, &live, rules(1)).stopped.is_some());
}

#[test]
fn a_definition_is_found_by_its_own_names_and_not_by_likeness() {
    let definition = named("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "mice.farm.example.org");
    let mouse = named("farm.example.org/v1", "Mouse", Some("shop"), "one");
    let cow = named("farm.example.org/v1", "Mic", Some("shop"), "two");
    let check = |stays: &ObjectKey, plural: Option<&str>| {
        let (inventory, live) = holding(&[definition.clone(), stays.clone()]);
        let plurals = plural.map(|plural| (stays.kind.clone(), plural.to_owned())).into_iter().collect();
        let rules = PruneRules { plurals: &plurals, ..rules(1) };
        judge_prune(std::slice::from_ref(&definition), &inventory, &live, rules).held.len()
    };
    assert_eq!(check(&mouse, Some("mice")), 1);
    assert_eq!(check(&cow, Some("mics")), 0);
    // What is not served may be one of its objects.
    assert_eq!(check(&mouse, None), 1);
}

/// tektoncd/pipeline#4542: a webhook without its service could not be removed, because everything failed by it.
#[test]
fn tekton_4542_a_webhook_goes_although_others_could_not_be_applied() {
    let webhook = named("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", None, "dead");
    let other = named("v1", "ConfigMap", Some("shop"), "settings");
    let all = [webhook.clone(), other];
    let (inventory, live) = holding(&all);
    let verdict = |reached| judge_prune(&all, &inventory, &live, PruneRules { reached, ..rules(1) });
    let unapplied = verdict(Reached::Unapplied);
    assert_eq!((unapplied.steps[0][0].key.clone(), deleted(&unapplied), unapplied.held.len()), (webhook, 1, 1));
    assert_eq!(deleted(&verdict(Reached::Unread)), 0);
}

#[test]
fn what_lies_in_a_namespace_that_is_closed_by_now_is_let_go_and_not_deleted() {
    let object = named("v1", "ConfigMap", Some("kube-system"), "settings");
    let (inventory, live) = holding(std::slice::from_ref(&object));
    let rules = PruneRules { closed: &["kube-system"], ..rules(1) };
    let verdict = judge_prune(std::slice::from_ref(&object), &inventory, &live, rules);
    assert_eq!((deleted(&verdict), verdict.kept[0].key.clone()), (0, object));
}

#[test]
fn a_namespace_in_which_something_was_found_stays_whatever_the_watch_knows() {
    let (mut inventory, mut live) = ours(3);
    let namespace = ObjectKey { namespace: None, ..key("Namespace", "extra") };
    put(&mut inventory, &mut live, namespace.clone(), "uid-extra".into());
    let gone = [namespace.clone()];
    let verdict =
        |needed: &BTreeMap<ObjectKey, String>| judge_prune(&gone, &inventory, &live, PruneRules { needed, ..rules(3) });
    assert!(verdict(&BTreeMap::new()).stopped.is_some());
    let inside = ObjectKey { namespace: Some("extra".into()), ..key("Secret", "s") };
    let held = verdict(&BTreeMap::from([(namespace.clone(), reason_to_hold(&namespace, &inside))]));
    assert_eq!((held.stopped, held.held[0].reason.as_str()), (None, "Secret extra/s lies in it and stays"));
}

#[test]
fn nothing_is_looked_into_that_a_guard_holds_back() {
    let (mut inventory, mut live) = ours(3);
    let namespace = ObjectKey { namespace: None, ..key("Namespace", "extra") };
    put(&mut inventory, &mut live, namespace.clone(), "uid-extra".into());
    let gone = [namespace.clone(), key("ConfigMap", "0")];
    let verdict =
        |reached, approved| judge_prune(&gone, &inventory, &live, PruneRules { reached, approved, ..rules(3) });
    for reached in [Reached::Unread, Reached::Unapplied] {
        assert_eq!(verdict(reached, None).holders_in_question(), []);
    }
    let asks = verdict(Reached::Applied, None);
    assert_eq!((asks.holders(), asks.holders_in_question()), (vec![], vec![namespace.clone()]));
    let plan = asks.stopped.unwrap().plan;
    let approved = verdict(Reached::Applied, Some(&plan));
    assert_eq!((approved.holders(), approved.holders_in_question()), (vec![namespace.clone()], vec![namespace]));
}
