//! What objects that follow a path lay over what stands there.

use super::*;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: side, image: 'q.io/acme/side:1'}\n  - name: web\n    image: q.io/acme/web:1\n";

const RELEASE: (&str, &str) = (
    "apps/web/release.yaml",
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec:\n  values:\n    image: {repository: q.io/acme/web, tag: v1}\n",
);

fn flux(spec: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: apps}}\nspec:\n  path: ./apps/web\n{spec}"
    )
}

const TAG: &str = "  patches:\n  - target: {kind: HelmRelease, name: web}\n    patch: |\n      - op: replace\n        path: /spec/values/image/tag\n        value: v2\n";

/// The places, and the text of the follower with another tag.
fn check_set(list: &[(&str, &str)], environments: &[(&str, &str)], expected: &[&str], becomes: Option<(&str, &str)>) {
    let found = check(list, environments, expected);
    let Some((old, new)) = becomes else { return };
    let last = list[list.len() - 1];
    let place = found.occurrences.iter().find(|place| place.place.file == last.0).unwrap();
    assert_eq!(place.obstacle, None);
    let edits = place.edits(&Target::tag("v9".parse().unwrap())).unwrap();
    assert_eq!(edit(last.1, &edits).unwrap(), last.1.replacen(old, new, 1));
}

#[test]
fn an_operation_of_flux_on_the_values_of_a_release_is_the_place_that_wins() {
    let text = flux(TAG);
    let follower = ("clusters/prod/apps.yaml", text.as_str());
    let both = &[("all", "")];
    let won = ["clusters/prod/apps.yaml:11 q.io/acme/web:v2 all"];
    check_set(&[RELEASE, follower], both, &won, Some(("v2", "v9")));
    let kustomization = ("apps/web/kustomization.yaml", "resources: [release.yaml]\n");
    check_set(&[RELEASE, kustomization, follower], both, &won, Some(("v2", "v9")));
    // The environment of the folder, that of the cluster, and that of the file alone have it alike.
    let apart = &[("apps", "apps/web"), ("prod", "clusters/prod"), ("file", "apps/web/release.yaml")];
    let two = [
        "apps/web/release.yaml:6 q.io/acme/web:v1 apps+file",
        "clusters/prod/apps.yaml:11 q.io/acme/web:v2 apps+prod+file",
    ];
    check_set(&[RELEASE, follower], apart, &two, None);
    let other = text.replace("name: web}", "name: api}");
    check(&[RELEASE, ("clusters/prod/apps.yaml", &other)], both, &["apps/web/release.yaml:6 q.io/acme/web:v1 all"]);
    let elsewhere =
        text.replace("  path: ./apps/web\n", "  path: ./apps/web\n  sourceRef: {kind: OCIRepository, name: a}\n");
    check(&[RELEASE, ("clusters/prod/apps.yaml", &elsewhere)], both, &["apps/web/release.yaml:6 q.io/acme/web:v1 all"]);
}

#[test]
fn each_follower_makes_something_of_its_own_of_a_path() {
    let (prod, plain) = (flux(TAG), flux(""));
    let two = [RELEASE, ("a.yaml", plain.as_str()), ("b.yaml", prod.as_str())];
    check(&two, &[("all", "")], &["apps/web/release.yaml:6 q.io/acme/web:v1 all", "b.yaml:11 q.io/acme/web:v2 all"]);
    let other = prod.replace("v2", "v3");
    let three = [RELEASE, ("b.yaml", prod.as_str()), ("c.yaml", other.as_str())];
    check(&three, &[("all", "")], &["b.yaml:11 q.io/acme/web:v2 all", "c.yaml:11 q.io/acme/web:v3 all"]);
}

