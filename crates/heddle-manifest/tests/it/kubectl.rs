//! The reader against the real kubectl, which needs no cluster for this.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use heddle_manifest::documents::{parse_document, read_documents};
use serde_json::Value;

/// Values as a person may write them. Each stands for itself as `v: …` in an object.
const VALUES: &[&str] = &[
    "0644",
    "0o17",
    "0x1F",
    "0b11",
    "-0x1F",
    "0089",
    "1_000",
    "0",
    "-0",
    "+5",
    "007",
    "12345678901234567890",
    "9007199254740993",
    "1.0",
    "1e3",
    "1E3",
    "1e+3",
    "5.",
    ".5",
    "0.5",
    "-1.5e-3",
    "1.10",
    "1e999",
    ".inf",
    "-.Inf",
    ".nan",
    "1_0.5",
    "1.5.0",
    "0.1e",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "no",
    "on",
    "OFF",
    "y",
    "Y",
    "n",
    "N",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "false",
    "null",
    "Null",
    "NULL",
    "~",
    "",
    "nil",
    "None",
    "12:30:45",
    "190:20:30",
    "2001-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43",
    "'yes'",
    "\"0644\"",
    "'it''s'",
    "\"a\\tb\\u00e9\\x41\"",
    "'1.0'",
    "\"~\"",
    "!!str 1.0",
    "!!int '3'",
    "!!float 3",
    "!!bool 'yes'",
    "!!null ''",
    "!mytag foo",
    "!!binary aGk=",
    "! 12",
    "!!str",
    "a b",
    "a: b",
    "a #b",
    "a#b",
    "- a",
    "-a",
    "@a",
    "`a`",
    "%a",
    "a\n  b\n\n  c",
    "<<",
    "=",
    "?a",
    ":a",
    "*a",
    "&a b",
    "&a",
    "|\n    a\n     b\n",
    "|-\n    a\n",
    "|+\n    a\n\n",
    ">\n    a\n    b\n\n    c\n",
    ">-\n    a\n",
    "|2\n    a\n",
    "[a, 1, yes, ~]",
    "[a,]",
    "[]",
    "{}",
    "{a, b: 1}",
    "{a: 1, a: 2}",
    "{a: b: c}",
    "[a",
    "{yes: 1}",
    "{y: 1}",
    "{on: 1}",
    "{true: 1}",
    "{1: 2}",
    "{1.5: 3}",
    "{~: 4}",
    "{null: 4}",
    "{1e3: 5}",
    "{2001-01-01: 6}",
    "{0644: a}",
    "{? a : b}",
    "[a, [b], {c: d}]",
    "{a: &x 1, b: *x}",
    "{<<: {a: 1}, b: 2}",
    "{<<: [{a: 1}, {a: 2, b: 3}], b: 4}",
    "{a: 1, <<: {a: 2}}",
    "&x {a: *x}",
    "\"multi\n   line\"",
    "'multi\n\n   line'",
    "\ta",
    "a\tb",
    "é\u{1F600}",
    "\"\\ud83d\\ude00\"",
];

/// Values that are read otherwise on purpose: docs/decisions/0009-where-yaml-is-read-otherwise.md
const ON_PURPOSE: &[&str] = &[
    "1e999",
    "1_0.5",
    "yEs",
    "tRUE",
    "{yes: 1}",
    "{y: 1}",
    "{on: 1}",
    "{1e3: 5}",
    "{0644: a}",
    "{a: 1, <<: {a: 2}}",
    "\"\\ud83d\\ude00\"",
];

/// Files whose documents, lines or keys are the matter.
const FILES: &[&str] = &[
    "\u{feff}v: 1\n",
    "%YAML 1.1\n---\nv: yes\n",
    "# c\nv: 1 # d\n# e",
    "v: 1\r\nw: |\r\n  a\r\n  b\r\n",
    "v: 1\nv: 2\n",
    "? v\n: 1\n",
    "\"v\": 1\n",
    "v:\n- 1\n-   - 2\n    - 3\n- {a: b}\n",
    "v: 1\n...\n",
    "v: [1,\n2]\n",
    "v:\n  - a: 1\n    b: 2\n  -\n  - c\n",
    "{\"v\": 1, \"w\": [true, null]}\n",
    "v: &a [1]\nw: *a\nx: {<<: {z: 1}}\n",
];

const HEAD: &str = "apiVersion: x.example.org/v1\nkind: X\nmetadata: {name: a}\n";

#[test]
fn values_are_read_as_kubectl_reads_them() {
    let mut different: Vec<String> = FILES.iter().filter_map(|file| difference(&with_head(file))).collect();
    for value in VALUES {
        match difference(&format!("{HEAD}v: {value}\n")) {
            Some(_) if ON_PURPOSE.contains(value) => {}
            None if ON_PURPOSE.contains(value) => {
                different.push(format!("{value}: listed as different, but it agrees"))
            }
            other => different.extend(other),
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// The object's head stands in front, behind what must come first.
fn with_head(file: &str) -> String {
    if file.starts_with('{') {
        let head = "\"apiVersion\": \"x.example.org/v1\", \"kind\": \"X\", \"metadata\": {\"name\": \"a\"}, ";
        return file.replacen('{', &format!("{{{head}"), 1);
    }
    match (file.strip_prefix('\u{feff}'), file.split_once("---\n")) {
        (Some(rest), _) => format!("\u{feff}{HEAD}{rest}"),
        (None, Some((before, rest))) => format!("{before}---\n{HEAD}{rest}"),
        (None, None) => format!("{HEAD}{file}"),
    }
}

fn difference(text: &str) -> Option<String> {
    let documents: Result<Vec<Value>, _> = read_documents(text).map(|document| document.value).collect();
    let ours = documents.ok().map(|all| all.into_iter().find(|value| !value.is_null()).unwrap_or_default());
    let theirs = kubectl(text);
    (ours != theirs).then(|| format!("{text:?}\n   we:      {}\n   kubectl: {}", words(&ours), words(&theirs)))
}

fn words(value: &Option<Value>) -> String {
    value.as_ref().map_or("an error".to_owned(), |value| value.to_string())
}

/// What kubectl makes of an object; `None` when it refuses.
fn kubectl(text: &str) -> Option<Value> {
    let mut child = Command::new(program())
        .args(["annotate", "--local", "-f", "-", "-o", "json", "heddle.dev/read=yes"])
        .env("HOME", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut value: Value =
        output.status.success().then(|| parse_document(str::from_utf8(&output.stdout).unwrap()).unwrap())?;
    value["metadata"].as_object_mut().unwrap().remove("annotations");
    Some(value)
}

/// The pinned kubectl, built once and cached.
fn program() -> &'static str {
    static PROGRAM: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools/build.sh");
        let output = Command::new(script).arg("kubectl").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().split_once(' ').unwrap().1.to_owned()
    });
    &PROGRAM
}
