//! What the peers' policies are in Heddle's words.
//!
//! A translation chooses as the peer does, in so far as Heddle's language has words for it; all that is left over is told.

use super::{FluxOrder, FluxPolicy, ImageUpdaterPolicy, KeelPolicy};
use crate::{
    image::Tag,
    policy::{NewestBy, SortOrder, TagPolicy, Within},
};

/// A peer's policy in Heddle's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Translation {
    /// The policy; `None` where the peer would never choose a tag.
    pub policy: Option<TagPolicy>,
    /// What Heddle does otherwise than the peer, a sentence each.
    pub differs: Vec<String>,
}

const GOES_BACK: &str = "only a tag above the running one, and written as it is, is chosen; there any that the rule allows (`downgrade: true` and \
     `from_any: true` let some)";

impl Translation {
    fn of(policy: TagPolicy) -> Self {
        Self { policy: Some(policy), differs: Vec::new() }
    }

    fn never(why: &str) -> Self {
        Self { policy: None, differs: vec![why.to_owned()] }
    }

    fn but(mut self, sentence: impl Into<String>) -> Self {
        self.differs.push(sentence.into());
        self
    }

    fn but_if(self, holds: bool, sentence: &str) -> Self {
        if holds { self.but(sentence) } else { self }
    }
}

/// Every peer takes all text after the numbers for a pre-release.
fn versions(range: &str) -> TagPolicy {
    TagPolicy { semver: Some(range.to_owned()), suffix: Some("*".to_owned()), ..TagPolicy::default() }
}

impl FluxPolicy {
    /// The policy in Heddle's words.
    pub fn translate(&self) -> Translation {
        let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let matches = filled(&self.pattern);
        let kind = match &self.order {
            FluxOrder::Semver(range) => versions(range),
            FluxOrder::Alphabetical(order) => {
                TagPolicy { alphabetical: Some(sort_order(order)), ..TagPolicy::default() }
            }
            FluxOrder::Numerical(order) => TagPolicy { numerical: Some(sort_order(order)), ..TagPolicy::default() },
        };
        let numerical = kind.numerical.is_some();
        let excluded = self.exclusions.iter().flatten().map(|expression| format!("regexp:{expression}"));
        Translation::of(TagPolicy {
            extract: filled(&self.extract).filter(|_| matches.is_some()),
            matches,
            ignore: excluded.collect(),
            pin_digest: self.reflects_digest,
            ..kind
        })
        .but(GOES_BACK)
        .but_if(numerical, "a tag that is no number is passed over; there nothing is chosen then")
    }
}

fn sort_order(text: &str) -> SortOrder {
    if text.eq_ignore_ascii_case("desc") { SortOrder::Desc } else { SortOrder::Asc }
}

/// The value of a tag annotation of Flux 1 in Heddle's words.
pub fn translate_flux_v1(pattern: &str) -> Translation {
    match pattern.split_once(':') {
        Some(("semver", range)) => Translation::of(versions(range)).but(GOES_BACK),
        Some(("regexp" | "regex", expression)) => newest_of(format!("regexp:{expression}")),
        Some(("glob", glob)) => newest_of(star_glob(glob)),
        _ => newest_of(star_glob(pattern)),
    }
}

fn newest_of(pattern: String) -> Translation {
    let allow = if pattern == "glob:*" { Vec::new() } else { vec![pattern] };
    Translation::of(TagPolicy { newest: Some(NewestBy::Created), allow, ..TagPolicy::default() })
}

/// A glob in which `*` alone is special; `?` is special here.
fn star_glob(glob: &str) -> String {
    if !glob.contains('?') {
        return format!("glob:{glob}");
    }
    let parts: Vec<String> = glob.split('*').map(regex::escape).collect();
    format!("regexp:^{}$", parts.join(".*"))
}

