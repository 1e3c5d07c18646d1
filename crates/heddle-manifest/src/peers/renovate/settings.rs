//! What Renovate's settings come to for one image, in Heddle's words.

use heddle_core::{
    image::Tag,
    policy::{TagPolicy, Within},
};

use super::{
    Brought, Origin,
    rules::{Rule, Subject, texts},
    versioning::{self, Versioning},
};
use crate::yaml::Node;

/// Settings that have no counterpart, of a rule and of the whole.
const UNTRANSLATED: [&str; 9] = [
    "groupName",
    "schedule",
    "automergeSchedule",
    "followTag",
    "versionCompatibility",
    "replacementName",
    "dependencyDashboardApproval",
    "prPriority",
    "customManagers",
];

/// Settings that are followed, but not for some kinds of update alone.
const SETTINGS: [&str; 5] = ["automerge", "allowedVersions", "versioning", "pinDigests", "minimumReleaseAge"];

/// The kinds of update to another tag.
const KINDS: [&str; 3] = ["major", "minor", "patch"];

/// The kinds of update that write a digest where none stands.
const PINS: [&str; 2] = ["pin", "pinDigest"];

/// Presets of Renovate's own that say nothing of which tag an image gets.
pub(super) fn is_harmless_preset(name: &str) -> bool {
    let is_image = ["docker:", "default:pinDigestsDisabled"].iter().any(|start| name.starts_with(start));
    let known = ["docker:disable", "docker:pinDigests", "docker:enableMajor", "docker:disableMajor"];
    let is_own = !name.contains('>') && !name.contains("//") && !name.starts_with('@');
    known.contains(&name) || (is_own && !is_image && !name.starts_with("local"))
}

/// What is known of an image once all rules are taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Its name is among those that are left alone.
    is_ignored: bool,
    /// Written at once, without a pull request.
    pub is_direct: bool,
    automerges: bool,
    pins: bool,
    ignores_unstable: bool,
    versioning: String,
    /// What `regex:` versioning comes to beside the tag that runs.
    by_groups: Option<Result<Versioning, String>>,
    allowed: Option<String>,
    min_age: Option<String>,
    /// The kinds of update that are off.
    off: Vec<String>,
    /// A key that says what a rule is for, where the rule holds something back and the key is not followed.
    doubt: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_ignored: false,
            is_direct: false,
            automerges: false,
            pins: false,
            ignores_unstable: true,
            versioning: "docker".to_owned(),
            by_groups: None,
            allowed: None,
            min_age: None,
            off: Vec::new(),
            doubt: None,
        }
    }
}

impl Settings {
    /// Takes what stands at the top of a configuration.
    pub fn take_top(&mut self, root: &Node, subject: &Subject) {
        let presets = texts(root, "extends");
        let has = |name: &str| presets.iter().any(|preset| preset == name);
        let is_of_registry = subject.levels().any(|level| level == "docker");
        if is_of_registry && has("docker:disable") {
            self.switch(&KINDS, false);
        }
        self.pins |= has("docker:pinDigests") || has("config:best-practices");
        if is_of_registry && has("docker:disableMajor") || has(":disableMajorUpdates") {
            self.switch(&["major"], false);
        }
        self.take_keys(root);
        for level in subject.levels().filter_map(|key| root.get(key)) {
            self.take_keys(level);
        }
        self.is_ignored |= texts(root, "ignoreDeps").iter().any(|name| subject.is_named(name));
    }

    /// Takes what a rule says.
    pub fn take(&mut self, rule: &Rule<'_>) {
        let holds_back = is(rule.node, "enabled", "false") || rule.node.get("allowedVersions").is_some();
        if let Some(key) = rule.unknown() {
            if holds_back {
                self.doubt = Some(key.to_owned());
            }
            return;
        }
        let kinds = texts(rule.node, "matchUpdateTypes");
        if kinds.is_empty() {
            return self.take_keys(rule.node);
        }
        if let Some(on) = flag(rule.node, "enabled") {
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            self.switch(&kinds, on);
        }
    }

