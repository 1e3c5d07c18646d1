//! Manifests as text, YAML or JSON, read as kubectl reads them.

use heddle_manifest::documents::{line_of, read_documents};
use serde_json::{Value, json};

use super::{
    Rendered, RenderedObject,
    decrypt::{Opened, Put},
    disguise::Disguise,
    kustomize::take_origin,
    reach::Reach,
    shape,
    unread::WhyUnread,
};
use crate::{TreePath, limits::MAX_RENDER_VALUES};

/// More documents than this in one file are refused.
const MAX_DOCUMENTS: usize = 20_000;

/// How a pointer of Git LFS begins. Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";

/// Whose text it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// A file of the repository.
    File(&'a TreePath),
    /// What was built of the kustomization in a directory.
    Built {
        /// The directory.
        directory: &'a TreePath,
        /// The file.
        kustomization: &'a TreePath,
        /// What it was built from.
        reach: &'a Reach,
        /// What stood for encrypted values meanwhile.
        disguise: &'a Disguise<'a>,
    },
    /// What a template of the chart in a directory was made into.
    Template {
        /// The directory.
        directory: &'a TreePath,
        /// The template.
        file: &'a TreePath,
    },
}

impl Source<'_> {
    /// The file that the text as a whole is from.
    fn file(&self) -> &TreePath {
        match self {
            Self::File(file) | Self::Template { file, .. } => file,
            Self::Built { kustomization, .. } => kustomization,
        }
    }

    /// The file that an object comes from, and the chart; what was written into the object to tell is taken off.
    fn origin(&self, object: &mut Value) -> (TreePath, Option<usize>) {
        let origin = match self {
            Self::File(_) | Self::Template { .. } => None,
            Self::Built { directory, reach, .. } => take_origin(object, directory).map(|file| reach.origin_of(file)),
        };
        origin.unwrap_or_else(|| (self.file().clone(), None))
    }

    /// What was not opened is told, or applied, as it is written.
    fn take_off_disguise(&self, value: &mut Value) {
        if let Self::Built { disguise, .. } = self {
            disguise.take_off(value);
        }
    }

    /// A line of the text, where that is one of the file too.
    fn line(&self, line: u32) -> Option<u32> {
        matches!(self, Self::File(_)).then_some(line)
    }
}

/// Reads the objects of a text, with what encrypted values in it are.
pub(super) fn read(source: Source<'_>, bytes: &[u8], opened: &Opened, rendered: &mut Rendered) {
    if rendered.is_full() {
        return;
    }
    let before = (rendered.objects.len(), rendered.errors.len());
    match std::str::from_utf8(bytes) {
        Err(_) => rendered.fail(source.file(), None, "it is not UTF-8".to_owned()),
        Ok(text) if text.starts_with(LFS_POINTER) => {
            let message = "it is a pointer of Git LFS, from which nothing is fetched: keep manifests in git itself";
            rendered.fail(source.file(), Some(1), message.to_owned());
        }
        Ok(text) => Text { source, text, opened }.read(rendered),
    }
    if let Source::File(file) = source
        && (rendered.objects.len(), rendered.errors.len()) == before
        // Of what was not opened it was told why.
        && !opened.has_closed()
    {
        rendered.pass_over(file, WhyUnread::NoManifest);
    }
}

/// Whether a file holds objects; what is wrong with it is told. The objects are not kept.
pub(super) fn has_objects(file: &TreePath, bytes: &[u8], opened: &Opened, rendered: &mut Rendered) -> bool {
    let (objects, values) = (rendered.objects.len(), rendered.values);
    read(Source::File(file), bytes, opened, rendered);
    let has_objects = rendered.objects.len() > objects;
    rendered.objects.truncate(objects);
    if has_objects {
        // They are counted when they were built.
        rendered.values = values;
    }
    has_objects
}

/// Whether a text holds nothing but comments and marks between documents.
pub(super) fn is_blank(text: &[u8]) -> bool {
    let is_nothing = |line: &str| line.is_empty() || line.starts_with('#') || line == "---" || line == "...";
    std::str::from_utf8(text).is_ok_and(|text| text.lines().map(str::trim).all(is_nothing))
}

/// A text that is read.
struct Text<'a> {
    source: Source<'a>,
    text: &'a str,
    opened: &'a Opened,
}

/// A value in a text.
struct Place<'a> {
    /// The line of its document.
    document: u32,
    /// The way to it in its document, with a dot at the end: `items[0].`.
    way: &'a str,
    /// Whether the document got values that were encrypted.
    is_opened: bool,
}

