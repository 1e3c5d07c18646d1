//! Images in the values of charts.

use super::*;

const CHART: (&str, &str) = ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
const OWN: (&str, &str) = ("web/values.yaml", "image: {repository: ghcr.io/acme/web, tag: 1.0.0}\n");
const PROD: (&str, &str) = ("web/values-prod.yaml", "sidecar: {image: {repository: ghcr.io/acme/side, tag: 2.0.0}}\n");
const DEV: (&str, &str) = ("web/values-dev.yaml", "image: {tag: 3.0.0, repository: ghcr.io/acme/web}\n");
const INNER: (&str, &str) = ("web/charts/db/values.yaml", "image: {repository: ghcr.io/acme/db, tag: 4.0.0}\n");
const SHARED: (&str, &str) = ("shared/values.yaml", "image: {repository: ghcr.io/acme/web, tag: 5.0.0}\n");

const ALWAYS: [&str; 2] =
    ["web/charts/db/values.yaml:1 ghcr.io/acme/db:4.0.0 prod", "web/values.yaml:1 ghcr.io/acme/web:1.0.0 prod"];

fn sync(path: &str, helm: &str) -> String {
    format!(
        "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {{name: web}}\nspec: {{repository: x, path: {path}{helm}}}\n"
    )
}

/// What belongs to the environment of a path, beside what always does, given the Sync that follows it.
fn check_values(sync: Option<&str>, environment: &str, more: &[&str]) -> Found {
    let mut list = vec![CHART, OWN, PROD, DEV, INNER, SHARED];
    list.extend(sync.map(|sync| ("syncs/web.yaml", sync)));
    let mut expected: Vec<&str> = more.iter().chain(&ALWAYS).copied().collect();
    expected.sort_unstable();
    check(&list, &[("prod", environment)], &expected)
}

#[test]
fn values_belong_to_the_environment_whose_sync_reads_them() {
    let named = sync("/web/", ", helm: {valuesFiles: [values-prod.yaml, ../shared/values.yaml]}");
    let more =
        ["web/values-prod.yaml:1 ghcr.io/acme/side:2.0.0 prod", "shared/values.yaml:1 ghcr.io/acme/web:5.0.0 prod"];
    check_values(Some(&named), "web", &more);
    check_values(Some(&sync("web", "")), "web", &[]);
}

#[test]
fn where_no_sync_is_known_any_of_the_charts_values_may_be_read() {
    let all =
        ["web/values-dev.yaml:1 ghcr.io/acme/web:3.0.0 prod", "web/values-prod.yaml:1 ghcr.io/acme/side:2.0.0 prod"];
    check_values(None, "web", &all);
    check_values(Some(&sync("elsewhere", "")), "web", &all);
}

#[test]
fn a_chart_below_the_path_of_a_sync_has_its_own_values_alone() {
    let list = [CHART, OWN, PROD, INNER, ("syncs/all.yaml", &sync(".", ""))];
    check(&list, &[("prod", "")], &ALWAYS);
}

#[test]
fn a_file_of_values_that_is_missing_is_a_finding_at_the_sync() {
    let missing = sync("web", ", helm: {valuesFiles: [../shared/nowhere.yaml]}");
    let found = check_values(Some(&missing), "web", &[]);
    let told: Vec<_> = found.findings.iter().map(|finding| (finding.file.as_str(), finding.code)).collect();
    assert!(told.contains(&("syncs/web.yaml", "missing-file")), "{told:?}");
}

#[test]
fn values_in_a_sync_have_their_place_there() {
    let inline = sync("web", ", helm: {values: {image: {repository: ghcr.io/acme/web, tag: 6.0.0}}}");
    let found = check(
        &[CHART, ("syncs/web.yaml", &inline)],
        &[("prod", "syncs")],
        &["syncs/web.yaml:4 ghcr.io/acme/web:6.0.0 prod"],
    );
    assert_eq!(found.occurrences[0].place.field, "spec.helm.values.image.tag");
}
