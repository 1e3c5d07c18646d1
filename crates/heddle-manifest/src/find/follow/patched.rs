//! Followers that patches change in their turn: what such a patch makes of what they lay over their path is not followed, so
//! it is told.

mod words;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use self::words::{lays_other, speaks_of_images};
use super::{Follower, read::read};
use crate::{
    find::{
        Files,
        closure::{Reader, resolve},
    },
    kustomize::{Body, Patch, Renamed, Transformer, Transforms},
    object::text,
    peers::{closure, with_operation, with_spec, word},
    yaml::{Documents, Node, cursor::Cursor},
};

/// The kinds of objects that follow paths.
const KINDS: [&str; 5] = ["Sync", "Kustomization", "HelmRelease", "Application", "ApplicationSet"];

/// How many values of an object are changed for the price of one that is walked.
const NODES_AT_ONCE: usize = 16;

/// An object that may follow a path, with its file.
type Object<'a> = (Arc<str>, &'a Node);

/// Puts those in doubt of which a patch changes what they lay over their path, and adds those that a patch sends to another
/// path.
pub(super) fn complete<'a>(reader: &mut Reader<'a>, objects: &[Object<'a>], all: &mut Vec<Follower<'a>>) {
    let mut by_start: HashMap<(&str, usize), Vec<&Follower<'a>>> = HashMap::new();
    all.iter().for_each(|one| by_start.entry((&one.file, one.start)).or_default().push(one));
    let mut doubts: HashMap<(Arc<str>, usize), Arc<str>> = HashMap::new();
    let mut more: Vec<Follower<'a>> = Vec::new();
    for (file, object) in objects {
        // What a template of many is patched with, once for each, is not followed.
        if let Some(patch) = object.at(&["spec", "templatePatch"]).filter(|patch| speaks_of_images(patch)) {
            doubts.insert((Arc::clone(file), object.span.start), format!("{file}:{}", patch.position.line).into());
        }
    }
    let mut reach = Reach::of(reader.files(), objects);
    for source in sources(reader.files(), all) {
        let Some(patches) = Patches::read(reader.files(), &source) else { continue };
        let Some(reached) = reach.at(reader, source.folder) else { return };
        for index in &reached.objects {
            let (file, object) = &objects[*index];
            if !reader.walk(1 + patches.steps() * reach.nodes(*index, object) / NODES_AT_ONCE, file) {
                return;
            }
            let Some(change) = Change::read(object, &patches, &reached) else { continue };
            let start = object.span.start;
            let those = by_start.get(&(&**file, start)).map(Vec::as_slice).unwrap_or_default();
            // What it lays over another path is not followed, where it lays something over it.
            let lays = those.iter().any(|one| !one.is_plain());
            for path in change.paths(file).into_iter().filter(|path| those.iter().all(|one| one.path != *path)) {
                let doubt = change.doubt.clone().or_else(|| lays.then(|| change.at.clone()));
                more.push(Follower::at(path, file, object, doubt));
            }
            if let Some(doubt) = change.doubt {
                doubts.entry((Arc::clone(file), start)).or_insert(doubt);
            }
        }
    }
    drop(by_start);
    for one in all.iter_mut() {
        one.doubt = doubts.get(&(Arc::clone(&one.file), one.start)).cloned();
    }
    all.append(&mut more);
}

/// What may patch followers: a kustomization, or a follower whose path holds others.
struct Source<'p> {
    /// The file that says so.
    home: &'p str,
    folder: &'p str,
    patches: &'p [Patch],
    transformers: &'p [Transformer],
}

fn sources<'p>(files: &'p Files, followers: &'p [Follower<'_>]) -> impl Iterator<Item = Source<'p>> {
    let of_kustomizations = files.kustomizations().map(|(home, kustomization)| {
        let folder = home.rsplit_once('/').map_or("", |(folder, _)| folder);
        Source { home, folder, patches: &kustomization.patches, transformers: &kustomization.transformers }
    });
    let of_followers = followers.iter().map(|one| Source {
        home: &one.file,
        folder: &one.path,
        patches: &one.patches,
        transformers: &[],
    });
    of_kustomizations.chain(of_followers)
}

/// The patches of one place that may be for followers, each with its documents.
struct Patches<'p> {
    home: &'p str,
    read: Vec<(&'p Patch, Vec<Node>)>,
    unread: Vec<&'p Patch>,
    /// Where something is named that may change anything in a way that is not followed.
    unknown: Option<u32>,
}

