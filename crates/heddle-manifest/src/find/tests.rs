mod charts;
mod follow;
mod operations;
mod patched;
mod together;
mod told;
mod unread;
mod versions;

use super::*;
use crate::{FoundPolicy, config, edit::edit, find, image::Target};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: shop\nspec:\n  template:\n    spec:\n      initContainers:\n        - name: migrate\n          image: ghcr.io/acme/migrate:1.0.0\n      containers:\n        - name: api\n          image: ghcr.io/acme/api:1.4.1 # keep\n";

fn files(list: &[(&str, &str)]) -> Files {
    let mut files = Files::default();
    for (path, text) in list {
        files.insert((*path).to_owned(), (*text).to_owned());
    }
    files
}

fn find_in(list: &[(&str, &str)], environments: &[(&str, &str)]) -> Found {
    let environments: Vec<_> = environments
        .iter()
        .map(|(name, path)| FoundEnvironment::new(name.parse().unwrap(), *path, EnvironmentOrigin::Named))
        .collect();
    find(&FindInput { files: &files(list), environments: &environments })
}

/// `file:line image environments`
fn check(list: &[(&str, &str)], environments: &[(&str, &str)], expected: &[&str]) -> Found {
    let found = find_in(list, environments);
    let lines: Vec<String> = found
        .occurrences
        .iter()
        .map(|o| {
            let names: Vec<&str> = o.environments.iter().map(EnvironmentName::as_str).collect();
            format!("{}:{} {} {}", o.place.file, o.place.line, o.image, names.join("+"))
        })
        .collect();
    assert_eq!(lines, expected, "{found:#?}");
    found
}

const BOTH: &[(&str, &str)] = &[("staging", "overlays/staging"), ("prod", "overlays/prod")];
const BASE: (&str, &str) = ("base/kustomization.yaml", "resources: [deployment.yaml]\n");
const WORKLOAD: (&str, &str) = ("base/deployment.yaml", DEPLOYMENT);

#[test]
fn images_of_plain_workloads_have_their_place() {
    let found = check(
        &[("clusters/prod/shop/api.yaml", DEPLOYMENT)],
        &[("prod", "clusters/prod")],
        &[
            "clusters/prod/shop/api.yaml:11 ghcr.io/acme/migrate:1.0.0 prod",
            "clusters/prod/shop/api.yaml:14 ghcr.io/acme/api:1.4.1 prod",
        ],
    );
    assert_eq!(found.occurrences[1].place.object, "Deployment shop/api");
    assert_eq!(found.occurrences[1].place.field, "spec.template.spec.containers[name=api].image");
    assert_eq!(found.occurrences[1].container.as_deref(), Some("api"));
}

#[test]
fn components_that_a_sync_or_flux_adds_belong_to_the_path() {
    let sync = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: prod}\nspec: {repository: x, path: /overlays/prod/, components: [../../components/pin, ../nowhere]}\n";
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: prod}\nspec: {path: ./overlays/prod, components: [../../components/pin]}\n";
    let pin = "kind: Component\nimages: [{name: ghcr.io/acme/api, newTag: 2.0.0}]\n";
    for follower in [sync, flux] {
        let found = check(
            &[
                BASE,
                WORKLOAD,
                ("overlays/prod/kustomization.yaml", "resources: [../../base]\n"),
                ("overlays/staging/kustomization.yaml", "resources: [../../base]\n"),
                ("components/pin/kustomization.yaml", pin),
                ("clusters/prod.yaml", follower),
            ],
            BOTH,
            &[
                "base/deployment.yaml:11 ghcr.io/acme/migrate:1.0.0 staging+prod",
                "base/deployment.yaml:14 ghcr.io/acme/api:1.4.1 staging",
                "components/pin/kustomization.yaml:2 ghcr.io/acme/api:2.0.0 prod",
            ],
        );
        let missing = found.findings.iter().filter(|finding| finding.code == "missing-file");
        let missing: Vec<&str> = missing.map(|finding| finding.file.as_str()).collect();
        assert_eq!(
            missing,
            if follower == sync { vec!["clusters/prod.yaml"] } else { vec![] },
            "{:#?}",
            found.findings
        );
    }
}

