use super::*;

const INDEX: &str = "apiVersion: v1\nentries:\n  none: null\n  web:\n  - {name: web, version: 1.0.0, digest: \
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, urls: [web-1.0.0.tgz], annotations: {a: &x [1], b: *x}}\n  \
    - {version: 1.1.0, urls: []}\ngenerated: 2024-01-01T00:00:00Z\n";

#[test]
fn of_an_index_the_versions_are_kept_in_yaml_and_in_json() {
    let json =
        "{\"entries\": {\"web\": [{\"version\": \"1.0.0\", \"digest\": \"x\", \"urls\": [\"a.tgz\"], \"more\": {}}]}}";
    let (yaml, json) = (Index::read(INDEX.as_bytes()).unwrap(), Index::read(json.as_bytes()).unwrap());
    assert_eq!((yaml.count(), json.count()), (2, 1));
    let [first, second] = yaml.of("web") else { panic!("{yaml:?}") };
    assert_eq!((first.version.as_str(), first.way()), ("1.0.0", Some("web-1.0.0.tgz")));
    assert_eq!(first.sha256(), Some("a".repeat(64)));
    assert_eq!((second.sha256(), second.way()), (None, None));
    assert_eq!(json.of("web")[0].sha256(), None, "what is no digest is none");
    assert!(yaml.of("none").is_empty() && yaml.of("other").is_empty());
}

#[test]
fn what_is_no_index_is_told_and_so_is_one_of_too_many_versions() {
    for text in ["", "- a\n", "<html></html>", "apiVersion: v1\n", "entries: {web: [{}]}\n"] {
        let told = Index::read(text.as_bytes()).unwrap_err();
        assert!(told.starts_with("is no index of charts: "), "{text}: {told}");
    }
    let versions = "- {version: 1.0.0}\n".repeat(MAX_INDEX_VERSIONS);
    assert_eq!(
        Index::read(format!("entries:\n  a:\n{}", versions.replace("- ", "  - ")).as_bytes()).unwrap().count(),
        50_000
    );
    let more = format!("entries:\n  b: [{{version: 1.0.0}}]\n  a:\n{}", versions.replace("- ", "  - "));
    assert!(Index::read(more.as_bytes()).unwrap_err().contains("more than 50000 versions"));
}
