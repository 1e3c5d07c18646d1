//! Images that patches set.

use super::*;

#[test]
fn the_place_that_wins_is_the_patch_that_sets_the_image() {
    let base = [("base/kustomization.yaml", "resources: [pod.yaml]\n"), ("base/pod.yaml", POD)];
    let with = |text: &'static str| [base[0], base[1], ("o/kustomization.yaml", text)];
    let side = "base/pod.yaml:6 acme/side:1";
    let json = "resources: [../base]\npatches:\n- target: {kind: Pod}\n  patch: |-\n    - op: replace\n      path: /spec/containers/1/image\n      value: acme/web:2\n";
    let found = check_in(&with(json), "o", &[side, "o/kustomization.yaml:7 acme/web:2"]);
    assert_eq!(set_everywhere(&with(json), &found, "acme/web", "3")[2], json.replace("web:2", "web:3"));
    let merge = "resources: [../base]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: web}\n    spec:\n      containers:\n      - {name: web, image: acme/web:2}\n      - {name: new, image: acme/new:1}\n";
    let found =
        check_in(&with(merge), "o", &[side, "o/kustomization.yaml:9 acme/web:2", "o/kustomization.yaml:10 acme/new:1"]);
    assert_eq!(set_everywhere(&with(merge), &found, "acme/web", "3")[2], merge.replace("web:2", "web:3"));
    let gone = "resources: [../base]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: web}\n    spec: {containers: [{name: web, $patch: delete}]}\n";
    check_in(&with(gone), "o", &[side]);
    let other = json.replace("kind: Pod", "kind: Deployment");
    check_in(&[base[0], base[1], ("o/kustomization.yaml", &other)], "o", &[side, "base/pod.yaml:8 acme/web:1"]);
}

#[test]
fn a_patch_in_a_file_of_json_wins_too_and_one_that_is_not_there_makes_its_objects_unknown() {
    let with = |patch: &'static str| {
        [
            ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
            ("base/pod.yaml", POD),
            ("o/kustomization.yaml", "resources: [../base]\npatches: [{path: patch.json, target: {name: web}}]\n"),
            ("o/patch.json", patch),
        ]
    };
    let sets = "[{\"op\": \"add\", \"path\": \"/spec/containers/1/image\", \"value\": \"acme/web:2\"}]\n";
    let found = check_in(&with(sets), "o", &["base/pod.yaml:6 acme/side:1", "o/patch.json:1 acme/web:2"]);
    assert_eq!(set_everywhere(&with(sets), &found, "acme/web", "3")[3], sets.replace("web:2", "web:3"));
    let other = "[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 3}]\n";
    assert_eq!(
        check_in(&with(other), "o", &["base/pod.yaml:6 acme/side:1", "base/pod.yaml:8 acme/web:1"]).findings,
        []
    );
    let missing = find_in(&with(sets)[..3], &[("e", "o")]);
    assert!(missing.findings.iter().any(|finding| finding.message.contains("is not there")));
    let web = missing.occurrences.iter().find(|place| place.written == "acme/web:1").unwrap();
    assert!(web.obstacle.is_some());
}

#[test]
fn a_patch_of_values_wins_part_by_part() {
    let web = |image: &str| release(&format!("    web:\n      image: {image}\n"));
    let check = |base: &str, patch: &str, expected: &[&str]| {
        check_in(&overlay(&web(base), &web(patch)), "o", expected);
    };
    let whole = "{repository: acme/ci, tag: 1}";
    check(whole, "{tag: 2}", &["o/p.yaml:7 acme/ci:2"]);
    check(whole, "{repository: mirror.io/ci}", &["base/r.yaml:7 mirror.io/ci:1"]);
    check(whole, "{repository: mirror.io/ci, tag: 2}", &["o/p.yaml:7 mirror.io/ci:2"]);
    check("{repository: acme/ci}", "{tag: 2}", &["o/p.yaml:7 acme/ci:2"]);
    let digest = format!("sha256:{}", "a".repeat(64));
    check(
        &format!("{{repository: acme/ci, tag: 1, digest: '{digest}'}}"),
        "{tag: 2}",
        &[&format!("o/p.yaml:7 acme/ci:2@{digest} refused")],
    );
}

const TWO: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: 'acme/a:1'}, {name: b, image: 'acme/b:1'}]}}}\n";

