//! Identities of age, as `age-keygen` writes them into a file.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Secret keys of age, at least one.
#[derive(Clone)]
pub struct Identities(SecretString);

/// Why a text holds no identities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It has nothing but comments.
    #[error("it holds no identity of age: put in what `age-keygen` writes (`AGE-SECRET-KEY-1…`)")]
    Empty,
    /// Something else stands there.
    #[error(
        "line {line} is no identity of age (`AGE-SECRET-KEY-1…`): keys with a passphrase, of a plugin, of SSH and of OpenPGP are \
         not taken"
    )]
    Other {
        /// The line, from 1.
        line: usize,
    },
}

impl Identities {
    /// Reads a file of identities: one a line, comments begin with `#`.
    ///
    /// # Errors
    /// When there is none, or something else stands there.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let mut found = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            match line {
                _ if line.is_empty() || line.starts_with('#') => {}
                _ if is_identity(line) => found.push(line),
                _ => return Err(IdentityError::Other { line: index + 1 }),
            }
        }
        if found.is_empty() {
            return Err(IdentityError::Empty);
        }
        Ok(Self(found.join("\n").into()))
    }

    /// One a line, as sops takes them.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Post-quantum ones begin with `AGE-SECRET-KEY-PQ-1`.
fn is_identity(line: &str) -> bool {
    let rest = line.strip_prefix("AGE-SECRET-KEY-").map(|rest| rest.strip_prefix("PQ-").unwrap_or(rest));
    rest.and_then(|rest| rest.strip_prefix('1')).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identities")
    }
}

impl PartialEq for Identities {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

#[cfg(test)]
mod tests;
