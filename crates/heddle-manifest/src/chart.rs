//! Versions of charts, of OCI artifacts and of git repositories, where objects, kustomizations and `Chart.yaml` name them.
//!
//! They are found by shape, as images are, and their places are values like those of images: the name stands elsewhere, and
//! the version is the tag.

use std::{ops::Range, sync::Arc};

use heddle_core::{
    image::{CHART_INDEX, ImageRepository},
    name::EnvironmentName,
    place::Place,
};

use crate::{
    edit::{Edit, EditError},
    image::{ImageValue, Parts, Target},
    object::{group, object_name, text},
    yaml::{Node, Position, Spot, cursor::Cursor},
};

/// How the address of a registry starts.
const OCI: &str = "oci://";

/// How that of a repository of charts starts.
const HTTPS: &str = "https://";

/// What a version is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionKind {
    /// A Helm chart, or another artifact of a registry that Flux follows.
    Chart,
    /// Another git repository.
    Ref,
}

/// A version that stands in a file and is no image's.
#[derive(Debug, Clone)]
pub struct Version {
    /// What it is of.
    pub kind: VersionKind,
    /// Where.
    pub place: Place,
    /// The chart's name, or the repository's address.
    pub name: String,
    /// The address that the chart comes from; `None` where nothing on the branch says it.
    pub source: Option<String>,
    /// As it is written; empty where nothing is.
    pub version: String,
    /// The environments whose closure holds the place and does not hide it.
    pub environments: Vec<EnvironmentName>,
    /// The bytes of the value, quotes too.
    pub span: Range<usize>,
    /// Why no rule of `.heddle.yaml` can move it, where none can.
    pub unfollowed: Option<&'static str>,
    /// Why it cannot be written, where something keeps it from that.
    pub obstacle: Option<String>,
    pub(crate) value: Option<Arc<ImageValue>>,
}

/// Where a version that is no image's comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChartOf {
    /// The chart's name.
    pub name: String,
    /// Where it comes from.
    pub from: From,
    /// An object elsewhere says where that is.
    pub is_by_repository: bool,
    /// The ways to what says that in its object, and to what wins over the version.
    pub ways: Vec<String>,
}

/// Where a chart comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    /// An address: `oci://ghcr.io/acme/charts`, `https://charts.jetstack.io`.
    Address(String),
    /// Flux's `HelmRepository`, by namespace and name.
    Repository(String, String),
    /// A git repository, by the address that is the name.
    Git,
}

pub(crate) const LOCKED: &str =
    "`Chart.lock` beside it says the version too: change both with `helm dependency update`";
/// What is said of a chart of which a patch changes more than the version.
pub(crate) const PATCHED: &str =
    "a patch changes where it comes from, or sets what wins over its version: write version and source in one place";
pub(crate) const SHARED_NAME: &str = "images have the same repository, so nothing says which of its tags are charts: give charts a repository of their own";
const PLAIN: &str = "its repository is not read over HTTPS, so nobody follows it";
const NO_ADDRESS: &str =
    "its repository's address, or its name, has letters or signs that no image's name has, so nobody follows it";
const GIT: &str = "versions of git repositories are listed, and followed by nobody yet";
const NOWHERE: &str = "no HelmRepository of its name stands on this branch, or several that say different addresses, so nothing says where it comes from";
const NONE: &str = "it names no version, so the newest is installed: write one";
const RANGE: &str = "it is a range, which moves by itself, or no version in full: write three numbers";

/// The ways to keys of a mapping, as places have them.
fn ways(around: &Cursor<'_>, keys: &[&str]) -> Vec<String> {
    let prefix = if around.field.is_empty() { String::new() } else { format!("{}.", around.field) };
    keys.iter().map(|key| format!("{prefix}{key}")).collect()
}

impl ChartOf {
    fn new(name: &str, from: From, ways: Vec<String>) -> Self {
        Self { name: name.to_owned(), from, is_by_repository: false, ways }
    }

