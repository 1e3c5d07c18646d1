//! How a file says that it is encrypted with SOPS, and for whom.
//!
//! Source: `stores/*/store.go` of `github.com/getsops/sops`: metadata stand under `sops` in YAML and JSON, in the section
//! `sops` of INI, behind `sops_` in dotenv; a binary file is JSON with `data` and `sops` alone.

use std::collections::BTreeSet;

use heddle_manifest::documents::read_documents;
use serde_json::Value;

use super::super::cipher::{has_metadata, is_for_an_operator};

/// A longer recipient is not told whole: keys that hold against quantum computers have 2,000 characters.
const MAX_RECIPIENT: usize = 80;

/// A store of sops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    Binary,
}

impl Format {
    /// As sops calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }

    /// That of a content which is encrypted; `None` of any other. `name` decides where a content may be of two.
    pub(in super::super) fn of(name: &str, content: &[u8]) -> Option<Self> {
        // Reading costs much more than looking.
        let text = std::str::from_utf8(content).ok().filter(|text| text.contains("sops") && text.contains("ENC["))?;
        let has_line = |is_one: &dyn Fn(&str) -> bool| text.lines().map(str::trim).any(is_one);
        if has_line(&|line| line.starts_with("sops_mac=")) {
            return Some(Self::Dotenv);
        }
        if has_line(&|line| line == "[sops]") {
            return Some(Self::Ini);
        }
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            let is_binary = value.as_object().is_some_and(|fields| {
                fields.len() == 2 && fields.get("data").is_some_and(Value::is_string) && fields.contains_key("sops")
            });
            let is_named_otherwise = ![".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending));
            let format = if is_binary && is_named_otherwise { Self::Binary } else { Self::Json };
            return has_metadata(&value).then_some(format);
        }
        let is_ours = |value: &Value| has_metadata(value) && !is_for_an_operator(value);
        let has_any = read_documents(text).any(|document| document.value.as_ref().is_ok_and(is_ours));
        has_any.then_some(Self::Yaml)
    }
}

/// For whom a content is encrypted with age.
pub(super) fn age_recipients(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let words = text.split(|char: char| !char.is_ascii_alphanumeric());
    let found: BTreeSet<&str> = words.filter(|word| word.starts_with("age1") && word.len() > 50).collect();
    found.into_iter().map(shorten).collect()
}

fn shorten(recipient: &str) -> String {
    if recipient.len() > MAX_RECIPIENT {
        format!("{}…", &recipient[..MAX_RECIPIENT / 2])
    } else {
        recipient.to_owned()
    }
}

#[cfg(test)]
mod tests;
