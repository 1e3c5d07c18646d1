//! Each value of a chart is explained where it stands, is known to the schema, and is on the chart's page.

use std::{collections::BTreeMap, fmt::Write, fs};

use serde_json::Value;

use super::{CHARTS, chart_file};
use crate::deploy::root;

/// What stands after `# --` above each value, by its path.
fn explanations(text: &str) -> BTreeMap<String, String> {
    let mut explained = BTreeMap::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if let Some(begun) = body.strip_prefix("# -- ") {
            open = Some(begun.to_owned());
        } else if let Some(more) = body.strip_prefix("# ") {
            // A comment that explains no value to who installs it stands apart.
            if let Some(open) = &mut open {
                write!(open, " {more}").unwrap();
            }
        } else if let Some((name, _)) = body.split_once(':').filter(|(name, _)| !name.contains([' ', '{', '[', '-'])) {
            above.retain(|(outer, _)| *outer < indent);
            let path: Vec<&str> = above.iter().map(|(_, name)| name.as_str()).chain([name]).collect();
            if let Some(open) = open.take() {
                explained.insert(path.join("."), open);
            }
            above.push((indent, name.to_owned()));
        }
    }
    explained
}

/// Paths and defaults of all values, in the order of the file: down to those that are explained.
fn values(text: &str) -> Vec<(String, Value)> {
    let explained = explanations(text);
    let mut found = Vec::new();
    let mut left = vec![(String::new(), serde_saphyr::from_str::<Value>(text).unwrap())];
    while let Some((path, value)) = left.pop() {
        match value {
            Value::Object(fields) if !explained.contains_key(&path) && !fields.is_empty() => {
                left.extend(
                    fields
                        .into_iter()
                        .map(|(name, value)| (format!("{path}.{name}").trim_start_matches('.').to_owned(), value)),
                );
            }
            value => found.push((path, value)),
        }
    }
    let place = |path: &str| explained.keys().position(|known| known == path);
    found.sort_by_key(|(path, _)| place(path));
    found
}

fn page(chart: &str) -> String {
    let text = chart_file(chart, "values.yaml");
    let explained = explanations(&text);
    let mut page = format!(
        "# Values of the chart `{chart}`\n\nGenerated from `deploy/helm/{chart}/values.yaml` by `HEDDLE_UPDATE=1 cargo test -p \
         heddle-tests --test it -- charts`. [How the charts are used](../install/helm.md).\n\n\
         | Value | Default | Meaning |\n|---|---|---|\n"
    );
    for (path, default) in values(&text) {
        let default = match &default {
            Value::String(text) if text.is_empty() => "none".to_owned(),
            other => format!("`{other}`"),
        };
        writeln!(page, "| `{path}` | {default} | {} |", explained[&path].replace('|', "\\|")).unwrap();
    }
    page
}

#[test]
fn every_value_is_explained() {
    for (chart, _) in CHARTS {
        let text = chart_file(chart, "values.yaml");
        let explained = explanations(&text);
        let faults: Vec<_> = values(&text).into_iter().filter(|(path, _)| !explained.contains_key(path)).collect();
        assert!(faults.is_empty() && explained.len() > 30, "{chart}: no `# --` above {faults:?}");
    }
}

#[test]
fn the_pages_of_values_are_those_of_the_charts() {
    for (chart, _) in CHARTS {
        let (file, page) = (root().join(format!("docs/reference/helm-{chart}.md")), page(chart));
        if std::env::var_os("HEDDLE_UPDATE").is_some() {
            fs::write(&file, &page).unwrap();
        }
        assert!(
            fs::read_to_string(&file).unwrap_or_default() == page,
            "run `HEDDLE_UPDATE=1 cargo test -p heddle-tests --test it -- charts`"
        );
    }
}

#[test]
fn the_schema_knows_each_value_and_no_other() {
    for (chart, _) in CHARTS {
        let values: Value = serde_saphyr::from_str(&chart_file(chart, "values.yaml")).unwrap();
        let schema: Value = serde_json::from_str(&chart_file(chart, "values.schema.json")).unwrap();
        check_level(chart, &values, &schema);
    }
}

/// Where the schema names fields it names all of them and refuses others; below that a value is the user's own.
fn check_level(path: &str, values: &Value, schema: &Value) {
    let (Some(fields), Some(known)) = (values.as_object(), schema["properties"].as_object()) else { return };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    // Variables of a program, none of which is set by itself.
    if path.ends_with(".settings") {
        return;
    }
    let names = |fields: &serde_json::Map<String, Value>| {
        // Helm gives every chart `global`.
        let mut names: Vec<_> = fields.keys().filter(|name| *name != "global").cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(fields), names(known), "{path}");
    for (name, value) in fields {
        check_level(&format!("{path}.{name}"), value, &known[name]);
    }
}
