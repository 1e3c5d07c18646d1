//! The spec of a Sync, read.

use std::time::Duration;

use heddle_core::git::{BranchName, RepoUrl};
use heddle_kube::sync::SyncSpec;
use heddle_wire::{agent::Source, text::MAX_PATH_BYTES};
use url::Url;

use crate::interval::read_interval;

/// Namespaces that belong to Kubernetes itself.
const SYSTEM_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// To whom a namespace belongs that no Sync writes to. `own` is the agent's: whoever may write there may take the agent's
/// key, and who may write to those of Kubernetes has the cluster.
pub(super) fn closed_to_all(namespace: &str, own: &str) -> Option<&'static str> {
    match namespace {
        name if name == own => Some("Heddle's agent"),
        name if SYSTEM_NAMESPACES.contains(&name) => Some("Kubernetes itself"),
        _ => None,
    }
}

/// The namespaces that no Sync writes to.
pub(super) fn closed_namespaces(own: &str) -> [&str; 4] {
    let [system, public, lease] = SYSTEM_NAMESPACES;
    [system, public, lease, own]
}

/// What a Sync follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    pub address: Url,
    pub repository: RepoUrl,
    pub branch: BranchName,
    /// Without slashes at its ends.
    pub path: String,
    pub interval: Duration,
}

impl Spec {
    /// Reads what the API server let through; a fault comes as a sentence. `own` is the agent's namespace.
    pub fn read(spec: &SyncSpec, own: &str) -> Result<Self, String> {
        let address =
            Url::parse(&spec.repository).map_err(|error| format!("`spec.repository` is no address: {error}"))?;
        let repository = RepoUrl::try_from(spec.repository.clone()).map_err(|error| error.to_string())?;
        let branch = spec.branch.parse().map_err(|error| format!("`spec.branch`: {error}"))?;
        let interval = read_interval(&spec.interval)
            .ok_or_else(|| format!("`spec.interval` is `{}`: write it like `90s`, `1m` or `1h30m`", spec.interval))?;
        if spec.path.len() > MAX_PATH_BYTES || spec.path.chars().any(char::is_control) {
            return Err(format!("`spec.path` is at most {MAX_PATH_BYTES} bytes long and holds no control characters"));
        }
        for namespace in &spec.namespaces {
            if let Some(whose) = closed_to_all(namespace, own) {
                return Err(format!("`spec.namespaces` has `{namespace}`, which belongs to {whose}: take it out"));
            }
        }
        Ok(Self { address, repository, branch, path: spec.path.trim_matches('/').to_owned(), interval })
    }

    /// The repository and the branch of a spec, where these can be read, whatever else is wrong with it.
    pub fn branch_of(spec: &SyncSpec) -> Option<(RepoUrl, BranchName)> {
        let repository = RepoUrl::try_from(spec.repository.clone()).ok()?;
        Some((repository, spec.branch.parse().ok()?))
    }

    /// What it follows, as it is told.
    pub fn source(&self) -> Source {
        Source { repository: self.repository.clone(), branch: self.branch.clone(), path: self.path.as_str().into() }
    }

    /// Whether another spec has the same files.
    pub fn has_same_files(&self, other: &Self) -> bool {
        (&self.address, &self.branch, &self.path) == (&other.address, &other.branch, &other.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> SyncSpec {
        let repository = "https://example.org/acme/config";
        let spec = serde_json::json!({"repository": repository, "path": "/apps/", "namespaces": ["shop"]});
        serde_json::from_value(spec).unwrap()
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut SyncSpec), fault: Option<&str>) {
        let mut spec = spec();
        change(&mut spec);
        let read = Spec::read(&spec, "heddle-system");
        match fault {
            None => drop(read.unwrap()),
            Some(fault) => assert!(read.as_ref().is_err_and(|error| error.contains(fault)), "{read:?}"),
        }
    }

    #[test]
    fn what_the_api_server_lets_through_is_read_or_refused_with_its_field() {
        check(|_| {}, None);
        assert_eq!(Spec::read(&spec(), "heddle-system").unwrap().path, "apps");
        check(|spec| spec.repository = "https://example.org".into(), Some("https://example.org"));
        check(|spec| spec.branch = "a..b".into(), Some("`spec.branch`"));
        check(|spec| spec.interval = "1d".into(), Some("`spec.interval` is `1d`"));
    }

    #[test]
    fn the_branch_is_known_of_a_spec_that_is_at_fault_elsewhere() {
        let is_known = |change: &dyn Fn(&mut SyncSpec)| {
            let mut spec = spec();
            change(&mut spec);
            Spec::branch_of(&spec).is_some()
        };
        assert!(is_known(&|spec| spec.interval = "1d".into()));
        assert!(!is_known(&|spec| spec.branch = "a..b".into()));
        assert!(!is_known(&|spec| spec.repository = "https://example.org".into()));
    }

    #[test]
    fn nobody_deploys_to_the_agents_namespace_or_to_those_of_kubernetes() {
        for namespace in ["heddle-system", "kube-system", "kube-public", "kube-node-lease"] {
            check(|spec| spec.namespaces.push(namespace.into()), Some(&format!("`spec.namespaces` has `{namespace}`")));
        }
        for namespace in ["default", "kube-state-metrics", "heddle"] {
            check(|spec| spec.namespaces.push(namespace.into()), None);
        }
    }

    #[test]
    fn the_same_files_are_wanted_whatever_else_a_spec_says() {
        let read = |change: &dyn Fn(&mut SyncSpec)| {
            let mut spec = spec();
            change(&mut spec);
            Spec::read(&spec, "heddle-system").unwrap()
        };
        let before = read(&|_| {});
        assert!(before.has_same_files(&read(&|spec| spec.interval = "2m".into())));
        assert!(before.has_same_files(&read(&|spec| spec.namespaces.push("other".into()))));
        assert!(!before.has_same_files(&read(&|spec| spec.path = "other".into())));
        assert!(!before.has_same_files(&read(&|spec| spec.branch = "other".into())));
    }
}