    /// The repository in a registry that holds its versions as tags, or the file that lists them over HTTPS with the chart
    /// behind it; `None` where there is neither.
    pub fn repository(&self) -> Option<String> {
        match &self.from {
            From::Address(address) => {
                if let Some(path) = address.strip_prefix(HTTPS) {
                    return Some(format!("{}/{CHART_INDEX}/{}", path.trim_end_matches('/'), self.name));
                }
                let path = address.strip_prefix(OCI)?.trim_end_matches('/');
                // What clients of OCI call Docker Hub.
                let hub = path.strip_prefix("registry-1.docker.io/").map(|path| format!("docker.io/{path}"));
                Some(format!("{}/{}", hub.as_deref().unwrap_or(path), self.name))
            }
            From::Repository(..) | From::Git => None,
        }
    }

    /// The name by which its place is known.
    fn in_full(&self) -> String {
        self.repository().unwrap_or_else(|| self.name.clone())
    }

    /// Takes an address that is found elsewhere.
    pub fn resolve(&mut self, address: &str, parts: &mut Parts) {
        (self.from, self.is_by_repository) = (From::Address(address.to_owned()), true);
        parts.fixed_name = Some(self.in_full());
    }

    /// Why no rule can move a version, where none can.
    fn unfollowed(&self, version: &str) -> Option<&'static str> {
        match &self.from {
            From::Git => Some(GIT),
            From::Repository(..) => Some(NOWHERE),
            From::Address(_) if version.is_empty() => Some(NONE),
            From::Address(_) if !is_version(version) => Some(RANGE),
            From::Address(_) => match self.repository() {
                None => Some(PLAIN),
                // A host that an image's name would not have as its registry is another one there.
                Some(name) => {
                    let host = name.split('/').next();
                    let known = name.parse::<ImageRepository>().ok();
                    known.filter(|known| Some(known.registry()) == host).is_none().then_some(NO_ADDRESS)
                }
            },
        }
    }
}

/// Whether a text is one version of a chart, and no range of them or a name that moves: `1.2.3`, `v1.2.3-rc.1`.
pub fn is_version(version: &str) -> bool {
    let numbers = version.strip_prefix('v').unwrap_or(version);
    let (numbers, rest) = numbers.split_once('-').map_or((numbers, None), |(numbers, rest)| (numbers, Some(rest)));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_word = |rest: &str| rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    let parts: Vec<&str> = numbers.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| is_number(part)) && rest.is_none_or(is_word)
}

