//! What one file holds: images, or a kustomization.

mod broken;

use std::{collections::HashSet, sync::Arc};

use heddle_core::image::ImageRepository;

use self::broken::{mentions, without_broken};
use crate::{
    Finding, aliases, chart,
    flux::FluxImages,
    image::ImageValue,
    intake::{IMAGE_WEIGHT, TooMuch},
    kustomize::{FILE_NAMES, Kustomization},
    markers::Markers,
    object::{DocumentKind, container_images, is_list, kind_of, object_name},
    policy::FoundPolicy,
    release::{broken_patches, release_images, source_file_images},
    resource::{ResourceRule, by_shape, known_rules},
    values,
    yaml::{Documents, Node, Position, Spot, cursor::Cursor},
};

/// How deep lists of objects may nest.
const MAX_LISTS: u8 = 3;

/// What one file holds.
#[derive(Debug, Default)]
pub(crate) struct ReadFile {
    pub images: Vec<Arc<ImageValue>>,
    pub kustomization: Option<Kustomization>,
    /// What Flux's objects say of images.
    pub flux: FluxImages,
    /// The objects, and the values of charts, in which peers say how images are updated.
    pub peers: Vec<Node>,
    /// How many values these hold.
    peer_nodes: usize,
    /// What is wrong in it.
    pub findings: Vec<Finding>,
    /// It cannot be read, or not as a whole.
    pub is_broken: bool,
    /// The images that it names where it cannot be read.
    pub mentions: HashSet<ImageRepository>,
}

impl ReadFile {
    pub fn read(path: &str, text: &str, rules: &[ResourceRule]) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_kustomization = FILE_NAMES.contains(&name);
        // Variables for generators; no object stands among them.
        if name.ends_with(".env") {
            return Self::default();
        }
        if !is_kustomization && !may_hold_images(text, rules) {
            return Self::default();
        }
        let mut documents = Documents::read(text);
        let mut file = Self::default();
        if let Some(error) = documents.error.take() {
            file = Self::broken(path, text, error.position, &error.message);
            if is_kustomization {
                return file;
            }
            // What stands in the other documents is told, and not written.
            documents = Documents::read(&without_broken(text));
        }
        let source = Source { path, name, rules };
        let mut markers = Markers::of(text, &documents);
        let mut images = Vec::new();
        for root in &documents.roots {
            if is_kustomization {
                // Kustomize reads the first document alone.
                if file.kustomization.is_none() {
                    let mut read = Kustomization::read(root);
                    images.extend(markers.mark_entries(root, &mut read.images));
                    file.kustomization = Some(read);
                }
            } else {
                file.flux.read(path, root);
                source.images(&Cursor::root(root), 0, &mut markers, &mut images);
                for (position, patch) in broken_patches(&Cursor::root(root)) {
                    let message = "this patch is no YAML, so the images that it names are not updated".to_owned();
                    let file_name = path.to_owned();
                    file.findings.push(Finding {
                        file: file_name,
                        position,
                        code: "broken-patch",
                        message,
                        blocks: true,
                    });
                    file.mentions.extend(mentions(patch));
                }
            }
        }
        let is_read = |at: usize| !is_kustomization || documents.roots.get(1).is_none_or(|next| at < next.span.start);
        file.findings.extend(markers.unfollowed(path, is_read));
        if let Some(kustomization) = &mut file.kustomization {
            let entries = kustomization.images.iter_mut().map(|entry| Arc::make_mut(&mut entry.value));
            aliases::release(entries, &documents.roots);
        }
        aliases::release(&mut images, &documents.roots);
        if file.is_broken {
            for image in &mut images {
                image.obstacle = image.obstacle.or(Some("another document of the file cannot be read: mend it first"));
            }
        }
        file.images = images.into_iter().map(Arc::new).collect();
        if PEERS.iter().any(|mark| text.contains(mark)) {
            (file.peers, file.peer_nodes) = (documents.roots, documents.nodes);
        }
        file
    }

    /// How much is kept of it, in values.
    pub fn weight(&self) -> usize {
        let references = self.kustomization.as_ref().map_or(0, Kustomization::weight);
        self.peer_nodes + references + self.images.len() * IMAGE_WEIGHT
    }

    /// A file that is left out because those before it hold all that may be kept.
    pub fn too_much(path: &str) -> Self {
        let message = "the branch holds more images than can be kept at once, so those of this file are not updated: split the repository";
        Self::not_read(path, Position { line: 1, column: 1 }, "too-large", message.to_owned())
    }

    fn broken(path: &str, text: &str, position: Position, message: &str) -> Self {
        if text.contains("{{") {
            let message = "this looks like a template, which is not read: its images are not updated";
            let file = Self::not_read(path, position, "template", message.to_owned());
            return Self { mentions: mentions(text), ..file };
        }
        let message = format!("this is no YAML, so its images are not updated: {message}");
        let file = Self::not_read(path, position, "broken-yaml", message);
        Self { mentions: mentions(text), ..file }
    }

    /// A file of which no text is at hand.
    pub fn unread(path: &str, text: &str, why: Unread) -> Self {
        let start = Position { line: 1, column: 1 };
        match why {
            Unread::NoText => {
                let message = "the file is no UTF-8, so its images are not updated: save it as UTF-8";
                let file = Self::not_read(path, start, "broken-yaml", message.to_owned());
                Self { mentions: mentions(text), ..file }
            }
            Unread::Failed => {
                let message = "the file cannot be opened, so its images are not updated: look at who may read it";
                Self::not_read(path, start, "broken-yaml", message.to_owned())
            }
            Unread::TooMuch(why) => Self::not_read(path, start, "too-large", why.to_string()),
        }
    }

    fn not_read(path: &str, position: Position, code: &'static str, message: String) -> Self {
        let finding = Finding { file: path.to_owned(), position, code, message, blocks: true };
        Self { findings: vec![finding], is_broken: true, ..Self::default() }
    }
}

