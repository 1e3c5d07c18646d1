//! Images as they run, each with the place that says which build of it.

use std::sync::Arc;

use heddle_core::image::ImageRef;

use super::closure::Reader;
use crate::{
    chart::{ChartOf, From, LOCKED},
    image::ImageValue,
    kustomize::Renamed,
    policy::FoundPolicy,
    yaml::Spot,
};

/// An image that runs, and the place that says which build of it.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// The repository as it is written now, after renames.
    pub name: String,
    /// The tag and digest as they are written.
    pub build: String,
    /// The file of the place.
    pub file: Arc<str>,
    /// The place.
    pub value: Arc<ImageValue>,
    /// Kustomize's `images:` reach it: it is a container's, or an entry that took the place of one.
    pub is_kustomizable: bool,
    /// It is the image of a container of Kubernetes' own kinds, so that lists around it are merged by name.
    pub is_container: bool,
    /// The object that runs it, which patches name.
    pub object: String,
    /// The file of that object.
    pub origin: Arc<str>,
    /// The ways to its parts in that object.
    pub fields: Arc<Fields>,
    /// What kustomize pastes behind the tag.
    pub suffix: Option<String>,
    /// What its object is called beside what it was written with.
    pub renamed: Arc<Renamed>,
    /// What cannot be read and may change it, in words that follow a file and a line.
    pub doubt: Option<Arc<str>>,
    /// Operations moved members of lists of its object, so that their numbers are not what they are in the file.
    pub is_shifted: bool,
    /// An operation put it behind the members of a list, which keep their numbers.
    pub is_appended: bool,
    /// The file of the policy that its marker names, where the name of the image follows from it.
    pub policy_file: Option<Arc<str>>,
    /// What it shares with places that change with it, and whether these are parts of one image.
    pub bond: Option<(Arc<str>, bool)>,
}

/// The ways to the parts of an image in the object that runs it; also to those that are not there and would be read.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub registry: Option<String>,
    pub name: Option<String>,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Fields {
    pub fn of(image: &ImageValue) -> Self {
        let parts = &image.parts;
        let field = |spot: &Option<Spot>| spot.as_ref().map(|spot| spot.field.clone());
        let around = parts.name.as_ref().and_then(|spot| spot.field.rsplit_once('.')).map(|(around, _)| around);
        let beside = |key: &str| parts.home.and(around).map(|around| format!("{around}.{key}"));
        Self {
            registry: field(&parts.registry).or_else(|| beside("registry")),
            name: field(&parts.name),
            tag: field(&parts.tag).or_else(|| beside("tag")).or_else(|| {
                let version = image.vacant.as_ref().filter(|_| image.chart.is_some());
                version.map(|spot| spot.field.clone())
            }),
            digest: field(&parts.digest).or_else(|| beside("digest")),
        }
    }

    /// Whether the image is one text.
    pub fn is_whole(&self) -> bool {
        self.name.is_some() && self.tag.is_none() && self.digest.is_none()
    }

    pub fn all(&self) -> impl Iterator<Item = &str> {
        [&self.registry, &self.name, &self.tag, &self.digest].into_iter().flatten().map(String::as_str)
    }
}

/// Whether a merge finds the container of an image by its name. Of kinds that are none of Kubernetes' own kustomize knows no
/// schema, so that a list in a merge takes the place of the other.
pub(super) fn merges_by_name(value: &ImageValue) -> bool {
    value.is_kustomizable && value.is_of_own_kind
}

impl Live {
    pub fn of(file: &Arc<str>, value: &Arc<ImageValue>) -> Self {
        let (name, build) = value.parts.name_and_build();
        Self {
            name,
            build,
            file: Arc::clone(file),
            value: Arc::clone(value),
            is_kustomizable: value.is_kustomizable,
            is_container: merges_by_name(value),
            object: value.object.clone(),
            origin: Arc::clone(file),
            fields: Arc::new(Fields::of(value)),
            suffix: None,
            renamed: Arc::default(),
            doubt: None,
            is_shifted: false,
            is_appended: false,
            policy_file: None,
            bond: None,
        }
    }

    /// An image as a file has it; `None`, which is a finding, where nothing says whose tag it is.
    pub fn read(reader: &mut Reader<'_>, file: &Arc<str>, value: &Arc<ImageValue>) -> Option<Self> {
        let mut image = match &value.chart {
            // What is vendored is as somebody else made it.
            Some(_) if is_vendored(reader, file) => return None,
            Some(chart) => Self::of(file, &Arc::new(resolved(reader, file, value, chart))),
            None => Self::of(file, value),
        };
        if value.parts.is_nameless() {
            let (name, home) = reader.marked_image(file, value)?;
            (image.name, image.policy_file) = (name, Some(home));
        }
        Some(image)
    }

    /// The image as a reference; fails for placeholders and for texts that are none.
    pub fn image(&self) -> Result<ImageRef, heddle_core::image::ImageError> {
        let image = self.written().parse();
        // Whatever stands before a marker gives way to what its policy chooses.
        if image.is_err() && matches!(self.value.policy, Some(FoundPolicy::FluxMarker { .. })) {
            return self.name.parse().or(image);
        }
        image
    }

    /// The container that it is for.
    pub fn container(&self) -> Option<String> {
        self.value.container.clone()
    }

    /// The image as the files write it, after renames.
    pub fn written(&self) -> String {
        format!("{}{}", self.name, self.build)
    }
}

/// The version of a chart, with where that comes from and what beside it has a say.
fn resolved(reader: &Reader<'_>, file: &str, value: &ImageValue, chart: &ChartOf) -> ImageValue {
    let (mut value, mut chart) = (value.clone(), chart.clone());
    if let From::Repository(namespace, name) = &chart.from
        && let Some(address) = reader.charts_of(namespace, name, file)
    {
        chart.resolve(address, &mut value.parts);
    }
    let lock = file.strip_suffix("Chart.yaml").map(|folder| format!("{folder}Chart.lock"));
    if lock.is_some_and(|lock| reader.has(&lock)) {
        value.obstacle = value.obstacle.or(Some(LOCKED));
    }
    ImageValue { chart: Some(chart), ..value }
}

/// Whether a file is the `Chart.yaml` of a chart that lies in the `charts` of another one, which does not call it its own by a
/// `file://` address.
fn is_vendored(reader: &Reader<'_>, file: &str) -> bool {
    let Some(chart) = file.strip_suffix("/Chart.yaml") else { return false };
    let around = chart.match_indices("charts/").map(|(at, _)| &chart[..at]);
    let mut parents = around.filter(|parent| parent.is_empty() || parent.ends_with('/'));
    parents.any(|parent| {
        let outer = format!("{parent}Chart.yaml");
        let text = reader.files().get(&outer).unwrap_or_default();
        let inner = &chart[parent.len()..];
        let is_own = ["file://", "file://./"].iter().any(|scheme| text.contains(&format!("{scheme}{inner}")));
        reader.has(&outer) && !is_own
    })
}