#[test]
fn a_sync_that_stands_elsewhere_takes_what_stands_at_its_path() {
    const SYNC: &str = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: web, namespace: heddle-system}\nspec:\n  repository: 'https://github.com/acme/config'\n  path: apps/web\n  images: [{name: q.io/acme/web, newTag: v2}]\n";
    let files = files(&[("apps/web/pod.yaml", POD), ("clusters/prod/web.yaml", SYNC)]);
    let places = |syncs: &[&str]| -> Vec<String> {
        let name = "staging".parse().unwrap();
        let mut staging = FoundEnvironment::new(name, "apps/web", EnvironmentOrigin::Named);
        staging.syncs = syncs.iter().map(|name| (*name).to_owned()).collect();
        let found = find(&FindInput { files: &files, environments: &[staging] });
        let web = found.occurrences.iter().filter(|one| one.image.repository.as_str() == "q.io/acme/web");
        web.map(|one| format!("{}:{}", one.place.file, one.place.line)).collect()
    };
    let (won, both) = (["clusters/prod/web.yaml:7"], ["apps/web/pod.yaml:8", "clusters/prod/web.yaml:7"]);
    assert_eq!(places(&[]), won, "no other is known");
    assert_eq!(places(&["web"]), won, "the one that stands here, in however many clusters");
    assert_eq!(places(&["staging-web", "web"]), both);
    assert_eq!(places(&["staging-web"]), both);
}

#[test]
fn images_of_a_follower_take_the_place_of_those_of_its_kustomization() {
    let list = |follower: &'static str| {
        [
            ("base/pod.yaml", POD),
            ("base/kustomization.yaml", "resources: [pod.yaml]\nimages: [{name: q.io/acme/web, newTag: '2'}]\n"),
            ("f.yaml", follower),
        ]
    };
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec:\n  path: base\n  images: [{name: q.io/acme/web, newTag: '3'}]\n";
    let side = "base/pod.yaml:6 q.io/acme/side:1 all";
    check(&list(flux), &[("all", "")], &[side, "f.yaml:6 q.io/acme/web:3 all"]);
    let argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    path: base\n    kustomize: {images: ['q.io/acme/web:3']}\n";
    check(&list(argo), &[("all", "")], &[side, "f.yaml:7 q.io/acme/web:3 all"]);
    // Kustomize carries out patches before `images`.
    let patch = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec:\n  path: base\n  patches:\n  - target: {kind: Pod}\n    patch: |\n      - {op: replace, path: /spec/containers/1/image, value: 'q.io/acme/web:4'}\n";
    let found = find_in(&list(patch), &[("all", "base")]);
    let places: Vec<_> = found.occurrences.iter().map(|place| (place.place.line, place.written.as_str())).collect();
    assert_eq!(places, [(2, "q.io/acme/web:2"), (6, "q.io/acme/side:1")]);
}

const CHART: (&str, &str) = ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
const VALUES: (&str, &str) = ("charts/web/values.yaml", "image: {repository: q.io/acme/web, tag: v1}\nport: 80\n");

fn argo(helm: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web, annotations: {{argocd-image-updater.argoproj.io/image-list: 'w=q.io/acme/web:1.x'}}}}\nspec:\n  source:\n    path: charts/web\n    helm:\n{helm}"
    )
}

