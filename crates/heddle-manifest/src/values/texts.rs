//! YAML that stands in a file as one text, such as the values of a chart below `values: |`.

use super::images as values_of;
use crate::{
    aliases,
    image::{ImageValue, Within},
    object::{DocumentKind, container_images, kind_of},
    yaml::{Documents, Position, Spot, cursor::Cursor},
};

const NOT_LITERAL: &str = "the text is no literal block (`key: |`): write it as one, or as a mapping";

/// Where a text stands that is YAML itself.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    at: usize,
    field: String,
    position: Position,
    is_literal: bool,
    obstacle: Option<&'static str>,
}

impl Block {
    /// Where it stands.
    pub fn position(&self) -> Position {
        self.position
    }

    pub fn of(cursor: &Cursor<'_>) -> Self {
        Self {
            at: cursor.at,
            field: cursor.field.clone(),
            position: cursor.position,
            is_literal: cursor.node.is_literal(),
            obstacle: cursor.obstacle,
        }
    }
}

/// The images of a text: those of objects in it, else those of values. Nothing where it is no YAML.
pub(crate) fn images(cursor: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let Some(text) = cursor.text() else { return Vec::new() };
    let block = Block::of(cursor);
    let documents = Documents::read(text);
    let mut found = Vec::new();
    for root in documents.roots.iter().filter(|_| documents.error.is_none()) {
        let root = Cursor::root(root);
        let images = match kind_of(root.node) {
            DocumentKind::Object => container_images(&root),
            DocumentKind::Other => values_of(&root, object),
            DocumentKind::Kustomization => Vec::new(),
        };
        found.extend(images);
    }
    aliases::release(&mut found, &documents.roots);
    found.into_iter().map(|image| ImageValue { object: object.to_owned(), ..placed(image, &block, text) }).collect()
}

/// An image of a text with its places as they stand in the file; bytes stay those of the text, for the edit of it.
pub(crate) fn placed(mut image: ImageValue, block: &Block, text: &str) -> ImageValue {
    let otherwise = (!block.is_literal).then_some(NOT_LITERAL);
    image.obstacle = image.obstacle.or(block.obstacle).or(otherwise);
    image.parts.within = Some(Within { at: block.at, outer: outer(block, text, image.span().start) });
    image.is_kustomizable = false;
    for spot in image.parts.spots_mut().chain(&mut image.vacant) {
        shift(spot, block);
    }
    image
}

/// Where a byte of a block's text stands in the file: each line of the block is indented.
fn outer(block: &Block, text: &str, inner: usize) -> usize {
    let indent = block.position.column as usize - 1;
    let lines = text[..inner].split_inclusive('\n').skip(1).filter(|line| *line != "\n").count();
    let starts_line = text[..inner].ends_with('\n');
    block.at + inner + indent * (lines + usize::from(starts_line))
}

fn shift(spot: &mut Spot, block: &Block) {
    spot.position.line += block.position.line - 1;
    spot.position.column += block.position.column - 1;
    let dot = if spot.field.starts_with('[') { "" } else { "." };
    spot.field = format!("{}{dot}{}", block.field, spot.field);
}
