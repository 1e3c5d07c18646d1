//! What helm complains about, told by the file and line of the repository.
//!
//! Helm's words quote what templates are given. Values under keys that speak of secrets are taken out of them, and those that
//! a template with a Secret names, as they are and in Base64.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use heddle_manifest::documents::{line_of, parse_document};
use serde_json::{Value, json};

use super::{files::ChartFiles, release::Values, templates::values_in};
use crate::{
    Tree, TreePath,
    render::{Files, RenderError, Rendered},
};

/// What keys of values that are secret have in them, in small letters and without separators.
const SECRET_WORDS: [&str; 10] =
    ["pass", "pwd", "secret", "token", "credential", "key", "auth", "cert", "dsn", "connectionstring"];

/// Shorter values are too common to be taken out of words.
const MIN_SECRET_BYTES: usize = 4;

/// How helm begins what it says of values that do not fit `values.schema.json`.
const SCHEMA: &str = "values don't meet the specifications of the schema(s)";

/// What helm says at the end of what it says of templates, and what nobody here can do.
const DEBUG: &str = "Use --debug flag to render out invalid YAML";

/// How helm says that a chart is not there that is depended on.
const MISSING: &str = "missing in charts/ directory";

/// What a complaint is about.
pub(super) struct Scene<'a, 'f, T> {
    pub(super) files: &'a Files<'f, T>,
    pub(super) chart: &'a ChartFiles,
    /// The folders of this machine that helm may name: that of the chart, and its own.
    pub(super) folders: [&'a Path; 2],
    pub(super) values: &'a [Values],
}

/// Where values stand, and their text.
type Written = (String, String);

impl<T: Tree> Scene<'_, '_, T> {
    /// Tells why helm failed.
    pub(super) fn tell(&self, complaint: &str, rendered: &mut Rendered) {
        let written = self.written();
        let (text, withheld) = self.without_secrets(&self.in_names_of_the_repository(complaint), &written);
        rendered.withheld.extend(withheld);
        let text = text.replace(DEBUG, "");
        let text = text.trim().trim_start_matches("Error: ");
        if let Some((_, faults)) = text.split_once(SCHEMA) {
            return self.tell_schema(faults, &written, rendered);
        }
        let (file, line) = self.place(text);
        let mut message = format!("helm: {}", self.words(text));
        if text.contains(MISSING) {
            message.push_str(". Nothing is fetched while rendering: run `helm dependency build` and commit `charts/`");
        }
        let value = value_in(text).or_else(|| value_in(&self.line_of(&file, line?)?));
        if let Some(place) = value.and_then(|way| self.place_of_value(&way, &file, &written)) {
            message.push_str(&format!("; the value stands at {place}"));
        }
        rendered.fail(&file, line, message);
    }

    /// Each value that does not fit the schema, at the place where it stands, in the order of these: helm's own order is
    /// another one each time.
    fn tell_schema(&self, faults: &str, written: &[Written], rendered: &mut Rendered) {
        let mut prefix = String::new();
        let before = rendered.errors.len();
        for line in faults.lines().map(str::trim) {
            if let Some(chart) = line.strip_suffix(':').filter(|line| !line.starts_with('-') && !line.contains(' ')) {
                prefix = if chart == self.chart.name { String::new() } else { format!("{chart}.") };
                continue;
            }
            let Some((pointer, fault)) = line.strip_prefix("- at '").and_then(|rest| rest.split_once("': ")) else {
                continue;
            };
            let way = format!("{prefix}{}", dotted(pointer));
            let message = format!("the value `{way}` does not fit the chart's values.schema.json: {fault}");
            match find(&way, written) {
                Some((file, line)) => rendered.errors.push(RenderError { file: Some(file), line: Some(line), message }),
                None => rendered.fail(&self.chart.file, None, message),
            }
        }
        rendered.errors[before..].sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
        if rendered.errors.len() == before {
            rendered.fail(&self.chart.file, None, format!("helm: {SCHEMA}{}", faults.replace('\n', " ")));
        }
    }

