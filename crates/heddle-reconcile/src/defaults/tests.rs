use super::*;

fn live(spec: Value, managed_fields: Value) -> Value {
    json!({"metadata": {"managedFields": managed_fields}, "spec": spec})
}

fn rolling() -> Value {
    json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}})
}

fn field(field: &str, beside_another: bool) -> [RefusedField; 1] {
    [RefusedField { field: field.to_owned(), beside_another }]
}

fn refused() -> [RefusedField; 1] {
    field("spec.strategy.rollingUpdate", false)
}

#[test]
fn kubernetes_24198_a_default_that_is_refused_beside_what_is_wanted_is_named_with_null() {
    let expected = json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}});
    for strategy in [json!({"type": "Recreate"}), json!({"type": "Recreate", "rollingUpdate": null})] {
        let manifest = json!({"spec": {"strategy": strategy}});
        let found = without_defaults(&refused(), &manifest, &live(rolling(), json!([]))).unwrap();
        assert_eq!((found.patch, found.has_lists), (expected.clone(), false));
    }
}

#[test]
fn in_a_list_the_element_is_known_by_its_name_and_what_is_wanted_is_named_in_the_fault() {
    let volumes = json!([{"name": "v", "emptyDir": {}}]);
    let wanted = json!({"name": "v", "persistentVolumeClaim": {"claimName": "x"}});
    let manifest = json!({"spec": {"volumes": [{"name": "other"}, wanted]}});
    let refused = field("spec.volumes[0].persistentVolumeClaim", true);
    let found = without_defaults(&refused, &manifest, &live(json!({"volumes": volumes}), json!([]))).unwrap();
    let mut element = wanted;
    element["emptyDir"] = Value::Null;
    assert_eq!(found, DefaultsPatch { patch: json!({"spec": {"volumes": [element]}}), has_lists: true });
}

#[test]
fn what_somebody_has_set_or_the_manifest_has_is_no_default() {
    let manifest = json!({"spec": {"strategy": {"type": "Recreate"}}});
    let fields = json!({"f:spec": {"f:strategy": {"f:rollingUpdate": {"f:maxSurge": {}}}}});
    let of = |manager: &str| {
        let entry = json!([{"manager": manager, "operation": "Update", "fieldsV1": fields}]);
        without_defaults(&refused(), &manifest, &live(rolling(), entry)).is_some()
    };
    assert!(!of("ada") && of("kubectl-client-side-apply") && of("heddle"));
    let both = json!({"spec": {"strategy": rolling()["strategy"]}});
    assert_eq!(without_defaults(&refused(), &both, &live(rolling(), json!([]))), None);
    // Of a value that is wrong by itself no neighbor is at fault.
    let is = live(json!({"replicas": 1, "paused": false}), json!([]));
    assert_eq!(without_defaults(&field("spec.replicas", false), &json!({"spec": {"replicas": -1}}), &is), None);
    for odd in ["", "spec", "spec.x.y", "spec.strategy[x].y", "metadata.labels[a.b/c]"] {
        assert_eq!(without_defaults(&field(odd, true), &manifest, &live(rolling(), json!([]))), None, "{odd}");
    }
}
