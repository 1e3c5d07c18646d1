//! What the command line, and the `Sync` in a file, say of charts.

use std::sync::Arc;

use heddle_kube::sync::SyncSpec;
use heddle_manifest::documents::write_document;
use heddle_source::{Capabilities, Charts, ClusterView, GivenValues, Release};
use serde_json::Value;

use crate::{config::ChartFields, exit::Failure, objects::read_text};

/// The namespace that helm takes where nobody names one.
const DEFAULT_NAMESPACE: &str = "default";

/// What charts are rendered for where the command line says nothing.
pub(crate) struct Around {
    /// What templates learn of the cluster.
    pub cluster: ClusterView,
    /// The namespace of releases.
    pub namespace: String,
}

impl Default for Around {
    fn default() -> Self {
        Self { cluster: ClusterView::Helms, namespace: DEFAULT_NAMESPACE.to_owned() }
    }
}

/// What the command line says of the cluster.
pub(super) fn cluster_of(fields: &ChartFields) -> ClusterView {
    if fields.kube_version.is_none() && fields.api_versions.is_empty() {
        return ClusterView::Helms;
    }
    let kube_version = fields.kube_version.clone().unwrap_or_default();
    ClusterView::Known(Arc::new(Capabilities {
        kube_version,
        api_versions: fields.api_versions.iter().cloned().collect(),
    }))
}

/// How charts are rendered for a Sync of this name, with what the command line says on top.
pub(super) fn of(
    spec: &SyncSpec,
    name: Option<String>,
    fields: &ChartFields,
    namespace: Option<&str>,
) -> Result<Charts, Failure> {
    let helm = spec.helm.clone();
    let says_release = helm.is_some() || fields.release_name.is_some() || !fields.values.is_empty();
    let helm = helm.unwrap_or_default();
    let mut values = Vec::new();
    if !helm.values.is_empty() {
        let text = write_document(&Value::Object(helm.values));
        values.push(GivenValues { name: "`spec.helm.values`".to_owned(), text });
    }
    for file in &fields.values {
        values.push(GivenValues { name: file.display().to_string(), text: read_text(file)? });
    }
    let release = Release {
        name: fields.release_name.clone().or(helm.release_name),
        namespace: namespace.map(str::to_owned).or(helm.namespace),
        values_files: helm.values_files,
        values,
        skip_crds: helm.skip_crds,
    };
    let only = if let [namespace] = spec.namespaces.as_slice() { Some(namespace.as_str()) } else { None };
    let namespace = namespace.or(spec.target_namespace.as_deref()).or(only).map(str::to_owned);
    Ok(Charts { release: says_release.then_some(release), name, namespace, cluster: ClusterView::Helms })
}
