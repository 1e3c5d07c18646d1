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
    for text in ["", "- a\n", "<html></html>", "apiVersion: v1\n", "entries: {web: [{version: [1]}]}\n"] {
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
    // One text, and many who name it.
    let text = &long[1..];
    let first = format!("entries:\n  web:\n  - {{version: 1.0.0, urls: [&a '{text}']}}\n");
    let many = format!("{first}{}", "  - {version: 1.0.0, urls: [*a]}\n".repeat(40_000));
    assert!(Index::read(many.as_bytes()).unwrap_err().contains("take more than 64 MiB"));
}

#[test]
fn a_version_that_cannot_be_read_stops_no_other() {
    let long = "1".repeat(MAX_INDEX_TEXT_BYTES + 1);
    let good = "{version: 1.0.0, urls: [a.tgz]}";
    for (bad, unread) in [
        ("null".to_owned(), 1),
        ("soon".to_owned(), 1),
        ("[1]".to_owned(), 1),
        ("{}".to_owned(), 1),
        ("{version: null}".to_owned(), 1),
        (format!("{{version: {long}}}"), 1),
        (format!("{{version: 2.0.0, urls: [{long}]}}"), 0),
        (format!("{{version: 2.0.0, digest: {long}}}"), 1),
        ("{version: 2.0.0, urls: b.tgz, created: 7}".to_owned(), 0),
        ("{version: 2.0.0, urls: [{a: 1}], created: [2026]}".to_owned(), 0),
    ] {
        let index = Index::read(format!("entries: {{web: [{bad}, {good}]}}").as_bytes()).unwrap();
        assert_eq!(index.unread("web"), unread, "{bad:.60}");
        let [others @ .., last] = index.of("web") else { panic!("{index:?}") };
        assert_eq!((last.version(), last.way()), ("1.0.0", Some("a.tgz")), "{bad:.60}");
        let told =
            |entry: &Entry| (entry.version() == "2.0.0", entry.way().is_none(), entry.sha256(), entry.created_at());
        assert!(others.iter().all(|entry| told(entry) == (true, true, None, None)), "{bad:.60}: {others:?}");
        assert_eq!(others.len(), 1 - unread, "{bad:.60}");
    }
    let zeros = "0".repeat(64);
    let index = Index::read(format!("entries: {{web: [{{version: 1.10, digest: {zeros}}}]}}").as_bytes()).unwrap();
    assert_eq!((index.of("web")[0].version(), index.of("web")[0].sha256()), ("1.10", Some(zeros)));
    let json =
        "{\"entries\": {\"web\": [null, {\"version\": \"1.0.0\", \"urls\": 7}], \"api\": {\"a\": 1}, \"LONG\": [1]}}";
    let index = Index::read(json.replace("LONG", &long).as_bytes()).unwrap();
    assert_eq!((index.unread("web"), index.of("web").len(), index.unread("api")), (1, 1, 1));
    assert_eq!(index.unread(&long), 0, "nobody asks for it");
}

#[test]
fn an_index_of_too_many_values_is_refused() {
    let text = format!("entries: {{web: [{{version: 1.0.0, x: [{}]}}]}}", "1,".repeat(MAX_INDEX_NODES));
    assert!(Index::read(text.as_bytes()).unwrap_err().starts_with("is no index of charts: "));
}
