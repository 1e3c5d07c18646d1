//! The rules for custom resources that people have, kept as text in `kinds.rules`: read once.

use std::{collections::HashMap, sync::LazyLock};

use super::{ResourcePlace, ResourceRule};
use crate::{
    glob::Glob,
    object::{group, text},
    path::Path,
    yaml::Node,
};

const TEXT: &str = include_str!("kinds.rules");

/// Every rule by its kind.
static BOOK: LazyLock<HashMap<String, Vec<ResourceRule>>> = LazyLock::new(|| {
    let mut book: HashMap<String, Vec<ResourceRule>> = HashMap::new();
    for rule in blocks().iter().flat_map(Block::rules) {
        book.entry(rule.kind.clone()).or_default().push(rule);
    }
    book
});

/// The rules for an object's kind.
pub(crate) fn known_rules(root: &Node) -> impl Iterator<Item = &'static ResourceRule> {
    let its_group = group(root).to_owned();
    let of_kind = BOOK.get(text(root, "kind")).into_iter().flatten();
    of_kind.filter(move |rule| rule.group.as_ref().is_some_and(|group| group.matches(&its_group)))
}

/// The kinds of one family and the lines below them.
struct Block {
    group: &'static str,
    kinds: Vec<&'static str>,
    places: Vec<&'static str>,
    examples: Vec<&'static str>,
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("  ~ "), line.strip_prefix("  "), blocks.last_mut()) {
            (Some(example), _, Some(block)) => block.examples.push(example),
            (None, Some(place), Some(block)) => block.places.push(place),
            _ => {
                let (group, kinds) = line.split_once('/').unwrap_or(("", line));
                let kinds = kinds.split(' ').collect();
                blocks.push(Block { group, kinds, places: Vec::new(), examples: Vec::new() });
            }
        }
    }
    blocks
}

impl Block {
    fn rules(&self) -> impl Iterator<Item = ResourceRule> + '_ {
        let places: Vec<ResourcePlace> = self.places.iter().filter_map(|line| read_place(line)).collect();
        self.kinds.iter().map(move |kind| ResourceRule {
            group: Glob::parse(self.group),
            kind: (*kind).to_owned(),
            places: places.clone(),
        })
    }
}

fn read_place(line: &str) -> Option<ResourcePlace> {
    let (word, rest) = line.split_once(' ')?;
    let path = || Path::parse(rest).ok();
    Some(match word {
        "image" => ResourcePlace::Image(path()?),
        "container" => ResourcePlace::Container(path()?),
        "pod" => ResourcePlace::Pod(path()?),
        "object" => ResourcePlace::Object(path()?),
        "text" => ResourcePlace::Text(path()?),
        "reference" => ResourcePlace::Reference(path()?),
        "values" => ResourcePlace::Values(path()?),
        _ => {
            let part = |key: &str| {
                let mut pairs = rest.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.find(|(name, _)| *name == key).and_then(|(_, path)| Path::parse(path).ok())
            };
            let repository = part("repository")?;
            ResourcePlace::Parts { registry: part("registry"), repository, tag: part("tag"), digest: part("digest") }
        }
    })
}

#[cfg(test)]
mod tests;