impl Text<'_> {
    fn read(&self, rendered: &mut Rendered) {
        let mut has_manifests = false;
        // Documents that are something, and no manifests.
        let mut others: Vec<(u32, Value)> = Vec::new();
        for (count, document) in read_documents(self.text).enumerate() {
            let line = document.line;
            if count == MAX_DOCUMENTS {
                return self.fail(line, format!("it has more than {MAX_DOCUMENTS} documents"), rendered);
            }
            match document.value {
                Ok(Value::Null) => {}
                Ok(value) if !rendered.admit(&value) => {
                    let message = format!(
                        "with it the path holds more than {MAX_RENDER_VALUES} values, so it and all behind it are not \
                         read: split the path"
                    );
                    return self.fail(line, message, rendered);
                }
                Ok(mut value) => {
                    let put = self.opened.put_into(&mut value);
                    self.source.take_off_disguise(&mut value);
                    let is_meant = shape::is_meant_as_object(&value);
                    has_manifests |= is_meant;
                    let place = Place { document: line, way: "", is_opened: put == Put::Values };
                    match put {
                        // Why it is not open was told.
                        Put::Closed => rendered.withhold(&value),
                        _ if is_meant => self.take(value, &place, rendered),
                        _ => others.push((line, value)),
                    }
                }
                Err(error) => {
                    has_manifests = true;
                    self.fail(error.line, error.message, rendered);
                }
            }
        }
        self.judge_others(&others, has_manifests, rendered);
    }

    /// Documents that are no manifests are nobody's, unless something says that they were meant as ones.
    fn judge_others(&self, others: &[(u32, Value)], has_manifests: bool, rendered: &mut Rendered) {
        for (line, value) in others {
            let is_list = value.as_array().is_some_and(|items| items.iter().any(shape::is_meant_as_object));
            let message = if is_list {
                "it is a list of objects, which is no manifest: write each as a document of its own after `---`, or all \
                 of them as `items` of an object of `apiVersion: v1` and `kind: List`"
            } else if has_manifests {
                "it has neither an `apiVersion` nor a `kind`, and stands in a file of manifests: complete it, or take it out"
            } else {
                continue;
            };
            self.fail(*line, message.to_owned(), rendered);
        }
    }

    fn fail(&self, line: u32, message: String, rendered: &mut Rendered) {
        rendered.fail(self.source.file(), self.source.line(line), message);
    }

    /// Takes an object, or each of a list, in.
    fn take(&self, mut value: Value, place: &Place<'_>, rendered: &mut Rendered) {
        if self.is_list(&value) {
            return self.take_list(value, place, rendered);
        }
        let (file, chart) = self.source.origin(&mut value);
        let faults = shape::faults(&value);
        if !faults.is_empty() {
            rendered.withhold(&value);
            for (field, message) in faults {
                rendered.fail(&file, self.source.line(self.line_of(place, &field)), message);
            }
            return;
        }
        let unit = match self.source {
            Source::File(_) => None,
            Source::Built { directory, .. } | Source::Template { directory, .. } => Some(directory.clone().into()),
        };
        let line = self.source.line(self.line_of(place, ""));
        rendered.made_by.extend(chart.map(|chart| (rendered.objects.len(), chart)));
        rendered.objects.push(RenderedObject {
            value,
            is_opened: place.is_opened || self.opened.has_file(&file),
            file: Some(file.into()),
            line,
            unit,
            ..RenderedObject::default()
        });
    }

    fn is_list(&self, value: &Value) -> bool {
        value["apiVersion"].is_string()
            && value["kind"].as_str().is_some_and(|kind| kind == "List" || kind.ends_with("List"))
            && (value["items"].is_array() || value["kind"] == "List")
    }

    /// An item of a typed list that says neither has its kind from the list. Source: `decodeToList` of
    /// `k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/helpers.go`.
    fn take_list(&self, mut list: Value, place: &Place<'_>, rendered: &mut Rendered) {
        let kind = list["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).unwrap_or_default().to_owned();
        let api_version = list["apiVersion"].take();
        let Value::Array(items) = list["items"].take() else {
            let message = "`items` of a `List` must be a list of objects";
            return self.fail(self.line_of(place, "items"), message.to_owned(), rendered);
        };
        for (index, mut item) in items.into_iter().enumerate() {
            let way = format!("{}items[{index}].", place.way);
            let place = Place { way: &way, ..*place };
            let Some(fields) = item.as_object_mut() else {
                self.fail(self.line_of(&place, ""), "an item of a list must be an object".to_owned(), rendered);
                continue;
            };
            let is_untyped = ["apiVersion", "kind"].iter().all(|field| fields.get(*field).is_none_or(Value::is_null));
            if is_untyped && !kind.is_empty() {
                fields.insert("apiVersion".to_owned(), api_version.clone());
                fields.insert("kind".to_owned(), json!(kind));
            }
            self.take(item, &place, rendered);
        }
    }

    /// The line of a field of a value, or of what is around it.
    fn line_of(&self, place: &Place<'_>, field: &str) -> u32 {
        let way = format!("{}{field}", place.way);
        let known = || line_of(self.text, place.document, way.trim_end_matches('.'));
        if way.is_empty() { place.document } else { known().unwrap_or(place.document) }
    }
}
