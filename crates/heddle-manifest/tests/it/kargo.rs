//! Kargo: values by path, entries of a kustomization's `images`, quotes.

use heddle_manifest::{
    documents::{parse_document, read_documents},
    edit::{self, New},
    path::{Path, PathError},
    style::needs_quotes,
    yaml::Documents,
};
use serde_json::{Value, json};

use crate::{
    conformance::{Outcome, judge, run, text},
    places::judge_text,
};

/// docs/decisions/0008-where-edits-differ-from-the-peers.md
const ON_PURPOSE: &[(&str, &str)] = &[
    ("edit-kargo-update-add-new-item-beyond-current-length-legacy-syntax", "an index beyond the end is a mistake"),
    ("edit-kargo-update-update-with-complex-value", "a text is replaced by a text only"),
    ("edit-kargo-update-update-through-alias-node", "a value that an alias takes elsewhere is not changed"),
    ("edit-kargo-update-update-alias-node-itself", "an alias is not replaced"),
    ("edit-kargo-update-replace-entire-mapping-node-preserving-comments", "a mapping is not replaced as a whole"),
    ("edit-kargo-update-replace-entire-sequence-node-preserving-comments", "a list is not replaced as a whole"),
];

#[test]
fn edits_agree_with_kargo() {
    run("automator/edits-kargo.json", ON_PURPOSE, |case| match (text(case, "kind"), case["format"].as_str()) {
        ("edit", Some("yaml_path")) => by_path(case, text(case, "input")),
        ("edit_generated", Some("yaml_path")) => generated(case),
        ("get_yaml_value", _) => value_at(case),
        ("edit", Some("kustomization")) => kustomization(case),
        ("merge_kustomize_image_entries", _) => merged(case),
        ("quote_if_needed", _) => quoted(case),
        other => Outcome::Wrong(format!("nobody runs {other:?}")),
    });
}

fn by_path(case: &Value, input: &str) -> Outcome {
    judge_edit(case, &changed(input, &case["change"]))
}

fn generated(case: &Value) -> Outcome {
    let recipe = &case["input_recipe"];
    let times = usize::try_from(recipe["times"].as_u64().unwrap()).unwrap();
    let middle = text(recipe, "repeat").repeat(times);
    let input = format!("{}{middle}{}", text(recipe, "prefix"), text(recipe, "suffix"));
    let [old, new] = [0, 1].map(|index| case["expect"]["only_change"][index].as_str().unwrap());
    judge_text(&changed(&input, &case["change"]), &input.replacen(old, new, 1))
}

/// The text with all values of a case written; they stand in `set` or in `set_any`.
fn changed(input: &str, change: &Value) -> Result<String, String> {
    let mut writes: Vec<(&str, &Value)> = Vec::new();
    writes.extend(change["set"].as_object().into_iter().flatten().map(|(path, value)| (path.as_str(), value)));
    writes.extend(change["set_any"].as_array().into_iter().flatten().map(|pair| (pair[0].as_str().unwrap(), &pair[1])));
    let documents = readable(input)?;
    let edits = writes.iter().map(|(path, value)| {
        let path = Path::parse(path).map_err(|error| error.to_string())?;
        path.edit(&documents, &new(value), true).map_err(|error| error.to_string())
    });
    edit::edit(input, &edits.collect::<Result<Vec<_>, _>>()?).map_err(|error| error.to_string())
}

fn readable(input: &str) -> Result<Documents, String> {
    let documents = Documents::read(input);
    match &documents.error {
        Some(error) => Err(error.to_string()),
        None => Ok(documents),
    }
}

fn new(value: &Value) -> New {
    match value {
        Value::String(text) => New::Text(text.clone()),
        Value::Array(items) => New::Sequence(items.iter().map(new).collect()),
        Value::Object(entries) => New::Mapping(entries.iter().map(|(key, value)| (key.clone(), new(value))).collect()),
        literal => New::Literal(literal.to_string()),
    }
}

