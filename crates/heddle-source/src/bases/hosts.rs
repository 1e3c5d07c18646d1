//! From where remote bases may come, and with which login.

use heddle_egress::is_private_on_its_way;
use url::Url;

use crate::Credential;

/// Hosts, each with an optional prefix of the path: `github.com/acme/`, `git.example.com:8443`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<Prefix>);

/// A login for what lies below a prefix.
#[derive(Debug, Clone)]
pub struct Login {
    prefix: Prefix,
    credential: Credential,
}

/// A host with a port, and the first names of a path on it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    host: String,
    port: u16,
    names: Vec<String>,
}

impl Hosts {
    /// Reads prefixes as a person wrote them.
    ///
    /// # Errors
    /// With the first that is none, and what is wrong with it.
    pub fn parse(prefixes: &[String]) -> Result<Self, String> {
        prefixes.iter().map(|text| Prefix::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none, so that nothing is fetched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address lies below one of them.
    pub(super) fn allow(&self, url: &Url) -> bool {
        self.0.iter().any(|prefix| prefix.holds(url))
    }
}

impl Login {
    /// A login for `prefix`.
    ///
    /// # Errors
    /// When that is no prefix.
    pub fn new(prefix: &str, credential: Credential) -> Result<Self, String> {
        Ok(Self { prefix: Prefix::parse(prefix)?, credential })
    }

    /// The login with the longest prefix that holds the address.
    pub(super) fn find<'a>(logins: &'a [Self], url: &Url) -> Option<&'a Credential> {
        let fitting = logins.iter().filter(|login| login.prefix.holds(url));
        fitting.max_by_key(|login| login.prefix.names.len()).map(|login| &login.credential)
    }
}

impl Prefix {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` {why}: write it like `github.com/acme/`");
        if text.contains("://") {
            return Err(wrong("is an address, and a host with the beginning of a path is wanted"));
        }
        let url = Url::parse(&format!("https://{text}")).map_err(|_| wrong("is no host"))?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !is_plain || url.query().is_some() || url.fragment().is_some() || text.contains('*') {
            return Err(wrong("holds more than a host and the beginning of a path"));
        }
        let host = url.host_str().ok_or_else(|| wrong("has no host"))?.to_owned();
        let names = names(&url).ok_or_else(|| wrong("holds a hidden `/`"))?;
        Ok(Self { host, port: url.port_or_known_default().unwrap_or(443), names })
    }

    /// Whether an address lies below it: name by name, so that `acme` is not the beginning of `acme-evil`. Nothing of plain
    /// HTTP does but on a loopback host, whatever its port: it would carry a login in the clear.
    fn holds(&self, url: &Url) -> bool {
        let is_host = url.host_str() == Some(&*self.host) && url.port_or_known_default() == Some(self.port);
        is_host && is_private_on_its_way(url) && names(url).is_some_and(|names| names.starts_with(&self.names))
    }
}

/// The names of an address's path; none when one of them hides a separator, which a server may read as one.
fn names(url: &Url) -> Option<Vec<String>> {
    let lower = url.path().to_ascii_lowercase();
    if ["%2f", "%5c", "%2e", "\\"].iter().any(|hidden| lower.contains(hidden)) {
        return None;
    }
    Some(url.path().split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
