//! Controllers of other tools that say on an object that it is theirs.

use std::collections::BTreeMap;

use crate::GroupKind;

/// A tool whose controllers apply what Git has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tool {
    /// Flux.
    Flux,
    /// Argo CD.
    ArgoCd,
}

/// What another tool's controller follows, as an object that it applied names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Controller {
    /// Whose it is.
    pub tool: Tool,
    /// Its kind.
    pub kind: GroupKind,
    /// Its namespace; `None` where the object does not say it.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Prefixes of Flux's labels, and the kinds that they name.
const FLUX: [(&str, &str); 2] =
    [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")];

const ARGO_TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// What Argo CD's older tracking shares with charts of everybody.
const ARGO_LABEL: &str = "app.kubernetes.io/instance";

const ARGO_MANAGERS: [&str; 2] = ["argocd-controller", "argocd-application-controller"];

impl Controller {
    /// The controllers that the labels and annotations of an object name. `managers` are those of its fields: the label
    /// `app.kubernetes.io/instance` is Argo CD's only where it has written to the object. Sources: Flux's
    /// `kustomize-controller` and `helm-controller` (origin labels), Argo CD's page on resource tracking.
    pub fn of(
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
        managers: &[&str],
    ) -> Vec<Self> {
        let mut found = Vec::new();
        for (group, kind) in FLUX {
            let text = |key: &str| labels.get(&format!("{group}/{key}")).cloned();
            if let Some(name) = text("name") {
                let kind = GroupKind { group: group.to_owned(), kind: kind.to_owned() };
                found.push(Self { tool: Tool::Flux, kind, namespace: text("namespace"), name });
            }
        }
        let is_argos = managers.iter().any(|manager| ARGO_MANAGERS.contains(manager));
        let tracked = annotations.get(ARGO_TRACKING).and_then(|id| id.split(':').next());
        if let Some(name) = tracked.or_else(|| labels.get(ARGO_LABEL).filter(|_| is_argos).map(String::as_str)) {
            let kind = GroupKind { group: "argoproj.io".to_owned(), kind: "Application".to_owned() };
            // An application outside of Argo CD's own namespace is called `namespace_name`.
            let (namespace, name) = match name.split_once('_') {
                Some((namespace, name)) => (Some(namespace.to_owned()), name),
                None => (None, name),
            };
            found.push(Self { tool: Tool::ArgoCd, kind, namespace, name: name.to_owned() });
        }
        found
    }
}

impl Controller {
    /// What on an object says that it is of this controller: `label NAME` or `annotation NAME`.
    pub fn mark(&self) -> String {
        match self.tool {
            Tool::Flux => format!("label `{}/name`", self.kind.group),
            Tool::ArgoCd => format!("annotation `{ARGO_TRACKING}` or label `{ARGO_LABEL}`"),
        }
    }
}

impl std::fmt::Display for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tool = match self.tool {
            Tool::Flux => "Flux",
            Tool::ArgoCd => "Argo CD",
        };
        match &self.namespace {
            Some(namespace) => write!(f, "{tool}'s {} {namespace}/{}", self.kind.kind, self.name),
            None => write!(f, "{tool}'s {} {}", self.kind.kind, self.name),
        }
    }
}
