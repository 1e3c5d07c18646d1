//! Which images a patch sets: the place that wins is the place that is written.
//!
//! A strategic merge sets what it names, by the same way as in the object; an operation of JSON 6902 sets what stands at its
//! pointer, and all below. Source: kustomize's `PatchTransformer`, RFC 6902.

use std::{collections::HashSet, sync::Arc};

use super::{
    closure::{Reader, resolve},
    live::{Fields, Live, merges_by_name},
    operations, remarks,
};
use crate::{
    chart::PATCHED,
    image::{ImageValue, Parts},
    kustomize::{Body, Inline, Patch},
    object::{object_name, text},
    path::Path,
    read::object_images,
    values::{self, texts},
    yaml::{Documents, Node, Spot, cursor::Cursor},
};

const DIGEST_ELSEWHERE: &str =
    "a patch sets the tag, and what it patches a digest, which wins: write both in one file, or take the digest away";
const IN_TWO_FILES: &str = "a patch sets the digest, and what it patches the tag: write both in one file";

/// What one document of a patch, or one operation in it, does to an object.
pub(super) struct Change<'a> {
    /// The way to what is set; empty for a merge.
    pub field: String,
    /// What is set there; nothing where it is taken away.
    pub value: Option<Cursor<'a>>,
    pub is_merge: bool,
}

/// Where a patch stands.
pub(super) struct Home<'a> {
    pub file: Arc<str>,
    inline: Option<&'a Inline>,
}

/// Carries out a patch on the images of a kustomization. Where it cannot be read, nobody knows which image runs where it may
/// be for an object, and that is said of each.
pub(super) fn apply(
    reader: &mut Reader<'_>,
    kustomization: &Arc<str>,
    folder: &str,
    patch: &Patch,
    live: &mut Vec<Live>,
) {
    let done = try_apply(reader, kustomization, folder, patch, live);
    let Err(fault) = done else { return };
    if let Some((code, message)) = fault {
        reader.refuse(kustomization, patch.position, code, message);
    }
    let doubt: Arc<str> = format!("{kustomization}:{}", patch.position.line).into();
    let target = match &patch.target {
        Ok(Some(target)) => Some(target),
        // Whatever a patch without a target names, and one whose target cannot be read, may be any of them.
        Ok(None) | Err(_) => None,
    };
    for image in live {
        let (kind, namespace, name) = identity(&image.object);
        if target.is_none_or(|target| target.fits(kind, namespace, name, &image.renamed)) {
            image.doubt = Some(Arc::clone(&doubt));
        }
    }
}

