//! How changes come, as a peer's configuration says it for all images: `updates` of `.heddle.yaml`.

use super::write::quoted;
use crate::config;

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Updates {
    /// What goes into one pull request.
    pub group: Option<&'static str>,
    /// How many pull requests may be open at once.
    pub open: Option<u32>,
    pub labels: Vec<String>,
    pub reviewers: Vec<String>,
}

impl Updates {
    /// The block; nothing where nothing is said.
    pub fn text(&self) -> String {
        let mut text = String::new();
        text.extend(self.group.map(|group| format!("  group: {group}\n")));
        text.extend(self.open.map(|open| format!("  limit: {{open: {open}}}\n")));
        for (key, list) in [("labels", &self.labels), ("reviewers", &self.reviewers)] {
            let quoted: Vec<String> = list.iter().map(|item| quoted(item)).collect();
            if !quoted.is_empty() {
                text.push_str(&format!("  {key}: [{}]\n", quoted.join(", ")));
            }
        }
        if text.is_empty() { text } else { format!("updates:\n{text}") }
    }

    /// What the block's reader says of it; nothing where it is right.
    pub fn fault(&self) -> Option<String> {
        let (_, findings) = config::read(&format!("version: 1\n{}", self.text()));
        findings.into_iter().next().map(|finding| finding.message)
    }
}