impl ImageUpdaterPolicy {
    /// The policy in Heddle's words.
    pub fn translate(&self) -> Translation {
        let strategy = self.strategy.to_lowercase();
        let kind = match strategy.as_str() {
            "newest-build" | "latest" => TagPolicy { newest: Some(NewestBy::Created), ..TagPolicy::default() },
            "alphabetical" | "name" => TagPolicy { alphabetical: Some(SortOrder::Asc), ..TagPolicy::default() },
            "digest" => TagPolicy { digest: Some(self.constraint.clone()), pin_digest: true, ..TagPolicy::default() },
            _ => versions(if self.constraint.is_empty() { "*" } else { &self.constraint }),
        };
        let allow = match self.allow_tags.split_once(':') {
            _ if self.allow_tags.is_empty() || self.allow_tags.eq_ignore_ascii_case("any") => Vec::new(),
            Some((kind, expression)) if kind.eq_ignore_ascii_case("regexp") => vec![format!("regexp:{expression}")],
            _ => return Translation::never("`allow-tags` is neither `any` nor `regexp:…`, so no tag is let in"),
        };
        let orders = kind.digest.is_none();
        let reads_metadata = kind.newest.is_some() || kind.digest.is_some();
        let platforms = if reads_metadata { self.platforms.clone() } else { Vec::new() };
        let several = platforms.len() > 1;
        Translation::of(TagPolicy {
            allow,
            ignore: self.ignore_tags.iter().map(|glob| go_glob(glob)).collect(),
            platforms,
            ..kind
        })
        .but_if(orders, GOES_BACK)
        .but_if(several, "an image must be for all of `platforms`; there one is enough")
    }
}

/// A glob as Go has it; its classes are written as an expression.
fn go_glob(glob: &str) -> String {
    if !glob.contains(['[', '\\']) {
        return format!("glob:{glob}");
    }
    super::super::pattern::go_glob_expression(glob)
        .map_or_else(|_| format!("glob:{glob}"), |text| format!("regexp:{text}"))
}

impl KeelPolicy {
    /// The policy in Heddle's words, for an image whose running tag is known or not.
    pub fn translate(&self, running: Option<&Tag>) -> Translation {
        match self.policy.as_str() {
            "all" => Translation::of(TagPolicy { prerelease: true, ..versions("*") }),
            "major" => self.translate_step(None),
            "minor" => self.translate_step(Some(Within::Minor)),
            "patch" => self.translate_step(Some(Within::Patch)),
            "force" => self.translate_force(running),
            "" | "never" => Translation::never("the policy says never"),
            text => match text.split_once(':') {
                Some(("glob", glob)) => Translation::of(TagPolicy {
                    alphabetical: Some(SortOrder::Asc),
                    allow: vec![star_glob(glob)],
                    ..TagPolicy::default()
                }),
                Some(("regexp", expression)) => Translation::of(TagPolicy {
                    alphabetical: Some(SortOrder::Asc),
                    matches: Some(expression.to_owned()),
                    extract: expression.contains("(?P<compare>").then(|| "${compare}".to_owned()),
                    ..TagPolicy::default()
                })
                .but("a tag that comes before the running one is not chosen; there it is, when it matches"),
                _ => Translation::never("Keel has no such policy and takes it for never"),
            },
        }
    }

    fn translate_step(&self, within: Option<Within>) -> Translation {
        if self.match_pre_release {
            let kept = TagPolicy { semver: Some("*".to_owned()), within, ..TagPolicy::default() };
            return Translation::of(kept)
                .but("a running pre-release moves on to releases; there its text must stay equal");
        }
        Translation::of(TagPolicy { prerelease: true, within, ..versions("*") })
    }

    fn translate_force(&self, running: Option<&Tag>) -> Translation {
        match running.filter(|_| self.match_tag) {
            Some(tag) => {
                Translation::of(TagPolicy { digest: Some(tag.to_string()), pin_digest: true, ..TagPolicy::default() })
                    .but("the digest is written beside the tag; there the pods are restarted")
            }
            None => Translation::of(TagPolicy { newest: Some(NewestBy::FirstSeen), ..TagPolicy::default() }).but(
                "the tag that was pushed last is chosen; there any push is followed, and the highest version wins",
            ),
        }
    }
}
