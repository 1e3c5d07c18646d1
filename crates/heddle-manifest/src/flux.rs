//! Flux's objects that say which image a marker's policy is for.
//!
//! A marker may stand behind a tag alone; then `ImagePolicy` and `ImageRepository` say whose tag it is.

use crate::{
    object::{group, text},
    yaml::Node,
};

/// Namespace and name of an object.
pub(crate) type ObjectKey = (String, String);

/// What the objects of a file, or of many, say.
#[derive(Debug, Clone, Default)]
pub(crate) struct FluxImages {
    /// Policies, each with its repository.
    policies: Vec<(ObjectKey, ObjectKey)>,
    /// Repositories, each with its image.
    repositories: Vec<(ObjectKey, String)>,
}

impl FluxImages {
    /// Takes what an object says, where it is one of Flux's.
    pub fn read(&mut self, root: &Node) {
        let word = |path: &[&str]| root.at(path).and_then(Node::text).unwrap_or_default().to_owned();
        if group(root) != "image.toolkit.fluxcd.io" {
            return;
        }
        let key = (word(&["metadata", "namespace"]), word(&["metadata", "name"]));
        match text(root, "kind") {
            "ImageRepository" => self.repositories.push((key, word(&["spec", "image"]))),
            "ImagePolicy" => {
                let namespace = word(&["spec", "imageRepositoryRef", "namespace"]);
                let namespace = if namespace.is_empty() { key.0.clone() } else { namespace };
                self.policies.push((key, (namespace, word(&["spec", "imageRepositoryRef", "name"]))));
            }
            _ => {}
        }
    }

    /// Takes what another file says.
    pub fn extend(&mut self, other: &Self) {
        self.policies.extend(other.policies.iter().cloned());
        self.repositories.extend(other.repositories.iter().cloned());
    }

    /// The image that a policy is for. An object without a namespace may stand in any: a kustomization may give it one.
    pub fn image_of(&self, policy: &ObjectKey) -> Option<&str> {
        let repository = find(&self.policies, policy)?;
        find(&self.repositories, repository).map(String::as_str)
    }
}

fn find<'a, T>(list: &'a [(ObjectKey, T)], (namespace, name): &ObjectKey) -> Option<&'a T> {
    let is_it = |own: &ObjectKey| own.1 == *name && (own.0 == *namespace || own.0.is_empty() || namespace.is_empty());
    list.iter().find(|(own, _)| is_it(own)).map(|(_, value)| value)
}
