//! Flux's objects that say which image a marker's policy is for, and where charts come from.
//!
//! A marker may stand behind a tag alone; then `ImagePolicy` and `ImageRepository` say whose tag it is.

use std::sync::Arc;

use crate::{
    object::{group, text},
    yaml::Node,
};

/// Namespace and name of an object.
pub(crate) type ObjectKey = (String, String);

/// What an object says, with its file.
type Placed<T> = (ObjectKey, Arc<str>, T);

/// What the objects of a file, or of many, say.
#[derive(Debug, Clone, Default)]
pub(crate) struct FluxImages {
    /// Policies, each with its repository.
    policies: Vec<Placed<ObjectKey>>,
    /// Repositories, each with its image.
    repositories: Vec<Placed<String>>,
    /// Repositories of charts, each with its address.
    charts: Vec<Placed<String>>,
}

impl FluxImages {
    /// Takes what an object says, where it is one of Flux's.
    pub fn read(&mut self, path: &str, root: &Node) {
        let word = |path: &[&str]| root.at(path).and_then(Node::text).unwrap_or_default().to_owned();
        let group = group(root);
        if !matches!(group, "image.toolkit.fluxcd.io" | "source.toolkit.fluxcd.io") {
            return;
        }
        let key = (word(&["metadata", "namespace"]), word(&["metadata", "name"]));
        match text(root, "kind") {
            "HelmRepository" => self.charts.push((key, path.into(), word(&["spec", "url"]))),
            "ImageRepository" => self.repositories.push((key, path.into(), word(&["spec", "image"]))),
            "ImagePolicy" => {
                let namespace = word(&["spec", "imageRepositoryRef", "namespace"]);
                let namespace = if namespace.is_empty() { key.0.clone() } else { namespace };
                self.policies.push((key, path.into(), (namespace, word(&["spec", "imageRepositoryRef", "name"]))));
            }
            _ => {}
        }
    }

    /// Takes what another file says.
    pub fn extend(&mut self, other: &Self) {
        self.policies.extend(other.policies.iter().cloned());
        self.repositories.extend(other.repositories.iter().cloned());
        self.charts.extend(other.charts.iter().cloned());
    }

    /// The image of the policy that is meant in a file. An object without a namespace may stand in any: a kustomization may
    /// give it one. Of several of one name, which stand in different clusters, the one in the nearest folder is meant.
    /// With the image comes the file of the policy.
    pub fn image_of(&self, policy: &ObjectKey, file: &str) -> Option<(&str, &str)> {
        let (at, repository) = find(&self.policies, policy, file)?;
        find(&self.repositories, repository, at).map(|(_, image)| (image.as_str(), at))
    }
}

impl FluxImages {
    /// The address of the `HelmRepository` that is meant in a file.
    pub fn charts_of(&self, repository: &ObjectKey, file: &str) -> Option<&str> {
        let those = || self.charts.iter().filter(|(own, ..)| is_meant(own, repository));
        let nearest = those().map(|(_, at, _)| nearness(at, file)).max()?;
        let mut addresses = those().filter(|(_, at, _)| nearness(at, file) == nearest).map(|(.., address)| address);
        // Of several that are as near nobody knows which one a cluster has.
        let first = addresses.next()?;
        addresses.all(|other| other == first).then_some(first.as_str()).filter(|address| !address.is_empty())
    }
}

/// How many folders two files have in common, from the root on.
pub(crate) fn nearness(left: &str, right: &str) -> usize {
    let folders = |path: &'_ str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let (left, right) = (folders(left), folders(right));
    let same = left.split('/').zip(right.split('/')).take_while(|(left, right)| left == right && !left.is_empty());
    same.count()
}

/// Whether an object is the one that is named; without a namespace it may stand in any.
fn is_meant(own: &ObjectKey, (namespace, name): &ObjectKey) -> bool {
    own.1 == *name && (own.0 == *namespace || own.0.is_empty() || namespace.is_empty())
}

fn find<'a, T>(list: &'a [Placed<T>], named: &ObjectKey, near: &str) -> Option<(&'a str, &'a T)> {
    let meant =
        list.iter().rev().filter(|(own, ..)| is_meant(own, named)).max_by_key(|(_, file, _)| nearness(file, near))?;
    Some((&meant.1, &meant.2))
}
