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
    ] {
        let found = find_in(&[("e/values.yaml", text)], &[("e", "e")]);
        assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{text}: {found:#?}");
    }
}

/// Sets the tag of an image at all its places; the lines of these, the text that comes out, and how many groups there are.
fn set_at_anchor(text: &str, image: &str) -> (Vec<u32>, String, usize) {
    let list = [("e/values.yaml", text)];
    let found = find_in(&list, &[("e", "e")]);
    let all: Vec<&Occurrence> = found.occurrences.iter().filter(|one| one.written.starts_with(image)).collect();
    assert!(all.iter().all(|one| one.obstacle.is_none()), "{text}: {found:#?}");
    let edits: Vec<_> = all.iter().flat_map(|one| one.edits(&Target::tag("2".parse().unwrap())).unwrap()).collect();
    let lines = all.iter().map(|one| one.place.line).collect();
    (lines, edit(text, &edits).unwrap(), bond::groups(&all).len())
}

#[test]
fn an_anchor_that_is_a_mapping_is_edited_where_it_is_written() {
    let check = |text: &str, image: &str, lines: &[u32], old: &str, new: &str| {
        let (told, after, groups) = set_at_anchor(text, image);
        assert_eq!((told.as_slice(), after), (lines, text.replace(old, new)), "{text}");
        assert_eq!(groups, usize::from(lines.len() > 1), "{text}");
    };
    check(
        "a:\n  image: &i {repository: acme/a, tag: v1} # all\nb:\n  image: *i\nc: {image: *i}\n",
        "acme/a",
        &[2, 4, 5],
        "v1",
        "\"2\"",
    );
    check("a: &all {image: acme/a:v1, side: {image: acme/b:v1}}\nb: *all\n", "acme/a", &[1, 2], "a:v1", "a:2");
    check("a: &all {image: acme/a:v1, side: {image: acme/b:v1}}\nb: *all\n", "acme/b", &[1, 2], "b:v1", "b:2");
    check("a: &all {image: acme/a:v1}\nb:\n  <<: *all\n  replicas: 2\n", "acme/a", &[1, 3], "v1", "2");
    check(
        "a: &a {image: {repository: acme/a, tag: v1}}\nb: &b\n  <<: *a\nc:\n  <<: [*b]\n",
        "acme/a",
        &[1, 3, 5],
        "v1",
        "\"2\"",
    );
    // What is given anew where it is merged is a place of its own.
    let anew = "a: &i {repository: acme/a, tag: v1}\nb:\n  image:\n    <<: *i\n    tag: v0\n";
    let after = anew.replace("v0", "\"2\"").replace("v1", "\"2\"");
    assert_eq!(set_at_anchor(anew, "acme/a"), (vec![1, 5], after, 0));
}

#[test]
fn an_anchor_whose_aliases_mean_something_else_is_refused() {
    for text in [
        // The same tag for another name.
        "a: {image: &i {repository: acme/a, tag: v1}}\nb: {image: {<<: *i, repository: acme/b}}\n",
        "base: &base {tag: v1}\na: {image: {<<: *base, repository: acme/a}}\n",
        // What takes the text is no image.
        "a: &a {image: acme/a:v1, note: x}\nb: {web: *a}\nkeel: *a\n",
        "a: &a {tag: &t v1}\nb: {image: {repository: acme/a, tag: *t}}\n",
        // Readers differ in which tag counts.
        "a: &i {repository: acme/a, tag: v1}\nb: {image: {tag: v0, <<: *i}}\n",
        // It is the key of a mapping too, which an edit would rename.
        "table: {&t v1: something}\nimage: {repository: acme/a, tag: *t}\n",
        "image: {repository: acme/a, tag: &t v1}\ntable:\n  ? *t : other\n",
        "image: {repository: acme/a, tag: &t v1}\ntable: &m\n  ? *t\n  : other\nmore: {<<: *m}\n",
        // Two of one key.
        "a: {image: &i {repository: acme/a, tag: v1}, image: *i}\n",
    ] {
        let list = [("e/values.yaml", text)];
        let found = find_in(&list, &[("e", "e")]);
        let tag = Target::tag("v2".parse().unwrap());
        let free = found.occurrences.iter().filter(|one| one.obstacle.is_none());
        let edits: Vec<_> = free.flat_map(|one| one.edits(&tag).unwrap_or_default()).collect();
        let after = edit(text, &edits).unwrap();
        assert!(!found.findings.is_empty(), "{text}");
        let may_change = text.contains("tag: v0");
        assert!(after == text || may_change && after == text.replacen("v1", "v2", 1), "{text}\n{after}\n{found:#?}");
    }
}

#[test]
fn containers_that_merge_another_change_with_it() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - &web\n    name: web\n    image: acme/web:v1\n  - {<<: *web, name: web2}\n  - {<<: *web, name: other, image: 'acme/other:v1'}\n";
    let found = find_in(&[("e/pod.yaml", pod)], &[("e", "e")]);
    let told: Vec<_> = found.occurrences.iter().map(|one| (one.place.line, one.container.clone().unwrap())).collect();
    assert_eq!(told, [(8, "web".to_owned()), (9, "web2".to_owned()), (10, "other".to_owned())]);
    assert_eq!(set_everywhere(&[("e/pod.yaml", pod)], &found, "acme/web", "v2")[0], pod.replace("web:v1", "web:v2"));
    assert_eq!(
        set_everywhere(&[("e/pod.yaml", pod)], &found, "acme/other", "v2")[0],
        pod.replace("other:v1", "other:v2")
    );
}

#[test]
fn what_is_said_behind_an_anchor_is_said_of_its_aliases() {
    let text = "a:\n  image: &i acme/web:1.0.0 # {\"$imagepolicy\": \"flux-system:web\"}\nb: {image: *i}\n";
    let found = find_in(&[("e/policy.yaml", POLICY), ("e/values.yaml", text)], &[("e", "e")]);
    let policies: Vec<bool> = found.occurrences.iter().map(|one| one.policy.is_some()).collect();
    assert_eq!(policies, [true, true], "{found:#?}");
}

#[test]
fn images_of_one_text_within_a_file_are_written_at_once() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata:\n  values.yaml: |\n    web: {image: &i {repository: acme/a, tag: v1}}\n    job: {image: {repository: acme/a, tag: v1}}\n    more: {image: *i}\n";
    let found = find_in(&[("e/cm.yaml", text)], &[("e", "e")]);
    assert_eq!(found.occurrences.len(), 3);
    assert_eq!(
        set_everywhere(&[("e/cm.yaml", text)], &found, "acme/a", "v2")[0],
        text.replace("v1}", "v2}").replace("apiVersion: v2", "apiVersion: v1")
    );
}
