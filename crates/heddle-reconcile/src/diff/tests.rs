use serde_json::json;

use super::*;

fn paths(desired: Value, live: Value) -> Vec<String> {
    diff(&desired, &live, &Mask::new("salt")).into_iter().map(|difference| difference.path).collect()
}

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
}

/// kubediff#84: what the server fills in is no difference.
#[test]
fn kubediff_84_defaults_and_what_the_server_writes_do_not_show() {
    let desired = json!({"kind": "Service", "metadata": {"name": "s", "labels": {}, "creationTimestamp": null},
        "spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {}}});
    let live = json!({"kind": "Service", "metadata": {"name": "s", "uid": "u", "resourceVersion": "3",
        "managedFields": [{}]}, "spec": {"clusterIP": "10.0.0.1", "type": "ClusterIP",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}, "status": {"loadBalancer": {"ingress": []}}});
    assert_eq!(paths(desired, live), Vec::<String>::new());
}

/// kubediff#37: one changed element is told as itself, not as a list whose element 0 is missing.
#[test]
fn kubediff_37_a_changed_list_element_is_named_by_its_key() {
    let desired = pod(json!({"containers": [{"name": "b", "image": "b:2"}, {"name": "a", "image": "a:1"}]}));
    let live = pod(json!({"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}));
    assert_eq!(paths(desired, live), ["spec.containers[name=b].image"]);
}

#[test]
fn an_element_that_is_not_wanted_any_more_shows_and_a_finalizer_of_a_controller_does_not() {
    let desired = pod(json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}));
    let live = pod(json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y"}]}]}));
    assert_eq!(paths(desired, live), ["spec.containers[name=a].env[name=Y]"]);
    let desired = json!({"kind": "X", "metadata": {"finalizers": ["a"]}});
    let live = json!({"kind": "X", "metadata": {"finalizers": ["b", "a"]}});
    assert_eq!(paths(desired, live), Vec::<String>::new());
}

#[test]
fn ports_with_one_number_are_told_apart_by_protocol() {
    let port = |protocol: &str, name: &str| json!({"port": 53, "protocol": protocol, "name": name});
    let service = |ports: Value| json!({"kind": "Service", "spec": {"ports": ports}});
    let desired = service(json!([port("UDP", "dns"), port("TCP", "dns-tcp")]));
    let live = service(json!([port("TCP", "old"), port("UDP", "dns")]));
    assert_eq!(paths(desired, live), ["spec.ports[port=53,protocol=TCP].name"]);
}

#[test]
fn quantities_are_compared_by_value() {
    let with = |cpu: Value, memory: &str| {
        pod(json!({"containers": [{"name": "a", "resources": {"limits": {"cpu": cpu, "memory": memory}}}]}))
    };
    let check = |(cpu, memory): (Value, &str), (live_cpu, live_memory): (Value, &str), count: usize| {
        assert_eq!(paths(with(cpu, memory), with(live_cpu, live_memory)).len(), count);
    };
    check((json!("1000m"), "1Gi"), (json!("1"), "1024Mi"), 0);
    check((json!(0.5), "1e3"), (json!("500m"), "1k"), 0);
    check((json!("100u"), "1Gi"), (json!("1m"), "1G"), 1);
    check((json!("1.5"), "0.5Gi"), (json!("1500m"), "512Mi"), 0);
    check((json!("1"), "1Gi"), (json!("2"), "1G"), 2);
}

#[test]
fn numbers_that_may_be_texts_are_the_same_and_others_are_not() {
    let with = |surge: Value, text: Value| json!({"spec": {"maxSurge": surge, "value": text}});
    assert_eq!(paths(with(json!(1), json!("a")), with(json!("1"), json!("a"))), Vec::<String>::new());
    assert_eq!(paths(with(json!("25%"), json!("a")), with(json!("50%"), json!("a"))), ["spec.maxSurge"]);
    assert_eq!(paths(with(json!(1), json!("1")), with(json!(1), json!(1))), ["spec.value"]);
}

#[test]
fn a_secret_shows_that_it_differs_and_never_what_it_holds() {
    let desired = json!({"kind": "Secret", "stringData": {"password": "hunter2"}, "data": {"same": "c2FtZQ=="}});
    let live = json!({"kind": "Secret", "data": {"password": "b2xk", "same": "c2FtZQ=="}});
    let found = diff(&desired, &live, &Mask::new("salt"));
    assert_eq!(found.len(), 1);
    let text = as_text(&found) + &serde_json::to_string(&found).unwrap();
    for secret in ["hunter2", "aHVudGVyMg", "b2xk", "old"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("data.password"), "{text}");
    assert_eq!(found, diff(&desired, &live, &Mask::new("salt")));
    assert_ne!(found, diff(&desired, &live, &Mask::new("another")));
    assert_ne!(found[0].live, found[0].desired);
}

#[test]
fn a_secret_whose_data_is_no_map_is_compared_as_it_is_written() {
    let desired = json!({"kind": "Secret", "stringData": {"k": "v"}, "data": "text"});
    let live = json!({"kind": "Secret", "data": {"k": "dg=="}});
    assert!(!diff(&desired, &live, &Mask::new("")).is_empty());
}

#[test]
fn text_given_in_the_clear_is_the_same_as_its_encoding() {
    for text in ["", "a", "ab", "abc", "hunter2"] {
        let encoded = ["", "YQ==", "YWI=", "YWJj", "aHVudGVyMg=="]
            [["", "a", "ab", "abc", "hunter2"].iter().position(|one| *one == text).unwrap()];
        let desired = json!({"kind": "Secret", "stringData": {"k": text}});
        let live = json!({"kind": "Secret", "data": {"k": encoded}});
        assert_eq!(paths(desired, live), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn keys_that_are_no_plain_words_stand_in_brackets() {
    let desired = json!({"metadata": {"labels": {"app.kubernetes.io/name": "a", "plain": "b"}}});
    let live = json!({"metadata": {"labels": {}}});
    assert_eq!(paths(desired, live), ["metadata.labels[app.kubernetes.io/name]", "metadata.labels.plain"]);
}

#[test]
fn people_read_what_is_there_and_what_is_wanted() {
    let found = diff(&json!({"spec": {"replicas": 2}}), &json!({"spec": {"replicas": 5}}), &Mask::new(""));
    assert_eq!(as_text(&found), "  spec.replicas\n    - 5\n    + 2\n");
}

#[test]
fn nothing_and_what_is_empty_mean_the_same_and_another_order_does_not() {
    let same = |a: Value, b: Value| {
        assert_eq!(is_same(&a, &b), is_same(&b, &a), "{a} {b}");
        is_same(&a, &b)
    };
    let policy = |spec: Value| json!({"metadata": {"name": "a", "generation": 1}, "spec": spec});
    assert!(same(policy(json!({"podSelector": {}, "ingress": []})), policy(json!({"podSelector": {}}))));
    assert!(same(policy(json!({"podSelector": {"matchLabels": {}}})), policy(json!({"podSelector": {}}))));
    assert!(same(policy(json!({})), json!({"metadata": {"name": "a", "generation": 2, "resourceVersion": "7"}})));
    assert!(!same(policy(json!({"ingress": [{}]})), policy(json!({"ingress": []}))));
    assert!(!same(policy(json!({"a": ["x", "y"]})), policy(json!({"a": ["y", "x"]}))));
    assert!(
        !same(policy(json!({"a": 1})), policy(json!({"a": 2}))) && !same(policy(json!({"a": 1})), policy(json!({})))
    );
    let limits = |cpu: &str| policy(json!({"resources": {"limits": {"cpu": cpu}}}));
    assert!(same(limits("1"), limits("1000m")) && !same(limits("1"), limits("2")));
}
