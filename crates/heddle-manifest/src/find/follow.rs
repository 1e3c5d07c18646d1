//! What objects that follow a path of the branch lay over what stands there: patches and `images` of a `Sync`, of Flux's
//! `Kustomization`s and of Argo CD's `Application`s; values and parameters by which they, and a `HelmRelease`, install a
//! chart of the branch.
//!
//! Each follower makes something of its own of a path. Whether the repository that it names is this one is not known: one
//! that follows a folder which stands here is taken to mean it, and one that follows another repository's root is not.

mod layer;
mod patched;
mod read;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use self::layer::Layer;
use super::{
    closure::{Reader, folders_around, join},
    covers, effective,
    live::Live,
    patches,
};
use crate::{
    image::ImageValue,
    kustomize::{ImageEntry, Patch},
    object::{is_list, object_name},
    policy::FoundPolicy,
    yaml::{Node, cursor::Cursor},
};

/// The objects that follow paths, by the path.
#[derive(Debug, Default)]
pub(super) struct Followers<'a> {
    by_path: BTreeMap<String, Vec<Follower<'a>>>,
    /// The paths whose followers name a file of values.
    by_values: BTreeMap<String, BTreeSet<String>>,
}

/// The path of what follows no folder: a chart from elsewhere, with files of values from here.
const ELSEWHERE: &str = "$chart";

/// The images of a file, by their places in it.
type Known<'a> = HashMap<(usize, &'a str), &'a Arc<ImageValue>>;

/// An object that follows a path.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    /// The path, without slashes at its ends.
    pub path: String,
    /// The file of the object.
    pub file: Arc<str>,
    /// Where the object starts in it.
    start: usize,
    /// Its name, as places have it.
    object: String,
    /// What carries annotations of Argo CD Image Updater.
    annotated: Option<&'a Node>,
    /// Its patches.
    pub patches: Vec<Patch>,
    /// Its entries of `images`.
    pub images: Vec<ImageEntry>,
    /// The files of values that it names for a chart.
    values_files: Vec<String>,
    /// What it sets in the values of a chart, the strongest last.
    layers: Vec<Layer<'a>>,
    /// A patch that changes what it lays over its path, by file and line.
    doubt: Option<Arc<str>>,
    /// The images of its file, which all followers in that file share.
    known: Rc<OnceCell<Known<'a>>>,
}

impl<'a> Followers<'a> {
    /// Reads what follows paths in all files.
    pub fn read(reader: &mut Reader<'a>) -> Self {
        let (mut all, mut objects) = (Vec::new(), Vec::new());
        for (file, roots) in reader.files().of_peers() {
            let (file, known): (Arc<str>, _) = (file.into(), Rc::default());
            for root in roots.iter().map(Cursor::root) {
                let listed: Vec<Cursor<'a>> = root.key("items").iter().flat_map(Cursor::items).collect();
                let here = if is_list(root.node) { listed } else { vec![root] };
                for object in here {
                    read::read(&file, &object, &known, &mut all);
                    objects.push((Arc::clone(&file), object.node));
                }
            }
        }
        patched::complete(reader, &objects, &mut all);
        let mut followers = Self::default();
        for follower in all {
            for file in &follower.values_files {
                followers.by_values.entry(file.clone()).or_default().insert(follower.path.clone());
            }
            followers.by_path.entry(follower.path.clone()).or_default().push(follower);
        }
        followers
    }