    /// Turns kinds of update on or off.
    fn switch(&mut self, kinds: &[&str], on: bool) {
        self.off.retain(|kind| !kinds.contains(&kind.as_str()));
        if !on {
            self.off.extend(kinds.iter().map(|kind| (*kind).to_owned()));
        }
        self.off.sort();
    }

    fn is_off(&self, kind: &str) -> bool {
        self.off.iter().any(|one| one == kind)
    }

    /// Whether any update to another tag is on.
    pub fn is_on(&self) -> bool {
        !self.is_ignored && !KINDS.iter().all(|kind| self.is_off(kind))
    }

    /// The same for a place where a tag runs.
    pub fn beside(mut self, running: Option<&Tag>) -> Self {
        let expression = self.versioning.strip_prefix("regex:");
        self.by_groups = expression.map(|expression| versioning::read(expression, running, self.ignores_unstable));
        self
    }

    /// The same for a chart, of which nobody writes a digest.
    pub fn of_chart(self) -> Self {
        Self { pins: false, ..self }
    }

    fn take_keys(&mut self, node: &Node) {
        let word = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
        if let Some(on) = flag(node, "enabled") {
            self.switch(&KINDS, on);
        }
        for kind in KINDS.into_iter().chain(PINS) {
            if let Some(on) = node.get(kind).and_then(|block| flag(block, "enabled")) {
                self.switch(&[kind], on);
            }
        }
        self.automerges = flag(node, "automerge").unwrap_or(self.automerges);
        self.pins = flag(node, "pinDigests").unwrap_or(self.pins);
        self.ignores_unstable = flag(node, "ignoreUnstable").unwrap_or(self.ignores_unstable);
        if let Some(kind) = word("automergeType") {
            self.is_direct = kind == "branch" && (is(node, "ignoreTests", "true") || self.is_direct);
        }
        self.versioning = word("versioning").unwrap_or_else(|| std::mem::take(&mut self.versioning));
        self.allowed = word("allowedVersions").or_else(|| self.allowed.take());
        self.min_age = word("minimumReleaseAge")
            .or_else(|| word("stabilityDays").map(|days| format!("{days} days")))
            .or_else(|| self.min_age.take());
    }

    /// The policy for an image.
    ///
    /// # Errors
    /// With the setting that has no counterpart, so that nothing is guessed.
    pub fn policy(&self) -> Result<TagPolicy, String> {
        if let Some(key) = &self.doubt {
            return Err(format!("a rule with `{key}` may hold it back, and that key is not followed"));
        }
        let mut policy = TagPolicy {
            semver: Some("*".to_owned()),
            prerelease: !self.ignores_unstable,
            pin_digest: self.pins && !PINS.iter().any(|kind| self.is_off(kind)),
            ..TagPolicy::default()
        };
        match self.versioning.split_once(':') {
            None => match self.versioning.as_str() {
                "docker" | "loose" | "semver-coerced" | "helm" => {}
                "semver" => policy.strict = true,
                other => return Err(format!("`versioning: {other}` has no counterpart")),
            },
            Some(("regex", _)) => {
                let Versioning { matches, extract, .. } =
                    self.by_groups.clone().unwrap_or_else(|| Err("no tag stands there".to_owned()))?;
                (policy.matches, policy.extract) = (Some(matches), Some(extract));
            }
            Some(_) => return Err(format!("`versioning: {}` has no counterpart", self.versioning)),
        }
        if let Some(allowed) = &self.allowed {
            allow(allowed, &mut policy)?;
        }
        if let Some(age) = &self.min_age {
            policy.min_age =
                Some(in_words(age).ok_or_else(|| format!("`minimumReleaseAge: {age}` is no time such as `3 days`"))?);
        }
        policy.within = match (self.is_off("major"), self.is_off("minor"), self.is_off("patch")) {
            (_, _, true) => return Err("updates of the kind `patch` are off, which has no counterpart".to_owned()),
            (true, true, _) => Some(Within::Patch),
            (true, false, _) => Some(Within::Minor),
            (false, true, _) => {
                return Err(
                    "updates of the kind `minor` are off and those of `major` are not, which has no counterpart"
                        .to_owned(),
                );
            }
            (false, false, _) => policy.within,
        };
        Ok(policy)
    }

