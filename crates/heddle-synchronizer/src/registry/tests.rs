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

#[track_caller]
fn check(others: &[(&str, Known)], own: Known, expected: Option<&str>) {
    let registry = Registry::default();
    for (name, known) in others {
        registry.publish(name, known.clone());
    }
    registry.publish("own", own);
    assert_eq!(registry.awaited("own", &revision('a')).as_deref(), expected);
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

#[test]
fn an_object_is_given_up_when_its_owner_is_known_not_to_hold_it() {
    let registry = Registry::default();
    let old = Known { uid: "old".into(), source: source(), revision: Some(revision('a')), ..Known::default() };
    let holding = |keys: &[&str]| Some(Arc::new(keys.iter().map(|name| key(name)).collect()));
    registry.publish("old", old.clone());
    assert!(!registry.was_given_up("old", &key("a")), "its inventory is not read yet");
    registry.publish("old", Known { holds: holding(&["a", "b"]), ..old.clone() });
    assert!(!registry.was_given_up("old", &key("a")));
    registry.publish("old", Known { holds: holding(&["b"]), ..old });
    assert!(registry.was_given_up("old", &key("a")));

    let wants = Arc::new(BTreeSet::from([key("a")]));
    let new = Known { uid: "new".into(), source: source(), wants, revision: Some(revision('b')), ..Known::default() };
    registry.publish("new", new.clone());
    assert_eq!(registry.other_wanting("old", &key("a")).as_deref(), Some("new"));
    assert_eq!(registry.other_wanting("new", &key("a")), None);
    assert_eq!(registry.others_behind("old"), ["new"]);
    registry.publish("new", Known { revision: Some(revision('a')), ..new });
    assert!(registry.others_behind("old").is_empty());
    registry.remove("new");
    assert_eq!(registry.living(), BTreeMap::from([("old".to_owned(), "old".to_owned())]));
}
