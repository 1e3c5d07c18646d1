//! Versions of charts, artifacts and git repositories.

use super::*;
use crate::VersionKind;

fn flux_release(version: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: db, namespace: shop}}\nspec:\n  chart:\n    spec:\n      chart: postgresql\n      sourceRef: {{kind: HelmRepository, name: charts, namespace: flux-system}}\n{version}"
    )
}

fn flux_repository(url: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: charts, namespace: flux-system}}\nspec: {{url: '{url}'}}\n"
    )
}

/// `file:line name version source`, with `!` before what no rule can move.
fn told(found: &Found) -> Vec<String> {
    let one = |version: &Version| {
        let mark = if version.unfollowed.is_some() { "!" } else { "" };
        let source = version.source.as_deref().unwrap_or("-");
        let (file, line) = (&version.place.file, version.place.line);
        format!("{mark}{file}:{line} {} {} {source}", version.name, version.version)
    };
    found.versions.iter().map(one).collect()
}

fn check_versions(text: &str, expected: &[&str]) -> Found {
    let found = find_in(&[("e/a.yaml", text)], &[("e", "e")]);
    assert_eq!(told(&found), expected, "{text}");
    found
}

#[test]
fn a_release_of_flux_takes_its_chart_from_its_repository() {
    let check = |version: &str, url: &str, expected: &str| {
        let list = [("e/r.yaml", flux_release(version)), ("sources/s.yaml", flux_repository(url))];
        let list = list.each_ref().map(|(path, text)| (*path, text.as_str()));
        let found = find_in(&list, &[("e", "e")]);
        assert_eq!(told(&found), [expected], "{version} {url}");
        found
    };
    let version = "      version: 16.2.1 # keep\n";
    let found = check(version, "oci://ghcr.io/acme/charts/", "e/r.yaml:9 postgresql 16.2.1 oci://ghcr.io/acme/charts/");
    let [place] = found.occurrences.as_slice() else { panic!("{found:#?}") };
    assert!(place.is_chart);
    assert_eq!(place.image.to_string(), "ghcr.io/acme/charts/postgresql:16.2.1");
    assert_eq!(place.place.field, "spec.chart.spec.version");
    let edits = place.edits(&Target::tag("16.3.0".parse().unwrap())).unwrap();
    let text = flux_release(version);
    assert_eq!(edit(&text, &edits).unwrap(), text.replace("16.2.1", "16.3.0"));
    let http = check(version, "https://charts.acme.dev", "e/r.yaml:9 postgresql 16.2.1 https://charts.acme.dev");
    assert_eq!(http.occurrences[0].image.to_string(), "charts.acme.dev/index.yaml/postgresql:16.2.1");
    for other in ["http://charts.acme.dev", "https://charts.acme.dev/Stable", "https://charts/stable", "oci://charts"] {
        let found = check(version, other, &format!("!e/r.yaml:9 postgresql 16.2.1 {other}"));
        assert_eq!(found.occurrences, []);
    }
    let hub = check(
        version,
        "oci://registry-1.docker.io/acme",
        "e/r.yaml:9 postgresql 16.2.1 oci://registry-1.docker.io/acme",
    );
    assert_eq!(hub.occurrences[0].image.to_string(), "docker.io/acme/postgresql:16.2.1");
    check("      version: 16.x\n", "oci://ghcr.io/acme", "!e/r.yaml:9 postgresql 16.x oci://ghcr.io/acme");
    check("      version: 1.2.3+b\n", "oci://ghcr.io/acme", "!e/r.yaml:9 postgresql 1.2.3+b oci://ghcr.io/acme");
    check("", "oci://ghcr.io/acme", "!e/r.yaml:7 postgresql  oci://ghcr.io/acme");
    let alone = find_in(&[("e/r.yaml", &flux_release(version))], &[("e", "e")]);
    assert_eq!(told(&alone), ["!e/r.yaml:9 postgresql 16.2.1 -"]);
}