/// An address without the login that may stand in it.
pub fn without_login(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let plain = host.rsplit_once('@').map_or(host, |(login, plain)| if login.contains(':') { plain } else { host });
        return format!("{plain}{path}");
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

impl Version {
    /// What stands at a place whose value is no image's.
    pub(crate) fn of(file: &str, value: &Arc<ImageValue>, of: &ChartOf, environments: Vec<EnvironmentName>) -> Self {
        let (_, build) = value.parts.name_and_build();
        let version = build.split('@').next().unwrap_or_default().trim_start_matches(':').to_owned();
        let (kind, source) = match &of.from {
            From::Address(address) => (VersionKind::Chart, Some(without_login(address))),
            From::Repository(..) => (VersionKind::Chart, None),
            From::Git => (VersionKind::Ref, None),
        };
        Self {
            kind,
            place: value.place(file),
            name: without_login(&of.name),
            source,
            unfollowed: of.unfollowed(&version),
            version,
            environments,
            span: value.span(),
            obstacle: value.obstacle.map(str::to_owned),
            value: Some(Arc::clone(value)),
        }
    }

    /// The version of another repository that a kustomization names by its address.
    pub(crate) fn of_remote(
        file: &str,
        position: Position,
        address: &str,
        environments: Vec<EnvironmentName>,
    ) -> Option<Self> {
        let (name, query) = address.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let version = pairs.find(|(key, _)| matches!(*key, "ref" | "version")).map(|(_, value)| value)?;
        Some(Self {
            kind: VersionKind::Ref,
            place: Place {
                file: file.to_owned(),
                line: position.line,
                object: "Kustomization".to_owned(),
                field: "resources".to_owned(),
            },
            name: without_login(name),
            source: None,
            version: version.to_owned(),
            environments,
            span: 0..0,
            unfollowed: Some(GIT),
            obstacle: None,
            value: None,
        })
    }

    /// Whether one version in full stands there, and neither a range nor nothing.
    pub fn is_whole(&self) -> bool {
        is_version(&self.version)
    }

    /// The edits that write another version at the place; none where it stands there already.
    ///
    /// # Errors
    /// When the place cannot be written: something around it keeps it from that, or a git address holds it.
    pub fn edits(&self, target: &Target) -> Result<Vec<Edit>, EditError> {
        let position = Position { line: self.place.line, column: 1 };
        let Some(value) = &self.value else { return Err(EditError::Refused { position, reason: GIT }) };
        let refused = |reason| EditError::Refused { position, reason };
        match value.obstacle {
            Some(reason) => Err(refused(reason)),
            None => value.parts.edits(target).map_err(refused),
        }
    }
}

/// The versions in an object that are no image's.
pub(crate) fn charts(root: &Cursor<'_>) -> Vec<ImageValue> {
    let object = object_name(root.node);
    let Some(spec) = root.key("spec") else { return Vec::new() };
    let all = match (group(root.node), text(root.node, "kind")) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            vec![spec.at(&["chart", "spec"]).and_then(|chart| of_flux(root.node, &chart, &object))]
        }
        ("source.toolkit.fluxcd.io", "HelmChart") => vec![of_flux(root.node, &spec, &object)],
        ("source.toolkit.fluxcd.io", "OCIRepository") => vec![artifact(&spec, &object)],
        ("source.toolkit.fluxcd.io", "GitRepository") => vec![of_git(&spec, &object)],
        ("helm.cattle.io", "HelmChart") => vec![named(&spec, ["chart", "repo", "version"], &object)],
        ("helm.fluxcd.io", "HelmRelease") => {
            vec![spec.key("chart").and_then(|chart| named(&chart, ["name", "repository", "version"], &object))]
        }
        ("argoproj.io", "Application") => sources(&spec, &object),
        ("argoproj.io", "ApplicationSet") => {
            spec.at(&["template", "spec"]).map(|spec| sources(&spec, &object)).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    all.into_iter().flatten().collect()
}

/// The charts of a kustomization: `helmCharts`.
pub(crate) fn of_kustomization(root: &Cursor<'_>) -> Vec<ImageValue> {
    let charts = root.key("helmCharts");
    let all = charts.iter().flat_map(Cursor::items);
    all.filter_map(|chart| named(&chart, ["name", "repo", "version"], "Kustomization")).collect()
}

/// The charts on which a chart depends: `Chart.yaml`.
pub(crate) fn dependencies(root: &Cursor<'_>) -> Vec<ImageValue> {
    let object = format!("Chart {}", text(root.node, "name"));
    let list = root.key("dependencies");
    let all = list.iter().flat_map(Cursor::items);
    all.filter_map(|chart| named(&chart, ["name", "repository", "version"], &object)).collect()
}

/// The charts of Argo CD's sources. Of a registry it writes no scheme.
fn sources(spec: &Cursor<'_>, object: &str) -> Vec<Option<ImageValue>> {
    let several: Vec<Cursor<'_>> = spec.key("sources").iter().flat_map(Cursor::items).collect();
    let read = |source: Cursor<'_>| {
        let (chart, repository) = (source.key("chart")?, text(source.node, "repoURL"));
        let is_address = repository.contains("://");
        let address = if is_address { repository.to_owned() } else { format!("{OCI}{repository}") };
        let of = ChartOf::new(chart.text()?, From::Address(address), ways(&source, &["chart", "repoURL"]));
        Some(value(of, &chart, &source, "targetRevision", object)).filter(|_| !repository.is_empty())
    };
    spec.key("source").into_iter().chain(several).map(read).collect()
}

