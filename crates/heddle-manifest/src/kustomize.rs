//! What a kustomization says, from its text alone.

mod patch;
mod replacement;
mod selector;
mod transformer;

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

pub use self::selector::MAX_EXPRESSION_BYTES;
pub(crate) use self::{
    patch::{Body, Inline, Patch},
    replacement::{Copied, Replacement, Replacing, Source},
    selector::{Renamed, Selector},
    transformer::{Transformer, Transforms},
};
use crate::{
    aliases, chart,
    image::{Home, ImageValue, Parts},
    intake::IMAGE_WEIGHT,
    object::text,
    values,
    written::split_build,
    yaml::{Node, Position, Spot, cursor::Cursor},
};

/// The names under which kustomize looks for a kustomization, in its order.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization as far as images need it.
#[derive(Debug, Default)]
pub(crate) struct Kustomization {
    /// Files and folders whose objects come first.
    pub resources: Vec<Reference>,
    /// Folders whose kustomizations are applied to what came before.
    pub components: Vec<Reference>,
    /// What is changed in the objects, in the order in which kustomize does it.
    pub patches: Vec<Patch>,
    /// Files of values, for charts or for generated ConfigMaps.
    pub values: Vec<ValuesFile>,
    /// Texts that generators take from the kustomization itself: name of the object, key, text.
    pub literals: Vec<(String, String, String)>,
    /// Files of `KEY=value` lines that generators of ConfigMaps take, each with the name of the ConfigMap.
    pub env_files: Vec<(String, Reference)>,
    /// The variables of which a ConfigMap holds the value.
    pub vars: Vec<Variable>,
    /// Files that say where variables count.
    pub configurations: Vec<Reference>,
    /// What copies values from one object to others, last.
    pub replacements: Vec<Replacing>,
    /// Images in values of charts that stand in the kustomization itself, and the versions of charts.
    pub inline: Vec<Arc<ImageValue>>,
    /// The entries of `images`, and of `imageTags`, which kustomize takes for the same.
    pub images: Vec<ImageEntry>,
    /// The transformers, which come last.
    pub transformers: Vec<Transformer>,
    /// What its objects are called by it.
    pub renames: Renames,
    /// What kustomize refuses in it, so that nobody knows what it makes.
    pub faults: Vec<Fault>,
}

/// What cannot be read, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub position: Position,
    pub message: String,
}

/// How a kustomization changes what objects are called.
#[derive(Debug, Default)]
pub(crate) struct Renames {
    prefix: String,
    suffix: String,
    namespace: String,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
}

impl Renames {
    fn read(root: &Node) -> Self {
        let word = |key: &str| root.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let pairs = |node: Option<&Node>| -> Vec<(String, String)> {
            let entries = node.map(Node::entries).unwrap_or_default().iter();
            entries.filter_map(|(key, value)| Some((key.text()?.to_owned(), value.text()?.to_owned()))).collect()
        };
        let lists = root.get("labels").map(Node::items).unwrap_or_default();
        let labels = lists.iter().map(|item| item.get("pairs")).chain([root.get("commonLabels")]);
        Self {
            prefix: word("namePrefix"),
            suffix: word("nameSuffix"),
            namespace: word("namespace"),
            labels: labels.flat_map(pairs).collect(),
            annotations: pairs(root.get("commonAnnotations")),
        }
    }

    /// Whether nothing is called otherwise.
    pub fn is_empty(&self) -> bool {
        [&self.prefix, &self.suffix, &self.namespace].iter().all(|text| text.is_empty())
            && self.labels.is_empty()
            && self.annotations.is_empty()
    }

    /// Gives an object that was written with a name its new ones.
    pub fn apply(&self, name: &str, renamed: &mut Renamed) {
        if !self.prefix.is_empty() || !self.suffix.is_empty() {
            let now = renamed.names.last().map_or(name, String::as_str);
            renamed.names.push(format!("{}{now}{}", self.prefix, self.suffix));
        }
        if !self.namespace.is_empty() {
            renamed.namespaces.push(self.namespace.clone());
        }
        renamed.labels.extend(self.labels.iter().cloned());
        renamed.annotations.extend(self.annotations.iter().cloned());
    }
}

