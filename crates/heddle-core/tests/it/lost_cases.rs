//! Cases that are named and not there fail: silence would look like agreement.

use std::{ffi::OsStr, fs, path::PathBuf};

use crate::cases::read_in;

const FILE: &str = "automator/policy-kargo.json";

/// A folder of cases of its own, with one file of so many.
fn folder(name: &str, count: Option<usize>) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("automator")).unwrap();
    let cases = vec!["{}"; count.unwrap_or_default()].join(",");
    let text = count.map_or_else(|| "[".to_owned(), |_| format!("{{\"cases\": [{cases}]}}"));
    fs::write(folder.join(FILE), text).unwrap();
    folder
}

fn why(folder: &OsStr) -> String {
    read_in(folder, FILE).unwrap_err()
}

#[test]
fn a_folder_without_all_its_cases_fails_and_says_why() {
    assert!(why(OsStr::new("")).contains("set and empty"));
    assert!(why(folder("none", Some(0)).join("away").as_os_str()).contains("cannot be read"));
    assert!(why(folder("broken", None).as_os_str()).contains("cannot be read"));
    assert!(why(folder("few", Some(21)).as_os_str()).contains("holds 21 cases, and there were 22"));
    assert!(read_in(folder("all", Some(22)).as_os_str(), FILE).is_ok());
}
