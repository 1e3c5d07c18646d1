//! The choice itself.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::{
    CompiledPolicy, Selection, TagInfo, TagList, TagPolicy, Verdict, VerdictKind, Within, version::TagVersion,
};
use crate::image::Tag;

/// All that a choice depends on.
#[derive(Debug, Clone, Copy)]
pub struct SelectInput<'a> {
    /// What a person wrote.
    pub policy: &'a TagPolicy,
    /// The tag that stands at the place now.
    pub current: Option<&'a Tag>,
    /// What the registry has.
    pub tags: &'a TagList,
    /// What people took back at the place.
    pub barred: &'a [BarredTag<'a>],
    /// The time at which the choice is made.
    pub now: DateTime<Utc>,
}

/// A tag that a person took back, and how.
#[derive(Debug, Clone, Copy)]
pub struct BarredTag<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// "reverted in 4b825dc", "declined by ada (#41)".
    pub reason: &'a str,
}

/// Picks the tag that `policy` would deploy, with a verdict on every tag.
///
/// Nothing is chosen from an incomplete or empty list. Nothing older than the current tag is chosen unless the policy
/// says `downgrade`. Equal versions are told apart in a fixed way: the current tag itself, then its way to write versions
/// (`v`, count of numbers), then the greater text.
pub fn select(input: &SelectInput<'_>) -> Selection {
    if input.tags.tags.is_empty() {
        return none("the registry listed no tag, and an empty list never changes anything");
    }
    if !input.tags.complete {
        let reason = "the last scan did not read the list of tags to its end, so nothing is chosen from it";
        return passed_over_all(input.tags, "incomplete", reason);
    }
    match CompiledPolicy::new(input.policy) {
        Ok(policy) => Chooser::new(&policy, input).choose(),
        Err(faults) => {
            let reason = faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ");
            passed_over_all(input.tags, "policy", &reason)
        }
    }
}

impl CompiledPolicy {
    /// Whether a tag is above another in this rule's order; false when the rule cannot order one of them.
    pub fn is_above(&self, tag: &Tag, other: &Tag) -> bool {
        let version = |tag: &Tag| self.version(tag.as_str(), true).map(|(version, _)| version);
        match (version(tag), version(other)) {
            (Some(tag), Some(other)) => tag.cmp_precedence(&other) == Ordering::Greater,
            _ => false,
        }
    }
}

/// A choice under way: the policy and what follows from the current and the barred tags.
struct Chooser<'a> {
    policy: &'a CompiledPolicy,
    input: &'a SelectInput<'a>,
    current: Option<(TagVersion, Option<String>)>,
    barred: Vec<(&'a BarredTag<'a>, Option<TagVersion>)>,
    /// Whether the text after the numbers is told apart into pre-release and variant. Without a current version and
    /// without `suffix` nothing says which variant is meant, and all of it is pre-release, as at the peers.
    split: bool,
}

/// A rule that passed a tag over, and why.
struct Refusal {
    rule: &'static str,
    reason: String,
}

impl<'a> Chooser<'a> {
    fn new(policy: &'a CompiledPolicy, input: &'a SelectInput<'a>) -> Self {
        let current = input.current.and_then(|tag| policy.version(tag.as_str(), true));
        let split = current.is_some() || policy.suffix.is_some();
        let barred = input
            .barred
            .iter()
            .map(|barred| (barred, policy.version(barred.tag.as_str(), split).map(|(version, _)| version)))
            .collect();
        Self { policy, input, current, barred, split }
    }