impl<'p> Patches<'p> {
    /// Reads them; nothing where none may be for a follower.
    fn read(files: &Files, source: &Source<'p>) -> Option<Self> {
        let patches = source.patches.iter();
        let read: Vec<(&Patch, Vec<Node>)> =
            patches.filter_map(|patch| Some((patch, documents(files, source.folder, patch)?))).collect();
        let unread: Vec<&Patch> = source.patches.iter().filter(|patch| patch.fault().is_some()).collect();
        let unknown = source.transformers.iter().find_map(|one| unknown(files, source.folder, one));
        let is_any = !read.is_empty() || !unread.is_empty() || unknown.is_some();
        is_any.then_some(Self { home: source.home, read, unread, unknown })
    }

    /// How often an object is changed by them.
    fn steps(&self) -> usize {
        self.read.iter().flat_map(|(_, roots)| roots).map(|root| root.items().len().max(1)).sum()
    }
}

/// The documents of a patch that may be for followers; nothing where none is.
fn documents(files: &Files, folder: &str, patch: &Patch) -> Option<Vec<Node>> {
    let target = patch.target.as_ref().ok()?.as_ref();
    if target.is_some_and(|target| !KINDS.iter().any(|kind| target.may_be_of(kind))) {
        return None;
    }
    let roots = match patch.body.as_ref().ok()? {
        Body::Inline(inline) => inline.documents.roots.clone(),
        Body::File(reference) => Documents::read(files.get(&resolve(folder, &reference.path)?)?).roots,
    };
    let is_one = |root: &Node| target.is_some() || KINDS.contains(&text(root, "kind"));
    Some(roots.into_iter().filter(is_one).collect::<Vec<_>>()).filter(|roots| !roots.is_empty())
}

/// The line of a transformer that may change anything.
fn unknown(files: &Files, folder: &str, transformer: &Transformer) -> Option<u32> {
    let (transforms, position) = match transformer {
        Transformer::Inline(inline, position) => (Some(Transforms::of_text(inline)), position),
        Transformer::File(reference) => {
            let text = resolve(folder, &reference.path).and_then(|path| files.get(&path));
            (text.map(|text| Transforms::of_documents(&Documents::read(text))), &reference.position)
        }
    };
    transforms.is_none_or(|transforms| transforms.unknown.is_some()).then_some(position.line)
}

/// The objects that the patches of a folder are for.
#[derive(Default)]
struct Reached {
    /// By their index among all.
    objects: BTreeSet<usize>,
    /// What they are called on the way.
    renamed: Renamed,
    /// Their names change on the way, so that kinds alone tell them.
    is_by_kind: bool,
}

/// Which objects a folder leads to.
struct Reach<'f> {
    files: &'f Files,
    by_file: BTreeMap<String, Vec<usize>>,
    /// The kustomizations that take a folder as a component.
    naming: HashMap<String, Vec<String>>,
    known: HashMap<String, Rc<Reached>>,
    /// How many values objects hold.
    nodes: HashMap<usize, usize>,
}

impl<'f> Reach<'f> {
    fn of(files: &'f Files, objects: &[Object<'_>]) -> Self {
        let mut by_file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, (file, object)) in objects.iter().enumerate() {
            if KINDS.contains(&text(object, "kind")) {
                by_file.entry(file.to_string()).or_default().push(index);
            }
        }
        let mut naming: HashMap<String, Vec<String>> = HashMap::new();
        for (path, kustomization) in files.kustomizations() {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for component in kustomization.components.iter().filter_map(|one| resolve(folder, &one.path)) {
                naming.entry(component).or_default().push(folder.to_owned());
            }
        }
        Self { files, by_file, naming, known: HashMap::new(), nodes: HashMap::new() }
    }

    /// The objects at a path; `None` where nothing more is walked. A component has those of whoever takes it in.
    fn at(&mut self, reader: &mut Reader<'_>, folder: &str) -> Option<Rc<Reached>> {
        if let Some(known) = self.known.get(folder) {
            return Some(Rc::clone(known));
        }
        let (mut reached, mut seen, mut next) = (Reached::default(), HashSet::new(), vec![folder.to_owned()]);
        while let Some(one) = next.pop() {
            if !seen.insert(one.clone()) {
                continue;
            }
            let walked = self.add(&one, &mut reached);
            if !reader.walk(1 + walked, folder) {
                return None;
            }
            next.extend(self.naming.get(&one).into_iter().flatten().cloned());
        }
        let reached = Rc::new(reached);
        self.known.insert(folder.to_owned(), Rc::clone(&reached));
        Some(reached)
    }

    /// Adds what a folder by itself leads to, and says how much was walked.
    fn add(&self, folder: &str, reached: &mut Reached) -> usize {
        let Some(kustomization) = self.files.kustomization_of(folder) else {
            let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let below = self.by_file.range(start.clone()..).take_while(|(file, _)| file.starts_with(&start));
            reached.objects.extend(below.flat_map(|(_, those)| those));
            return reached.objects.len();
        };
        let mut paths = BTreeSet::new();
        closure(self.files, folder, kustomization, 0, &mut paths);
        reached.objects.extend(paths.iter().filter_map(|path| self.by_file.get(path)).flatten());
        let inner = paths.iter().filter_map(|path| self.files.kustomization_of(path));
        for one in inner.chain([kustomization]) {
            one.renames.apply("", &mut reached.renamed);
        }
        reached.is_by_kind |= !reached.renamed.names.is_empty();
        paths.len()
    }

    /// How many values an object holds.
    fn nodes(&mut self, index: usize, object: &Node) -> usize {
        *self.nodes.entry(index).or_insert_with(|| count(object))
    }
}