#[test]
fn each_core_kind_is_read() {
    let pod = "spec: {containers: [{name: c, image: a/b:1}]}";
    for (api, kind, body) in [
        ("v1", "Pod", pod.to_owned()),
        ("apps/v1", "StatefulSet", format!("spec: {{template: {{{pod}}}}}")),
        ("apps/v1", "DaemonSet", format!("spec: {{template: {{{pod}}}}}")),
        ("apps/v1", "ReplicaSet", format!("spec: {{template: {{{pod}}}}}")),
        ("batch/v1", "Job", format!("spec: {{template: {{{pod}}}}}")),
        ("batch/v1", "CronJob", format!("spec: {{jobTemplate: {{spec: {{template: {{{pod}}}}}}}}}")),
        ("v1", "List", format!("items: [{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, {pod}}}]")),
    ] {
        let text = format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: x}}\n{body}\n");
        let found = find_in(&[("e/x.yaml", &text)], &[("e", "e")]);
        assert_eq!(found.occurrences.len(), 1, "{kind}: {found:#?}");
    }
    let other = "apiVersion: example.com/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{name: c, image: alpine:1}]}}}\n";
    assert_eq!(find_in(&[("e/x.yaml", other)], &[("e", "e")]).occurrences, []);
}

#[test]
fn an_overlay_with_a_tag_hides_the_place_of_its_base() {
    let staging = "resources: [../../base]\nimages:\n  - {name: ghcr.io/acme/api, newTag: 1.5.0}\n";
    let prod = "resources:\n  - ../../base\nimages:\n  - name: ghcr.io/acme/api\n    newTag: \"1.4\"\n";
    check(
        &[BASE, WORKLOAD, ("overlays/staging/kustomization.yaml", staging), ("overlays/prod/kustomization.yaml", prod)],
        BOTH,
        &[
            "base/deployment.yaml:11 ghcr.io/acme/migrate:1.0.0 staging+prod",
            "overlays/prod/kustomization.yaml:5 ghcr.io/acme/api:1.4 prod",
            "overlays/staging/kustomization.yaml:3 ghcr.io/acme/api:1.5.0 staging",
        ],
    );
}

#[test]
fn an_overlay_without_a_tag_shares_the_place_of_its_base() {
    let plain = "resources: [../../base]\n";
    check(
        &[BASE, WORKLOAD, ("overlays/staging/kustomization.yaml", plain), ("overlays/prod/kustomization.yaml", plain)],
        BOTH,
        &[
            "base/deployment.yaml:11 ghcr.io/acme/migrate:1.0.0 staging+prod",
            "base/deployment.yaml:14 ghcr.io/acme/api:1.4.1 staging+prod",
        ],
    );
}

#[test]
fn a_new_name_makes_the_effective_repository() {
    let prod = "resources: [../../base]\nimages:\n  - {name: ghcr.io/acme/api, newName: registry.acme.io/api}\n";
    let found = check(
        &[BASE, WORKLOAD, ("overlays/prod/kustomization.yaml", prod)],
        &BOTH[1..],
        &[
            "base/deployment.yaml:11 ghcr.io/acme/migrate:1.0.0 prod",
            "base/deployment.yaml:14 registry.acme.io/api:1.4.1 prod",
        ],
    );
    let edits = found.occurrences[1].edits(&Target::tag("1.4.2".parse().unwrap())).unwrap();
    assert_eq!(edit(DEPLOYMENT, &edits).unwrap(), DEPLOYMENT.replace("1.4.1", "1.4.2"));
}

#[test]
fn a_place_taken_for_different_images_is_not_written() {
    let prod = "resources: [../../base]\nimages:\n  - {name: ghcr.io/acme/api, newName: registry.acme.io/api}\n";
    let found = find_in(
        &[
            BASE,
            WORKLOAD,
            ("overlays/staging/kustomization.yaml", "resources: [../../base]\n"),
            ("overlays/prod/kustomization.yaml", prod),
        ],
        BOTH,
    );
    assert_eq!(found.findings[0].code, "shared-place");
    assert!(found.occurrences[1].obstacle.is_some());
    assert!(found.occurrences[0].obstacle.is_none());
}

