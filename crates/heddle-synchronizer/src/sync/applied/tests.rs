use heddle_kube::sync::SyncSpec;

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