#[test]
fn a_patch_of_an_overlay_says_the_version_of_a_chart() {
    let patch = flux_release("").replace("      chart: postgresql\n", "      version: 17.0.0\n");
    let patch: String =
        patch.lines().filter(|line| !line.contains("sourceRef")).map(|line| format!("{line}\n")).collect();
    for base in [flux_release("      version: 16.2.1\n"), flux_release("")] {
        let list = [
            ("base/kustomization.yaml", "resources: [r.yaml, s.yaml]\n"),
            ("base/r.yaml", &base),
            ("base/s.yaml", &flux_repository("oci://ghcr.io/acme")),
            ("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: p.yaml}]\n"),
            ("prod/p.yaml", &patch),
        ];
        check(&list, &[("prod", "prod")], &["prod/p.yaml:7 ghcr.io/acme/postgresql:17.0.0 prod"]);
    }
}

#[test]
fn charts_and_artifacts_are_found_in_every_kind_that_names_them() {
    let spec = "chart: web, repoURL: ghcr.io/acme/charts, targetRevision: 1.2.3";
    let application = format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {{source: {{{spec}}}}}\n");
    check_versions(&application, &["e/a.yaml:3 web 1.2.3 oci://ghcr.io/acme/charts"]);
    let http = application.replace("ghcr.io/acme/charts", "https://charts.acme.dev");
    check_versions(&http, &["e/a.yaml:3 web 1.2.3 https://charts.acme.dev"]);
    let several = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec: {{template: {{spec: {{sources: [{{{spec}}}, {{repoURL: 'https://github.com/acme/config', targetRevision: main, path: web}}]}}}}}}\n"
    );
    check_versions(&several, &["e/a.yaml:3 web 1.2.3 oci://ghcr.io/acme/charts"]);
    let k3s = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nspec:\n  chart: oci://ghcr.io/acme/charts/web\n  version: v1.2.3-rc.1\n";
    check_versions(k3s, &["e/a.yaml:5 web v1.2.3-rc.1 oci://ghcr.io/acme/charts"]);
    let artifact = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: a}\nspec:\n  url: oci://ghcr.io/acme/manifests\n  ref: {tag: 1.2.3}\n";
    let found = check_versions(artifact, &["e/a.yaml:6 manifests 1.2.3 oci://ghcr.io/acme"]);
    assert_eq!(found.occurrences[0].image.to_string(), "ghcr.io/acme/manifests:1.2.3");
    check_versions(&artifact.replace("tag: 1.2.3", "semver: '>=1'"), &["!e/a.yaml:6 manifests >=1 oci://ghcr.io/acme"]);
    let digest = format!("tag: 1.2.3, digest: 'sha256:{}'", "a".repeat(64));
    let pinned = find_in(&[("e/a.yaml", &artifact.replace("tag: 1.2.3", &digest))], &[("e", "e")]);
    assert_eq!(told(&pinned), ["e/a.yaml:6 manifests 1.2.3 oci://ghcr.io/acme"]);
    // A digest wins, so a tag alone is not written beside one.
    let edits = pinned.occurrences[0].edits(&Target::tag("2.0.0".parse().unwrap()));
    assert!(edits.is_err(), "{edits:?}");
    let git = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nspec:\n  url: https://github.com/acme/base\n  ref: {tag: v1.2.3}\n";
    let found = check_versions(git, &["!e/a.yaml:5 https://github.com/acme/base v1.2.3 -"]);
    assert_eq!(found.versions[0].kind, VersionKind::Ref);
    check_versions(&git.replace("tag: v1.2.3", "branch: main"), &[]);
}

#[test]
fn charts_of_kustomizations_and_dependencies_of_charts_are_found() {
    let kustomization = "helmCharts:\n- name: web\n  repo: oci://ghcr.io/acme/charts\n  version: 1.2.3\n- {name: own}\nresources:\n- https://github.com/acme/base//prod?ref=v1.4.0\n- https://github.com/acme/other\n";
    let found = find_in(&[("o/kustomization.yaml", kustomization)], &[("o", "o")]);
    assert_eq!(
        told(&found),
        [
            "o/kustomization.yaml:4 web 1.2.3 oci://ghcr.io/acme/charts",
            "!o/kustomization.yaml:7 https://github.com/acme/base//prod v1.4.0 -"
        ]
    );
    let chart = "apiVersion: v2\nname: web\ndependencies:\n- {name: db, version: 1.2.3, repository: 'oci://ghcr.io/acme'}\n- {name: lib, version: 1.0.0, repository: 'file://../lib'}\n- {name: other, version: 1.0.0, repository: '@acme'}\n";
    let list = [("web/Chart.yaml", chart), ("web/Chart.lock", "dependencies: []\n")];
    let found = find_in(&list[..1], &[("o", "web")]);
    assert_eq!(told(&found), ["web/Chart.yaml:4 db 1.2.3 oci://ghcr.io/acme"]);
    assert_eq!(found.occurrences[0].obstacle, None);
    assert_eq!(found.occurrences[0].place.object, "Chart web");
    let locked = find_in(&list, &[("o", "web")]);
    let why = locked.occurrences[0].obstacle.as_deref();
    assert!(why.is_some_and(|why| why.contains("helm dependency update")), "{why:?}");
    assert_eq!(locked.versions[0].obstacle.as_deref(), why);
}

