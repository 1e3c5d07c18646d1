//! Objects as the patches of a kustomization complete them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::objects::word;
use crate::{
    Files,
    find::resolve,
    kustomize::{Body, Kustomization, Patch, Reference, Renamed},
    yaml::{Documents, Node, Value},
};

/// How deep kustomizations may nest.
const MAX_DEPTH: usize = 32;

/// Objects of one kind as kustomizations make them, and the files that only patch them.
#[derive(Default)]
pub(super) struct Patched {
    /// Each with the file or folder of the kustomization, the file of the object, and why it is not known where a patch that may be
    /// for it cannot be read.
    pub objects: Vec<(String, String, Node, Option<String>)>,
    pub patch_files: HashSet<String>,
    /// Where those start that some kustomization patches: what stands there counts as the kustomizations make it.
    replaced: HashSet<Start>,
}

/// The file of an object, and its first byte.
type Start = (String, usize);

impl Patched {
    /// Carries out the patches of every kustomization on the objects of a kind that it leads to.
    pub fn read(files: &Files, kind: &str) -> Self {
        let mut patched = Self::default();
        let mut touched: HashMap<String, HashSet<Start>> = HashMap::new();
        for (path, kustomization) in files.kustomizations() {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let patches: Vec<(&Patch, Vec<Node>)> = kustomization
                .patches
                .iter()
                .filter_map(|patch| Some((patch, patched.documents(files, folder, patch, kind)?)))
                .collect();
            let unread: Vec<&Patch> = kustomization.patches.iter().filter(|patch| patch.fault().is_some()).collect();
            if patches.is_empty() && unread.is_empty() {
                continue;
            }
            let mut reached = BTreeSet::new();
            closure(files, folder, kustomization, 0, &mut reached);
            for (file, roots) in files.of_peers().filter(|(file, _)| reached.contains(*file)) {
                for object in roots.iter().filter(|root| word(root, &["kind"]) == kind) {
                    let doubt = unread.iter().find(|patch| may_be_for(patch, object)).map(|patch| {
                        format!("a patch that may be for it cannot be read (`{path}:{}`)", patch.position.line)
                    });
                    let made = with_patches(object, &patches).or_else(|| doubt.is_some().then(|| object.clone()));
                    if let Some(made) = made {
                        let start = (file.to_owned(), object.span.start);
                        patched.replaced.insert(start.clone());
                        touched.entry(folder.to_owned()).or_default().insert(start);
                        patched.objects.push((path.to_owned(), file.to_owned(), made, doubt));
                    }
                }
            }
        }
        patched.add_plain(files, kind, &touched);
        patched
    }

    /// Whether an object counts as kustomizations make it, and not as it stands in its file.
    pub fn replaces(&self, file: &str, object: &Node) -> bool {
        self.replaced.contains(&(file.to_owned(), object.span.start))
    }

    /// Adds the objects that some kustomization patches as those have them that lead to them without these patches.
    fn add_plain(&mut self, files: &Files, kind: &str, touched: &HashMap<String, HashSet<Start>>) {
        if self.replaced.is_empty() {
            return;
        }
        for folder in files.roots() {
            let Some(kustomization) = files.kustomization_of(&folder) else { continue };
            let mut reached = BTreeSet::new();
            closure(files, &folder, kustomization, 0, &mut reached);
            let inner = reached.iter().chain([&folder]).filter_map(|folder| touched.get(folder));
            let changed: HashSet<&Start> = inner.flatten().collect();
            for (file, roots) in files.of_peers().filter(|(file, _)| reached.contains(*file)) {
                for object in roots.iter().filter(|root| word(root, &["kind"]) == kind) {
                    let start = (file.to_owned(), object.span.start);
                    if self.replaced.contains(&start) && !changed.contains(&start) {
                        self.objects.push((format!("{folder}/"), file.to_owned(), object.clone(), None));
                    }
                }
            }
        }
    }

    /// The documents of a patch that may be for objects of a kind.
    fn documents(&mut self, files: &Files, folder: &str, patch: &Patch, kind: &str) -> Option<Vec<Node>> {
        let target = patch.target.as_ref().ok()?.as_ref();
        let roots = match patch.body.as_ref().ok()? {
            Body::Inline(inline) => inline.documents.roots.clone(),
            Body::File(reference) => {
                let path = resolve(folder, &reference.path)?;
                let text = files.get(&path).filter(|text| text.contains(kind) || target.is_some())?;
                let roots = Documents::read(text).roots;
                if roots.iter().any(|root| word(root, &["kind"]) == kind) {
                    self.patch_files.insert(path);
                }
                roots
            }
        };
        let is_targeted = target.is_some_and(|target| target.names_kind(kind));
        let is_one = |root: &Node| is_targeted || word(root, &["kind"]) == kind;
        Some(roots.into_iter().filter(is_one).collect::<Vec<_>>()).filter(|roots| !roots.is_empty())
    }
}

