//! Kubernetes objects in a file, and the images of their containers.

use crate::{
    image::ImageValue,
    policy::FoundPolicy,
    yaml::{Node, cursor::Cursor},
};

/// What stands in a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    /// An object of Kubernetes.
    Object,
    /// A kustomization or a component.
    Kustomization,
    /// Something else; a file of values, for example.
    Other,
}

/// Tells objects from other documents.
pub(crate) fn kind_of(root: &Node) -> DocumentKind {
    match (text(root, "apiVersion"), text(root, "kind")) {
        (api, _) if api.starts_with("kustomize.config.k8s.io/") => DocumentKind::Kustomization,
        ("", _) | (_, "") => DocumentKind::Other,
        _ => DocumentKind::Object,
    }
}

pub(crate) fn text<'a>(root: &'a Node, key: &str) -> &'a str {
    root.get(key).and_then(Node::text).unwrap_or_default()
}

/// The group of an `apiVersion`; empty for the core group.
pub(crate) fn group(root: &Node) -> &str {
    text(root, "apiVersion").split_once('/').map_or("", |(group, _)| group)
}

/// `kind namespace/name` or `kind name`.
pub(crate) fn object_name(root: &Node) -> String {
    let text = |path: &[&str]| root.at(path).and_then(Node::text).filter(|text| !text.is_empty());
    let kind = text(&["kind"]).unwrap_or("Object");
    let name = text(&["metadata", "name"]).or(text(&["metadata", "generateName"])).unwrap_or("?");
    match text(&["metadata", "namespace"]) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

/// Whether it is a list of objects, and not one itself.
pub(crate) fn is_list(root: &Node) -> bool {
    text(root, "apiVersion") == "v1" && text(root, "kind").ends_with("List")
}

/// The images of the containers of a workload.
pub(crate) fn container_images(root: &Cursor<'_>) -> Vec<ImageValue> {
    let Some(pod) = pod_path(root.node).and_then(|path| root.at(path)) else { return Vec::new() };
    let object = object_name(root.node);
    let mut found = pod_images(&pod, &object);
    // Groups of resources that are none of Kubernetes' own are domains.
    let is_of_own_kind = !group(root.node).contains('.');
    let keel = FoundPolicy::of_keel(root.node);
    // Keel leaves these alone where nobody asks for them.
    let keels_init = keel.clone().filter(|found| found.setting("initContainers") == Some("true"));
    for image in &mut found {
        image.is_of_own_kind = is_of_own_kind;
        let is_init = image.spot().is_some_and(|spot| spot.field.contains("initContainers["));
        let name = image.container.as_deref().unwrap_or_default();
        let keel = if is_init { &keels_init } else { &keel };
        image.policy = FoundPolicy::of_flux_v1(root.node, name).or_else(|| keel.clone());
    }
    for volume in pod.key("volumes").iter().flat_map(Cursor::items) {
        // An image as a volume belongs to no container.
        let image = volume.at(&["image", "reference"]).and_then(|image| ImageValue::whole(&image, &object, None));
        found.extend(image);
    }
    found
}

/// The images of the containers of a pod, by its spec.
pub(crate) fn pod_images(pod: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let mut found = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in pod.key(list).iter().flat_map(Cursor::items) {
            // Kustomize knows the other lists, not this one.
            let is_kustomizable = list != "ephemeralContainers";
            found.extend(container_image(&container, object).map(|image| ImageValue { is_kustomizable, ..image }));
        }
    }
    found
}

/// The image of a container.
pub(crate) fn container_image(container: &Cursor<'_>, object: &str) -> Option<ImageValue> {
    let name = container.node.get("name").and_then(Node::text).map(str::to_owned);
    ImageValue::whole(&container.key("image")?, object, name)
}

/// Where the pod of a workload stands.
fn pod_path(root: &Node) -> Option<&'static [&'static str]> {
    let core = text(root, "apiVersion") == "v1";
    Some(match (group(root), text(root, "kind")) {
        ("", "Pod") if core => &["spec"],
        ("", "PodTemplate") if core => &["template", "spec"],
        ("", "ReplicationController") if core => &["spec", "template", "spec"],
        ("" | "apps" | "batch" | "extensions", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job")
        | ("argoproj.io", "Rollout")
        | ("serving.knative.dev", "Service" | "Configuration") => &["spec", "template", "spec"],
        ("" | "batch", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return None,
    })
}
