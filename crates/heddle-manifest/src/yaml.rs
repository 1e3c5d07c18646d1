//! YAML as a tree in which every value knows its bytes.
//!
//! Values stay the text that stands in the file: what type a reader takes them for is decided by [`json`] and `style`.
//! Aliases and merge keys are followed when something is read, as kubectl does; whoever wants to change a value asks
//! [`cursor::Cursor`] what keeps it from that. It must not know what the text means.

pub(crate) mod cursor;
mod reader;

pub use self::cursor::{MAX_FIELD_BYTES, Spot};
use self::reader::Reader;

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use granit_parser::{Options, Parser, ScalarStyle, ScanError, Span};

/// How deep a document may nest: deeper than any manifest, far from the end of the stack.
pub const MAX_DEPTH: usize = 100;

/// How many values a text may hold. What stands behind an alias counts at each alias, so that whoever walks the values
/// and follows aliases walks no more than this.
pub const MAX_NODES: usize = 1_000_000;

/// Where something starts in a file; both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A text that is no YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// Where reading stopped.
    pub position: Position,
    /// Why.
    pub message: String,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it starts.
    pub position: Position,
    /// Its bytes, without anchor and tag: quotes and brackets belong to it, a block's header does not.
    pub span: Range<usize>,
    /// The tag in front of it, such as `!!str`.
    pub tag: Option<Box<str>>,
}

/// The kinds of value.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text with the notation it is written in.
    Scalar(String, ScalarStyle),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, in the order of the file. Duplicate keys stay.
    Mapping(Vec<(Node, Node)>),
    /// A value with an anchor, of which aliases share the one copy.
    Anchored(Arc<Anchored>),
    /// A reference to an anchored value.
    Alias(Arc<Anchored>),
}

/// A value that aliases may stand for.
#[derive(Debug)]
pub struct Anchored {
    node: Node,
    /// How many values it holds, itself and those behind aliases too.
    nodes: usize,
    /// Whether an alias stands for it.
    has_alias: AtomicBool,
}

/// A comment behind a value on the same line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The byte of its `#`.
    pub at: usize,
    /// What follows the `#`.
    pub text: String,
}

/// The documents of a file, up to the first that is broken.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// The root of each document that is not empty.
    pub roots: Vec<Node>,
    /// The comments that stand behind something, in order.
    pub comments: Vec<Comment>,
    /// How many values they hold, those behind aliases counted at each alias.
    pub nodes: usize,
    /// What stopped the reading.
    pub error: Option<YamlError>,
}

impl Documents {
    /// Reads a file.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader::new(text);
        let mut roots = Vec::new();
        let error = reader.read_into(&mut roots).err();
        Self { roots, comments: reader.comments, nodes: reader.nodes, error }
    }

    /// The comment behind a value, with nothing between them but spaces.
    pub fn comment_behind(&self, text: &str, node: &Node) -> Option<&Comment> {
        let next = self.comments.partition_point(|comment| comment.at < node.span.end);
        let comment = self.comments.get(next)?;
        // A value that is not there may be told to start at its colon.
        let is_at_sign = node.span.is_empty() && text.get(node.span.end..)?.starts_with([':', '-']);
        let between = text.get(node.span.end + usize::from(is_at_sign)..comment.at)?;
        between.bytes().all(|b| b == b' ' || b == b'\t').then_some(comment)
    }
}

impl Node {
    /// What an alias stands for; else the value itself.
    pub fn resolved(&self) -> &Self {
        match &self.value {
            Value::Alias(anchored) | Value::Anchored(anchored) => anchored.node.resolved(),
            _ => self,
        }
    }

    /// Whether an alias elsewhere in the document stands for it.
    pub fn is_shared(&self) -> bool {
        matches!(&self.value, Value::Anchored(anchored) if anchored.has_alias.load(Ordering::Relaxed))
    }

