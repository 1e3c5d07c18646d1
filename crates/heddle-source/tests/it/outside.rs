//! Files that lie outside of a kustomization's directory: the repository is the border, and kustomize gives the same objects.

use std::{collections::BTreeMap, path::Path, process::Command};

use heddle_manifest::documents::read_documents;
use heddle_source::{Folder, Overlay, RenderTools, Rendered, Until, render};
use serde_json::Value;

use crate::rendering::kustomize;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

/// A repository on this machine.
pub fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in files.iter().chain(&[(".git/HEAD", "ref: refs/heads/main\n")]) {
        let place = dir.path().join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }
    dir
}

pub fn rendered(repository: &Path, path: &str) -> Rendered {
    let folder = Folder::open(&repository.join(path)).unwrap();
    render(&folder, folder.path(), &Overlay::default(), &RenderTools::new(kustomize(), "/bin/false"), &Until::default())
}

/// Objects by what they are called.
pub fn by_name(objects: impl IntoIterator<Item = Value>) -> BTreeMap<String, Value> {
    let name = |value: &Value| format!("{} {}", value["kind"], value["metadata"]);
    objects.into_iter().map(|value| (name(&value), value)).collect()
}

/// What kustomize itself builds, with nothing kept from it.
pub fn built(repository: &Path, path: &str) -> BTreeMap<String, Value> {
    let mut command = Command::new(kustomize());
    command.args(["build", "--load-restrictor", "LoadRestrictionsNone"]).arg(repository.join(path));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    by_name(read_documents(&text).map(|document| document.value.unwrap()))
}

#[track_caller]
fn check(files: &[(&str, &str)]) -> Rendered {
    let repository = repository(files);
    let rendered = rendered(repository.path(), "apps/web");
    assert_eq!(rendered.errors, [], "{files:?}");
    let ours = by_name(rendered.objects.iter().map(|object| object.value.clone()));
    assert_eq!(ours, built(repository.path(), "apps/web"), "{files:?}");
    rendered
}

#[test]
fn a_file_of_the_repository_is_read_wherever_it_lies_and_whatever_names_it() {
    let patch = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {patched: 'yes'}\n";
    let replacements = "- source: {kind: ConfigMap, name: a, fieldPath: data.k}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.copied], options: {create: true}}]\n";
    let transformer = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\ntarget: {kind: ConfigMap}\npath: ../../shared/patch.yaml\n";
    let generator =
        "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nfiles: [../../shared/app.conf]\n";
    let inline = "transformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: t}\n  target: {kind: ConfigMap}\n  path: ../../shared/patch.yaml\n";
    for fields in [
        "resources: [../../shared/b.yaml]",
        "patches: [{path: ../../shared/patch.yaml}]",
        "patchesStrategicMerge: [../../shared/patch.yaml]",
        "patches: [{path: ../../shared/ops.json, target: {kind: ConfigMap}}]",
        "configMapGenerator: [{name: g, files: [../../shared/app.conf, key=../../shared/app.conf]}]",
        "configMapGenerator: [{name: g, envs: [../../shared/app.env]}]",
        "secretGenerator: [{name: g, files: [../../shared/app.conf]}]",
        "replacements: [{path: ../../shared/replacements.yaml}]",
        "transformers: [../../shared/transformer.yaml]",
        "generators: [../../shared/generator.yaml]",
        inline,
        "components: [../../shared/component]",
        "configurations: [../../shared/configuration.yaml]\nnamePrefix: p-",
    ] {
        let own = if fields.starts_with("resources") { "" } else { "resources: [a.yaml]\n" };
        check(&[
            ("apps/web/kustomization.yaml", &format!("{own}{fields}\n")),
            ("apps/web/a.yaml", CONFIG),
            ("shared/b.yaml", CONFIG),
            ("shared/patch.yaml", patch),
            ("shared/ops.json", "[{\"op\": \"add\", \"path\": \"/data/op\", \"value\": \"x\"}]"),
            ("shared/app.conf", "x: y\n"),
            ("shared/app.env", "X=y\n"),
            ("shared/replacements.yaml", replacements),
            ("shared/transformer.yaml", transformer),
            ("shared/generator.yaml", generator),
            (
                "shared/component/kustomization.yaml",
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: ../patch.yaml}]\n",
            ),
            ("shared/configuration.yaml", "namePrefix: [{path: data/k, kind: ConfigMap}]\n"),
        ]);
    }
}

