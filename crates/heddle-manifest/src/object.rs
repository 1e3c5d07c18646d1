//! Kubernetes objects in a file, and the images of their containers.

use heddle_core::place::Place;

use crate::yaml::{Node, Value};

/// A value that holds an image or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageValue {
    /// Where it stands.
    pub place: Place,
    /// The container, where it belongs to one.
    pub container: Option<String>,
    /// The text.
    pub text: String,
    /// Its first byte in the file.
    pub at: usize,
    /// Column, from 1.
    pub column: u32,
    /// Why it cannot be edited, where something around it keeps it from that.
    pub obstacle: Option<&'static str>,
}

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
    let text = |key: &str| root.get(key).and_then(Node::text).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        (api, _) if api.starts_with("kustomize.config.k8s.io/") => DocumentKind::Kustomization,
        ("", _) | (_, "") => DocumentKind::Other,
        _ => DocumentKind::Object,
    }
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

/// The images of the containers of a workload; those of each member of a list.
pub(crate) fn container_images(root: &Node, file: &str) -> Vec<ImageValue> {
    let mut found = Vec::new();
    collect(root, file, 0, &mut found);
    found
}

fn collect(root: &Node, file: &str, depth: u8, found: &mut Vec<ImageValue>) {
    let text = |key: &str| root.get(key).and_then(Node::text).unwrap_or_default();
    let path: &[&str] = match (text("apiVersion"), text("kind")) {
        ("v1", "Pod") => &["spec"],
        ("v1", "PodTemplate") => &["template", "spec"],
        ("v1", "ReplicationController") | (_, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job")
            if is_workload_group(text("apiVersion")) =>
        {
            &["spec", "template", "spec"]
        }
        (_, "CronJob") if is_workload_group(text("apiVersion")) => &["spec", "jobTemplate", "spec", "template", "spec"],
        ("v1", kind) if kind.ends_with("List") && depth < 3 => {
            for item in root.get("items").map(Node::items).unwrap_or_default() {
                collect(item, file, depth + 1, found);
            }
            return;
        }
        _ => return,
    };
    let object = object_name(root);
    let mut obstacle = obstacle_of(root, path);
    let Some(pod) = root.at(path) else { return };
    for list in ["initContainers", "containers"] {
        let Some(containers) = pod.get(list) else { continue };
        obstacle = obstacle.or_else(|| around(pod, list)).or_else(|| anchored(containers));
        for (index, container) in containers.items().iter().enumerate() {
            let Some(image) = container.get("image") else { continue };
            let Some(value) = image.text().filter(|text| !text.is_empty()) else { continue };
            let name = container.get("name").and_then(Node::text).map(str::to_owned);
            let key = name.as_ref().map_or_else(|| index.to_string(), |name| format!("name={name}"));
            let field = format!("{}.{list}[{key}].image", path.join("."));
            let obstacle = obstacle.or_else(|| anchored(container)).or_else(|| around(container, "image"));
            found.push(ImageValue {
                place: Place { file: file.to_owned(), line: image.position.line, object: object.clone(), field },
                container: name,
                text: value.to_owned(),
                at: image.span.start,
                column: image.position.column,
                obstacle,
            });
        }
    }
}

/// The groups of the kinds that Kubernetes itself runs, older ones too.
fn is_workload_group(api_version: &str) -> bool {
    matches!(api_version.split_once('/'), None | Some(("apps" | "batch" | "extensions", _)))
}

fn obstacle_of(root: &Node, path: &[&str]) -> Option<&'static str> {
    let mut node = root;
    for key in path {
        if let Some(obstacle) = anchored(node).or_else(|| around(node, key)) {
            return Some(obstacle);
        }
        node = node.get(key)?;
    }
    anchored(node)
}

/// A value below an anchor may also stand elsewhere, by an alias.
pub(crate) fn anchored(node: &Node) -> Option<&'static str> {
    node.anchored.then_some("the value stands below an anchor, and aliases may take it over to other places")
}

/// What is wrong with a mapping around one of its keys.
pub(crate) fn around(node: &Node, key: &str) -> Option<&'static str> {
    let count = |wanted: &str| node.entries().iter().filter(|(name, _)| name.text() == Some(wanted)).count();
    if count(key) > 1 {
        return Some("the key stands twice in its mapping: keep one");
    }
    let value_is_alias = node.get(key).is_some_and(|value| matches!(value.value, Value::Alias));
    if value_is_alias {
        return Some("the value is an alias: write it out");
    }
    (count("<<") > 0).then_some("a merge key stands beside the value: write the mapping out")
}