fn judge_edit(case: &Value, edited: &Result<String, String>) -> Outcome {
    let expected = &case["expect"];
    match (edited, expected["output"].as_str()) {
        (Err(_), None) if expected["error"] == true => Outcome::Agreed,
        (Ok(text), None) => Outcome::Wrong(format!("wrote\n{text}\ninstead of refusing")),
        (edited, Some(output)) if case["exact"] == true => judge_text(edited, output),
        (Ok(text), Some(output)) => {
            let comments = |text: &str| -> Vec<String> {
                text.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment.to_owned()).collect()
            };
            judge(&(parse_document(text), comments(text)), &(parse_document(output), comments(output)))
        }
        (Err(reason), _) => Outcome::Wrong(format!("refused: {reason}")),
    }
}

fn value_at(case: &Value) -> Outcome {
    let documents = readable(text(case, "input")).unwrap();
    let found = Path::parse(text(case, "path")).and_then(|path| path.find(&documents));
    let expected = &case["expect"];
    match found {
        Ok(spot) => judge(
            &json!([spot.text, spot.position.line - 1, spot.position.column - 1]),
            &json!([expected["value"], expected["line_zero_based"], expected["column_zero_based"]]),
        ),
        Err(PathError::Missing(_) | PathError::OtherKind { .. }) if expected["error"] == true => Outcome::Agreed,
        Err(error) => Outcome::Wrong(error.to_string()),
    }
}

/// Writes tags into the entries of a kustomization, and entries where there are none.
fn with_entries(input: &str, images: &[(&str, &str)]) -> Result<String, String> {
    let mut text = input.to_owned();
    for (name, tag) in images {
        let path = Path::parse(&format!("images[name={name}].newTag")).unwrap();
        let edit = path.edit(&readable(&text)?, &New::Text((*tag).to_owned()), true).map_err(|e| e.to_string())?;
        text = edit::edit(&text, &[edit]).map_err(|error| error.to_string())?;
    }
    Ok(text)
}

fn kustomization(case: &Value) -> Outcome {
    let images = case["change"]["kustomize_images"].as_array().unwrap();
    let images: Vec<_> = images.iter().map(|image| image.as_str().unwrap().rsplit_once(':').unwrap()).collect();
    judge_edit(case, &with_entries(text(case, "input"), &images))
}

fn merged(case: &Value) -> Outcome {
    let mut input = "images:\n".to_owned();
    for entry in case["existing"].as_array().unwrap() {
        input.push_str(&format!("- {entry}\n"));
    }
    let targets = case["target"].as_array().unwrap();
    let images: Vec<_> = targets.iter().map(|entry| (text(entry, "name"), text(entry, "newTag"))).collect();
    let entries = |list: &Value| {
        let mut all: Vec<String> = list.as_array().unwrap().iter().map(Value::to_string).collect();
        all.sort();
        all
    };
    match with_entries(&input, &images) {
        Ok(text) => {
            let after = parse_document(&text).unwrap();
            judge(&entries(&after["images"]), &entries(&case["expect"]["images"]))
        }
        Err(reason) => Outcome::Wrong(format!("refused: {reason}")),
    }
}

/// A text gets quotes exactly where Kargo gives it some, and every value is read as it was.
fn quoted(case: &Value) -> Outcome {
    let value = &case["value"];
    let text = edit::edit("key: old\n", &[set_key(value)]).unwrap();
    let read = read_documents(&text).next().unwrap().value.unwrap();
    match (value.as_str(), case["expect"]["yaml"].as_str()) {
        (Some(value), Some(yaml)) if needs_quotes(value) != yaml.starts_with(['"', '\'']) => {
            Outcome::Wrong(format!("{value} → {text}"))
        }
        _ => judge(&read["key"], value),
    }
}

fn set_key(value: &Value) -> edit::Edit {
    Path::parse("key").unwrap().edit(&Documents::read("key: old\n"), &new(value), false).unwrap()
}
