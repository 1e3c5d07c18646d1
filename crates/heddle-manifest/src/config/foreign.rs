//! A policy that stands alone in a file, in Heddle's words or a peer's.

mod options;

use heddle_core::policy::{
    CompiledPolicy, FluxOrder, FluxPolicy, ForeignPolicy, ImageUpdaterPolicy, KargoPolicy, KeelPolicy, RenovatePolicy,
    TagPolicy,
};

pub(crate) use self::options::split_list;
use self::options::{Fields, folded, word, words};
use super::{fields::Report, images::read_policy};
use crate::{
    Finding,
    yaml::{Documents, Node, Position},
};

/// A policy as a file has it.
#[derive(Debug, Clone)]
pub enum PolicyFile {
    /// The block of a rule in `.heddle.yaml`.
    Native(TagPolicy),
    /// A peer's policy.
    Foreign(ForeignPolicy),
}

/// The keys under which a peer's policy stands alone.
const PEERS: &[&str] = &["flux", "flux-v1", "argocd-image-updater", "kargo", "keel", "renovate"];

/// Reads a policy that stands alone in a text: the block of a rule, an `ImagePolicy` of Flux (with its `ImageRepository`
/// beside it), or a mapping with one of the keys `flux-v1`, `argocd-image-updater`, `kargo`, `keel`, `renovate`. It is
/// `None` when it is broken.
pub fn read_policy_file(text: &str) -> (Option<(PolicyFile, CompiledPolicy)>, Vec<Finding>) {
    let mut report = Report::default();
    let documents = Documents::read(text);
    let read = match (&documents.error, documents.roots.as_slice()) {
        (Some(error), _) => {
            report.add(error.position, "broken-yaml", format!("this is no YAML: {}", error.message));
            None
        }
        (None, roots) => read_roots(roots, &mut report),
    };
    let broken = report.faults() > 0;
    (read.filter(|_| !broken), report.into_findings())
}

fn read_roots(roots: &[Node], report: &mut Report) -> Option<(PolicyFile, CompiledPolicy)> {
    let of_kind =
        |kind: &str| roots.iter().filter(|root| root.get("kind").and_then(Node::text) == Some(kind)).collect();
    let policies: Vec<&Node> = of_kind("ImagePolicy");
    let repositories: Vec<&Node> = of_kind("ImageRepository");
    let start = Position { line: 1, column: 1 };
    match (policies.as_slice(), roots) {
        ([policy], _) => {
            let exclusions = repositories.first().and_then(|repository| repository.at(&["spec", "exclusionList"]));
            let foreign = read_image_policy(policy, exclusions, report)?;
            compiled(foreign, policy, report)
        }
        ([], [root]) => read_block(root, report),
        ([], []) => {
            report.add(start, "wrong-value", "the file is empty: it must hold one policy".into());
            None
        }
        _ => {
            report.add(start, "wrong-value", "the file must hold one policy".into());
            None
        }
    }
}

fn read_block(root: &Node, report: &mut Report) -> Option<(PolicyFile, CompiledPolicy)> {
    let peer = root.entries().iter().find(|(key, _)| key.text().is_some_and(|key| PEERS.contains(&key)));
    let Some((key, value)) = peer else {
        let policy = read_policy(root, report)?;
        let compiled = CompiledPolicy::new(&policy).ok()?;
        return Some((PolicyFile::Native(policy), compiled));
    };
    if let Some((other, _)) = root.entries().iter().find(|(other, _)| other.text() != key.text()) {
        let message = "a peer's policy stands alone: take this key out".to_owned();
        report.add(other.position, "wrong-value", message);
    }
    let foreign = match key.text().unwrap_or_default() {
        "flux" => read_flux(value, value.get("exclusionList"), report),
        "flux-v1" => word(value, "flux-v1", report).map(ForeignPolicy::FluxV1),
        "argocd-image-updater" => read_image_updater(value, report),
        "kargo" => read_kargo(value, report),
        "keel" => read_keel(value, report),
        _ => read_renovate(value, report),
    };
    compiled(foreign?, value, report)
}