/// What runs once a merge is made.
fn merged(spec: &str, expected: &[&str]) {
    let patch = format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\n{spec}\n");
    let list = [
        ("e/kustomization.yaml", "resources: [two.yaml]\npatches: [{path: patch.yaml}]\n"),
        ("e/two.yaml", TWO),
        ("e/patch.yaml", patch.as_str()),
    ];
    let found = find_in(&list, &[("e", "e")]);
    let mut written: Vec<&str> = found.occurrences.iter().map(|one| one.written.as_str()).collect();
    written.sort_unstable();
    assert_eq!(written, expected, "{spec}: {found:#?}");
}

#[test]
fn a_merge_may_put_something_else_in_the_place_of_what_is_there() {
    let containers = |list: &str| format!("spec: {{template: {{spec: {{containers: {list}}}}}}}");
    merged(&containers("[{$patch: replace}, {name: c, image: 'acme/c:1'}]"), &["acme/c:1"]);
    merged(&containers("[{$patch: replace}, {name: a, image: 'acme/a:2'}]"), &["acme/a:2"]);
    merged(&containers("[{$patch: delete, name: a}]"), &["acme/b:1"]);
    merged("spec: {template: {spec: {$patch: replace, containers: [{name: a, image: 'acme/a:2'}]}}}", &["acme/a:2"]);
    merged(&containers("[{name: a, image: 'acme/a:2'}]"), &["acme/a:2", "acme/b:1"]);
}

/// An overlay whose one patch is a file.
fn overlay<'t>(base: &'t str, patch: &'t str) -> [(&'t str, &'t str); 4] {
    [
        ("base/kustomization.yaml", "resources: [r.yaml]\n"),
        ("base/r.yaml", base),
        ("o/kustomization.yaml", "resources: [../base]\npatches: [{path: p.yaml}]\n"),
        ("o/p.yaml", patch),
    ]
}

fn release(values: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: ci}}\nspec:\n  values:\n{values}"
    )
}

#[test]
fn a_list_that_takes_the_place_of_another_brings_its_own_images() {
    let (base, patch) = (
        release("    sidecars:\n    - {name: log, image: 'acme/log:1'}\n"),
        release("    sidecars:\n    - {name: log, image: 'acme/log:2'}\n    - {name: new, image: 'acme/new:1'}\n"),
    );
    check_in(&overlay(&base, &patch), "o", &["o/p.yaml:7 acme/log:2", "o/p.yaml:8 acme/new:1"]);
}

#[test]
fn a_list_of_containers_is_merged_by_name_in_kubernetes_own_kinds_alone() {
    let rollout = |containers: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: a}}\nspec: {{template: {{spec: {{containers: {containers}}}}}}}\n"
        )
    };
    let (base, patch) = (
        rollout("[{name: a, image: 'acme/a:1'}, {name: b, image: 'acme/b:1'}]"),
        rollout("[{name: a, image: 'acme/a:2'}]"),
    );
    check_in(&overlay(&base, &patch), "o", &["o/p.yaml:4 acme/a:2"]);
}

#[test]
fn an_object_within_another_is_a_part_of_it_to_a_patch() {
    let base = "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: s}\nspec:\n  resources:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    spec: {containers: [{name: a, image: 'acme/a:1'}]}\n";
    let operation = "- {op: replace, path: /spec/resources/0/spec/containers/0/image, value: 'acme/a:2'}\n";
    let with = |target: &'static str| {
        let mut list = overlay(base, operation);
        list[2].1 = target;
        list
    };
    let set = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: ResourceSet}}]\n";
    let found = check_in(&with(set), "o", &["o/p.yaml:1 acme/a:2"]);
    assert_eq!(found.occurrences[0].place.object, "ResourceSet s");
    let pod = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: Pod}}]\n";
    check_in(&with(pod), "o", &["base/r.yaml:9 acme/a:1"]);
    let images = "resources: [../base]\nimages: [{name: acme/a, newTag: '3'}]\n";
    check_in(&with(images), "o", &["o/kustomization.yaml:2 acme/a:3"]);
}

const WEB: &str = " # {\"$imagepolicy\": \"flux-system:web\"}\n";

