//! Is the world as Git says? What somebody who looked found, and what it means now.
//!
//! A drift record is about one thing that somebody looks at: an environment, a tool, a source. Agents look at their Syncs;
//! whoever runs Terraform or Ansible reports what they found. What a record means is judged here and nowhere else: never
//! "same" where something was not looked at, where whoever looked is not trusted any more, or where nobody looks.

mod judge;
mod plan_hash;
mod record;

use serde::{Deserialize, Serialize};

pub use judge::{
    AgentWord, Expected, Known, SILENT_WITHOUT_EXPECTATION, SyncCondition, SyncLook, Verdict, judge, judge_sync, slack,
};
pub use plan_hash::{PlanHash, PlanHashError};
pub use record::RecordName;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$word_doc])* $word,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// The word that stands in files, reports and rows.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|one| format!("`{one}`")).collect();
                    format!(concat!("`{}` is no ", $what, ": write {}"), text, known.join(", "))
                })
            }
        }
    };
}

words! {
    /// The tool that looks.
    DriftTool("tool") {
        /// An agent at its Syncs, or `heddle diff` at a folder of manifests.
        Kubernetes = "kubernetes",
        /// `heddle diff terraform`, with OpenTofu or Terraform.
        Terraform = "terraform",
        /// `heddle diff ansible`.
        Ansible = "ansible",
    }
}

words! {
    /// What a record means now.
    DriftState("state") {
        /// The world is as Git says.
        Same = "same",
        /// It is not.
        Differs = "differs",
        /// Somebody looked, and it cannot be said.
        Unknown = "unknown",
        /// Nobody looks, or not any more.
        NotLookedAt = "not-looked-at",
    }
}

words! {
    /// What one look found.
    Found("find") {
        /// Everything was looked at, and nothing differs.
        Same = "same",
        /// Something differs.
        Differs = "differs",
        /// Nothing is known to differ, and not everything was looked at.
        Unknown = "unknown",
    }
}

words! {
    /// How an object differs from what is wanted.
    Deviation("deviation") {
        /// It is wanted, and not there.
        Missing = "missing",
        /// It is there, and not as it is wanted.
        Changed = "changed",
        /// It is there, and has to give way to another one.
        Replaced = "replaced",
        /// It is there, and not wanted.
        Unwanted = "unwanted",
        /// It is there, and is no longer to be looked after.
        Forgotten = "forgotten",
        /// It is there, under another name.
        Moved = "moved",
        /// It is there, and is to be taken over.
        Imported = "imported",
    }
}

words! {
    /// On which side something moved.
    Cause("cause") {
        /// Somebody changed it outside of Git.
        Outside = "outside",
        /// Git wants it, and it is not there yet.
        Git = "git",
        /// The tool does not tell which.
        Either = "either",
    }
}

impl Found {
    /// What a look found that tells of so many differences, and did or did not look at everything.
    pub const fn of(differences: u64, is_whole: bool) -> Self {
        match (differences, is_whole) {
            (0, true) => Self::Same,
            (0, false) => Self::Unknown,
            _ => Self::Differs,
        }
    }
}

/// Longest name of a source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256;

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a source is a folder or a playbook, such as `infra/prod`: 1 to {MAX_SOURCE_BYTES} bytes on one line")]
pub struct SourceError;

/// What is looked at: a folder of Terraform, a playbook, a folder of manifests, by its path in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = "infra/prod"))]
#[serde(try_from = "String", into = "String")]
pub struct DriftSource(String);

impl DriftSource {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DriftSource {
    type Error = SourceError;
    fn try_from(text: String) -> Result<Self, SourceError> {
        // One folder has one name: `./infra/prod/` is `infra/prod`.
        let name = text.trim().trim_start_matches("./").trim_end_matches('/');
        let name = if name.is_empty() && !text.trim().is_empty() { "." } else { name };
        let is_line = !name.is_empty() && name.len() <= MAX_SOURCE_BYTES && !name.chars().any(char::is_control);
        if is_line { Ok(Self(name.to_owned())) } else { Err(SourceError) }
    }
}

impl std::str::FromStr for DriftSource {
    type Err = SourceError;
    fn from_str(text: &str) -> Result<Self, SourceError> {
        text.to_owned().try_into()
    }
}

impl From<DriftSource> for String {
    fn from(source: DriftSource) -> Self {
        source.0
    }
}

impl std::fmt::Display for DriftSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
