//! Fields that are another controller's by its nature, in one table: only these are given up without a word.

use serde_json::Value;

use crate::{GroupKind, ObjectKey, wildcard::fits};

/// A field that certain managers may change in whatever others apply.
struct OfManagers {
    /// Empty for every kind.
    kind: &'static str,
    path: &'static str,
    managers: &'static [&'static str],
}

/// A field that an object itself gives to a controller.
struct OnRequest {
    kinds: &'static [&'static str],
    asks: Asks,
    path: &'static str,
}

enum Asks {
    /// By an annotation.
    Annotation(&'static str),
    /// By a label.
    Label(&'static str),
    /// By a field.
    Field(&'static str),
}

/// Whoever writes authorities without being asked by an annotation: cert-manager's injector under the names that it had,
/// kube-webhook-certgen of ingress-nginx and kube-prometheus-stack, OpenShift's service-ca.
const AUTHORITIES: [&str; 6] = [
    "cainjector",
    "cert-manager-cainjector",
    "controller",
    "kube-webhook-certgen",
    "service-ca-operator",
    "service-ca-controller",
];

const OF_MANAGERS: [OfManagers; 8] = [
    // Whether a node can be reached and has room.
    OfManagers { kind: "Node", path: "spec.taints", managers: &["kube-controller-manager"] },
    // The scale subresource is written by the horizontal autoscaler, and by KEDA through it.
    OfManagers { kind: "", path: "spec.replicas", managers: &["kube-controller-manager", "horizontal-pod-autoscaler"] },
    OfManagers {
        kind: "",
        path: "spec.template.spec.containers[*].resources.*",
        managers: &["vpa-updater", "vpa-recommender", "vpa-admission-controller"],
    },
    OfManagers { kind: "", path: "webhooks[*].clientConfig.caBundle", managers: &AUTHORITIES },
    OfManagers {
        kind: "CustomResourceDefinition",
        path: "spec.conversion.webhook.clientConfig.caBundle",
        managers: &AUTHORITIES,
    },
    OfManagers { kind: "APIService", path: "spec.caBundle", managers: &AUTHORITIES },
    OfManagers { kind: "Service", path: "spec.clusterIP*", managers: &["kube-apiserver"] },
    // A manifest that was copied out of a cluster has the number of a rollout in it.
    OfManagers {
        kind: "Deployment",
        path: "metadata.annotations.deployment.kubernetes.io/revision",
        managers: &["kube-controller-manager"],
    },
];

const WEBHOOKS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sources: Kubernetes on aggregated ClusterRoles; cert-manager on its CA injector; OpenShift on service serving certificates
/// and on the trusted CA bundle.
const ON_REQUEST: [OnRequest; 18] = [
    OnRequest { kinds: &["ClusterRole"], asks: Asks::Field("aggregationRule"), path: "rules" },
    webhook(Asks::Annotation("cert-manager.io/inject-ca-from")),
    webhook(Asks::Annotation("cert-manager.io/inject-ca-from-secret")),
    webhook(Asks::Annotation("cert-manager.io/inject-apiserver-ca")),
    webhook(Asks::Annotation("service.beta.openshift.io/inject-cabundle")),
    definition(Asks::Annotation("cert-manager.io/inject-ca-from")),
    definition(Asks::Annotation("cert-manager.io/inject-ca-from-secret")),
    definition(Asks::Annotation("cert-manager.io/inject-apiserver-ca")),
    definition(Asks::Annotation("service.beta.openshift.io/inject-cabundle")),
    api_service(Asks::Annotation("cert-manager.io/inject-ca-from")),
    api_service(Asks::Annotation("cert-manager.io/inject-ca-from-secret")),
    api_service(Asks::Annotation("cert-manager.io/inject-apiserver-ca")),
    api_service(Asks::Annotation("service.beta.openshift.io/inject-cabundle")),
    // The whole of these ConfigMaps is written anew with the bundle alone.
    config_map(Asks::Annotation("service.beta.openshift.io/inject-cabundle"), "data"),
    config_map(Asks::Annotation("service.beta.openshift.io/inject-cabundle"), "data.*"),
    config_map(Asks::Annotation("service.alpha.openshift.io/inject-cabundle"), "data.*"),
    config_map(Asks::Label("config.openshift.io/inject-trusted-cabundle"), "data"),
    config_map(Asks::Label("config.openshift.io/inject-trusted-cabundle"), "data.ca-bundle.crt"),
];

const fn webhook(asks: Asks) -> OnRequest {
    OnRequest { kinds: &WEBHOOKS, asks, path: "webhooks[*].clientConfig.caBundle" }
}

const fn definition(asks: Asks) -> OnRequest {
    OnRequest { kinds: &["CustomResourceDefinition"], asks, path: "spec.conversion.webhook.clientConfig.caBundle" }
}

const fn api_service(asks: Asks) -> OnRequest {
    OnRequest { kinds: &["APIService"], asks, path: "spec.caBundle" }
}

const fn config_map(asks: Asks, path: &'static str) -> OnRequest {
    OnRequest { kinds: &["ConfigMap"], asks, path }
}

/// Who may change which fields of ours without that being drift.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriftRules {
    /// Places that anybody may change: `spec.replicas`, `metadata.annotations.*`, `spec.template.spec.containers[*].image`.
    pub ignore: Vec<String>,
}

impl DriftRules {
    /// The rules for an object: what the Sync leaves to others, and what the object itself does.
    pub fn of(manifest: &Value, ignore: Vec<String>) -> Self {
        let kind = ObjectKey::of(manifest).kind.kind;
        let metadata = &manifest["metadata"];
        let asks = |row: &&OnRequest| {
            row.kinds.contains(&kind.as_str())
                && match row.asks {
                    Asks::Annotation(name) => !metadata["annotations"][name].is_null(),
                    Asks::Label(name) => !metadata["labels"][name].is_null(),
                    Asks::Field(name) => !manifest[name].is_null(),
                }
        };
        let asked = ON_REQUEST.iter().filter(asks).map(|row| row.path.to_owned());
        let mut ignore: Vec<String> = ignore.into_iter().chain(asked).collect();
        empty_maps("", manifest, &mut ignore);
        Self { ignore }
    }

    /// The same rules, which leave these fields to others too.
    pub fn and_ignore(&self, fields: impl IntoIterator<Item = String>) -> Self {
        Self { ignore: self.ignore.iter().cloned().chain(fields).collect() }
    }

    pub(super) fn allow(&self, kind: &GroupKind, path: &str, manager: &str) -> bool {
        self.ignore.iter().any(|pattern| fits(pattern, path))
            || OF_MANAGERS.iter().any(|row| {
                (row.kind.is_empty() || row.kind == kind.kind)
                    && fits(row.path, path)
                    && row.managers.contains(&manager)
            })
    }
}

/// The empty maps of a manifest. One says nothing: who puts something into it changes nothing of ours, and the API server
/// takes it out of our fields all the same.
fn empty_maps(path: &str, value: &Value, found: &mut Vec<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match inner.as_object() {
            Some(inner) if inner.is_empty() => found.push(path),
            _ => empty_maps(&path, inner, found),
        }
    }
}
