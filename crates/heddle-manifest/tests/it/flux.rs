//! Flux v2's image automation: markers, and images of workloads.

use heddle_manifest::{Files, FoundPolicy, find::Occurrence};
use serde_json::Value;

use crate::{
    conformance::{Outcome, run, text},
    places::{judge_text, one_file, with_images},
};

#[test]
fn edits_agree_with_flux() {
    run("automator/edits-flux2.json", &[], |case| match (text(case, "kind"), text(case, "format")) {
        // A link leads nowhere in a set of texts: `heddle-cli` and `heddle-source` read folders.
        ("edit_tree", _) if case["tree"].as_object().unwrap().values().any(|file| !file.is_string()) => {
            Outcome::NotOurs
        }
        ("edit_tree", "setter") => tree(case),
        ("edit", "setter") => {
            let files = with_policies(one_file(text(case, "file"), text(case, "input")), case);
            judge_text(&set(case, &files, "", text(case, "file")), text(&case["expect"], "output"))
        }
        ("edit", "workload") => {
            let (old, new) = (text(&case["change"], "old_image"), text(&case["change"], "new_image"));
            let files = one_file(text(case, "file"), text(case, "input"));
            let new = |place: &Occurrence| (place.image == old.parse().unwrap()).then(|| new.to_owned());
            judge_text(&with_images(&files, "", text(case, "file"), new), text(&case["expect"], "output"))
        }
        other => Outcome::Wrong(format!("nobody runs {other:?}")),
    });
}

fn tree(case: &Value) -> Outcome {
    let mut files = Files::default();
    for (path, text) in case["tree"].as_object().unwrap() {
        files.insert(path.clone(), text.as_str().unwrap().to_owned());
    }
    let path = text(&case["change"], "path").trim_start_matches("./");
    let after = case["expect"]["tree"].as_object().unwrap();
    let judged =
        after.iter().map(|(file, expected)| judge_text(&set(case, &files, path, file), expected.as_str().unwrap()));
    judged.into_iter().find(|outcome| matches!(outcome, Outcome::Wrong(_))).unwrap_or(Outcome::Agreed)
}

/// The text of a file once each marked place holds what its policy chose.
fn set(case: &Value, files: &Files, path: &str, file: &str) -> Result<String, String> {
    let policies = &case["change"]["policies"];
    with_images(files, path, file, |place| match &place.policy {
        Some(FoundPolicy::FluxMarker { namespace, name }) => {
            policies[format!("{namespace}:{name}")].as_str().map(str::to_owned)
        }
        _ => None,
    })
}

/// The files with the objects that stand behind the case's policies.
fn with_policies(mut files: Files, case: &Value) -> Files {
    for (name, image) in case["change"]["policies"].as_object().unwrap() {
        let (namespace, name) = name.split_once(':').unwrap();
        let image = image.as_str().unwrap().split('@').next().unwrap().rsplit_once(':').unwrap().0;
        let text = format!(
            "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {{namespace: {namespace}, name: {name}}}\n\
             spec: {{image: {image}}}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\n\
             metadata: {{namespace: {namespace}, name: {name}}}\nspec: {{imageRepositoryRef: {{name: {name}}}}}\n"
        );
        files.insert(format!("policies/{namespace}-{name}.yaml"), text);
    }
    files
}