#[test]
fn what_an_application_sets_wins_over_the_values_of_its_chart() {
    let check_argo = |helm: &str, expected: &str, becomes: Option<(&str, &str)>| {
        let text = argo(helm);
        let list = [CHART, VALUES, ("argo/web.yaml", text.as_str())];
        check_set(&list, &[("all", "")], &[expected], becomes);
        let apart: Vec<String> = expected.split(' ').take(2).map(str::to_owned).collect();
        let found = find_in(&list, &[("argo", "argo"), ("charts", "charts")]);
        let told: Vec<String> =
            found.occurrences.iter().map(|p| format!("{}:{} {}", p.place.file, p.place.line, p.image)).collect();
        assert_eq!(told, [apart.join(" ")], "{found:#?}");
        found
    };
    let tag = "      parameters:\n      - {name: image.tag, value: v2}\n";
    let found = check_argo(tag, "argo/web.yaml:9 q.io/acme/web:v2 all", Some(("v2", "v9")));
    assert!(matches!(found.occurrences[0].policy, Some(FoundPolicy::ImageUpdater { .. })));
    assert_eq!(found.occurrences[0].place.object, "Application web");
    check_argo("      valuesObject: {image: {tag: v2}}\n", "argo/web.yaml:8 q.io/acme/web:v2 all", Some(("v2", "v9")));
    let text = "      values: |\n        image:\n          tag: v2\n";
    check_argo(text, "argo/web.yaml:10 q.io/acme/web:v2 all", Some(("v2", "v9")));
    check_argo(
        &format!("{text}{}", tag.replace("v2", "v3")),
        "argo/web.yaml:12 q.io/acme/web:v3 all",
        Some(("v3", "v9")),
    );
    let name = "      parameters:\n      - {name: image.repository, value: q.io/acme/other}\n";
    check_set(
        &[CHART, ("argo/web.yaml", &argo(name)), VALUES],
        &[("all", "")],
        &["charts/web/values.yaml:1 q.io/acme/other:v1 all"],
        Some(("v1", "v9")),
    );
    check_set(
        &[CHART, ("argo/web.yaml", &argo("      releaseName: a\n")), VALUES],
        &[("all", "")],
        &["charts/web/values.yaml:1 q.io/acme/web:v1 all"],
        Some(("v1", "v9")),
    );
}

#[test]
fn a_digest_in_a_charts_values_is_left_stale_by_no_parameter() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let tag = argo("      parameters:\n      - {name: image.tag, value: v2}\n");
    for key in ["digest", "digestChroot"] {
        let values = format!("image: {{repository: q.io/acme/web, tag: v1, {key}: '{digest}'}}\n");
        let found = find_in(&[CHART, ("charts/web/values.yaml", &values), ("argo/web.yaml", &tag)], &[("all", "")]);
        let [place] = found.occurrences.as_slice() else { panic!("{found:#?}") };
        assert_eq!(place.place.file, "argo/web.yaml");
        assert!(place.obstacle.as_ref().is_some_and(|why| why.contains("digest")), "{key}: {:?}", place.obstacle);
    }
}

#[test]
fn a_parameter_that_counts_members_leaves_them_in_doubt() {
    let values = "sidecars:\n- {name: log, image: {repository: q.io/acme/log, tag: v1}}\nimage: {repository: q.io/acme/web, tag: v1}\n";
    let tag = argo("      parameters:\n      - {name: 'sidecars[0].image.tag', value: v2}\n");
    let found = find_in(&[CHART, ("charts/web/values.yaml", values), ("argo/web.yaml", &tag)], &[("all", "charts")]);
    let told: Vec<_> = found.occurrences.iter().map(|p| (p.written.as_str(), p.obstacle.is_some())).collect();
    assert_eq!(told, [("q.io/acme/log:v1", true), ("q.io/acme/web:v1", false)]);
}

#[test]
fn values_of_a_release_and_of_a_sync_win_over_those_of_their_chart() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec:\n  chart:\n    spec:\n      chart: ./charts/web\n      sourceRef:\n        kind: GitRepository\n        name: a\n  values: {image: {tag: v2}}\n";
    let list = [CHART, VALUES, ("r.yaml", release)];
    check_set(&list, &[("all", "")], &["r.yaml:11 q.io/acme/web:v2 all"], Some(("tag: v2", "tag: v9")));
    let other = release.replace("GitRepository", "HelmRepository");
    check(&[CHART, VALUES, ("r.yaml", &other)], &[("all", "")], &["charts/web/values.yaml:1 q.io/acme/web:v1 all"]);
    let sync = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: web}\nspec: {repository: x, path: charts/web, helm: {values: {image: {tag: v2}}}}\n";
    check_set(
        &[CHART, VALUES, ("s.yaml", sync)],
        &[("all", "")],
        &["s.yaml:4 q.io/acme/web:v2 all"],
        Some(("v2", "v9")),
    );
}

