//! Each case was built by kustomize 5.8.1.

use super::*;

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: a, image: \"acme/a:1\"}, {name: b, image: \"acme/b:1\"}], initContainers: [{name: i, image: \"acme/i:1\"}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {tag: v7}\n";

fn images(kustomization: &str) -> (Vec<String>, Found) {
    let text = format!("resources: [web.yaml]\n{kustomization}");
    let found = find_in(&[("o/kustomization.yaml", &text), ("o/web.yaml", WEB)], &[("e", "o")]);
    let mut images: Vec<String> = found.occurrences.iter().map(|place| place.written.clone()).collect();
    images.sort();
    (images, found)
}

#[track_caller]
fn check_images(kustomization: &str, expected: &str) {
    let (images, found) = images(kustomization);
    assert_eq!(images.join(" "), expected, "{kustomization}\n{found:#?}");
}

fn operations(list: &[&str]) -> String {
    let lines = list.iter().map(|one| format!("    - {{{one}}}\n").replace("POD", "/spec/template/spec"));
    format!("patches:\n- target: {{kind: Deployment}}\n  patch: |-\n{}", lines.collect::<String>())
}

#[test]
fn operations_do_what_they_do_to_kustomize() {
    for (list, expected) in [
        (vec!["op: add, path: POD/containers/0, value: {name: z, image: z}"], "acme/a:1 acme/b:1 acme/i:1 z"),
        (vec!["op: add, path: POD/containers/-, value: {name: z, image: z}"], "acme/a:1 acme/b:1 acme/i:1 z"),
        (vec!["op: replace, path: POD/containers, value: [{name: x, image: x}]"], "acme/i:1 x"),
        (vec!["op: add, path: POD/initContainers, value: [{name: x, image: x}]"], "acme/a:1 acme/b:1 x"),
        (vec!["op: replace, path: POD/containers/0, value: {name: x, image: x}"], "acme/b:1 acme/i:1 x"),
        (vec!["op: remove, path: POD/containers/0"], "acme/b:1 acme/i:1"),
        (vec!["op: copy, from: POD/containers/0/image, path: POD/initContainers/0/image"], "acme/a:1 acme/b:1"),
        (vec!["op: move, from: POD/containers/0/image, path: POD/initContainers/0/image"], "acme/a:1 acme/b:1"),
        (vec!["op: copy, from: POD/containers/0, path: POD/initContainers/-"], "acme/a:1 acme/b:1 acme/i:1"),
        (vec!["op: test, path: POD/containers/0/image, value: acme/a:1"], "acme/a:1 acme/b:1 acme/i:1"),
        (
            vec![
                "op: add, path: POD/containers/-, value: {name: z, image: z}",
                "op: replace, path: POD/containers/0/image, value: q",
                "op: replace, path: POD/containers/1, value: {name: b, image: r}",
            ],
            "acme/i:1 q r z",
        ),
        (
            vec![
                "op: replace, path: POD/containers/0/image, value: q",
                "op: copy, from: POD/containers/0/image, path: POD/containers/1/image",
            ],
            "acme/i:1 q",
        ),
    ] {
        check_images(&operations(&list), expected);
    }
}

