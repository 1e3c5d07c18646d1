//! The rules for images, and those for charts.

use chrono::TimeDelta;
use heddle_core::{
    change::Mode,
    image::ImageRepository,
    policy::{CompiledPolicy, NewestBy, Signer, SortOrder, TagPolicy, Within, limit::MAX_BARE_AGE, parse_age},
    registry::polling::INTERVALS,
};

use super::{
    CONFIG_FILE, Environment, RepositoryGlob, Rule, Ruling, Selector,
    fields::{Report, shown},
    read::read_environment_list,
};
use crate::{glob::Glob, yaml::Node};

const RULE_KEYS: &[&str] = &["name", "environments", "paths", "containers", "policy", "interval", "mode"];

const CHART_KEYS: &[&str] = &["name", "environments", "paths", "policy", "interval", "mode"];

/// What rules are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Images,
    Charts,
}

const POLICY_KEYS: &[&str] = &[
    "semver",
    "strict",
    "numerical",
    "alphabetical",
    "newest",
    "digest",
    "match",
    "extract",
    "ignore",
    "allow",
    "suffix",
    "platforms",
    "within",
    "prerelease",
    "downgrade",
    "from_any",
    "min_age",
    "pin_digest",
    "signed_by",
    "lockstep",
];

pub(super) fn read_rules(node: &Node, kind: Kind, environments: &[Environment], report: &mut Report) -> Vec<Rule> {
    let before = report.faults();
    let key = if kind == Kind::Charts { "charts" } else { "images" };
    let rules: Vec<Rule> =
        report.list(node, key).iter().map(|item| read_rule(item, kind, environments, report)).collect();
    if rules.is_empty() && report.faults() > before {
        // Not even a list: nothing says what the rules would have named.
        return vec![Rule::unreadable(node.position.line)];
    }
    rules
}

impl Rule {
    fn unreadable(line: u32) -> Self {
        Self {
            selector: None,
            ruling: Ruling { file: CONFIG_FILE.to_owned(), line, policy: None, mode: Mode::Observe, interval: None },
        }
    }
}

fn read_rule(node: &Node, kind: Kind, environments: &[Environment], report: &mut Report) -> Rule {
    let line = node.position.line;
    let before = report.faults();
    let keys = if kind == Kind::Charts { CHART_KEYS } else { RULE_KEYS };
    let Some(fields) = report.fields(node, "a rule", keys) else { return Rule::unreadable(line) };
    let selector = read_selector(fields, kind, environments, report);
    if selector.is_none() {
        let message = "what this rule names cannot be read, so the rules after it stop too".to_owned();
        report.add(node.position, "unreadable-selector", message);
    }
    let (policy, mode) = read_ruling(fields, report);
    if let (Kind::Charts, Some(policy)) = (kind, &policy) {
        refuse_of_images(policy, fields, report);
    }
    let interval = fields.get("interval").and_then(|node| read_interval(node, policy.as_ref(), report));
    let sound = report.faults() == before;
    let ruling = Ruling { file: CONFIG_FILE.to_owned(), line, policy: policy.filter(|_| sound), mode, interval };
    Rule { selector, ruling }
}

fn read_interval(node: &Node, policy: Option<&TagPolicy>, report: &mut Report) -> Option<TimeDelta> {
    let text = report.text(node, "interval")?;
    let interval = parse_age(text).filter(|interval| INTERVALS.contains(interval));
    if interval.is_none() {
        let message =
            format!("`interval` has no `{}`: write a length of time from `15s` to `24h`, such as `5m`", shown(text));
        report.wrong(node, message);
    }
    let is_bare = policy.is_some_and(|policy| policy.signed_by.iter().any(|signer| signer.tag_only));
    if is_bare && interval.is_some_and(|interval| interval > MAX_BARE_AGE) {
        let message = "with `tag_only` the registry has to be asked at least each hour: write `1h` or less";
        report.wrong(node, message.to_owned());
    }
    interval
}