/// A chart of Flux, from its `HelmRepository`; charts in git and in buckets have no versions of their own.
fn of_flux(root: &Node, spec: &Cursor<'_>, object: &str) -> Option<ImageValue> {
    let (chart, reference) = (spec.key("chart")?, spec.node.get("sourceRef")?);
    if text(reference, "kind") != "HelmRepository" {
        return None;
    }
    let own = root.at(&["metadata", "namespace"]).and_then(Node::text).unwrap_or_default();
    let namespace = Some(text(reference, "namespace")).filter(|named| !named.is_empty()).unwrap_or(own);
    let from = From::Repository(namespace.to_owned(), text(reference, "name").to_owned());
    let of = ChartOf::new(chart.text()?, from, ways(spec, &["chart", "sourceRef"]));
    Some(value(of, &chart, spec, "version", object))
}

/// What Flux's `OCIRepository` follows: a digest wins over a range, and a range over a tag.
fn artifact(spec: &Cursor<'_>, object: &str) -> Option<ImageValue> {
    let url = spec.key("url")?;
    let (address, name) = url.text()?.strip_prefix(OCI)?.rsplit_once('/')?;
    let of =
        ChartOf::new(name, From::Address(format!("{OCI}{address}")), ways(spec, &["url", "ref.digest", "ref.semver"]));
    let reference = spec.key("ref");
    let key = match &reference {
        Some(reference) if reference.node.get("semver").is_some() => "semver",
        _ => "tag",
    };
    let mut found = value(of, &url, reference.as_ref().unwrap_or(spec), key, object);
    if let (None, Some(vacant)) = (&reference, &mut found.vacant) {
        vacant.field = ways(spec, &["ref.tag"]).concat();
    }
    let digest = reference.as_ref().and_then(|reference| reference.key("digest"));
    found.obstacle = found.obstacle.or(digest.as_ref().and_then(|digest| digest.obstacle));
    found.parts.digest = digest.and_then(|digest| digest.spot()).filter(|spot| !spot.text.is_empty());
    Some(found)
}

/// What Flux's `GitRepository` follows, where that is a tag or a commit.
fn of_git(spec: &Cursor<'_>, object: &str) -> Option<ImageValue> {
    let (url, reference) = (spec.key("url")?, spec.key("ref")?);
    let key = ["commit", "semver", "tag"].into_iter().find(|key| reference.node.get(key).is_some())?;
    let of = ChartOf::new(url.text()?, From::Git, ways(spec, &["url", "ref.commit", "ref.semver"]));
    Some(value(of, &url, &reference, key, object))
}

/// A chart whose name, address and version stand under these keys of a mapping. An address without a scheme is a name that
/// is given elsewhere, or a folder; without one the name may be an address itself.
fn named(chart: &Cursor<'_>, [key_name, key_address, version]: [&str; 3], object: &str) -> Option<ImageValue> {
    let key = chart.key(key_name)?;
    let name = key.text()?;
    let address = text(chart.node, key_address).trim_end_matches('/');
    let (address, name) = match name.starts_with(OCI) {
        true => name.rsplit_once('/')?,
        false => (address, name),
    };
    let is_address = ["https://", "http://", OCI].iter().any(|scheme| address.starts_with(scheme));
    let of = ChartOf::new(name, From::Address(address.to_owned()), ways(chart, &[key_name, key_address]));
    is_address.then(|| value(of, &key, chart, version, object))
}

/// A version under a key of a mapping, which may lack it; `beside` says where it is told then.
fn value(of: ChartOf, beside: &Cursor<'_>, around: &Cursor<'_>, key: &str, object: &str) -> ImageValue {
    let version = around.key(key);
    let vacant = Spot {
        text: String::new(),
        position: beside.position,
        span: beside.at..beside.at,
        field: if around.field.is_empty() { key.to_owned() } else { format!("{}.{key}", around.field) },
        obstacle: None,
        shared: None,
        is_by_alias: beside.is_by_alias(),
    };
    let obstacle = version.as_ref().and_then(|version| version.obstacle);
    let tag = version.and_then(|version| version.spot()).filter(|spot| !spot.text.is_empty());
    ImageValue {
        object: object.to_owned(),
        container: None,
        vacant: tag.is_none().then_some(vacant),
        parts: Parts { fixed_name: Some(of.in_full()), tag, ..Parts::default() },
        obstacle,
        is_kustomizable: false,
        is_of_own_kind: false,
        policy: None,
        chart: Some(of),
    }
}