    /// What helm was given, the strongest first.
    fn written(&self) -> Vec<Written> {
        let given = self.values.iter().rev().map(|values| (values.name.clone(), values.text.clone()));
        // Its own first, then those of the charts that it depends on.
        let mut own: Vec<_> =
            self.chart.entries.iter().filter(|(place, _)| place.names().last() == Some("values.yaml")).collect();
        own.sort_by_key(|(place, _)| place.names().count());
        let own = own.into_iter().filter_map(|(_, file)| {
            let text = self.files.tree.read(file).ok()?;
            Some((file.clone().into(), String::from_utf8_lossy(&text).into_owned()))
        });
        given.chain(own).collect()
    }

    /// Helm's words without the folders of this machine.
    fn in_names_of_the_repository(&self, complaint: &str) -> String {
        let mut text = complaint.to_owned();
        for (index, values) in self.values.iter().enumerate() {
            let given = self.folders[1].join(super::values_name(index));
            text = text.replace(&given.display().to_string(), &values.name);
        }
        let directory = self.chart.directory();
        for folder in self.folders {
            let shown = folder.display().to_string();
            text = text.replace(&shown, if directory.is_root() { "." } else { directory.as_str() });
        }
        text
    }

    /// Takes secret values out of words, and gives them.
    fn without_secrets(&self, text: &str, written: &[Written]) -> (String, Vec<Value>) {
        let mut found = Vec::new();
        let ways =
            self.chart.texts_with_secrets(self.files).iter().flat_map(|text| values_in(text)).collect::<Vec<_>>();
        let packed = self.chart.packed_values(self.files);
        for values in written.iter().map(|(_, values)| values).chain(&packed) {
            let values = parse_document(values).unwrap_or_default();
            secrets(&values, false, &mut found);
            ways.iter().filter_map(|way| at(&values, way)).for_each(|value| secrets(value, true, &mut found));
        }
        let encoded: Vec<String> = found.iter().flat_map(|secret| forms(secret)).collect();
        found.extend(encoded);
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.dedup();
        let text = found.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "(secret)"));
        let withheld = found.into_iter().map(|secret| json!({"kind": "Secret", "stringData": {"value": secret}}));
        (text, withheld.collect())
    }

    /// The file that helm speaks of last, which is the innermost, and the line.
    fn place(&self, text: &str) -> (TreePath, Option<u32>) {
        if let Some((source, line)) = self.locations(text).last() {
            return (self.chart.origin(source), Some(*line));
        }
        if let Some(rest) = text.split_once("YAML parse error on ").map(|(_, rest)| rest) {
            let source = rest.split(": ").next().unwrap_or_default();
            return (self.chart.origin(source), None);
        }
        for name in ["Chart.yaml", "values.yaml", "Chart.lock", "requirements.yaml"] {
            if let Some((_, rest)) = text.split_once(&format!("cannot load {name}: ")) {
                let line = rest.split_once("line ").and_then(|(_, rest)| number(rest));
                return (self.chart.directory().resolve(name).unwrap_or_default(), line);
            }
        }
        (self.chart.file.clone(), None)
    }

    /// Every `web/templates/a.yaml:3:14` of a text, as path and line.
    fn locations<'t>(&self, text: &'t str) -> Vec<(&'t str, u32)> {
        let prefix = format!("{}/", self.chart.name);
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '<' | '>' | ','));
        let located = words.filter(|word| word.starts_with(&prefix)).filter_map(|word| {
            let (path, rest) = word.split_once(':')?;
            Some((path, number(rest)?))
        });
        located.collect()
    }

    /// What helm says in several lines, the innermost call first.
    fn words(&self, text: &str) -> String {
        let mut calls: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let begins =
                !line.starts_with(' ') && self.locations(line).first().is_some_and(|(path, _)| line.starts_with(path));
            match calls.last_mut() {
                _ if begins => calls.push((line, Vec::new())),
                Some((_, lines)) => lines.push(line.trim()),
                None => return text.lines().map(str::trim).collect::<Vec<_>>().join(" "),
            }
        }
        let Some((_, lines)) = calls.pop() else { return text.to_owned() };
        let by: Vec<String> = calls
            .iter()
            .flat_map(|(at, _)| self.locations(at))
            .map(|(path, line)| format!("{}:{line}", self.chart.origin(path)))
            .collect();
        let by = if by.is_empty() { String::new() } else { format!(" (called by {})", by.join(", ")) };
        format!("{}{by}", lines.join(" "))
    }

    fn line_of(&self, file: &TreePath, line: u32) -> Option<String> {
        let text = String::from_utf8(self.files.tree.read(file).ok()?).ok()?;
        text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?).map(str::to_owned)
    }

    /// Where the value stands that a template was about to use, or what of the way to it there is.
    fn place_of_value(&self, way: &str, template: &TreePath, written: &[Written]) -> Option<String> {
        let source = self.chart.entries.iter().find(|(_, file)| file == template).map(|(place, _)| place);
        let names: Vec<&str> = source.map(|place| place.names().collect()).unwrap_or_default();
        let around = names.iter().zip(names.iter().skip(1)).filter(|(folder, _)| **folder == "charts");
        let prefix: String = around.map(|(_, name)| format!("{name}.")).collect();
        let mut way = format!("{prefix}{way}");
        loop {
            match find(&way, written) {
                Some((file, line)) => return Some(format!("{file}:{line}")),
                None => way.truncate(way.rfind('.')?),
            }
        }
    }
}