/// How tags are chosen and written, from a mapping with `policy` and `mode`.
pub(super) fn read_ruling(fields: &Node, report: &mut Report) -> (Option<TagPolicy>, Mode) {
    let mode = match fields.get("mode") {
        None => Some(Mode::default()),
        Some(mode) => report.word(
            mode,
            "mode",
            &[("pull-request", Mode::PullRequest), ("commit", Mode::Commit), ("observe", Mode::Observe)],
        ),
    };
    let policy = match fields.get("policy") {
        Some(policy) => read_policy(policy, report),
        None => {
            report.add(fields.position, "missing-key", "the rule has no `policy`, so it updates nothing".into());
            None
        }
    };
    (policy, mode.unwrap_or(Mode::Observe))
}

/// What only images have is no condition of charts: they are made for no platform, and a version is no digest,
/// which is what is signed.
fn refuse_of_images(policy: &TagPolicy, fields: &Node, report: &mut Report) {
    let node = |key: &str| fields.at(&["policy", key]).unwrap_or(fields);
    for key in of_images(policy) {
        report.wrong(
            node(key),
            format!("`{key}` asks for what only images have, so this rule for charts updates nothing"),
        );
    }
}

/// The keys of a policy that ask for what only images have.
pub(super) fn of_images(policy: &TagPolicy) -> impl Iterator<Item = &'static str> {
    let asked = [
        ("platforms", !policy.platforms.is_empty()),
        ("newest", policy.newest == Some(NewestBy::Created)),
        ("digest", policy.digest.is_some()),
        ("pin_digest", policy.pin_digest),
        ("lockstep", !policy.lockstep.is_empty()),
        ("signed_by", !policy.signed_by.is_empty()),
    ];
    asked.into_iter().filter(|(_, is_asked)| *is_asked).map(|(key, _)| key)
}

fn read_selector(fields: &Node, kind: Kind, environments: &[Environment], report: &mut Report) -> Option<Selector> {
    let before = report.faults();
    let name = match fields.get("name") {
        Some(node) if kind == Kind::Charts => read_chart_glob(node, report),
        Some(node) => read_image_glob(node, "name", report),
        None => {
            report.add(fields.position, "missing-key", "the rule has no `name`: write a repository or `*`".into());
            None
        }
    };
    let environments = match fields.get("environments") {
        Some(node) => read_environment_list(node, environments, report),
        None => Some(Vec::new()),
    };
    let mut paths = Vec::new();
    for item in fields.get("paths").map(|node| report.list(node, "paths")).unwrap_or_default() {
        match report.text(item, "paths").map(Glob::parse) {
            Some(Some(glob)) => paths.push(glob),
            Some(None) => report.wrong(item, "this is no path glob: write for example `clusters/prod/**`".into()),
            None => {}
        }
    }
    let containers = fields.get("containers").map(|node| report.texts(node, "containers")).unwrap_or_default();
    let selector = Selector { name: name?, environments: environments?, paths, containers };
    (report.faults() == before).then_some(selector)
}

/// A glob over charts.
fn read_chart_glob(node: &Node, report: &mut Report) -> Option<RepositoryGlob> {
    let advice = "names no chart: write its name, or its registry with it, in lower case and without a version, `*` for any part";
    read_glob(node, "name", report, RepositoryGlob::parse_chart, advice)
}

/// A glob over image repositories.
pub(super) fn read_image_glob(node: &Node, key: &str, report: &mut Report) -> Option<RepositoryGlob> {
    let advice = "names no image repository: write it in lower case and without a tag, `*` for any part";
    read_glob(node, key, report, RepositoryGlob::parse, advice)
}

fn read_glob(
    node: &Node,
    key: &str,
    report: &mut Report,
    parse: fn(&str) -> Option<RepositoryGlob>,
    advice: &str,
) -> Option<RepositoryGlob> {
    let text = report.text(node, key)?;
    let glob = parse(text);
    if glob.is_none() {
        report.wrong(node, format!("`{}` {advice}", shown(text)));
    }
    glob
}