    /// What Heddle does otherwise.
    pub fn differs(&self, name: &str) -> Vec<String> {
        let mut all = Vec::new();
        if self.automerges && !self.is_direct {
            all.push(format!("`{name}`: `automerge` is not followed: a person merges, or write `mode: commit`"));
        }
        if let Some(Ok(Versioning { lacks, .. })) = &self.by_groups
            && !lacks.is_empty()
        {
            let lacks = lacks.join("` and `");
            all.push(format!(
                "`{name}`: only tags without `{lacks}` follow on the running one, as it is written; there others too"
            ));
        }
        all
    }
}

fn is(node: &Node, key: &str, value: &str) -> bool {
    node.get(key).and_then(Node::text) == Some(value)
}

fn flag(node: &Node, key: &str) -> Option<bool> {
    node.get(key).and_then(Node::text).map(|text| text == "true")
}

/// `allowedVersions`: a range, or an expression between slashes.
fn allow(allowed: &str, policy: &mut TagPolicy) -> Result<(), String> {
    let (is_negated, text) = allowed.strip_prefix('!').map_or((false, allowed), |rest| (true, rest));
    let Some(expression) = text.strip_prefix('/').and_then(|text| text.rsplit_once('/')) else {
        if is_negated {
            return Err(format!("`allowedVersions: {allowed}` is no range"));
        }
        policy.semver = Some(allowed.to_owned());
        return Ok(());
    };
    let flags = if expression.1.contains('i') { "(?i)" } else { "" };
    let pattern = format!("regexp:{flags}{}", expression.0);
    if is_negated {
        policy.ignore.push(pattern)
    } else {
        policy.allow.push(pattern)
    }
    Ok(())
}

/// `3 days` as `3d`.
fn in_words(age: &str) -> Option<String> {
    let text = age.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u32 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "day" | "days" | "d" => "d",
        "hour" | "hours" | "h" => "h",
        "week" | "weeks" | "w" => "w",
        "minute" | "minutes" | "m" | "min" => "m",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

/// Says which settings of a rule are not followed.
pub(super) fn tell(rule: &Rule<'_>, brought: &mut Brought) {
    tell_keys(&rule.origin, rule.node, brought);
    let kinds = texts(rule.node, "matchUpdateTypes");
    let says_more: Vec<&str> = SETTINGS.into_iter().filter(|key| rule.node.get(key).is_some()).collect();
    if !kinds.is_empty() && !says_more.is_empty() {
        let keys = says_more.join("`, `");
        brought.differs(
            &rule.origin,
            format!("`matchUpdateTypes` is followed with `enabled` alone: `{keys}` for some kinds of update have no counterpart"),
        );
    }
    for key in ["labels", "addLabels", "reviewers", "prConcurrentLimit"] {
        if let Some(value) = rule.node.get(key) {
            let at = Origin { line: value.position.line, ..rule.origin.clone() };
            brought.differs(
                &at,
                format!("`{key}` of some images alone has no counterpart: `updates` of `.heddle.yaml` is for all"),
            );
        }
    }
}

/// Says which keys have no counterpart.
pub(super) fn tell_keys(origin: &Origin, node: &Node, brought: &mut Brought) {
    for (key, value) in node.entries() {
        if let Some(name) = key.text().filter(|name| UNTRANSLATED.contains(name)) {
            let at = Origin { line: key.position.line, ..origin.clone() };
            let said = value.text().map_or_else(|| format!("`{name}`"), |text| format!("`{name}: {text}`"));
            brought.differs(&at, format!("{said} has no counterpart and is not followed"));
        }
    }
}