/// A file of values, with the object that a generator makes of it.
#[derive(Debug)]
pub(crate) struct ValuesFile {
    pub file: Reference,
    pub object: Option<String>,
}

/// A variable: `$(NAME)` in some fields of all objects becomes a value of a ConfigMap. Source: kustomize's `types.Var`.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub name: String,
    /// The ConfigMap.
    pub object: String,
    /// The key of its `data`.
    pub key: String,
}

/// A path as it is written in a kustomization.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The path, relative to the kustomization.
    pub path: String,
    /// Where it is written.
    pub position: Position,
}

/// An entry of `images`.
#[derive(Debug, Clone)]
pub(crate) struct ImageEntry {
    /// The image that it changes, as manifests write it, without tag.
    pub name: String,
    /// The expression that the name is to kustomize, where it is more than the name of a repository: `acme/.*`, or a name with
    /// a tag.
    pub expression: Option<Regex>,
    /// Where that name is written, for a marker behind it.
    pub name_at: usize,
    /// What stands there instead, without the tag that it may carry.
    pub new_name: Option<String>,
    /// What is pasted behind the tag.
    pub suffix: Option<String>,
    /// The entry itself.
    pub value: Arc<ImageValue>,
    /// It says which build runs: a tag, a digest or both.
    pub has_build: bool,
}

impl ImageEntry {
    /// Reads an entry in the form of `kustomize edit set image`, which Argo CD has: `name:tag`, `name=other:tag`.
    pub fn of_text(item: &Cursor<'_>) -> Option<Self> {
        let mut value = ImageValue::whole(item, "Application", None)?;
        let text = item.text()?;
        let prefix_len = text.find('=').map_or(0, |at| at + 1);
        value.parts.prefix_len = prefix_len;
        let (new, build) = split_build(&text[prefix_len..]);
        let name = if prefix_len == 0 { new } else { split_build(&text[..prefix_len - 1]).0 };
        Some(Self {
            name: name.to_owned(),
            expression: None,
            name_at: item.at,
            new_name: (prefix_len > 0).then(|| new.to_owned()),
            suffix: None,
            has_build: !build.is_empty(),
            value: Arc::new(value),
        })
    }

    /// Whether the entry changes an image, by its name and its build as they are written. Source: kustomize's
    /// `imagetag.Filter`, which compiles the name.
    pub fn is_for(&self, name: &str, build: &str) -> bool {
        match &self.expression {
            None => self.name == name,
            Some(expression) => expression.is_match(&format!("{name}{build}")),
        }
    }
}

/// The patches of a mapping that has them as a kustomization does.
pub(crate) fn read_patches(around: &Cursor<'_>) -> Vec<Patch> {
    patch::read_all(around, &mut Vec::new())
}

/// What kustomize makes of the name of an entry; nothing for the plain name of a repository.
fn expression(name: &str) -> Option<Regex> {
    let (plain, build) = split_build(name);
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':');
    if build.is_empty() && plain.chars().all(is_word) {
        return None;
    }
    let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
    RegexBuilder::new(&pattern).size_limit(MAX_EXPRESSION_BYTES).build().ok()
}

impl Kustomization {
    /// How much it holds, in values.
    pub fn weight(&self) -> usize {
        let lists = [&self.resources, &self.components];
        let patches: usize = self.patches.iter().map(Patch::weight).sum();
        let images = self.images.len() + self.inline.len() + self.values.len() + self.literals.len() + self.vars.len();
        let transformers = self.transformers.iter().map(Transformer::weight).sum::<usize>();
        lists.iter().map(|list| list.len()).sum::<usize>() + patches + transformers + images * IMAGE_WEIGHT
    }

