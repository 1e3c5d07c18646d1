//! What identifies an object in a cluster.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A kind of objects, whatever its version: an object keeps its identity when its version changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

impl GroupKind {
    /// From a manifest's `apiVersion` and `kind`.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self { group: group.to_owned(), kind: kind.to_owned() }
    }

    /// Whether a person's `Deployment`, or `Certificate.cert-manager.io`, means this kind.
    pub fn is_named(&self, name: &str) -> bool {
        match name.split_once('.') {
            Some((kind, group)) => kind == self.kind && group == self.group,
            None => name == self.kind,
        }
    }

    /// The definition of custom resources.
    pub fn is_definition(&self) -> bool {
        self.kind == "CustomResourceDefinition" && self.group == "apiextensions.k8s.io"
    }

    /// The kind `Namespace` of the core group.
    pub fn is_namespace(&self) -> bool {
        self.kind == "Namespace" && self.group.is_empty()
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_str() {
            "" => f.write_str(&self.kind),
            group => write!(f, "{}.{group}", self.kind),
        }
    }
}

/// One object of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    /// Its kind.
    #[serde(flatten)]
    pub kind: GroupKind,
    /// Its namespace; `None` for an object of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// Whether the object goes when `holder` does: the namespace that it lies in, or the definition of its kind. A
    /// definition is called by the plural and the group, as `certificates.cert-manager.io`; a kind of its group that is not
    /// among `plurals` may be the one.
    pub fn goes_with(&self, holder: &Self, plurals: &BTreeMap<GroupKind, String>) -> bool {
        if holder.kind.is_namespace() {
            return self.namespace.as_ref() == Some(&holder.name);
        }
        let Some((plural, group)) = holder.name.split_once('.').filter(|_| holder.kind.is_definition()) else {
            return false;
        };
        group == self.kind.group && plurals.get(&self.kind).is_none_or(|served| served == plural)
    }

    /// The namespace and the definition with which the object goes, whoever has them, by the names that they have. A
    /// definition's is known of the kinds among `plurals`; its group is a domain.
    pub fn holders(&self, plurals: &BTreeMap<GroupKind, String>) -> Vec<Self> {
        let holder = |api_version: &str, kind: &str, name: String| Self {
            kind: GroupKind::new(api_version, kind),
            namespace: None,
            name,
        };
        let group = &self.kind.group;
        let plural = plurals.get(&self.kind).filter(|_| group.contains('.'));
        let definition = plural.map(|plural| format!("{plural}.{group}"));
        let namespace = self.namespace.clone().map(|name| holder("v1", "Namespace", name));
        let definition = definition.map(|name| holder("apiextensions.k8s.io/v1", "CustomResourceDefinition", name));
        namespace.into_iter().chain(definition).collect()
    }

    /// Whether objects go with this one: it is a namespace or a definition.
    pub fn holds_others(&self) -> bool {
        self.kind.is_namespace() || self.kind.is_definition()
    }

    /// Of an object as it is written; what it does not say is empty.
    pub fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let namespace = Some(text(&object["metadata"]["namespace"])).filter(|namespace| !namespace.is_empty());
        let kind = GroupKind::new(&text(&object["apiVersion"]), &text(&object["kind"]));
        Self { kind, namespace, name: text(&object["metadata"]["name"]) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind.kind, self.name),
            None => write!(f, "{} {}", self.kind.kind, self.name),
        }
    }
}

/// The hash by which two texts are told apart: the first 16 bytes of SHA-256, in hexadecimal.
pub fn hash_text(text: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(text.as_ref());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