    /// Those that make something of a file or of the folder of a kustomization; empty where nobody is known to, or nobody
    /// who changes it. Of those who change nothing there is one.
    pub fn of(&self, reader: &Reader<'_>, item: &str) -> Vec<&Follower<'a>> {
        let folders: BTreeSet<&str> = std::iter::once(item).chain(folders_around(item)).collect();
        let naming = self.by_values.get(item).into_iter().flatten().map(String::as_str);
        let naming = naming.filter(|path| !folders.contains(path)).collect::<Vec<_>>();
        let all = folders.iter().copied().chain(naming).filter_map(|path| self.by_path.get(path)).flatten();
        let around = all.filter(|one| one.takes(reader, item));
        let (mut those, plain): (Vec<_>, Vec<_>) = around.partition(|one| !one.is_plain());
        if !those.is_empty() {
            those.extend(plain.first());
        }
        those
    }

    /// Those in a folder that change what stands outside of it.
    pub fn leaving<'f>(&'f self, folder: &'f str) -> impl Iterator<Item = &'f Follower<'a>> {
        let leaves =
            move |one: &&Follower<'a>| covers(folder, &one.file) && !covers(folder, &one.path) && !one.is_plain();
        self.by_path.values().flatten().filter(leaves)
    }
}

impl<'a> Follower<'a> {
    /// What follows a path and lays nothing over it that is known.
    fn at(path: String, file: &Arc<str>, object: &Node, doubt: Option<Arc<str>>) -> Self {
        Self {
            path,
            file: Arc::clone(file),
            start: object.span.start,
            object: object_name(object),
            annotated: None,
            patches: Vec::new(),
            images: Vec::new(),
            values_files: Vec::new(),
            layers: Vec::new(),
            doubt,
            known: Rc::default(),
        }
    }

    /// Its name, without a namespace, where it is a Sync.
    pub fn sync_name(&self) -> Option<&str> {
        let name = self.object.strip_prefix("Sync ")?;
        Some(name.rsplit_once('/').map_or(name, |(_, name)| name))
    }

    /// Whether it takes what stands at its path as it stands.
    pub fn is_plain(&self) -> bool {
        self.patches.is_empty() && self.images.is_empty() && self.layers.is_empty() && self.doubt.is_none()
    }

    /// Whether it makes something of a file, or of the folder of a kustomization, at its path or below. What a kustomization
    /// or a chart at its path takes in is theirs.
    fn takes(&self, reader: &Reader<'_>, item: &str) -> bool {
        if self.path == ELSEWHERE || reader.has(&join(&self.path, "Chart.yaml")) {
            return self.reads(item);
        }
        if !covers(&self.path, item) {
            return false;
        }
        item == self.path || reader.kustomization_file(&self.path).is_none()
    }

    /// Whether a file holds values of its chart.
    fn reads(&self, file: &str) -> bool {
        *file == join(&self.path, "values.yaml") || self.values_files.iter().any(|named| named == file)
    }

    /// Changes what a file, or a kustomization below its path, holds.
    pub fn change(&self, reader: &mut Reader<'a>, item: &str, live: &mut Vec<Live>) {
        if self.reads(item) {
            self.layers.iter().for_each(|layer| layer.lay(self, live));
        } else if item != self.path {
            for patch in &self.patches {
                patches::apply(reader, &self.file, &self.path, patch, live);
            }
            for entry in &self.images {
                effective::apply(entry, &self.file, live);
            }
        }
        self.settle(reader, live);
        if let Some(doubt) = &self.doubt {
            live.iter_mut().for_each(|image| image.doubt = Some(Arc::clone(doubt)));
        }
    }

    /// Completes what stands in its file by what that file says of the same places.
    fn settle(&self, reader: &mut Reader<'a>, live: &mut [Live]) {
        let images = reader.images(&self.file);
        let known = self.known.get_or_init(|| images.iter().map(|value| (value.id(), value)).collect());
        for image in live.iter_mut().filter(|image| image.file == self.file) {
            let (object, policy) = match known.get(&image.value.id()) {
                Some(same) => (&same.object, same.policy.clone()),
                None => (&self.object, self.annotated.and_then(|of| FoundPolicy::of_image_updater(of, &image.name))),
            };
            let value = Arc::make_mut(&mut image.value);
            (value.object, value.policy) = (object.clone(), policy);
        }
    }
}