#[test]
fn a_comment_in_a_patch_file_says_what_it_says_elsewhere() {
    let web = FoundPolicy::FluxMarker { namespace: "flux-system".to_owned(), name: "web".to_owned() };
    let base = release("    web: {image: 'acme/web:1'}\n    other: {repository: acme/o, tag: v1}\n");
    let patch = release(&format!("    web:\n      image: acme/web:2{WEB}    odd: acme/web:2{WEB}"));
    let found = check_in(
        &overlay(&base, &patch),
        "o",
        &["base/r.yaml:7 acme/o:v1", "o/p.yaml:7 acme/web:2", "o/p.yaml:8 acme/web:2"],
    );
    let policies: Vec<Option<&FoundPolicy>> = found.occurrences.iter().map(|one| one.policy.as_ref()).collect();
    assert_eq!(policies, [None, Some(&web), Some(&web)]);
    // A tag takes its name from what is patched.
    let patch = release("    other:\n      tag: v2 # heddle: {\"policy\": {\"semver\": \"1.x\"}}\n");
    let found = check_in(&overlay(&base, &patch), "o", &["base/r.yaml:6 acme/web:1", "o/p.yaml:7 acme/o:v2"]);
    assert!(matches!(found.occurrences[1].policy, Some(FoundPolicy::Comment { .. })), "{found:#?}");
    // Operations have comments too.
    let operations = format!("- op: replace\n  path: /spec/values/web/image\n  value: acme/web:2{WEB}");
    let mut list = overlay(&base, &operations);
    list[2].1 = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: HelmRelease}}]\n";
    let found = check_in(&list, "o", &["base/r.yaml:7 acme/o:v1", "o/p.yaml:3 acme/web:2"]);
    assert_eq!(found.occurrences[1].policy, Some(web));
}

#[test]
fn an_anchor_in_a_patch_file_changes_with_its_aliases() {
    let base =
        release("    a: {image: {repository: acme/x, tag: v1}}\n    b: {image: {repository: acme/x, tag: v1}}\n");
    let patch = release("    a: {image: {tag: &tag r2}}\n    b: {image: {tag: *tag}}\n");
    let list = overlay(&base, &patch);
    let found = check_in(&list, "o", &["o/p.yaml:6 acme/x:r2", "o/p.yaml:7 acme/x:r2"]);
    assert_eq!(set_everywhere(&list, &found, "acme/x", "r3")[3], patch.replace("r2", "r3"));
    // What another image takes its tag from stays.
    let base = base.replace("acme/x, tag: v1}}\n    b", "acme/y, tag: v1}}\n    b");
    check_in(&overlay(&base, &patch), "o", &["o/p.yaml:6 acme/y:r2 refused", "o/p.yaml:7 acme/x:r2 refused"]);
}

#[test]
fn what_keeps_one_of_the_images_of_a_patch_from_being_changed_keeps_all() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let plain = |name: &str, images: &str| release(images).replace("name: ci", &format!("name: {name}"));
    let free = "    a: {image: {repository: acme/x, tag: v1}}\n    b: {image: {repository: acme/x, tag: v1}}\n";
    let stuck = free.replacen("tag: v1", &format!("tag: v1, digest: '{digest}'"), 1);
    let all = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: HelmRelease}}]\n";
    for objects in [[("ci", free), ("cj", &stuck)], [("ci", &stuck), ("cj", free)]] {
        let base = objects.map(|(name, images)| plain(name, images)).join("---\n");
        let told = |patch: &str| {
            let mut list = overlay(&base, patch);
            list[2].1 = all;
            let found = find_in(&list, &[("e", "o")]);
            let patched = found.occurrences.iter().filter(|one| one.place.file == "o/p.yaml");
            patched.map(|one| one.obstacle.clone()).collect::<Vec<_>>()
        };
        let alone = told(&release("    a: {image: {tag: v2}}\n"));
        assert!(matches!(alone.as_slice(), [Some(reason)] if reason.contains("digest")), "{alone:?}");
        let shared = told(&release("    a: {image: {tag: &tag v2}}\n    b: {image: {tag: *tag}}\n"));
        assert!(matches!(&shared[0], Some(reason) if reason.contains("digest")), "{shared:?}");
    }
    // Overlays of one component differ as objects do.
    let (base, other) = (plain("ci", free), plain("ci", &stuck));
    let patch = release("    a: {image: {tag: v2}}\n");
    let list = [
        ("c/kustomization.yaml", "kind: Component\npatches: [{path: p.yaml}]\n"),
        ("c/p.yaml", patch.as_str()),
        ("d/kustomization.yaml", "resources: [r.yaml]\ncomponents: [../c]\n"),
        ("d/r.yaml", base.as_str()),
        ("e/kustomization.yaml", "resources: [r.yaml]\ncomponents: [../c]\n"),
        ("e/r.yaml", other.as_str()),
    ];
    let found = find_in(&list, &[("d", "d"), ("e", "e")]);
    let place = found.occurrences.iter().find(|one| one.place.file == "c/p.yaml").unwrap();
    assert!(place.obstacle.as_ref().is_some_and(|reason| reason.contains("digest")), "{place:?}");
}

