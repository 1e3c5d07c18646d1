use heddle_reconcile::GroupKind;

use super::*;

fn revision(digit: char) -> Revision {
    digit.to_string().repeat(40).try_into().unwrap()
}

fn source() -> Option<(RepoUrl, BranchName)> {
    Some(("https://example.org/acme/config".parse().unwrap(), "main".parse().unwrap()))
}

fn depends(on: &[&str]) -> Known {
    Known { depends_on: on.iter().map(|&name| name.to_owned()).collect(), source: source(), ..Known::default() }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: Some("shop".into()), name: name.into() }
}

/// A Sync that is new, with what is known of it.
fn join(neighbors: &Neighbors, name: &str, known: Known) {
    neighbors.join(name, &known.uid);
    neighbors.publish(name, known);
}

#[track_caller]
fn check(others: &[(&str, Known)], own: Known, expected: Option<&str>) {
    let neighbors = Neighbors::default();
    for (name, known) in others {
        join(&neighbors, name, known.clone());
    }
    join(&neighbors, "own", own);
    assert_eq!(neighbors.awaited("own", &revision('a')).as_deref(), expected);
}

#[test]
fn a_dependency_is_ready_at_the_same_revision_of_the_same_branch() {
    let own = || depends(&["platform"]);
    let ready = |digit| Known { is_ready: true, applied: Some(revision(digit)), source: source(), ..Known::default() };
    check(&[], depends(&[]), None);
    check(&[], own(), Some("there is no Sync `platform`"));
    check(&[("platform", ready('a'))], own(), None);
    let behind = "it waits until aaaaaaa is applied by the Sync `platform`";
    check(&[("platform", ready('b'))], own(), Some(behind));
    // Of another repository, the revisions have nothing to do with each other.
    check(&[("platform", Known { source: None, ..ready('b') })], own(), None);
    let unwell = Known { is_ready: false, message: "0 of 1 pods".into(), ..ready('a') };
    check(&[("platform", unwell)], own(), Some("it waits for the Sync `platform`: 0 of 1 pods"));
}

#[test]
fn a_circle_of_dependencies_is_named() {
    let others = [("a", depends(&["x", "b"])), ("b", depends(&["own"])), ("x", depends(&["x"]))];
    check(&others, depends(&["a"]), Some("it waits for itself: own → a → b → own"));
    // Others' circles are their own.
    let ready = Known { is_ready: true, applied: Some(revision('a')), ..depends(&["x"]) };
    check(&[("a", ready), ("x", depends(&["x"]))], depends(&["a"]), None);
}

fn wants(keys: &[&str]) -> Arc<BTreeSet<ObjectKey>> {
    Arc::new(keys.iter().map(|name| key(name)).collect())
}

/// A Sync at revision `digit`.
fn at(uid: &str, digit: char, keys: &[&str]) -> Known {
    Known { uid: uid.into(), source: source(), revision: Some(revision(digit)), wants: wants(keys), ..Known::default() }
}

/// The neighbors of a cluster of which every Sync is known.
fn neighbors(syncs: &[(&str, Known)]) -> Neighbors {
    let neighbors = Neighbors::default();
    neighbors.know_all();
    for (name, known) in syncs {
        join(&neighbors, name, known.clone());
    }
    neighbors
}

#[test]
fn an_object_is_given_up_when_its_owner_is_known_not_to_hold_it() {
    let old = at("old", 'a', &[]);
    let neighbors = neighbors(&[("old", old.clone())]);
    assert!(!neighbors.was_given_up("old", &key("a")), "its inventory is not read yet");
    neighbors.publish("old", Known { holds: Some(wants(&["a", "b"])), ..old.clone() });
    assert!(!neighbors.was_given_up("old", &key("a")));
    neighbors.publish("old", Known { holds: Some(wants(&["b"])), ..old });
    assert!(neighbors.was_given_up("old", &key("a")));
}

#[test]
fn what_left_a_path_moves_to_whoever_wants_it_and_stays_for_one_who_is_suspended() {
    let suspended = |known: Known| Known { suspended: true, ..known };
    let neighbors = neighbors(&[("old", at("old", 'a', &[])), ("new", at("new", 'a', &["a"]))]);
    assert_eq!(neighbors.fate("old", &key("a")), Fate::Moved("new".into()));
    assert_eq!(neighbors.fate("new", &key("a")), Fate::Unclaimed);
    assert_eq!(neighbors.fate("old", &key("b")), Fate::Unclaimed);
    neighbors.publish("new", suspended(at("new", 'a', &["a"])));
    assert_eq!(neighbors.fate("old", &key("a")), Fate::MovedToSuspended("new".into()));
    join(&neighbors, "third", at("third", 'a', &["a"]));
    assert_eq!(neighbors.fate("old", &key("a")), Fate::Moved("third".into()));
}

#[test]
fn nobody_of_the_branch_is_too_slow_or_too_suspended_to_be_asked() {
    let neighbors = neighbors(&[("old", at("old", 'b', &[])), ("new", at("new", 'a', &[]))]);
    assert_eq!(neighbors.silent("old"), ["new"]);
    neighbors.publish("new", Known { suspended: true, ..at("new", 'a', &[]) });
    assert_eq!(neighbors.silent("old"), ["new (suspended)"]);
    // One that has rendered nothing yet, and one whose last revision could not be rendered whole.
    neighbors.publish("new", Known { revision: None, ..at("new", 'a', &[]) });
    assert_eq!(neighbors.silent("old"), ["new"]);
    neighbors.publish("new", at("new", 'b', &[]));
    assert!(neighbors.silent("old").is_empty());
    // Another repository has no say.
    let elsewhere = Some(("https://example.org/acme/other".parse().unwrap(), "main".parse().unwrap()));
    join(&neighbors, "far", Known { source: elsewhere, ..at("far", 'a', &[]) });
    assert!(neighbors.silent("old").is_empty());
    neighbors.remove("new");
    assert_eq!(neighbors.living().into_values().collect::<Vec<_>>(), ["far", "old"]);
}

