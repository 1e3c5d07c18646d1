//! What cannot be read in a kustomization is never taken for absent.

use super::*;

const TWO: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {containers: [{name: web, image: \"acme/web:1\"}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec: {containers: [{name: db, image: \"acme/db:1\"}]}\n";

/// The images that stay free to be written, and the codes of all findings.
fn free(kustomization: &str) -> (Vec<String>, Vec<&'static str>) {
    let text = format!("resources: [two.yaml]\n{kustomization}");
    let found = find_in(&[("o/kustomization.yaml", &text), ("o/two.yaml", TWO)], &[("e", "o")]);
    assert_eq!(found.occurrences.len(), 2, "{kustomization}: {found:#?}");
    let free = found.occurrences.iter().filter(|place| place.obstacle.is_none()).map(|place| place.written.clone());
    let mut codes: Vec<&str> = found.findings.iter().map(|finding| finding.code).collect();
    codes.dedup();
    (free.collect(), codes)
}

const NOBODY: &[&str] = &[];
const ALL: &[&str] = &["acme/web:1", "acme/db:1"];

#[track_caller]
fn check_free(kustomization: &str, expected: &[&str], codes: &[&str]) {
    assert_eq!(
        free(kustomization),
        (expected.iter().map(|image| (*image).to_owned()).collect(), codes.to_vec()),
        "{kustomization}"
    );
}

const SETS: &str = "patch: \"- {op: replace, path: /spec/containers/0/image, value: acme/x:2}\"";

#[test]
fn a_patch_whose_target_cannot_be_read_is_an_error_of_that_patch() {
    for target in [
        "{kind: '['}",
        "{name: 7}",
        "Pod",
        "[Pod]",
        "{knd: Pod}",
        "{labelSelector: 'a in b'}",
        "{name: 'x{99999}{99999}'}",
    ] {
        let patch = format!("patches: [{{target: {target}, {SETS}}}]\n");
        check_free(&patch, NOBODY, &["broken-patch", "unread-patch"]);
    }
}

#[test]
fn a_patch_that_cannot_be_read_holds_back_what_its_target_names() {
    for body in ["path: [a.yaml]", "patch: {op: add}", "patch: ''", "path: a.yaml, patch: x", "path: 5", "options: {}"]
    {
        let patch = format!("patches: [{{target: {{name: web}}, {body}}}]\n");
        check_free(&patch, &["acme/db:1"], &["broken-patch", "unread-patch"]);
    }
    check_free(
        "patches: [{target: {name: web}, path: gone.yaml}]\n",
        &["acme/db:1"],
        &["missing-file", "unread-patch"],
    );
    check_free(
        "patches: [{target: {name: web}, path: ../../up.yaml}]\n",
        &["acme/db:1"],
        &["remote-base", "unread-patch"],
    );
    check_free(
        "patches: [{target: {labelSelector: app=web}, patch: \"a: [\"}]\n",
        NOBODY,
        &["broken-patch", "unread-patch"],
    );
}

#[test]
fn a_list_that_is_none_leaves_nothing_known() {
    for wrong in [
        "patches: {path: a.yaml}",
        "images: {name: acme/web, newTag: v2}",
        "components: c",
        "images: [acme/web]",
        "images: [{name: [acme/web], newTag: v2}]",
        "transformers: {a: b}",
        "patches: [[a]]",
        "bases: [{a: b}]",
    ] {
        let (free, codes) = free(&format!("{wrong}\n"));
        assert_eq!((free.len(), codes.len()), (0, 2), "{wrong}: {codes:?}");
    }
}

#[test]
fn what_is_empty_is_no_fault() {
    for empty in [
        "patches:\nimages:\ncomponents: []\n",
        "patches: [{target: null, patch: \"apiVersion: v1\\nkind: Pod\\nmetadata: {name: other}\\n\"}]\n",
        "images: [{newTag: v2}]\n",
    ] {
        check_free(empty, ALL, &[]);
    }
}
