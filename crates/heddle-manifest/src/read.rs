//! What one file holds: images, or a kustomization.

use std::sync::Arc;

use crate::{
    Finding,
    flux::FluxImages,
    image::{ImageValue, Parts},
    kustomize::{FILE_NAMES, ImageEntry, Kustomization},
    object::{DocumentKind, container_images, is_list, kind_of, object_name},
    policy::{FoundPolicy, MarkedPart},
    release::{release_images, source_file_images},
    resource::ResourceRule,
    values,
    yaml::{Documents, Node, Position, Value, cursor::Cursor},
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
    /// Its documents, where they may hold what a peer says of images.
    pub peers: Vec<Node>,
    /// What is wrong in it.
    pub findings: Vec<Finding>,
    /// It cannot be read.
    pub is_broken: bool,
}

impl ReadFile {
    pub fn read(path: &str, text: &str, rules: &[ResourceRule]) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_kustomization = FILE_NAMES.contains(&name);
        if !is_kustomization && !may_hold_images(text, rules) {
            return Self::default();
        }
        let documents = Documents::read(text);
        if let Some(error) = &documents.error {
            return Self::broken(path, text, error.position, &error.message);
        }
        let mut file = Self::default();
        let source = Source { path, name, text, documents: &documents, rules };
        let mut images = Vec::new();
        for root in &documents.roots {
            if is_kustomization {
                file.kustomization = Some(source.kustomization(root, &mut images));
            } else {
                file.flux.read(root);
                source.images(&Cursor::root(root), 0, &mut images);
            }
        }
        file.images = images.into_iter().map(Arc::new).collect();
        if PEERS.iter().any(|mark| text.contains(mark)) {
            file.peers = documents.roots;
        }
        file
    }

    fn broken(path: &str, text: &str, position: Position, message: &str) -> Self {
        let (code, message) = if text.contains("{{") {
            ("template", "this looks like a template, which is not read: its images are not updated".to_owned())
        } else {
            ("broken-yaml", format!("this is no YAML, so its images are not updated: {message}"))
        };
        let finding = Finding { file: path.to_owned(), position, code, message, blocks: true };
        Self { findings: vec![finding], is_broken: true, ..Self::default() }
    }
}

/// What stands in files in which peers say how images are updated: API groups, and Keel's key in the values of a chart.
const PEERS: [&str; 3] = ["image.toolkit.fluxcd.io/", "argoproj.io/", "keel:"];

/// Nothing in a file without these words can be an image.
fn may_hold_images(text: &str, rules: &[ResourceRule]) -> bool {
    ["image", "Image", "repository", "IMAGE"].iter().any(|word| text.contains(word))
        || rules.iter().any(|rule| text.contains(&rule.kind))
}

struct Source<'s> {
    path: &'s str,
    name: &'s str,
    text: &'s str,
    documents: &'s Documents,
    rules: &'s [ResourceRule],
}

