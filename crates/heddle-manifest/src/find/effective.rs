//! Which image runs in one environment at each place: kustomize's `images:` carried out on names alone.
//!
//! Kustomize applies the entries of each kustomization in order to everything that it accumulated, from the innermost
//! outwards; a component's entries are applied to what its parent has so far. An entry matches an image by its name as it
//! is written.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    EnvironmentOrigin, FoundEnvironment,
    added::Added,
    charts::Charts,
    closure::{Reader, is_remote, resolve},
    covers,
    follow::{Follower, Followers},
    live::Live,
    patches, replacements,
    variables::{self, Visited},
};
use crate::{
    chart::{PATCHED, without_login},
    kustomize::{Fault, ImageEntry, Reference, Renames, Transformer, Transforms},
    yaml::Position,
};

/// How deep kustomizations may nest.
const MAX_DEPTH: usize = 32;

/// How many images are compared with an entry's name for the price of one that is walked.
const COMPARED_AT_ONCE: usize = 64;

/// The images of one environment.
#[derive(Debug, Default)]
pub(super) struct Effective {
    /// The images.
    pub live: Vec<Live>,
    /// A part of the closure could not be read.
    pub incomplete: bool,
}

/// Computes the images of an environment: a folder, with what is added to it, or one file alone.
pub(super) fn effective<'a>(
    reader: &mut Reader<'a>,
    (environment, all): (&FoundEnvironment, &[FoundEnvironment]),
    added: &Added,
    followers: &Followers<'a>,
) -> Effective {
    let folder = environment.path.as_str();
    let is_declared = |one: &FoundEnvironment| one.origin != EnvironmentOrigin::Folder;
    let is_beside = |one: &&FoundEnvironment| is_declared(one) && !covers(&one.path, folder);
    let beside = all.iter().filter(|_| is_declared(environment)).filter(is_beside);
    let beside = beside.map(|one| one.path.clone()).collect();
    let (visiting, visited, path) = (BTreeSet::new(), Vec::new(), folder.to_owned());
    let syncs = &environment.syncs;
    let mut walk = Walk { reader, visiting, visited, incomplete: false, path, beside, syncs };
    let mut live = Vec::new();
    let (files, units) = walk.items(folder);
    let charts = Charts::among(&files);
    let is_file = walk.reader.has(folder);
    for file in files.iter().filter(|file| is_file || charts.read(file, added)) {
        walk.followed(&Item::File(file), followers, &mut live);
    }
    for (chart, file, values) in charts.values_elsewhere(added) {
        walk.values((chart, file, values), followers, &mut live);
    }
    for unit in &units {
        walk.followed(&Item::Unit(unit), followers, &mut live);
    }
    walk.leaving(folder, added, followers, &mut live);
    for (path, file, component) in added.within(folder) {
        // What is added to a folder below changes nothing of the others.
        let mut apart = Vec::new();
        let changed = if path == folder { &mut live } else { &mut apart };
        walk.references(file, path, std::slice::from_ref(component), Nested::Shared, changed);
        live.append(&mut apart);
    }
    let incomplete = walk.incomplete;
    if std::mem::take(&mut reader.are_sources_patched) {
        for image in &mut live {
            if image.value.chart.as_ref().is_some_and(|chart| chart.is_by_repository) {
                Arc::make_mut(&mut image.value).obstacle = Some(PATCHED);
            }
        }
    }
    Effective { live, incomplete }
}

struct Walk<'w, 'a> {
    reader: &'w mut Reader<'a>,
    visiting: BTreeSet<String>,
    /// The kustomizations that the one at hand led to, and itself.
    visited: Vec<Visited<'a>>,
    incomplete: bool,
    /// The path of the environment.
    path: String,
    /// The paths of the environments beside it.
    beside: Vec<String>,
    /// The names of the Syncs that are known to follow its path.
    syncs: &'w BTreeSet<String>,
}