#[test]
fn what_operations_do_is_said_where_it_is_not_known() {
    for list in [
        vec!["op: remove, path: POD/containers/0", "op: replace, path: POD/containers/0/image, value: q"],
        vec![
            "op: copy, from: POD, path: /spec/template/other",
            "op: copy, from: POD/containers, path: POD/initContainers",
        ],
        vec!["op: put, path: POD/containers/0/image, value: q"],
        vec![
            "op: add, path: POD/containers/-, value: {name: z, image: z}",
            "op: replace, path: POD/containers/2/image, value: q",
        ],
        vec![
            "op: add, path: POD/containers/-, value: {image: z}",
            "op: replace, path: POD/containers/0/image, value: q",
        ],
        vec![
            "op: add, path: POD/containers/-, value: {name: y, image: y}",
            "op: add, path: POD/containers/0, value: {name: z, image: z}",
            "op: replace, path: POD/containers/1/image, value: q",
        ],
        vec![
            "op: add, path: POD/ephemeralContainers, value: [{name: x, image: x}]",
            "op: replace, path: POD/ephemeralContainers/0/image, value: q",
        ],
    ] {
        let (_, found) = images(&operations(&list));
        assert!(found.findings.iter().any(|finding| finding.code == "broken-patch"), "{list:?}: {found:#?}");
        assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{list:?}: {found:#?}");
    }
}

#[test]
fn operations_without_a_target_are_told_as_kustomize_refuses_them() {
    let list = "    - {op: replace, path: /spec/template/spec/containers/0/image, value: q}\n";
    let (_, found) = images(&format!("patches:\n- patch: |-\n{list}"));
    let told: Vec<_> = found.findings.iter().map(|finding| (finding.position.line, finding.code)).collect();
    assert!(told.contains(&(3, "broken-patch")), "{found:#?}");
    assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{found:#?}");
}

#[test]
fn one_entry_of_images_leaves_each_container_its_own() {
    let two = "apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: {containers: [{name: c, image: \"acme/a:1\"}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: two}\nspec: {containers: [{name: c, image: \"acme/a:1\"}]}\n";
    let patch = "resources: [../base]\nnamePrefix: p-\npatches: [{target: {name: two}, patch: \"- {op: replace, path: /spec/containers/0/image, value: 'acme/c:3'}\"}]\n";
    check_in(
        &[
            ("base/kustomization.yaml", "resources: [two.yaml]\nimages: [{name: acme/a, newTag: \"2\"}]\n"),
            ("base/two.yaml", two),
            ("o/kustomization.yaml", patch),
        ],
        "o",
        &["base/kustomization.yaml:2 acme/a:2", "o/kustomization.yaml:3 acme/c:3 refused"],
    );
}

const CONFIG_MAP: &str = "replacements:\n- source: {kind: ConfigMap, name: cm, fieldPath: data.tag}\n  targets:\n  - select: {kind: Deployment}\n";

#[test]
fn replacements_set_what_they_set_for_kustomize() {
    let with = |rest: &str| format!("{CONFIG_MAP}    {rest}\n");
    let field = "fieldPaths: ['spec.template.spec.containers.[name=a].image']";
    check_images(&with(&format!("{field}\n    options: {{delimiter: ':', index: 1}}")), "acme/a:v7 acme/b:1 acme/i:1");
    check_images(&with(field), "acme/b:1 acme/i:1 v7");
    let every = "fieldPaths: ['spec.template.spec.containers.*.image']\n    options: {delimiter: ':', index: 1}";
    check_images(&with(every), "acme/a:v7 acme/b:v7 acme/i:1");
    check_images(&format!("images: [{{name: acme/a, newTag: '5'}}]\n{}", with(field)), "acme/b:1 acme/i:1 v7");
    let value =
        format!("replacements:\n- sourceValue: acme/s:1\n  targets:\n  - select: {{kind: Deployment}}\n    {field}\n");
    check_images(&value, "acme/b:1 acme/i:1 acme/s:1");
    let literal = format!(
        "configMapGenerator: [{{name: g, literals: ['image=acme/g:3']}}]\nreplacements:\n- source: {{kind: ConfigMap, name: g, fieldPath: data.image}}\n  targets:\n  - select: {{kind: Deployment}}\n    {field}\n"
    );
    check_images(&literal, "acme/b:1 acme/g:3 acme/i:1");
}

#[test]
fn what_a_replacement_sets_or_may_set_is_not_written() {
    let field = "fieldPaths: ['spec.template.spec.containers.[name=a].image']";
    let index = "fieldPaths: ['spec.template.spec.containers.0.image']";
    for (kustomization, held) in [
        (format!("{CONFIG_MAP}    {field}\n"), 1),
        (format!("{CONFIG_MAP}    {index}\n"), 2),
        (format!("{}    {field}\n", CONFIG_MAP.replace("name: cm", "name: unknown")), 1),
        (format!("{}    {field}\n", CONFIG_MAP.replace("kind: ConfigMap", "kind: '['")), 3),
        ("replacements: [{path: gone.yaml}]\n".to_owned(), 3),
        ("replacements: {a: b}\n".to_owned(), 3),
    ] {
        let (_, found) = images(&kustomization);
        let count = found.occurrences.iter().filter(|place| place.obstacle.is_some()).count();
        assert_eq!(count, held, "{kustomization}{found:#?}");
    }
}
