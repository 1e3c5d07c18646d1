use heddle_kube::sync::SyncSpec;
use heddle_reconcile::{GroupKind, ObjectKey, Order};

use super::*;

fn spec(branch: &str, path: &str) -> Result<Spec, String> {
    let spec = serde_json::json!({"repository": "https://example.org/acme/config", "branch": branch, "path": path});
    Spec::read(&serde_json::from_value::<SyncSpec>(spec).unwrap(), "apps", "heddle-system")
}

fn status(source: Option<AppliedSource>) -> SyncStatus {
    SyncStatus { applied_revision: Some("a".repeat(40)), applied_source: source, ..SyncStatus::default() }
}

#[test]
fn a_revision_of_another_source_is_none_of_what_is_followed_now() {
    let applied = Applied::read(&status(None), &spec("main", "apps")).unwrap();
    assert!(applied.of(&spec("main", "/apps/")).is_some());
    assert_eq!(applied.of(&spec("next", "apps")), None);
    assert_eq!(applied.of(&spec("main", "other")), None);
    assert!(applied.of(&spec("a..b", "apps")).is_some(), "what cannot be read has changed nothing");
    // The process begins anew after the spec was edited.
    let written = status(Some(applied.source_for_status()));
    assert_eq!(Applied::read(&written, &spec("next", "apps")).unwrap(), applied);
    assert_eq!(Applied::read(&SyncStatus::default(), &spec("main", "apps")), None);
}

fn prints(objects: &[(&str, &str)]) -> Prints {
    let made: Vec<DesiredObject> = objects
        .iter()
        .map(|(name, manifest)| DesiredObject {
            key: ObjectKey {
                kind: GroupKind { group: String::new(), kind: "ConfigMap".into() },
                namespace: Some("shop".into()),
                name: (*name).to_owned(),
            },
            api_version: "v1".into(),
            manifest: (*manifest).to_owned(),
            defines: None,
            may_vanish: false,
            order: Order::default(),
        })
        .collect();
    Prints::of(made.iter())
}

#[test]
fn what_came_left_or_is_different_is_what_a_revision_changed() {
    let before = prints(&[("a", "1"), ("b", "1"), ("c", "1")]);
    assert_eq!(prints(&[("c", "1"), ("b", "1"), ("a", "1")]).count_changed(&before), 0);
    assert_eq!(prints(&[("a", "1"), ("b", "2"), ("d", "1")]).count_changed(&before), 3);
    assert_eq!(prints(&[]).count_changed(&before), 3);
}
