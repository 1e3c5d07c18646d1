//! `heddle list`: what moves in local manifests: images, charts, references to other repositories.

use heddle_core::name::EnvironmentName;
use heddle_manifest::{Found, Version, VersionKind, find::Occurrence};
use serde_json::{Value, json};

use super::image::{exit_of, findings, policy, policy_words, root_of, tell_findings};
use crate::{
    config::{ListArguments, ListKind},
    exit::{Exit, Failure},
    files::{Manifests, everything},
    screen::Screen,
    table::{Cell, Table},
};

/// Lists what is asked for.
pub(crate) fn run(arguments: &ListArguments, screen: &mut Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let root = root_of(&manifests, arguments.environment.as_ref(), arguments.root.as_deref())?;
    let found = root.as_deref().map_or_else(|| manifests.find(), |root| manifests.find_below(root));
    let rows = rows(&found, &arguments.kind);
    tell_findings(&found, screen);
    if screen.is_json() {
        let all: Vec<Value> = rows.iter().map(|row| row.told(&manifests)).collect();
        screen.json(&json!({"versions": all, "findings": findings(&found)}))?;
    } else {
        let mut table = Table::new(&["PLACE", "KIND", "NAME", "VERSION", "FROM", "RULE"]);
        for row in &rows {
            table.row(row.cells(&manifests));
        }
        screen.table(&table)?;
    }
    Ok(exit_of(&found, root.is_some()))
}

/// What stands at one place.
enum Row<'f> {
    Image(&'f Occurrence),
    /// With the place as rules know it, where one may name it.
    Version(&'f Version, Option<&'f Occurrence>),
}

/// What is asked for, in the order of files and lines.
fn rows<'f>(found: &'f Found, kinds: &[ListKind]) -> Vec<Row<'f>> {
    let is_wanted = |kind: ListKind| kinds.is_empty() || kinds.contains(&kind);
    let images = found.occurrences.iter().filter(|image| !image.is_chart && is_wanted(ListKind::Image));
    let versions = found.versions.iter().filter(|version| {
        is_wanted(match version.kind {
            VersionKind::Chart => ListKind::Chart,
            VersionKind::Ref => ListKind::Ref,
        })
    });
    let known = |version: &Version| {
        let is_it = |one: &&Occurrence| one.is_chart && one.place == version.place && one.span == version.span;
        found.occurrences.iter().find(is_it)
    };
    let mut rows: Vec<Row<'f>> = images.map(Row::Image).collect();
    rows.extend(versions.map(|version| Row::Version(version, known(version))));
    rows.sort_by(|left, right| left.place().cmp(&right.place()));
    rows
}

impl Row<'_> {
    fn place(&self) -> (&str, u32) {
        let place = match self {
            Self::Image(image) => &image.place,
            Self::Version(version, _) => &version.place,
        };
        (&place.file, place.line)
    }

    fn cells(&self, manifests: &Manifests) -> Vec<Cell> {
        let (file, line) = self.place();
        let or_none = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
        let [kind, name, version, from, rule] = match self {
            Self::Image(image) => {
                let tag = image.image.tag.as_ref().map(ToString::to_string).unwrap_or_default();
                let name = image.image.repository.to_string();
                ["image".to_owned(), name, or_none(&tag), or_none(""), policy_words(manifests, image)]
            }
            Self::Version(version, known) => {
                let rule = known.map(|known| policy_words(manifests, known));
                let rule = rule.or_else(|| version.unfollowed.map(str::to_owned)).unwrap_or_default();
                let from = version.source.as_deref().unwrap_or_default();
                [word(version.kind).to_owned(), version.name.clone(), or_none(&version.version), or_none(from), rule]
            }
        };
        [format!("{file}:{line}"), kind, name, version, from, rule].into_iter().map(Cell::new).collect()
    }

    fn told(&self, manifests: &Manifests) -> Value {
        match self {
            Self::Image(image) => {
                let place = &image.place;
                json!({
                    "file": place.file, "line": place.line, "object": place.object, "field": place.field,
                    "span": [image.span.start, image.span.end], "kind": "image", "name": image.image.repository,
                    "source": null, "version": image.image.tag, "environments": named(&image.environments),
                    "policy": policy(manifests, image), "unfollowed": null, "obstacle": image.obstacle,
                })
            }
            Self::Version(version, known) => {
                let place = &version.place;
                let text = Some(&version.version).filter(|text| !text.is_empty());
                json!({
                    "file": place.file, "line": place.line, "object": place.object, "field": place.field,
                    "span": [version.span.start, version.span.end], "kind": word(version.kind), "name": version.name,
                    "source": version.source, "version": text, "environments": named(&version.environments),
                    "policy": known.and_then(|known| policy(manifests, known)), "unfollowed": version.unfollowed,
                    "obstacle": version.obstacle,
                })
            }
        }
    }
}

fn word(kind: VersionKind) -> &'static str {
    match kind {
        VersionKind::Chart => "chart",
        VersionKind::Ref => "ref",
    }
}

/// The environments by their names; where none is named, the folder is one, which nobody calls anything.
fn named(environments: &[EnvironmentName]) -> Vec<&str> {
    let whole = everything();
    environments.iter().filter(|name| **name != whole).map(|name| name.as_str()).collect()
}
