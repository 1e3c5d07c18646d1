//! What Renovate's configuration says of all updates: how many pull requests, what is in one, who is asked.

use super::{
    Brought, Origin, origin,
    rules::{Rule, texts},
    settings::tell_keys,
};
use crate::{peers::updates::Updates, yaml::Node};

/// Settings of all updates that have no counterpart.
const UNTRANSLATED: [&str; 2] = ["prHourlyLimit", "assignees"];

/// Reads them, those that come later weigh more, and tells what is not taken over.
pub(super) fn read(files: &[(String, Node)], rules: &[Rule<'_>], brought: &mut Brought) {
    let mut updates = Updates::default();
    for (file, root) in files {
        let at = origin(file, 1);
        tell_keys(&at, root, brought);
        take(root, &at, &mut updates, brought);
        for (key, _) in root.entries() {
            let name = key.text().unwrap_or_default();
            if UNTRANSLATED.contains(&name) {
                let message =
                    format!("`{name}` has no counterpart and is not followed: see `updates` of `.heddle.yaml`");
                brought.differs(&Origin { line: key.position.line, ..at.clone() }, message);
            }
        }
    }
    // Each dependency has a pull request of its own, where nothing groups them.
    let is_grouping = |node: &Node| node.get("groupName").is_some();
    let is_grouped =
        files.iter().any(|(_, root)| is_grouping(root) || texts(root, "extends").iter().any(|one| one == "group:all"));
    if !is_grouped && !rules.iter().any(|rule| rule.is_for_any() && is_grouping(rule.node)) {
        updates.group = Some("none");
    }
    brought.updates = updates;
}

fn take(root: &Node, at: &Origin, updates: &mut Updates, brought: &mut Brought) {
    let line = |key: &str| root.get(key).map_or(at.line, |value| value.position.line);
    let mut refuse = |key: &str, why: String| {
        let message = format!("`{key}` is not taken over: {why}");
        brought.differs(&Origin { line: line(key), ..at.clone() }, message);
    };
    // None, said as a limit, is no limit.
    if let Some(text) = root.get("prConcurrentLimit").and_then(Node::text) {
        match text.parse::<u32>() {
            Ok(open) => updates.open = Some(open).filter(|open| *open > 0),
            Err(_) => refuse("prConcurrentLimit", format!("`{text}` is no whole number")),
        }
    }
    for label in texts(root, "labels").into_iter().chain(texts(root, "addLabels")) {
        let one = Updates { labels: vec![label.clone()], ..Updates::default() };
        match one.fault() {
            _ if label.contains("{{") => refuse("labels", format!("`{label}` is a template")),
            Some(why) => refuse("labels", why),
            None if updates.labels.contains(&label) => {}
            None => updates.labels.push(label),
        }
    }
    for reviewer in texts(root, "reviewers") {
        let one = Updates { reviewers: vec![reviewer.clone()], ..Updates::default() };
        match (reviewer.starts_with("team:"), one.fault()) {
            (true, _) => {
                refuse("reviewers", format!("`{reviewer}` names no organization: write it as `organization/team`"))
            }
            (false, Some(why)) => refuse("reviewers", why),
            (false, None) if updates.reviewers.contains(&reviewer) => {}
            (false, None) => updates.reviewers.push(reviewer),
        }
    }
}
