use proptest::prelude::*;

use super::*;
use crate::yaml::{Documents, Node, Value};

/// Every scalar value of a text, with where it starts.
fn scalars(text: &str) -> Vec<(usize, String)> {
    fn walk(node: &Node, found: &mut Vec<(usize, String)>) {
        match &node.value {
            Value::Scalar(text, _) => found.push((node.span.start, text.clone())),
            Value::Sequence(items) => items.iter().for_each(|item| walk(item, found)),
            Value::Mapping(entries) => entries.iter().for_each(|(_, value)| walk(value, found)),
            Value::Anchored(_) => walk(node.resolved(), found),
            Value::Alias(_) => {}
        }
    }
    let mut found = Vec::new();
    Documents::read(text).roots.iter().for_each(|root| walk(root, &mut found));
    found
}

fn set(text: &str, from: &str, to: &str) -> Result<String, EditError> {
    let (at, from) = scalars(text).into_iter().find(|(_, value)| value == from).unwrap();
    edit(text, &[Edit::set(at, from, to)])
}

#[test]
fn only_the_bytes_of_the_value_change() {
    let text = "# head\r\na:   1.0.0   # right\r\n\r\nb: {c: '2', d: [x,  \"1.0\"]}\r\n---\r\né: \u{fe0f}ü # end";
    assert_eq!(set(text, "1.0.0", "1.0.1").unwrap(), text.replace("1.0.0", "1.0.1"));
    assert_eq!(set(text, "1.0", "1.1").unwrap(), text.replace("\"1.0\"", "\"1.1\""));
    assert_eq!(set(text, "2", "3").unwrap(), text.replace("'2'", "'3'"));
}

#[test]
fn several_values_change_at_once_or_none() {
    let text = "a: v1\nb: v2\nc: v3\n";
    let edits = [Edit::set(3, "v1", "v10"), Edit::set(15, "v3", "v30")];
    assert_eq!(edit(text, &edits).unwrap(), "a: v10\nb: v2\nc: v30\n");
    let gone = [edits[0].clone(), Edit::set(15, "v4", "v30")];
    assert_eq!(edit(text, &gone), Err(EditError::Gone { from: "v4".into() }));
}

#[test]
fn what_cannot_be_edited_is_refused_with_its_line() {
    for (text, from) in [
        ("a: &t v1\nb: *t\n", "v1"),
        ("\na: |\n  v1\n  v2\n", "v1\nv2\n"),
        ("a: !!str v1\n", "v1"),
        ("a: v1\n  v2\n", "v1 v2"),
    ] {
        let error = set(text, from, "v3").unwrap_err();
        assert!(matches!(error, EditError::Refused { .. }), "{text}: {error}");
    }
    assert_eq!(
        set("\na: !!str v1\n", "v1", "v2").unwrap_err().to_string(),
        "line 2: the value has a YAML tag: write it without"
    );
}

proptest! {
    /// Whatever is written is read again as the same text, in block and in flow notation.
    #[test]
    fn what_is_written_is_read_back(to in "[ -~]{0,12}", quote in 0..3usize) {
        let quote = ["", "'", "\""][quote];
        let text = format!("a: {quote}v1{quote} # c\nb: [{quote}w1{quote}, x]\n");
        for from in ["v1", "w1"] {
            let edited = set(&text, from, &to).unwrap();
            prop_assert!(scalars(&edited).iter().any(|(_, value)| *value == to));
        }
    }
}

#[test]
fn json_stays_json() {
    let text = "{\n  \"image\": {\"repository\": \"acme/api\"}\n}\n";
    let at = text.find("{\"rep").unwrap();
    let edited = edit(text, &[Edit::add(at, "tag", "v2")]).unwrap();
    assert_eq!(edited, text.replace("\"acme/api\"", "\"acme/api\", \"tag\": \"v2\""));
}
