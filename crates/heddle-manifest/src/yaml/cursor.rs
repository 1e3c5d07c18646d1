//! A value with the way to it, and what on that way keeps it from being changed.

use super::{Node, Position, Value, is_merge_key};

/// A value, seen from the root of its document.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    /// The value, aliases followed.
    pub node: &'a Node,
    /// The way to it: `spec.containers[name=api].image`.
    pub field: String,
    /// Why it cannot be changed.
    pub obstacle: Option<&'static str>,
    /// Where it is written: the alias itself, where one leads to the value.
    pub position: Position,
    /// Its first byte, likewise.
    pub at: usize,
}

/// A text or a number in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The text.
    pub text: String,
    /// Where it is written.
    pub position: Position,
    /// Its bytes, quotes too.
    pub span: std::ops::Range<usize>,
    /// The way to it in its document.
    pub field: String,
}

impl<'a> Cursor<'a> {
    pub fn root(node: &'a Node) -> Self {
        Self {
            node: node.resolved(),
            field: String::new(),
            obstacle: shared(node),
            position: node.position,
            at: node.span.start,
        }
    }

    /// The value of a key, as kubectl reads it.
    pub fn key(&self, key: &str) -> Option<Self> {
        let value = self.node.get(key)?;
        Some(self.step(value, around(self.node, key), joined(&self.field, key)))
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self.clone(), |cursor, key| cursor.key(key))
    }

    /// The members of a list, named by `name` where they have one.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'a, '_> {
        self.node.items().iter().enumerate().map(|(index, item)| {
            let name = item.get("name").and_then(Node::text).filter(|name| !name.is_empty());
            let field = match name {
                Some(name) => format!("{}[name={name}]", self.field),
                None => format!("{}[{index}]", self.field),
            };
            self.step(item, None, field)
        })
    }

    /// The keys of a mapping with their values; not those that a merge key brings.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a, '_> {
        let named = self.node.entries().iter().filter_map(|(key, value)| Some((key.text()?, value)));
        named.map(|(key, value)| (key, self.step(value, around(self.node, key), joined(&self.field, key))))
    }

    pub fn text(&self) -> Option<&'a str> {
        self.node.text()
    }

    /// The text as a place that can be changed. An empty value is an empty text.
    pub fn spot(&self) -> Option<Spot> {
        let text = if self.node.is_null() { "" } else { self.node.text()? };
        let length = self.node.span.len();
        let span = self.at..self.at + length;
        Some(Spot { text: text.to_owned(), position: self.position, span, field: self.field.clone() })
    }

    fn step(&self, value: &'a Node, around: Option<&'static str>, field: String) -> Self {
        let alias = matches!(value.value, Value::Alias(_)).then_some("an alias stands there: write the value out");
        let obstacle = self.obstacle.or(around).or(alias).or_else(|| shared(value));
        // Below an alias everything stands where the alias does.
        let is_far = self.obstacle.is_some() && self.at != self.node.span.start;
        let (position, at) = if is_far { (self.position, self.at) } else { (value.position, value.span.start) };
        Self { node: value.resolved(), field, obstacle, position, at }
    }
}

fn joined(field: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '[', ']', '"', '\\']) {
        return format!("{field}[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""));
    }
    if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") }
}

fn shared(node: &Node) -> Option<&'static str> {
    node.shared.then_some("an alias takes the value, or what is around it, over to another place: write it out there")
}

/// What is wrong with a mapping around one of its keys.
fn around(node: &Node, key: &str) -> Option<&'static str> {
    let own = node.entries().iter().filter(|(name, _)| name.text() == Some(key)).count();
    match own {
        0 => Some("a merge key brings the value: write it out here"),
        1 if node.entries().iter().any(|(name, _)| is_merge_key(name)) => {
            Some("a merge key stands beside the value: write the mapping out")
        }
        1 => None,
        _ => Some("the key stands twice in its mapping: keep one"),
    }
}