/// Why no text of a file is at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unread {
    /// It is no UTF-8.
    NoText,
    /// It cannot be opened.
    Failed,
    /// It, or the branch with it, is too large.
    TooMuch(TooMuch),
}

/// What stands in files in which peers say how images are updated, and Syncs what is added to a path: API groups, and Keel's
/// key in the values of a chart.
const PEERS: [&str; 6] = [
    "image.toolkit.fluxcd.io/",
    "kind: GitRepository",
    "argoproj.io/",
    "keel:",
    "kustomize.toolkit.fluxcd.io/",
    "heddle.dev/v1alpha1",
];

/// Nothing in a file without these words can be an image.
fn may_hold_images(text: &str, rules: &[ResourceRule]) -> bool {
    // Crossplane calls an image a package.
    [
        "image",
        "Image",
        "repository",
        "IMAGE",
        "pkg.crossplane.io/",
        "GitRepository",
        "toolkit.fluxcd.io/",
        "argoproj.io/",
        "helm.cattle.io/",
        "helm.fluxcd.io/",
    ]
    .iter()
    .any(|word| text.contains(word))
        || rules.iter().any(|rule| text.contains(&rule.kind))
}

struct Source<'s> {
    path: &'s str,
    name: &'s str,
    rules: &'s [ResourceRule],
}

impl Source<'_> {
    fn images(&self, root: &Cursor<'_>, depth: u8, markers: &mut Markers<'_>, found: &mut Vec<ImageValue>) {
        if is_list(root.node) && depth < MAX_LISTS {
            for item in root.key("items").iter().flat_map(Cursor::items) {
                self.images(&item, depth + 1, markers, found);
            }
            return;
        }
        let (mut images, object) = match kind_of(root.node) {
            DocumentKind::Object => (object_images(root, self.rules), object_name(root.node)),
            DocumentKind::Other if self.name.starts_with(".argocd-source") => {
                (source_file_images(root), "Application".to_owned())
            }
            DocumentKind::Other if self.name == "Chart.yaml" => (chart::dependencies(root), String::new()),
            DocumentKind::Other if is_foreign(self.name, root.node) => (Vec::new(), format!("Values {}", self.path)),
            DocumentKind::Other => {
                let object = format!("Values {}", self.path);
                (values::images(root, &object), object)
            }
            DocumentKind::Kustomization => (Vec::new(), String::new()),
        };
        markers.mark(root, &object, &mut images);
        // What a marker of Flux names is an image's tag, whatever it is written for.
        for image in images.iter_mut().filter(|image| matches!(image.policy, Some(FoundPolicy::FluxMarker { .. }))) {
            if image.chart.take().is_some() {
                image.parts.fixed_name = None;
            }
        }
        found.append(&mut images);
    }
}

/// The images of an object.
pub(crate) fn object_images(root: &Cursor<'_>, rules: &[ResourceRule]) -> Vec<ImageValue> {
    let mut images = container_images(root);
    images.extend(release_images(root));
    let mut all: Vec<&ResourceRule> = rules.iter().filter(|rule| rule.is_for(root.node)).collect();
    for rule in known_rules(root.node) {
        all.push(rule);
    }
    let by_rules = all.into_iter().flat_map(|rule| rule.images(root));
    let id = |image: &ImageValue| (image.id().0, image.id().1.to_owned());
    let mut known: HashSet<(usize, String)> = images.iter().map(id).collect();
    images.extend(by_rules.filter(|image| known.insert(id(image))));
    // What a rule has a part of is not taken apart once more.
    let start = |spot: &Spot| (spot.span.start, if spot.is_by_alias { spot.field.clone() } else { String::new() });
    let starts = |image: &ImageValue| image.parts.spots().map(start).collect::<Vec<_>>();
    let mut parts: HashSet<(usize, String)> = images.iter().flat_map(starts).collect();
    let by_shape = by_shape(root).into_iter().chain(chart::charts(root));
    images.extend(by_shape.filter(|image| starts(image).into_iter().all(|start| parts.insert(start))));
    images
}

/// Files of other tools, whose `image` nothing in a cluster runs.
fn is_foreign(name: &str, root: &Node) -> bool {
    let compose = ["docker-compose", "compose"]
        .iter()
        .any(|stem| name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('-')));
    // A pipeline of updatecli names images to look them up.
    let is_step = |(_, step): &(Node, Node)| step.get("kind").is_some() && step.get("spec").is_some();
    let steps = |key: &str| root.get(key).map(Node::entries).unwrap_or_default();
    let updatecli = [steps("targets"), steps("sources")].iter().all(|all| !all.is_empty() && all.iter().all(is_step));
    let chart = matches!(name, "Chart.yaml" | "Chart.lock" | "requirements.yaml");
    compose || updatecli || chart || name.starts_with('.') || !root.is_mapping()
}
