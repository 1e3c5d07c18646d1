//! A value with the way to it, and what on that way keeps it from being changed.

use std::collections::{HashMap, HashSet};

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
    /// How many bytes it has there.
    length: usize,
    /// It stands at several places by aliases, and nothing else keeps it from being changed.
    is_shared: bool,
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
    /// The one text that aliases take to several places, where this is one of them and nothing else keeps it from being
    /// changed.
    pub(crate) shared: Option<Shared>,
    /// It stands where an alias does, so that others may stand there too.
    pub(crate) is_by_alias: bool,
}

/// A text that aliases take to several places, by themselves, with what is around them, or by merge keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    /// The first byte of the text, where it is written.
    pub at: usize,
    /// Every one of the places is the same part of the same image, so that it may change.
    pub is_free: bool,
}

const ALIAS: &str = "an alias stands there: write the value out";
const ANCHOR: &str = "an alias takes the value, or what is around it, over to another place: write it out there";
const MERGED: &str = "a merge key brings the value: write it out here";

/// What is said of an alias, of what aliases stand for, and of what merge keys bring.
pub(crate) const SHARED: [&str; 3] = [ALIAS, ANCHOR, MERGED];

/// What is said of a text that may change with its aliases, and does not here.
pub(crate) const ONE_OF_SEVERAL: &str = ANCHOR;

impl<'a> Cursor<'a> {
    pub fn root(node: &'a Node) -> Self {
        Self {
            node: node.resolved(),
            field: String::new(),
            obstacle: shared(node).or_else(|| signed(node)),
            position: node.position,
            at: node.span.start,
            length: node.span.len(),
            is_shared: false,
        }
    }

    /// The value of a key, as kubectl reads it.
    pub fn key(&self, key: &str) -> Option<Self> {
        match self.node.own(key) {
            Some(value) => {
                let named = || self.node.entries().iter().filter(|(name, _)| name.text() == Some(key));
                let is_late = self.merges_late() && self.node.brought_behind(key);
                let own = named().count();
                Some(self.step(value, around(own, is_late), joined(&self.field, key)))
            }
            None => self.merged().find_map(|source| source.key(key)),
        }
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

    /// The keys of a mapping with their values: its own in the order of the file, then those that merge keys bring.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let mut all = Vec::new();
        self.collect(&mut HashSet::new(), &mut all);
        all.into_iter()
    }

    fn collect(&self, known: &mut HashSet<&'a str>, all: &mut Vec<(&'a str, Self)>) {
        let own = self.node.entries().iter().enumerate().filter(|(_, (key, _))| !is_merge_key(key));
        let named = own.filter_map(|(index, (key, value))| Some((index, key.text()?, value)));
        let mut counts: HashMap<&str, usize> = HashMap::new();
        named.clone().for_each(|(_, key, _)| *counts.entry(key).or_default() += 1);
        let brought = if self.merges_late() { self.node.brought() } else { HashMap::new() };
        for (index, key, value) in named.filter(|(_, key, _)| !known.contains(key)) {
            let is_late = brought.get(key).is_some_and(|late| *late > index);
            let own = counts.get(key).copied().unwrap_or_default();
            all.push((key, self.step(value, around(own, is_late), joined(&self.field, key))));
        }
        known.extend(counts.into_keys());
        self.merged().for_each(|source| source.collect(known, all));
    }

    pub fn text(&self) -> Option<&'a str> {
        self.node.text()
    }

    /// The text as a place that can be changed. An empty value is an empty text.
    pub fn spot(&self) -> Option<Spot> {
        let text = if self.node.is_null() { "" } else { self.node.text()? };
        let at = self.node.span.start;
        Some(Spot {
            text: text.to_owned(),
            position: self.position,
            span: self.at..self.at + self.length,
            field: self.field.clone(),
            obstacle: self.obstacle,
            shared: self.is_shared.then_some(Shared { at, is_free: false }),
            is_by_alias: self.is_by_alias(),
        })
    }

    /// Whether it stands where an alias does, and is written elsewhere.
    pub fn is_by_alias(&self) -> bool {
        self.at != self.node.span.start
    }

    /// Whether a merge key behind another key may bring that anew. What stands where an alias does is written elsewhere, and
    /// whoever lets it change counts what reaches it.
    fn merges_late(&self) -> bool {
        let mut entries = self.node.entries().iter();
        !self.is_by_alias() && entries.any(|(key, _)| !is_merge_key(key)) && entries.any(|(key, _)| is_merge_key(key))
    }

    /// The mappings that merge keys bring, the strongest first, each where the merge key names it.
    fn merged(&self) -> impl Iterator<Item = Self> + use<'a, '_> {
        self.node.merged().map(|source| {
            let mut cursor = self.step(source, None, Some(self.field.clone()));
            if cursor.obstacle == Some(ALIAS) && self.obstacle.is_none() {
                cursor.obstacle = Some(MERGED);
            }
            cursor
        })
    }

    fn step(&self, value: &'a Node, around: Option<&'static str>, field: Option<String>) -> Self {
        let far = field.is_none().then_some("the way to the value is longer than 2,000 characters: shorten the keys");
        let field = field.unwrap_or_else(|| self.field.clone());
        let is_secret = value.text().is_some_and(|text| text.starts_with("ENC["));
        let secret = is_secret.then_some("SOPS encrypts the value: edit it with `sops`");
        let others = self.obstacle.filter(|_| !self.is_shared).or(around).or(far).or(secret);
        let alias = matches!(value.value, Value::Alias(_)).then_some(ALIAS);
        let sharing = self.obstacle.filter(|_| self.is_shared).or(alias).or_else(|| shared(value));
        // Below an alias everything stands where the alias does.
        let (position, at, length) = match self.is_by_alias() {
            true => (self.position, self.at, self.length),
            false => (value.position, value.span.start, value.span.len()),
        };
        let is_shared = others.is_none() && sharing.is_some();
        Self { node: value.resolved(), field, obstacle: others.or(sharing), position, at, length, is_shared }
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
    node.is_shared().then_some(ANCHOR)
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

/// What is wrong around a key that its mapping has so many times itself, and perhaps anew by a merge key behind it.
fn around(own: usize, is_late: bool) -> Option<&'static str> {
    match own {
        0 | 1 if is_late => Some(
            "a merge key behind the value brings it too, and readers differ in which counts: write the merge key first",
        ),
        0 | 1 => None,
        _ => Some("the key stands twice in its mapping: keep one"),
    }
}