pub(super) fn read_policy(node: &Node, report: &mut Report) -> Option<TagPolicy> {
    let before = report.faults();
    let fields = report.fields(node, "a policy", POLICY_KEYS)?;
    let mut policy = TagPolicy::default();
    for (key, value) in fields.entries() {
        read_policy_field(key.text().unwrap_or_default(), value, &mut policy, report);
    }
    if report.faults() == before
        && let Err(faults) = CompiledPolicy::new(&policy)
    {
        for fault in faults {
            let position = fields.get(fault.field).unwrap_or(node).position;
            report.add(position, "wrong-value", fault.message);
        }
        return None;
    }
    (report.faults() == before).then_some(policy)
}

fn read_policy_field(key: &str, value: &Node, policy: &mut TagPolicy, report: &mut Report) {
    let order = &[("asc", SortOrder::Asc), ("desc", SortOrder::Desc)];
    let text = |report: &mut Report| report.text(value, key).map(str::to_owned);
    match key {
        // A bare number is a range too; its text is what counts.
        "semver" => policy.semver = text(report),
        "strict" => policy.strict = report.flag(value, key).unwrap_or_default(),
        "numerical" => policy.numerical = report.word(value, key, order),
        "alphabetical" => policy.alphabetical = report.word(value, key, order),
        "newest" => {
            let times = &[("created", NewestBy::Created), ("first-seen", NewestBy::FirstSeen)];
            policy.newest = report.word(value, key, times);
        }
        "digest" => policy.digest = text(report),
        "match" => policy.matches = text(report),
        "extract" => policy.extract = text(report),
        "ignore" => policy.ignore = report.texts(value, key),
        "allow" => policy.allow = report.texts(value, key),
        // An empty suffix asks for tags without a variant.
        "suffix" if value.text() == Some("") => policy.suffix = Some(String::new()),
        "suffix" => policy.suffix = text(report),
        "platforms" => policy.platforms = report.texts(value, key),
        "within" => {
            let steps = &[("major", Within::Major), ("minor", Within::Minor), ("patch", Within::Patch)];
            policy.within = report.word(value, key, steps);
        }
        "prerelease" => policy.prerelease = report.flag(value, key).unwrap_or_default(),
        "downgrade" => policy.downgrade = report.flag(value, key).unwrap_or_default(),
        "from_any" => policy.from_any = report.flag(value, key).unwrap_or_default(),
        "min_age" => policy.min_age = text(report),
        "pin_digest" => policy.pin_digest = report.flag(value, key).unwrap_or_default(),
        "signed_by" => policy.signed_by = read_signers(value, report),
        "lockstep" => policy.lockstep = read_lockstep(report.texts(value, key)),
        _ => {}
    }
}

/// Full names, as images are known by: `nginx` is `docker.io/library/nginx`. What is no name is a fault of the policy.
fn read_lockstep(images: Vec<String>) -> Vec<String> {
    let full = |text: String| text.parse().map_or(text, |image: ImageRepository| image.to_string());
    images.into_iter().map(full).collect()
}

fn read_signers(node: &Node, report: &mut Report) -> Vec<Signer> {
    let before = report.faults();
    let mut signers = Vec::new();
    for item in report.list(node, "signed_by") {
        let keyless = ["issuer", "identity", "repository", "workflow"];
        if let Some(other) = keyless.iter().find_map(|key| item.get(key)) {
            let message = "signatures without a key of one's own are not built yet: name a public key as `key`";
            report.add(other.position, "wrong-value", message.to_owned());
            continue;
        }
        let Some(fields) = report.fields(item, "a signer", &["key", "tag_only"]) else { continue };
        let tag_only = fields.get("tag_only").and_then(|flag| report.flag(flag, "tag_only")).unwrap_or_default();
        match fields.get("key") {
            Some(key) => {
                signers.extend(report.text(key, "key").map(|key| Signer { tag_only, ..Signer::of_key(key) }));
            }
            None => report.add(item.position, "missing-key", "the signer has no `key`".into()),
        }
    }
    if signers.is_empty() && report.faults() == before {
        report.wrong(node, "`signed_by` names nobody: write `[{key: keys/cosign.pub}]`, or take it out".to_owned());
    }
    signers
}
