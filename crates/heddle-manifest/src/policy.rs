//! What stands beside an image and says how its tags are chosen: comments, markers and annotations of Heddle's peers.
//!
//! They are told as they are written. What they mean is not decided here.

use std::collections::BTreeMap;

use crate::{written::split_build, yaml::Node};

/// A policy beside an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FoundPolicy {
    /// `# heddle: {"policy": {…}}` behind the value.
    Comment {
        /// What follows `heddle:`.
        text: String,
    },
    /// Flux's `# {"$imagepolicy": "namespace:name"}`, also with `:tag`, `:name`, `:digest` at its end.
    FluxMarker {
        /// Namespace of the `ImagePolicy`.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Flux v1's annotations on the workload.
    FluxV1 {
        /// `automated` is true.
        automated: bool,
        /// `locked` is true.
        locked: bool,
        /// `tag.<container>`: `glob:…`, `semver:…`, `regexp:…`.
        pattern: Option<String>,
    },
    /// Argo CD Image Updater's annotations on the `Application`.
    ImageUpdater {
        /// The alias, or the image where it has none.
        alias: String,
        /// The constraint of `image-list`.
        constraint: Option<String>,
        /// The other settings, by their names without alias: `update-strategy`, `allow-tags`, ….
        settings: BTreeMap<String, String>,
    },
    /// Keel's labels or annotations, by their names without `keel.sh/`.
    Keel {
        /// `policy`, `matchTag`, `matchPreRelease`, ….
        settings: BTreeMap<String, String>,
    },
}

/// The part of an image that a Flux marker's value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum MarkedPart {
    Whole,
    Tag,
    Name,
    Digest,
}

impl FoundPolicy {
    /// Reads the comment behind a value.
    pub(crate) fn of_comment(comment: &str) -> Option<(Self, MarkedPart)> {
        if let Some(text) = comment.trim().strip_prefix("heddle:") {
            return Some((Self::Comment { text: text.trim().to_owned() }, MarkedPart::Whole));
        }
        let (namespace, name, part) = flux_marker(comment)?;
        Some((Self::FluxMarker { namespace, name }, part))
    }

    /// Flux v1's annotations for a container.
    pub(crate) fn of_flux_v1(root: &Node, container: &str) -> Option<Self> {
        let annotations = root.at(&["metadata", "annotations"])?;
        let named = |name: &str| -> Option<&str> {
            let prefixes = ["fluxcd.io/", "flux.weave.works/"];
            prefixes.iter().find_map(|prefix| annotations.get(&format!("{prefix}{name}"))?.text())
        };
        let pattern = named(&format!("tag.{container}"))
            .or_else(|| annotations.get(&format!("filter.fluxcd.io/{container}"))?.text());
        let automated = named("automated");
        if automated.is_none() && pattern.is_none() {
            return None;
        }
        let is_true = |text: Option<&str>| text == Some("true");
        Some(Self::FluxV1 {
            automated: is_true(automated),
            locked: is_true(named("locked")),
            pattern: pattern.map(str::to_owned),
        })
    }

    /// Keel's labels and annotations of a workload; annotations win.
    pub(crate) fn of_keel(root: &Node) -> Option<Self> {
        let mut settings = BTreeMap::new();
        for place in ["labels", "annotations"] {
            let Some(mapping) = root.at(&["metadata", place]) else { continue };
            for (key, value) in mapping.entries() {
                if let (Some(name), Some(value)) =
                    (key.text().and_then(|key| key.strip_prefix("keel.sh/")), value.text())
                {
                    settings.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        settings.contains_key("policy").then_some(Self::Keel { settings })
    }

    /// One of Keel's settings.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        match self {
            Self::Keel { settings } => settings.get(name).map(String::as_str),
            _ => None,
        }
    }

    /// The entry of Argo CD Image Updater's `image-list` that names an image.
    pub(crate) fn of_image_updater(root: &Node, image: &str) -> Option<Self> {
        let annotations = root.at(&["metadata", "annotations"])?;
        let list = annotations.get(&format!("{IMAGE_UPDATER_PREFIX}image-list"))?.text()?;
        for (alias, listed) in image_list(list) {
            let (name, build) = split_build(listed);
            if name != image && !same_repository(name, image) {
                continue;
            }
            let alias = alias.unwrap_or(name);
            let mut settings = BTreeMap::new();
            for (key, value) in annotations.entries() {
                let (Some(key), Some(value)) =
                    (key.text().and_then(|key| key.strip_prefix(IMAGE_UPDATER_PREFIX)), value.text())
                else {
                    continue;
                };
                let own = key.strip_prefix(alias).and_then(|rest| rest.strip_prefix('.'));
                if own.is_some() || !key.contains('.') && key != "image-list" {
                    let name = own.unwrap_or(key).to_owned();
                    // What the alias says is stronger than what the application says.
                    if own.is_some() || !settings.contains_key(&name) {
                        settings.insert(name, value.to_owned());
                    }
                }
            }
            let constraint = build.strip_prefix(':').map(str::to_owned);
            return Some(Self::ImageUpdater { alias: alias.to_owned(), constraint, settings });
        }
        None
    }
}

/// How the annotations and the API group of Argo CD Image Updater begin.
pub(crate) const IMAGE_UPDATER_PREFIX: &str = "argocd-image-updater.argoproj.io/";

/// The entries of an `image-list`: alias, where there is one, and image.
pub(crate) fn image_list(list: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let entries = list.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| match entry.split_once('=') {
        Some((alias, image)) if !alias.contains([':', '/']) => (Some(alias.trim()), image.trim()),
        _ => (None, entry),
    })
}

fn same_repository(left: &str, right: &str) -> bool {
    use heddle_core::image::ImageRepository;
    left.parse::<ImageRepository>().is_ok_and(|left| right.parse::<ImageRepository>().is_ok_and(|right| left == right))
}

/// Reads `{"$imagepolicy": "namespace:name[:part]"}`.
fn flux_marker(comment: &str) -> Option<(String, String, MarkedPart)> {
    let documents = crate::yaml::Documents::read(comment.trim().starts_with('{').then_some(comment)?);
    let marker = documents.roots.first()?.get("$imagepolicy")?.text()?.to_owned();
    let mut words = marker.split(':');
    let (namespace, name) = (words.next()?, words.next()?);
    let part = match words.next() {
        None => MarkedPart::Whole,
        Some("tag") => MarkedPart::Tag,
        Some("name") => MarkedPart::Name,
        Some("digest") => MarkedPart::Digest,
        Some(_) => return None,
    };
    (words.next().is_none() && !namespace.is_empty() && !name.is_empty())
        .then(|| (namespace.to_owned(), name.to_owned(), part))
}
