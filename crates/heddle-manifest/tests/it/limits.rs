//! What foreign files may cost.

use std::fs;

use heddle_core::name::EnvironmentName;
use heddle_manifest::{
    Files, Found, find,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment},
    yaml::{Documents, MAX_FIELD_BYTES, MAX_NODES},
};

/// The most memory that this process has ever had, in MiB; of the other tests beside it too.
fn peak_mebibytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1_024
}

fn find_in(files: &[(&str, &str)]) -> Found {
    let mut all = Files::default();
    files.iter().for_each(|(path, text)| all.insert((*path).to_owned(), (*text).to_owned()));
    let name = EnvironmentName::implicit_for("");
    find(&FindInput {
        files: &all,
        environments: &[FoundEnvironment::new(name, String::new(), EnvironmentOrigin::Folder)],
    })
}

#[test]
fn anchors_share_what_they_name() {
    let mut text = format!("image: a\na0: &a0 [{}]\n", "x, ".repeat(66_000));
    for level in 1..90 {
        text = text.replacen(&format!("&a{} [", level - 1), &format!("&a{level} [&a{} [", level - 1), 1);
    }
    text = text.trim_end().to_owned() + &"]".repeat(89) + "\n";
    assert!(text.len() > 190_000);
    let documents = Documents::read(&text);
    assert_eq!(documents.error, None);
    let found = find_in(&[("values.yaml", &text)]);
    assert_eq!(found.findings, []);
    assert!(peak_mebibytes() < 256, "{} MiB", peak_mebibytes());
}

#[test]
fn what_stands_behind_aliases_counts_at_each_alias() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..=6 {
        let inner = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![inner; 10].join(", ")));
    }
    let error = Documents::read(&text).error.unwrap();
    assert!(error.message.contains(&MAX_NODES.to_string()), "{error}");
    assert_eq!(Documents::read(&text[..text.find("a5").unwrap()]).error, None);
}

#[test]
fn many_keys_and_many_anchors_are_read_once_each() {
    let keys: String = (0..60_000).map(|index| format!("key{index}Image: acme/a{index}:v1\n")).collect();
    assert_eq!(find_in(&[("values.yaml", &keys)]).occurrences.len(), 60_000);
    let anchors: String = (0..60_000).map(|index| format!("- &a{index} x\n- *a{index}\n")).collect();
    let documents = Documents::read(&anchors);
    assert_eq!((documents.error, documents.roots[0].items().len()), (None, 120_000));
}

#[test]
fn merge_keys_that_lead_through_hundreds_of_mappings_are_walked_once_each() {
    let next = |index: usize| format!("a{index}: &a{index} {{k{index}: x, <<: *a{}}}\n", index - 1);
    let chain = "a0: &a0 {image: acme/a:1}\n".to_owned() + &(1..400).map(next).collect::<String>();
    assert_eq!(find_in(&[("values.yaml", &chain)]).occurrences.len(), 400);
}

#[test]
fn a_long_way_to_a_value_is_not_told_and_not_written() {
    let key = "k".repeat(MAX_FIELD_BYTES / 2);
    let text = format!("{key}:\n  {key}:\n    image: acme/api:v1\n");
    let found = find_in(&[("values.yaml", &text)]);
    assert!(found.occurrences[0].obstacle.as_ref().unwrap().contains("longer than 2,000"), "{found:#?}");
}

#[test]
fn bases_that_fan_out_again_and_again_end() {
    let level = |next: usize| format!("resources: [../a{next}, ../b{next}]\n");
    let mut files: Vec<(String, String)> = Vec::new();
    for index in 0..30 {
        files.push((format!("a{index}/kustomization.yaml"), level(index + 1)));
        files.push((format!("b{index}/kustomization.yaml"), level(index + 1)));
    }
    files.push(("kustomization.yaml".into(), "resources: [a0]\n".into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let found = find_in(&files);
    assert!(found.findings.iter().any(|finding| finding.code == "too-large"), "{:?}", found.findings);
}

#[test]
fn the_page_tells_the_limits_of_this_crate() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/limits.md");
    let page = fs::read_to_string(file).unwrap();
    let told = heddle_core::limit::tell(&page, env!("CARGO_PKG_NAME"), heddle_manifest::limits::LIMITS);
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        fs::write(file, &told).unwrap();
    } else {
        assert!(page == told, "run `HEDDLE_UPDATE=1 cargo test -p {} limits`", env!("CARGO_PKG_NAME"));
    }
}
