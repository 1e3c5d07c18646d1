//! The manifest of an automator that an organization runs itself: `deploy/automator/install.yaml` with its places filled in.

use serde_json::json;
use url::Url;

const TEMPLATE: &str = include_str!("../../../../deploy/automator/install.yaml");

/// What stands in a manifest.
#[derive(Debug)]
pub struct AutomatorInstall<'a> {
    /// The address of the API, as the cluster reaches it.
    pub api_url: &'a Url,
    /// Certificate authorities besides those of the image, PEM.
    pub ca_pem: &'a str,
    /// The automator's image.
    pub image: &'a str,
    /// Its token.
    pub token: &'a str,
}

/// The manifest as a person applies it.
pub fn render(install: &AutomatorInstall<'_>) -> String {
    // What stands before the first document explains the template.
    let template = TEMPLATE.split_once("---\n").map_or(TEMPLATE, |(_, documents)| documents);
    let values = [
        ("API_URL", json!(install.api_url.as_str().trim_end_matches('/'))),
        ("CA_PEM", json!(install.ca_pem)),
        ("AUTOMATOR_IMAGE", json!(install.image)),
        ("TOKEN", json!(install.token)),
    ];
    super::fill(template, &values)
}