fn count(node: &Node) -> usize {
    let items: usize = node.items().iter().map(count).sum();
    let entries: usize = node.entries().iter().map(|(_, value)| 1 + count(value)).sum();
    1 + items + entries
}

/// What patches make of a follower.
struct Change {
    made: Node,
    /// Where the patches stand.
    at: Arc<str>,
    /// The one that changes what it lays over its path.
    doubt: Option<Arc<str>>,
}

impl Change {
    fn read(object: &Node, patches: &Patches<'_>, reached: &Reached) -> Option<Self> {
        let at = |line: u32| -> Arc<str> { format!("{}:{line}", patches.home).into() };
        let unread = patches.unread.iter().find(|patch| reached.may_mean(patch, object));
        if let Some(line) = unread.map(|patch| patch.position.line).or(patches.unknown) {
            return Some(Self { made: object.clone(), at: at(line), doubt: Some(at(line)) });
        }
        let mut change: Option<Self> = None;
        for (patch, roots) in &patches.read {
            for root in roots.iter().filter(|root| reached.means(patch, root, object)) {
                let line = patch.position.line;
                let change = change.get_or_insert_with(|| Self { made: object.clone(), at: at(line), doubt: None });
                let before = std::mem::replace(&mut change.made, root.clone());
                let (made, is_known) = match root.is_list() {
                    true => (root.items().iter().fold(before, with_operation), root.items().iter().all(is_followed)),
                    // What a patch for many is called is nobody's name.
                    false => (with_spec(before, root), true),
                };
                change.made = made;
                if change.doubt.is_none() && (!is_known || lays_other(object, &change.made)) {
                    change.doubt = Some(at(line));
                }
            }
        }
        change
    }

    /// The paths that it follows then.
    fn paths(&self, file: &Arc<str>) -> Vec<String> {
        let mut found = Vec::new();
        read(file, &Cursor::root(&self.made), &Rc::default(), &mut found);
        found.into_iter().map(|one| one.path).collect()
    }
}

/// Whether an operation of a JSON patch is one that is carried out here.
fn is_followed(operation: &Node) -> bool {
    matches!(text(operation, "op"), "add" | "replace" | "remove" | "test")
}

impl Reached {
    /// Whether a document of a patch is for an object.
    fn means(&self, patch: &Patch, root: &Node, object: &Node) -> bool {
        if !matches!(patch.target, Ok(None)) {
            return self.may_mean(patch, object);
        }
        let same = |way: &[&str]| word(root, way) == word(object, way);
        let namespace = word(root, &["metadata", "namespace"]);
        let own = word(object, &["metadata", "namespace"]);
        let is_near = namespace.is_empty()
            || own.is_empty()
            || namespace == own
            || self.renamed.namespaces.iter().any(|given| given == namespace);
        same(&["kind"]) && (self.is_by_kind || is_near && same(&["metadata", "name"]))
    }

    /// Whether a patch may be for an object, as its target says.
    fn may_mean(&self, patch: &Patch, object: &Node) -> bool {
        match &patch.target {
            Ok(Some(target)) if self.is_by_kind => target.may_be_of(text(object, "kind")),
            Ok(Some(target)) => target.matches(object, &self.renamed),
            Ok(None) | Err(_) => true,
        }
    }
}