#[test]
fn a_marker_behind_a_version_names_an_image_as_before() {
    let release = flux_release("      version: 1.2.3 # {\"$imagepolicy\": \"flux-system:web:tag\"}\n");
    let policy = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: web, namespace: flux-system}\nspec: {imageRepositoryRef: {name: web}}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: web, namespace: flux-system}\nspec: {image: ghcr.io/acme/web}\n";
    let list = [("e/r.yaml", release.as_str()), ("e/p.yaml", policy)];
    let found = check(&list, &[("e", "e")], &["e/r.yaml:9 ghcr.io/acme/web:1.2.3 e"]);
    assert!(!found.occurrences[0].is_chart && found.versions.is_empty());
}

#[test]
fn rules_for_charts_and_rules_for_images_say_nothing_of_each_other() {
    let all = "version: 1\nimages: [{name: '*', policy: {semver: '*'}}]\ncharts:\n- {name: postgres*, policy: {semver: 16.x}}\n- {name: oci://ghcr.io/acme/*, policy: {semver: 1.x}}\n- {name: charts.acme.dev/stable/web, policy: {semver: 1.x}}\n";
    let (config, findings) = config::read(all);
    assert_eq!(findings, []);
    let artifact = |name: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec: {{url: 'oci://{name}', ref: {{tag: 1.2.3}}}}\n"
        )
    };
    let line_of = |text: &str| {
        let found = find_in(&[("e/a.yaml", text)], &[("e", "e")]);
        let [place] = found.occurrences.as_slice() else { panic!("{found:#?}") };
        config.ruling(place, &place.environments[0]).map(|ruling| ruling.line)
    };
    assert_eq!(line_of(&artifact("quay.io/other/postgresql")), Some(4));
    let (of_hub, _) =
        config::read("version: 1\ncharts: [{name: 'oci://registry-1.docker.io/acme/*', policy: {semver: 1.x}}]\n");
    let hub = find_in(&[("e/a.yaml", &artifact("registry-1.docker.io/acme/web"))], &[("e", "e")]);
    assert!(of_hub.ruling(&hub.occurrences[0], &hub.occurrences[0].environments[0]).is_some());
    assert_eq!(line_of(&artifact("ghcr.io/acme/web")), Some(5));
    assert_eq!(line_of(&artifact("ghcr.io/acme/inner/web")), None);
    let http = |url: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {{source: {{chart: web, repoURL: 'https://{url}', targetRevision: 1.2.3}}}}\n"
        )
    };
    assert_eq!(line_of(&http("charts.acme.dev/stable")), Some(6));
    assert_eq!(line_of(&http("charts.acme.dev")), None);
    assert_eq!(
        line_of(
            POD.split("  - {name: side")
                .next()
                .map(|pod| format!("{pod}  - {{name: a, image: 'acme/a:1'}}\n"))
                .as_deref()
                .unwrap()
        ),
        Some(2)
    );
    let of_images =
        "version: 1\ncharts: [{name: '*', policy: {semver: 1.x, pin_digest: true, platforms: [linux/amd64]}}]\n";
    let (refused, findings) = config::read(of_images);
    assert!(
        findings.len() == 2 && findings.iter().all(|one| one.message.contains("only images have")),
        "{findings:#?}"
    );
    assert_eq!(refused.charts[0].ruling.policy, None);
    let (broken, findings) =
        config::read("version: 1\ncharts: [{name: Web, containers: [a], policy: {semver: 1.x}}]\n");
    assert_eq!(findings.len(), 3, "{findings:#?}");
    assert!(broken.charts[0].selector.is_none());
}

