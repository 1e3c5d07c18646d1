//! Flux's substitution of variables, in texts and in objects.

use heddle_manifest::{
    documents::parse_document,
    substitute::{Unset, Variables},
};
use serde_json::Value;

use crate::conformance::{Outcome, judge, run, text};

#[test]
fn substitution_agrees_with_flux() {
    run("synchronizer/varsub.json", &[], |case| match text(case, "suite") {
        "flux-envsubst" => in_text(case),
        "flux-varsub-doc" => in_object(case),
        other => Outcome::Wrong(format!("nobody runs {other:?}")),
    });
}

fn variables<'a>(case: &Value, all: impl IntoIterator<Item = &'a Value>) -> Variables {
    let unset = if case["mode"] == "strict" { Unset::Refused } else { Unset::Empty };
    let mut variables = Variables::new(unset);
    for (name, value) in all.into_iter().filter_map(Value::as_object).flatten() {
        variables.set(name, value.as_str().unwrap()).unwrap();
    }
    variables
}

fn in_text(case: &Value) -> Outcome {
    let expanded = variables(case, [&case["vars"]]).expand(text(case, "input"));
    match (expanded, case["expect"]["output"].as_str()) {
        (Err(_), None) => Outcome::Agreed,
        (Ok(text), None) => Outcome::Wrong(format!("gave {text} instead of refusing")),
        (expanded, Some(output)) => judge(&expanded.as_deref(), &Ok(output)),
    }
}

/// What stands in the Sync is stronger than what it refers to. Without variables nothing is done, unless asked for.
fn in_object(case: &Value) -> Outcome {
    let sources = case["substituteFrom"].as_array().unwrap().iter().chain([&case["substitute"]]);
    let variables = variables(case, sources);
    let mut object = parse_document(text(case, "input")).unwrap();
    let faults = match variables.is_empty() && case["always"] != true {
        true => Vec::new(),
        false => variables.substitute(&mut object).err().unwrap_or_default(),
    };
    let expected = &case["expect"];
    if expected["error"].is_string() || !faults.is_empty() {
        return judge(&!faults.is_empty(), &expected["error"].is_string());
    }
    if expected["object"].is_object() {
        return judge(&object, &expected["object"]);
    }
    let written = object.to_string();
    let json = |text: &Value| {
        text.as_str().unwrap().split(": ").map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(":")
    };
    let list = |key: &str| expected[key].as_array().cloned().unwrap_or_default();
    let missing: Vec<Value> =
        list("contains").into_iter().filter(|text| !written.contains(json(text).trim_matches('"'))).collect();
    let left: Vec<Value> =
        list("notContains").into_iter().filter(|text| written.contains(text.as_str().unwrap())).collect();
    let filled: Vec<Value> = list("labelsAreNull")
        .into_iter()
        .filter(|label| !object["metadata"]["labels"][label.as_str().unwrap()].is_null())
        .collect();
    judge(&(missing, left, filled), &Default::default())
}
