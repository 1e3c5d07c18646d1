//! A policy that can be followed.

use regex::Regex;

use super::{
    TagPolicy, Within,
    pattern::{Pattern, compile},
    range::Range,
    version::TagVersion,
};

/// Why a policy cannot be followed: the field at fault and a sentence that says what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The field of the policy, as it is written in `.heddle.yaml`.
    pub field: &'static str,
    /// What is wrong, and the remedy.
    pub message: String,
    /// The field is right, but this version cannot follow it yet.
    pub not_built: bool,
}

/// A policy whose parts were read and understood.
#[derive(Debug, Clone)]
pub struct CompiledPolicy {
    pub(super) range: Range,
    pub(super) matches: Option<Regex>,
    pub(super) extract: Option<String>,
    pub(super) ignore: Vec<Pattern>,
    pub(super) allow: Vec<Pattern>,
    pub(super) suffix: Option<String>,
    pub(super) within: Within,
    pub(super) prerelease: bool,
    pub(super) downgrade: bool,
}

impl CompiledPolicy {
    /// Reads every part of a policy.
    ///
    /// # Errors
    /// All faults at once.
    pub fn new(policy: &TagPolicy) -> Result<Self, Vec<PolicyFault>> {
        let mut faults = not_built(policy);
        let range = read_range(policy, &mut faults);
        let matches = policy.matches.as_ref().and_then(|text| kept(compile(text), "match", &mut faults));
        if let Some(extract) = &policy.extract {
            faults.extend(extract_fault(extract, policy, matches.as_ref()));
        }
        let ignore = read_patterns(&policy.ignore, "ignore", &mut faults);
        let allow = read_patterns(&policy.allow, "allow", &mut faults);
        match range {
            Some(range) if faults.is_empty() => Ok(Self {
                range,
                matches,
                extract: policy.extract.clone(),
                ignore,
                allow,
                suffix: policy.suffix.clone(),
                within: policy.within.unwrap_or(Within::Major),
                prerelease: policy.prerelease,
                downgrade: policy.downgrade,
            }),
            _ => Err(faults),
        }
    }

    /// What of the tag is ordered; `None` when `match` does not find anything.
    pub(super) fn ordered_part(&self, tag: &str) -> Option<String> {
        let Some(matches) = &self.matches else { return Some(tag.to_owned()) };
        let found = matches.captures(tag)?;
        let Some(extract) = &self.extract else { return Some(tag.to_owned()) };
        let mut part = String::new();
        found.expand(extract, &mut part);
        Some(part)
    }

    /// The tag's version in this rule's order, with its variant apart where `keep_variant` asks for that.
    pub(super) fn version(&self, tag: &str, split: bool) -> Option<(TagVersion, Option<String>)> {
        let version = TagVersion::parse(&self.ordered_part(tag)?)?;
        Some(if split { version.split_variant() } else { (version, None) })
    }
}

fn read_range(policy: &TagPolicy, faults: &mut Vec<PolicyFault>) -> Option<Range> {
    let kinds = [
        policy.semver.is_some(),
        policy.numerical.is_some(),
        policy.alphabetical.is_some(),
        policy.newest.is_some(),
        policy.digest.is_some(),
    ];
    match kinds.iter().filter(|given| **given).count() {
        0 => faults
            .push(PolicyFault::wrong("policy", "the policy has no kind: write for example `semver: \">=1.2 <2\"`")),
        1 => {}
        _ => faults.push(PolicyFault::wrong(
            "policy",
            "the policy has more than one kind: keep one of `semver`, `numerical`, `alphabetical`, `newest`, `digest`",
        )),
    }
    policy.semver.as_ref().and_then(|text| kept(text.parse(), "semver", faults))
}

/// Kinds and conditions that stand in the language and cannot be followed yet. Each stops writes in its scope.
fn not_built(policy: &TagPolicy) -> Vec<PolicyFault> {
    let parts = [
        ("numerical", policy.numerical.is_some()),
        ("alphabetical", policy.alphabetical.is_some()),
        ("newest", policy.newest.is_some()),
        ("digest", policy.digest.is_some()),
        ("platforms", !policy.platforms.is_empty()),
        ("min_age", policy.min_age.is_some()),
        ("pin_digest", policy.pin_digest),
        ("signed_by", !policy.signed_by.is_empty()),
    ];
    let given = parts.into_iter().filter(|(_, given)| *given);
    given
        .map(|(field, _)| PolicyFault {
            field,
            message: format!("`{field}` is not built yet, so nothing is written by this rule"),
            not_built: true,
        })
        .collect()
}

fn read_patterns(texts: &[String], field: &'static str, faults: &mut Vec<PolicyFault>) -> Vec<Pattern> {
    texts.iter().filter_map(|text| kept(Pattern::parse(text), field, faults)).collect()
}

fn extract_fault(extract: &str, policy: &TagPolicy, matches: Option<&Regex>) -> Option<PolicyFault> {
    if policy.matches.is_none() {
        return Some(PolicyFault::wrong("extract", "`extract` takes its groups from `match`, which is missing"));
    }
    let matches = matches?;
    // What is no group expands to nothing, and then no tag is a version: say so before that.
    let mut rest = extract;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let name: String = match rest.strip_prefix('{') {
            Some(inner) => inner.chars().take_while(|c| *c != '}').collect(),
            None => rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect(),
        };
        let known = match name.parse::<usize>() {
            Ok(index) => index < matches.captures_len(),
            Err(_) => matches.capture_names().flatten().any(|group| group == name),
        };
        if !known {
            return Some(PolicyFault::wrong("extract", &format!("`match` has no group `{name}`")));
        }
    }
    None
}

fn kept<T, E: std::fmt::Display>(
    outcome: Result<T, E>,
    field: &'static str,
    faults: &mut Vec<PolicyFault>,
) -> Option<T> {
    outcome.map_err(|error| faults.push(PolicyFault::wrong(field, &error.to_string()))).ok()
}

impl PolicyFault {
    fn wrong(field: &'static str, message: &str) -> Self {
        Self { field, message: message.to_owned(), not_built: false }
    }
}