/// What is to be told of a patch that cannot be carried out: a code and words, where nothing was told yet.
pub(super) type Refusal = Option<(&'static str, String)>;

fn try_apply(
    reader: &mut Reader<'_>,
    kustomization: &Arc<str>,
    folder: &str,
    patch: &Patch,
    live: &mut Vec<Live>,
) -> Result<(), Refusal> {
    if let Some(fault) = patch.fault() {
        let message = format!("this patch cannot be read, so what it may change is not updated: {}", fault.message);
        return Err(Some(("broken-patch", message)));
    }
    match &patch.body {
        Ok(Body::Inline(inline)) => {
            let home = Home { file: Arc::clone(kustomization), inline: Some(inline) };
            carry_out(reader, &home, patch, &inline.documents, live)
        }
        Ok(Body::File(reference)) => {
            let said = |code, message: String| Some((code, format!("the patch `{}` {message}", reference.path)));
            let path = resolve(folder, &reference.path).ok_or_else(|| {
                said(
                    "remote-base",
                    "lies outside of what is read here, so what it may change is not updated".to_owned(),
                )
            })?;
            if !reader.has(&path) {
                let message = "is not there, so what it may change is not updated".to_owned();
                return Err(said("missing-file", message));
            }
            // A file that cannot be read is told already.
            let documents = reader.documents(&path).ok_or(None)?;
            let home = Home { file: path.as_str().into(), inline: None };
            carry_out(reader, &home, patch, &documents, live)?;
            remarks::complete(reader, &home.file, &documents, live);
            Ok(())
        }
        Err(_) => Err(None),
    }
}

fn carry_out(
    reader: &mut Reader<'_>,
    home: &Home<'_>,
    patch: &Patch,
    documents: &Documents,
    live: &mut Vec<Live>,
) -> Result<(), Refusal> {
    for root in &documents.roots {
        reader.are_sources_patched |= may_change_sources(patch, root);
        if !reader.walk(1 + live.len() / 8, &home.file) {
            return Err(None);
        }
        if root.is_list() {
            for operation in Cursor::root(root).items() {
                operations::operate(reader, home, patch, &operation, live)?;
            }
        } else {
            merge(reader, home, patch, root, live);
        }
    }
    Ok(())
}

/// Whether a patch may change where charts come from.
fn may_change_sources(patch: &Patch, root: &Node) -> bool {
    let of_kind = || text(root, "kind") == "HelmRepository";
    match patch.target.as_ref().ok().and_then(Option::as_ref) {
        None => of_kind(),
        Some(target) => {
            let is_address = |item: &Node| text(item, "path").starts_with("/spec/url") || text(item, "path") == "/spec";
            target.names_kind("HelmRepository") || of_kind() || root.items().iter().any(is_address)
        }
    }
}

/// Kind, namespace and name out of `kind namespace/name`.
pub(super) fn identity(object: &str) -> (&str, Option<&str>, &str) {
    let (kind, rest) = object.split_once(' ').unwrap_or((object, ""));
    match rest.split_once('/') {
        Some((namespace, name)) => (kind, Some(namespace), name),
        None => (kind, None, rest),
    }
}

/// The images of the objects that a patch is for, by their index.
pub(super) fn meant(reader: &mut Reader<'_>, patch: &Patch, root: &Node, live: &[Live]) -> Vec<usize> {
    let own = object_name(root);
    let (kind, namespace, name) = identity(&own);
    let fits = |image: &Live, reader: &mut Reader<'_>| {
        let (its_kind, its_namespace, its_name) = identity(&image.object);
        let renamed = Arc::clone(&image.renamed);
        match patch.target.as_ref().ok().and_then(Option::as_ref) {
            Some(target) if target.needs_object() => {
                target.fits(its_kind, its_namespace, its_name, &renamed)
                    && reader.with_object(&image.origin, &image.object, |object| target.matches(object.node, &renamed))
                        == Some(true)
            }
            Some(target) => target.fits(its_kind, its_namespace, its_name, &renamed),
            None => {
                let is_own = its_namespace.is_none_or(|own| namespace.is_none_or(|named| named == own));
                let is_given = renamed.namespaces.iter().any(|given| namespace == Some(given));
                let is_called = its_name == name || renamed.names.iter().any(|given| given == name);
                kind == its_kind && is_called && (is_own || is_given)
            }
        }
    };
    (0..live.len()).filter(|index| fits(&live[*index], reader)).collect()
}

fn merge(reader: &mut Reader<'_>, home: &Home<'_>, patch: &Patch, root: &Node, live: &mut Vec<Live>) {
    let meant = meant(reader, patch, root, live);
    let change = Change { field: String::new(), value: Some(Cursor::root(root)), is_merge: true };
    let mut known = HashSet::new();
    let mut gone = HashSet::new();
    let before = live.len();
    let has_chart = meant.iter().any(|index| live[*index].value.chart.is_some());
    for index in &meant {
        if is_deleted(root, &live[*index]) {
            gone.insert(*index);
            continue;
        }
        let fields = Arc::clone(&live[*index].fields);
        if change.on(&mut live[*index], home) {
            known.extend(fields.all().map(str::to_owned));
        } else {
            // What stands in its place now is an image of its own.
            gone.insert(*index);
        }
    }
    keep(live, |index| !gone.contains(&index));
    for image in object_images(&Cursor::root(root), reader.rules()) {
        let is_known = image.parts.spots().any(|spot| known.contains(&spot.field));
        // What changes a chart that is there brings no other one.
        let is_known = is_known || image.chart.is_some() && has_chart;
        if !is_known {
            live.push(home.live(image));
        }
    }
    // New members of a list come first, and those that go leave a gap.
    if live.len() != before || !gone.is_empty() {
        let object = object_name(root);
        live.iter_mut().filter(|image| image.object == object).for_each(|image| image.is_shifted = true);
    }
}