#[test]
fn values_that_cannot_be_read_leave_the_charts_own_in_doubt() {
    let text = argo("      values: |\n        image: {tag: {{ tag }}\n");
    let found = find_in(&[CHART, VALUES, ("argo/web.yaml", &text)], &[("all", "")]);
    assert!(found.occurrences[0].obstacle.as_ref().is_some_and(|why| why.contains("argo/web.yaml:9")), "{found:#?}");
}

#[test]
fn files_of_values_outside_of_a_chart_are_laid_over_too() {
    let prod = ("values/prod.yaml", "image: {repository: q.io/acme/web, tag: v3}\n");
    let tag = "      parameters:\n      - {name: image.tag, value: v2}\n";
    for named in ["../../values/prod.yaml", "/values/prod.yaml", "$values/values/prod.yaml"] {
        let text = argo(&format!("      valueFiles: ['{named}']\n{tag}"));
        check(&[prod, CHART, ("argo/web.yaml", &text)], &[("all", "")], &["argo/web.yaml:10 q.io/acme/web:v2 all"]);
    }
    let elsewhere = argo(&format!("      valueFiles: [$values/values/prod.yaml]\n{tag}"));
    let elsewhere = elsewhere.replace("path: charts/web", "chart: web");
    check(&[prod, ("argo/web.yaml", &elsewhere)], &[("all", "")], &["argo/web.yaml:10 q.io/acme/web:v2 all"]);
    let sync = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: web}\nspec: {repository: x, path: charts/web, helm: {valuesFiles: [../../values/prod.yaml], values: {image: {tag: v2}}}}\n";
    check(&[prod, CHART, ("s.yaml", sync)], &[("all", "")], &["s.yaml:4 q.io/acme/web:v2 all"]);
}

#[test]
fn a_registry_that_a_layer_says_for_all_images_leaves_them_in_doubt() {
    let values = ("charts/web/values.yaml", "global: {imageRegistry: a.io}\nimage: {repository: acme/web, tag: v1}\n");
    for layer in [
        "      parameters:\n      - {name: global.imageRegistry, value: b.io}\n",
        "      valuesObject: {global: {imageRegistry: b.io}}\n",
        "      values: |\n        global: {imageRegistry: b.io}\n",
    ] {
        let found = find_in(&[CHART, values, ("argo/web.yaml", &argo(layer))], &[("all", "")]);
        assert!(found.occurrences.iter().all(|place| place.obstacle.is_some()), "{layer}: {found:#?}");
    }
}

#[test]
fn an_environment_at_a_path_that_is_followed_follows_it_too() {
    let text = flux(
        "  patches:\n  - target: {kind: Pod, name: web}\n    patch: |\n      - {op: replace, path: /spec/containers/1/image, value: 'q.io/acme/web:2'}\n",
    );
    let list = [("apps/web/pod.yaml", POD), ("clusters/prod/apps.yaml", text.as_str())];
    let both = [("staging", "apps/web"), ("prod", "clusters/prod")];
    let places = [
        "apps/web/pod.yaml:6 q.io/acme/side:1 staging",
        "apps/web/pod.yaml:8 q.io/acme/web:1 staging",
        "clusters/prod/apps.yaml:9 q.io/acme/web:2 staging+prod",
    ];
    check(&list, &both, &places);
    // A follower that no other environment holds is its own.
    let sync = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: web}\nspec:\n  repository: x\n  path: apps/web\n  patches:\n  - target: {kind: Pod}\n    patch: |\n      - {op: replace, path: /spec/containers/1/image, value: 'q.io/acme/web:3'}\n";
    let known = [("apps/web/pod.yaml", POD), ("s.yaml", sync)];
    check(&known, &both[..1], &["apps/web/pod.yaml:6 q.io/acme/side:1 staging", "s.yaml:10 q.io/acme/web:3 staging"]);
}

