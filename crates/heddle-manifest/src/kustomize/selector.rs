//! The objects that a patch or a replacement is for. Source: kustomize's `types.Selector`.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::Fault;
use crate::{
    object::text,
    style::is_other_type,
    yaml::{Node, Value},
};

/// How large an expression of a selector may get when it is compiled, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 1 << 16;

/// The keys of a selector.
const KEYS: [&str; 7] = ["group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"];

/// The objects that are meant: expressions match in full, and what is not given fits everything.
#[derive(Debug, Default)]
pub(crate) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

/// What an object is called, as far as kustomizations have come: it is found by its first names and by those that it has
/// now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// Names beside the one that it was written with.
    pub names: Vec<String>,
    /// Namespaces, likewise.
    pub namespaces: Vec<String>,
    /// Labels that were given to it.
    pub labels: BTreeMap<String, String>,
    /// Annotations, likewise.
    pub annotations: BTreeMap<String, String>,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// When kustomize would refuse it, so that nobody knows what it is for.
    pub fn read(node: &Node) -> Result<Self, Fault> {
        Self::read_part(node, &[])
    }

    /// Reads a selector beside whose keys others stand.
    ///
    /// # Errors
    /// As [`Selector::read`].
    pub fn read_part(node: &Node, others: &[&str]) -> Result<Self, Fault> {
        let fault = |message: String| Fault { position: node.position, message };
        if !node.is_mapping() {
            return Err(fault(format!("`target` is {}, where a mapping is needed", node.kind())));
        }
        let unknown = node
            .entries()
            .iter()
            .filter_map(|(key, _)| key.text())
            .find(|key| !KEYS.contains(key) && !others.contains(key));
        if let Some(key) = unknown {
            return Err(fault(format!("`target` has no key `{key}`: it has {}", KEYS.join(", "))));
        }
        let word = |key: &str| match node.get(key) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) => match plain_text(value) {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(fault(format!("`{key}` of `target` is no text: write it in quotes"))),
            },
        };
        let whole = |key: &str| {
            let Some(text) = word(key)? else { return Ok(None) };
            let built = RegexBuilder::new(&format!("^(?:{text})$")).size_limit(MAX_EXPRESSION_BYTES).build();
            built.map(Some).map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => fault(format!(
                    "the expression in `{key}` of `target` needs more than {limit} bytes once compiled: write a shorter one"
                )),
                _ => fault(format!("`{text}` in `{key}` of `target` is no regular expression")),
            })
        };
        let requirements = |key: &str| {
            let Some(text) = word(key)? else { return Ok(Vec::new()) };
            read_requirements(text).ok_or_else(|| {
                fault(format!("`{text}` in `{key}` of `target` is no selector such as `app=web,tier in (a,b),!old`"))
            })
        };
        Ok(Self {
            group: whole("group")?,
            version: whole("version")?,
            kind: whole("kind")?,
            name: whole("name")?,
            namespace: whole("namespace")?,
            labels: requirements("labelSelector")?,
            annotations: requirements("annotationSelector")?,
        })
    }

    /// Whether it names an object, as far as its kind and its names go.
    pub fn fits(&self, kind: &str, namespace: Option<&str>, name: &str, renamed: &Renamed) -> bool {
        let fits = |wanted: &Option<Regex>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted.is_match(text));
        let mut names = renamed.names.iter().map(String::as_str).chain([name]);
        let own = namespace.unwrap_or("default");
        let mut namespaces = renamed.namespaces.iter().map(String::as_str).chain([own]);
        fits(&self.kind, kind)
            && names.any(|name| fits(&self.name, name))
            && namespaces.any(|name| fits(&self.namespace, name))
    }

    /// Whether it is for objects of a kind, as it says itself.
    pub fn names_kind(&self, kind: &str) -> bool {
        self.kind.as_ref().is_some_and(|wanted| wanted.is_match(kind))
    }

    /// Whether it may be for objects of a kind.
    pub fn may_be_of(&self, kind: &str) -> bool {
        self.kind.as_ref().is_none_or(|wanted| wanted.is_match(kind))
    }

    /// Whether it looks at more than kind and names.
    pub fn needs_object(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty() || self.group.is_some() || self.version.is_some()
    }

    /// Whether it names an object.
    pub fn matches(&self, object: &Node, renamed: &Renamed) -> bool {
        let word = |path: &[&str]| object.at(path).and_then(Node::text);
        let fits = |wanted: &Option<Regex>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted.is_match(text));
        let (group, version) = text(object, "apiVersion").rsplit_once('/').unwrap_or(("", text(object, "apiVersion")));
        let name = word(&["metadata", "name"]).unwrap_or_default();
        let has = |wanted: &[Requirement], place: &str, given: &BTreeMap<String, String>| {
            let own = object.at(&["metadata", place]);
            let value = |key: &str| {
                given.get(key).map(String::as_str).or_else(|| own.and_then(|all| all.get(key)).and_then(Node::text))
            };
            wanted.iter().all(|wanted| wanted.holds(value(&wanted.key)))
        };
        self.fits(text(object, "kind"), word(&["metadata", "namespace"]), name, renamed)
            && fits(&self.group, group)
            && fits(&self.version, version)
            && has(&self.labels, "labels", &renamed.labels)
            && has(&self.annotations, "annotations", &renamed.annotations)
    }
}