#[test]
fn a_component_changes_what_its_parent_has() {
    let component = "kind: Component\nimages: [{name: ghcr.io/acme/api, newTag: 2.0.0}]\n";
    let prod = "resources: [../../base]\ncomponents: [../../canary]\n";
    check(
        &[BASE, WORKLOAD, ("canary/kustomization.yaml", component), ("overlays/prod/kustomization.yaml", prod)],
        &BOTH[1..],
        &[
            "base/deployment.yaml:11 ghcr.io/acme/migrate:1.0.0 prod",
            "canary/kustomization.yaml:2 ghcr.io/acme/api:2.0.0 prod",
        ],
    );
}

#[test]
fn one_broken_file_never_hides_the_others() {
    let found = check(
        &[
            ("prod/a.yaml", "image: [\n"),
            ("prod/b.yaml", DEPLOYMENT),
            ("prod/chart.yaml", "image: {{ .Values.image }}\n{{"),
        ],
        &[("prod", "prod")],
        &["prod/b.yaml:11 ghcr.io/acme/migrate:1.0.0 prod", "prod/b.yaml:14 ghcr.io/acme/api:1.4.1 prod"],
    );
    let codes: Vec<_> = found.findings.iter().map(|finding| (finding.file.as_str(), finding.code)).collect();
    assert_eq!(codes, [("prod/a.yaml", "broken-yaml"), ("prod/chart.yaml", "template")]);
}

#[test]
fn a_base_that_an_unreadable_overlay_may_share_is_not_written() {
    let found = find_in(
        &[
            BASE,
            WORKLOAD,
            ("overlays/staging/kustomization.yaml", "resources: [../../base]\n"),
            ("overlays/prod/kustomization.yaml", "resources: [\n"),
        ],
        BOTH,
    );
    assert!(found.occurrences.iter().all(|occurrence| occurrence.obstacle.is_some()), "{found:#?}");
}

#[test]
fn kustomizations_that_refer_to_each_other_end() {
    let found = find_in(
        &[("a/kustomization.yaml", "resources: [../b]\n"), ("b/kustomization.yaml", "resources: [../a]\n")],
        &[("a", "a")],
    );
    assert_eq!(found.occurrences, []);
}

#[test]
fn a_merge_key_behind_what_it_brings_is_refused_with_a_reason() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n    - &main {name: a, image: a/b:1}\n    - {name: c, image: a/b:2, <<: *main}\n";
    let found = find_in(&[("e/x.yaml", text)], &[("e", "e")]);
    assert!(found.occurrences.iter().all(|occurrence| occurrence.obstacle.is_some()), "{found:#?}");
    assert!(found.findings.iter().all(|finding| finding.code == "not-editable" && finding.blocks));
}

#[test]
fn a_sync_that_no_environment_covers_gets_its_own() {
    let (config, _) = config::read("version: 1\nenvironments: [{name: prod, path: clusters/prod}]\n");
    let main = "main".parse().unwrap();
    let sync = |path: &str, name: &str| (path.to_owned(), [name.to_owned()].into());
    let paths = [sync("clusters/prod", "prod"), sync("clusters/prod/shop", "shop"), sync("clusters/eu-1", "eu")].into();
    let environments = environments_on(&config, &main, &main, &paths);
    let names: Vec<_> = environments.iter().map(|e| (e.name.as_str(), e.origin)).collect();
    assert_eq!(names, [("prod", EnvironmentOrigin::Named), ("clusters-eu-1", EnvironmentOrigin::Synced)]);
    let syncs: Vec<_> = environments.iter().flat_map(|one| one.syncs.iter().map(String::as_str)).collect();
    assert_eq!(syncs, ["prod", "eu"], "those of its very path");
}

fn set(text: &str, line: u32, tag: &str) -> String {
    let found = find_in(&[("e/kustomization.yaml", text)], &[("e", "e")]);
    let occurrence = found.occurrences.iter().find(|o| o.place.line == line).unwrap();
    edit(text, &occurrence.edits(&Target::tag(tag.parse().unwrap())).unwrap()).unwrap()
}