/// The way to the value that a text names last, without `.Values`.
fn value_in(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once(".Values.")?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('.').to_owned()).filter(|way| !way.is_empty())
}

/// Where a value stands: the file and the line.
fn find(way: &str, written: &[Written]) -> Option<(String, u32)> {
    written.iter().find_map(|(file, text)| {
        let values = parse_document(text).ok()?;
        at(&values, way)?;
        let first = text.lines().position(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))?;
        Some((file.clone(), line_of(text, u32::try_from(first).ok()? + 1, way)?))
    })
}

fn at<'v>(value: &'v Value, way: &str) -> Option<&'v Value> {
    way.split('.').try_fold(value, |value, name| {
        let (name, indexes) = name.split_once('[').map_or((name, ""), |(name, rest)| (name, rest));
        let inner = value.get(name)?;
        let numbers = indexes.split(['[', ']']).filter(|part| !part.is_empty());
        numbers.into_iter().try_fold(inner, |inner, number| inner.get(number.parse::<usize>().ok()?))
    })
}

/// `/a/0/b` as people write it: `a[0].b`.
fn dotted(pointer: &str) -> String {
    let mut way = String::new();
    for name in pointer.split('/').filter(|name| !name.is_empty()) {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            way.push_str(&format!("[{name}]"));
        } else {
            way.push_str(if way.is_empty() { "" } else { "." });
            way.push_str(&name.replace("~1", "/").replace("~0", "~"));
        }
    }
    way
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Other forms in which words may have a text: in Base64, as templates of Secrets make it, and as a text in quotes.
fn forms(secret: &str) -> [String; 2] {
    let quoted = Value::String(secret.to_owned()).to_string();
    [BASE64_STANDARD.encode(secret), quoted.trim_matches('"').to_owned()]
}

/// The texts that stand under keys which speak of secrets.
fn secrets(value: &Value, is_secret: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_secret && text.len() >= MIN_SECRET_BYTES => found.push(text.clone()),
        Value::Number(number) if is_secret && number.to_string().len() >= MIN_SECRET_BYTES => {
            found.push(number.to_string());
        }
        Value::Array(items) => items.iter().for_each(|item| secrets(item, is_secret, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
                secrets(value, is_secret || SECRET_WORDS.iter().any(|word| key.contains(word)), found);
            }
        }
        _ => {}
    }
}