/// A text that JSON would have as one, too.
pub(super) fn plain_text(node: &Node) -> Option<&str> {
    let is_plain = matches!(node.resolved().value, Value::Scalar(_, granit_parser::ScalarStyle::Plain));
    node.text().filter(|text| !is_plain || !is_other_type(text))
}

/// One condition of a label selector. Source: Kubernetes' `labels.Parse`.
#[derive(Debug)]
struct Requirement {
    key: String,
    is: Is,
}

#[derive(Debug)]
enum Is {
    There,
    Missing,
    OneOf(Vec<String>),
    /// Or missing.
    NoneOf(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.is {
            Is::There => value.is_some(),
            Is::Missing => value.is_none(),
            Is::OneOf(all) => value.is_some_and(|value| all.iter().any(|one| one == value)),
            Is::NoneOf(all) => value.is_none_or(|value| all.iter().all(|one| one != value)),
            Is::Above(limit) => number().is_some_and(|number| number > *limit),
            Is::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// The conditions of a selector; `None` where Kubernetes would refuse it.
fn read_requirements(text: &str) -> Option<Vec<Requirement>> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        parts.last_mut()?.push(character);
    }
    if depth > 0 { None } else { parts.iter().map(|part| read_requirement(part.trim())).collect() }
}

fn read_requirement(text: &str) -> Option<Requirement> {
    let named = |key: &str, is: Is| is_key(key.trim()).then(|| Requirement { key: key.trim().to_owned(), is });
    let one = |value: &str| is_value(value.trim()).then(|| vec![value.trim().to_owned()]);
    if let Some(key) = text.strip_prefix('!') {
        return named(key, Is::Missing);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return named(key, Is::NoneOf(one(value)?));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return named(key, Is::OneOf(one(value)?));
    }
    if let Some((key, value)) = text.split_once('>') {
        return named(key, Is::Above(value.trim().parse().ok()?));
    }
    if let Some((key, value)) = text.split_once('<') {
        return named(key, Is::Below(value.trim().parse().ok()?));
    }
    let Some((before, list)) = text.split_once('(') else { return named(text, Is::There) };
    let values = list.strip_suffix(')')?.split(',').map(|value| one(value).map(|one| one.concat()));
    let values: Vec<String> = values.collect::<Option<_>>()?;
    let (key, word) = before.trim().rsplit_once(char::is_whitespace)?;
    match word {
        "in" => named(key, Is::OneOf(values)),
        "notin" => named(key, Is::NoneOf(values)),
        _ => None,
    }
}

/// Whether it is the key of a label: a name, perhaps behind a domain and a slash.
fn is_key(key: &str) -> bool {
    let (domain, name) = key.rsplit_once('/').unwrap_or(("a", key));
    let is_domain = domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    is_domain && !domain.is_empty() && !name.is_empty() && is_value(name)
}

/// Whether it is the value of a label, which may be empty.
fn is_value(value: &str) -> bool {
    let ends = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    bytes.len() <= 63 && ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(inner)
}

#[cfg(test)]
mod tests;
