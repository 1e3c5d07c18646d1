//! `heddle chart set`: another version of a chart in local manifests.

use std::collections::BTreeSet;

use anyhow::anyhow;
use heddle_manifest::{Found, Target, Version, VersionKind};
use serde_json::{Value, json};

use super::image::{Change, edit_all, findings, refuse_unread, refused, refused_edit, tell_findings, write_all};
use crate::{
    config::ChartSetArguments,
    exit::{Exit, Failure},
    files::Manifests,
    screen::Screen,
};

/// Writes another version at every place of a chart, or at none.
pub(crate) fn set(arguments: &ChartSetArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let found = manifests.find();
    refuse_unread(&manifests, &found, &arguments.chart)?;
    let places = places(&found, arguments)?;
    let target = Target::tag(arguments.version.clone());
    let changes = places.iter().map(|version| change(version, &target)).collect::<Result<Vec<Change>, Failure>>()?;
    let changes: Vec<Change> = changes.into_iter().filter(|change| !change.edits.is_empty()).collect();
    let edited = edit_all(&manifests, &changes)?;
    if edited.is_empty() {
        return nothing(&found, arguments, screen);
    }
    write_all(&manifests, &edited, arguments.dry_run, screen)?;
    if screen.is_json() {
        let told = |change: &Change| {
            json!({
                "file": change.file, "line": change.line, "object": change.object, "field": change.field,
                "from": change.from, "to": arguments.version,
            })
        };
        let told: Vec<Value> = changes.iter().map(told).collect();
        screen.json(&json!({"changes": told, "findings": findings(&found)}))?;
        return Ok(Exit::Done);
    }
    tell_findings(&found, screen);
    for change in changes.iter().filter(|_| !arguments.dry_run) {
        let from = change.from.as_deref().unwrap_or("–");
        screen.line(&format!("{}:{}  {from} → {}", change.file, change.line, arguments.version))?;
    }
    Ok(Exit::Done)
}

/// The places of the chart; refused where one name stands for charts from several addresses.
fn places<'f>(found: &'f Found, arguments: &ChartSetArguments) -> Result<Vec<&'f Version>, Failure> {
    let plain = |address: &str| address.trim_end_matches('/').to_owned();
    let wanted = arguments.from.as_deref().map(plain);
    let named = found.versions.iter().filter(|version| {
        let source = version.source.as_deref().map(plain);
        version.kind == VersionKind::Chart && version.name == arguments.chart && (wanted.is_none() || wanted == source)
    });
    let named: Vec<&Version> = named.collect();
    let sources: BTreeSet<String> =
        named.iter().map(|version| version.source.as_deref().map_or_else(|| "?".to_owned(), plain)).collect();
    // Of several places from nobody knows where it is not known whether they are one chart.
    let unknown = named.iter().filter(|version| version.source.is_none()).count();
    if unknown > 1 {
        let message = format!(
            "`{}` stands at {unknown} places, and nothing on the branch says where it comes from: change each by hand",
            arguments.chart
        );
        return Err(Failure::wrong(anyhow!(message)).remedy("no file was touched"));
    }
    if sources.len() > 1 {
        let sources: Vec<String> = sources.into_iter().collect();
        let message =
            format!("`{}` comes from {}: say with --from which is meant", arguments.chart, sources.join(" and "));
        return Err(Failure::wrong(anyhow!(message)).remedy("no file was touched"));
    }
    Ok(named)
}

fn change(version: &Version, target: &Target) -> Result<Change, Failure> {
    let place = &version.place;
    let at = format!("{}:{}", place.file, place.line);
    if version.version.is_empty() || !version.is_whole() {
        let reason = "no version in full stands there, so it moves by itself: write one there first";
        return Err(refused(&at, reason));
    }
    let edits = version.edits(target).map_err(|error| refused_edit(&place.file, &error))?;
    if let Some(obstacle) = version.obstacle.as_ref().filter(|_| !edits.is_empty()) {
        return Err(refused(&at, obstacle));
    }
    Ok(Change {
        file: place.file.clone(),
        line: place.line,
        object: place.object.clone(),
        field: place.field.clone(),
        from: Some(version.version.clone()),
        edits,
    })
}

/// Says that nothing is to be changed.
fn nothing(found: &Found, arguments: &ChartSetArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    tell_findings(found, screen);
    if screen.is_json() {
        screen.json(&json!({"changes": [], "findings": findings(found)}))?;
    }
    let (chart, version) = (&arguments.chart, &arguments.version);
    screen.note(&format!("nothing to change: {chart} stands nowhere with another version than {version}"));
    Ok(Exit::Nothing)
}
