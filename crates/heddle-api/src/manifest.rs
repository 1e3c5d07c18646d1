//! The one manifest that installs the agent: `deploy/agent/install.yaml` with its places filled in.
//!
//! Each place takes a JSON value, which is YAML too, so that no value can break out of its place.

use heddle_core::{git::BranchName, name::EnvironmentName};
use serde::{Deserialize, Serialize};
use serde_json::json;
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
    pub fn read(stored: serde_json::Value) -> Option<Self> {
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
    let fill = |text: &str| {
        [
            ("{{API_URL}}", json!(install.api_url.as_str().trim_end_matches('/'))),
            ("{{CA_PEM}}", json!(install.ca_pem)),
            ("{{AGENT_IMAGE}}", json!(install.image)),
            ("{{BOOTSTRAP_TOKEN}}", json!(install.bootstrap_token)),
            ("{{SYNC_NAME}}", json!(EnvironmentName::implicit_for(&sync.path))),
            ("{{REPOSITORY}}", json!(sync.repository)),
            ("{{BRANCH}}", json!(sync.branch)),
            ("{{PATH}}", json!(sync.path)),
            ("{{NAMESPACES}}", json!(sync.namespaces)),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (place, value)| text.replace(place, &value.to_string()))
    };
    let bindings: String = sync
        .namespaces
        .iter()
        .map(|namespace| repeated.replace("{{NAMESPACE}}", &json!(namespace).to_string()))
        .collect();
    fill(&format!("{before}{bindings}{after}"))
}

fn split_repeated(template: &str) -> (&str, &str, &str) {
    match template.split_once(REPEAT).and_then(|(before, rest)| Some((before, rest.split_once(REPEAT_END)?))) {
        Some((before, (repeated, after))) => (before, repeated, after),
        None => (template, "", ""),
    }
}

#[cfg(test)]
mod tests;