const ARTIFACT: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web}\nspec:\n  url: oci://ghcr.io/acme/web\n  ref: {tag: 1.4.1}\n";

/// What stands in an overlay of a base: every place of a chart must be refused.
fn check_refused(base: &[&str], patch: &str) {
    let base: Vec<(String, &str)> =
        base.iter().enumerate().map(|(n, text)| (format!("base/{n}.yaml"), *text)).collect();
    let resources: Vec<String> = (0..base.len()).map(|n| format!("{n}.yaml")).collect();
    let kustomization = format!("resources: [{}]\n", resources.join(", "));
    let overlay = format!("resources: [../base]\npatches:\n{patch}");
    let mut list: Vec<(&str, &str)> = base.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    list.extend([("base/kustomization.yaml", kustomization.as_str()), ("prod/kustomization.yaml", overlay.as_str())]);
    let found = find_in(&list, &[("prod", "prod")]);
    assert!(!found.versions.is_empty(), "{found:#?}");
    assert!(
        found.versions.iter().all(|version| version.obstacle.is_some() || version.unfollowed.is_some()),
        "{patch}: {found:#?}"
    );
    assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{patch}: {found:#?}");
}

#[test]
fn a_chart_of_which_a_patch_changes_more_than_the_version_is_written_by_nobody() {
    let merge = |spec: &str| {
        format!(
            "- patch: |\n    apiVersion: source.toolkit.fluxcd.io/v1\n    kind: OCIRepository\n    metadata: {{name: web}}\n    spec: {spec}\n"
        )
    };
    for spec in [
        "{url: 'oci://prod.example.com/acme/other', ref: {tag: 1.2.0}}",
        "{url: 'oci://prod.example.com/acme/other'}",
        "{ref: {digest: 'sha256:aa'}}",
        "{ref: {semver: 1.x}}",
    ] {
        check_refused(&[ARTIFACT], &merge(spec));
    }
    let operation =
        "- target: {kind: OCIRepository}\n  patch: |\n    - {op: replace, path: /spec/ref, value: {semver: 1.x}}\n";
    check_refused(&[ARTIFACT], operation);
    let release = flux_release("      version: 16.2.1\n");
    let repository = flux_repository("oci://ghcr.io/acme/charts");
    let other = "- target: {kind: HelmRelease}\n  patch: |\n    apiVersion: helm.toolkit.fluxcd.io/v2\n    kind: HelmRelease\n    metadata: {name: a}\n    spec: {chart: {spec: {chart: other}}}\n";
    check_refused(&[&release, &repository], other);
    let url = "- target: {kind: HelmRepository}\n  patch: |\n    - {op: replace, path: /spec/url, value: 'oci://prod.example.com'}\n";
    check_refused(&[&release, &repository], url);
}

#[test]
fn of_several_repositories_that_are_as_near_none_is_taken() {
    let (release, prod) = (flux_release("      version: 16.2.1\n"), flux_repository("oci://prod.example.com"));
    let staging = prod.replace("prod", "staging");
    let list = |other: &'static str, text| {
        [("apps/r.yaml", release.clone()), ("clusters/prod/s.yaml", prod.clone()), (other, text)]
    };
    let check = |list: &[(&str, String)], source: Option<&str>| {
        let list: Vec<(&str, &str)> = list.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let found = find_in(&list, &[("e", "apps")]);
        assert_eq!(found.versions[0].source.as_deref(), source);
    };
    check(&list("clusters/staging/s.yaml", staging.clone()), None);
    check(&list("clusters/staging/s.yaml", prod.clone()), Some("oci://prod.example.com"));
    check(&list("apps/s.yaml", staging), Some("oci://staging.example.com"));
}

#[test]
fn a_chart_that_shares_its_repository_with_an_image_is_written_by_nobody() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'ghcr.io/acme/web:2.0.0'}]}\n";
    let found = find_in(&[("e/a.yaml", ARTIFACT), ("e/p.yaml", pod)], &[("e", "e")]);
    let told: Vec<_> = found.occurrences.iter().map(|place| (place.is_chart, place.obstacle.is_some())).collect();
    assert_eq!(told, [(true, true), (false, false)]);
    assert!(found.versions[0].obstacle.is_some());
}