#[test]
fn a_new_tag_is_quoted_where_it_would_be_read_as_a_number() {
    assert_eq!(
        set("images:\n- name: a/b\n  newTag: v1 # note\n", 3, "1.10"),
        "images:\n- name: a/b\n  newTag: \"1.10\" # note\n"
    );
    assert_eq!(
        set("images:\r\n- name: a/b\r\n  newTag: '1.9'\r\n", 3, "1.10"),
        "images:\r\n- name: a/b\r\n  newTag: '1.10'\r\n"
    );
    assert_eq!(set("images: [{name: a/b, newTag: 1.2.3}]", 1, "1.2.4"), "images: [{name: a/b, newTag: 1.2.4}]");
}

#[test]
fn charts_and_applications_are_found_with_what_rules_them() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: shop}\nspec:\n  values:\n    image:\n      repository: acme/web\n      tag: v1 # {\"$imagepolicy\": \"flux:web:tag\"}\n";
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: api\n  annotations:\n    argocd-image-updater.argoproj.io/image-list: api=acme/api:1.x\nspec:\n  sources:\n    - helm:\n        parameters:\n          - {name: image.repository, value: acme/api}\n          - {name: image.tag, value: v2}\n        values: |\n          worker:\n            image: acme/worker:v3 # keep\n    - kustomize:\n        images: ['old=acme/new:v4']\n";
    let found = find_in(&[("e/a.yaml", application), ("e/w.yaml", release)], &[("e", "e")]);
    let told: Vec<String> =
        found.occurrences.iter().map(|o| format!("{}:{} {}", o.place.file, o.place.line, o.image)).collect();
    let expected = [
        "e/a.yaml:12 docker.io/acme/api:v2",
        "e/a.yaml:15 docker.io/acme/worker:v3",
        "e/a.yaml:17 docker.io/acme/new:v4",
        "e/w.yaml:8 docker.io/acme/web:v1",
    ];
    assert_eq!(told, expected, "{found:#?}");
    let by = |index: usize| found.occurrences[index].policy.clone();
    assert!(matches!(by(0), Some(FoundPolicy::ImageUpdater { alias, .. }) if alias == "api"), "{:?}", by(0));
    assert!(matches!(by(3), Some(FoundPolicy::FluxMarker { name, .. }) if name == "web"), "{:?}", by(3));
    for (index, old) in [(0, "v2"), (1, "acme/worker:v3"), (2, "acme/new:v4")] {
        let new = old.replace(old.rsplit(':').next().unwrap(), "v9");
        let edits = found.occurrences[index].edits(&Target::tag("v9".parse().unwrap())).unwrap();
        assert_eq!(edit(application, &edits).unwrap(), application.replace(old, &new), "{old}");
        let span = found.occurrences[index].span.clone();
        assert!(application[span.clone()].contains(old), "{:?} is {:?}", span, &application[span.clone()]);
    }
}

#[test]
fn a_marker_behind_a_tag_alone_finds_its_image_in_the_policy() {
    let chart = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec:\n  values:\n    build: later # {\"$imagepolicy\": \"flux:web:tag\"}\n    other: v1 # {\"$imagepolicy\": \"flux:lost:tag\"}\n";
    let objects = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: images}\nspec: {image: ghcr.io/acme/web}\n---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: web, namespace: flux}\nspec: {imageRepositoryRef: {name: images}}\n";
    let found = check(
        &[("e/w.yaml", chart), ("flux/images.yaml", objects)],
        &[("e", "e")],
        &["e/w.yaml:6 ghcr.io/acme/web:later e"],
    );
    let edits = found.occurrences[0].edits(&Target::tag("1.10".parse().unwrap())).unwrap();
    assert_eq!(edit(chart, &edits).unwrap(), chart.replace("later", "\"1.10\""));
    let findings: Vec<_> = found.findings.iter().map(|finding| (finding.position.line, finding.code)).collect();
    assert_eq!(findings, [(7, "unknown-policy")]);
}

