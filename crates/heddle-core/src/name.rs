//! Names that people give: environments and Syncs.

use serde::{Deserialize, Serialize};

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name: up to 63 lower-case letters, digits and `-`, starting and ending with a letter or digit")]
pub struct NameError(pub String);

/// The name of an environment: an RFC 1123 label, as Kubernetes names are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = "prod"))]
#[serde(try_from = "String", into = "String")]
pub struct EnvironmentName(String);

impl EnvironmentName {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The implicit environment of a path that no environment covers: `clusters/eu-1` becomes `clusters-eu-1`.
    pub fn implicit_for(path: &str) -> Self {
        let mut name: String =
            path.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        name.truncate(63);
        let name = name.trim_matches('-');
        Self(if name.is_empty() { "root".to_owned() } else { name.to_owned() })
    }
}

impl TryFrom<String> for EnvironmentName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_label(&text) { Ok(Self(text)) } else { Err(NameError(text)) }
    }
}

impl std::str::FromStr for EnvironmentName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<EnvironmentName> for String {
    fn from(name: EnvironmentName) -> Self {
        name.0
    }
}

impl std::fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest name of a Kubernetes object, in bytes: an RFC 1123 subdomain.
pub const MAX_OBJECT_NAME_BYTES: usize = 253;

/// Why a text is no name of a Sync.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a Sync's namespace and name are 1 to 253 lower-case letters, digits, `-` and `.`, as Kubernetes has them")]
pub struct SyncNameError;

/// A `Sync` object within its cluster. What comes over a wire is checked, what the API server gave is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "SentSyncName")]
pub struct SyncName {
    /// The namespace in which the `Sync` stands.
    pub namespace: String,
    /// Its `metadata.name`.
    pub name: String,
}

/// A name as it comes, before it is checked.
#[derive(Deserialize)]
struct SentSyncName {
    namespace: String,
    name: String,
}

impl TryFrom<SentSyncName> for SyncName {
    type Error = SyncNameError;
    fn try_from(sent: SentSyncName) -> Result<Self, Self::Error> {
        let is_name = |text: &str| {
            (1..=MAX_OBJECT_NAME_BYTES).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        };
        if is_name(&sent.namespace) && is_name(&sent.name) {
            Ok(Self { namespace: sent.namespace, name: sent.name })
        } else {
            Err(SyncNameError)
        }
    }
}

impl std::fmt::Display for SyncName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

fn is_label(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    text.len() <= 63
        && bytes.first().copied().is_some_and(word)
        && bytes.last().copied().is_some_and(word)
        && bytes.iter().all(|b| word(*b) || *b == b'-')
}
