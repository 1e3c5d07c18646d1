//! The shared cases of `HEDDLE_CASES`. They lie beside the project and are never copied into it.

use std::{env, ffi::OsStr, fs, io::Write as _, path::Path, sync::Once};

use serde_json::Value;

/// How many cases each file held when they were counted last. Fewer mean that some were lost.
const RECORDED: &[(&str, usize)] = &[
    ("automator/edits-flux1.json", 65),
    ("automator/edits-flux2.json", 14),
    ("automator/edits-kargo.json", 54),
    ("automator/image-refs.json", 68),
    ("automator/policy-flux1.json", 45),
    ("automator/policy-flux2.json", 87),
    ("automator/policy-kargo.json", 22),
    ("automator/semver-constraints-oracle.json", 550),
    ("automator/webhooks.json", 80),
    ("synchronizer/health-crds.json", 495),
    ("synchronizer/health.json", 79),
    ("synchronizer/ordering.json", 4),
    ("synchronizer/varsub.json", 64),
];

/// A file of cases. `None` where `HEDDLE_CASES` is not set, which is said once.
///
/// # Panics
/// When it is set and the cases are not all there.
pub fn read(file: &str) -> Option<Value> {
    static SKIPPED: Once = Once::new();
    let Some(folder) = env::var_os("HEDDLE_CASES") else {
        SKIPPED.call_once(|| say("SKIPPED: 0 conformance cases"));
        return None;
    };
    Some(read_in(&folder, file).unwrap_or_else(|why| panic!("{why}")))
}

/// A file of cases in a folder; else why it is not all there.
pub fn read_in(folder: &OsStr, file: &str) -> Result<Value, String> {
    if folder.is_empty() {
        return Err("HEDDLE_CASES is set and empty: set it to the folder of the cases, or unset it".to_owned());
    }
    let path = Path::new(folder).join(file);
    let unread = |error: String| format!("HEDDLE_CASES is set, and {} cannot be read: {error}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| unread(error.to_string()))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| unread(error.to_string()))?;
    let count = document["cases"].as_array().map_or(0, Vec::len);
    let known = RECORDED.iter().find(|(known, _)| *known == file).map(|(_, recorded)| *recorded);
    let recorded = known.ok_or_else(|| format!("{file} has no count in `RECORDED`: write {count} there"))?;
    if count < recorded {
        return Err(format!("{} holds {count} cases, and there were {recorded}: some were lost", path.display()));
    }
    Ok(document)
}

/// Past the capture of the test harness, so that it is seen when everything passes; on a line of its own.
pub fn say(line: &str) {
    std::io::stderr().lock().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}