/// The obstacle of each place, by file and line.
fn obstacles(list: &[(&str, &str)]) -> Vec<(String, u32, Option<String>)> {
    let found = find_in(list, &[("all", "")]);
    found.occurrences.into_iter().map(|one| (one.place.file, one.place.line, one.obstacle)).collect()
}

/// What a patch of the folder of Argo CD's applications makes of places: whether they may be written.
fn check_patched(patch: &str, is_written: bool) {
    let base = argo("      valuesObject: {image: {tag: v2}}\n");
    let kustomization = format!("resources: [../base]\npatches:\n- target: {{kind: Application}}\n  patch: |\n{patch}");
    let list = [
        CHART,
        VALUES,
        ("argo/base/app.yaml", base.as_str()),
        ("argo/base/kustomization.yaml", "resources: [app.yaml]\n"),
        ("argo/prod/kustomization.yaml", kustomization.as_str()),
    ];
    let found = obstacles(&list);
    let [(file, 8, obstacle), ..] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((file.as_str(), obstacle.is_none()), ("argo/base/app.yaml", is_written), "{patch}: {obstacle:?}");
    assert!(is_written || obstacle.as_ref().is_some_and(|why| why.contains("argo/prod/kustomization.yaml:3")));
}

#[test]
fn what_a_patched_follower_lays_over_its_path_is_in_doubt() {
    check_patched("    - {op: replace, path: /spec/source/helm/valuesObject/image/tag, value: v3}\n", false);
    check_patched(
        "    - {op: add, path: /spec/source/helm/parameters, value: [{name: image.tag, value: v3}]}\n",
        false,
    );
    let merge = "    apiVersion: argoproj.io/v1alpha1\n    kind: Application\n    metadata: {name: any}\n    spec: ";
    check_patched(&format!("{merge}{{source: {{helm: {{valuesObject: {{image: {{tag: v3}}}}}}}}}}\n"), false);
    check_patched(&format!("{merge}{{source: {{kustomize: {{images: ['a=b:1']}}}}}}\n"), false);
    // What leads to no image changes nothing of what is known.
    check_patched(
        &format!("{merge}{{project: prod, source: {{helm: {{releaseName: b, valuesObject: {{port: 81}}}}}}}}\n"),
        true,
    );
    check_patched("    - {op: replace, path: /spec/destination, value: {name: prod}}\n", true);
}

#[test]
fn a_patch_of_flux_for_what_is_below_puts_it_in_doubt_where_it_leads_to_images() {
    let inner = flux("");
    let outer = |spec: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: cluster}}\nspec:\n  path: ./clusters/prod\n  patches:\n  - target: {{kind: Kustomization}}\n    patch: |\n      apiVersion: kustomize.toolkit.fluxcd.io/v1\n      kind: Kustomization\n      metadata: {{name: any}}\n      spec:\n{spec}"
        )
    };
    // The usual defaults of clusters at home.
    let harmless = "        decryption: {provider: sops, secretRef: {name: age}}\n        patches:\n        - target: {group: helm.toolkit.fluxcd.io, version: v2, kind: HelmRelease}\n          patch: |\n            apiVersion: helm.toolkit.fluxcd.io/v2\n            kind: HelmRelease\n            metadata: {name: any}\n            spec: {values: {ingress: {annotations: {nginx/auth-url: 'https://a'}}}, layerSelector: {mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip}, install: {crds: CreateReplace}, upgrade: {remediation: {retries: 2}}}\n";
    for (spec, is_written) in [
        (harmless.to_owned(), true),
        ("        images: [{name: q.io/acme/web, newTag: v3}]\n".to_owned(), false),
        (harmless.replace("install: {crds: CreateReplace}", "values: {image: {tag: v3}}"), false),
    ] {
        let text = outer(&spec);
        let list = [RELEASE, ("clusters/prod/apps.yaml", inner.as_str()), ("flux/cluster.yaml", text.as_str())];
        let found = obstacles(&list);
        let [(file, 6, obstacle), ..] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((file.as_str(), obstacle.is_none()), ("apps/web/release.yaml", is_written), "{spec}: {obstacle:?}");
    }
}

