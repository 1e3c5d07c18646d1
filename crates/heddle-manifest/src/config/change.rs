//! Changes one entry of `.heddle.yaml` and no other byte: a hold or a freeze is added, changed or taken out.
//!
//! The result is read again: the entries must be those that were meant, and no finding may come that was not there.

use std::collections::BTreeSet;

use chrono::SubsecRound;
use heddle_core::{
    image::ImageRepository,
    name::EnvironmentName,
    request::{FreezeEntry, HoldEntry, Reason, RuleEdit},
};

use super::{Config, MAX_CONFIG_BYTES, RepositoryGlob, read};
use crate::{
    Finding,
    edit::{Action, Edit, EditError, New, edit},
    yaml::{Documents, Node, Value},
};

/// How many entries that say the same are changed or taken out at once: each is proved by reading the file again.
pub const MAX_EQUAL_ENTRIES: usize = 10;

/// What `.heddle.yaml` becomes.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Its new text.
    pub text: String,
    /// What it says then.
    pub config: Config,
    /// The environments in which something else holds then.
    pub environments: BTreeSet<EnvironmentName>,
}

/// What stands in a repository, as far as the reach of an entry depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// All environments, those too that no file names.
    pub environments: BTreeSet<EnvironmentName>,
    /// The places that count in several environments: image and environments, each once. What keeps such a place back in one
    /// of them keeps it back in all.
    pub shared: BTreeSet<(ImageRepository, BTreeSet<EnvironmentName>)>,
}

impl Surroundings {
    /// What stands where these places count: the image of each, and its environments.
    pub fn of<'a, E>(
        environments: impl IntoIterator<Item = &'a EnvironmentName>,
        places: impl IntoIterator<Item = (&'a ImageRepository, E)>,
    ) -> Self
    where
        E: IntoIterator<Item = &'a EnvironmentName>,
    {
        let places = places.into_iter().map(|(image, names)| (image, names.into_iter().cloned().collect()));
        let shared = places.filter(|(_, names): &(_, BTreeSet<_>)| names.len() > 1);
        Self {
            environments: environments.into_iter().cloned().collect(),
            shared: shared.map(|(image, names)| (image.clone(), names)).collect(),
        }
    }

    /// The environments in which something else holds after an edit: those that it names, and those that share a place of its
    /// images with one of them.
    fn reach(&self, edit: &RuleEdit) -> BTreeSet<EnvironmentName> {
        let named = edit.environments().map(|names| names.iter().cloned().collect());
        let named: BTreeSet<EnvironmentName> = named.unwrap_or_else(|| self.environments.clone());
        let images = match edit {
            RuleEdit::Hold { entry, .. } | RuleEdit::Resume { entry } => {
                entry.image.as_deref().and_then(RepositoryGlob::parse).unwrap_or(RepositoryGlob::All)
            }
            RuleEdit::Freeze { .. } | RuleEdit::Thaw { .. } => RepositoryGlob::All,
        };
        let shared = self.shared.iter().filter(|(image, names)| images.matches(image) && !names.is_disjoint(&named));
        let beside: Vec<EnvironmentName> = shared.flat_map(|(_, names)| names.iter().cloned()).collect();
        named.into_iter().chain(beside).collect()
    }
}

