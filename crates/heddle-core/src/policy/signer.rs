//! Who must have signed an image, and what came of looking for the signatures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who must have signed an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Signer {
    /// Path of a public key in the config repository, read from the default branch.
    pub key: String,
    /// Whether the tag may be written without the digest that was verified. It may come to name another image, which nobody
    /// looked at.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub tag_only: bool,
    /// What checks of the key are known by; `None` where the key could not be read, and then nothing counts as signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub id: Option<SignerId>,
    /// The key as PEM, as it stands on the default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub public_key: Option<String>,
}

impl Signer {
    /// A key by its path, which nobody read yet.
    pub fn of_key(path: &str) -> Self {
        Self { key: path.to_owned(), ..Self::default() }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.key
    }
}

/// What checks of a signer are known by: the same for the same key, whatever file holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct SignerId(String);

impl SignerId {
    /// The longest that one may be, in bytes.
    pub const MAX_BYTES: usize = 200;

    /// By the SHA-256 of the key's DER, in hexadecimal.
    pub fn of_key(sha256: &str) -> Self {
        Self(format!("key:sha256:{sha256}"))
    }

    /// By the path of a key, where nobody reads keys and somebody says what they signed.
    pub fn of_path(path: &str) -> Self {
        Self(format!("path:{path}"))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What came of looking for a signature of the image that a tag points to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignatureCheck {
    /// Whose signature.
    pub signer: SignerId,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Signed,
}

/// Whether an image is signed by somebody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "signed", rename_all = "kebab-case")]
pub enum Signed {
    /// It is.
    Yes,
    /// All that is attached to it was looked at, and nothing is a signature of this signer.
    No,
    /// It cannot be said.
    Unknown {
        /// Why, in a sentence without secrets and without text of the registry.
        reason: String,
    },
}
