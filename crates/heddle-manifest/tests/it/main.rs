//! Conformance with what the peers' own tests pin down about writing values.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{env, fs, io::Write as _, path::PathBuf};

use heddle_manifest::style::needs_quotes;
use serde_json::Value;

/// A text stays a text under every reader: Kargo quotes exactly where a text would be read as something else.
#[test]
fn quotes_agree_with_kargo() {
    let Some(folder) = env::var_os("HEDDLE_CASES").map(PathBuf::from) else {
        return say("automator/edits-kargo.json: 0 cases, because HEDDLE_CASES is not set");
    };
    let text = fs::read_to_string(folder.join("automator/edits-kargo.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let (mut agreed, mut wrong) = (0, Vec::new());
    let texts = document["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "quote_if_needed");
    for case in texts.filter(|case| case["value"].is_string()) {
        let (value, yaml) = (case["value"].as_str().unwrap(), case["expect"]["yaml"].as_str().unwrap());
        let quoted = yaml.starts_with(['"', '\'']);
        if quoted == needs_quotes(value) {
            agreed += 1
        } else {
            wrong.push(format!("{}: {value} → {yaml}", case["id"]))
        }
    }
    say(&format!("automator/edits-kargo.json (quotes): {agreed} agreed, {} wrong", wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn say(line: &str) {
    std::io::stderr().lock().write_all(format!("conformance: {line}\n").as_bytes()).unwrap();
}