#[test]
fn an_object_of_a_file_that_lies_elsewhere_has_that_file() {
    let rendered = check(&[
        ("apps/web/kustomization.yaml", "resources: [../../base, ../other/c.yaml]\nnamePrefix: p-\n"),
        ("base/kustomization.yaml", "resources: [../shared/b.yaml, own.yaml]\n"),
        ("base/own.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n"),
        ("shared/b.yaml", CONFIG),
        ("apps/other/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"),
    ]);
    let mut told: Vec<(&str, &str)> = rendered
        .objects
        .iter()
        .map(|object| (object.value["metadata"]["name"].as_str().unwrap(), object.file.as_deref().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("p-a", "shared/b.yaml"), ("p-c", "apps/other/c.yaml"), ("p-own", "base/own.yaml")]);
}

#[test]
fn what_kustomize_says_of_a_stand_in_is_said_of_the_file() {
    let repository = repository(&[
        ("apps/web/kustomization.yaml", "resources: [a.yaml]\npatches: [{path: ../../shared/patch.yaml}]\n"),
        ("apps/web/a.yaml", CONFIG),
        ("shared/patch.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nobody}\n"),
        ("apps/web/.heddle-0/patch.yaml", "a file of the repository's own"),
    ]);
    let rendered = rendered(repository.path(), "apps/web");
    let message = &rendered.errors[0].message;
    assert!(message.contains("../../shared/patch.yaml") || message.contains("nobody"), "{message}");
    assert!(!message.contains(".heddle-"), "{message}");
}

/// What a step of kustomize makes up stands in no file that could be looked through before.
#[test]
fn a_path_that_is_made_up_while_building_reaches_nothing_of_this_machine() {
    let canary = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        canary.path(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: canary-of-this-machine}\n",
    )
    .unwrap();
    let absolute = canary.path().to_str().unwrap();
    let above = format!("{}{absolute}", "../".repeat(30).trim_end_matches('/'));
    for leak in [absolute, &above] {
        let generator = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nfiles: [x=a.yaml]\n";
        let patched = format!(
            "resources: [g.yaml]\npatches:\n- target: {{kind: ConfigMapGenerator}}\n  patch: |\n    [{{\"op\": \"replace\", \"path\": \"/files/0\", \"value\": \"x={leak}\"}}]\n"
        );
        let written = generator.replace("a.yaml", leak);
        for (kustomization, text) in [(patched.as_str(), generator), ("resources: [g.yaml]\n", written.as_str())] {
            let repository = repository(&[
                ("apps/web/kustomization.yaml", "resources: [a.yaml]\ngenerators: [../../made]\n"),
                ("apps/web/a.yaml", CONFIG),
                ("made/kustomization.yaml", kustomization),
                ("made/g.yaml", text),
            ]);
            let rendered = rendered(repository.path(), "apps/web");
            assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1), "{rendered:?}");
            assert!(!format!("{rendered:?}").contains("canary-of-this-machine"), "{rendered:?}");
            let words = &rendered.errors[0].message;
            assert!(words.contains("is not in or below 'apps/web'"), "{words}");
        }
    }
}

#[test]
fn the_repository_around_a_folder_is_the_border_and_without_one_its_kustomizations_are() {
    let files = [
        ("apps/web/kustomization.yaml", "resources: [../../../../beyond.yaml, ../../shared/b.yaml]\n"),
        ("shared/b.yaml", CONFIG),
    ];
    let outer = tempfile::tempdir().unwrap();
    std::fs::write(outer.path().join("beyond.yaml"), CONFIG).unwrap();
    for (file, text) in files {
        let place = outer.path().join("inner/repo").join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }
    let told = || {
        let rendered = rendered(outer.path(), "inner/repo/apps/web");
        rendered.errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>()
    };
    let without = told();
    assert_eq!(without.len(), 2, "no repository lies around: {without:?}");
    std::fs::create_dir(outer.path().join("inner/repo/.git")).unwrap();
    let within = told();
    assert_eq!(within.len(), 1, "{within:?}");
    assert!(within[0].contains("`../../../../beyond.yaml` leads out of the repository"), "{within:?}");
}