impl Source<'_> {
    fn kustomization(&self, root: &Node, alone: &mut Vec<ImageValue>) -> Kustomization {
        let mut read = Kustomization::read(root);
        let mut unshaped = Vec::new();
        for mark in self.marked(root, "Kustomization") {
            let here = |entry: &&mut ImageEntry| mark.is_of(&entry.value.parts);
            match read.images.iter_mut().find(here) {
                Some(entry) => Arc::make_mut(&mut entry.value).policy = Some(mark.policy),
                None => unshaped.push(mark),
            }
        }
        alone.extend(self::unshaped(unshaped));
        read
    }

    fn images(&self, root: &Cursor<'_>, depth: u8, found: &mut Vec<ImageValue>) {
        if is_list(root.node) && depth < MAX_LISTS {
            for item in root.key("items").iter().flat_map(Cursor::items) {
                self.images(&item, depth + 1, found);
            }
            return;
        }
        let (mut images, object) = match kind_of(root.node) {
            DocumentKind::Object => {
                let mut images = container_images(root);
                images.extend(release_images(root));
                for rule in self.rules {
                    let known = images.clone();
                    let is_new = |image: &ImageValue| known.iter().all(|other| other.span() != image.span());
                    images.extend(rule.images(root).into_iter().filter(is_new));
                }
                (images, object_name(root.node))
            }
            DocumentKind::Other if self.name.starts_with(".argocd-source") => {
                (source_file_images(root), "Application".to_owned())
            }
            DocumentKind::Other if is_foreign(self.name) || !root.node.is_mapping() => (Vec::new(), String::new()),
            DocumentKind::Other => {
                let object = format!("Values {}", self.path);
                (values::images(root, &object), object)
            }
            DocumentKind::Kustomization => (Vec::new(), String::new()),
        };
        self.mark(root.node, &object, &mut images);
        found.append(&mut images);
    }

    /// Gives images their policies from comments, and adds those that only a marker names.
    fn mark(&self, root: &Node, object: &str, images: &mut Vec<ImageValue>) {
        let mut alone = Vec::new();
        for mark in self.marked(root, object) {
            let here = |image: &&mut ImageValue| mark.is_of(&image.parts);
            match images.iter_mut().find(here) {
                Some(image) => image.policy = Some(mark.policy),
                None => alone.push(mark),
            }
        }
        images.extend(unshaped(alone));
    }

    /// The values with a comment behind them that names a policy.
    fn marked(&self, root: &Node, object: &str) -> Vec<Mark> {
        let is_policy = |text: &str| text.contains("$imagepolicy") || text.trim_start().starts_with("heddle:");
        if !self.documents.comments.iter().any(|comment| is_policy(&comment.text)) {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.walk(&Cursor::root(root), object, &mut found);
        found
    }

    fn walk(&self, cursor: &Cursor<'_>, object: &str, found: &mut Vec<Mark>) {
        // Below an alias nothing is written here.
        if cursor.at != cursor.node.span.start {
            return;
        }
        match &cursor.node.value {
            Value::Mapping(_) => {
                for (_, value) in cursor.entries() {
                    self.walk(&value, object, found);
                }
            }
            Value::Sequence(_) => cursor.items().for_each(|item| self.walk(&item, object, found)),
            Value::Scalar(..) => {
                let comment = self.documents.comment_behind(self.text, cursor.node);
                let Some((policy, part)) = comment.and_then(FoundPolicy::of_comment) else { return };
                let Some(spot) = cursor.spot() else { return };
                let (object, obstacle) = (object.to_owned(), cursor.obstacle);
                found.push(Mark { policy, part, spot, object, obstacle });
            }
            Value::Alias(_) => {}
        }
    }
}

/// Files of other tools, whose `image` nothing in a cluster runs.
fn is_foreign(name: &str) -> bool {
    let compose = ["docker-compose", "compose"]
        .iter()
        .any(|stem| name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('-')));
    compose || name.starts_with('.') || matches!(name, "Chart.yaml" | "Chart.lock" | "requirements.yaml")
}

/// A value with a policy behind it.
struct Mark {
    policy: FoundPolicy,
    part: MarkedPart,
    spot: crate::yaml::Spot,
    object: String,
    obstacle: Option<&'static str>,
}

impl Mark {
    fn is_of(&self, parts: &Parts) -> bool {
        parts.spots().any(|spot| spot.span == self.spot.span)
    }

    /// The mapping or list that the value stands in.
    fn around(&self) -> &str {
        self.spot.field.rsplit_once('.').map_or("", |(to, _)| to)
    }
}

/// Images that only markers name: a whole one; a name with the tag and digest of the same policy beside it; or a tag, a
/// digest or both, whose name the policy knows.
fn unshaped(marks: Vec<Mark>) -> Vec<ImageValue> {
    let mut images: Vec<ImageValue> = Vec::new();
    let is_named = |mark: &Mark| matches!(mark.part, MarkedPart::Whole | MarkedPart::Name);
    let (named, others): (Vec<Mark>, Vec<Mark>) = marks.into_iter().partition(is_named);
    for mark in named.iter().chain(&others) {
        // A tag that stands beside a name is a part of that image already.
        if images.iter().any(|image| mark.is_of(&image.parts)) {
            continue;
        }
        let beside = |part: MarkedPart| {
            let is_one =
                |other: &&Mark| other.part == part && other.policy == mark.policy && other.around() == mark.around();
            others.iter().find(is_one).map(|other| other.spot.clone())
        };
        let parts = match mark.part {
            MarkedPart::Whole => Parts { name: Some(mark.spot.clone()), ..Parts::default() },
            part => Parts {
                name: (part == MarkedPart::Name).then(|| mark.spot.clone()),
                tag: beside(MarkedPart::Tag),
                digest: beside(MarkedPart::Digest),
                ..Parts::default()
            },
        };
        if parts.name.is_none() || parts.image().is_ok() {
            images.push(ImageValue {
                object: mark.object.clone(),
                container: None,
                parts,
                obstacle: mark.obstacle,
                is_kustomizable: false,
                policy: Some(mark.policy.clone()),
                vacant: None,
            });
        }
    }
    images
}