/// Whether a merge takes an image away: with something around it, or by putting something else in the place of that. Source:
/// `$patch` of strategic merges, in the conventions of Kubernetes' API.
fn is_deleted(root: &Node, image: &Live) -> bool {
    let says = |node: &Node, word: &str| node.get("$patch").and_then(Node::text) == Some(word);
    let Some(path) = image.fields.name.as_deref().and_then(|field| Path::parse(field).ok()) else {
        return says(root, "delete") || says(root, "replace");
    };
    let cursor = Cursor::root(root);
    let around = std::iter::successors(path.parent(), Path::parent);
    let found: Vec<&Node> = around.flat_map(|path| path.all(&cursor)).map(|cursor| cursor.node).chain([root]).collect();
    let is_replaced = |node: &&Node| says(node, "replace") || node.items().iter().any(|item| says(item, "replace"));
    let sets = || !path.all(&cursor).is_empty();
    found.iter().any(|node| says(node, "delete")) || (found.iter().any(is_replaced) && !sets())
}

pub(super) fn keep(live: &mut Vec<Live>, keeps: impl Fn(usize) -> bool) {
    let mut index = 0;
    live.retain(|_| {
        index += 1;
        keeps(index - 1)
    });
}

impl Change<'_> {
    /// What the change sets at a way: nothing where it leaves it, `Some(None)` where it takes it away.
    fn at(&self, field: &str, is_container: bool) -> Option<Option<Cursor<'_>>> {
        let value = self.value.as_ref();
        if self.is_merge {
            let root = value?;
            // A list of an object that is none of Kubernetes' own takes the place of the other.
            let list = field.split_once('[').map(|(list, _)| list).filter(|_| !is_container);
            if let Some(list) = list {
                let path = Path::parse(list).ok()?;
                return path.all(root).first().is_some_and(|found| found.node.is_list()).then_some(None);
            }
            return Path::parse(field).ok()?.all(root).into_iter().next().map(Some);
        }
        let rest = field.strip_prefix(self.field.as_str())?;
        if rest.is_empty() {
            return Some(value.cloned());
        }
        let rest = rest.strip_prefix('.').or_else(|| rest.starts_with('[').then_some(rest))?;
        Some(value.and_then(|value| Path::parse(rest).ok()?.all(value).into_iter().next()))
    }

    /// Changes an image or the version of a chart; `false` when it is gone by that. A chart of which more than the version is
    /// changed is written by nobody.
    pub fn on(&self, image: &mut Live, home: &Home<'_>) -> bool {
        let chart = image.value.chart.as_ref();
        let sets = |way: &str| self.at(way, false).map(|value| value.is_some());
        // What takes the place of all around the version leaves nothing beside it that would win.
        let sets_version = image.fields.tag.as_deref().and_then(sets) == Some(true);
        let is_changed = |way: &String| sets(way).is_some_and(|is_set| is_set || !sets_version);
        let is_other = chart.is_some_and(|chart| chart.ways.iter().any(is_changed));
        let stays = self.set(image, home);
        if is_other {
            Arc::make_mut(&mut image.value).obstacle = Some(PATCHED);
        }
        stays
    }

    fn set(&self, image: &mut Live, home: &Home<'_>) -> bool {
        let fields = Arc::clone(&image.fields);
        let at = |field: &Option<String>| field.as_deref().and_then(|field| self.at(field, image.is_container));
        let (name, registry, tag, digest) =
            (at(&fields.name), at(&fields.registry), at(&fields.tag), at(&fields.digest));
        if [&name, &registry, &tag, &digest].iter().all(|part| part.is_none()) {
            return true;
        }
        if matches!(name, Some(None)) {
            return false;
        }
        let mut merged = image.value.parts.clone();
        let spot = |part: &Option<Option<Cursor<'_>>>, old: &Option<Spot>| match part {
            Some(new) => new.as_ref().and_then(Cursor::spot),
            None => old.clone(),
        };
        (merged.name, merged.registry) = (spot(&name, &merged.name), spot(&registry, &merged.registry));
        (merged.tag, merged.digest) = (spot(&tag, &merged.tag), spot(&digest, &merged.digest));
        let is_whole = fields.tag.is_none() && fields.digest.is_none();
        if is_whole {
            merged = Parts { name: merged.name, ..Parts::default() };
        } else if merged.fixed_name.is_some() {
            merged.fixed_name = Some(image.name.clone());
        }
        (image.name, image.build) = merged.name_and_build();
        let sets = |part: &Option<Option<Cursor<'_>>>| matches!(part, Some(Some(_)));
        if !(sets(&tag) || sets(&digest) || is_whole && sets(&name)) {
            return true;
        }
        let filled = |spot: &Option<Spot>| spot.as_ref().is_some_and(|spot| !spot.text.is_empty());
        // What an image is refused for by how it is written is so whatever sets a part of it.
        let stays = |obstacle: &&str| values::is_of_shape(obstacle) || *obstacle == PATCHED;
        let of_shape = image.value.obstacle.filter(stays);
        let obstacle = if is_whole {
            None
        } else if of_shape.is_some() {
            of_shape
        } else if sets(&tag) && digest.is_none() && filled(&merged.digest) {
            Some(DIGEST_ELSEWHERE)
        } else if sets(&digest) && tag.is_none() && filled(&merged.tag) {
            Some(IN_TWO_FILES)
        } else {
            None
        };
        let cursors = [&name, &tag, &digest].into_iter().flatten().flatten();
        let around = cursors.into_iter().find_map(|cursor| cursor.obstacle);
        let set = |part: &Option<Option<Cursor<'_>>>| part.as_ref()?.as_ref()?.spot();
        let parts = match is_whole {
            true => Parts { name: set(&name), ..Parts::default() },
            false => Parts {
                fixed_name: Some(image.name.clone()),
                tag: set(&tag),
                digest: set(&digest),
                is_bare_digest: merged.is_bare_digest,
                digest_in_tag: merged.digest_in_tag,
                ..Parts::default()
            },
        };
        let value = ImageValue {
            object: image.object.clone(),
            container: image.value.container.clone(),
            parts,
            // An alias may be let go yet; a digest elsewhere stays.
            obstacle: obstacle.or(around),
            is_kustomizable: image.is_kustomizable,
            is_of_own_kind: image.value.is_of_own_kind,
            policy: None,
            vacant: None,
            chart: image.value.chart.clone(),
        };
        image.value = Arc::new(home.placed(value));
        image.file = Arc::clone(&home.file);
        true
    }
}

impl<'a> Home<'a> {
    /// A file, and the text in it where the patch stands in one.
    pub fn of(file: &Arc<str>, inline: Option<&'a Inline>) -> Self {
        Self { file: Arc::clone(file), inline }
    }

    /// An image that the patch brings.
    pub fn live(&self, image: ImageValue) -> Live {
        let (fields, is_kustomizable) = (Fields::of(&image), image.is_kustomizable);
        let (name, build) = image.parts.name_and_build();
        Live {
            name,
            build,
            file: Arc::clone(&self.file),
            origin: Arc::clone(&self.file),
            object: image.object.clone(),
            fields: Arc::new(fields),
            is_container: merges_by_name(&image),
            value: Arc::new(self.placed(image)),
            is_kustomizable,
            suffix: None,
            renamed: Arc::default(),
            doubt: None,
            is_shifted: true,
            is_appended: false,
            policy_file: None,
            bond: None,
        }
    }

    fn placed(&self, image: ImageValue) -> ImageValue {
        match self.inline {
            Some(inline) => texts::placed(image, &inline.block, &inline.text),
            None => image,
        }
    }
}
