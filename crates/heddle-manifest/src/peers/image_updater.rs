//! Argo CD Image Updater: annotations of `Application`s, and `ImageUpdater` objects.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{change::Mode, image::ImageRepository, policy::ImageUpdaterPolicy};

use super::{
    Brought, Origin, Places, Setup, Wish,
    objects::{for_each_of, origin, word, words},
};
use crate::{
    config::split_list,
    find::resolve,
    glob::Glob,
    policy::{IMAGE_UPDATER_PREFIX as PREFIX, image_list},
    yaml::Node,
};

/// An `Application`, or the template of an `ApplicationSet`.
struct Application {
    name: String,
    /// Where its manifests and itself stand, as globs.
    globs: Vec<Glob>,
    /// The folders of its manifests.
    folders: Vec<String>,
    annotations: BTreeMap<String, String>,
    origin: Origin,
}

/// What is said about one image, the nearest first.
struct Settings<'a> {
    options: ImageUpdaterPolicy,
    mode: Mode,
    places: Places,
    origin: &'a Origin,
}

/// Reads the applications, then what they and `ImageUpdater` objects say about their images.
pub(super) fn read(setup: &Setup<'_>, brought: &mut Brought) {
    let mut applications = Vec::new();
    for_each_of(setup.files, "argoproj.io/", |file, object| match word(object, &["kind"]) {
        "Application" => applications.push(read_application(file, object, object)),
        "ApplicationSet" => {
            if let Some(template) = object.at(&["spec", "template"]) {
                applications.push(read_application(file, object, template));
            }
        }
        _ => {}
    });
    for application in &applications {
        read_annotations(setup, application, brought);
    }
    for_each_of(setup.files, PREFIX, |file, object| {
        if word(object, &["kind"]) == "ImageUpdater" {
            read_updater(&origin(file, object), object, &applications, brought);
        }
    });
}

fn read_application(file: &str, object: &Node, application: &Node) -> Application {
    let single = application.at(&["spec", "source"]);
    let several = application.at(&["spec", "sources"]).map(Node::items).unwrap_or_default();
    let paths = single.into_iter().chain(several).map(|source| word(source, &["path"]).trim_matches('/'));
    // A template's path names a folder only after it was filled in.
    let paths = paths.filter(|path| !path.is_empty() && !path.contains("{{"));
    let folders: Vec<String> = paths.filter_map(|path| resolve("", path)).collect();
    let mut globs = vec![file.to_owned()];
    globs.extend(folders.iter().map(|folder| if folder.is_empty() { "**".to_owned() } else { format!("{folder}/**") }));
    let annotations = application.at(&["metadata", "annotations"]).map(Node::entries).unwrap_or_default();
    let own =
        |(key, value): &(Node, Node)| Some((key.text()?.strip_prefix(PREFIX)?.to_owned(), value.text()?.to_owned()));
    Application {
        name: word(application, &["metadata", "name"]).to_owned(),
        globs: globs.iter().filter_map(|glob| Glob::parse(glob)).collect(),
        folders,
        annotations: annotations.iter().filter_map(own).collect(),
        origin: origin(file, object),
    }
}

fn read_annotations(setup: &Setup<'_>, application: &Application, brought: &mut Brought) {
    let Some(list) = application.annotations.get("image-list") else { return };
    let origin = &application.origin;
    let common = |name: &str| application.annotations.get(name).map(String::as_str).unwrap_or_default();
    let (method, branch) = (common("write-back-method"), common("git-branch"));
    let mode = mode_of(method, branch, false, origin, brought);
    for (alias, image) in image_list(list) {
        let alias = alias.unwrap_or_default();
        let setting = |name: &str| {
            let own = application.annotations.get(&format!("{alias}.{name}"));
            own.map_or_else(|| common(name).to_owned(), String::clone)
        };
        let named = [setting("helm.image-tag"), setting("helm.image-spec"), setting("helm.image-name")];
        let globs = written_to(application, common("write-back-target"));
        let places = places_of(setup, image, &named, &globs);
        let options = ImageUpdaterPolicy {
            strategy: setting("update-strategy"),
            constraint: String::new(),
            allow_tags: setting("allow-tags"),
            ignore_tags: split_list(&setting("ignore-tags")),
            platforms: split_list(&setting("platforms")),
        };
        wish(image, Settings { options, mode, places, origin }, brought);
    }
}