    fn choose(&self) -> Selection {
        let mut candidates = Vec::new();
        let mut refused = Vec::new();
        for info in &self.input.tags.tags {
            match self.judge(&info.tag) {
                Ok(version) => candidates.push((version, &info.tag)),
                Err(refusal) => refused.push((self.version(&info.tag), passed_over(&info.tag, refusal))),
            }
        }
        candidates.sort_by(|left, right| self.compare(right, left));
        refused.sort_by(|(left, a), (right, b)| by_version(right, left).then_with(|| b.tag.cmp(&a.tag)));
        let chosen = candidates.first().map(|(_, tag)| (*tag).clone());
        let reason = self.reason(chosen.as_ref());
        let verdicts = candidates
            .iter()
            .enumerate()
            .map(|(rank, (_, tag))| match (rank, &chosen) {
                (1.., Some(best)) => {
                    passed_over(tag, Refusal { rule: "semver", reason: format!("`{best}` is above it") })
                }
                _ => Verdict {
                    tag: (*tag).clone(),
                    verdict: VerdictKind::Chosen,
                    rule: "semver".into(),
                    reason: reason.clone(),
                },
            })
            .chain(refused.into_iter().map(|(_, verdict)| verdict))
            .collect();
        Selection { chosen, reason, verdicts }
    }

    fn version(&self, tag: &Tag) -> Option<TagVersion> {
        self.policy.version(tag.as_str(), self.split).map(|(version, _)| version)
    }

    /// The tag's version when it qualifies.
    fn judge(&self, tag: &Tag) -> Result<TagVersion, Refusal> {
        self.judge_text(tag)?;
        let Some((version, variant)) = self.policy.version(tag.as_str(), self.split) else {
            return Err(Refusal { rule: "semver", reason: "it is no version".into() });
        };
        self.judge_variant(&version, variant.as_deref())?;
        self.judge_range(&version)?;
        self.judge_distance(&version)?;
        if self.input.current != Some(tag) {
            self.judge_barred(tag, &version)?;
        }
        Ok(version)
    }

    fn judge_text(&self, tag: &Tag) -> Result<(), Refusal> {
        let text = tag.as_str();
        if is_artifact(text) {
            return Err(Refusal {
                rule: "artifact",
                reason: "it is a signature or an attestation, not an image".into(),
            });
        }
        if let Some(pattern) = self.policy.ignore.iter().find(|pattern| pattern.matches(text)) {
            return Err(Refusal { rule: "ignore", reason: format!("`ignore` names it: `{}`", pattern.as_str()) });
        }
        if !self.policy.allow.is_empty() && !self.policy.allow.iter().any(|pattern| pattern.matches(text)) {
            return Err(Refusal { rule: "allow", reason: "no pattern of `allow` names it".into() });
        }
        if self.policy.matches.as_ref().is_some_and(|matches| !matches.is_match(text)) {
            return Err(Refusal { rule: "match", reason: "it does not match `match`".into() });
        }
        Ok(())
    }

    fn judge_variant(&self, version: &TagVersion, variant: Option<&str>) -> Result<(), Refusal> {
        let running = self.current.as_ref();
        let wanted = match (&self.policy.suffix, running) {
            (Some(suffix), _) => Some(suffix.as_str()).filter(|suffix| !suffix.is_empty()),
            (None, Some((_, variant))) => variant.as_deref(),
            (None, None) => return Ok(()),
        };
        if variant != wanted {
            let named =
                |variant: Option<&str>| variant.map_or("no variant".into(), |name| format!("the variant `{name}`"));
            let reason = format!("it has {}, and {} is kept", named(variant), named(wanted));
            return Err(Refusal { rule: "suffix", reason });
        }
        match running {
            Some((running, _)) if version.precision < running.precision => Err(Refusal {
                rule: "precision",
                reason: "it has fewer numbers than the running tag: such a tag moves from image to image".into(),
            }),
            _ => Ok(()),
        }
    }

    fn judge_range(&self, version: &TagVersion) -> Result<(), Refusal> {
        let range = &self.policy.range;
        if range.contains(version, self.policy.prerelease) {
            return Ok(());
        }
        if !version.pre.is_empty() && range.contains(version, true) {
            let reason = format!("it is a pre-release, and `{range}` names none (`prerelease: true` lets them in)");
            return Err(Refusal { rule: "prerelease", reason });
        }
        Err(Refusal { rule: "semver", reason: format!("it is outside `{range}`") })
    }

