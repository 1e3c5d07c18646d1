//! The order of kinds: what others need comes first, and is deleted last.
//!
//! The list is that of Flux's `ssa/sort.go`, cut into classes: all of one class may be applied at once, because nothing
//! in it needs another of the same class. Two pairs that Flux has in one stage stand in two classes here, because the API
//! server checks the first when the second comes: a role before its binding, a definition before its objects.

mod asked;
pub(crate) mod graph;

use crate::GroupKind;

pub use asked::{Order, Phase};

/// What others need of a kind, in the order in which they need it. Among objects that nothing else puts in order, those of one
/// class are applied at the same time, and those of the next when they are through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KindClass {
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

/// The class of a kind.
pub fn class_of(kind: &GroupKind) -> KindClass {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition")
        | ("", "Namespace")
        | ("rbac.authorization.k8s.io", "ClusterRole") => KindClass::Foundation,
        (_, name) if name.ends_with("Class") => KindClass::Foundation,
        ("", "ResourceQuota" | "ServiceAccount") | ("rbac.authorization.k8s.io", "Role") => KindClass::Accounts,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => KindClass::Bindings,
        ("", "ConfigMap" | "Secret" | "Service" | "LimitRange" | "PersistentVolume" | "PersistentVolumeClaim")
        | ("networking.k8s.io", "NetworkPolicy") => KindClass::Configuration,
        ("apps", _) | ("batch", _) | ("", "Pod" | "ReplicationController") | ("policy", "PodDisruptionBudget") => {
            KindClass::Workloads
        }
        ("admissionregistration.k8s.io", _) | ("apiregistration.k8s.io", "APIService") => KindClass::Webhooks,
        _ => KindClass::Others,
    }
}

#[cfg(test)]
mod tests;