    /// The text of a scalar; `None` where nothing stands, which readers take for no value: an empty one, `~`, `null`.
    pub fn text(&self) -> Option<&str> {
        match &self.resolved().value {
            Value::Scalar(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is neither a list nor a mapping.
    pub fn is_scalar(&self) -> bool {
        matches!(&self.resolved().value, Value::Scalar(..))
    }

    /// The members of a list.
    pub fn items(&self) -> &[Self] {
        match &self.resolved().value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping, merge keys as they stand.
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.resolved().value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key: the last one where the key is written twice, as Kubernetes takes it, else what a merge key
    /// brings.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.own(key).or_else(|| self.merged().find_map(|mapping| mapping.get(key)))
    }

    /// The value of a key that the mapping itself has.
    pub fn own(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The mappings that merge keys bring, the strongest first.
    pub(crate) fn merged(&self) -> impl Iterator<Item = &Self> {
        let sources = self.entries().iter().filter(|(key, _)| is_merge_key(key));
        sources.flat_map(|(_, source)| source.mappings())
    }

    /// The mappings that a merge key with this value brings.
    pub(crate) fn mappings(&self) -> &[Self] {
        match &self.resolved().value {
            Value::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(self),
        }
    }

    /// The keys that merge keys bring, each with the last entry that does.
    pub(crate) fn brought(&self) -> HashMap<&str, usize> {
        let mut brought = HashMap::new();
        for (index, (key, source)) in self.entries().iter().enumerate() {
            if is_merge_key(key) {
                source.mappings().iter().for_each(|mapping| mapping.bring(index, &mut brought));
            }
        }
        brought
    }

    /// Whether a merge key behind the last of the keys of this name brings it too.
    pub(crate) fn brought_behind(&self, name: &str) -> bool {
        let last = self.entries().iter().rposition(|(key, _)| key.text() == Some(name)).map_or(0, |last| last + 1);
        let late = self.entries()[last..].iter().filter(|(key, _)| is_merge_key(key));
        late.flat_map(|(_, source)| source.mappings()).any(|source| source.get(name).is_some())
    }

    fn bring<'n>(&'n self, index: usize, brought: &mut HashMap<&'n str, usize>) {
        brought.extend(self.entries().iter().filter_map(|(key, _)| Some((key.text()?, index))));
        self.merged().for_each(|mapping| mapping.bring(index, brought));
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Whether it is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.resolved().value, Value::Mapping(_))
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.resolved().value, Value::Sequence(_))
    }

    /// Whether it is a text in a literal block (`|`).
    pub fn is_literal(&self) -> bool {
        matches!(self.resolved().value, Value::Scalar(_, ScalarStyle::Literal))
    }

    /// Whether it is written as nothing: an empty value, `~` or `null` without quotes.
    pub fn is_null(&self) -> bool {
        matches!(&self.resolved().value, Value::Scalar(text, ScalarStyle::Plain) if is_null(text))
    }

    /// A word for what it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.resolved().value {
            Value::Scalar(..) if self.is_null() => "nothing",
            Value::Scalar(..) => "a text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) | Value::Anchored(_) | Value::Alias(_) => "a mapping",
        }
    }
}

/// Whether readers take a plain text for nothing.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Whether the key brings the entries of another mapping.
pub(crate) fn is_merge_key(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar(text, ScalarStyle::Plain) if text == "<<")
}

/// A parser with the options that all readers of this crate share.
pub(crate) fn parser(text: &str) -> Parser<'_, granit_parser::StrInput<'_>> {
    Parser::new_from_str_with_options(text, Options::default())
}

pub(crate) fn position(span: &Span) -> Position {
    place(span.start.line(), span.start.col())
}

pub(crate) fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}

/// What the parser says of a text that is no YAML.
pub(crate) fn stopped(error: &ScanError) -> YamlError {
    YamlError { position: place(error.marker().line(), error.marker().col()), message: error.info() }
}

fn place(line: usize, column: usize) -> Position {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: count(line), column: count(column).saturating_add(1) }
}

/// How many bytes before its start, as the parser tells it, the first dash of a block list stands. Of a list whose dashes
/// are no deeper than its key the parser tells where the first member starts.
pub(crate) fn bytes_to_dash(text: &str, start: usize, first_member: usize) -> usize {
    let rest = &text.as_bytes()[start..];
    let is_dash = rest.first() == Some(&b'-') && rest.get(1).is_none_or(u8::is_ascii_whitespace);
    if is_dash && first_member > start {
        return 0;
    }
    let before = text[..start].trim_end_matches([' ', '\t']);
    if before.ends_with('-') { start - before.len() + 1 } else { 0 }
}
