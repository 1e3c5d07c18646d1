//! What objects that follow a path of the branch lay over what stands there: patches and `images` of a `Sync`, of Flux's
//! `Kustomization`s and of Argo CD's `Application`s; values and parameters by which they, and a `HelmRelease`, install a
//! chart of the branch.
//!
//! Each follower makes something of its own of a path. Whether the repository that it names is this one is not known: one
//! that follows a folder which stands here is taken to mean it, and one that follows another repository's root is not.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Files,
    closure::{Reader, folders_around, join, resolve},
    covers, effective,
    live::Live,
    patches::{self, Change, Home},
};
use crate::{
    image::ImageValue,
    kustomize::{ImageEntry, Inline, Patch, read_entries, read_patches},
    object::{group, is_list, object_name, text},
    peers::plain_path,
    policy::FoundPolicy,
    values,
    yaml::{Node, Position, cursor::Cursor},
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

/// An object that follows a path.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    /// The path, without slashes at its ends.
    pub path: String,
    /// The file of the object.
    pub file: Arc<str>,
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
}

/// Something that is laid over the values of a chart.
#[derive(Debug)]
enum Layer<'a> {
    /// A mapping of values.
    Values(Cursor<'a>),
    /// Values that stand as a text.
    Text(Inline),
    /// One value at its way.
    Value(String, Cursor<'a>),
    /// What cannot be read.
    Broken(Position),
}

impl<'a> Followers<'a> {
    /// Reads what follows paths in all files.
    pub fn read(files: &'a Files) -> Self {
        let mut all = Vec::new();
        for (file, roots) in files.of_peers() {
            let file: Arc<str> = file.into();
            for root in roots.iter().map(Cursor::root) {
                match is_list(root.node) {
                    true => {
                        root.key("items").iter().flat_map(Cursor::items).for_each(|one| read(&file, &one, &mut all))
                    }
                    false => read(&file, &root, &mut all),
                }
            }
        }
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

impl Follower<'_> {
    fn is_plain(&self) -> bool {
        self.patches.is_empty() && self.images.is_empty() && self.layers.is_empty()
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
    pub fn change(&self, reader: &mut Reader<'_>, item: &str, live: &mut Vec<Live>) {
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
    }

    /// Completes what stands in its file by what that file says of the same places.
    fn settle(&self, reader: &mut Reader<'_>, live: &mut [Live]) {
        let images = reader.images(&self.file);
        let known: HashMap<(usize, &str), &Arc<ImageValue>> = images.iter().map(|value| (value.id(), value)).collect();
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

impl Layer<'_> {
    fn lay(&self, follower: &Follower<'_>, live: &mut Vec<Live>) {
        self.put(follower, live);
        // Which registry each image comes from then is not followed.
        if let Some(position) = self.registry() {
            effective::doubt(&follower.file, position, live);
        }
    }

    /// Where it says the registry of all images.
    fn registry(&self) -> Option<Position> {
        let of_values =
            |given: &Cursor<'_>| values::REGISTRIES.iter().find_map(|way| given.at(way)).map(|found| found.position);
        match self {
            Self::Values(given) => of_values(given),
            Self::Text(inline) => {
                let mut roots = inline.documents.roots.iter();
                roots.find_map(|root| of_values(&Cursor::root(root))).map(|_| inline.position())
            }
            Self::Value(way, value) => {
                let is_it = values::REGISTRIES.iter().any(|known| known.join(".") == *way);
                is_it.then_some(value.position)
            }
            Self::Broken(_) => None,
        }
    }

    fn put(&self, follower: &Follower<'_>, live: &mut Vec<Live>) {
        match self {
            Self::Values(given) => lay_values(given, &Home::of(&follower.file, None), &follower.object, live),
            Self::Text(inline) => {
                let home = Home::of(&follower.file, Some(inline));
                for root in &inline.documents.roots {
                    lay_values(&Cursor::root(root), &home, &follower.object, live);
                }
            }
            Self::Value(way, value) => {
                let home = Home::of(&follower.file, None);
                let change = Change { field: way.clone(), value: Some(value.clone()), is_merge: false };
                live.retain_mut(|image| change.on(image, &home));
                // A number tells another member than a name does, so nobody knows which one is meant.
                if let Some((list, _)) = way.split_once('[') {
                    let inside = format!("{list}[");
                    let may_be = |image: &&mut Live| image.fields.all().any(|field| field.starts_with(&inside));
                    let meant = live.iter_mut().filter(may_be);
                    meant.for_each(|image| {
                        effective::doubt(&follower.file, value.position, std::slice::from_mut(image))
                    });
                }
            }
            Self::Broken(position) => effective::doubt(&follower.file, *position, live),
        }
    }
}

/// Merges values, as Helm does: a list takes the place of the other.
fn lay_values(given: &Cursor<'_>, home: &Home<'_>, object: &str, live: &mut Vec<Live>) {
    let change = Change { field: String::new(), value: Some(given.clone()), is_merge: true };
    let known: Vec<String> = live.iter().flat_map(|image| image.fields.all().map(str::to_owned)).collect();
    live.retain_mut(|image| change.on(image, home));
    let prefix = if given.field.is_empty() { String::new() } else { format!("{}.", given.field) };
    for image in values::images(given, object) {
        let way = |field: &str| field.strip_prefix(&prefix).unwrap_or(field).to_owned();
        if !image.parts.spots().any(|spot| known.contains(&way(&spot.field))) {
            live.push(home.live(image));
        }
    }
}

/// Reads what an object follows, and what it lays over that.
fn read<'a>(file: &Arc<str>, object: &Cursor<'a>, all: &mut Vec<Follower<'a>>) {
    let Some(spec) = object.key("spec") else { return };
    let follow = |path: &str| Follower {
        path: plain_path(path),
        file: Arc::clone(file),
        object: object_name(object.node),
        annotated: None,
        patches: Vec::new(),
        images: Vec::new(),
        values_files: Vec::new(),
        layers: Vec::new(),
    };
    match (group(object.node), text(object.node, "kind")) {
        ("heddle.dev", "Sync") => {
            let mut follower = follow(text(spec.node, "path")).kustomized(&spec);
            if let Some(helm) = spec.key("helm") {
                follower.values_files = named(&helm, "valuesFiles", &follower.path);
                follower.layers.extend(helm.key("values").map(Layer::Values));
            }
            all.push(follower);
        }
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
            let is_git = spec.at(&["sourceRef", "kind"]).is_none_or(|kind| kind.text() == Some("GitRepository"));
            all.extend(follow(text(spec.node, "path")).kustomized(&spec).within(is_git));
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            let Some(chart) = spec.at(&["chart", "spec"]) else { return };
            let is_git = chart.at(&["sourceRef", "kind"]).is_some_and(|kind| kind.text() == Some("GitRepository"));
            let mut follower = follow(text(chart.node, "chart"));
            follower.values_files = named(&chart, "valuesFiles", "");
            follower.layers.extend(spec.key("values").filter(|given| given.node.is_mapping()).map(Layer::Values));
            all.extend(follower.within(is_git));
        }
        ("argoproj.io", "Application") => all.extend(applied(object, follow)),
        ("argoproj.io", "ApplicationSet") => {
            all.extend(spec.key("template").iter().flat_map(|template| applied(template, follow)));
        }
        _ => {}
    }
}

/// What the sources of an application, or of the template of many, follow.
fn applied<'a>(application: &Cursor<'a>, follow: impl Fn(&str) -> Follower<'a>) -> Vec<Follower<'a>> {
    let Some(spec) = application.key("spec") else { return Vec::new() };
    let several: Vec<Cursor<'a>> = spec.key("sources").iter().flat_map(Cursor::items).collect();
    let sources = spec.key("source").into_iter().chain(several);
    let read = |source: Cursor<'a>| {
        let has_chart = source.node.get("chart").is_some();
        let mut follower = follow(if has_chart { ELSEWHERE } else { text(source.node, "path") });
        follower.annotated = Some(application.node);
        if let Some(kustomize) = source.key("kustomize") {
            let texts = kustomize.key("images");
            let images = texts.iter().flat_map(Cursor::items).filter_map(|text| ImageEntry::of_text(&text));
            follower.images = images.collect();
            follower.patches = read_patches(&kustomize);
        }
        if let Some(helm) = source.key("helm") {
            // One that another source brings (`$ref/…`) is taken to stand here, from the root.
            let list = helm.node.get("valueFiles").map(Node::items).unwrap_or_default();
            let path = |text: &str| match text.strip_prefix('$').and_then(|text| text.split_once('/')) {
                Some((_, path)) => resolve("", path),
                None if has_chart => None,
                None => text.strip_prefix('/').map_or_else(|| resolve(&follower.path, text), |path| resolve("", path)),
            };
            follower.values_files = list.iter().filter_map(Node::text).filter_map(path).collect();
            follower.layers = layers(&helm);
        }
        follower.within(true)
    };
    sources.filter_map(read).collect()
}

/// What the `helm` of a source sets: `values` count where there is no `valuesObject`, and parameters win over both. Source:
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>.
fn layers<'a>(helm: &Cursor<'a>) -> Vec<Layer<'a>> {
    let given = helm.key("valuesObject").filter(|given| !given.node.is_null());
    let values = match (given, helm.key("values")) {
        (Some(given), _) => Some(Layer::Values(given)),
        (None, Some(values)) => values.text().map(|text| match Inline::of(&values, text, "text") {
            Ok(inline) => Layer::Text(inline),
            Err(fault) => Layer::Broken(fault.position),
        }),
        (None, None) => None,
    };
    let parameters: Vec<Cursor<'a>> = helm.key("parameters").iter().flat_map(Cursor::items).collect();
    let set = |item: &Cursor<'a>| Some(Layer::Value(text(item.node, "name").to_owned(), item.key("value")?));
    values.into_iter().chain(parameters.iter().filter_map(set)).collect()
}

/// The files of a list, from the root.
fn named(around: &Cursor<'_>, key: &str, folder: &str) -> Vec<String> {
    let list = around.node.get(key).map(Node::items).unwrap_or_default();
    list.iter().filter_map(Node::text).filter_map(|path| resolve(folder, path)).collect()
}

impl Follower<'_> {
    /// With the `images` and the patches of a mapping that has them as a kustomization does.
    fn kustomized(mut self, around: &Cursor<'_>) -> Self {
        self.images = read_entries(around, "images", &self.object);
        self.patches = read_patches(around);
        self
    }

    /// Where its path names a folder that may stand here: no placeholder, no other repository's root.
    fn within(self, is_here: bool) -> Option<Self> {
        let is_named = !self.path.is_empty() && !self.path.starts_with("..") && !self.path.contains(['{', '$']);
        (is_here && (is_named || self.path == ELSEWHERE)).then_some(self)
    }
}