#[test]
fn custom_resources_hold_images_where_the_configuration_says_so() {
    let (config, findings) = config::read(
        "version: 1\nresources:\n- {kind: Cache, group: '*.dev', images: [spec.image, 'spec.pools[*].image']}\n- {kind: Other, repository: spec.name, tag: spec.version}\n",
    );
    assert_eq!(findings, []);
    let cache = "apiVersion: acme.dev/v1\nkind: Cache\nmetadata: {name: c}\nspec:\n  image: acme/cache:v1\n  pools:\n  - image: acme/pool:v1\n  - {image: acme/pool:v2}\n";
    let other = "apiVersion: acme.io/v1\nkind: Other\nmetadata: {name: o}\nspec: {name: acme/other, version: v3}\n";
    let mut files = Files::with_resources(config.resources);
    files.insert("c.yaml".into(), cache.to_owned());
    files.insert("foreign.yaml".into(), cache.replace("acme.dev", "acme.io").replace(": acme/", ": "));
    files.insert("o.yaml".into(), other.to_owned());
    let environments = [FoundEnvironment::new("e".parse().unwrap(), "", EnvironmentOrigin::Named)];
    let found = find(&FindInput { files: &files, environments: &environments });
    let told: Vec<String> =
        found.occurrences.iter().map(|o| format!("{}:{} {}", o.place.file, o.place.line, o.written)).collect();
    assert_eq!(
        told,
        ["c.yaml:5 acme/cache:v1", "c.yaml:7 acme/pool:v1", "c.yaml:8 acme/pool:v2", "o.yaml:4 acme/other:v3"]
    );
    let edits = found.occurrences[3].edits(&Target::tag("v4".parse().unwrap())).unwrap();
    assert_eq!(edit(other, &edits).unwrap(), other.replace("v3", "v4"));
}

/// `file:line image` of what runs below a folder, with why it is not written.
fn check_in(list: &[(&str, &str)], environment: &str, expected: &[&str]) -> Found {
    let found = find_in(list, &[("e", environment)]);
    let told = found.occurrences.iter().map(|one| {
        let refused = if one.obstacle.is_some() { " refused" } else { "" };
        format!("{}:{} {}{refused}", one.place.file, one.place.line, one.written)
    });
    assert_eq!(told.collect::<Vec<_>>(), expected, "{found:#?}");
    found
}

/// The files once every place of an image has another tag.
fn set_everywhere(list: &[(&str, &str)], found: &Found, image: &str, tag: &str) -> Vec<String> {
    let target = Target::tag(tag.parse().unwrap());
    let edited = list.iter().map(|(path, text)| {
        let here = found.occurrences.iter().filter(|one| one.place.file == *path && one.written.starts_with(image));
        let edits: Vec<_> = here.flat_map(|one| one.edits(&target).unwrap()).collect();
        edit(text, &edits).unwrap()
    });
    edited.collect()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: side, image: 'acme/side:1'}\n  - name: web\n    image: acme/web:1\n";

