//! Reads what follows a path, and what it lays over that, from one object.

use std::{cell::OnceCell, rc::Rc, sync::Arc};

use super::{ELSEWHERE, Follower, Known, layer::Layer};
use crate::{
    find::closure::resolve,
    kustomize::{ImageEntry, Inline, read_entries, read_patches},
    object::{group, text},
    peers::plain_path,
    yaml::{Node, cursor::Cursor},
};

/// Reads what an object follows, and what it lays over that.
pub(super) fn read<'a>(
    file: &Arc<str>,
    object: &Cursor<'a>,
    known: &Rc<OnceCell<Known<'a>>>,
    all: &mut Vec<Follower<'a>>,
) {
    let Some(spec) = object.key("spec") else { return };
    let follow =
        |path: &str| Follower { known: Rc::clone(known), ..Follower::at(plain_path(path), file, object.node, None) };
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
