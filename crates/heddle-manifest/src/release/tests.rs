use super::*;
use crate::{edit::edit, image::Target, yaml::Documents};

fn application(helm: &str) -> String {
    let lines = helm.lines().map(|line| format!("      {line}\n")).collect::<String>();
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec:\n  source:\n    helm:\n{lines}"
    )
}

/// The images of an application, and its text with another tag at the first.
fn check(helm: &str, expected: &[&str], becomes: Result<(&str, &str), &str>) {
    let text = application(helm);
    let documents = Documents::read(&text);
    let found = release_images(&Cursor::root(&documents.roots[0]));
    let told = found.iter().map(|image| {
        let (name, build) = image.parts.name_and_build();
        format!("{name}{build}")
    });
    assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
    let edits = found[0].obstacle.map_or_else(|| found[0].parts.edits(&Target::tag("v9".parse().unwrap())), Err);
    match becomes {
        Ok((old, new)) => assert_eq!(edit(&text, &edits.unwrap()).unwrap(), text.replacen(old, new, 1)),
        Err(why) => assert!(edits.clone().unwrap_err().contains(why), "{edits:?}"),
    }
}

const VALUES: &str = "values: |\n  image:\n    repository: acme/a\n    tag: v1\n";

#[test]
fn a_parameter_wins_over_the_values_beside_it() {
    let tag = "parameters:\n- {name: image.tag, value: v3}\n";
    check(&format!("{VALUES}{tag}"), &["acme/a:v3"], Ok(("v3", "v9")));
    check(&format!("valuesObject: {{image: {{repository: acme/a}}}}\n{tag}"), &["acme/a:v3"], Ok(("v3", "v9")));
    check(
        &format!("valuesObject: {{web: {{image: {{repository: acme/a, tag: v1}}}}}}\n{tag}"),
        &["acme/a:v1"],
        Ok(("tag: v1", "tag: v9")),
    );
    let name = "parameters:\n- {name: image.repository, value: acme/b}\n";
    check(&format!("{VALUES}{name}"), &["acme/b:v1"], Ok(("tag: v1", "tag: v9")));
    let both = format!("{name}- {{name: image.tag, value: v3}}\n");
    check(&format!("{VALUES}{both}"), &["acme/b:v3"], Ok(("v3", "v9")));
    let whole = "values: |\n  image: acme/a:v1\nparameters:\n- {name: image, value: 'acme/a:v3'}\n";
    check(whole, &["acme/a:v3"], Ok(("v3", "v9")));
}

#[test]
fn a_registry_counts_beside_a_name_that_a_parameter_sets() {
    let values = "valuesObject: {image: {registry: quay.io, repository: acme/a, tag: v1}}\nparameters:\n";
    let (name, tag) = ("- {name: image.repository, value: acme/b}\n", "- {name: image.tag, value: v3}\n");
    check(&format!("{values}{name}"), &["quay.io/acme/b:v1"], Ok(("tag: v1", "tag: v9")));
    check(&format!("{values}{name}{tag}"), &["quay.io/acme/b:v3"], Ok(("v3", "v9")));
    check(&format!("{values}{tag}"), &["quay.io/acme/a:v3"], Ok(("v3", "v9")));
    let registry = "- {name: image.registry, value: mirror.io}\n";
    check(&format!("{values}{registry}"), &["mirror.io/acme/a:v1"], Ok(("tag: v1", "tag: v9")));
    check(&format!("{values}{registry}{tag}"), &["mirror.io/acme/a:v3"], Ok(("v3", "v9")));
    check(&format!("{values}{registry}{name}{tag}"), &["mirror.io/acme/b:v3"], Ok(("v3", "v9")));
}

