use heddle_manifest::documents::parse_document;

use super::*;

#[track_caller]
fn check(text: &str, addresses: &[&str]) {
    let value = parse_document(text).unwrap();
    let found: Vec<&str> = remote(&value).into_iter().map(|(_, address)| address).collect();
    assert_eq!(found, addresses, "{text}");
}

#[test]
fn an_address_is_found_in_every_field_that_takes_a_file() {
    let address = "http://127.0.0.1:1/x";
    for field in [
        "resources: [A]",
        "components: [A]",
        "bases: [A]",
        "crds: [A]",
        "configurations: [A]",
        "generators: [A]",
        "transformers: [A]",
        "validators: [A]",
        "patchesStrategicMerge: [A]",
        "openapi: {path: A}",
        "patches: [{path: A}]",
        "patchesJson6902: [{path: A, target: {kind: X}}]",
        "replacements: [{path: A}]",
        "configMapGenerator: [{name: x, files: [A]}]",
        "configMapGenerator: [{name: x, envs: [A]}]",
        "secretGenerator: [{name: x, env: A}]",
        "helmCharts: [{name: x, repo: A}]",
        "helmCharts: [{name: x, valuesFile: A}]",
        "helmCharts: [{name: x, additionalValuesFiles: [A]}]",
        "helmChartInflationGenerator: [{chartName: x, values: {path: A}}]",
        "helmGlobals: {chartHome: A}",
        "{apiVersion: builtin, kind: PatchTransformer, path: A}",
        "{apiVersion: builtin, kind: PatchStrategicMergeTransformer, paths: [A]}",
    ] {
        check(&field.replace('A', address), &[address]);
    }
    check("configMapGenerator: [{files: [\"x=https://a/b\"]}]", &["https://a/b"]);
    check("configMapGenerator: [{files: [\"https://a/b?x=y#sha256=0\"]}]", &["https://a/b?x=y#sha256=0"]);
}

#[test]
fn git_is_known_by_all_of_its_names() {
    for address in [
        "git@github.com:acme/base",
        "org-1@github.com:acme/base",
        "git::https://example.org/base",
        "GitHub.com/acme/base",
        "example.org/acme/base?ref=main",
        "ssh://git@example.org/base",
        "file:///etc",
    ] {
        check(&format!("resources: [\"{address}\"]"), &[address]);
    }
    for path in ["../base", "./a/b.yaml", "a=b.yaml", "a@b/c:d.yaml", "github/a.yaml"] {
        check(&format!("resources: [\"{path}\"]"), &[]);
    }
}

#[test]
fn what_is_a_persons_own_may_hold_addresses() {
    check("commonAnnotations: {path: \"https://a/b\"}", &[]);
    check("configMapGenerator: [{literals: [\"URL=https://a/b\"]}]", &[]);
    check("patches: [{patch: \"- {op: add, path: /a, value: https://a/b}\"}]", &[]);
    check("patchesStrategicMerge: [\"{kind: X, url: https://a/b}\"]", &[]);
    check("helmCharts: [{valuesInline: {path: \"https://a/b\"}}]", &[]);
    check("images: [{name: a, newName: \"https://a/b\"}]", &[]);
}