/// What an environment is made of.
enum Item<'i> {
    /// A file that no kustomization takes in.
    File(&'i str),
    /// The folder of a kustomization.
    Unit(&'i str),
}

impl<'a> Walk<'_, 'a> {
    /// The files and the folders of kustomizations of which a folder is made; a path may be one of them itself.
    fn items(&self, folder: &str) -> (Vec<String>, Vec<String>) {
        if self.reader.kustomization_file(folder).is_some() {
            (Vec::new(), vec![folder.to_owned()])
        } else if self.reader.has(folder) {
            (vec![folder.to_owned()], Vec::new())
        } else {
            self.reader.tree(folder)
        }
    }

    /// Whether the search has walked all that it may, so that nothing more is known.
    fn is_over(&mut self) -> bool {
        self.incomplete |= self.reader.is_spent();
        self.reader.is_spent()
    }

    /// Adds what each of those makes of a file or a kustomization that follow it.
    fn followed(&mut self, item: &Item<'_>, followers: &Followers<'a>, live: &mut Vec<Live>) {
        if self.is_over() {
            return;
        }
        let (Item::File(path) | Item::Unit(path)) = item;
        let those = followers.of(self.reader, path);
        // An environment at a path that another one follows has a follower of its own, of which nothing is known.
        let is_of_another = |one: &&Follower<'a>| {
            let is_held = |held: &String| covers(held, &one.file);
            covers(&one.path, &self.path) && !covers(&self.path, &one.file) && self.beside.iter().any(is_held)
        };
        let is_changed = those.iter().all(|one| !one.is_plain());
        if those.is_empty() || is_changed && (those.iter().any(is_of_another) || self.is_followed_elsewhere(&those)) {
            live.append(&mut self.item(item, None));
        }
        for follower in those {
            live.append(&mut self.item(item, Some(follower)));
        }
    }

    /// Whether a Sync is known to follow the environment's path that none of its followers here is.
    fn is_followed_elsewhere(&self, here: &[&Follower<'a>]) -> bool {
        let here: Vec<&str> =
            here.iter().filter(|one| one.path == self.path).filter_map(|one| one.sync_name()).collect();
        self.syncs.iter().any(|sync| !here.contains(&sync.as_str()))
    }

    /// Adds what the followers in a folder say themselves of what they change elsewhere. That is held by others, who tell
    /// what is wrong in it.
    fn leaving(&mut self, folder: &str, added: &Added, followers: &Followers<'a>, live: &mut Vec<Live>) {
        let incomplete = self.incomplete;
        for follower in followers.leaving(folder) {
            if self.is_over() {
                return;
            }
            let findings = std::mem::take(&mut self.reader.findings);
            let reached = std::mem::take(&mut self.reader.reached);
            let remotes = std::mem::take(&mut self.reader.remotes);
            let (files, units) = self.items(&follower.path);
            self.reader.walk(files.len() + units.len(), &follower.file);
            let charts = Charts::among(&files);
            let files = files.iter().filter(|file| charts.read(file, added)).map(|file| Item::File(file));
            for item in files.chain(units.iter().map(|unit| Item::Unit(unit))) {
                let changed = self.item(&item, Some(follower));
                live.extend(changed.into_iter().filter(|image| image.file == follower.file));
            }
            let told = std::mem::replace(&mut self.reader.findings, findings);
            self.reader.findings.extend(told.into_iter().filter(|finding| *finding.file == *follower.file));
            (self.reader.reached, self.reader.remotes) = (reached, remotes);
        }
        self.incomplete = incomplete || self.reader.is_spent();
    }

    /// A file or a kustomization, and what a follower makes of it.
    fn item(&mut self, item: &Item<'_>, follower: Option<&Follower<'a>>) -> Vec<Live> {
        let mut own = Vec::new();
        let path = match item {
            Item::File(path) => {
                self.file(path, &mut own);
                path
            }
            Item::Unit(folder) => {
                let outer = follower.filter(|follower| follower.path == *folder);
                self.kustomization_with(folder, outer, &mut own);
                variables::apply(self.reader, &std::mem::take(&mut self.visited), &mut own);
                folder
            }
        };
        if let Some(follower) = follower {
            if self.reader.walk(1 + own.len(), path) {
                follower.change(self.reader, path, &mut own);
            } else {
                self.incomplete = true;
            }
        }
        own
    }

    fn file(&mut self, path: &str, live: &mut Vec<Live>) {
        // A file that cannot be read is a finding; it leads to no other file, so the closure is still known.
        let file: Arc<str> = path.into();
        let images = self.reader.images(path);
        if !self.reader.walk(1 + images.len(), path) {
            self.incomplete = true;
            return;
        }
        live.extend(images.iter().filter_map(|value| Live::read(self.reader, &file, value)));
    }

    /// Adds what a file of values says that a Sync names for its chart.
    fn values(
        &mut self,
        (chart, file, values): (&str, &str, &Reference),
        followers: &Followers<'a>,
        live: &mut Vec<Live>,
    ) {
        match resolve(chart, &values.path) {
            Some(path) if self.reader.has(&path) => self.followed(&Item::File(&path), followers, live),
            Some(_) => {
                self.incomplete = true;
                let message = format!("the file of values `{}` is not there", values.path);
                self.reader.report(file, values, "missing-file", message);
            }
            None => {
                let message = format!("`{}` lies outside the repository; its images are not seen", values.path);
                self.reader.report(file, values, "missing-file", message);
            }
        }
    }

    /// Adds what a folder's kustomization yields to what its parent has.
    fn kustomization(&mut self, folder: &str, live: &mut Vec<Live>) {
        self.kustomization_with(folder, None, live);
    }

    /// The same with the patches and the `images` that one who follows the folder adds to it.
    fn kustomization_with(&mut self, folder: &str, outer: Option<&Follower<'_>>, live: &mut Vec<Live>) {
        let Some(file) = self.reader.kustomization_file(folder) else { return };
        if self.visiting.len() >= MAX_DEPTH || !self.visiting.insert(folder.to_owned()) {
            self.incomplete = true;
            return;
        }
        match self.reader.kustomization(&file) {
            None => self.incomplete = true,
            Some(kustomization) => {
                let here: Arc<str> = file.as_str().into();
                self.references(&file, folder, &kustomization.resources, Nested::Apart, live);
                self.references(&file, folder, &kustomization.components, Nested::Shared, live);
                self.tell_faults(&here, &kustomization.faults, live);
                let own = kustomization.patches.iter().map(|patch| (&here, patch));
                let added = outer.iter().flat_map(|one| one.patches.iter().map(|patch| (&one.file, patch)));
                let (late, early): (Vec<_>, Vec<_>) = own.chain(added).partition(|(_, patch)| patch.is_late);
                early.iter().for_each(|(home, patch)| patches::apply(self.reader, home, folder, patch, live));
                self.rename(&file, &kustomization.renames, live);
                late.iter().for_each(|(home, patch)| patches::apply(self.reader, home, folder, patch, live));
                self.file(&file, live);
                self.rename_images(&here, &kustomization.images, outer, live);
                replacements::apply(self.reader, &here, folder, kustomization, live);
                self.transform(&here, folder, &kustomization.transformers, live);
                live.extend(kustomization.inline.iter().filter_map(|value| Live::read(self.reader, &here, value)));
                // Values and Argo CD's own files are read beside the objects, not by kustomize.
                for value in &kustomization.values {
                    let Some(path) = resolve(folder, &value.file.path) else { continue };
                    let before = live.len();
                    self.file(&path, live);
                    // What a generator puts into a ConfigMap is a text there, and no object.
                    if let Some(object) = &value.object {
                        for image in &mut live[before..] {
                            Arc::make_mut(&mut image.value).object.clone_from(object);
                            image.object.clone_from(object);
                            image.is_kustomizable = false;
                        }
                    }
                }
                for path in self.reader.source_files(folder) {
                    self.file(&path, live);
                }
                self.visited.push((folder.to_owned(), kustomization));
            }
        }
        self.visiting.remove(folder);
    }

    /// Carries out the entries of `images`: those that one who follows the folder adds take the place of those by the same
    /// name.
    fn rename_images(
        &mut self,
        file: &Arc<str>,
        own: &[ImageEntry],
        outer: Option<&Follower<'_>>,
        live: &mut Vec<Live>,
    ) {
        let added = outer.map(|one| one.images.as_slice()).unwrap_or_default();
        let own = own.iter().filter(|entry| !added.iter().any(|other| other.name == entry.name));
        let added = outer.iter().flat_map(|one| one.images.iter().map(|entry| (&one.file, entry)));
        for (home, entry) in own.map(|entry| (file, entry)).chain(added) {
            if !self.reader.walk(1 + live.len() / COMPARED_AT_ONCE, file) {
                self.incomplete = true;
                break;
            }
            apply(entry, home, live);
        }
    }

    /// What kustomize refuses leaves nothing known of what the kustomization has.
    fn tell_faults(&mut self, file: &Arc<str>, faults: &[Fault], live: &mut [Live]) {
        for fault in faults {
            let message = format!("kustomize refuses this, so its images are not updated: {}", fault.message);
            self.reader.refuse(file, fault.position, "broken-kustomization", message);
            self.incomplete = true;
        }
        if let Some(fault) = faults.first() {
            doubt(file, fault.position, live);
        }
    }

    /// Calls objects as the kustomization does.
    fn rename(&mut self, file: &str, renames: &Renames, live: &mut [Live]) {
        if renames.is_empty() {
            return;
        }
        if !self.reader.walk(live.len() / COMPARED_AT_ONCE, file) {
            self.incomplete = true;
            return;
        }
        for image in live {
            let (_, _, name) = patches::identity(&image.object);
            renames.apply(name, Arc::make_mut(&mut image.renamed));
        }
    }

    /// Carries out the transformers on images. What another one may have changed is in doubt.
    fn transform(&mut self, file: &Arc<str>, folder: &str, transformers: &[Transformer], live: &mut Vec<Live>) {
        for transformer in transformers {
            let (home, position, transforms) = match transformer {
                Transformer::Inline(inline, position) => (Arc::clone(file), *position, Transforms::of_text(inline)),
                Transformer::File(reference) => {
                    let Some((path, transforms)) = self.transforms(folder, reference) else {
                        self.incomplete = true;
                        let message = format!("the transformer `{}` cannot be read", reference.path);
                        self.reader.report(file, reference, "missing-file", message);
                        doubt(file, reference.position, live);
                        continue;
                    };
                    (path, reference.position, transforms)
                }
            };
            for entry in &transforms.entries {
                apply(entry, &home, live);
            }
            if let Some(kind) = transforms.unknown {
                let message = format!(
                    "a `{kind}` is not followed, so what it may change is not updated: write it as `patches` or `replacements`"
                );
                self.reader.refuse(file, position, "broken-kustomization", message);
                doubt(file, position, live);
            }
        }
    }

    /// What the file of a transformer says; nothing where it cannot be read, or is none.
    fn transforms(&mut self, folder: &str, reference: &Reference) -> Option<(Arc<str>, Transforms)> {
        let path = resolve(folder, &reference.path).filter(|path| self.reader.has(path))?;
        let documents = self.reader.documents(&path)?;
        Some((Arc::from(path.as_str()), Transforms::of_documents(&documents)))
    }

    fn references(&mut self, file: &str, folder: &str, list: &[Reference], nested: Nested, live: &mut Vec<Live>) {
        for reference in list {
            if !self.reader.walk(1, file) {
                self.incomplete = true;
                return;
            }
            let Some(path) = resolve(folder, &reference.path) else {
                let path = &reference.path;
                if is_remote(path) {
                    self.reader.remotes.insert((file.to_owned(), reference.position, path.clone()));
                }
                let path = &without_login(path);
                let message = match is_remote(path) {
                    true => format!("`{path}` lies outside the repository; its images are not seen"),
                    false => format!(
                        "`{path}` lies outside of what is read here; its images are not seen: start at the repository's root"
                    ),
                };
                self.reader.report(file, reference, "remote-base", message);
                continue;
            };
            if self.reader.has(&path) {
                self.file(&path, live);
            } else if self.reader.kustomization_file(&path).is_some() {
                match nested {
                    Nested::Shared => self.kustomization(&path, live),
                    Nested::Apart => {
                        let mut own = Vec::new();
                        self.kustomization(&path, &mut own);
                        live.append(&mut own);
                    }
                }
            } else {
                self.incomplete = true;
                let message = format!("`{}` is neither a file nor a folder with a kustomization", reference.path);
                self.reader.report(file, reference, "missing-file", message);
            }
        }
    }
}