fn compiled(foreign: ForeignPolicy, node: &Node, report: &mut Report) -> Option<(PolicyFile, CompiledPolicy)> {
    match foreign.compile() {
        Ok(policy) => Some((PolicyFile::Foreign(foreign), policy)),
        Err(faults) => {
            for fault in faults {
                let position = find_key(node, fault.field).unwrap_or(node).position;
                report.add(position, "wrong-value", fault.message);
            }
            None
        }
    }
}

/// The first value below `node` that stands under a key.
fn find_key<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let below = || node.entries().iter().map(|(_, value)| value).chain(node.items());
    let own = node.entries().iter().find(|(name, _)| name.text().is_some_and(|name| folded(name) == folded(key)));
    own.map(|(_, value)| value).or_else(|| below().find_map(|value| find_key(value, key)))
}

/// Flux's `ImagePolicy` without the `exclusionList` of its repository; else what is wrong with it, in a sentence.
pub(crate) fn read_flux_policy(object: &Node) -> Result<FluxPolicy, String> {
    let mut report = Report::default();
    let read = read_image_policy(object, None, &mut report);
    let findings = report.into_findings();
    match (read, findings.into_iter().find(|finding| finding.blocks)) {
        (Some(ForeignPolicy::Flux(policy)), None) => Ok(policy),
        (_, finding) => Err(finding.map(|finding| finding.message).unwrap_or_default()),
    }
}

/// Flux's `ImagePolicy` as an object, with the `exclusionList` of its repository where that is at hand.
fn read_image_policy(object: &Node, exclusions: Option<&Node>, report: &mut Report) -> Option<ForeignPolicy> {
    let Some(spec) = object.get("spec") else {
        report.add(object.position, "missing-key", "the `ImagePolicy` has no `spec`".into());
        return None;
    };
    read_flux(spec, exclusions, report)
}

fn read_flux(spec: &Node, exclusions: Option<&Node>, report: &mut Report) -> Option<ForeignPolicy> {
    let order = read_flux_order(spec, report);
    let filter = spec.get("filterTags");
    let filtered = |key: &str, report: &mut Report| {
        filter.and_then(|filter| filter.get(key)).map_or(Some(String::new()), |node| word(node, key, report))
    };
    let (pattern, extract) = (filtered("pattern", report), filtered("extract", report));
    let reflection = match spec.get("digestReflectionPolicy") {
        None => Some("Never"),
        Some(node) => {
            let words = [("Never", "Never"), ("IfNotPresent", "IfNotPresent"), ("Always", "Always")];
            report.word(node, "digestReflectionPolicy", &words)
        }
    };
    if let Some(interval) = spec.get("interval").filter(|_| reflection != Some("Always")) {
        report.wrong(interval, "`interval` goes with `digestReflectionPolicy: Always` alone".into());
    }
    let exclusions = exclusions.map(|node| words(node, "exclusionList", report));
    Some(ForeignPolicy::Flux(FluxPolicy {
        order: order?,
        pattern: pattern?,
        extract: extract?,
        reflects_digest: reflection? != "Never",
        exclusions,
    }))
}

fn read_flux_order(spec: &Node, report: &mut Report) -> Option<FluxOrder> {
    let choice = spec.get("policy");
    let kinds = ["semver", "alphabetical", "numerical"].into_iter();
    let given: Vec<(&str, &Node)> =
        kinds.filter_map(|kind| Some((kind, choice?.get(kind).filter(|node| !node.is_null())?))).collect();
    let value = |node: &Node, key: &str, report: &mut Report| {
        node.get(key).map_or(Some(String::new()), |node| word(node, key, report))
    };
    match given.as_slice() {
        [("semver", node)] => value(node, "range", report).map(FluxOrder::Semver),
        [("alphabetical", node)] => value(node, "order", report).map(FluxOrder::Alphabetical),
        [(_, node)] => value(node, "order", report).map(FluxOrder::Numerical),
        [] => {
            let message = "`policy` has no kind: write `semver`, `alphabetical` or `numerical`".to_owned();
            report.wrong(choice.unwrap_or(spec), message);
            None
        }
        _ => {
            report.wrong(choice.unwrap_or(spec), "`policy` has more than one kind: keep one".into());
            None
        }
    }
}

