//! What a Sync adds to its path: the same objects as Flux gives, which writes it into the kustomization of the path.

use heddle_manifest::documents::parse_document;
use heddle_source::{Folder, Overlay, RenderTools, Rendered, Until, render};

use crate::{
    outside::{built, by_name, repository},
    rendering::kustomize,
};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: own}\ndata: {k: v}\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: acme/api:1, envFrom: [{configMapRef: {name: a}}]}]\n";
const COMPONENT: &str =
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: ../patch.yaml}]\n";
const PATCH: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: own}\ndata: {patched: 'yes'}\n";

fn rendered(files: &[(&str, &str)], overlay: &str) -> Rendered {
    let repository = repository(files);
    let folder = Folder::open(&repository.path().join("apps")).unwrap();
    let overlay = Overlay::of(parse_document(overlay).unwrap());
    render(&folder, "apps", &overlay, &RenderTools::new(kustomize(), "/bin/false"), &Until::default())
}

/// Renders `apps` with what is added, and has kustomize build the kustomization that Flux would write there.
#[track_caller]
fn check(files: &[(&str, &str)], overlay: &str, by_flux: &str) {
    let shared = [("shared/ha/kustomization.yaml", COMPONENT), ("shared/patch.yaml", PATCH)];
    let ours = rendered(&[files, &shared].concat(), overlay);
    assert_eq!(ours.errors, [], "{overlay}");
    let others = files.iter().filter(|(file, _)| *file != "apps/kustomization.yaml").copied();
    let others: Vec<_> = others.chain(shared).chain([("apps/kustomization.yaml", by_flux)]).collect();
    let ours = by_name(ours.objects.into_iter().map(|object| object.value));
    assert_eq!(ours, built(repository(&others).path(), "apps"), "{overlay}");
}

const OVERLAYS: [(&str, &str); 5] = [
    ("components: [../shared/ha]", "components: [../shared/ha]"),
    ("namespace: shop", "namespace: shop"),
    ("namePrefix: p-\nnameSuffix: -s", "namePrefix: p-\nnameSuffix: -s"),
    (
        "patches: [{patch: \"[{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/data/x\\\", \\\"value\\\": \\\"y\\\"}]\", target: {kind: ConfigMap}}]",
        "patches: [{patch: \"[{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/data/x\\\", \\\"value\\\": \\\"y\\\"}]\", target: {kind: ConfigMap}}]",
    ),
    (
        "images: [{name: acme/api, newTag: '2', newName: acme/other}]",
        "images: [{name: acme/api, newTag: '2', newName: acme/other}]",
    ),
];

#[test]
fn a_kustomization_gets_what_is_added() {
    for (overlay, fields) in OVERLAYS {
        let own = "resources: [a.yaml, p.yaml]\n";
        let files = [("apps/kustomization.yaml", own), ("apps/a.yaml", CONFIG), ("apps/p.yaml", POD)];
        check(&files, overlay, &format!("{own}{fields}\n"));
    }
}

#[test]
fn what_its_own_kustomization_says_gives_way_or_stays_as_with_flux() {
    let own = "resources: [a.yaml, p.yaml]\nnamePrefix: own-\nimages: [{name: acme/api, newName: acme/own, newTag: '9'}]\npatches: [{patch: \"[{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/data/x\\\", \\\"value\\\": \\\"own\\\"}]\", target: {kind: ConfigMap}}]\n";
    let files = [("apps/kustomization.yaml", own), ("apps/a.yaml", CONFIG), ("apps/p.yaml", POD)];
    let overlay = "namePrefix: p-\nimages: [{name: acme/api, newTag: '2'}]\npatches: [{patch: \"[{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/data/y\\\", \\\"value\\\": \\\"z\\\"}]\", target: {kind: ConfigMap}}]\n";
    let by_flux = "resources: [a.yaml, p.yaml]\nnamePrefix: p-\nimages: [{name: acme/api, newTag: '2'}]\npatches: [{patch: \"[{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/data/x\\\", \\\"value\\\": \\\"own\\\"}]\", target: {kind: ConfigMap}}, {patch: \"[{\\\"op\\\": \\\"add\\\", \\\"path\\\": \\\"/data/y\\\", \\\"value\\\": \\\"z\\\"}]\", target: {kind: ConfigMap}}]\n";
    check(&files, overlay, by_flux);
}