#[test]
fn a_version_that_nobody_follows_is_not_written_where_it_is_in_doubt() {
    let release = flux_release("      version: 16.2.1\n");
    let list = [
        ("base/kustomization.yaml", "resources: [r.yaml]\n"),
        ("base/r.yaml", &release),
        ("prod/kustomization.yaml", "resources: [../base]\npatches: [{path: gone.yaml}]\n"),
    ];
    let found = find_in(&list, &[("prod", "prod")]);
    let why = found.versions[0].obstacle.as_deref();
    assert!(why.is_some_and(|why| why.contains("may change this chart")), "{found:#?}");
}

#[test]
fn an_artifact_without_a_reference_takes_that_of_a_patch() {
    let base = ARTIFACT.replace("  ref: {tag: 1.4.1}\n", "");
    let patch = "resources: [a.yaml]\npatches:\n- target: {kind: OCIRepository}\n  patch: |\n    - {op: add, path: /spec/ref, value: {tag: 1.5.0}}\n";
    let found = find_in(&[("e/a.yaml", &base), ("e/kustomization.yaml", patch)], &[("e", "e")]);
    assert_eq!(found.versions[0].version, "1.5.0", "{found:#?}");
    // What takes the place of the whole reference leaves no digest and no range beside the tag.
    let replaced = patch.replace("op: add", "op: replace");
    let digest = ARTIFACT.replace("tag: 1.4.1", "tag: 1.4.1, digest: 'sha256:aa'");
    for (base, patch) in [(base.as_str(), patch), (ARTIFACT, &replaced), (&digest, &replaced)] {
        let found = find_in(&[("e/a.yaml", base), ("e/kustomization.yaml", patch)], &[("e", "e")]);
        assert_eq!(told(&found), ["e/kustomization.yaml:5 web 1.5.0 oci://ghcr.io/acme"]);
        assert_eq!(found.versions[0].obstacle, None, "{found:#?}");
    }
}

#[test]
fn that_a_chart_is_locked_is_told_where_a_rule_would_move_it() {
    let chart =
        "apiVersion: v2\nname: web\ndependencies:\n- {name: db, version: 1.2.3, repository: 'oci://ghcr.io/acme'}\n";
    let list = [("web/Chart.yaml", chart), ("web/Chart.lock", "dependencies: []\n")];
    let told = |config: &str| {
        let mut found = find_in(&list, &[("e", "web")]);
        found.leave_out_idle_charts(&config::read(config).0);
        found.findings.iter().filter(|finding| finding.code == "not-editable").count()
    };
    assert_eq!(told("version: 1\n"), 0);
    assert_eq!(told("version: 1\ncharts: [{name: db, policy: {semver: '*'}}]\n"), 1);
}

#[test]
fn what_a_vendored_chart_depends_on_is_no_place() {
    let chart = |name: &str| {
        format!(
            "apiVersion: v2\nname: {name}\ndependencies:\n- {{name: lib, version: 1.0.0, repository: 'oci://ghcr.io/acme'}}\n"
        )
    };
    let (own, inner) = (chart("web"), chart("db"));
    let list = [("charts/web/Chart.yaml", own.as_str()), ("charts/web/charts/db/Chart.yaml", inner.as_str())];
    for path in ["", "charts/web", "charts/web/charts/db", "charts/web/charts/db/Chart.yaml"] {
        let found = find_in(&list, &[("e", path)]);
        assert!(found.versions.iter().all(|one| one.place.file == "charts/web/Chart.yaml"), "{path}: {found:#?}");
    }
    // What the outer chart calls its own by its folder is.
    let umbrella = own.replace("oci://ghcr.io/acme'", "file://charts/db'");
    let found = find_in(&[("charts/web/Chart.yaml", &umbrella), list[1]], &[("e", "")]);
    assert_eq!(told(&found), ["charts/web/charts/db/Chart.yaml:4 lib 1.0.0 oci://ghcr.io/acme"]);
    // A folder of charts makes none of them a part of another.
    let apart = find_in(&[("charts/db/Chart.yaml", inner.as_str())], &[("e", "")]);
    assert_eq!(apart.versions.len(), 1);
}