#[test]
fn a_kind_of_another_group_is_none_of_kubernetes_own() {
    let job = |containers: &str| {
        format!(
            "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {{name: a}}\nspec: {{tasks: [{{name: t, template: {{spec: {{containers: {containers}}}}}}}]}}\n"
        )
    };
    let base = job("[{name: a, image: 'acme/a:1'}, {name: b, image: 'acme/b:1'}]");
    let patch = job("[{name: a, image: 'acme/a:2'}]");
    check_in(&overlay(&base, &patch), "o", &["o/p.yaml:4 acme/a:2"]);
}

#[test]
fn a_comment_reaches_no_image_of_a_text_within_its_file() {
    let base = release("    web: {image: 'acme/web:1'}\n");
    let head = release(&format!("    web:\n      image: acme/web:2{WEB}    conf: |\n"));
    // The image within stands as far from the start of its text as the other from the start of the file.
    let at = head.find("acme/web:2").unwrap();
    let pad = "-".repeat(at - "#\nimage: ".len());
    let patch = format!("{head}      #{pad}\n      image: acme/in:1\n");
    let found = find_in(&overlay(&base, &patch), &[("e", "o")]);
    let marked = found.occurrences.iter().filter(|one| one.policy.is_some());
    assert_eq!(marked.map(|one| one.written.as_str()).collect::<Vec<_>>(), ["acme/web:2"], "{found:#?}");
    assert_eq!(found.occurrences.len(), 2);
}

const VARIABLES: &str = "resources: [app.yaml]\nconfigMapGenerator:\n- {name: params, envs: [params.env], literals: [tag=2.0]}\nvars:\n- {name: image, objref: {kind: ConfigMap, name: params, apiVersion: v1}, fieldref: {fieldpath: data.image}}\n- {name: tag, objref: {kind: ConfigMap, name: params, apiVersion: v1}, fieldref: {fieldpath: data.tag}}\nconfigurations: [params.yaml]\n";
const COUNT: (&str, &str) = ("base/params.yaml", "varReference:\n- {path: 'spec/containers[]/image', kind: Pod}\n");
const OPEN: (&str, &str) = (
    "base/app.yaml",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: a, image: $(image)}\n  - {name: b, image: 'q.io/acme/b:$(tag)'}\n  - {name: c, image: 'q.io/acme/c:$(none)'}\n",
);

#[test]
fn variables_make_the_images_that_run_and_are_not_written() {
    let params = ("base/params.env", "# ours\nimage=q.io/acme/a:1.0\n");
    let list = [("base/kustomization.yaml", VARIABLES), OPEN, params, COUNT];
    let places = ["base/app.yaml:6 q.io/acme/a:1.0 prod", "base/app.yaml:7 q.io/acme/b:2.0 prod"];
    let found = check(&list, &[("prod", "base")], &places);
    assert!(found.occurrences.iter().all(|one| one.obstacle.as_ref().is_some_and(|why| why.contains("`vars`"))));
    assert!(
        found.findings.iter().any(|finding| finding.code == "placeholder" && finding.position.line == 8),
        "{found:#?}"
    );
    // An overlay's own values win, and those alone count that a configuration names.
    let overlay = "resources: [../base]\nconfigMapGenerator:\n- {name: params, behavior: merge, literals: ['image=q.io/acme/a:3.0']}\n";
    let over = [list[0], list[1], list[2], list[3], ("prod/kustomization.yaml", overlay)];
    check(
        &over,
        &[("prod", "prod")],
        &["base/app.yaml:6 q.io/acme/a:3.0 prod", "base/app.yaml:7 q.io/acme/b:2.0 prod"],
    );
    let other = ("base/params.yaml", "varReference: [{path: spec/containers/args, kind: Pod}]\n");
    check(&[list[0], list[1], list[2], other], &[("prod", "base")], &[]);
}
