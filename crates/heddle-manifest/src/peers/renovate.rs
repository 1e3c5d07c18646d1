//! Renovate: its configuration, for images and charts that stand in files which its managers read. Source:
//! <https://docs.renovatebot.com/configuration-options/>.
//!
//! What it does to an image is worked out as Renovate does, all rules that match in their order, and becomes one rule for
//! that image. What has no counterpart is told by its name and never guessed at.

mod json5;
mod rules;
mod settings;
mod top;
mod versioning;

use std::collections::BTreeMap;

use heddle_core::change::Mode;

use self::{
    rules::{Managers, Rule, Subject},
    settings::Settings,
};
use super::{Brought, Origin, Places, Setup, Wish};
use crate::{occurrence::Occurrence, yaml::Node};

/// How many files of a configuration are read: the first one, and presets of the same repository.
pub const MAX_RENOVATE_FILES: usize = 50;

/// Where Renovate looks for its configuration, from the repository's root, the first one first.
pub const RENOVATE_FILES: [&str; 9] = [
    "renovate.json",
    "renovate.json5",
    ".github/renovate.json",
    ".github/renovate.json5",
    ".gitlab/renovate.json",
    ".gitlab/renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    ".renovaterc.json5",
];

/// A configuration of Renovate: its files, with the presets that stand in the same repository. Those that come later weigh
/// more.
#[derive(Debug, Clone, Default)]
pub struct Renovate {
    files: Vec<(String, Node)>,
    /// File, line and words of what cannot be read.
    faults: Vec<(String, u32, String)>,
}

impl Renovate {
    /// Reads a configuration; `load` gives the text of another file of the repository, by its path from the root.
    pub fn read(file: &str, text: &str, load: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut renovate = Self::default();
        renovate.add(file, text, load, &mut Vec::new());
        renovate
    }

    fn add(&mut self, file: &str, text: &str, load: &dyn Fn(&str) -> Option<String>, seen: &mut Vec<String>) {
        if seen.len() >= MAX_RENOVATE_FILES || seen.iter().any(|known| known == file) {
            return;
        }
        seen.push(file.to_owned());
        let root = match json5::read(text) {
            Ok(root) => root,
            Err((line, message)) => {
                return self.faults.push((file.to_owned(), line, format!("it cannot be read: {message}")));
            }
        };
        for preset in root.get("extends").map(Node::items).unwrap_or_default() {
            let Some(name) = preset.text() else { continue };
            let line = preset.position.line;
            let path = name.split_once("//").map(|(_, path)| path.split('#').next().unwrap_or(path));
            let candidates =
                path.into_iter().flat_map(|path| [path.to_owned(), format!("{path}.json"), format!("{path}.json5")]);
            match candidates.into_iter().find_map(|path| Some((load(&path)?, path))) {
                Some((text, path)) => self.add(&path, &text, load, seen),
                None if settings::is_harmless_preset(name) => {}
                None => self.faults.push((
                    file.to_owned(),
                    line,
                    format!("the preset `{name}` is not read: see what it says of images"),
                )),
            }
        }
        self.files.push((file.to_owned(), root));
    }
}

/// A wish for each image that Renovate updates, and what of the configuration is not followed.
pub(super) fn read(setup: &Setup<'_>, renovate: &Renovate, brought: &mut Brought) {
    for (file, line, message) in &renovate.faults {
        brought.fault(&origin(file, *line), message);
    }
    let managers = Managers::read(&renovate.files);
    let rules: Vec<Rule<'_>> = renovate.files.iter().flat_map(|(file, root)| Rule::read_all(file, root)).collect();
    for (file, root) in &renovate.files {
        tell_presets(file, root, brought);
    }
    top::read(&renovate.files, &rules, brought);
    for rule in &rules {
        rule.tell(brought);
    }
    let mut unmanaged = 0_usize;
    let mut by_image: BTreeMap<(bool, String), Vec<usize>> = BTreeMap::new();
    for (index, occurrence) in setup.occurrences.iter().enumerate() {
        match managers.of(occurrence) {
            Some(_) => {
                let name = (occurrence.is_chart, occurrence.image.repository.to_string());
                by_image.entry(name).or_default().push(index);
            }
            // Charts are in few files that Renovate reads unasked.
            None if occurrence.is_chart => {}
            None => unmanaged += 1,
        }
    }
    let mut used = vec![false; rules.len()];
    for indices in by_image.values() {
        image(setup, renovate, &managers, &rules, indices, &mut used, brought);
    }
    if let Some((file, _)) = renovate.files.last() {
        if unmanaged > 0 {
            let message = format!(
                "{unmanaged} places stand in files that none of its managers reads, so no rule is written for them"
            );
            brought.differs(&origin(file, 1), message);
        }
        brought.differs(&origin(file, 1), "Renovate may update images here too: take those that a rule governs from it (`ignoreDeps`, or `enabled: false` for its managers of manifests)");
    }
    for (rule, used) in rules.iter().zip(used) {
        if !used && rule.is_for_any() {
            brought.differs(&rule.origin, "no image or chart here is meant by it, so no rule is written for it");
        }
    }
}