/// Why `.heddle.yaml` was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It has mistakes that stop writes; nobody knows what a change would come to.
    #[error("`.heddle.yaml:{line}` is to be mended first: {message}")]
    Broken {
        /// The line of the first.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// It says so already.
    #[error("`.heddle.yaml` says so already")]
    Same,
    /// The entry is not there any more.
    #[error("`.heddle.yaml` has no such {what} any more")]
    Gone {
        /// A hold or a freeze.
        what: &'static str,
    },
    /// The hold that was to be replaced says something else by now.
    #[error("`.heddle.yaml` holds {0} otherwise by now than when this was asked for; look at it again")]
    Moved(String),
    /// The new entry would be a mistake.
    #[error("{0}")]
    Wrong(String),
    /// Its notation cannot be edited.
    #[error("`.heddle.yaml` cannot be edited: {0}")]
    Edit(#[from] EditError),
    /// Reading the result again showed another difference than the one that was meant.
    #[error("reading the edited `.heddle.yaml` again gave something else than the one entry, so it was left alone")]
    NotProved,
}

/// Makes these changes, one after the other, or none; `None` where there is no file yet.
///
/// # Errors
/// When the file is broken, says so already, or cannot be edited.
pub fn change(text: Option<&str>, edits: &[RuleEdit], around: &Surroundings) -> Result<Changed, ChangeError> {
    let mut now = started(text.unwrap_or_default());
    let mut environments = BTreeSet::new();
    for edit in edits {
        let next = change_one(&now, edit)?;
        if next != now {
            environments.extend(around.reach(edit));
        }
        now = next;
    }
    if text == Some(now.as_str()) {
        return Err(ChangeError::Same);
    }
    if now.len() as u64 > MAX_CONFIG_BYTES {
        return Err(ChangeError::Wrong(format!("`.heddle.yaml` would be larger than {} KiB", MAX_CONFIG_BYTES >> 10)));
    }
    let (config, _) = read(&now);
    Ok(Changed { text: now, config, environments })
}

fn change_one(text: &str, wanted: &RuleEdit) -> Result<String, ChangeError> {
    let before = sound(text)?;
    match wanted {
        RuleEdit::Hold { entry, replaces } => hold(text, &holds(&before), checked(entry)?, replaces.as_deref()),
        RuleEdit::Resume { entry } => remove(text, "holds", &holds(&before), &hold_to_second(entry.clone()), holds),
        RuleEdit::Freeze { entry } => {
            let (there, entry) = (freezes(&before), freeze_to_second(entry.clone()));
            if there.contains(&entry) {
                return Ok(text.to_owned());
            }
            let added = append(text, "freezes", new_freeze(&entry))?;
            proved(added, &[there, vec![entry]].concat(), freezes)
        }
        RuleEdit::Thaw { entry } => {
            remove(text, "freezes", &freezes(&before), &freeze_to_second(entry.clone()), freezes)
        }
    }
}

/// The holds of a file that another would take the place of: those of the same images and environment.
pub fn replaced(config: &Config, entry: &HoldEntry) -> Vec<HoldEntry> {
    holds(config).into_iter().filter(|known| known.is_of(entry)).collect()
}

/// Adds a hold, or puts it in the place of those of the same images and environment.
fn hold(
    text: &str,
    there: &[HoldEntry],
    entry: HoldEntry,
    replaces: Option<&[HoldEntry]>,
) -> Result<String, ChangeError> {
    let mut meant = there.to_vec();
    let same: Vec<&HoldEntry> = there.iter().filter(|known| known.is_of(&entry)).collect();
    let is_shown = |shown: &[HoldEntry]| same.iter().copied().cloned().eq(shown.iter().cloned().map(hold_to_second));
    let is_there = !same.is_empty() && same.iter().all(|known| same_hold(known, &entry));
    if !is_there && !replaces.is_none_or(is_shown) {
        return Err(ChangeError::Moved(entry.to_string()));
    }
    if same.is_empty() {
        let added = append(text, "holds", new_hold(&entry))?;
        meant.push(entry);
        return proved(added, &meant, holds);
    }
    few(there.iter().filter(|known| known.is_of(&entry)).count())?;
    // Each of several holds by itself, so all of them change.
    let mut text = text.to_owned();
    for (at, known) in there.iter().enumerate().filter(|(_, known)| known.is_of(&entry) && !same_hold(known, &entry)) {
        text = set_fields(&text, at, known, &entry)?;
        meant[at] = entry.clone();
    }
    proved(text, &meant, holds)
}

/// A text that says nothing gets what every file has.
fn started(text: &str) -> String {
    if !Documents::read(text).roots.is_empty() {
        return text.to_owned();
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = if text.is_empty() || text.ends_with('\n') { "" } else { line_end };
    format!("{text}{before}version: 1{line_end}")
}

fn holds(config: &Config) -> Vec<HoldEntry> {
    config.holds.iter().map(|hold| hold_to_second(hold.entry())).collect()
}

fn freezes(config: &Config) -> Vec<FreezeEntry> {
    config.freezes.iter().map(|freeze| freeze_to_second(freeze.entry())).collect()
}

/// A hold as it is written and compared: to the second.
fn hold_to_second(entry: HoldEntry) -> HoldEntry {
    HoldEntry { until: entry.until.map(|at| at.trunc_subsecs(0)), ..entry }
}

/// A freeze as it is written and compared: to the second.
fn freeze_to_second(entry: FreezeEntry) -> FreezeEntry {
    FreezeEntry { from: entry.from.trunc_subsecs(0), to: entry.to.trunc_subsecs(0), ..entry }
}

/// What a text says, where nothing in it stops writes.
fn sound(text: &str) -> Result<Config, ChangeError> {
    let (config, findings) = read(text);
    let stop = config.stops.first();
    let broken = stop.map(|stop| {
        let cause = findings.iter().find(|finding| finding.blocks).map(|finding| finding.message.clone());
        ChangeError::Broken { line: stop.line, message: cause.unwrap_or_else(|| stop.reason.clone()) }
    });
    broken.map_or(Ok(config), Err)
}

/// A hold whose images are a glob, of such characters as an image's name has: it stands in titles and subjects, where GitHub
/// would read `#12` or `fixes:#12` as more than a name.
fn checked(entry: &HoldEntry) -> Result<HoldEntry, ChangeError> {
    let is_odd = |c: char| !c.is_ascii_alphanumeric() && !"._-/:*?".contains(c);
    let is_none = |image: &str| {
        RepositoryGlob::parse(image).is_none() || image.contains(is_odd) || image.parse::<Reason>().is_err()
    };
    match &entry.image {
        Some(image) if is_none(image) => Err(ChangeError::Wrong(format!(
            "`{image}` names no images: write a repository, such as `ghcr.io/acme/api`"
        ))),
        _ => Ok(hold_to_second(entry.clone())),
    }
}

/// Whether nothing would come of putting one in the place of the other; who asked first stays.
fn same_hold(there: &HoldEntry, wanted: &HoldEntry) -> bool {
    let asked = |entry: &HoldEntry| (entry.tag.clone(), entry.until, entry.reason.clone());
    asked(there) == asked(wanted)
}

/// The text, once it was read again and says what was meant, and nothing that is wrong came with it.
fn proved<E: PartialEq>(text: String, meant: &[E], entries: impl Fn(&Config) -> Vec<E>) -> Result<String, ChangeError> {
    let (config, findings) = read(&text);
    if let Some(stop) = config.stops.first() {
        let cause = findings.iter().find(|finding| finding.blocks);
        return Err(ChangeError::Wrong(cause.map_or_else(|| stop.reason.clone(), |one: &Finding| one.message.clone())));
    }
    if entries(&config) == meant { Ok(text) } else { Err(ChangeError::NotProved) }
}

fn root(documents: &Documents) -> Result<&Node, ChangeError> {
    documents.roots.first().ok_or(ChangeError::NotProved)
}

/// A list of the file, where there is one that stands for itself.
fn list_of<'a>(root: &'a Node, list: &str) -> Result<Option<&'a Node>, ChangeError> {
    const ALIAS: &str = "an alias stands in the place of the list: write the list out";
    match root.own(list) {
        Some(node) if matches!(node.value, Value::Alias(_)) => {
            Err(EditError::Refused { position: node.position, reason: ALIAS }.into())
        }
        node => Ok(node),
    }
}

