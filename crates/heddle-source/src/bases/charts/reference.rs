//! A chart of a repository elsewhere, as a kustomization or another chart names it.

use std::fmt;

use heddle_core::policy::{Range, TagVersion};
use heddle_egress::is_private_on_its_way;
use heddle_manifest::without_login;
use url::Url;

/// The longest name of a chart. Source: helm's `pkg/chart/v2/lint/rules/chartfile.go`.
const MAX_NAME_BYTES: usize = 250;

/// A chart of a repository elsewhere, and which of its versions is wanted. Two that are equal are named alike, and no others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteChart {
    name: String,
    /// `https` for one with an index, and `oci` for a registry.
    repository: Url,
    /// A version, or a range of them in Helm's dialect; empty for the newest.
    version: String,
    takes_prereleases: bool,
}

impl RemoteChart {
    /// Reads what names it, as Helm reads it.
    ///
    /// # Errors
    /// With what is wrong, and what to write.
    pub(crate) fn parse(repository: &str, name: &str, version: &str, takes_prereleases: bool) -> Result<Self, String> {
        // It may hold a login where none is wanted, and is told whether or not it can be read.
        let told = bare(repository);
        let mut url = Url::parse(repository).map_err(|_| format!("`{told}` is no address: {ADDRESS}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "its repository holds a user or a password: these belong in a Secret that `spec.remote.logins` \
                        names"
                    .to_owned(),
            );
        }
        let is_plain = url.has_host() && url.query().is_none() && url.fragment().is_none();
        if !is_plain || !(url.scheme() == "oci" || is_private_on_its_way(&url)) {
            return Err(format!("`{told}` is not fetched from: {ADDRESS}"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let is_char = |char: char| char.is_ascii_alphanumeric() || "-_./".contains(char);
        let is_part = |part: &str| !matches!(part, "" | "." | "..");
        if name.len() > MAX_NAME_BYTES || !name.chars().all(is_char) || !name.split('/').all(is_part) {
            return Err(format!("`{name}` is no name of a chart"));
        }
        let version = version.trim();
        let version = version.strip_prefix('=').map(str::trim).filter(|same| is_version(same)).unwrap_or(version);
        if !version.is_empty() && !is_version(version) {
            version.parse::<Range>().map_err(|error| format!("its version is none: {error}"))?;
        }
        // One that is named is taken, whatever it is.
        let takes_prereleases = takes_prereleases && !is_version(version);
        Ok(Self { name: name.to_owned(), repository: url, version: version.to_owned(), takes_prereleases })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether exactly one version is meant.
    pub(super) fn is_exact(&self) -> bool {
        is_version(&self.version)
    }

    /// Which version is meant, where it is exactly one.
    pub(super) fn exact(&self) -> Option<&str> {
        self.is_exact().then_some(self.version.as_str())
    }

    /// Whether it lies in an OCI registry.
    pub(super) fn is_in_registry(&self) -> bool {
        self.repository.scheme() == "oci"
    }

    /// The host and the path of the registry, without a scheme, where it is one.
    pub(super) fn image(&self) -> Option<String> {
        let path = self.repository.path().trim_matches('/');
        let host = self.repository.host_str()?;
        let port = self.repository.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = if path.is_empty() { String::new() } else { format!("{path}/") };
        self.is_in_registry().then(|| format!("{host}{port}/{path}{}", self.name))
    }

    /// The address by which it is let be fetched: of a repository with an index its own, of a registry the chart's.
    pub(super) fn address(&self) -> Url {
        let of_registry = self.image().and_then(|image| Url::parse(&format!("https://{image}")).ok());
        of_registry.unwrap_or_else(|| self.repository.clone())
    }

    /// What lies below the repository, by its way.
    ///
    /// # Errors
    /// When the way is none.
    pub(super) fn below(&self, way: &str) -> Result<Url, url::ParseError> {
        let mut base = self.repository.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.join(way)
    }

    /// The version that is meant among those that there are: the greatest that fits.
    pub(super) fn choose<'v>(&self, versions: impl Iterator<Item = &'v str>) -> Option<&'v str> {
        let mut fitting: Vec<(&str, TagVersion)> = versions
            .filter_map(|text| Some((text, TagVersion::parse(text)?)))
            .filter(|(text, version)| *text == self.version || self.admits(version))
            .collect();
        if let Some((same, _)) = fitting.iter().find(|(text, _)| *text == self.version) {
            return Some(same);
        }
        fitting.sort_by(|(_, one), (_, other)| one.cmp_precedence(other).then_with(|| one.build.cmp(&other.build)));
        fitting.last().map(|(text, _)| *text)
    }

    /// Whether a version fits, as [`admits`] says.
    pub(crate) fn admits(&self, version: &TagVersion) -> bool {
        admits(&self.version, self.takes_prereleases, version)
    }
}

/// Whether a version fits what is wanted: a version, a range in Helm's dialect, or nothing, which is any. One of the same
/// numbers with another build is the same to Helm.
pub(crate) fn admits(wanted: &str, takes_prereleases: bool, version: &TagVersion) -> bool {
    if wanted.is_empty() {
        return version.pre.is_empty() || takes_prereleases;
    }
    match TagVersion::parse(wanted).filter(TagVersion::is_strict) {
        Some(wanted) => version.cmp_precedence(&wanted).is_eq(),
        None => wanted.parse::<Range>().is_ok_and(|range| range.contains(version, takes_prereleases)),
    }
}

const ADDRESS: &str = "a repository of charts is `https://HOST/PATH` or `oci://HOST/PATH`";

/// An address without what may be a login or a token in it. Where it cannot be read, all before the last `@` may be one.
fn bare(repository: &str) -> String {
    let address = match (Url::parse(repository), repository.split_once("://"), repository.rsplit_once('@')) {
        (Err(_), Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => without_login(repository),
    };
    let end = address.find(['?', '#']).unwrap_or(address.len());
    address[..end].to_owned()
}

fn is_version(text: &str) -> bool {
    TagVersion::parse(text).is_some_and(|version| version.is_strict())
}

impl fmt::Display for RemoteChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.version.is_empty() { "(newest)" } else { &self.version };
        let devel = if self.takes_prereleases { " (devel)" } else { "" };
        write!(f, "{} {version}{devel} of {}", self.name, self.repository.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests;
