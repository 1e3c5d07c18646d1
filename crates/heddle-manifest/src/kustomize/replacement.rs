//! The replacements of a kustomization: values that are copied from one object to fields of others. Source: kustomize's
//! `types.Replacement`.

use regex::Regex;

use super::{Fault, Reference, Selector, list};
use crate::yaml::{Node, Position, cursor::Cursor};

/// A replacement, or the file that holds some.
#[derive(Debug)]
pub(crate) enum Replacing {
    /// In the kustomization itself.
    Here(Result<Replacement, Fault>),
    /// In a file of their own.
    File(Reference),
}

/// One value and where it goes.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// Where the value comes from.
    pub source: Source,
    /// Where it goes.
    pub targets: Vec<Copied>,
    /// Where it is written.
    pub position: Position,
}

/// Where a value comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// It is written there.
    Text(String),
    /// It stands in an object, at a way of keys.
    Object(Box<Selector>, String, Pieces),
}

/// A part of a text that is cut at a delimiter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces {
    /// The delimiter; the whole text without one.
    pub delimiter: Option<String>,
    /// The part, from 0.
    pub index: i64,
}

/// Fields that get a value.
#[derive(Debug)]
pub(crate) struct Copied {
    /// Their objects.
    pub select: Selector,
    /// Objects that are left out.
    pub reject: Vec<Selector>,
    /// The fields: what places are compared with, and whether it says exactly which member of a list is meant.
    pub fields: Vec<(Regex, bool)>,
    /// The part of the text there that is replaced.
    pub pieces: Pieces,
}

/// Reads the replacements of a kustomization.
pub(super) fn read_all(root: &Cursor<'_>, faults: &mut Vec<Fault>) -> Vec<Replacing> {
    let items = list(root, "replacements", faults);
    let read = |item: &Cursor<'_>| match item.node.get("path").filter(|path| !path.is_null()) {
        Some(path) => match path.text() {
            Some(path) => Replacing::File(Reference { path: path.to_owned(), position: item.position }),
            None => Replacing::Here(Err(fault(item.node, "`path` is no text"))),
        },
        None => Replacing::Here(Replacement::read(item.node)),
    };
    items.iter().map(read).collect()
}

impl Replacement {
    /// Those of a file: one, or a list of them.
    pub fn of_file(root: &Node) -> Vec<Result<Self, Fault>> {
        if root.is_list() { root.items().iter().map(Self::read).collect() } else { vec![Self::read(root)] }
    }

    fn read(node: &Node) -> Result<Self, Fault> {
        let position = node.position;
        let source = match (node.get("source"), node.get("sourceValue").and_then(Node::text)) {
            (None, Some(text)) => Source::Text(text.to_owned()),
            (Some(source), None) => {
                let field =
                    source.get("fieldPath").filter(|path| !path.is_null()).map_or(Some("metadata.name"), Node::text);
                let field = field.ok_or_else(|| fault(source, "`fieldPath` is no text"))?.to_owned();
                let selector = Selector::read_part(source, &["fieldPath", "options"])?;
                Source::Object(Box::new(selector), field, Pieces::read(source.get("options"))?)
            }
            _ => return Err(fault(node, "a replacement needs either `source` or `sourceValue`")),
        };
        let targets = node.get("targets").filter(|targets| targets.is_list());
        let targets = targets.ok_or_else(|| fault(node, "`targets` of a replacement is no list"))?;
        let targets = targets.items().iter().map(Copied::read).collect::<Result<_, _>>()?;
        Ok(Self { source, targets, position })
    }
}

impl Copied {
    fn read(node: &Node) -> Result<Self, Fault> {
        let select = node.get("select").ok_or_else(|| fault(node, "a target of a replacement has no `select`"))?;
        let reject = node.get("reject").map(Node::items).unwrap_or_default();
        let paths = node.get("fieldPaths").map(Node::items).unwrap_or_default();
        let field = |path: &Node| path.text().and_then(pattern).ok_or_else(|| fault(node, "a field path is none"));
        // Without paths the name is meant.
        Ok(Self {
            select: Selector::read(select)?,
            reject: reject.iter().map(Selector::read).collect::<Result<_, _>>()?,
            fields: paths.iter().map(field).collect::<Result<_, _>>()?,
            pieces: Pieces::read(node.get("options"))?,
        })
    }
}

impl Pieces {
    fn read(options: Option<&Node>) -> Result<Self, Fault> {
        let Some(options) = options.filter(|options| !options.is_null()) else { return Ok(Self::default()) };
        let delimiter = options.get("delimiter").and_then(Node::text).filter(|text| !text.is_empty());
        let index = options.get("index").and_then(Node::text).map_or(Ok(0), str::parse);
        let index = index.map_err(|_| fault(options, "`index` is no number"))?;
        Ok(Self { delimiter: delimiter.map(str::to_owned), index })
    }

    /// The part of a text that is meant.
    pub fn of<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.delimiter {
            None => Some(text),
            Some(delimiter) => text.split(delimiter.as_str()).nth(usize::try_from(self.index).ok()?),
        }
    }

    /// A text with another part: before the first for a number below 0, behind the last for one that is too large.
    pub fn put(&self, text: &str, value: &str) -> String {
        let Some(delimiter) = &self.delimiter else { return value.to_owned() };
        let mut parts: Vec<&str> = text.split(delimiter.as_str()).collect();
        match usize::try_from(self.index) {
            Err(_) => parts.insert(0, value),
            Ok(index) => match parts.get_mut(index) {
                Some(part) => *part = value,
                None => parts.push(value),
            },
        }
        parts.join(delimiter)
    }
}

fn fault(node: &Node, message: &str) -> Fault {
    Fault { position: node.position, message: message.to_owned() }
}

/// What finds a field path of kustomize among places: `spec.containers.[name=api].image`, `spec.containers.*.image`.
fn pattern(path: &str) -> Option<(Regex, bool)> {
    let (mut pattern, mut is_exact) = (String::from("^"), true);
    for step in steps(path) {
        let any = r"(?:\[[^\]]*\]|\.?[^.\[]+)";
        if let Some(inner) = step.strip_prefix('[').and_then(|step| step.strip_suffix(']')) {
            if inner.starts_with("name=") {
                pattern.push_str(&regex::escape(&format!("[{inner}]")));
            } else {
                // Another key than the name does not stand in the place.
                is_exact = false;
                pattern.push_str(any);
            }
        } else if step == "*" {
            pattern.push_str(any);
        } else if step.bytes().all(|b| b.is_ascii_digit()) {
            is_exact = false;
            pattern.push_str(any);
        } else {
            pattern.push_str(r"\.?");
            pattern.push_str(&regex::escape(&step));
        }
    }
    let compiled = regex::RegexBuilder::new(&pattern).size_limit(super::MAX_EXPRESSION_BYTES).build().ok()?;
    Some((compiled, is_exact))
}

/// The steps of a field path: dots part them, but not within brackets or behind a backslash.
fn steps(path: &str) -> Vec<String> {
    let (mut all, mut depth, mut is_escaped) = (vec![String::new()], 0_usize, false);
    for character in path.chars() {
        match character {
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            '.' if depth == 0 && !is_escaped => {
                all.push(String::new());
                continue;
            }
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_escaped = false;
        if let Some(last) = all.last_mut() {
            last.push(character);
        }
    }
    all.retain(|step| !step.is_empty());
    all
}
