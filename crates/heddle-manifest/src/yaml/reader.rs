//! From the parser's events to the tree, within its limits.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
};

use granit_parser::{Event, Parser, Placement, Span, StructureStyle};

use super::{
    Anchored, Comment, MAX_DEPTH, MAX_NODES, Node, Position, Value, YamlError, bytes, bytes_to_dash, parser, position,
    stopped,
};

pub(super) struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    pub nodes: usize,
    pub comments: Vec<Comment>,
    anchors: BTreeMap<usize, Arc<Anchored>>,
}

impl<'a> Reader<'a> {
    /// At the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, parser: parser(text), nodes: 0, comments: Vec::new(), anchors: BTreeMap::new() }
    }

    /// Reads all documents, up to the first that is broken.
    pub fn read_into(&mut self, roots: &mut Vec<Node>) -> Result<(), YamlError> {
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
                Some(Ok((Event::Comment(text, Placement::Right), span))) => {
                    let at = bytes(&span).start;
                    self.comments.push(Comment { at, text: text.into_owned() });
                }
                Some(Ok((Event::Comment(..) | Event::Anchor(..), _))) => {}
                Some(Ok(found)) => return Ok(Some(found)),
                Some(Err(error)) => return Err(stopped(&error)),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, YamlError> {
        let mut position = position(span);
        let before = self.nodes;
        self.count(1, position)?;
        if depth > MAX_DEPTH {
            let message = format!("values nest deeper than {MAX_DEPTH}: write them flatter");
            return Err(YamlError { position, message });
        }
        let mut span = bytes(span);
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => (Value::Scalar(text.into_owned(), style), anchor, tag),
            Event::SequenceStart(style, anchor, tag) => {
                let told = span.start;
                let list = self.sequence(depth, style, &mut span)?;
                position.column -= u32::try_from(told - span.start).unwrap_or(0);
                (list, anchor, tag)
            }
            Event::MappingStart(style, anchor, tag) => (self.mapping(depth, style, &mut span)?, anchor, tag),
            Event::Alias(anchor) => (self.alias(anchor, position)?, 0, None),
            _ => return Err(YamlError { position, message: "this is no value".into() }),
        };
        let tag = tag.map(|tag| tag.to_string().into_boxed_str());
        let node = Node { value, position, span, tag };
        if anchor == 0 {
            return Ok(node);
        }
        let (position, span, tag) = (node.position, node.span.clone(), node.tag.clone());
        let anchored = Arc::new(Anchored { node, nodes: self.nodes - before, has_alias: AtomicBool::new(false) });
        self.anchors.insert(anchor, Arc::clone(&anchored));
        Ok(Node { value: Value::Anchored(anchored), position, span, tag })
    }

    fn alias(&mut self, anchor: usize, position: Position) -> Result<Value, YamlError> {
        let within = || YamlError { position, message: "the alias stands within what it stands for".into() };
        let target = Arc::clone(self.anchors.get(&anchor).ok_or_else(within)?);
        target.has_alias.store(true, Ordering::Relaxed);
        self.count(target.nodes, position)?;
        Ok(Value::Alias(target))
    }

    /// Counts values that were read, or that an alias stands for.
    fn count(&mut self, nodes: usize, position: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let message =
                format!("the text holds more than {MAX_NODES} values, those behind aliases counted: split it");
            return Err(YamlError { position, message });
        }
        Ok(())
    }

    fn sequence(&mut self, depth: usize, style: StructureStyle, span: &mut Range<usize>) -> Result<Value, YamlError> {
        let mut items: Vec<Node> = Vec::new();
        while let Some((event, end)) = self.next()? {
            if event == Event::SequenceEnd {
                span.end = end_of(style, &end, items.last(), span.end);
                break;
            }
            if items.is_empty() && style == StructureStyle::Block {
                span.start -= bytes_to_dash(self.text, span.start, bytes(&end).start);
            }
            items.push(self.node(event, &end, depth + 1)?);
        }
        Ok(Value::Sequence(items))
    }

    fn mapping(&mut self, depth: usize, style: StructureStyle, span: &mut Range<usize>) -> Result<Value, YamlError> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        while let Some((event, end)) = self.next()? {
            if event == Event::MappingEnd {
                span.end = end_of(style, &end, entries.last().map(|(_, value)| value), span.end);
                break;
            }
            let key = self.node(event, &end, depth + 1)?;
            let Some((event, span)) = self.next()? else { break };
            let value = self.node(event, &span, depth + 1)?;
            entries.push((key, value));
        }
        Ok(Value::Mapping(entries))
    }
}

/// Where a collection ends: behind its bracket, or with its last member.
fn end_of(style: StructureStyle, end: &Span, last: Option<&Node>, otherwise: usize) -> usize {
    match style {
        StructureStyle::Flow => bytes(end).end,
        StructureStyle::Block => last.map_or(otherwise, |node| node.span.end),
    }
}
