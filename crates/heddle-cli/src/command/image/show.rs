//! Images, their rules and what was changed, for people and for programs.

use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Finding, Found, FoundPolicy,
    config::{CONFIG_FILE, Ruling, Subject},
    documents::DocumentStarts,
    find::Occurrence,
};
use serde_json::{Value, json};

use super::Change;
use crate::{
    config::ImageSetArguments,
    exit::Failure,
    files::{Manifests, everything},
    screen::Screen,
};

pub(crate) fn tell_findings(found: &Found, screen: &Screen) {
    for finding in &found.findings {
        screen.note(&format!("{}:{}: {}", finding.file, finding.position.line, finding.message));
    }
}

/// The findings as programs read them.
pub(crate) fn findings(found: &Found) -> Vec<Value> {
    let told = |finding: &Finding| {
        json!({
            "file": finding.file, "line": finding.position.line, "column": finding.position.column,
            "code": finding.code, "message": finding.message, "blocks": finding.blocks,
        })
    };
    found.findings.iter().map(told).collect()
}

pub(super) fn tell_edits(
    changes: &[Change],
    found: &Found,
    arguments: &ImageSetArguments,
    screen: &Screen,
) -> Result<(), Failure> {
    let done = || changes.iter().filter(|change| !change.edits.is_empty());
    if screen.is_json() {
        let changed: Vec<Value> = done()
            .map(|change| {
                json!({
                    "file": change.file, "line": change.line, "object": change.object, "field": change.field,
                    "from": change.from, "to": arguments.tag, "digest": arguments.digest, "name": arguments.name_new,
                })
            })
            .collect();
        return screen.json(&json!({"changes": changed, "findings": findings(found)}));
    }
    tell_findings(found, screen);
    for change in done().filter(|_| !arguments.dry_run) {
        let from = change.from.as_deref().unwrap_or("–");
        screen.line(&format!("{}:{}  {from} → {}", change.file, change.line, arguments.tag))?;
    }
    Ok(())
}

/// Every place as programs read it. Places of one file follow each other, so that it is taken apart once.
pub(super) fn describe(manifests: &Manifests, occurrences: &[Occurrence]) -> Vec<Value> {
    let of_file = |places: &[Occurrence]| {
        let text = places.first().and_then(|first| manifests.files.get(&first.place.file)).unwrap_or_default();
        let starts = DocumentStarts::of(text);
        places.iter().map(|place| describe_one(manifests, &starts, place)).collect::<Vec<_>>()
    };
    occurrences.chunk_by(|left, right| left.place.file == right.place.file).flat_map(of_file).collect()
}

fn describe_one(manifests: &Manifests, starts: &DocumentStarts, occurrence: &Occurrence) -> Value {
    let place = &occurrence.place;
    json!({
        "file": place.file, "line": place.line, "span": [occurrence.span.start, occurrence.span.end],
        "object": place.object, "field": place.field, "container": occurrence.container, "image": occurrence.written,
        "repository": occurrence.image.repository,
        "at": at(starts, occurrence),
        "policy": policy(manifests, occurrence), "obstacle": occurrence.obstacle,
    })
}

/// What `--at` takes for the place; with the number of its document, where the file has several.
fn at(starts: &DocumentStarts, occurrence: &Occurrence) -> String {
    let place = &occurrence.place;
    match starts.number_at(occurrence.span.start) {
        None => format!("{}:{}", place.file, place.field),
        Some(number) => format!("{}#{number}:{}", place.file, place.field),
    }
}

/// What says how tags are chosen. A comment at the place is the closest; then rules, then what peers' annotations say.
pub(crate) fn policy(manifests: &Manifests, occurrence: &Occurrence) -> Option<Value> {
    let beside = occurrence.policy.as_ref();
    if let Some(FoundPolicy::Comment { text }) = beside {
        return Some(json!({"source": "comment", "text": text}));
    }
    if let Some(rule) = rule_for(manifests, occurrence) {
        return Some(json!({"source": CONFIG_FILE, "line": rule.line, "mode": rule.mode, "policy": rule.policy}));
    }
    Some(match beside? {
        FoundPolicy::Comment { text } => json!({"source": "comment", "text": text}),
        FoundPolicy::FluxMarker { namespace, name } => json!({"source": "flux", "namespace": namespace, "name": name}),
        FoundPolicy::FluxV1 { automated, locked, pattern } => {
            json!({"source": "flux-v1", "automated": automated, "locked": locked, "pattern": pattern})
        }
        FoundPolicy::ImageUpdater { alias, constraint, settings } => json!({
            "source": "argocd-image-updater", "alias": alias, "constraint": constraint, "settings": settings,
        }),
        FoundPolicy::Keel { settings } => json!({"source": "keel", "settings": settings}),
    })
}

/// The same in a few words.
pub(crate) fn policy_words(manifests: &Manifests, occurrence: &Occurrence) -> String {
    match (&occurrence.policy, rule_for(manifests, occurrence)) {
        (Some(FoundPolicy::Comment { .. }), _) => "the comment beside it".to_owned(),
        (_, Some(rule)) => format!("{CONFIG_FILE}:{}", rule.line),
        (Some(FoundPolicy::FluxMarker { namespace, name }), None) => format!("ImagePolicy {namespace}/{name}"),
        (Some(FoundPolicy::FluxV1 { .. }), None) => "Flux v1's annotations".to_owned(),
        (Some(FoundPolicy::ImageUpdater { alias, .. }), None) => format!("Image Updater's `{alias}`"),
        (Some(FoundPolicy::Keel { .. }), None) => "Keel's annotations".to_owned(),
        (None, None) => "nothing updates it".to_owned(),
    }
}

/// The rule of the first environment that the place belongs to.
fn rule_for<'a>(manifests: &'a Manifests, occurrence: &Occurrence) -> Option<&'a Ruling> {
    let whole = everything();
    let named = occurrence.environments.iter().find(|name| **name != whole);
    let environment: &EnvironmentName = named.unwrap_or(&whole);
    manifests.config.rule_for(Subject::of(occurrence, environment))
}
