//! What the rules of a repository are to choose, and a fingerprint of it: the API takes tags for the rules that a read
//! stored, and the automator chooses by those that it finds.

use std::{collections::BTreeSet, fmt::Write as _};

use heddle_core::{
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    policy::TagPolicy,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::read::{PromotionReport, ReadReport};

/// What a rule is to choose in an environment.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Asked<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The image.
    pub image: &'a ImageRepository,
    /// The policy of the rule.
    pub policy: &'a TagPolicy,
    /// The tag that stands there.
    pub tag: Option<&'a Tag>,
    /// The digest that stands there.
    pub digest: Option<&'a Digest>,
}

/// The same for the same choices and promotions, in whatever order and however often each is named.
pub fn fingerprint<'a>(
    asked: impl IntoIterator<Item = Asked<'a>>,
    promotions: impl IntoIterator<Item = (&'a EnvironmentName, &'a PromotionReport)>,
) -> String {
    let line = |value: serde_json::Result<String>| value.unwrap_or_else(|error| error.to_string());
    let mut lines: BTreeSet<String> = asked.into_iter().map(|one| line(serde_json::to_string(&one))).collect();
    lines.extend(promotions.into_iter().map(|promotion| line(serde_json::to_string(&promotion))));
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl ReadReport {
    /// The fingerprint of what the rules that a read found are to choose.
    pub fn fingerprint(&self) -> String {
        let asked = self.occurrences.iter().flat_map(|one| {
            one.rules.iter().filter_map(|rule| {
                Some(Asked {
                    environment: &rule.environment,
                    image: &one.image.repository,
                    policy: rule.policy.as_ref()?,
                    tag: one.image.tag.as_ref(),
                    digest: one.image.digest.as_ref(),
                })
            })
        });
        let promotions = self.environments.iter();
        fingerprint(asked, promotions.filter_map(|one| Some((&one.name, one.promotion.as_ref()?))))
    }
}

#[cfg(test)]
mod tests;
