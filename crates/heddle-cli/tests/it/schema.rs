use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::program::Person;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/heddle-yaml.schema.json");

#[tokio::test]
async fn the_published_schema_is_what_the_types_say() {
    let ended = Person::new().run(&["policy", "schema"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        fs::write(SCHEMA, &ended.stdout).unwrap();
    }
    let remedy = "run `HEDDLE_UPDATE=1 cargo test -p heddle-cli schema`";
    assert_eq!(fs::read_to_string(SCHEMA).unwrap(), ended.stdout, "the published schema is old: {remedy}");
}

#[test]
fn the_reader_and_the_schema_know_the_same_keys() {
    let schema = heddle_manifest::config::json_schema();
    let same = |name: &str, text: &str| {
        let object = if name.is_empty() { &schema } else { &schema["$defs"][name] };
        let keys: BTreeSet<String> = object["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(object["additionalProperties"], Value::Bool(false), "{name}");
        assert_eq!(known(text), keys, "{name}");
    };
    same("", "zzzzzzzzzzzz: 1\n");
    same("EnvironmentEntry", "environments: [{zzzzzzzzzzzz: 1}]\n");
    same("RuleEntry", "images: [{zzzzzzzzzzzz: 1}]\n");
    same("TagPolicy", "images: [{policy: {zzzzzzzzzzzz: 1}}]\n");
    same("Signer", "images: [{policy: {signed_by: [{zzzzzzzzzzzz: 1}]}}]\n");
    same("ChartRuleEntry", "charts: [{zzzzzzzzzzzz: 1}]\n");
    same("ResourceEntry", "resources: [{zzzzzzzzzzzz: 1}]\n");
    same("DriftEntry", "drift: [{zzzzzzzzzzzz: 1}]\n");
    same("Updates", "updates: {zzzzzzzzzzzz: 1}\n");
    same("Limit", "updates: {limit: {zzzzzzzzzzzz: 1}}\n");
    same("WindowEntry", "updates: {schedule: [{zzzzzzzzzzzz: 1}]}\n");
    same("FreezeEntry", "freezes: [{zzzzzzzzzzzz: 1}]\n");
    same("HoldEntry", "holds: [{zzzzzzzzzzzz: 1}]\n");
}

/// The keys that the reader names where it finds one that is near to none.
fn known(text: &str) -> BTreeSet<String> {
    let (_, findings) = heddle_manifest::config::read(text);
    let unknown = findings.iter().find(|finding| finding.code == "unknown-key").unwrap();
    let (_, listed) = unknown.message.split_once("it has ").unwrap_or_else(|| panic!("{}", unknown.message));
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn shells_get_a_script_that_completes_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = Person::new().run(&["completions", shell]).await;
        assert!(ended.code == 0 && ended.stdout.contains("import") && ended.stdout.contains("profile"), "{ended:?}");
    }
}
