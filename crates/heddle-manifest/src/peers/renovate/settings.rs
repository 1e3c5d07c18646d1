//! What Renovate's settings come to for one image, in Heddle's words.

use heddle_core::policy::{TagPolicy, Within};

use super::{
    Brought, Origin,
    rules::{Rule, Subject, texts},
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
    pub is_enabled: bool,
    /// Written at once, without a pull request.
    pub is_direct: bool,
    automerges: bool,
    pins: bool,
    ignores_unstable: bool,
    versioning: String,
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
            is_enabled: true,
            is_direct: false,
            automerges: false,
            pins: false,
            ignores_unstable: true,
            versioning: "docker".to_owned(),
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
        self.is_enabled &= !has("docker:disable");
        self.pins |= has("docker:pinDigests");
        if has("docker:disableMajor") {
            self.off.push("major".to_owned());
        }
        self.take_keys(root);
        for level in ["docker", subject.manager].iter().filter_map(|key| root.get(key)) {
            self.take_keys(level);
        }
        self.is_enabled &= !texts(root, "ignoreDeps").iter().any(|name| subject.is_named(name));
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
        if is(rule.node, "enabled", "false") {
            self.off.extend(kinds);
        } else if is(rule.node, "enabled", "true") {
            self.off.retain(|kind| !kinds.contains(kind));
        }
    }

    fn take_keys(&mut self, node: &Node) {
        let word = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
        let flag = |key: &str| word(key).map(|text| text == "true");
        self.is_enabled = flag("enabled").unwrap_or(self.is_enabled);
        self.automerges = flag("automerge").unwrap_or(self.automerges);
        self.pins = flag("pinDigests").unwrap_or(self.pins);
        self.ignores_unstable = flag("ignoreUnstable").unwrap_or(self.ignores_unstable);
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
            pin_digest: self.pins,
            ..TagPolicy::default()
        };
        match self.versioning.split_once(':') {
            None => match self.versioning.as_str() {
                "docker" | "loose" | "semver-coerced" => {}
                "semver" => policy.strict = true,
                other => return Err(format!("`versioning: {other}` has no counterpart")),
            },
            Some(("regex", expression)) => versioned(expression, &mut policy)?,
            Some(_) => return Err(format!("`versioning: {}` has no counterpart", self.versioning)),
        }
        if let Some(allowed) = &self.allowed {
            allow(allowed, &mut policy)?;
        }
        if let Some(age) = &self.min_age {
            policy.min_age =
                Some(in_words(age).ok_or_else(|| format!("`minimumReleaseAge: {age}` is no time such as `3 days`"))?);
        }
        let off = |kind: &str| self.off.iter().any(|one| one == kind);
        policy.within = match (off("major"), off("minor"), off("patch")) {
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
        all
    }
}

fn is(node: &Node, key: &str, value: &str) -> bool {
    node.get(key).and_then(Node::text) == Some(value)
}

/// `regex:` versioning: groups by the names of a version's numbers.
fn versioned(expression: &str, policy: &mut TagPolicy) -> Result<(), String> {
    let compiled = regex::Regex::new(expression)
        .map_err(|_| "the expression of `versioning: regex` is not understood here".to_owned())?;
    let names: Vec<&str> = compiled.capture_names().flatten().collect();
    if let Some(other) = names.iter().find(|name| !matches!(**name, "major" | "minor" | "patch")) {
        return Err(format!("the group `{other}` of `versioning: regex` has no counterpart"));
    }
    if !names.contains(&"major") {
        return Err("`versioning: regex` names no group `major`".to_owned());
    }
    let numbers =
        ["major", "minor", "patch"].iter().filter(|name| names.contains(name)).map(|name| format!("${{{name}}}"));
    policy.matches = Some(expression.to_owned());
    policy.extract = Some(numbers.collect::<Vec<_>>().join("."));
    Ok(())
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
    let says_more = SETTINGS.iter().any(|key| rule.node.get(key).is_some());
    if !kinds.is_empty() && says_more {
        brought.differs(&rule.origin, "`matchUpdateTypes` is followed with `enabled` alone");
    }
}

/// Says which settings of the whole are not followed.
pub(super) fn tell_top(origin: &Origin, root: &Node, brought: &mut Brought) {
    tell_keys(origin, root, brought);
    for key in
        ["labels", "reviewers", "prConcurrentLimit", "prHourlyLimit"].iter().filter(|key| root.get(key).is_some())
    {
        brought.differs(origin, format!("`{key}` is not taken over: see `updates` of `.heddle.yaml`"));
    }
}

fn tell_keys(origin: &Origin, node: &Node, brought: &mut Brought) {
    for (key, value) in node.entries() {
        if let Some(name) = key.text().filter(|name| UNTRANSLATED.contains(name)) {
            let at = Origin { line: key.position.line, ..origin.clone() };
            let said = value.text().map_or_else(|| format!("`{name}`"), |text| format!("`{name}: {text}`"));
            brought.differs(&at, format!("{said} has no counterpart and is not followed"));
        }
    }
}