    /// Reads the root of a kustomization's document.
    pub fn read(root: &Node) -> Self {
        let cursor = Cursor::root(root);
        let mut faults = Vec::new();
        let mut references = |keys: &[&str]| -> Vec<Reference> {
            let items: Vec<Cursor<'_>> = keys.iter().flat_map(|key| list(&cursor, key, &mut faults)).collect();
            items.iter().filter_map(|item| reference(item, &mut faults)).collect()
        };
        let (resources, components) = (references(&["resources", "bases"]), references(&["components"]));
        let transformers = transformer::read_all(&list(&cursor, "transformers", &mut faults), &mut faults);
        let patches = patch::read_all(&cursor, &mut faults);
        let mut images = Vec::new();
        for key in ["images", "imageTags"] {
            for item in list(&cursor, key, &mut faults) {
                images.extend(read_entry(&item, "Kustomization"));
                let is_entry = item.node.is_mapping() && item.node.get("name").is_none_or(|name| name.is_scalar());
                if !is_entry {
                    let message = format!("an entry of `{key}` is no mapping with a `name`");
                    faults.push(Fault { position: item.position, message });
                }
            }
        }
        Self {
            resources,
            components,
            patches,
            values: values(root),
            literals: literals(root),
            env_files: env_files(root),
            vars: vars(root),
            configurations: texts_of(root.get("configurations")).collect(),
            replacements: replacement::read_all(&cursor, &mut faults),
            inline: inline_values(&cursor),
            images,
            transformers,
            renames: Renames::read(root),
            faults,
        }
    }
}

