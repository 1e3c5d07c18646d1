//! What is said of a chart besides its files: its release, its values, its cluster.

use std::{collections::BTreeSet, ffi::OsString, sync::Arc};

use heddle_manifest::documents::parse_document;
use serde_json::Value;

use super::{VERSIONS_AN_ARGUMENT, flag};
use crate::{
    Kind, ReadError, Tree, TreePath,
    render::{Files, RenderError, Rendered, cipher::has_metadata},
};

/// The longest name of a release. Source: helm's `pkg/chart/v2/util/validate_name.go`.
const MAX_NAME: usize = 53;

/// What to do where nobody says into which namespace a chart goes.
pub(super) const NO_NAMESPACE: &str = "it is a Helm chart, and nobody says into which namespace it goes: name it in \
    `spec.helm.namespace`, or exactly one in `spec.namespaces`";

/// How charts become objects: what a Sync says of the one at its path, and what its cluster is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charts {
    /// What is said of the chart at the path itself; then there must be one.
    pub release: Option<Release>,
    /// What that chart's release is called where `release` says nothing; else it is called as its directory is.
    pub name: Option<String>,
    /// The namespace of every release that names none.
    pub namespace: Option<String>,
    /// What templates learn of the cluster.
    pub cluster: ClusterView,
}

/// The release of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Files of values within the repository, each by its way from the chart; a later one is stronger.
    pub values_files: Vec<String>,
    /// Values that are stronger than those of all files; a later one is stronger.
    pub values: Vec<GivenValues>,
    /// Whether the definitions in `crds/` are left out.
    pub skip_crds: bool,
}

/// Values that are given beside the files of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenValues {
    /// What people call the place where they stand.
    pub name: String,
    /// Their text.
    pub text: String,
}

/// What templates learn of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ClusterView {
    /// What helm takes for a cluster by itself.
    #[default]
    Helms,
    /// It has to be asked first: a chart is not rendered, and [`Rendered::needs_cluster`] says so.
    Unknown,
    /// This.
    Known(Arc<Capabilities>),
}

/// What a cluster is and serves.
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    /// The version of Kubernetes, as the API server says it: `v1.34.4+k3s1`.
    pub kube_version: String,
    /// Every `version`, `group/version` and `group/version/Kind` that it serves.
    pub api_versions: BTreeSet<String>,
}

impl Eq for Capabilities {}

/// A patch of Kubernetes is no other cluster.
impl PartialEq for Capabilities {
    fn eq(&self, other: &Self) -> bool {
        let minor = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
        minor(&self.kube_version) == minor(&other.kube_version) && self.api_versions == other.api_versions
    }
}

impl ClusterView {
    pub(super) fn arguments(&self) -> Vec<OsString> {
        self.arguments_with("", Vec::new())
    }

    /// Those with another version of Kubernetes and other API versions, where there are any.
    pub(super) fn arguments_with(&self, kube_version: &str, api_versions: Vec<&str>) -> Vec<OsString> {
        let known = match self {
            Self::Known(cluster) => Some(cluster),
            Self::Helms | Self::Unknown => None,
        };
        let kube_version = match (kube_version, known) {
            ("", Some(cluster)) => cluster.kube_version.as_str(),
            (given, _) => given,
        };
        let mut arguments: Vec<OsString> = Vec::new();
        if !kube_version.is_empty() {
            arguments.push(flag("kube-version", kube_version));
        }
        let versions: Vec<&str> = match known.filter(|_| api_versions.is_empty()) {
            Some(cluster) => cluster.api_versions.iter().map(String::as_str).collect(),
            None => api_versions,
        };
        for some in versions.chunks(VERSIONS_AN_ARGUMENT) {
            arguments.push(flag("api-versions", some.join(",")));
        }
        arguments
    }
}

/// Values that helm is given, in the order of their strength.
pub(super) struct Values {
    /// Their text.
    pub(super) text: String,
    /// What the place is called where they stand: the file of the repository, or what [`GivenValues`] says.
    pub(super) name: String,
}

impl Release {
    /// Reads the values. What is wrong with them is told.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub(super) fn load_values(
        &self,
        files: &Files<'_, impl Tree>,
        directory: &TreePath,
        rendered: &mut Rendered,
    ) -> Result<Vec<Values>, ReadError> {
        let mut all = Vec::new();
        for named in &self.values_files {
            let path = match directory.resolve(named) {
                Ok(path) => path,
                Err(error) => {
                    let message = format!("`{named}` of the values files cannot be read: {error}");
                    rendered.fail(&directory.resolve("Chart.yaml").unwrap_or_default(), None, message);
                    continue;
                }
            };
            rendered.inputs.note(files.tree, &path);
            match files.tree.find(&path)? {
                Some(Kind::File(crate::FileMode::Symlink)) => {
                    rendered.fail(&path, None, "it is a symbolic link, and links are not followed".to_owned());
                }
                Some(Kind::File(_)) => all.extend(load(files, path, rendered)),
                _ => {
                    let message =
                        format!("there is no such file: correct `{named}` of the values files, or bring it back");
                    rendered.fail(&path, None, message);
                }
            }
        }
        all.extend(self.values.iter().filter_map(|given| checked(given.name.clone(), given.text.clone(), rendered)));
        Ok(all)
    }
}

/// Reads one file of values. What is wrong with it is told.
pub(super) fn load(files: &Files<'_, impl Tree>, file: TreePath, rendered: &mut Rendered) -> Option<Values> {
    match files.tree.read(&file).map(String::from_utf8) {
        Ok(Ok(text)) => checked(file.into(), text, rendered),
        Ok(Err(_)) => {
            rendered.fail(&file, None, "it is not UTF-8".to_owned());
            None
        }
        Err(error) => {
            rendered.fail(&file, None, error.to_string());
            None
        }
    }
}

/// Values that are a mapping, or nothing. What is wrong with them is told.
fn checked(name: String, text: String, rendered: &mut Rendered) -> Option<Values> {
    let (line, message) = match parse_document(&text) {
        Ok(values) if has_metadata(&values) => (
            1,
            "it is encrypted with SOPS, and values of charts are not opened: name a Secret that the chart reads"
                .to_owned(),
        ),
        Ok(Value::Object(_) | Value::Null) => return Some(Values { text, name }),
        Ok(_) => (1, "values of a chart must be a mapping".to_owned()),
        Err(error) => (error.line, error.message),
    };
    rendered.errors.push(RenderError { file: Some(name), line: Some(line), message });
    None
}

/// Checks what helm asks of the name of a release.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_part = |part: &str| {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.bytes().all(|byte| is_word(byte) || byte == b'-')
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if name.len() <= MAX_NAME && name.split('.').all(is_part) {
        return Ok(());
    }
    Err(format!("`{name}` is no name for a release: at most {MAX_NAME} small letters, digits, `-` and `.`"))
}

#[cfg(test)]
mod tests;
