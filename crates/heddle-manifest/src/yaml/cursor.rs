//! A value with the way to it, and what on that way keeps it from being changed.

use std::collections::HashMap;

use super::{Node, Position, Value, is_merge_key};

/// How long the way to a value may be, in bytes. What stands behind a longer one is read, and cannot be changed.
pub const MAX_FIELD_BYTES: usize = 2_000;

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
    /// Aliases, and nothing else, take the value itself to other places: how many, and it is a text.
    uses: usize,
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
    /// Why it cannot be changed.
    pub(crate) obstacle: Option<&'static str>,
    /// The one text that aliases take to several places, where this is one of them.
    pub(crate) shared: Option<Shared>,
}

/// A text that aliases take to several places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    /// The first byte of the text, where it is written.
    pub at: usize,
    /// How many aliases there are.
    pub uses: usize,
    /// Every one of the places is the same part of the same image, so that it may change.
    pub is_free: bool,
}

/// What is said of an alias, and of what aliases stand for.
pub(crate) const SHARED: [&str; 2] = [
    "an alias stands there: write the value out",
    "an alias takes the value, or what is around it, over to another place: write it out there",
];

impl<'a> Cursor<'a> {
    pub fn root(node: &'a Node) -> Self {
        Self {
            node: node.resolved(),
            field: String::new(),
            obstacle: shared(node).or_else(|| signed(node)),
            position: node.position,
            at: node.span.start,
            uses: 0,
        }
    }

    /// The value of a key, as kubectl reads it.
    pub fn key(&self, key: &str) -> Option<Self> {
        let value = self.node.get(key)?;
        let own = self.node.entries().iter().filter(|(name, _)| name.text() == Some(key)).count();
        Some(self.step(value, around(own, has_merge_key(self.node)), joined(&self.field, key)))
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
                Some(name) if name.len() > MAX_FIELD_BYTES => None,
                Some(name) => short(format!("{}[name={name}]", self.field)),
                None => short(format!("{}[{index}]", self.field)),
            };
            self.step(item, None, field)
        })
    }

    /// The keys of a mapping with their values; not those that a merge key brings.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a, '_> {
        let named = self.node.entries().iter().filter_map(|(key, value)| Some((key.text()?, value)));
        let mut counts: HashMap<&str, usize> = HashMap::new();
        named.clone().for_each(|(key, _)| *counts.entry(key).or_default() += 1);
        let is_merged = has_merge_key(self.node);
        named.map(move |(key, value)| {
            let own = counts.get(key).copied().unwrap_or_default();
            (key, self.step(value, around(own, is_merged), joined(&self.field, key)))
        })
    }

    pub fn text(&self) -> Option<&'a str> {
        self.node.text()
    }

    /// The text as a place that can be changed. An empty value is an empty text.
    pub fn spot(&self) -> Option<Spot> {
        let text = if self.node.is_null() { "" } else { self.node.text()? };
        let length = self.node.span.len();
        let span = self.at..self.at + length;
        let at = self.node.span.start;
        let shared = (self.uses > 0).then_some(Shared { at, uses: self.uses, is_free: false });
        let (obstacle, field) = (self.obstacle, self.field.clone());
        Some(Spot { text: text.to_owned(), position: self.position, span, field, obstacle, shared })
    }

    fn step(&self, value: &'a Node, around: Option<&'static str>, field: Option<String>) -> Self {
        let alias = matches!(value.value, Value::Alias(_)).then_some(SHARED[0]);
        let far = field.is_none().then_some("the way to the value is longer than 2,000 characters: shorten the keys");
        let field = field.unwrap_or_else(|| self.field.clone());
        let is_secret = value.text().is_some_and(|text| text.starts_with("ENC["));
        let secret = is_secret.then_some("SOPS encrypts the value: edit it with `sops`");
        let others = self.obstacle.or(around).or(far).or(secret);
        let uses = if others.is_none() && value.text().is_some() { value.uses() } else { 0 };
        let obstacle = others.or(alias).or_else(|| shared(value));
        // Below an alias everything stands where the alias does.
        let is_far = self.obstacle.is_some() && self.at != self.node.span.start;
        let (position, at) = if is_far { (self.position, self.at) } else { (value.position, value.span.start) };
        Self { node: value.resolved(), field, obstacle, position, at, uses }
    }
}

/// The way to the value of a key; `None` when it is too long to be told.
fn joined(field: &str, key: &str) -> Option<String> {
    if key.len() > MAX_FIELD_BYTES {
        return None;
    }
    if key.is_empty() || key.contains(['.', '[', ']', '"', '\\']) {
        return short(format!("{field}[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\"")));
    }
    short(if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") })
}

fn short(field: String) -> Option<String> {
    (field.len() <= MAX_FIELD_BYTES).then_some(field)
}

fn shared(node: &Node) -> Option<&'static str> {
    node.is_shared().then_some(SHARED[1])
}

/// SOPS signs every value of a document, those in clear too, unless it is told otherwise; a changed one keeps the whole from
/// being decrypted. Source: <https://getsops.io/docs/>, "Message Authentication Code".
fn signed(root: &Node) -> Option<&'static str> {
    let sops = root.own("sops").filter(|sops| sops.get("mac").is_some())?;
    let is_free = sops.get("mac_only_encrypted").and_then(Node::text) == Some("true");
    (!is_free).then_some(
        "SOPS signs the values of this document, so a change by anything else keeps it from being decrypted: edit it \
         with `sops`, or encrypt it with `--mac-only-encrypted`",
    )
}

fn has_merge_key(node: &Node) -> bool {
    node.entries().iter().any(|(name, _)| is_merge_key(name))
}

/// What is wrong with a mapping around a key that it has so many times itself.
fn around(own: usize, is_merged: bool) -> Option<&'static str> {
    match own {
        0 => Some("a merge key brings the value: write it out here"),
        1 if is_merged => Some("a merge key stands beside the value: write the mapping out"),
        1 => None,
        _ => Some("the key stands twice in its mapping: keep one"),
    }
}
