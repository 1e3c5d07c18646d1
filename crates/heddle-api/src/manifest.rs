//! The one manifest that installs the agent: `deploy/agent/install.yaml` with its places filled in.
//!
//! Each place takes a JSON value in ASCII, which is YAML too, so that no value can break out of its place.

pub mod automator;

use heddle_core::{git::BranchName, name::EnvironmentName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

const TEMPLATE: &str = include_str!("../../../deploy/agent/install.yaml");
/// The namespace of the agent in the template.
pub const AGENT_NAMESPACE: &str = "heddle-system";

const REPEAT: &str = "# for each namespace:\n";
const REPEAT_END: &str = "# end for each namespace\n";

/// What the first Sync of a cluster follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSync {
    /// Address of the repository.
    pub repository: Url,
    /// The branch.
    pub branch: BranchName,
    /// The path, without slashes at its ends; empty for the root.
    pub path: String,
    /// The namespaces that it deploys to, at least one.
    pub namespaces: Vec<String>,
}

impl FirstSync {
    /// As it is stored; `None` when an older release stored something else.
    pub fn read(stored: Value) -> Option<Self> {
        serde_json::from_value(stored).ok()
    }
}

/// What else stands in a manifest.
#[derive(Debug)]
pub struct Install<'a> {
    /// The address of the API, as the cluster reaches it.
    pub api_url: &'a Url,
    /// Certificate authorities besides those of the image, PEM.
    pub ca_pem: &'a str,
    /// The agent's image.
    pub image: &'a str,
    /// Works once.
    pub bootstrap_token: &'a str,
}

/// The manifest as a person applies it.
pub fn render(install: &Install<'_>, sync: &FirstSync) -> String {
    // What stands before the first document explains the template.
    let template = TEMPLATE.split_once("---\n").map_or(TEMPLATE, |(_, documents)| documents);
    let (before, repeated, after) = split_repeated(template);
    let values = [
        ("API_URL", json!(install.api_url.as_str().trim_end_matches('/'))),
        ("CA_PEM", json!(install.ca_pem)),
        ("AGENT_IMAGE", json!(install.image)),
        ("BOOTSTRAP_TOKEN", json!(install.bootstrap_token)),
        ("SYNC_NAME", json!(EnvironmentName::implicit_for(&sync.path))),
        ("REPOSITORY", json!(sync.repository)),
        ("BRANCH", json!(sync.branch)),
        ("PATH", json!(sync.path)),
        ("NAMESPACES", json!(sync.namespaces)),
    ];
    let binding =
        |namespace: &String| fill(repeated, &[values.as_slice(), &[("NAMESPACE", json!(namespace))]].concat());
    let bindings: String = sync.namespaces.iter().map(binding).collect();
    fill(before, &values) + &bindings + &fill(after, &values)
}

/// Puts values into the places that the template names. It is read once: a value that looks like a place stays as it is.
fn fill(template: &str, values: &[(&str, Value)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let place = after.split_once("}}");
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| in_ascii(value));
        rest = match place.and_then(|(name, rest)| Some((value(name)?, rest))) {
            Some((value, rest)) => {
                filled.push_str(&value);
                rest
            }
            None => {
                filled.push_str("{{");
                after
            }
        };
    }
    filled + rest
}

/// A JSON value as all readers of YAML take it: U+2028 ends a line for some of them, U+FFFE stands in no text. JSON has such
/// characters in its strings alone, and where YAML escapes them as JSON does, it has no surrogates.
///
/// Source: YAML 1.2.2, "Escaped Characters".
fn in_ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match (c, u32::from(c)) {
            (' '..='~', _) => text.push(c),
            (_, code @ 0..=0xffff) => text += &format!("\\u{code:04x}"),
            (_, code) => text += &format!("\\U{code:08x}"),
        }
    }
    text
}

fn split_repeated(template: &str) -> (&str, &str, &str) {
    match template.split_once(REPEAT).and_then(|(before, rest)| Some((before, rest.split_once(REPEAT_END)?))) {
        Some((before, (repeated, after))) => (before, repeated, after),
        None => (template, "", ""),
    }
}

#[cfg(test)]
mod tests;