/// The files that a kustomization leads to.
pub(crate) fn closure(
    files: &Files,
    folder: &str,
    kustomization: &Kustomization,
    depth: usize,
    reached: &mut BTreeSet<String>,
) {
    let references = kustomization.resources.iter().chain(&kustomization.components);
    let paths = references.filter_map(|Reference { path, .. }| resolve(folder, path));
    for path in paths {
        if depth > MAX_DEPTH || !reached.insert(path.clone()) {
            continue;
        }
        if let Some(inner) = files.kustomization_of(&path) {
            closure(files, &path, inner, depth + 1, reached);
        }
    }
}

/// An object once the patches for it are carried out; `None` where none is for it.
fn with_patches(object: &Node, patches: &[(&Patch, Vec<Node>)]) -> Option<Node> {
    let mut made = None;
    for (patch, roots) in patches {
        for root in roots {
            let is_meant = match patch.target.as_ref().ok().and_then(Option::as_ref) {
                Some(target) => target.matches(object, &Renamed::default()),
                None => word(root, &["metadata", "name"]) == word(object, &["metadata", "name"]),
            };
            if !is_meant {
                continue;
            }
            let before = made.take().unwrap_or_else(|| object.clone());
            made = Some(match root.is_list() {
                true => root.items().iter().fold(before, with_operation),
                // What a patch for many is called is nobody's name.
                false => with_spec(before, root),
            });
        }
    }
    made
}

/// Whether a patch that cannot be read may be for an object: its target says so, or cannot be read either.
fn may_be_for(patch: &Patch, object: &Node) -> bool {
    match &patch.target {
        Ok(Some(target)) => target.matches(object, &Renamed::default()),
        Ok(None) | Err(_) => true,
    }
}

/// An object with the `spec` of a patch merged into it.
pub(crate) fn with_spec(object: Node, patch: &Node) -> Node {
    match patch.get("spec") {
        Some(spec) => with_value(&object, &["spec"], Some(spec), true),
        None => object,
    }
}

/// An object once an operation is carried out; those that move and copy change nothing here.
pub(crate) fn with_operation(object: Node, operation: &Node) -> Node {
    let pointer = word(operation, &["path"]).to_owned();
    let steps: Vec<&str> = pointer.split('/').filter(|step| !step.is_empty()).collect();
    match word(operation, &["op"]) {
        "add" | "replace" => with_value(&object, &steps, operation.get("value"), false),
        "remove" => with_value(&object, &steps, None, false),
        _ => object,
    }
}

/// The node with another value at a way of keys, put in its place or merged into it.
fn with_value(node: &Node, steps: &[&str], value: Option<&Node>, merges: bool) -> Node {
    let Some((step, rest)) = steps.split_first() else {
        return match value {
            Some(value) if merges => merged(node, value),
            Some(value) => value.clone(),
            None => node.clone(),
        };
    };
    if node.is_list() {
        return with_member(node, step, rest, value, merges);
    }
    let is_gone = rest.is_empty() && value.is_none();
    let mut entries: Vec<(Node, Node)> = Vec::new();
    let mut found = false;
    for (key, inner) in node.entries() {
        let is_it = key.text() == Some(step);
        found |= is_it;
        match (is_it, is_gone) {
            (true, true) => {}
            (true, false) => entries.push((key.clone(), with_value(inner, rest, value, merges))),
            (false, _) => entries.push((key.clone(), inner.clone())),
        }
    }
    if let Some(value) = value.filter(|_| !found) {
        let key = with(node, Value::Scalar((*step).to_owned(), granit_parser::ScalarStyle::Plain));
        let inner = with_value(&with(node, Value::Mapping(Vec::new())), rest, Some(value), merges);
        entries.push((key, inner));
    }
    with(node, Value::Mapping(entries))
}

/// A list with another member, told by its number, or with one more at its end.
fn with_member(list: &Node, step: &str, rest: &[&str], value: Option<&Node>, merges: bool) -> Node {
    let mut items = list.items().to_vec();
    match step.parse::<usize>() {
        Ok(index) if index < items.len() && rest.is_empty() && value.is_none() => {
            items.remove(index);
        }
        Ok(index) if index < items.len() => items[index] = with_value(&items[index], rest, value, merges),
        _ => items.extend(value.cloned()),
    }
    with(list, Value::Sequence(items))
}

/// Mappings are merged key by key, an empty value takes a key away, everything else takes the other's place.
fn merged(node: &Node, patch: &Node) -> Node {
    if !node.is_mapping() || !patch.is_mapping() {
        return patch.clone();
    }
    patch.entries().iter().fold(node.clone(), |node, (key, value)| {
        let Some(key) = key.text() else { return node };
        match value.is_null() {
            true => with_value(&node, &[key], None, false),
            false => with_value(&node, &[key], Some(value), true),
        }
    })
}

/// A value in the place of a node.
fn with(node: &Node, value: Value) -> Node {
    Node { value, position: node.position, span: node.span.clone(), tag: None }
}
