use serde_json::json;

use super::*;
use crate::{Contested, DriftRules, GroupKind};

fn fields(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

/// What is applied, given what was rendered and what the cluster has.
fn check(mut manifest: Value, live: Value, generated: &[&str], applied: Value) {
    keep_generated(&mut manifest, &live, &fields(generated));
    assert_eq!(manifest, applied);
}

#[test]
fn what_the_cluster_has_stays_and_what_it_has_not_is_written() {
    check(
        json!({"data": {"password": "new", "extra": "new", "user": "ada"}}),
        json!({"data": {"password": "old", "user": "eve"}}),
        &["/data/password", "/data/extra"],
        json!({"data": {"password": "old", "extra": "new", "user": "ada"}}),
    );
    check(json!({"data": {"a": "new"}}), json!({"data": {"a": null}}), &["/data/a"], json!({"data": {"a": "new"}}));
    check(
        json!({"data": {"a/b": "new"}}),
        json!({"data": {"a/b": "old"}}),
        &["/data/a~1b"],
        json!({"data": {"a/b": "old"}}),
    );
    check(json!({"data": {"a": "new"}}), json!({}), &["/data/a", "/nowhere"], json!({"data": {"a": "new"}}));
}

#[test]
fn members_of_lists_are_found_by_their_key_wherever_they_stand() {
    let env = |value: &str| json!({"name": "TOKEN", "value": value});
    check(
        json!({"env": [env("new")]}),
        json!({"env": [{"name": "A", "value": "x"}, env("old")]}),
        &["/env/0/value"],
        json!({"env": [env("old")]}),
    );
    check(
        json!({"env": [env("new")]}),
        json!({"env": [{"name": "A", "value": "x"}]}),
        &["/env/0/value"],
        json!({"env": [env("new")]}),
    );
    check(json!({"args": ["-t", "new"]}), json!({"args": ["-t", "old"]}), &["/args/1"], json!({"args": ["-t", "old"]}));
    check(json!({"args": ["-t", "new"]}), json!({"args": ["old"]}), &["/args/1"], json!({"args": ["-t", "new"]}));
    check(json!({"args": ["new"]}), json!({"args": ["old", "older"]}), &["/args"], json!({"args": ["old", "older"]}));
}

#[test]
fn what_is_generated_is_not_compared() {
    let one = json!({"data": {"password": "a", "user": "ada"}});
    let other = json!({"data": {"password": "b", "user": "ada"}});
    let generated = fields(&["/data/password"]);
    assert_eq!(without_generated(&one, &generated), without_generated(&other, &generated));
    let third = json!({"data": {"password": "b", "user": "eve"}});
    assert_ne!(without_generated(&one, &generated), without_generated(&third, &generated));
    let more = json!({"data": {"password": "b", "user": "ada", "more": "c"}});
    assert_ne!(
        without_generated(&one, &generated),
        without_generated(&more, &fields(&["/data/password", "/data/more"]))
    );
}

#[test]
fn fields_are_told_as_people_write_them() {
    let manifest = json!({"metadata": {"annotations": {"a.b/c": "x"}}, "spec": {"env": [{"value": 1}, {"value": 2}]}});
    let generated = fields(&["/metadata/annotations/a.b~1c", "/spec/env/0/value", "/spec/env/1/value"]);
    assert_eq!(generated_paths(&manifest, &generated), ["metadata.annotations.a.b/c", "spec.env[*].value"]);
}

#[test]
fn rules_leave_a_field_to_others_and_none_of_its_siblings() {
    let env = json!([{"name": "TOKEN", "value": "x"}, {"name": "LEVEL", "value": "info"}]);
    let ports = json!([{"containerPort": 80, "hostPort": 1}, {"containerPort": 81, "hostPort": 2}]);
    let manifest = json!({"spec": {"containers": [{"name": "api", "env": env, "ports": ports, "args": ["a", "b"]}]}});
    let at = |field: &str| format!("/spec/containers/0/{field}");
    let rules = DriftRules::default()
        .and_ignore(generated_rules(&manifest, &[at("env/0/value"), at("ports/1/hostPort"), at("args/1")]));
    let deployment = GroupKind::new("v1", "Pod");
    let is_left = |field: &str| {
        let contested =
            Contested { field: format!(".spec.containers[name=\"api\"]{field}"), manager: "other".to_owned() };
        rules.take_out_ignored(&deployment, &mut manifest.clone(), vec![contested]).taken.is_empty()
    };
    let left = [".env[name=\"TOKEN\"].value", ".ports[containerPort=81,protocol=\"TCP\"].hostPort", ".args"];
    let taken = [".env[name=\"LEVEL\"].value", ".ports[containerPort=80,protocol=\"TCP\"].hostPort", ".image"];
    assert_eq!((left.map(is_left), taken.map(is_left)), ([true; 3], [false; 3]));
}