    fn judge_distance(&self, version: &TagVersion) -> Result<(), Refusal> {
        let (Some((running, _)), Some(tag)) = (&self.current, self.input.current) else { return Ok(()) };
        let near = match self.policy.within {
            Within::Major => true,
            Within::Minor => version.major == running.major,
            Within::Patch => (version.major, version.minor) == (running.major, running.minor),
        };
        if !near {
            let word = if self.policy.within == Within::Minor { "minor" } else { "patch" };
            return Err(Refusal {
                rule: "within",
                reason: format!("it is no {word} step from `{tag}`, which runs now"),
            });
        }
        if !self.policy.downgrade && version.cmp_precedence(running) == Ordering::Less {
            return Err(Refusal { rule: "downgrade", reason: format!("it is older than `{tag}`, which runs now") });
        }
        Ok(())
    }

    fn judge_barred(&self, tag: &Tag, version: &TagVersion) -> Result<(), Refusal> {
        for (barred, bar) in &self.barred {
            if barred.tag == tag {
                return Err(Refusal { rule: "barred", reason: format!("it was taken back: {}", barred.reason) });
            }
            if bar.as_ref().is_some_and(|bar| version.cmp_precedence(bar) != Ordering::Greater) {
                let reason = format!("it is not above `{}`, which was taken back: {}", barred.tag, barred.reason);
                return Err(Refusal { rule: "barred", reason });
            }
        }
        Ok(())
    }

    /// The total order of candidates: never two are equal unless they are the same text.
    fn compare(&self, left: &(TagVersion, &Tag), right: &(TagVersion, &Tag)) -> Ordering {
        let spelling = |(version, tag): &(TagVersion, &Tag)| {
            let running = self.current.as_ref().map(|(running, _)| running);
            (
                self.input.current == Some(*tag),
                running.is_none_or(|running| running.v_prefix == version.v_prefix),
                running.map_or(version.precision == 3, |running| running.precision == version.precision),
            )
        };
        left.0
            .cmp_precedence(&right.0)
            .then_with(|| spelling(left).cmp(&spelling(right)))
            .then_with(|| left.1.cmp(right.1))
    }

    fn reason(&self, chosen: Option<&Tag>) -> String {
        let range = &self.policy.range;
        match chosen {
            Some(tag) if self.input.current == Some(tag) => {
                format!("it runs now, and is the highest that `{range}` allows")
            }
            Some(_) => format!("it is the highest that `{range}` allows"),
            None => format!("no tag qualifies under `{range}`"),
        }
    }
}

/// Signatures, attestations and referrers that tools keep under tags.
fn is_artifact(tag: &str) -> bool {
    let referrer = tag
        .strip_prefix("sha256-")
        .is_some_and(|rest| rest.len() >= 64 && rest.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit));
    referrer || [".sig", ".att", ".sbom"].iter().any(|ending| tag.ends_with(ending))
}

fn by_version(left: &Option<TagVersion>, right: &Option<TagVersion>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp_precedence(right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

fn passed_over(tag: &Tag, refusal: Refusal) -> Verdict {
    Verdict {
        tag: tag.clone(),
        verdict: VerdictKind::PassedOver,
        rule: refusal.rule.to_owned(),
        reason: refusal.reason,
    }
}

fn passed_over_all(list: &TagList, rule: &'static str, reason: &str) -> Selection {
    let mut tags: Vec<&TagInfo> = list.tags.iter().collect();
    tags.sort_by(|left, right| {
        let versions = (TagVersion::parse(left.tag.as_str()), TagVersion::parse(right.tag.as_str()));
        by_version(&versions.1, &versions.0).then_with(|| right.tag.cmp(&left.tag))
    });
    let verdicts =
        tags.into_iter().map(|info| passed_over(&info.tag, Refusal { rule, reason: reason.to_owned() })).collect();
    Selection { chosen: None, reason: reason.to_owned(), verdicts }
}

fn none(reason: &str) -> Selection {
    Selection { chosen: None, reason: reason.to_owned(), verdicts: Vec::new() }
}
