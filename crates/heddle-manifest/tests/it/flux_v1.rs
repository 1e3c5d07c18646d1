//! Flux v1: images of workloads and of its HelmReleases.

use heddle_manifest::{Files, find::Occurrence};
use serde_json::{Value, json};

use crate::{
    conformance::{Outcome, judge, run, text, texts},
    places::{found_in, judge_text, one_file, with_images},
};

/// docs/decisions/0008-where-edits-differ-from-the-peers.md
const ON_PURPOSE: &[(&str, &str)] = &[
    ("edit-flux1-hr-named-image-format", "a key that stands twice is refused"),
    ("edit-flux1-hr-named-image-tag-format", "a key that stands twice is refused"),
    ("edit-flux1-hr-named-registry-image-tag-format", "a key that stands twice is refused"),
    ("detect-flux1-hr-mapped-image-formats", "upper case in a repository is refused"),
    ("detect-flux1-hr-all-formats-in-one", "upper case in a repository is refused"),
];

#[test]
fn edits_agree_with_flux_v1() {
    run("automator/edits-flux1.json", ON_PURPOSE, |case| {
        let files = || one_file("app.yaml", text(case, "input"));
        match (text(case, "kind"), text(case, "format")) {
            ("detect", _) => judge(&containers(&files(), text(case, "resource")), &case["expect"]["containers"]),
            ("edit", _) => {
                let edited = edit(case, &files());
                match case["expect"]["output"].as_str() {
                    Some(expected) => judge_text(&edited, expected),
                    None => match edited {
                        Ok(text) => {
                            let actual =
                                containers(&one_file("app.yaml", &text), self::text(&case["change"], "resource"));
                            judge(&actual, &case["expect"]["containers"])
                        }
                        Err(reason) => Outcome::Wrong(format!("refused: {reason}")),
                    },
                }
            }
            // Policies are written into `.heddle.yaml`, never into annotations.
            ("edit_policy_annotations", _) => Outcome::NotOurs,
            other => Outcome::Wrong(format!("nobody runs {other:?}")),
        }
    });
}

fn edit(case: &Value, files: &Files) -> Result<String, String> {
    let change = &case["change"];
    let mut wanted = texts(&change["containers"]);
    wanted.extend(change["container"].as_str().map(str::to_owned));
    with_images(files, "", "app.yaml", |place| {
        let by_path = change["paths"]["tag"].as_str().is_some_and(|path| place.place.field == path);
        let named = wanted.iter().any(|name| *name == container(place));
        (is_of(place, text(change, "resource")) && (by_path || named)).then(|| text(change, "new_image").to_owned())
    })
}

fn containers(files: &Files, resource: &str) -> Value {
    let found = found_in(files, "");
    let places = found.occurrences.iter().filter(|place| is_of(place, resource));
    places.map(|place| json!({"name": container(place), "image": image(place)})).collect()
}

/// The image as it is written, without what short names mean.
fn image(place: &Occurrence) -> String {
    place.written.clone()
}

/// The image that no part of the values owns is the chart's own, in Flux v1's words.
fn container(place: &Occurrence) -> &str {
    place.container.as_deref().unwrap_or("chart-image")
}

/// Whether the place is of an object that is named `namespace:kind/name`.
fn is_of(place: &Occurrence, resource: &str) -> bool {
    let (namespace, rest) = resource.split_once(':').unwrap();
    let (kind, name) = rest.split_once('/').unwrap();
    let (own_kind, own_name) = place.place.object.split_once(' ').unwrap();
    let (own_namespace, own_name) = own_name.split_once('/').unwrap_or(("default", own_name));
    own_kind.eq_ignore_ascii_case(kind) && own_name == name && own_namespace == namespace
}