/// A name that one file gives is found in the others.
#[test]
fn a_path_without_a_kustomization_is_built_as_a_whole() {
    for (overlay, fields) in OVERLAYS {
        let files = [
            ("apps/a.yaml", CONFIG),
            ("apps/deep/github.com.yaml", POD),
            ("apps/web/kustomization.yaml", "resources: [s.yaml]\n"),
            ("apps/web/s.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"),
            ("apps/README.md", "words"),
        ];
        check(&files, overlay, &format!("resources: [a.yaml, ./deep/github.com.yaml, web]\n{fields}\n"));
    }
}

#[test]
fn one_bad_file_stops_no_other_and_is_told_with_its_line() {
    let files = [
        ("apps/a.yaml", CONFIG),
        ("apps/bad.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1}\n"),
        ("apps/values.yaml", "a: 1\n"),
    ];
    let rendered = rendered(&files, "namePrefix: p-");
    assert_eq!(rendered.objects.len(), 1, "{rendered:?}");
    assert_eq!(rendered.objects[0].file.as_deref(), Some("apps/a.yaml"));
    let told: Vec<_> = rendered.errors.iter().map(|error| (error.file.as_deref(), error.line)).collect();
    assert_eq!(told, [(Some("apps/bad.yaml"), Some(3))]);
    assert_eq!(rendered.unread.len(), 1, "values.yaml: {:?}", rendered.unread);
}

#[test]
fn what_is_wrong_with_what_is_added_is_told_of_the_sync() {
    for (overlay, words) in [
        ("components: [../nowhere]", "`../nowhere` is neither a file nor a directory with a kustomization"),
        ("components: [../../out]", "`../../out` leads out of the repository"),
        ("components: ['https://example.org/x']", "`https://example.org/x` lies outside of the repository"),
    ] {
        for own in [("apps/kustomization.yaml", "resources: [a.yaml]\n"), ("apps/b.txt", "")] {
            let rendered = rendered(&[own, ("apps/a.yaml", CONFIG)], overlay);
            assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1), "{rendered:?}");
            let error = &rendered.errors[0];
            assert!(error.file.is_none() && error.message.contains(words), "{error:?}");
            assert!(error.message.contains("fields of the Sync"), "{error:?}");
        }
    }
}

#[test]
fn a_secret_in_a_patch_that_is_added_is_not_told() {
    let overlay = "patches: [{patch: '{kind: Secret, apiVersion: v1, metadata: {name: nobody}, stringData: {k: hunter2-canary}}'}]";
    let rendered = rendered(&[("apps/a.yaml", CONFIG)], overlay);
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1), "{rendered:?}");
    assert!(!rendered.errors[0].message.contains("hunter2"), "{rendered:?}");
    assert!(format!("{:?}", rendered.withheld).contains("hunter2-canary"));
}

#[test]
fn every_object_gets_the_metadata_in_the_place_of_its_own() {
    let mut rendered = rendered(
        &[("apps/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {team: own, x: z}}\n")],
        "{}",
    );
    let texts = |key: &str, text: &str| [(key.to_owned(), text.to_owned())].into();
    rendered.set_metadata(&texts("team", "shop"), &texts("owner", "me"));
    let metadata = &rendered.objects[0].value["metadata"];
    assert_eq!(metadata["labels"], serde_json::json!({"team": "shop", "x": "z"}));
    assert_eq!(metadata["annotations"], serde_json::json!({"owner": "me"}));
}
