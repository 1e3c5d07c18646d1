use serde_json::json;

use super::*;

fn ours(fields: Value, time: &str) -> Value {
    json!({"manager": "heddle", "operation": "Apply", "apiVersion": "apps/v1", "time": time, "fieldsV1": fields})
}

fn replicas_and_image() -> Value {
    json!({"f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}, "f:name": {}}}}},
    }})
}

fn without_replicas() -> Value {
    let mut fields = replicas_and_image();
    fields["f:spec"].as_object_mut().unwrap().remove("f:replicas");
    fields
}

#[test]
fn our_entry_is_equal_while_nobody_touches_our_fields() {
    let alone = json!([ours(replicas_and_image(), "t1")]);
    let status = json!({"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
        "time": "t9", "fieldsV1": {"f:status": {"f:replicas": {}}}});
    let with_status = json!([ours(replicas_and_image(), "t1"), status]);
    assert_eq!(OwnEntry::find(&alone), OwnEntry::find(&with_status));
    assert!(OwnEntry::find(&alone).is_some());
}

#[test]
fn a_lost_field_another_time_and_another_operation_are_seen() {
    let before = OwnEntry::find(&json!([ours(replicas_and_image(), "t1")]));
    assert_ne!(before, OwnEntry::find(&json!([ours(without_replicas(), "t1")])));
    assert_ne!(before, OwnEntry::find(&json!([ours(replicas_and_image(), "t2")])));
    let mut update = ours(replicas_and_image(), "t1");
    update["operation"] = "Update".into();
    assert_eq!(OwnEntry::find(&json!([update])), None);
    assert_eq!(OwnEntry::find(&Value::Null), None);
}

#[test]
fn the_changed_fields_and_who_changed_them_are_named() {
    let scaled = json!({"manager": "kubectl-scale", "operation": "Update", "time": "t5",
        "fieldsV1": {"f:spec": {"f:replicas": {}}}});
    let noise = json!({"manager": "kube-controller-manager", "operation": "Update", "time": "t8",
        "fieldsV1": {"f:status": {}}});
    let drifted = json!([ours(without_replicas(), "t1"), scaled, noise]);
    let healed = json!([ours(replicas_and_image(), "t6"), noise]);

    let fields = changed_fields(&drifted, &healed);
    assert_eq!(fields, ["spec.replicas"]);
    let who = managers_of(&drifted, &fields).unwrap();
    assert_eq!((who.manager.as_str(), who.time.as_str()), ("kubectl-scale", "t5"));
}

#[test]
fn list_elements_are_named_by_their_key_and_a_removal_by_the_last_writer() {
    let nothing_left = json!([{"manager": "kubectl-edit", "operation": "Update", "time": "t3", "fieldsV1": {}}]);
    let healed = json!([ours(replicas_and_image(), "t4")]);
    let fields = changed_fields(&nothing_left, &healed);
    assert!(fields.contains(&"spec.template.spec.containers[name=api].image".to_owned()), "{fields:?}");
    assert_eq!(managers_of(&nothing_left, &fields).unwrap().manager, "kubectl-edit");
}