/// Adds an entry to the end of a list of the file, which is made where it is not there.
fn append(text: &str, list: &str, entry: New) -> Result<String, ChangeError> {
    let documents = Documents::read(text);
    let root = root(&documents)?;
    let add = match list_of(root, list)? {
        Some(node) => Edit { at: node.span.start, action: Action::Append { value: entry } },
        None => {
            let value = New::Sequence(vec![entry]);
            Edit { at: root.span.start, action: Action::Add { key: list.to_owned(), value } }
        }
    };
    Ok(edit(text, &[add])?)
}

/// Whether entries that say the same are few enough to be changed.
fn few(equal: usize) -> Result<(), ChangeError> {
    match equal > MAX_EQUAL_ENTRIES {
        true => Err(ChangeError::Wrong(format!(
            "{equal} entries of `.heddle.yaml` are for the same images, more than {MAX_EQUAL_ENTRIES}: keep one of them by hand"
        ))),
        false => Ok(()),
    }
}

/// Takes every entry out that says just this.
fn remove<E: PartialEq + Clone>(
    text: &str,
    list: &'static str,
    there: &[E],
    entry: &E,
    entries: impl Fn(&Config) -> Vec<E>,
) -> Result<String, ChangeError> {
    let what = if list == "holds" { "hold" } else { "freeze" };
    if !there.contains(entry) {
        return Err(ChangeError::Gone { what });
    }
    few(there.iter().filter(|known| *known == entry).count())?;
    let (mut text, mut left) = (text.to_owned(), there.to_vec());
    while let Some(index) = left.iter().position(|known| known == entry) {
        left.remove(index);
        let documents = Documents::read(&text);
        let root = root(&documents)?;
        let node = list_of(root, list)?.ok_or(ChangeError::NotProved)?;
        let is_block = !text[node.span.start..].starts_with('[');
        let take = match left.is_empty() && is_block && !has_comments(&text, list, root) {
            true => Edit { at: root.span.start, action: Action::RemoveKey { key: list.to_owned() } },
            false => Edit { at: node.span.start, action: Action::RemoveItem { index } },
        };
        text = edit(&text, &[take])?;
        text = proved(text, &left, &entries)?;
    }
    Ok(text)
}

