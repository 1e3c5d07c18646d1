//! The examples of the manual.

use heddle_manifest::{Files, FoundPolicy, edit, edit::New, find::Occurrence, path::Path, yaml::Documents};

use crate::places::found_in;

/// A block of code with its language, and its file where it names one.
struct Block<'a> {
    language: &'a str,
    file: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let parts = page.split("```").skip(1).step_by(2);
    let read = parts.map(|block| {
        let (head, text) = block.split_once('\n').unwrap();
        let (language, file) = head.split_once(' ').unwrap_or((head, "app.yaml"));
        Block { language, file, text }
    });
    read.collect()
}

fn policy(place: &Occurrence) -> &'static str {
    match place.policy {
        None => "",
        Some(FoundPolicy::Comment { .. }) => " comment",
        Some(FoundPolicy::FluxMarker { .. }) => " flux",
        Some(FoundPolicy::FluxV1 { .. }) => " flux-v1",
        Some(FoundPolicy::ImageUpdater { .. }) => " argocd-image-updater",
        Some(FoundPolicy::Keel { .. }) => " keel",
    }
}

#[test]
fn places_are_found_as_the_manual_says() {
    let mut files = Files::default();
    let mut count = 0;
    for block in blocks(include_str!("../../../../docs/reference/finding.md")) {
        if block.language == "yaml" {
            files.insert(block.file.to_owned(), block.text.to_owned());
            continue;
        }
        let found = found_in(&files, "");
        let told: Vec<String> = found
            .occurrences
            .iter()
            .map(|place| {
                let container = place.container.as_deref().unwrap_or("-");
                format!("{} {} {container}{}", place.place.line, place.written, policy(place))
            })
            .collect();
        assert_eq!(told, block.text.lines().collect::<Vec<_>>(), "{:#?}", found.findings);
        files = Files::default();
        count += 1;
    }
    assert!(count >= 7, "{count} examples");
}

#[test]
fn values_are_changed_as_the_manual_says() {
    let blocks = blocks(include_str!("../../../../docs/reference/editing.md"));
    let mut examples = blocks.iter();
    let mut count = 0;
    while let (Some(before), Some(ask)) = (examples.next(), examples.next()) {
        let (first, refusal) = ask.text.split_once('\n').unwrap();
        let (at, to) = first.strip_prefix("--at ").and_then(|rest| rest.split_once(" --to ")).unwrap();
        let documents = Documents::read(before.text);
        let done = Path::parse(at)
            .and_then(|path| path.edit(&documents, &New::Text(to.to_owned()), true))
            .map_err(|error| error.to_string())
            .and_then(|change| edit(before.text, &[change]).map_err(|error| error.to_string()));
        match refusal.trim_end().strip_prefix("refused: ") {
            Some(reason) => assert_eq!(done, Err(reason.to_owned())),
            None => assert_eq!(done.as_deref(), Ok(examples.next().unwrap().text)),
        }
        count += 1;
    }
    assert!(count >= 8, "{count} examples");
}