/// Leaves every image in doubt, since what stands there may change it.
pub(super) fn doubt(file: &str, position: Position, live: &mut [Live]) {
    let doubt: Arc<str> = format!("{file}:{}", position.line).into();
    live.iter_mut().for_each(|image| image.doubt = Some(Arc::clone(&doubt)));
}

/// Whether a nested kustomization sees what its parent has: a component does, a base does not.
#[derive(Clone, Copy)]
enum Nested {
    Apart,
    Shared,
}

/// Renames what the entry matches, or puts the entry in its stead when that says which build runs. An entry that says none
/// and matches nothing is no image, nor is an expression that matches nothing.
pub(super) fn apply(entry: &ImageEntry, file: &Arc<str>, live: &mut Vec<Live>) {
    let is_meant = |image: &Live| image.is_kustomizable && entry.is_for(&image.name, &image.build);
    let name = |image: &Live| match (&entry.new_name, &entry.expression) {
        (Some(name), _) => name.clone(),
        (None, Some(_)) => image.name.clone(),
        (None, None) => entry.name.clone(),
    };
    if !entry.has_build {
        for image in live.iter_mut().filter(|image| is_meant(image)) {
            image.name = name(image);
            image.suffix = image.suffix.take().or_else(|| entry.suffix.clone());
        }
        return;
    }
    let (_, build) = entry.value.parts.name_and_build();
    let mut is_used = false;
    // What a patch further out sets is still each container's own.
    for image in live.iter_mut().filter(|image| is_meant(image)) {
        is_used = true;
        (image.name, image.build) = (name(image), build.clone());
        (image.file, image.value) = (Arc::clone(file), Arc::clone(&entry.value));
    }
    if !is_used && entry.expression.is_none() {
        let value = Live::of(file, &entry.value);
        let name = entry.new_name.as_ref().unwrap_or(&entry.name).clone();
        live.push(Live { name, build, is_kustomizable: true, ..value });
    }
}
