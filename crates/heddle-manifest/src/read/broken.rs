//! What is kept of a file that is no YAML, or not as a whole.

use std::collections::HashSet;

use heddle_core::image::ImageRepository;

use crate::{documents::parts_of, written::split_build, yaml::Documents};

/// How many images are kept of those that an unreadable file names.
const MAX_MENTIONS: usize = 5_000;

/// The images that a text names, where it cannot be read as YAML: words with a path, or with a tag.
pub(super) fn mentions(text: &str) -> HashSet<ImageRepository> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '[' | ']' | '{' | '}' | '=' | '(' | ')');
    let words = text.split(ends).map(|word| word.trim_end_matches(':')).filter(|word| !word.contains("://"));
    let mut found = HashSet::new();
    for (name, build) in words.map(split_build) {
        if (name.contains('/') || build.len() > 1) && found.len() < MAX_MENTIONS {
            found.extend(name.parse::<ImageRepository>());
        }
    }
    found
}

/// The text with every document that is no YAML written over by spaces, so that all others stay where they are.
pub(super) fn without_broken(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    let mut last = 0;
    for part in parts_of(text) {
        let inner = &text[part.clone()];
        all.push_str(&text[last..part.start]);
        match Documents::read(inner).error {
            None => all.push_str(inner),
            Some(_) => {
                all.extend(inner.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { byte as char } else { ' ' }))
            }
        }
        last = part.end;
    }
    all + &text[last..]
}