fn read_image_updater(node: &Node, report: &mut Report) -> Option<ForeignPolicy> {
    let known = ["update-strategy", "constraint", "allow-tags", "ignore-tags", "platforms"];
    let silent =
        ["force-update", "pull-secret", "image-name", "image", "alias", "manifest-targets", "write-back-method"];
    let fields = Fields::read(node, "Image Updater's options", &known, &silent, report)?;
    Some(ForeignPolicy::ImageUpdater(ImageUpdaterPolicy {
        strategy: fields.text("update-strategy", report)?,
        constraint: fields.text("constraint", report)?,
        allow_tags: fields.text("allow-tags", report)?,
        ignore_tags: fields.texts("ignore-tags", report),
        platforms: fields.texts("platforms", report),
    }))
}

fn read_kargo(node: &Node, report: &mut Report) -> Option<ForeignPolicy> {
    let known = [
        "imageSelectionStrategy",
        "constraint",
        "semverConstraint",
        "allowTagsRegexes",
        "allowTags",
        "ignoreTagsRegexes",
        "ignoreTags",
        "platform",
        "strictSemvers",
    ];
    let silent = ["repoURL", "discoveryLimit", "insecureSkipTLSVerify", "cacheByTag", "gitRepoURL"];
    let fields = Fields::read(node, "an image subscription", &known, &silent, report)?;
    let constraint = fields.text("constraint", report)?;
    let older = fields.text("semverConstraint", report)?;
    let mut allow_tags_regexes = fields.list("allowTagsRegexes", report);
    allow_tags_regexes.extend(Some(fields.text("allowTags", report)?).filter(|text| !text.is_empty()));
    Some(ForeignPolicy::Kargo(KargoPolicy {
        strategy: fields.text("imageSelectionStrategy", report)?,
        constraint: if constraint.is_empty() { older } else { constraint },
        allow_tags_regexes,
        ignore_tags_regexes: fields.list("ignoreTagsRegexes", report),
        ignore_tags: fields.list("ignoreTags", report),
        platform: Some(fields.text("platform", report)?).filter(|text| !text.is_empty()),
        strict_semvers: fields.flag("strictSemvers", report)?,
    }))
}

fn read_keel(node: &Node, report: &mut Report) -> Option<ForeignPolicy> {
    let known = ["policy", "matchPreRelease", "matchTag", "match-tag"];
    let silent = ["trigger", "pollSchedule", "approvals", "approvalDeadline", "notify", "images", "initContainers"];
    let fields = Fields::read(node, "Keel's options", &known, &silent, report)?;
    let older = fields.flag("match-tag", report)?;
    Some(ForeignPolicy::Keel(KeelPolicy {
        policy: fields.text("policy", report)?,
        match_pre_release: fields.flag("matchPreRelease", report)?.unwrap_or(true),
        match_tag: fields.flag("matchTag", report)?.or(older).unwrap_or_default(),
    }))
}

fn read_renovate(node: &Node, report: &mut Report) -> Option<ForeignPolicy> {
    let known = ["versioning", "allowedVersions", "pinDigests", "ignoreUnstable", "minimumReleaseAge"];
    let silent = ["datasource", "depName", "packageName", "respectLatest", "separateMajorMinor", "enabled"];
    let fields = Fields::read(node, "Renovate's options", &known, &silent, report)?;
    Some(ForeignPolicy::Renovate(RenovatePolicy {
        versioning: fields.text("versioning", report)?,
        allowed_versions: fields.text("allowedVersions", report)?,
        pin_digests: fields.flag("pinDigests", report)?.unwrap_or_default(),
        ignore_unstable: fields.flag("ignoreUnstable", report)?.unwrap_or(true),
        minimum_release_age: fields.text("minimumReleaseAge", report)?,
    }))
}
