//! The spec of a Sync, read.

use std::time::Duration;

use heddle_core::git::{BranchName, RepoUrl};
use heddle_kube::sync::{CommonMetadata, Helm, RemoteBases, SyncSpec};
use heddle_manifest::documents::write_document;
use heddle_source::{Charts, ClusterView, GivenValues, Hosts, Overlay, Release};
use heddle_wire::{agent::Source, text::MAX_PATH_BYTES};
use serde_json::Value;
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
    /// What is added to the kustomization of the path, and how charts are rendered.
    pub overlay: Overlay,
    /// What every object gets.
    pub metadata: CommonMetadata,
    /// From where remote bases may come.
    pub remote: RemoteBases,
}

impl Spec {
    /// Reads what the API server let through of the Sync `name`; a fault comes as a sentence. `own` is the agent's namespace.
    pub fn read(spec: &SyncSpec, name: &str, own: &str) -> Result<Self, String> {
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
        let of_release = spec.helm.as_ref().and_then(|helm| helm.namespace.as_ref());
        for (field, namespace) in [("targetNamespace", spec.target_namespace.as_ref()), ("helm.namespace", of_release)]
        {
            check_namespace(field, namespace, spec, own)?;
        }
        let remote = spec.remote.clone().unwrap_or_default();
        let prefixes: Vec<String> = remote.logins.iter().map(|login| login.prefix.clone()).collect();
        Hosts::parse(&remote.hosts).map_err(|fault| format!("`spec.remote.hosts`: {fault}"))?;
        Hosts::parse(&prefixes).map_err(|fault| format!("`spec.remote.logins`: {fault}"))?;
        let path = spec.path.trim_matches('/').to_owned();
        let overlay = Overlay { kustomization: spec.kustomization(), charts: charts(spec, name) };
        let metadata = spec.common_metadata.clone().unwrap_or_default();
        Ok(Self { address, repository, branch, path, interval, overlay, metadata, remote })
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

    /// Whether another spec has the same files, and makes the same of them.
    pub fn has_same_files(&self, other: &Self) -> bool {
        (&self.address, &self.branch, &self.path) == (&other.address, &other.branch, &other.path)
            && (&self.overlay, &self.metadata, &self.remote) == (&other.overlay, &other.metadata, &other.remote)
    }
}

/// Whether objects may go into a namespace that a field of the spec names.
fn check_namespace(field: &str, namespace: Option<&String>, spec: &SyncSpec, own: &str) -> Result<(), String> {
    let Some(namespace) = namespace else { return Ok(()) };
    if let Some(whose) = closed_to_all(namespace, own) {
        return Err(format!("`spec.{field}` is `{namespace}`, which belongs to {whose}: name another"));
    }
    if !spec.namespaces.is_empty() && !spec.namespaces.contains(namespace) {
        return Err(format!("`spec.{field}` is `{namespace}`, which `spec.namespaces` has not: add it there"));
    }
    Ok(())
}

/// How charts are rendered. What the cluster is is known when that is done.
fn charts(spec: &SyncSpec, name: &str) -> Charts {
    let release = spec.helm.clone().map(|helm| Release {
        values: given_values(&helm),
        name: helm.release_name,
        namespace: helm.namespace,
        values_files: helm.values_files,
        skip_crds: helm.skip_crds,
    });
    let only = if let [namespace] = spec.namespaces.as_slice() { Some(namespace) } else { None };
    let namespace = spec.target_namespace.as_ref().or(only).cloned();
    Charts { release, name: Some(name.to_owned()), namespace, cluster: ClusterView::Unknown }
}

/// The values that stand in the Sync itself.
fn given_values(helm: &Helm) -> Vec<GivenValues> {
    let text = write_document(&Value::Object(helm.values.clone()));
    let given = GivenValues { name: "`spec.helm.values`".to_owned(), text };
    if helm.values.is_empty() { Vec::new() } else { vec![given] }
}

#[cfg(test)]
mod tests;