fn read_updater(origin: &Origin, object: &Node, applications: &[Application], brought: &mut Brought) {
    let Some(spec) = object.get("spec") else { return };
    for reference in spec.get("applicationRefs").map(Node::items).unwrap_or_default() {
        let pattern = word(reference, &["namePattern"]);
        let named = Glob::parse(pattern);
        let meant = |application: &&Application| named.as_ref().is_some_and(|glob| glob.matches(&application.name));
        let globs: Vec<Glob> = applications.iter().filter(meant).flat_map(|found| found.globs.clone()).collect();
        if globs.is_empty() {
            brought
                .differs(origin, format!("no `Application` here matches `{pattern}`, so its rules hold in every file"));
        }
        if reference.get("labelSelectors").is_some() {
            brought.differs(origin, "`labelSelectors` are not looked at: the names of applications alone count");
        }
        if word(reference, &["useAnnotations"]) == "true" {
            continue;
        }
        let of = |path: &[&str]| [reference, spec].iter().find_map(|level| level.at(path)).and_then(Node::text);
        let pull_request =
            [reference, spec].iter().any(|level| level.at(&["writeBackConfig", "gitConfig", "pullRequest"]).is_some());
        let method = of(&["writeBackConfig", "method"]).unwrap_or_default();
        let branch = of(&["writeBackConfig", "gitConfig", "branch"]).unwrap_or_default();
        let mode = mode_of(method, branch, pull_request, origin, brought);
        for image in reference.get("images").map(Node::items).unwrap_or_default() {
            let setting = |name: &str| {
                [image, reference, spec].into_iter().find_map(|level| level.at(&["commonUpdateSettings", name]))
            };
            let text = |name: &str| setting(name).and_then(Node::text).unwrap_or_default().to_owned();
            let options = ImageUpdaterPolicy {
                strategy: text("updateStrategy"),
                constraint: String::new(),
                allow_tags: text("allowTags"),
                ignore_tags: words(setting("ignoreTags")),
                platforms: words(setting("platforms")),
            };
            let places = Places::Below(globs.clone());
            wish(word(image, &["imageName"]), Settings { options, mode, places, origin }, brought);
        }
    }
}

/// The files in which Image Updater writes: those of the application, or what `write-back-target` names alone, from the
/// application's folder or, with a slash in front, from the root. Source:
/// <https://argocd-image-updater.readthedocs.io/en/stable/basics/update-methods/>.
fn written_to(application: &Application, target: &str) -> Vec<Glob> {
    let (kind, path) = target.split_once(':').unwrap_or((target, ""));
    let (path, end) = match kind {
        "helmvalues" => (if path.is_empty() { "values.yaml" } else { path }, ""),
        "kustomization" => (path, "kustomization.yaml"),
        _ => return application.globs.clone(),
    };
    let from_root = path.strip_prefix('/').and_then(|path| resolve("", path)).into_iter();
    let beside = application.folders.iter().filter(|_| !path.starts_with('/'));
    let named = from_root.chain(beside.filter_map(|folder| resolve(folder, path)));
    let file = |path: String| match (path.as_str(), end) {
        (_, "") => path,
        ("", end) => end.to_owned(),
        (folder, end) => format!("{folder}/{end}"),
    };
    let globs: Vec<Glob> = named.filter_map(|path| Glob::parse(&file(path))).collect();
    // What is filled in later may be any of them.
    if globs.is_empty() || path.contains("{{") { application.globs.clone() } else { globs }
}

/// The places of an image: those that its `helm.image-…` settings name by their way in the values, where there are such.
fn places_of(setup: &Setup<'_>, image: &str, named: &[String], globs: &[Glob]) -> Places {
    let below = || Places::Below(globs.to_vec());
    let colon = image.rfind(':').filter(|at| !image[at + 1..].contains('/'));
    let Ok(repository) = colon.map_or(image, |at| &image[..at]).parse::<ImageRepository>() else { return below() };
    let found = setup.occurrences.iter().enumerate().filter(|(_, occurrence)| {
        occurrence.image.repository == repository
            && globs.iter().any(|glob| glob.matches(&occurrence.place.file))
            && named.iter().any(|name| setup.leads_to(name, occurrence))
    });
    let found: BTreeSet<usize> = found.map(|(index, _)| index).collect();
    if found.is_empty() { below() } else { Places::At(found) }
}

/// How changes are written where Image Updater writes by this method and branch.
fn mode_of(method: &str, branch: &str, pull_request: bool, origin: &Origin, brought: &mut Brought) -> Mode {
    if !method.starts_with("git") {
        brought.differs(
            origin,
            "Heddle writes to git, by pull request; Image Updater sets parameters of the `Application`",
        );
        return Mode::PullRequest;
    }
    if let Some((_, secret)) = method.split_once(':') {
        brought.differs(origin, format!("Heddle writes through the GitHub App; `{secret}` is not needed any more"));
    }
    if pull_request || branch.contains(':') { Mode::PullRequest } else { Mode::Commit }
}

/// A wish for `image`, written as `repository:constraint`.
fn wish(image: &str, mut settings: Settings<'_>, brought: &mut Brought) {
    let colon = image.rfind(':').filter(|at| !image[at + 1..].contains('/'));
    let (name, constraint) = colon.map_or((image, ""), |at| (&image[..at], &image[at + 1..]));
    let repository = match name.parse::<ImageRepository>() {
        Ok(repository) => repository,
        Err(error) => return brought.fault(settings.origin, format!("{error}")),
    };
    settings.options.constraint = constraint.to_owned();
    let translation = settings.options.translate();
    for sentence in translation.differs {
        brought.differs(settings.origin, format!("`{name}`: {sentence}"));
    }
    if let Some(policy) = translation.policy {
        let places = settings.places;
        brought.wish(Wish {
            image: repository,
            is_chart: false,
            places,
            policy,
            mode: settings.mode,
            origin: settings.origin.clone(),
        });
    }
}
