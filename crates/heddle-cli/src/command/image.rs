//! `heddle image list` and `heddle image set`: images in local manifests.

mod at;
mod show;
mod unplaced;

use std::{collections::BTreeMap, path::Path};

use anyhow::anyhow;
use heddle_core::name::EnvironmentName;
use heddle_manifest::{Edit, EditError, Finding, Found, Target, config::CONFIG_FILE, edit, find::Occurrence};
use serde_json::json;
use similar::TextDiff;

pub(crate) use self::show::findings;
pub(super) use self::show::{policy, policy_words, tell_findings};
use self::{
    at::{At, Named},
    show::{describe, tell_edits},
};
use crate::{
    config::{ImageListArguments, ImageSetArguments},
    exit::{Exit, Failure},
    files::Manifests,
    screen::Screen,
    table::{Cell, Table},
};

/// Lists the images.
pub(crate) fn list(arguments: &ImageListArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let root = root_of(&manifests, arguments.environment.as_ref(), arguments.root.as_deref())?;
    let mut found = root.as_deref().map_or_else(|| manifests.find(), |root| manifests.find_below(root));
    found.occurrences.retain(|occurrence| !occurrence.is_chart);
    let unplaced: Vec<_> = found.occurrences.iter().filter_map(|place| unplaced::unplaced(&manifests, place)).collect();
    found.findings.extend(unplaced);
    tell_findings(&found, screen);
    if screen.is_json() {
        let all = describe(&manifests, &found.occurrences);
        screen.json(&json!({"images": all, "findings": findings(&found)}))?;
    } else {
        let mut table = Table::new(&["PLACE", "OBJECT", "CONTAINER", "IMAGE", "RULE"]);
        for occurrence in &found.occurrences {
            let place = &occurrence.place;
            table.row(vec![
                Cell::new(format!("{}:{}", place.file, place.line)),
                Cell::new(&place.object),
                Cell::new(occurrence.container.as_deref().unwrap_or("–")),
                Cell::new(&occurrence.written),
                Cell::new(policy_words(&manifests, occurrence)),
            ]);
        }
        screen.table(&table)?;
    }
    Ok(exit_of(&found, root.is_some()))
}

/// Whether what was looked at could be read in full, a root or all files.
pub(super) fn exit_of(found: &Found, is_root: bool) -> Exit {
    // What is left out of a root makes it another one.
    let is_unread = |code: &str| UNREAD.contains(&code) || (is_root && UNREAD_ROOT.contains(&code));
    let is_wrong = |finding: &Finding| is_unread(finding.code) || (finding.blocks && finding.file == CONFIG_FILE);
    if found.findings.iter().any(is_wrong) { Exit::Wrong } else { Exit::Done }
}

/// The findings by which a file or a root is not read in full.
pub(crate) const UNREAD: [&str; 4] = ["broken-yaml", "broken-patch", "broken-kustomization", "too-large"];

/// Those by which only a root is not: without one, the files are listed for themselves.
const UNREAD_ROOT: [&str; 3] = ["template", "missing-file", "remote-base"];

/// The folder whose images are meant, where one is named.
pub(super) fn root_of(
    manifests: &Manifests,
    environment: Option<&EnvironmentName>,
    root: Option<&Path>,
) -> Result<Option<String>, Failure> {
    if let Some(name) = environment {
        let known = &manifests.config.environments;
        if let Some(environment) = known.iter().find(|known| known.name == *name) {
            return Ok(Some(environment.path.clone()));
        }
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        let message = format!("`.heddle.yaml` names no environment `{name}`; it has: {}", names.join(", "));
        return Err(Failure::wrong(anyhow!(message)));
    }
    let Some(root) = root else { return Ok(None) };
    manifests
        .folder(root)
        .map(Some)
        .ok_or_else(|| Failure::wrong(anyhow!("{} is no folder with manifests below PATH", root.display())))
}

/// What is written where.
#[derive(Debug)]
pub(super) struct Change {
    pub file: String,
    pub line: u32,
    pub object: String,
    pub field: String,
    /// What stands there; nothing where it is added.
    pub from: Option<String>,
    pub edits: Vec<Edit>,
}

/// Writes another tag at every place of an image, or at none.
pub(crate) fn set(arguments: &ImageSetArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let mut found = manifests.find();
    // A chart may have the repository of an image.
    found.occurrences.retain(|occurrence| !occurrence.is_chart);
    let target =
        Target { name: arguments.name_new.clone(), tag: Some(arguments.tag.clone()), digest: arguments.digest.clone() };
    let changes = match &arguments.at {
        Some(at) => {
            let named = Named { image: &arguments.image, target: &target };
            At::parse(at, &manifests)?.changes(&manifests, &found, &named)?
        }
        None => everywhere(&found, arguments, &target)?,
    };
    let edited = edit_all(&manifests, &changes)?;
    if edited.is_empty() {
        return nothing(&manifests, &found, arguments, screen);
    }
    write_all(&manifests, &edited, arguments.dry_run, screen)?;
    tell_edits(&changes, &found, arguments, screen)?;
    Ok(Exit::Done)
}