#[test]
fn a_digest_of_the_values_is_left_stale_by_no_parameter() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let values = format!("valuesObject: {{image: {{repository: acme/a, tag: v1, digest: '{digest}'}}}}\n");
    let tag = "parameters:\n- {name: image.tag, value: v3}\n";
    check(&format!("{values}{tag}"), &["acme/a:v3"], Err("and the values its digest"));
    let both = format!("{values}{tag}- {{name: image.repository, value: acme/b}}\n");
    check(&both, &["acme/b:v3"], Err("and the values its digest"));
    let other = format!("valuesObject: {{image: {{repository: acme/a, tag: v1, digestChroot: '{digest}'}}}}\n");
    check(&format!("{other}{tag}"), &["acme/a:v3"], Err("under a key whose image is not known"));
    let named = format!("{tag}- {{name: image.repository, value: acme/b}}\n");
    check(&format!("{other}{named}"), &["acme/b:v3"], Err("and the values its digest"));
    check(
        &format!("valuesObject: {{image: {{digest: '{digest}'}}}}\n{named}"),
        &["acme/b:v3"],
        Err("and the values its digest"),
    );
    check(
        &format!("values: |\n  image:\n    digest: {digest}\n{named}"),
        &["acme/b:v3"],
        Err("and the values its digest"),
    );
    let set = format!("valuesObject: {{image: {{digest: '{digest}'}}}}\n{named}- {{name: image.digest, value: ''}}\n");
    check(&set, &["acme/b:v3"], Ok(("v3", "v9")));
}

#[test]
fn values_beside_an_object_of_values_do_not_count() {
    check(
        &format!("{VALUES}valuesObject: {{image: {{repository: acme/a, tag: v2}}}}\n"),
        &["acme/a:v2"],
        Ok(("v2", "v9")),
    );
}

/// The images of an object with their lines, and its text with another tag at each.
fn check_object(text: &str, expected: &[&str]) {
    let documents = Documents::read(text);
    let found = release_images(&Cursor::root(&documents.roots[0]));
    let told = found.iter().map(|image| {
        let (name, build) = image.parts.name_and_build();
        format!("{} {name}{build}", image.place("a").line)
    });
    assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
    for image in &found {
        let (name, build) = image.parts.name_and_build();
        let edits = image.parts.edits(&Target::tag("v9".parse().unwrap())).unwrap();
        assert_eq!(edit(text, &edits).unwrap(), text.replace(&format!("{name}{build}"), &format!("{name}:v9")));
    }
}

#[test]
fn patches_in_objects_of_flux_and_argo_cd_set_images() {
    let merge = "  - patch: |\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: a}\n      spec:\n        template:\n          spec:\n            containers:\n            - {name: a, image: acme/a:v1} # pinned\n    target: {kind: Deployment}\n";
    let operations = "  - target: {kind: Deployment, name: b}\n    patch: |-\n      - op: replace\n        path: /spec/template/spec/containers/0/image\n        value: acme/b:v1\n      - {op: add, path: /spec/template/spec/containers/-, value: {name: c, image: acme/c:v1}}\n      - {op: replace, path: /metadata/name, value: acme/d:v1}\n      - {op: test, path: /spec/image, value: acme/e:v1}\n";
    let flux = format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: a}}\nspec:\n  patches:\n{merge}{operations}"
    );
    check_object(&flux, &["14 acme/a:v1", "20 acme/b:v1", "21 acme/c:v1"]);
    let renderer = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  postRenderers:\n  - kustomize:\n      patchesStrategicMerge:\n      - apiVersion: apps/v1\n        kind: Deployment\n        spec: {template: {spec: {initContainers: [{name: a, image: acme/a:v1}]}}}\n      patchesJson6902:\n      - target: {kind: Deployment}\n        patch:\n        - {op: replace, path: /spec/template/spec/containers/0/image, value: acme/b:v1}\n";
    check_object(renderer, &["14 acme/b:v1", "10 acme/a:v1"]);
    let argo = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec:\n  source:\n    kustomize:\n      patches:\n{}",
        merge.lines().map(|line| format!("    {line}\n")).collect::<String>()
    );
    check_object(&argo, &["16 acme/a:v1"]);
}
