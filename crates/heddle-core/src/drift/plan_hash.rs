//! What somebody approves when they approve a plan.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a plan does is written before its hash, so that another way of hashing is no match by chance.
const FORM: &str = "1";

/// How many digits a run has.
const RUN_DIGITS: usize = 32;

/// How many digits a hash has.
const HASH_DIGITS: usize = 64;

/// Why a text is no hash of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a plan hash is what `heddle diff terraform` prints: `{FORM}-`, {RUN_DIGITS} digits, `-`, {HASH_DIGITS} digits of 0 to \
     9 and a to f"
)]
pub struct PlanHashError;

/// The hash of a plan of Terraform: `1-RUN-HASH`, with lower case digits. Nothing else stands in it, so that it is one word to
/// every shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct PlanHash(String);

impl PlanHash {
    /// The hash of what was planned in a run.
    pub fn new(run: Uuid, hash: &[u8; HASH_DIGITS / 2]) -> Self {
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{FORM}-{}-{hash}", run.simple()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The run in which it was planned.
    pub fn run(&self) -> Uuid {
        let digits = self.0.split('-').nth(1).and_then(|run| Uuid::try_parse(run).ok());
        digits.unwrap_or_default()
    }
}

impl std::str::FromStr for PlanHash {
    type Err = PlanHashError;

    fn from_str(text: &str) -> Result<Self, PlanHashError> {
        let text = text.trim();
        let digits = |part: Option<&str>, many: usize| {
            part.is_some_and(|part| {
                part.len() == many && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        let mut parts = text.split('-');
        let is_hash = parts.next() == Some(FORM)
            && digits(parts.next(), RUN_DIGITS)
            && digits(parts.next(), HASH_DIGITS)
            && parts.next().is_none();
        if is_hash { Ok(Self(text.to_owned())) } else { Err(PlanHashError) }
    }
}

impl TryFrom<String> for PlanHash {
    type Error = PlanHashError;

    fn try_from(text: String) -> Result<Self, PlanHashError> {
        text.parse()
    }
}

impl From<PlanHash> for String {
    fn from(hash: PlanHash) -> Self {
        hash.0
    }
}

impl std::fmt::Display for PlanHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
