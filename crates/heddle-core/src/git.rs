//! The words of Git and of its hosts.

use serde::{Deserialize, Serialize};

/// Why a text is no valid word of Git.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitWordError {
    /// Not 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
    #[error("`{0}` is no commit id: it takes 40 or 64 hexadecimal digits")]
    Revision(String),
    /// Not `owner/name`.
    #[error("`{0}` is no repository name: write `owner/name`")]
    RepoName(String),
    /// Refused by `git check-ref-format --branch`.
    #[error("`{0}` is no branch name: {1}")]
    BranchName(String, &'static str),
    /// Not an `https://` or `ssh://` address with a host and a path.
    #[error("`{0}` is no repository address: write `https://host/owner/name` or `ssh://git@host/owner/name`")]
    RepoUrl(String),
    /// Longer than [`MAX_URL_BYTES`]; its beginning.
    #[error("the repository address that begins with `{0}` is longer than 2048 bytes")]
    RepoUrlLength(String),
}

/// The id of a commit, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"))]
#[serde(try_from = "String", into = "String")]
pub struct Revision(String);

impl Revision {
    /// The first seven digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl TryFrom<String> for Revision {
    type Error = GitWordError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hexadecimal = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hexadecimal && (text.len() == 40 || text.len() == 64) {
            Ok(Self(text))
        } else {
            Err(GitWordError::Revision(text))
        }
    }
}

/// `owner/name` on the Git host, as its API spells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = "acme/config"))]
#[serde(try_from = "String", into = "String")]
pub struct RepoName(String);

impl RepoName {
    /// The part before the slash.
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// Whether both name one repository. Hosts take a name in any letter case, and have no two that differ in it alone.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl TryFrom<String> for RepoName {
    type Error = GitWordError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let word = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match text.split_once('/') {
            Some((owner, name)) if word(owner) && word(name) => Ok(Self(text)),
            _ => Err(GitWordError::RepoName(text)),
        }
    }
}

/// Longest name of a branch, in bytes: what hosts take.
pub const MAX_BRANCH_BYTES: usize = 255;

/// Longest address of a repository, in bytes.
pub const MAX_URL_BYTES: usize = 2048;

/// A branch, without `refs/heads/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = "main"))]
#[serde(try_from = "String", into = "String")]
pub struct BranchName(String);

impl TryFrom<String> for BranchName {
    type Error = GitWordError;

    /// The rules of `git check-ref-format --branch`, and a length.
    fn try_from(mut text: String) -> Result<Self, Self::Error> {
        let fault = if text.is_empty() {
            Some("it is empty")
        } else if text.len() > MAX_BRANCH_BYTES {
            text.truncate(text.floor_char_boundary(MAX_BRANCH_BYTES));
            Some("it is longer than 255 bytes")
        } else if text.starts_with('-') || text == "@" {
            Some("it starts with `-` or is `@`")
        } else if text.contains("..") || text.contains("@{") || text.contains("//") {
            Some("it contains `..`, `@{` or `//`")
        } else if text.bytes().any(|b| b <= b' ' || b == 0x7f || b"~^:?*[\\".contains(&b)) {
            Some("it contains a space, a control character or one of `~^:?*[\\`")
        } else if text.starts_with('/') || text.ends_with('/') || text.ends_with('.') {
            Some("it starts or ends with `/`, or ends with `.`")
        } else if text.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
            Some("a part of it starts with `.` or ends with `.lock`")
        } else {
            None
        };
        match fault {
            Some(fault) => Err(GitWordError::BranchName(text, fault)),
            None => Ok(Self(text)),
        }
    }
}

/// Where a repository is found, in the form in which two addresses of the same repository are equal: `host/owner/name`,
/// lower case, without scheme, user, `.git` and trailing slash. A port other than the scheme's own stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(example = "github.com/acme/config"))]
#[serde(try_from = "String", into = "String")]
pub struct RepoUrl(String);

impl TryFrom<String> for RepoUrl {
    type Error = GitWordError;

    /// Takes `https://`, `ssh://`, scp-like `git@host:owner/name` and an already canonical text.
    fn try_from(mut text: String) -> Result<Self, Self::Error> {
        if text.len() > MAX_URL_BYTES {
            text.truncate(text.floor_char_boundary(MAX_BRANCH_BYTES));
            return Err(GitWordError::RepoUrlLength(without_login(&text)));
        }
        let lower = text.trim().to_ascii_lowercase();
        let (own_port, rest) = match lower.split_once("://") {
            Some(("https", rest)) => (":443", rest.to_owned()),
            Some(("http", rest)) => (":80", rest.to_owned()),
            Some(("ssh", rest)) => (":22", rest.to_owned()),
            Some(_) => return Err(GitWordError::RepoUrl(without_login(&text))),
            None => match lower.split_once('@') {
                Some((_, address)) if address.contains(':') => (":22", address.replacen(':', "/", 1)),
                _ => ("", lower),
            },
        };
        let rest = rest.rsplit_once('@').map_or(rest.as_str(), |(_, address)| address);
        let Some((host, path)) = rest.split_once('/') else {
            return Err(GitWordError::RepoUrl(without_login(&text)));
        };
        let host = if own_port.is_empty() { host } else { host.strip_suffix(own_port).unwrap_or(host) };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let plain =
            |part: &str| !part.is_empty() && !part.bytes().any(|b| b <= b' ' || b == 0x7f || b"?#\\".contains(&b));
        if !plain(host) || !plain(path) {
            return Err(GitWordError::RepoUrl(without_login(&text)));
        }
        Ok(Self(format!("{host}/{path}")))
    }
}

/// An address as it may be shown: a user and a password before the host are left out.
fn without_login(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => format!("…@{host}"),
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => text.to_owned(),
    }
}

macro_rules! word {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = GitWordError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.to_owned().try_into()
            }
        }
    )+};
}

word!(Revision, RepoName, BranchName, RepoUrl);

#[cfg(test)]
mod tests;
