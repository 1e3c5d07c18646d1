//! Followers that patches change in their turn: what such a patch makes of what they lay over their path is not followed, so
//! it is told.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{Follower, read::read};
use crate::{
    find::{
        Files,
        closure::{Reader, resolve},
    },
    kustomize::{Body, Patch},
    object::text,
    peers::{closure, may_be_for, with_patches},
    yaml::{Documents, Node, Value, cursor::Cursor},
};

/// The kinds of objects that follow paths.
const KINDS: [&str; 5] = ["Sync", "Kustomization", "HelmRelease", "Application", "ApplicationSet"];

/// Where kinds of followers say what they lay over their path.
const LAID: [&[&str]; 12] = [
    &["spec", "images"],
    &["spec", "patches"],
    &["spec", "patchesStrategicMerge"],
    &["spec", "patchesJson6902"],
    &["spec", "components"],
    &["spec", "helm"],
    &["spec", "values"],
    &["spec", "chart", "spec", "valuesFiles"],
    &["spec", "source"],
    &["spec", "sources"],
    &["spec", "template", "spec", "source"],
    &["spec", "template", "spec", "sources"],
];

/// Keys of a source that lay nothing over it: where it is, and which revision of it.
const PLACES: [&str; 6] = ["path", "repoURL", "targetRevision", "ref", "name", "chart"];

/// Words in keys and pointers that lead to an image or to the version of a chart, beside all that hold "image" or end in
/// "tag" or "digest".
const OF_IMAGES: [&str; 11] =
    ["newname", "sha", "sha256", "repository", "registry", "hub", "version", "chart", "url", "semver", "templatepatch"];

/// An object that may follow a path, with its file.
type Object<'a> = (Arc<str>, &'a Node);

/// Patches of one place, each with the documents that may be for followers.
struct Patches<'p> {
    home: &'p str,
    /// The files of the objects that they reach.
    reached: BTreeSet<String>,
    read: Vec<(&'p Patch, Vec<Node>)>,
    unread: Vec<&'p Patch>,
}

/// Puts those in doubt of which a patch changes what they lay over their path, and adds those that a patch sends to another
/// path.
pub(super) fn complete<'a>(reader: &mut Reader<'a>, objects: &[Object<'a>], all: &mut Vec<Follower<'a>>) {
    let files = reader.files();
    let mut doubts: HashMap<(Arc<str>, usize), Arc<str>> = HashMap::new();
    let mut more: Vec<Follower<'a>> = Vec::new();
    let by_file = by_file(objects);
    for patches in patches(files, all) {
        let reached = patches.reached.iter().filter_map(|file| by_file.get(file.as_str())).flatten();
        for (file, object) in reached {
            if !reader.walk(1 + patches.read.len(), file) {
                return;
            }
            let Some(change) = Change::read(object, &patches) else { continue };
            let doubt = change.doubt.clone();
            let start = object.span.start;
            let own: HashSet<String> =
                all.iter().filter(|one| one.is_of(file, start)).map(|one| one.path.clone()).collect();
            // What it lays over another path is not followed, where it lays something over it.
            let elsewhere = change.paths(file).into_iter().filter(|path| !own.contains(path));
            let lays = all.iter().any(|one| one.is_of(file, start) && !one.is_plain());
            for path in elsewhere {
                let doubt = doubt.clone().or_else(|| lays.then(|| change.at.clone()));
                more.push(Follower::at(path, file, object, doubt));
            }
            if let Some(doubt) = doubt {
                doubts.insert((Arc::clone(file), start), doubt);
            }
        }
    }
    for one in all.iter_mut() {
        one.doubt = doubts.get(&(Arc::clone(&one.file), one.start)).cloned();
    }
    all.append(&mut more);
}

fn by_file<'o, 'a>(objects: &'o [Object<'a>]) -> HashMap<&'o str, Vec<&'o Object<'a>>> {
    let mut by_file: HashMap<&str, Vec<&Object<'a>>> = HashMap::new();
    let followers = objects.iter().filter(|(_, object)| KINDS.contains(&text(object, "kind")));
    followers.for_each(|one| by_file.entry(&one.0).or_default().push(one));
    by_file
}

/// The patches that may be for followers: those of kustomizations, and of followers whose path holds others.
fn patches<'p>(files: &'p Files, followers: &'p [Follower<'_>]) -> Vec<Patches<'p>> {
    let of_kustomizations = files.kustomizations().map(|(path, kustomization)| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        (path, folder, kustomization.patches.as_slice())
    });
    let of_followers = followers.iter().map(|one| (&*one.file, one.path.as_str(), one.patches.as_slice()));
    let read = |(home, folder, patches): (&'p str, &'p str, &'p [Patch])| {
        let read: Vec<(&Patch, Vec<Node>)> =
            patches.iter().filter_map(|patch| Some((patch, documents(files, folder, patch)?))).collect();
        let unread: Vec<&Patch> = patches.iter().filter(|patch| patch.fault().is_some()).collect();
        let is_for_any = !read.is_empty() || !unread.is_empty();
        is_for_any.then(|| Patches { home, reached: reached(files, folder), read, unread })
    };
    of_kustomizations.chain(of_followers).filter_map(read).collect()
}

