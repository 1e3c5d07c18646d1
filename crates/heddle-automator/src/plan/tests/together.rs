//! Keys of one marker that stand apart: all of them, or none.

use super::{World, images::digest};

const ENVIRONMENT: &str = "version: 1\nenvironments: [{name: prod, path: prod}]\n";
const FLUX: &str = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: api, namespace: flux-system}\n\
    spec:\n  imageRepositoryRef: {name: api}\n  policy: {semver: {range: 1.x}}\n---\n\
    apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: api, namespace: flux-system}\n\
    spec: {image: acme/api}\n";

fn marked(part: &str, key: &str, value: &str) -> String {
    format!("{key}: {value} # {{\"$imagepolicy\": \"flux-system:api:{part}\"}}\n")
}

fn world(files: &[(&str, String)]) -> World {
    let mut world = World::new("1.0.0", "1.0.0", &["1.0.0", "1.1.0"]);
    world.rules = ENVIRONMENT.to_owned();
    world.digests = vec![("1.0.0", 'a'), ("1.1.0", 'b')];
    world.described = vec![("1.0.0", 1, "linux/amd64"), ("1.1.0", 1, "linux/amd64")];
    world.files = files.iter().map(|(path, text)| ((*path).to_owned(), text.clone())).collect();
    world.files.push(("flux/policy.yaml".to_owned(), FLUX.to_owned()));
    world
}

#[test]
fn a_tag_and_a_digest_in_two_files_come_in_one_commit() {
    let old = digest('a').to_string();
    let files = [
        ("prod/image-digest.yaml", marked("digest", "pin", &old)),
        ("prod/image-tag.yaml", marked("tag", "tag", "1.0.0")),
    ];
    let plan = world(&files)
        .check("new pull-request prod: Update api to 1.1.0 in prod [prod/image-digest.yaml prod/image-tag.yaml]\n");
    let texts: Vec<&str> = plan.writes[0].iter().map(|new| new.text.as_str()).collect();
    assert!(texts[0].contains(digest('b').as_str()) && texts[1].contains("1.1.0"), "{texts:?}");
}

#[test]
fn what_cannot_be_written_holds_back_what_changes_with_it() {
    let old = digest('a').to_string();
    let tagged = marked("digest", "pin", &format!("!!str {old}"));
    let files = [("prod/image-digest.yaml", tagged), ("prod/image-tag.yaml", marked("tag", "tag", "1.0.0"))];
    let plan = world(&files).plan();
    let codes: Vec<&str> = plan.request.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!((plan.request.proposals.len(), codes), (0, vec!["not-editable", "half-written"]));
}

#[test]
fn keys_of_one_marker_that_two_modes_rule_go_together_by_the_stricter_one() {
    let rules = "images:\n- {name: acme/api, paths: [prod/image-a.yaml], policy: {semver: 1.x}, mode: commit}\n- {name: acme/api, policy: {semver: 1.x}}\n";
    let files =
        [("prod/image-a.yaml", marked("tag", "a", "1.0.0")), ("prod/image-b.yaml", marked("tag", "b", "1.0.0"))];
    let mut world = world(&files);
    world.rules.push_str(rules);
    world.check("new pull-request prod: Update api to 1.1.0 in prod [prod/image-a.yaml prod/image-b.yaml]\n");
}

#[test]
fn keys_of_one_marker_that_get_different_tags_get_none() {
    let rules = "images:\n- {name: acme/api, paths: [prod/image-a.yaml], policy: {semver: 1.0.x}}\n- {name: acme/api, policy: {semver: 1.x}}\n";
    let files =
        [("prod/image-a.yaml", marked("tag", "a", "1.0.0")), ("prod/image-b.yaml", marked("tag", "b", "1.0.0"))];
    let mut world = world(&files);
    world.rules.push_str(rules);
    let why = "`prod/image-a.yaml:1` changes with this place and does not get the same, so it is not updated";
    world.check(&format!("finding half-written {why}\n"));
}
