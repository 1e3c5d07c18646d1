//! Rules of the peers that look from the running tag at each candidate.

use super::{
    Within, docker::DockerVersion, order::Key, pattern::Pattern, range::Range, sentence::Sentence, version::TagVersion,
};
use crate::image::Tag;

/// How a candidate must stand to the running tag, beyond what Heddle's own rules ask.
#[derive(Debug, Clone)]
pub(super) enum Relative {
    /// Not at all.
    No,
    /// Keel's `all`, `major`, `minor`, `patch`: higher, within the step, with the same text of a pre-release.
    KeelVersion { step: Within, same_prerelease: bool },
    /// Keel's `glob:`: after it in the alphabet.
    KeelText,
    /// Keel's `force`: the same tag, or no lower version.
    KeelForce { match_tag: bool },
    /// Keel's `never`.
    Never,
    /// Renovate on Docker tags.
    Renovate(Renovate),
}

/// What Renovate is told about an image.
#[derive(Debug, Clone)]
pub(super) struct Renovate {
    pub allowed: Allowed,
    pub ignore_unstable: bool,
}

/// Renovate's `allowedVersions`.
#[derive(Debug, Clone)]
pub(super) enum Allowed {
    All,
    Matching { expression: Pattern, negated: bool },
    Exactly(DockerVersion),
    In(Range),
}

/// The rule that passed a tag over, and why.
pub(super) type Refused = (&'static str, Sentence);

impl Relative {
    /// Whether a candidate may take the place of the running tag. Where none runs, no candidate is too far from it.
    pub(super) fn judge(&self, key: &Key<'_>, tag: &Tag, current: Option<&Tag>) -> Result<(), Refused> {
        match self {
            Self::No => Ok(()),
            Self::Never => Err(("policy", "the policy says never".into())),
            Self::KeelVersion { step, same_prerelease } => {
                current.map_or(Ok(()), |running| judge_keel(key, *step, *same_prerelease, running))
            }
            Self::KeelText => match current.filter(|running| tag.as_str() <= running.as_str()) {
                Some(running) => {
                    Err(("downgrade", format!("it does not come after `{running}`, which runs now").into()))
                }
                None => Ok(()),
            },
            Self::KeelForce { match_tag } => {
                current.map_or(Ok(()), |running| judge_force(key, *match_tag, tag, running))
            }
            Self::Renovate(renovate) => renovate.judge(key, tag, current),
        }
    }
}

fn unreadable(running: &Tag) -> Refused {
    ("current", format!("`{running}`, which runs now, is no version").into())
}

fn judge_keel(key: &Key<'_>, step: Within, same_prerelease: bool, running: &Tag) -> Result<(), Refused> {
    let Key::Version(version) = key else { return Ok(()) };
    if running.as_str() == "latest" {
        return Ok(());
    }
    let current = TagVersion::parse(running.as_str()).ok_or_else(|| unreadable(running))?;
    if same_prerelease && version.pre != current.pre {
        return Err(("prerelease", format!("its text after the numbers is not that of `{running}`").into()));
    }
    if !version.cmp_precedence(&current).is_gt() {
        return Err(("downgrade", format!("it is not above `{running}`, which runs now").into()));
    }
    if !step.admits(version, &current) {
        return Err(("within", format!("it is no {step} step from `{running}`, which runs now").into()));
    }
    Ok(())
}

fn judge_force(key: &Key<'_>, match_tag: bool, tag: &Tag, running: &Tag) -> Result<(), Refused> {
    if tag == running {
        return Ok(());
    }
    if match_tag {
        return Err(("match", format!("it is not `{running}`, and only that tag is followed").into()));
    }
    match (key, TagVersion::parse(running.as_str())) {
        (Key::Version(version), Some(current)) if !version.cmp_precedence(&current).is_gt() => {
            Err(("downgrade", format!("it is not above `{running}`, which runs now").into()))
        }
        _ => Ok(()),
    }
}

impl Renovate {
    fn judge(&self, key: &Key<'_>, tag: &Tag, running: Option<&Tag>) -> Result<(), Refused> {
        let Key::Docker(version) = key else { return Ok(()) };
        let current = match running {
            Some(running) => Some(DockerVersion::parse(running.as_str()).ok_or_else(|| unreadable(running))?),
            None => None,
        };
        if let (Some(running), Some(current)) = (running, &current) {
            judge_step(version, tag, current, running)?;
        }
        self.allowed.judge(version, tag)?;
        let same_release = current.is_some_and(|current| !current.is_stable() && version.shares(&current, 3));
        if self.ignore_unstable && !version.is_stable() && !same_release {
            return Err(("prerelease", "it is unstable: text follows its numbers".into()));
        }
        Ok(())
    }
}

/// Renovate's step from one tag to another: the same suffix and count of numbers, and upwards.
fn judge_step(version: &DockerVersion, tag: &Tag, current: &DockerVersion, running: &Tag) -> Result<(), Refused> {
    if version.suffix() != current.suffix() {
        return Err(("suffix", format!("its text after the first dash is not that of `{running}`").into()));
    }
    if !version.is_compatible(current) {
        let counts = (version.precision(), current.precision());
        let reason = format!("it has {} numbers, and `{running}` has {}", counts.0, counts.1);
        return Err(("precision", reason.into()));
    }
    if tag != running && version <= current {
        return Err(("downgrade", format!("it is not above `{running}`, which runs now").into()));
    }
    Ok(())
}

impl Allowed {
    fn judge(&self, version: &DockerVersion, tag: &Tag) -> Result<(), Refused> {
        let allowed = match self {
            Self::All => true,
            Self::Matching { expression, negated } => expression.matches(tag.as_str()) != *negated,
            Self::Exactly(wanted) => version == wanted,
            Self::In(range) => coerced(tag.as_str()).is_some_and(|version| range.contains(&version, false)),
        };
        if allowed { Ok(()) } else { Err(("allow", "`allowedVersions` does not allow it".into())) }
    }
}

/// The tag as a strict version, else the first one to three numbers in it.
fn coerced(tag: &str) -> Option<TagVersion> {
    if let Some(version) = TagVersion::parse(tag).filter(TagVersion::is_strict) {
        return Some(version);
    }
    let start = tag.find(|c: char| c.is_ascii_digit())?;
    let numbers = tag[start..].split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let numbers: Vec<&str> = numbers.split('.').take_while(|part| !part.is_empty()).take(3).collect();
    TagVersion::parse(&numbers.join("."))
}
