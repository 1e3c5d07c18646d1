use heddle_manifest::documents::parse_document;

use super::*;

#[track_caller]
fn check(own: &str, overlay: &str, together: &str) {
    let mut kustomization = parse_document(own).unwrap();
    Overlay::of(parse_document(overlay).unwrap()).put_on(&mut kustomization);
    assert_eq!(kustomization, parse_document(together).unwrap(), "{own} with {overlay}");
}

#[test]
fn names_and_namespace_take_the_place_of_its_own() {
    check("namespace: a\nnamePrefix: p-", "namespace: b\nnamePrefix: q-", "namespace: b\nnamePrefix: q-");
    check("# nothing", "nameSuffix: -s", "nameSuffix: -s");
    check("namespace: a", "{}", "namespace: a");
}

#[test]
fn components_and_patches_come_after_its_own() {
    check("components: [a]", "components: [b, a]", "components: [a, b, a]");
    check("resources: [x]", "patches: [{patch: y}]", "resources: [x]\npatches: [{patch: y}]");
    check("patches: {a: b}", "patches: [{patch: y}]", "patches: {a: b}");
    check("patches:\ncomponents: [a]", "patches: [{patch: y}]", "patches: [{patch: y}]\ncomponents: [a]");
}

#[test]
fn an_image_takes_the_place_of_that_of_the_same_name() {
    let own = "images: [{name: a, newTag: '1', newName: b}, {name: c, digest: sha256:1}]";
    check(own, "images: [{name: a, newTag: '2'}]", "images: [{name: a, newTag: '2'}, {name: c, digest: sha256:1}]");
    check(
        own,
        "images: [{name: c, newTag: '2'}]",
        "images: [{name: a, newTag: '1', newName: b}, {name: c, newTag: '2'}]",
    );
    check(
        own,
        "images: [{name: c, newName: d}]",
        "images: [{name: a, newTag: '1', newName: b}, {name: c, newName: d}]",
    );
    check("{}", "images: [{name: a, newTag: '2'}]", "images: [{name: a, newTag: '2'}]");
}