#[test]
fn a_sync_whose_branch_is_not_known_is_silent_for_everyone() {
    let unread = Known { source: None, revision: None, ..at("odd", 'a', &[]) };
    let neighbors = neighbors(&[("old", at("old", 'b', &[])), ("odd", unread.clone())]);
    assert_eq!(neighbors.silent("old"), ["odd (its branch cannot be read)"]);
    neighbors.publish("odd", Known { revision: Some(revision('b')), ..unread });
    assert_eq!(neighbors.silent("old"), ["odd (its branch cannot be read)"]);
    neighbors.publish("odd", at("odd", 'b', &[]));
    assert!(neighbors.silent("old").is_empty());
}

#[test]
fn what_is_let_go_is_noted_for_each_that_it_could_go_with_until_all_inventories_are_read() {
    let named = |api_version: &str, kind: &str, name: &str| ObjectKey {
        kind: GroupKind::new(api_version, kind),
        namespace: None,
        name: name.into(),
    };
    let definition = |name: &str| named("apiextensions.k8s.io/v1", "CustomResourceDefinition", name);
    let jar = ObjectKey { namespace: Some("shop".into()), ..named("shop.example.org/v1", "Jar", "a") };
    let plurals = BTreeMap::from([(jar.kind.clone(), "jars".to_owned()), (key("a").kind, "configmaps".to_owned())]);
    let (shop, jars) = (named("v1", "Namespace", "shop"), definition("jars.shop.example.org"));
    let neighbors = neighbors(&[("old", at("old", 'a', &[])), ("far", at("far", 'a', &[]))]);
    assert_eq!(neighbors.holders_elsewhere("old", &jar, &plurals), [shop.clone(), jars]);
    assert_eq!(neighbors.holders_elsewhere("old", &key("a"), &plurals), std::slice::from_ref(&shop));
    let holds = Some(Arc::new(BTreeSet::from([shop.clone(), definition("lids.shop.example.org")])));
    neighbors.publish("far", Known { holds, ..at("far", 'a', &[]) });
    assert_eq!(neighbors.holders_elsewhere("old", &jar, &plurals), [shop]);
}

#[test]
fn before_every_sync_is_known_there_may_be_one_that_wants_the_object() {
    let neighbors = Neighbors::default();
    join(&neighbors, "old", at("old", 'a', &[]));
    assert_eq!(neighbors.silent("old"), ["Syncs that are not known yet"]);
    neighbors.know_all();
    assert!(neighbors.silent("old").is_empty());
}

#[test]
fn a_task_that_outlives_its_sync_says_nothing() {
    let neighbors = neighbors(&[("old", at("first", 'a', &["a"]))]);
    neighbors.remove("old");
    neighbors.publish("old", at("first", 'b', &["a"]));
    assert!(neighbors.living().is_empty());
    // Nor of another Sync of the same name.
    join(&neighbors, "old", at("second", 'a', &["b"]));
    neighbors.publish("old", at("first", 'b', &["a"]));
    assert_eq!(neighbors.living().into_keys().collect::<Vec<_>>(), ["second"]);
    assert_eq!(neighbors.lock().syncs["old"].revision, Some(revision('a')));
}

#[test]
fn an_owner_will_give_up_what_it_does_not_want_or_may_not_want_soon() {
    let neighbors = neighbors(&[("new", at("new", 'b', &["a"])), ("old", at("old", 'a', &["a"]))]);
    assert!(neighbors.will_give_up("new", "old", &key("a")), "it has not come to the revision");
    neighbors.publish("old", at("old", 'b', &["a"]));
    assert!(!neighbors.will_give_up("new", "old", &key("a")), "it wants it");
    neighbors.publish("old", Known { holds: Some(wants(&["a"])), ..at("old", 'b', &[]) });
    assert!(neighbors.will_give_up("new", "old", &key("a")), "it is about to");
    neighbors.publish("old", Known { suspended: true, ..at("old", 'b', &[]) });
    assert!(!neighbors.will_give_up("new", "old", &key("a")), "it does nothing");
}

#[tokio::test(start_paused = true)]
async fn what_another_one_of_the_branch_has_come_to_is_news_to_who_looked_before() {
    let neighbors = neighbors(&[("own", at("own", 'a', &[])), ("other", at("other", 'a', &[]))]);
    let (a, b) = (revision('a'), revision('b'));
    let looked_at = Instant::now();
    assert!(!neighbors.have_moved_on("own", Some(&a), looked_at));
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    neighbors.publish("other", at("other", 'b', &[]));
    assert!(neighbors.have_moved_on("own", Some(&a), looked_at));
    assert!(!neighbors.have_moved_on("own", Some(&b), looked_at), "it has come there by itself");
    assert!(!neighbors.have_moved_on("own", Some(&a), Instant::now()), "it has looked since");
    // The first to come to a head is not woken by those that have not left the one before.
    assert!(!neighbors.have_moved_on("other", Some(&b), looked_at));
    // A branch that goes back is news again.
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    let looked_at = Instant::now();
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    neighbors.publish("other", at("other", 'a', &[]));
    assert!(neighbors.have_moved_on("own", Some(&b), looked_at));
    neighbors.publish("other", Known { source: None, ..at("other", 'c', &[]) });
    assert!(!neighbors.have_moved_on("own", Some(&b), looked_at), "it follows another branch");
}