/// The members of a list; that something else stands under its key is a fault.
fn list<'a>(root: &Cursor<'a>, key: &str, faults: &mut Vec<Fault>) -> Vec<Cursor<'a>> {
    match root.key(key) {
        Some(list) if list.node.is_list() => list.items().collect(),
        Some(other) if !other.node.is_null() => {
            let message = format!("`{key}` is {}, where a list is needed", other.node.kind());
            faults.push(Fault { position: other.position, message });
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// The files of values that charts and generators take.
fn values(root: &Node) -> Vec<ValuesFile> {
    let mut found = Vec::new();
    let mut add = |node: &Node, object: Option<&str>| {
        let Some(text) = node.text() else { return };
        // A generator may name the key: `values.yaml=prod.yaml`.
        let path = text.rsplit('=').next().unwrap_or(text);
        if path.ends_with(".yaml") || path.ends_with(".yml") {
            let file = Reference { path: path.to_owned(), position: node.position };
            found.push(ValuesFile { file, object: object.map(str::to_owned) });
        }
    };
    for chart in root.get("helmCharts").map(Node::items).unwrap_or_default() {
        chart.get("valuesFile").into_iter().for_each(|file| add(file, None));
        let more = chart.get("additionalValuesFiles").map(Node::items).unwrap_or_default();
        more.iter().for_each(|file| add(file, None));
    }
    for (kind, entry) in generators(root) {
        let object = format!("{kind} {}", text(entry, "name"));
        let files = entry.get("files").map(Node::items).unwrap_or_default();
        files.iter().for_each(|file| add(file, Some(&object)));
    }
    found
}

fn generators(root: &Node) -> impl Iterator<Item = (&'static str, &Node)> {
    let lists = [("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")];
    lists.into_iter().flat_map(|(kind, key)| {
        root.get(key).map(Node::items).unwrap_or_default().iter().map(move |entry| (kind, entry))
    })
}

fn literals(root: &Node) -> Vec<(String, String, String)> {
    let of = |entry: &Node| -> Vec<(String, String, String)> {
        let items = entry.get("literals").map(Node::items).unwrap_or_default().iter();
        let pairs = items.filter_map(|item| item.text()?.split_once('='));
        pairs.map(|(key, value)| (text(entry, "name").to_owned(), key.to_owned(), value.to_owned())).collect()
    };
    generators(root).filter(|(kind, _)| *kind == "ConfigMap").flat_map(|(_, entry)| of(entry)).collect()
}

fn env_files(root: &Node) -> Vec<(String, Reference)> {
    let of = |entry: &Node| -> Vec<(String, Reference)> {
        let files = texts_of(entry.get("envs")).chain(texts_of(entry.get("env")));
        files.map(|file| (text(entry, "name").to_owned(), file)).collect()
    };
    generators(root).filter(|(kind, _)| *kind == "ConfigMap").flat_map(|(_, entry)| of(entry)).collect()
}

/// The paths of a list, or the one that stands in its place.
fn texts_of(list: Option<&Node>) -> impl Iterator<Item = Reference> {
    let one = list.into_iter().filter(|node| node.is_scalar());
    let paths = one.chain(list.map(Node::items).unwrap_or_default());
    paths.filter_map(|node| Some(Reference { path: node.text()?.to_owned(), position: node.position }))
}

fn vars(root: &Node) -> Vec<Variable> {
    let of = |entry: &Node| {
        let object = entry.get("objref").filter(|object| text(object, "kind") == "ConfigMap")?;
        let field = entry.at(&["fieldref", "fieldpath"]).or_else(|| entry.at(&["fieldref", "fieldPath"]))?;
        let key = field.text()?.strip_prefix("data.")?.to_owned();
        Some(Variable { name: text(entry, "name").to_owned(), object: text(object, "name").to_owned(), key })
    };
    root.get("vars").map(Node::items).unwrap_or_default().iter().filter_map(of).collect()
}

/// The images of values that stand beside a chart, `helmCharts[].valuesInline`, and the versions of the charts.
fn inline_values(root: &Cursor<'_>) -> Vec<Arc<ImageValue>> {
    let charts = root.key("helmCharts");
    let inline = charts.iter().flat_map(Cursor::items).filter_map(|chart| chart.key("valuesInline"));
    let mut found: Vec<ImageValue> = inline.flat_map(|given| values::images(&given, "Kustomization")).collect();
    aliases::release(&mut found, std::slice::from_ref(root.node));
    found.extend(chart::of_kustomization(root));
    found.into_iter().map(Arc::new).collect()
}

/// A path; texts of several lines are none, and hold the resource themselves.
fn reference(item: &Cursor<'_>, faults: &mut Vec<Fault>) -> Option<Reference> {
    let Some(path) = item.text() else {
        let message = format!("a path is {}, where a text is needed", item.node.kind());
        faults.push(Fault { position: item.position, message });
        return None;
    };
    (!path.contains('\n')).then(|| Reference { path: path.to_owned(), position: item.position })
}

/// The entries of a list in the form of kustomize's `images`.
pub(crate) fn read_entries(parent: &Cursor<'_>, key: &str, object: &str) -> Vec<ImageEntry> {
    parent.key(key).iter().flat_map(Cursor::items).filter_map(|item| read_entry(&item, object)).collect()
}

fn read_entry(item: &Cursor<'_>, object: &str) -> Option<ImageEntry> {
    let named = item.key("name")?;
    let name = named.text()?.to_owned();
    let part = |key: &str| item.key(key);
    let (new_name, tag, digest) = (part("newName"), part("newTag"), part("digest"));
    let obstacle = [Some(item), tag.as_ref(), digest.as_ref(), new_name.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|cursor| cursor.obstacle);
    let spot = |cursor: Option<Cursor<'_>>| cursor.and_then(|cursor| cursor.spot());
    let home = Home { at: item.node.span.start, name: Some("newName"), tag: "newTag", digest: Some("digest") };
    let parts = Parts {
        name: spot(new_name),
        fixed_name: Some(name.clone()),
        tag: spot(tag),
        digest: spot(digest),
        home: Some(home),
        ..Parts::default()
    };
    let filled = |spot: &Option<Spot>| spot.as_ref().is_some_and(|spot| !spot.text.is_empty());
    let (new_name, carried) = match parts.name.as_ref().filter(|spot| !spot.text.is_empty()) {
        Some(spot) => split_build(&spot.text),
        None => ("", ""),
    };
    let is_apart = filled(&parts.tag) || filled(&parts.digest);
    let twice = (is_apart && !carried.is_empty())
        .then_some("`newName` carries a tag or digest beside that of the entry: write it in one of them");
    let suffix = part("tagSuffix").and_then(|suffix| suffix.text().map(str::to_owned)).filter(|text| !text.is_empty());
    let vacant = Spot {
        text: String::new(),
        position: item.position,
        span: item.at..item.at,
        field: format!("{}.newTag", item.field),
        obstacle: None,
        shared: None,
        is_by_alias: item.is_by_alias(),
    };
    let (new_name, has_build) = ((!new_name.is_empty()).then(|| new_name.to_owned()), is_apart || !carried.is_empty());
    let value = ImageValue {
        vacant: carried.is_empty().then_some(vacant),
        object: object.to_owned(),
        container: None,
        parts,
        obstacle: obstacle.or(twice),
        is_kustomizable: false,
        is_of_own_kind: false,
        policy: None,
        chart: None,
    };
    Some(ImageEntry {
        expression: expression(&name),
        name,
        name_at: named.at,
        new_name,
        suffix,
        value: Arc::new(value),
        has_build,
    })
}