/// The files of the objects at a path.
fn reached(files: &Files, folder: &str) -> BTreeSet<String> {
    match files.kustomization_of(folder) {
        Some(kustomization) => {
            let mut reached = BTreeSet::new();
            closure(files, folder, kustomization, 0, &mut reached);
            reached
        }
        None => files.below(folder).map(str::to_owned).collect(),
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

/// What patches make of a follower.
struct Change {
    made: Node,
    /// Where the patches stand.
    at: Arc<str>,
    /// The same, where they change what it lays over its path.
    doubt: Option<Arc<str>>,
}

impl Change {
    fn read(object: &Node, patches: &Patches<'_>) -> Option<Self> {
        let line = |patch: &Patch| -> Arc<str> { format!("{}:{}", patches.home, patch.position.line).into() };
        if let Some(patch) = patches.unread.iter().find(|patch| may_be_for(patch, object)) {
            let at = line(patch);
            return Some(Self { made: object.clone(), doubt: Some(Arc::clone(&at)), at });
        }
        let meant = patches.read.iter().find(|(patch, _)| may_be_for(patch, object))?;
        let made = with_patches(object, &patches.read)?;
        let at = line(meant.0);
        let is_other = LAID.iter().any(|way| differs(object.at(way), made.at(way), false));
        Some(Self { made, doubt: is_other.then(|| Arc::clone(&at)), at })
    }

    /// The paths that it follows then.
    fn paths(&self, file: &Arc<str>) -> Vec<String> {
        let mut found = Vec::new();
        read(file, &Cursor::root(&self.made), &std::rc::Rc::default(), &mut found);
        found.into_iter().map(|one| one.path).collect()
    }
}

/// Whether two values differ in what may lead to an image; `is_of_image` where the way to them does.
fn differs(before: Option<&Node>, after: Option<&Node>, is_of_image: bool) -> bool {
    match (before, after) {
        (None, None) => false,
        (None, Some(only)) | (Some(only), None) => is_of_image && !is_empty(only) || speaks_of_images(only),
        (Some(before), Some(after)) if before.is_mapping() && after.is_mapping() => {
            let keys: BTreeSet<&str> =
                before.entries().iter().chain(after.entries()).filter_map(|(key, _)| key.text()).collect();
            let differs = |key: &&str| differs(before.get(key), after.get(key), is_of_image || is_word(key));
            keys.iter().filter(|key| !PLACES.contains(key)).any(differs)
        }
        (Some(before), Some(after)) if is_sources(before) && before.items().len() == after.items().len() => {
            let mut pairs = before.items().iter().zip(after.items());
            pairs.any(|(before, after)| differs(Some(before), Some(after), is_of_image))
        }
        (Some(before), Some(after)) => {
            !is_same(before, after) && (is_of_image || speaks_of_images(before) || speaks_of_images(after))
        }
    }
}

/// Whether it is a list of what Argo CD takes together, of which each is a thing of its own.
fn is_sources(node: &Node) -> bool {
    !node.items().is_empty() && node.items().iter().all(|item| item.get("repoURL").is_some())
}

fn is_empty(node: &Node) -> bool {
    node.is_null() || !node.is_scalar() && node.items().is_empty() && node.entries().is_empty()
}

fn is_same(one: &Node, other: &Node) -> bool {
    let all = |one: &[Node], other: &[Node]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
    };
    match (&one.resolved().value, &other.resolved().value) {
        (Value::Scalar(one, _), Value::Scalar(other, _)) => one == other,
        (Value::Sequence(one), Value::Sequence(other)) => all(one, other),
        (Value::Mapping(one), Value::Mapping(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.into_iter().all(|(one, other)| is_same(&one.0, &other.0) && is_same(&one.1, &other.1))
        }
        _ => false,
    }
}

/// Whether something in a value may lead to an image: a key, a pointer of an operation, the name of a parameter; in a text
/// that is YAML too.
fn speaks_of_images(node: &Node) -> bool {
    if let Some(text) = node.text() {
        let inner = text.contains('\n').then(|| Documents::read(text));
        return match inner.filter(|inner| inner.error.is_none()) {
            Some(inner) => inner.roots.iter().any(|root| !root.is_scalar() && speaks_of_images(root)),
            None => is_word(text),
        };
    }
    let of_key = |(key, value): &(Node, Node)| {
        let key = key.text().unwrap_or_default();
        // Whom a patch is for is no part of what it says.
        key != "target" && (is_word(key) || speaks_of_images(value))
    };
    node.items().iter().any(speaks_of_images) || node.entries().iter().any(of_key)
}

/// Whether a key, or a step of a way of keys, is a word of images.
fn is_word(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut steps = text.split(|c: char| matches!(c, '/' | '.' | '[' | ']' | ':' | '=') || c.is_whitespace());
    let is_one = |step: &str| OF_IMAGES.contains(&step) || step.ends_with("tag") || step.ends_with("digest");
    text.contains("image") || steps.any(is_one)
}
