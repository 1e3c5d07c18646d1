use serde_json::{Value, json};

use super::{path::words, *};

/// Builds an object from an example: `Ready=False(Reason)` is a condition, `.a.b[0].c=x` a value at a place.
fn object_of(block: &Block, example: &'static str) -> Value {
    let pattern = &block.kinds[0];
    let kind = if pattern.kind == "*" { "Example" } else { pattern.kind };
    let mut object = json!({"apiVersion": format!("{}/v1", pattern.group.replacen('*', "x", 1)), "kind": kind});
    for word in words(example) {
        if let Some(place) = word.strip_prefix('.') {
            let (place, value) = place.split_once('=').unwrap();
            let value = value.trim_matches('\'');
            set(&mut object, place, serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
        } else {
            let (kind, status) = word.split_once('=').unwrap();
            let (status, reason) = status.split_once('(').unwrap_or((status, ""));
            let condition = json!({"type": kind, "status": status, "reason": reason.trim_end_matches(')')});
            let conditions = &mut object["status"]["conditions"];
            match conditions.as_array_mut() {
                Some(conditions) => conditions.push(condition),
                None => *conditions = json!([condition]),
            }
        }
    }
    object
}

fn set(mut at: &mut Value, place: &'static str, value: Value) {
    for step in path::split(place, '.') {
        let (key, rest) = step.split_once('[').unwrap_or((step, ""));
        at = &mut at[key];
        match rest.trim_end_matches(']') {
            "" => {}
            "0" => {
                if at.is_null() {
                    *at = json!([null]);
                }
                at = &mut at[0];
            }
            quoted => at = &mut at[quoted.trim_matches('\'')],
        }
    }
    *at = value;
}

#[test]
fn every_example_has_the_verdict_that_stands_beside_it() {
    let count: usize = BOOK.blocks.iter().map(check_examples).sum();
    assert!(count > 150, "{count}");
}

#[test]
fn the_examples_in_the_manual_are_right() {
    let text = include_str!("../../../../../docs/reference/health.md");
    let example = text.split("```rules\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let blocks = read(example).unwrap();
    assert_eq!(blocks.iter().map(check_examples).sum::<usize>(), 6);
}

/// Judges each example of a block; gives how many there were.
fn check_examples(block: &Block) -> usize {
    let names: Vec<String> = block.kinds.iter().map(|kind| format!("{}/{}", kind.group, kind.kind)).collect();
    assert!(!block.examples.is_empty(), "{names:?} has no example");
    for example in &block.examples {
        let (input, expected) = example.rsplit_once("=> ").unwrap();
        let object = object_of(block, input);
        let verdict = block.lines.iter().find_map(|line| line.judge(&object)).unwrap();
        assert_eq!(verdict.status.as_str(), expected, "{names:?}: {example}: {object}");
    }
    block.examples.len()
}

#[test]
fn every_block_ends_with_a_line_that_always_fits() {
    for block in &BOOK.blocks {
        let last = block.lines.last().unwrap();
        let early = block.lines.iter().rev().skip(1).filter(|line| line.terms.is_empty()).count();
        assert!(last.terms.is_empty() && early == 0, "{}/{}", block.kinds[0].group, block.kinds[0].kind);
    }
}

#[test]
fn no_kind_stands_twice() {
    let all = BOOK.blocks.iter().flat_map(|block| &block.kinds);
    let mut names: Vec<String> = all.map(|kind| format!("{}/{}", kind.group, kind.kind)).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

fn term_fits(term: &'static str, object: &Value) -> bool {
    Term::read(term).unwrap().find(object).is_some()
}

#[test]
fn terms_compare_places_lengths_and_sums() {
    let object = json!({"metadata": {"generation": 2, "labels": {"a.b/c": "x"}}, "status": {"observedGeneration": 1,
        "nodes": [{"count": 1, "ready": true}, {"count": 2}], "at": "2026-01-01T00:00:00Z", "phase": "Two words"}});
    let check = |term, expected| assert_eq!(term_fits(term, &object), expected, "{term}");
    check(".metadata.generation!=.status.observedGeneration", true);
    check(".metadata.generation<>.status.absent", false);
    check(".metadata.generation!=.status.absent", true);
    check(".metadata.labels['a.b/c']=x", true);
    check("#.status.nodes=2", true);
    check("+.status.nodes[].count>2", true);
    check("+.status.nodes[].count>3", false);
    check(".status.nodes[].ready!=true", true);
    check("!.status.nodes[].ready!=true", false);
    check(".status.nodes[-1].count=2", true);
    check(".status.phase='Two words'|Three", true);
    check(".status.phase='Two *'", true);
    check(".status.at<.status.absent?2026-02-01T00:00:00Z", true);
    check(".status.replicas<.spec.replicas?1", true);
}

#[test]
fn a_condition_is_asked_by_status_reason_and_members() {
    let condition = json!({"type": "Ready", "status": "False", "reason": "Slow", "severity": "Info"});
    let object = json!({"metadata": {"generation": 2}, "status": {"conditions": [condition]}});
    let check = |term, expected| assert_eq!(term_fits(term, &object), expected, "{term}");
    check("Ready", true);
    check("!Ready", false);
    check("Ready|Other=False", true);
    check("Ready!=True(Slow|Fast)", true);
    check("Ready=False(!Slow)", false);
    check("*=False", true);
    check("*-Ready=False", false);
    check("Ready{severity!=Info}", false);
    check("Ready{observedGeneration<>.metadata.generation}", false);
    check("Ready{observedGeneration!=.metadata.generation}", true);
    check("Ready(*)", true);
}

#[test]
fn a_broken_rule_is_told_by_its_line() {
    let check = |text, fault: &str| assert!(read(text).err().unwrap().contains(fault), "{text}");
    check("a.io/B\n  well Ready=True\n", "line 2: `well` is no verdict");
    check("  healthy\n", "line 1: no kinds stand above it");
    check("a.io\n", "line 1: `a.io` is no group/Kind");
    check("a.io/B\n  healthy Ready=True(x\n", "line 2: a bracket has no end");
}

#[test]
fn an_exact_kind_comes_before_a_whole_group_and_that_before_its_family() {
    let verdict = |api_version: &str, kind: &str| {
        let ready = json!({"type": "Ready", "status": "True"});
        let object = json!({"apiVersion": api_version, "kind": kind, "status": {"conditions": [ready]}});
        judge(&GroupKind::new(api_version, kind), &object).map(|verdict| verdict.status.as_str())
    };
    assert_eq!(verdict("s3.aws.crossplane.io/v1", "Bucket"), Some("degraded"));
    assert_eq!(verdict("ec2.aws.crossplane.io/v1", "Subnet"), Some("healthy"));
    assert_eq!(verdict("source.toolkit.fluxcd.io/v1", "GitRepository"), Some("degraded"));
    assert_eq!(verdict("acme.io/v1", "Gadget"), None);
}