/// Writes new texts, or shows what would change.
pub(super) fn write_all(
    manifests: &Manifests,
    edited: &BTreeMap<String, String>,
    is_dry: bool,
    screen: &Screen,
) -> Result<(), Failure> {
    for (file, text) in edited {
        if is_dry && !screen.is_json() {
            let before = manifests.files.get(file).unwrap_or_default();
            let names = (format!("a/{file}"), format!("b/{file}"));
            let diff = TextDiff::from_lines(before, text.as_str());
            screen.text(&diff.unified_diff().header(&names.0, &names.1).to_string())?;
        } else if !is_dry {
            manifests.write(file, text)?;
        }
    }
    Ok(())
}

/// The changes at every place of the image.
fn everywhere(found: &Found, arguments: &ImageSetArguments, target: &Target) -> Result<Vec<Change>, Failure> {
    let places = found.occurrences.iter().filter(|occurrence| occurrence.image.repository == arguments.image);
    let changes = places.map(|occurrence| change(occurrence, target));
    changes.filter(|change| change.as_ref().map_or(true, |change| !change.edits.is_empty())).collect()
}

/// The change at one place.
fn change(occurrence: &Occurrence, target: &Target) -> Result<Change, Failure> {
    let place = &occurrence.place;
    let edits = occurrence.edits(target).map_err(|error| refused_edit(&place.file, &error))?;
    // A pin is given up by nobody without a word.
    let is_pinned = occurrence.image.digest.is_some() && target.digest.is_none();
    if is_pinned && occurrence.image.tag != target.tag && !edits.is_empty() {
        let reason = "a digest stands with the tag and wins over it: give that of the new image too, with --digest";
        return Err(refused(&format!("{}:{}", place.file, place.line), reason));
    }
    if let Some(obstacle) = occurrence.obstacle.as_ref().filter(|_| !edits.is_empty()) {
        return Err(refused(&format!("{}:{}", place.file, place.line), obstacle));
    }
    Ok(Change {
        file: place.file.clone(),
        line: place.line,
        object: place.object.clone(),
        field: place.field.clone(),
        from: occurrence.image.tag.as_ref().map(ToString::to_string),
        edits,
    })
}

/// The new text of each file. All edits are made and proved before any file is written.
pub(super) fn edit_all(manifests: &Manifests, changes: &[Change]) -> Result<BTreeMap<String, String>, Failure> {
    let mut edits: BTreeMap<&str, Vec<Edit>> = BTreeMap::new();
    for change in changes.iter().filter(|change| !change.edits.is_empty()) {
        edits.entry(&change.file).or_default().extend(change.edits.iter().cloned());
    }
    let edited = edits.into_iter().map(|(file, edits)| {
        let text = manifests.files.get(file).unwrap_or_default();
        let text = edit(text, &edits).map_err(|error| refused_edit(file, &error))?;
        Ok((file.to_owned(), text))
    });
    edited.collect()
}

/// Refuses where a file that cannot be read in full names an image or a chart: it may hold a place, or change one. One that
/// cannot be read at all may hold any.
pub(super) fn refuse_unread(manifests: &Manifests, found: &Found, name: &str) -> Result<(), Failure> {
    let unread = found.findings.iter().find(|finding| {
        let may_name = || manifests.files.get(&finding.file).is_none_or(|text| text.contains(name));
        // It is set by hand, whatever the rules say.
        finding.file != CONFIG_FILE && matches!(finding.code, "broken-yaml" | "template" | "too-large") && may_name()
    });
    match unread {
        Some(finding) => Err(refused(&format!("{}:{}", finding.file, finding.position.line), &finding.message)),
        None => Ok(()),
    }
}

/// Says that nothing is to be changed.
fn nothing(
    manifests: &Manifests,
    found: &Found,
    arguments: &ImageSetArguments,
    screen: &mut Screen,
) -> Result<Exit, Failure> {
    refuse_unread(manifests, found, arguments.image.short_name())?;
    tell_findings(found, screen);
    let (image, tag) = (&arguments.image, &arguments.tag);
    if screen.is_json() {
        screen.json(&json!({"changes": [], "findings": findings(found)}))?;
    }
    screen.note(&format!("nothing to change: {image} stands nowhere with another tag than {tag}"));
    Ok(Exit::Nothing)
}

pub(super) fn refused(place: &str, reason: &str) -> Failure {
    Failure::wrong(anyhow!("{place}: {reason}")).remedy("no file was touched")
}

/// An edit's own message names the line.
pub(super) fn refused_edit(file: &str, error: &EditError) -> Failure {
    let message = error.to_string();
    match error.line() {
        Some(line) => {
            let reason = message.strip_prefix(&format!("line {line}: ")).unwrap_or(&message);
            refused(&format!("{file}:{line}"), reason)
        }
        None => refused(file, &message),
    }
}
