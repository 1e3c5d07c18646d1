//! Renovate, the options of a Docker dependency.

use std::sync::LazyLock;

use chrono::TimeDelta;
use regex::Regex;

use crate::policy::{
    CompiledPolicy, Pattern, PolicyFault, Range,
    docker::DockerVersion,
    fault::Faults,
    order::Order,
    relative::{Allowed, Relative, Renovate},
};

/// `/…/` or `!/…/`, perhaps with the flag `i`.
static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^(?P<not>!?)/(?P<body>.*)/(?P<flags>i?)$").expect("the expression is fixed and valid")
});

/// What the configuration says about a Docker dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenovatePolicy {
    /// `versioning`: `docker`, also where it is empty.
    pub versioning: String,
    /// `allowedVersions`: `/…/`, `!/…/`, one version, or a range in npm's language.
    pub allowed_versions: String,
    /// `pinDigests`.
    pub pin_digests: bool,
    /// `ignoreUnstable`, which is true where it is not given.
    pub ignore_unstable: bool,
    /// `minimumReleaseAge`, such as `3 days`.
    pub minimum_release_age: String,
}

impl Default for RenovatePolicy {
    fn default() -> Self {
        Self {
            versioning: String::new(),
            allowed_versions: String::new(),
            pin_digests: false,
            ignore_unstable: true,
            minimum_release_age: String::new(),
        }
    }
}

impl RenovatePolicy {
    pub(super) fn compile(&self) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        let mut faults = Faults::default();
        if !matches!(self.versioning.as_str(), "" | "docker") {
            let message = format!("`versioning` has no `{}` here: write `docker`, or leave it out", self.versioning);
            faults.add("versioning", message);
        }
        let allowed = self.allowed(&mut faults);
        let min_age = match self.minimum_release_age.trim() {
            "" => None,
            text => {
                let wrong = || format!("`{text}` is no length of time: write for example `3 days`");
                faults.kept("minimumReleaseAge", read_duration(text).ok_or_else(wrong))
            }
        };
        let renovate = Renovate { allowed: allowed.unwrap_or(Allowed::All), ignore_unstable: self.ignore_unstable };
        faults.or(Some(CompiledPolicy {
            relative: Relative::Renovate(renovate),
            min_age,
            pin_digest: self.pin_digests,
            ..CompiledPolicy::bare(Order::Docker)
        }))
    }

    fn allowed(&self, faults: &mut Faults) -> Option<Allowed> {
        let text = self.allowed_versions.trim();
        if text.is_empty() {
            return Some(Allowed::All);
        }
        if let Some(found) = EXPRESSION.captures(text) {
            let flags = if found["flags"].is_empty() { "" } else { "(?i)" };
            let expression = Pattern::expression(&format!("{flags}{}", &found["body"]));
            let expression = faults.kept("allowedVersions", expression)?;
            return Some(Allowed::Matching { expression, negated: !found["not"].is_empty() });
        }
        if let Some(version) = DockerVersion::parse(text) {
            return Some(Allowed::Exactly(version));
        }
        // npm joins by spaces; a comma is none of its words.
        let range = Some(text).filter(|text| !text.contains(',')).and_then(|text| text.parse::<Range>().ok());
        let wrong = || format!("`{text}` is neither a version, a range in npm's language nor `/an expression/`");
        faults.kept("allowedVersions", range.ok_or_else(wrong)).map(Allowed::In)
    }
}

/// `3 days`, `12 hours`, `1 week`, also several together.
fn read_duration(text: &str) -> Option<TimeDelta> {
    let mut words = text.split_whitespace();
    let mut total = TimeDelta::zero();
    while let Some(count) = words.next() {
        let (count, unit) = match count.find(|c: char| !c.is_ascii_digit()) {
            Some(at) => count.split_at(at),
            None => (count, words.next()?),
        };
        let count: i64 = count.parse().ok()?;
        let part = match unit.trim_end_matches('s') {
            "week" | "w" => TimeDelta::try_weeks(count)?,
            "day" | "d" => TimeDelta::try_days(count)?,
            "hour" | "hr" | "h" => TimeDelta::try_hours(count)?,
            "minute" | "min" | "m" => TimeDelta::try_minutes(count)?,
            _ => return None,
        };
        total = total.checked_add(&part)?;
    }
    Some(total)
}
