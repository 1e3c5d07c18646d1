//! `heddle image list` and `heddle image set`: images in local manifests.

use std::collections::BTreeMap;

use anyhow::anyhow;
use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Edit, Found,
    config::{Rule, Subject},
    edit,
    find::Occurrence,
};
use serde_json::{Value, json};
use similar::TextDiff;

use crate::{
    config::{ImageListArguments, ImageSetArguments},
    exit::{Exit, Failure},
    files::{Manifests, everything},
    screen::Screen,
    table::{Cell, Table},
};

/// Lists the images.
pub(crate) fn list(arguments: &ImageListArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let found = manifests.find();
    tell_findings(&found, screen);
    if screen.is_json() {
        let all: Vec<Value> = found.occurrences.iter().map(|occurrence| describe(&manifests, occurrence)).collect();
        screen.json(&all)?;
    } else {
        let mut table = Table::new(&["PLACE", "OBJECT", "CONTAINER", "IMAGE", "RULE"]);
        for occurrence in &found.occurrences {
            let place = &occurrence.place;
            let rule = rule_for(&manifests, occurrence);
            table.row(vec![
                Cell::new(format!("{}:{}", place.file, place.line)),
                Cell::new(&place.object),
                Cell::new(occurrence.container.as_deref().unwrap_or("–")),
                Cell::new(occurrence.image.to_string()),
                Cell::new(
                    rule.map_or_else(|| "nothing updates it".to_owned(), |rule| format!(".heddle.yaml:{}", rule.line)),
                ),
            ]);
        }
        screen.table(&table)?;
    }
    Ok(if found.findings.iter().any(|finding| finding.code == "broken-yaml") { Exit::Wrong } else { Exit::Done })
}

/// Writes another tag at every place of an image, or at none.
pub(crate) fn set(arguments: &ImageSetArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let found = manifests.find();
    let places: Vec<&Occurrence> = found
        .occurrences
        .iter()
        .filter(|occurrence| occurrence.image.repository == arguments.image)
        .filter(|occurrence| arguments.at.as_ref().is_none_or(|at| *at == address(occurrence)))
        .filter(|occurrence| occurrence.image.tag.as_ref() != Some(&arguments.tag))
        .collect();
    if places.is_empty() {
        tell_findings(&found, screen);
        screen.note(&format!(
            "nothing to change: {} stands nowhere with another tag than {}",
            arguments.image, arguments.tag
        ));
        return Ok(Exit::Nothing);
    }
    let edited = edit_all(&manifests, &places, arguments)?;
    for (file, text) in &edited {
        if arguments.dry_run && !screen.is_json() {
            let before = manifests.files.get(file).unwrap_or_default();
            let names = (format!("a/{file}"), format!("b/{file}"));
            let diff = TextDiff::from_lines(before, text.as_str());
            screen.text(&diff.unified_diff().header(&names.0, &names.1).to_string())?;
        } else if !arguments.dry_run {
            manifests.write(file, text)?;
        }
    }
    tell_edits(&places, arguments, screen)?;
    Ok(Exit::Done)
}

/// The new text of each file. All edits are made and proved before any file is written.
fn edit_all(
    manifests: &Manifests,
    places: &[&Occurrence],
    arguments: &ImageSetArguments,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut edits: BTreeMap<&str, Vec<Edit>> = BTreeMap::new();
    for occurrence in places {
        if let Some(obstacle) = &occurrence.obstacle {
            return Err(refused(&format!("{}:{}", occurrence.place.file, occurrence.place.line), obstacle));
        }
        let to = occurrence.text_with(&arguments.tag);
        let edit = Edit { at: occurrence.at, from: occurrence.text.clone(), to };
        edits.entry(&occurrence.place.file).or_default().push(edit);
    }
    let edited = edits.into_iter().map(|(file, edits)| {
        let text = manifests.files.get(file).unwrap_or_default();
        let text = edit(text, &edits).map_err(|error| refused(file, &error.to_string()))?;
        Ok((file.to_owned(), text))
    });
    edited.collect()
}

fn refused(place: &str, reason: &str) -> Failure {
    Failure::wrong(anyhow!("{place}: {reason}")).remedy("no file was touched")
}

fn tell_edits(places: &[&Occurrence], arguments: &ImageSetArguments, screen: &Screen) -> Result<(), Failure> {
    if screen.is_json() {
        let changed: Vec<Value> = places
            .iter()
            .map(|occurrence| {
                let place = &occurrence.place;
                json!({
                    "file": place.file, "line": place.line, "object": place.object, "field": place.field,
                    "from": occurrence.image.tag, "to": arguments.tag,
                })
            })
            .collect();
        return screen.json(&changed);
    }
    for occurrence in places.iter().filter(|_| !arguments.dry_run) {
        let place = &occurrence.place;
        let from = occurrence.image.tag.as_ref().map_or("–", |tag| tag.as_str());
        screen.line(&format!("{}:{}  {from} → {}", place.file, place.line, arguments.tag))?;
    }
    Ok(())
}

fn tell_findings(found: &Found, screen: &Screen) {
    for finding in &found.findings {
        screen.note(&format!("{}:{}: {}", finding.file, finding.position.line, finding.message));
    }
}

fn describe(manifests: &Manifests, occurrence: &Occurrence) -> Value {
    let place = &occurrence.place;
    let policy = rule_for(manifests, occurrence)
        .map(|rule| json!({"line": rule.line, "mode": rule.mode, "policy": rule.policy}));
    json!({
        "file": place.file, "line": place.line, "object": place.object, "field": place.field,
        "container": occurrence.container, "image": occurrence.image, "policy": policy,
    })
}

/// The rule of the first environment that the place belongs to.
fn rule_for<'a>(manifests: &'a Manifests, occurrence: &Occurrence) -> Option<&'a Rule> {
    let whole = everything();
    let named = occurrence.environments.iter().find(|name| **name != whole);
    let environment: &EnvironmentName = named.unwrap_or(&whole);
    manifests.config.rule_for(Subject {
        image: &occurrence.image.repository,
        environment,
        file: &occurrence.place.file,
        container: occurrence.container.as_deref(),
    })
}

/// A place as `--at` takes it.
fn address(occurrence: &Occurrence) -> String {
    format!("{}:{}", occurrence.place.file, occurrence.place.field)
}