/// What is said of one image, or of one chart, which stands at these places.
fn image(
    setup: &Setup<'_>,
    renovate: &Renovate,
    managers: &Managers,
    rules: &[Rule<'_>],
    indices: &[usize],
    used: &mut [bool],
    brought: &mut Brought,
) {
    let mut places: BTreeMap<String, (Settings, Vec<usize>, Origin)> = BTreeMap::new();
    for index in indices {
        let occurrence = &setup.occurrences[*index];
        let subject = Subject::of(occurrence, managers.of(occurrence).unwrap_or_default());
        let Some((first, _)) = renovate.files.first() else { return };
        let mut settings = Settings::default();
        let mut nearest = origin(first, 1);
        renovate.files.iter().for_each(|(_, root)| settings.take_top(root, &subject));
        for (rule, used) in rules.iter().zip(used.iter_mut()) {
            if rule.matches(&subject) {
                *used = true;
                let before = settings.clone();
                settings.take(rule);
                if settings != before {
                    nearest = rule.origin.clone();
                }
            }
        }
        let settings = settings.beside(occurrence.image.tag.as_ref());
        let settings = if occurrence.is_chart { settings.of_chart() } else { settings };
        let key = format!("{settings:?}");
        places.entry(key).or_insert_with(|| (settings, Vec::new(), nearest)).1.push(*index);
    }
    let is_one = places.len() == 1;
    for (settings, at, origin) in places.into_values() {
        let Some(first) = at.first().map(|index| &setup.occurrences[*index]) else { continue };
        let (name, is_chart) = (first.image.repository.to_string(), first.is_chart);
        if !settings.is_on() {
            brought.differs(&origin, format!("`{name}` is not updated by Renovate, so no rule is written for it"));
            continue;
        }
        match settings.policy() {
            Err(why) => brought.fault(&origin, format!("`{name}`: {why}")),
            Ok(policy) => {
                for sentence in settings.differs(&name) {
                    brought.differs(&origin, sentence);
                }
                let mode = if settings.is_direct { Mode::Commit } else { Mode::PullRequest };
                let is_same = |other: &&Occurrence| {
                    other.is_chart == is_chart && other.image.repository == first.image.repository
                };
                let is_everywhere = is_one && at.len() == setup.occurrences.iter().filter(is_same).count();
                let places =
                    if is_everywhere { Places::Below(Vec::new()) } else { Places::At(at.iter().copied().collect()) };
                let image = first.image.repository.clone();
                brought.wish(Wish { image, is_chart, places, policy, mode, origin });
            }
        }
    }
}

/// The rules of a preset of Renovate's own that say something of images.
fn tell_presets(file: &str, root: &Node, brought: &mut Brought) {
    for preset in root.get("extends").map(Node::items).unwrap_or_default() {
        if preset.text() == Some("docker:disable") {
            brought.differs(&origin(file, preset.position.line), "`docker:disable`: no image is updated by Renovate");
        }
    }
}

fn origin(file: &str, line: u32) -> Origin {
    Origin { what: "Renovate".to_owned(), file: file.to_owned(), line }
}

#[cfg(test)]
mod tests;
