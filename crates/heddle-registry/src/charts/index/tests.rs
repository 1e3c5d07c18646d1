use super::*;

const INDEX: &str = "apiVersion: v1\nentries:\n  none: null\n  web:\n  - {name: web, version: 1.0.0, digest: \
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, urls: [web-1.0.0.tgz], annotations: {a: &x [1], b: *x}, created: 2026-11-01T10:00:00.5Z}\n  \
    - {version: 1.1.0, urls: []}\ngenerated: 2024-01-01T00:00:00Z\n";

#[test]
fn of_an_index_the_versions_are_kept_in_yaml_and_in_json() {
    let json =
        "{\"entries\": {\"web\": [{\"version\": \"1.0.0\", \"digest\": \"x\", \"urls\": [\"a.tgz\"], \"more\": {}}]}}";
    let (yaml, json) = (Index::read(INDEX.as_bytes()).unwrap(), Index::read(json.as_bytes()).unwrap());
    assert_eq!((yaml.size.count, json.size.count), (4, 2), "charts and versions");
    let [first, second] = yaml.of("web") else { panic!("{yaml:?}") };
    assert_eq!((first.version(), first.way()), ("1.0.0", Some("web-1.0.0.tgz")));
    assert_eq!(first.sha256(), Some("a".repeat(64)));
    assert_eq!(first.created_at(), "2026-11-01T10:00:00.5Z".parse().ok());
    assert_eq!((second.sha256(), second.way(), second.created_at()), (None, None, None));
    assert_eq!(json.of("web")[0].sha256(), None, "what is no digest is none");
    assert!(yaml.of("none").is_empty() && yaml.of("other").is_empty());
}

#[test]
fn what_is_no_index_is_told_and_so_is_one_of_too_much() {
    for text in ["", "- a\n", "<html></html>", "apiVersion: v1\n", "entries: {web: [{}]}\n"] {
        let told = Index::read(text.as_bytes()).unwrap_err();
        assert!(told.starts_with("is no index of charts: "), "{text}: {told}");
    }
    let versions = |count: usize| format!("entries:\n  a:\n{}", "  - {version: 1.0.0}\n".repeat(count));
    assert_eq!(Index::read(versions(MAX_INDEX_VERSIONS - 1).as_bytes()).unwrap().size.count, MAX_INDEX_VERSIONS);
    let names: String = (0..=MAX_INDEX_VERSIONS).map(|number| format!("  a{number}: null\n")).collect();
    for more in [versions(MAX_INDEX_VERSIONS), format!("entries:\n{names}")] {
        assert!(Index::read(more.as_bytes()).unwrap_err().contains("more than 50000 charts and versions"));
    }
}

#[test]
fn of_an_index_no_more_is_kept_than_somebody_asks_for() {
    let many = format!("entries: {{web: [{{version: 1.0.0, urls: ['', a.tgz, {}]}}]}}", "b.tgz, ".repeat(10_000));
    let index = Index::read(many.as_bytes()).unwrap();
    assert_eq!(index.of("web")[0].way(), Some("a.tgz"));
    assert!(index.bytes() < 1000, "{}", index.bytes());

    let long = "1".repeat(MAX_INDEX_TEXT_BYTES + 1);
    for text in [
        format!("entries: {{web: [{{version: {long}}}]}}"),
        format!("entries: {{web: [{{version: 1.0.0, urls: [{long}]}}]}}"),
        format!("entries: {{a{long}: null}}"),
    ] {
        let told = Index::read(text.as_bytes()).unwrap_err();
        assert!(told.contains("a text of more than 2048 bytes"), "{told}");
    }
    // One text, and many who name it.
    let text = &long[1..];
    let first = format!("entries:\n  web:\n  - {{version: 1.0.0, urls: [&a '{text}']}}\n");
    let many = format!("{first}{}", "  - {version: 1.0.0, urls: [*a]}\n".repeat(40_000));
    assert!(Index::read(many.as_bytes()).unwrap_err().contains("take more than 64 MiB"));
}

#[test]
fn an_index_of_too_many_values_is_refused() {
    let text = format!("entries: {{web: [{{version: 1.0.0, x: [{}]}}]}}", "1,".repeat(MAX_INDEX_NODES));
    assert!(Index::read(text.as_bytes()).unwrap_err().starts_with("is no index of charts: "));
}