/// Whether a comment stands between the name of a list and its first entry. It may be about more than that entry, so it
/// stays, and the name with it.
fn has_comments(text: &str, list: &str, root: &Node) -> bool {
    let entry = root.entries().iter().find(|(key, _)| key.text() == Some(list));
    let between = entry.and_then(|(key, value)| {
        let first = value.items().first().map_or(value.span.start, |item| item.span.start);
        text.get(key.span.end..first)
    });
    between.is_none_or(|between| between.contains('#'))
}

/// Changes the fields of the hold with this index that differ, one after the other.
fn set_fields(text: &str, index: usize, there: &HoldEntry, wanted: &HoldEntry) -> Result<String, ChangeError> {
    let mut text = text.to_owned();
    for ((key, before), (_, after)) in fields(there).into_iter().zip(fields(wanted)) {
        if before == after {
            continue;
        }
        let documents = Documents::read(&text);
        let holds = list_of(root(&documents)?, "holds")?.ok_or(ChangeError::NotProved)?;
        let item = holds.items().get(index).ok_or(ChangeError::NotProved)?;
        let at = item.span.start;
        let edit_of = match (item.own(key), after) {
            (Some(value), Some(after)) => {
                let from = value.text().unwrap_or_default().to_owned();
                Edit { at: value.span.start, action: Action::Set { from, to: New::Text(after) } }
            }
            (None, Some(after)) => Edit { at, action: Action::Add { key: key.to_owned(), value: New::Text(after) } },
            (Some(_), None) => Edit { at, action: Action::RemoveKey { key: key.to_owned() } },
            (None, None) => continue,
        };
        text = edit(&text, &[edit_of])?;
    }
    Ok(text)
}

/// The fields of a hold as they are written, in the order of the documentation.
fn fields(entry: &HoldEntry) -> [(&'static str, Option<String>); 6] {
    [
        ("image", entry.image.clone()),
        ("environment", entry.environment.as_ref().map(ToString::to_string)),
        ("tag", entry.tag.as_ref().map(ToString::to_string)),
        ("by", entry.by.clone()),
        ("reason", entry.reason.clone()),
        ("until", entry.until.map(instant)),
    ]
}

fn new_hold(entry: &HoldEntry) -> New {
    let written = fields(entry).into_iter().filter_map(|(key, text)| Some((key.to_owned(), New::Text(text?))));
    New::Mapping(written.collect())
}

fn new_freeze(entry: &FreezeEntry) -> New {
    let names = entry.environments.iter().map(|name| New::Text(name.to_string())).collect::<Vec<_>>();
    let names = (!names.is_empty()).then(|| ("environments".to_owned(), New::Sequence(names)));
    let times = [("from", entry.from), ("to", entry.to)].map(|(key, at)| (key.to_owned(), New::Text(instant(at))));
    let reason = entry.reason.clone().map(|reason| ("reason".to_owned(), New::Text(reason)));
    New::Mapping(names.into_iter().chain(times).chain(reason).collect())
}

/// An instant as it is written: in UTC, to the second.
fn instant(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests;
