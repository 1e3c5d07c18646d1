//! Runs the shared cases of `HEDDLE_CASES` and counts agreed, differs on purpose, wrong.

use serde_json::Value;

use crate::cases::{self, say};

/// What one case came to.
pub enum Outcome {
    /// As the peer.
    Agreed,
    /// Another kind of case, not of this crate or not built.
    NotOurs,
    /// Otherwise than the peer; the text says how.
    Wrong(String),
}

/// Runs every case of a file.
///
/// `on_purpose` lists ids at which Heddle differs, each with its reason; one that agrees after all is an error too.
pub fn run(file: &str, on_purpose: &[(&str, &str)], case: impl Fn(&Value) -> Outcome) {
    let Some(document) = cases::read(file) else { return };
    let (mut agreed, mut differs, mut others, mut wrong) = (0, 0, 0, Vec::new());
    for value in document["cases"].as_array().unwrap() {
        let id = value["id"].as_str().unwrap();
        let purpose = on_purpose.iter().any(|(known, _)| *known == id);
        match case(value) {
            Outcome::Agreed if purpose => wrong.push(format!("{id}: listed as different, but it agrees")),
            Outcome::Agreed => agreed += 1,
            Outcome::Wrong(_) if purpose => differs += 1,
            Outcome::Wrong(how) => wrong.push(format!("{id}: {how}")),
            Outcome::NotOurs => others += 1,
        }
    }
    say(&format!(
        "conformance: {file}: {agreed} agreed, {differs} differ on purpose, {} wrong ({others} of other kinds)",
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Agreed when both are equal.
pub fn judge<T: PartialEq + std::fmt::Debug>(actual: &T, expected: &T) -> Outcome {
    if actual == expected { Outcome::Agreed } else { Outcome::Wrong(format!("{actual:?}, not {expected:?}")) }
}

/// A text of a case.
pub fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap()
}

/// A list of texts of a case; empty where there is none.
pub fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|all| all.iter().map(|one| one.as_str().unwrap().to_owned()).collect()).unwrap_or_default()
}
