//! The order of kinds: what others need comes first, and is deleted last.
//!
//! The list is that of Flux's `ssa/sort.go`, cut into waves: everything in a wave may be applied at once, because nothing
//! in it needs another of the same wave. Two pairs that Flux has in one stage stand in two waves here, because the API
//! server checks the first when the second comes: a role before its binding, a definition before its objects.

mod asked;
pub(crate) mod graph;

use crate::GroupKind;

pub use asked::{Order, Phase};

/// A step of an apply. Everything of one wave goes at the same time; a later one starts when it is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wave {
    /// Definitions, namespaces, classes, cluster roles.
    Foundation,
    /// Quotas, service accounts, roles.
    Accounts,
    /// Bindings of roles.
    Bindings,
    /// Configuration, storage, services.
    Configuration,
    /// Workloads.
    Workloads,
    /// Everything else, such as custom resources.
    Others,
    /// What the API server calls back: it could refuse all that comes after it.
    Webhooks,
}

/// The wave of a kind.
pub fn wave_of(kind: &GroupKind) -> Wave {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("", "Namespace")
        | ("rbac.authorization.k8s.io", "ClusterRole") => Wave::Foundation,
        (_, name) if name.ends_with("Class") => Wave::Foundation,
        ("", "ResourceQuota" | "ServiceAccount") | ("rbac.authorization.k8s.io", "Role") => Wave::Accounts,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => Wave::Bindings,
        ("", "ConfigMap" | "Secret" | "Service" | "LimitRange" | "PersistentVolume" | "PersistentVolumeClaim")
        | ("networking.k8s.io", "NetworkPolicy") => Wave::Configuration,
        ("apps", _) | ("batch", _) | ("", "Pod" | "ReplicationController") | ("policy", "PodDisruptionBudget") => {
            Wave::Workloads
        }
        ("admissionregistration.k8s.io", _) | ("apiregistration.k8s.io", "APIService") => Wave::Webhooks,
        _ => Wave::Others,
    }
}

#[cfg(test)]
mod tests;