#[test]
fn what_a_patch_sends_to_another_path_is_in_doubt_there() {
    let base = flux("  images: [{name: q.io/acme/web, newTag: '2'}]\n").replace("apps/web", "apps/nowhere");
    let list = [
        ("apps/web/pod.yaml", POD),
        ("flux/base/apps.yaml", base.as_str()),
        ("flux/base/kustomization.yaml", "resources: [apps.yaml]\n"),
        (
            "flux/prod/kustomization.yaml",
            "resources: [../base]\npatches:\n- target: {kind: Kustomization}\n  patch: |\n    - {op: replace, path: /spec/path, value: apps/web}\n",
        ),
    ];
    let found = obstacles(&list);
    let told =
        |line: u32| found.iter().find(|(file, at, _)| file == "apps/web/pod.yaml" && *at == line).unwrap().2.clone();
    assert!(told(8).is_some_and(|why| why.contains("flux/prod/kustomization.yaml:3")), "{found:?}");
}

#[test]
fn a_search_that_has_walked_all_says_so_once() {
    let followers: String = (0..250)
        .map(|index| {
            flux("  patches: [{target: {kind: Pod}, patch: '[{op: test, path: /a, value: b}]'}]\n")
                .replace("name: apps", &format!("name: a{index}"))
                + "---\n"
        })
        .collect();
    let pods: Vec<(String, String)> = (0..250)
        .map(|index| (format!("apps/web/{index}.yaml"), POD.replace("name: web}", &format!("name: w{index}}}"))))
        .collect();
    let mut list: Vec<(&str, &str)> = pods.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    list.push(("clusters/all.yaml", &followers));
    let environments: Vec<(String, String)> = (0..12).map(|index| (format!("e{index}"), String::new())).collect();
    let environments: Vec<(&str, &str)> =
        environments.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    let found = find_in(&list, &environments);
    let told: Vec<_> = found.findings.iter().filter(|finding| finding.code == "too-large").collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

/// What kustomizations of Flux's `Kustomization` make of it: whether the pod at its path may be written, and what is named.
fn check_flux(base: &str, more: &[(&str, &str)], named: Option<&str>) {
    let follower = flux("");
    let mut list = vec![
        ("apps/web/pod.yaml", POD),
        ("flux/base/apps.yaml", follower.as_str()),
        ("flux/base/kustomization.yaml", base),
    ];
    list.extend(more);
    let found = obstacles(&list);
    let (_, _, obstacle) = found.iter().find(|(file, line, _)| file == "apps/web/pod.yaml" && *line == 8).unwrap();
    match named {
        Some(named) => assert!(obstacle.as_ref().is_some_and(|why| why.contains(named)), "{more:?}: {obstacle:?}"),
        None => assert_eq!(*obstacle, None, "{more:?}"),
    }
}

const PLAIN_BASE: &str = "resources: [apps.yaml]\n";
const IMAGES: &str = "  patch: |\n    - {op: add, path: /spec/images, value: [{name: q.io/acme/web, newTag: '3'}]}\n";

#[test]
fn a_follower_is_patched_wherever_a_kustomization_does_so() {
    let patch = |target: &str| format!("patches:\n- target: {{kind: Kustomization{target}}}\n{IMAGES}");
    // By a component, which has what those have that take it in.
    let component = format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{}", patch(""));
    let takes = ("flux/prod/kustomization.yaml", "resources: [../base]\ncomponents: [../comp]\n");
    check_flux(
        PLAIN_BASE,
        &[takes, ("flux/comp/kustomization.yaml", &component)],
        Some("flux/comp/kustomization.yaml:4"),
    );
    // By the name that it has by then.
    let renamed = format!("resources: [../base]\n{}", patch(", name: prod-apps"));
    check_flux(
        "namePrefix: prod-\nresources: [apps.yaml]\n",
        &[("flux/prod/kustomization.yaml", &renamed)],
        Some("flux/prod/kustomization.yaml:3"),
    );
    check_flux(PLAIN_BASE, &[("flux/prod/kustomization.yaml", &renamed)], None);
    // By a transformer that is not followed, and by one that is.
    let transformer = |kind: &str| format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: a}}\n");
    let prod = ("flux/prod/kustomization.yaml", "resources: [../base]\ntransformers: [t.yaml]\n");
    check_flux(
        PLAIN_BASE,
        &[prod, ("flux/prod/t.yaml", &transformer("PatchTransformer"))],
        Some("flux/prod/kustomization.yaml:2"),
    );
    check_flux(PLAIN_BASE, &[prod, ("flux/prod/t.yaml", &transformer("LabelTransformer"))], None);
    // The one that makes the difference is named, and one of another kind of the same name makes none.
    let two = format!(
        "resources: [../base]\npatches:\n- patch: |\n    kind: HelmRelease\n    metadata: {{name: apps}}\n    spec: {{values: {{image: {{tag: v9}}}}}}\n- target: {{kind: Kustomization}}\n{IMAGES}"
    );
    check_flux(PLAIN_BASE, &[("flux/prod/kustomization.yaml", &two)], Some("flux/prod/kustomization.yaml:7"));
    let other = two.split("- target").next().unwrap();
    check_flux(PLAIN_BASE, &[("flux/prod/kustomization.yaml", other)], None);
}

