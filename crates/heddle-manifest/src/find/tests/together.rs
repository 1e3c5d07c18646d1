//! Places that change together.

use super::*;
use crate::bond;

const POLICY: &str = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: web, namespace: flux-system}\nspec: {imageRepositoryRef: {name: web}, policy: {semver: {range: 1.x}}}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: web, namespace: flux-system}\nspec: {image: ghcr.io/acme/web}\n";
const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn marked(part: &str, key: &str, value: &str) -> String {
    format!("{key}: {value} # {{\"$imagepolicy\": \"flux-system:web:{part}\"}}\n")
}

#[test]
fn a_tag_and_its_digest_are_one_image_wherever_they_stand() {
    let (tag, digest) = (marked("tag", "tag", "1.4.0"), marked("digest", "pin", DIGEST));
    let name = marked("name", "name", "ghcr.io/acme/web");
    let list = [
        ("e/policy.yaml", POLICY),
        ("e/image-digest.yaml", digest.as_str()),
        ("e/image-name.yaml", name.as_str()),
        ("e/image-tag.yaml", tag.as_str()),
    ];
    let found = find_in(&list, &[("e", "e")]);
    let whole = format!("ghcr.io/acme/web:1.4.0@{DIGEST}");
    let written: Vec<&str> = found.occurrences.iter().map(|place| place.written.as_str()).collect();
    assert_eq!(written, [whole.as_str(), whole.as_str()], "{found:#?}");
    let all: Vec<&Occurrence> = found.occurrences.iter().collect();
    assert_eq!(bond::groups(&all), [vec![0, 1]]);
    // A tag alone would leave the digest of the old image.
    assert!(all.iter().all(|place| place.edits(&Target::tag("1.5.0".parse().unwrap())).is_err()));
    let next = Target {
        digest: Some(DIGEST.replace("aaaa", "bbbb").parse().unwrap()),
        ..Target::tag("1.5.0".parse().unwrap())
    };
    let after = |index: usize, text: &str| edit(text, &all[index].edits(&next).unwrap()).unwrap();
    assert_eq!(after(0, &digest), digest.replace(DIGEST, &DIGEST.replace("aaaa", "bbbb")));
    assert_eq!(after(1, &tag), tag.replace("1.4.0", "1.5.0"));
}

#[test]
fn a_digest_beside_several_tags_is_nobodys() {
    let text = [
        marked("tag", "a", "1.4.0"),
        "b:\n  ".to_owned() + &marked("tag", "x", "1.3.0"),
        "c:\n  ".to_owned() + &marked("digest", "x", DIGEST),
    ]
    .concat();
    let found = find_in(&[("e/policy.yaml", POLICY), ("e/image.yaml", &text)], &[("e", "e")]);
    assert_eq!(found.occurrences.len(), 3, "{found:#?}");
    assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{found:#?}");
}

#[test]
fn the_keys_of_one_marker_are_bonded_in_the_same_environments() {
    let two = [marked("tag", "image_a", "1.4.0"), "b:\n  ".to_owned() + &marked("tag", "x", "1.4.0")].concat();
    let list = [("policy.yaml", POLICY), ("dev/image.yaml", two.as_str()), ("prod/image.yaml", two.as_str())];
    let found = find_in(&list, &[("dev", "dev"), ("prod", "prod")]);
    let all: Vec<&Occurrence> = found.occurrences.iter().collect();
    assert_eq!(bond::groups(&all).len(), 2, "{found:#?}");
}

#[test]
fn an_alias_of_the_same_image_changes_with_it() {
    let text = "app:\n  image: {repository: &name acme/ha, tag: &tag 2026.8.3}\ninit:\n  image: {repository: *name, tag: *tag} # both\n";
    let found = find_in(&[("e/values.yaml", text)], &[("e", "e")]);
    assert_eq!(
        set_everywhere(&[("e/values.yaml", text)], &found, "acme/ha", "2026.8.4")[0],
        text.replace("8.3", "8.4")
    );
    let all: Vec<&Occurrence> = found.occurrences.iter().collect();
    assert_eq!(bond::groups(&all), [vec![0, 1]]);
    // The name is another matter.
    let renamed = Target { name: Some("acme/other".to_owned()), ..Target::tag("1".parse().unwrap()) };
    assert!(all[0].edits(&renamed).is_err());
    let whole = "a: {image: &image \"acme/ha:1\"}\nb: {image: *image}\n";
    let found = find_in(&[("e/values.yaml", whole)], &[("e", "e")]);
    assert_eq!(set_everywhere(&[("e/values.yaml", whole)], &found, "acme/ha", "2")[0], whole.replace("ha:1", "ha:2"));
}

#[test]
fn an_alias_of_another_image_or_of_something_else_is_refused() {
    for text in [
        "a: {image: {repository: acme/a, tag: &tag \"1\"}}\nb: {image: {repository: acme/b, tag: *tag}}\n",
        "a: {image: {repository: acme/a, tag: &tag \"1\"}}\nversion: *tag\n",
        "a: &all {image: {repository: acme/a, tag: \"1\"}}\nb: *all\n",
    ] {
        let found = find_in(&[("e/values.yaml", text)], &[("e", "e")]);
        assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{text}: {found:#?}");
    }
}
