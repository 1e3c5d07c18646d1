//! YAML as a tree in which every value knows its bytes.
//!
//! Values stay the text that stands in the file: what type a reader would take them for is decided where that matters
//! (`style`). Aliases are not followed, so that no value is ever edited through one. It must not know what the text
//! means.

use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span};

/// How deep a document may nest: deeper than any manifest, far from the end of the stack.
const MAX_DEPTH: usize = 100;

/// How many values a file may hold.
const MAX_NODES: usize = 2_000_000;

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
    /// Its bytes; for a collection those of its first token.
    pub span: Range<usize>,
    /// Whether an alias elsewhere in the document may stand for it.
    pub anchored: bool,
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
    /// A reference to an anchored value.
    Alias,
}

/// The documents of a file, up to the first that is broken.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// The root of each document that is not empty.
    pub roots: Vec<Node>,
    /// What stopped the reading.
    pub error: Option<YamlError>,
}

impl Documents {
    /// Reads a file.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader { parser: parser(text), nodes: 0 };
        let mut roots = Vec::new();
        let error = reader.read_into(&mut roots).err();
        Self { roots, error }
    }
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The members of a list.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key: the last one where the key is written twice, as Kubernetes takes it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Whether it is written as nothing: an empty value, `~` or `null` without quotes.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, ScalarStyle::Plain) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A word for what it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(..) if self.is_null() => "nothing",
            Value::Scalar(..) => "a text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Alias => "an alias",
        }
    }
}

/// A parser with the options that all readers of this crate share.
pub(crate) fn parser(text: &str) -> Parser<'_, granit_parser::StrInput<'_>> {
    Parser::new_from_str_with_options(text, Options::default())
}

pub(crate) fn position(span: &Span) -> Position {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: count(span.start.line()), column: count(span.start.col()).saturating_add(1) }
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn read_into(&mut self, roots: &mut Vec<Node>) -> Result<(), YamlError> {
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                event => {
                    let node = self.node(event, &span, 0)?;
                    if !node.is_null() {
                        roots.push(node);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, YamlError> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..) | Event::Anchor(..), _))) => {}
                Some(Ok(found)) => return Ok(Some(found)),
                Some(Err(error)) => {
                    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                    let marker = error.marker();
                    let position =
                        Position { line: count(marker.line()), column: count(marker.col()).saturating_add(1) };
                    return Err(YamlError { position, message: error.info() });
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, YamlError> {
        let position = position(span);
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(YamlError { position, message: "the document is too deep or too large".into() });
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => (Value::Scalar(text.into_owned(), style), anchor),
            Event::SequenceStart(_, anchor, _) => (self.sequence(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.mapping(depth)?, anchor),
            _ => (Value::Alias, 0),
        };
        Ok(Node { value, position, span: span.byte_range().unwrap_or(0..0), anchored: anchor != 0 })
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
        Ok(Value::Sequence(items))
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, YamlError> {
        let mut entries = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, &span, depth + 1)?;
            let Some((event, span)) = self.next()? else { break };
            let value = self.node(event, &span, depth + 1)?;
            entries.push((key, value));
        }
        Ok(Value::Mapping(entries))
    }
}
