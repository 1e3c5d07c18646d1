//! Images are found in any file, and an edit changes its place alone: each proves that itself, or is refused.
#![no_main]

use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Files, Target, edit,
    find,
    find::{FindInput, FoundEnvironment},
};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["a.yaml", "kustomization.yaml", ".argocd-source.yaml", "values.yaml"];

fuzz_target!(|text: &str| {
    let environments =
        [FoundEnvironment { name: EnvironmentName::implicit_for(""), path: String::new(), implicit: true }];
    let digest = format!("sha256:{}", "4b".repeat(32));
    for name in NAMES {
        let mut files = Files::default();
        files.insert(name.to_owned(), text.to_owned());
        let found = find(&FindInput { files: &files, environments: &environments });
        for occurrence in found.occurrences {
            for digest in [None, digest.parse().ok()] {
                let target = Target { digest, ..Target::tag("9.9".parse().expect("a tag")) };
                let edits = occurrence.edits(&target).unwrap_or_default();
                let _ = edit(text, &edits);
            }
        }
    }
});