#[test]
fn entries_of_images_are_read_as_kustomize_reads_them() {
    let with = |text: &str, expected: &[&str]| {
        check_in(&[("kustomization.yaml", text), ("pod.yaml", POD)], "", expected);
    };
    let side = "pod.yaml:6 acme/side:1";
    with(
        "resources: [pod.yaml]\nimages:\n- name: acme/web\n  newName: acme/new:3\n",
        &["kustomization.yaml:4 acme/new:3", side],
    );
    with(
        "resources: [pod.yaml]\nimageTags: [{name: acme/web, newTag: v3}]\n",
        &["kustomization.yaml:2 acme/web:v3", side],
    );
    with(
        "resources: [pod.yaml]\nimages: [{name: acme/web, tagSuffix: -debug}]\n",
        &[side, "pod.yaml:8 acme/web:1 refused"],
    );
    with("resources: [pod.yaml]\nimages: null\n---\nresources: []\n", &[side, "pod.yaml:8 acme/web:1"]);
    with("images: [{name: acme/web, newName: acme/new}]\n", &[]);
    check_in(
        &[
            ("kustomization.yaml", "resources: [pod.yaml]\ntransformers: [t.yaml]\n"),
            ("pod.yaml", POD),
            (
                "t.yaml",
                "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: t}\nimageTag: {name: acme/web, newTag: v4}\n",
            ),
        ],
        "",
        &[side, "t.yaml:4 acme/web:v4"],
    );
    with(
        "resources: [pod.yaml]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: ImageTagTransformer\n  metadata: {name: t}\n  imageTag: {name: acme/web, newTag: v4}\n",
        &["kustomization.yaml:7 acme/web:v4", side],
    );
    with(
        "resources: [pod.yaml]\ntransformers: [folder]\n",
        &[&format!("{side} refused"), "pod.yaml:8 acme/web:1 refused"],
    );
    for (kind, more) in [("PrefixTransformer", ""), ("ValueAddTransformer", " refused"), ("OfOurOwn", " refused")] {
        with(
            &format!(
                "resources: [pod.yaml]\ntransformers:\n- |-\n  apiVersion: x/v1\n  kind: {kind}\n  metadata: {{name: t}}\n"
            ),
            &[&format!("{side}{more}"), &format!("pod.yaml:8 acme/web:1{more}")],
        );
    }
    with(
        "resources: [pod.yaml]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: t}\n  target: {kind: Pod}\n  patch: '[{op: replace, path: /spec/containers/0/image, value: x}]'\n",
        &[&format!("{side} refused"), "pod.yaml:8 acme/web:1 refused"],
    );
    let digest = "a".repeat(64);
    let marked = format!(
        "resources: [pod.yaml]\nimages:\n- name: acme/web # {{\"$imagepolicy\": \"f:web:name\"}}\n  newTag: v2@sha256:{digest} # {{\"$imagepolicy\": \"f:web:tag\"}}\n"
    );
    with(&marked, &[&format!("kustomization.yaml:4 acme/web:v2@sha256:{digest}"), side]);
}

#[test]
fn a_patch_in_an_object_that_cannot_be_read_is_told_and_its_images_are_not_written() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec:\n  path: ./app\n  patches:\n  - patch: |\n      metadata: {name: web\n      image: acme/web:2\n";
    let found = check_in(
        &[("flux.yaml", flux), ("pod.yaml", POD)],
        "",
        &["pod.yaml:6 acme/side:1", "pod.yaml:8 acme/web:1 refused"],
    );
    let told: Vec<_> = found.findings.iter().map(|finding| (finding.position.line, finding.code)).collect();
    assert!(told.contains(&(8, "broken-patch")), "{found:#?}");
}

#[test]
fn what_sops_signs_is_written_by_nobody() {
    let signed = |more: &str| {
        format!(
            "image: {{repository: acme/web, tag: v1}}\npassword: ENC[AES256_GCM,data:a,type:str]\nsops: {{mac: 'ENC[AES256_GCM,data:b,type:str]'{more}}}\n"
        )
    };
    check_in(&[("values.yaml", &signed(""))], "", &["values.yaml:1 acme/web:v1 refused"]);
    check_in(&[("values.yaml", &signed(", mac_only_encrypted: true"))], "", &["values.yaml:1 acme/web:v1"]);
    check_in(
        &[("values.yaml", "image: {repository: acme/web, tag: v1}\nsops: {enabled: true}\n")],
        "",
        &["values.yaml:1 acme/web:v1"],
    );
}

#[test]
fn an_image_that_an_unreadable_file_names_is_not_written() {
    let template = "name: {{ .Name }}-x\nimage: acme/web:1\n";
    let found = check_in(
        &[("a/pod.yaml", POD), ("a/t.yaml", template)],
        "a",
        &["a/pod.yaml:6 acme/side:1", "a/pod.yaml:8 acme/web:1 refused"],
    );
    assert_eq!(found.findings.iter().map(|one| one.code).collect::<Vec<_>>(), ["unread-place", "template"]);
    let mut files = files(&[("a/pod.yaml", POD)]);
    files.insert_bytes("a/latin.yaml".into(), b"# caf\xe9\nimage: acme/side:v1\n".to_vec());
    let environments = [FoundEnvironment::new("e".parse().unwrap(), "a", EnvironmentOrigin::Named)];
    let found = find(&FindInput { files: &files, environments: &environments });
    let refused: Vec<_> = found.occurrences.iter().map(|one| (one.written.as_str(), one.obstacle.is_some())).collect();
    assert_eq!(refused, [("acme/side:1", true), ("acme/web:1", false)]);
}

