//! Text from elsewhere, made safe to keep: no control characters, and never longer than its type says.
//!
//! A report quotes commits, clusters and controllers. Postgres takes no NUL, a dashboard needs no megabytes, and one odd
//! string must not keep the rest of a report back. So such text is cleaned and cut wherever a value of it comes to be:
//! by the agent that says it, and again by the API that reads it.

use serde::{Deserialize, Deserializer, Serialize};

/// Longest sentence in a report, in bytes: a condition, an error, a reason.
pub const MAX_MESSAGE_BYTES: usize = 4096;

/// Longest name in a report, in bytes: what Kubernetes allows an object (RFC 1123 subdomain).
pub const MAX_NAME_BYTES: usize = 253;

/// Longest path in a report, in bytes: in a repository, or to a field of an object.
pub const MAX_PATH_BYTES: usize = 1024;

/// A sentence.
pub type Message = Text<MAX_MESSAGE_BYTES>;

/// The name of something in a cluster: a kind, an object, a container, a version.
pub type Name = Text<MAX_NAME_BYTES>;

/// A path, or `kind namespace/name`.
pub type Path = Text<MAX_PATH_BYTES>;

/// Ends a text that was cut.
const CUT: &str = "…";

/// At most `MAX` bytes of text, in which a control character other than a line feed or a tab is `�`. What is longer is cut
/// and ends in `…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> From<String> for Text<MAX> {
    fn from(text: String) -> Self {
        let is_odd = |c: char| c.is_control() && c != '\n' && c != '\t';
        let text = if text.contains(is_odd) { text.replace(is_odd, "\u{fffd}") } else { text };
        if text.len() <= MAX {
            return Self(text);
        }
        let end = text.floor_char_boundary(MAX.saturating_sub(CUT.len()));
        Self(format!("{}{CUT}", &text[..end]))
    }
}

impl<const MAX: usize> From<&str> for Text<MAX> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl<const MAX: usize> std::ops::Deref for Text<MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> std::fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> PartialEq<str> for Text<MAX> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl<const MAX: usize> PartialEq<&str> for Text<MAX> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(feature = "openapi")]
impl<const MAX: usize> utoipa::PartialSchema for Text<MAX> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl<const MAX: usize> utoipa::ToSchema for Text<MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }
}

#[cfg(test)]
mod tests;
