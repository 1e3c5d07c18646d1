//! Which registries somebody serves: a host, or all hosts below a domain.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{LoginError, RegistryHost};

/// A host (`registry.example.com:5000`), or `*.` and the domain that hosts are below (`*.example.com`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    below: bool,
    host: RegistryHost,
}

impl HostPattern {
    /// Whether it is for the registry at `host`, as images name it. Below a domain every port counts.
    pub fn covers(&self, host: &str) -> bool {
        if !self.below {
            return self.host.as_str() == host;
        }
        let parsed: Option<RegistryHost> = host.parse().ok();
        let name = parsed.as_ref().map_or(host, RegistryHost::name);
        name.strip_suffix(self.host.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    }

    /// How much it says: of several that are for one host, the one that says the most counts.
    pub fn weight(&self) -> (bool, usize) {
        (!self.below, self.host.as_str().len())
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.below { write!(f, "*.{}", self.host) } else { write!(f, "{}", self.host) }
    }
}

impl FromStr for HostPattern {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let text = text.trim();
        let (below, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        let host: RegistryHost = rest.parse().map_err(|_| LoginError::Pattern(text.to_owned()))?;
        // A top-level domain, or one with a port, names no registry's domain.
        if below && (host.as_str() != host.name() || !host.as_str().contains('.')) {
            return Err(LoginError::Pattern(text.to_owned()));
        }
        Ok(Self { below, host })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = LoginError;
    fn try_from(text: String) -> Result<Self, LoginError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}
