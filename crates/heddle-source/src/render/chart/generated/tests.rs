use super::*;

fn object(value: Value) -> RenderedObject {
    let file = Some("web/templates/a.yaml".to_owned());
    RenderedObject { value, file, ..RenderedObject::default() }
}

/// What is generated of an object, given another render of it.
fn check(one: Value, other: Value, fields: &[&str]) -> Value {
    let with_identity = |mut value: Value| {
        value["kind"] = "X".into();
        value["metadata"]["name"] = "a".into();
        object(value)
    };
    let mut objects = [with_identity(one)];
    assert_eq!(mark(&mut objects, &[with_identity(other)]), []);
    assert_eq!(objects[0].generated.fields, fields);
    objects[0].value.clone()
}

#[test]
fn what_differs_is_named_by_the_way_to_it() {
    check(json!({"data": {"a": 1, "b/c~d": "x"}}), json!({"data": {"a": 1, "b/c~d": "y"}}), &["/data/b~1c~0d"]);
    check(json!({"a": [{"n": 1, "v": 1}, {"n": 2}]}), json!({"a": [{"n": 1, "v": 2}, {"n": 2}]}), &["/a/0/v"]);
    check(json!({"a": ["x"]}), json!({"a": ["x", "y"]}), &["/a"]);
    check(json!({"a": {"b": 1}}), json!({"a": {}}), &["/a/b"]);
    check(json!({"a": 1}), json!({"a": 1}), &[]);
}

#[test]
fn lists_that_differ_by_their_order_alone_are_put_into_one() {
    let one = check(json!({"a": ["y", "x"]}), json!({"a": ["x", "y"]}), &[]);
    let other = check(json!({"a": ["x", "y"]}), json!({"a": ["y", "x"]}), &[]);
    assert_eq!(one, other);
}

#[test]
fn a_hook_with_a_random_name_is_named_for_its_run_and_anything_else_is_an_error() {
    let job = |name: &str, annotations: Value| {
        object(json!({"kind": "Job", "metadata": {"name": name, "annotations": annotations}}))
    };
    let hook = || json!({"helm.sh/hook": "pre-upgrade"});
    let mut objects = [job("migrate-x1", hook()), job("load-x1", json!({}))];
    let wrong = mark(&mut objects, &[job("migrate-y7", hook()), job("load-y7", json!({}))]);
    assert_eq!(objects[0].value["metadata"]["generateName"], "migrate-");
    assert!(objects[0].value["metadata"].get("name").is_none());
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].0 == 1 && wrong[0].1.contains("`load-x1` has another name"), "{wrong:?}");
}

#[test]
fn all_that_a_secret_holds_is_generated_where_its_chart_looks_into_the_cluster() {
    let mut secret = object(json!({"kind": "Secret", "data": {"b": "", "a/b": ""}, "stringData": {"c": ""}}));
    mark_secret(&mut secret);
    assert_eq!(secret.generated.fields, ["/data/a~1b", "/data/b", "/stringData/c"]);
}