#[test]
fn a_broken_document_does_not_hide_its_neighbors() {
    let text = format!("{POD}---\nkind: [broken\n---\n{}", POD.replace("acme/", "else/"));
    check_in(
        &[("two.yaml", &text)],
        "",
        &[
            "two.yaml:6 acme/side:1 refused",
            "two.yaml:8 acme/web:1 refused",
            "two.yaml:17 else/side:1 refused",
            "two.yaml:19 else/web:1 refused",
        ],
    );
}

#[test]
fn yaml_in_a_text_is_found_and_written_in_its_place() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata:\n  values.yaml: |\n    image: {repository: acme/web, tag: v1}\n  note: 'image: acme/none:v1'\n";
    let list = [("cm.yaml", text)];
    let found = check_in(&list, "", &["cm.yaml:6 acme/web:v1"]);
    assert_eq!(set_everywhere(&list, &found, "acme/web", "v2")[0], text.replace("tag: v1", "tag: v2"));
    let chart = "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: t}\nspec:\n  valuesContent: |-\n    image: {repository: traefik, tag: v2}\n";
    check_in(&[("c.yaml", chart)], "", &["c.yaml:6 traefik:v2"]);
    check_in(
        &[(
            "kustomization.yaml",
            "helmCharts:\n- name: a\n  valuesInline: {image: {repository: acme/guest, tag: v1}}\n",
        )],
        "",
        &["kustomization.yaml:3 acme/guest:v1"],
    );
}

#[test]
fn each_tag_of_a_marker_is_a_place_of_its_own() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata:\n  API_TAG: 1.4.0 # {\"$imagepolicy\": \"f:shop:tag\"}\n  API_NAME: acme/shop # {\"$imagepolicy\": \"f:shop:name\"}\n  JOB_TAG: 1.4.0 # {\"$imagepolicy\": \"f:shop:tag\"}\n  JOB_NAME: acme/shop # {\"$imagepolicy\": \"f:shop:name\"}\n";
    let list = [("cm.yaml", text)];
    let found = check_in(&list, "", &["cm.yaml:5 acme/shop:1.4.0", "cm.yaml:7 acme/shop:1.4.0"]);
    assert_eq!(set_everywhere(&list, &found, "acme/shop", "1.5.0")[0], text.replace("1.4.0", "1.5.0"));
}

#[test]
fn only_what_no_other_leads_to_is_a_root() {
    let list = files(&[
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("part/kustomization.yaml", "kind: Component\n"),
        ("prod/kustomization.yaml", "resources: [../base]\ncomponents: [../part]\n"),
        ("alone/kustomization.yaml", "resources: []\n"),
    ]);
    assert_eq!(list.roots(), ["alone", "prod"]);
}

#[test]
fn the_name_of_an_entry_is_an_expression() {
    let with = |name: &str, expected: &[&str]| {
        let text = format!("resources: [pod.yaml]\nimages: [{{name: '{name}', newTag: v9}}]\n");
        check_in(&[("kustomization.yaml", &text), ("pod.yaml", POD)], "", expected)
    };
    let (entry, web, side) = ("kustomization.yaml:2", "pod.yaml:8 acme/web:1", "pod.yaml:6 acme/side:1");
    with("acme/web:1", &[&format!("{entry} acme/web:v9"), side]);
    with("acme/web:2", &[side, web]);
    with("acme/w.*", &[&format!("{entry} acme/web:v9"), side]);
    with("acme/(web|other)", &[&format!("{entry} acme/web:v9"), side]);
    // One tag for two images.
    with("acme/.*", &[&format!("{entry} acme/side:v9 refused")]);
}