#[test]
fn what_leads_to_images_in_one_line_puts_a_follower_in_doubt_too() {
    let patch = |value: &str| {
        format!(
            "resources: [../base]\npatches:\n- target: {{kind: Kustomization}}\n  patch: |\n    - op: add\n      path: /spec/patches\n      value:\n      - target: {{kind: OCIRepository}}\n        patch: '{value}'\n"
        )
    };
    for value in [
        r#"[{"op":"replace","path":"/spec/ref/tag","value":"1.5.0"}]"#,
        "[{op: replace, path: /spec/values/app/tag, value: v3}]",
        r#"{"kind":"HelmRelease","spec":{"values":{"a":{"tag":"v3"}}}}"#,
    ] {
        check_flux(
            PLAIN_BASE,
            &[("flux/prod/kustomization.yaml", &patch(value))],
            Some("flux/prod/kustomization.yaml:3"),
        );
    }
    check_flux(
        PLAIN_BASE,
        &[("flux/prod/kustomization.yaml", &patch("[{op: replace, path: /spec/interval, value: 5m}]"))],
        None,
    );
    let components = "resources: [../base]\npatches:\n- target: {kind: Kustomization}\n  patch: |\n    - {op: add, path: /spec/components, value: [../../components/pin]}\n";
    check_flux(PLAIN_BASE, &[("flux/prod/kustomization.yaml", components)], Some("flux/prod/kustomization.yaml:3"));
    let moves = "resources: [../base]\npatches:\n- target: {kind: Kustomization}\n  patch: |\n    - {op: copy, from: /metadata/annotations/a, path: /spec/images}\n";
    check_flux(PLAIN_BASE, &[("flux/prod/kustomization.yaml", moves)], Some("flux/prod/kustomization.yaml:3"));
}

#[test]
fn a_template_patch_that_speaks_of_images_leaves_what_it_follows_in_doubt() {
    let set = |patch: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: all}}\nspec:\n  template: {{spec: {{source: {{path: apps/web}}}}}}\n  templatePatch: |\n    spec: {patch}\n"
        )
    };
    let of = |patch: &str| {
        let text = set(patch);
        let found = obstacles(&[("apps/web/pod.yaml", POD), ("argo.yaml", &text)]);
        found[0].2.clone()
    };
    assert!(of("{source: {kustomize: {images: ['q.io/acme/web:3']}}}").is_some_and(|why| why.contains("argo.yaml:7")));
    assert_eq!(of("{project: other}"), None);
}
