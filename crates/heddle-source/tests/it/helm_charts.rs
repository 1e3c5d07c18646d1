//! Kustomize's `helmCharts`, through the real `helm`.

use std::{path::Path, process::Command};

use heddle_source::{Overlay, Release};
use serde_json::Value;

use crate::{
    charts::{CHART, DEPLOYMENT, charts, rendered, rendered_with, repository, told, web},
    rendering::tool,
};

/// What the official kustomize makes of a directory with the real helm.
fn kustomize_with_helm(dir: &Path) -> Vec<Value> {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(tool("kustomize"))
        .args([
            "build",
            "--enable-helm",
            "--load-restrictor",
            "LoadRestrictionsNone",
            "--helm-command",
            &tool("helm"),
            ".",
        ])
        .current_dir(dir)
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = heddle_manifest::documents::read_documents(&text).map(|document| document.value.unwrap());
    documents.filter(|value| !value.is_null()).collect()
}

fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(Value::to_string);
    objects
}

#[test]
fn the_helm_charts_of_a_kustomization_give_what_kustomize_gives_with_helm() {
    let definition =
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.acme.io}\n";
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-c\ndata:\n  in: {{ .Release.Namespace }}\n  \
        list: {{ toJson .Values.list | quote }}\n  map: {{ toJson .Values.map | quote }}\n  kube: {{ .Capabilities.KubeVersion.Minor | quote }}\n  \
        has: {{ .Capabilities.APIVersions.Has \"acme.io/v9\" | quote }}\n";
    let values = "list: [1, 2]\nmap: {a: 1, b: 2}\nreplicas: 1\nimage: ghcr.io/acme/web:1.0.0\n";
    let hook = "apiVersion: v1\nkind: Pod\nmetadata: {name: h, annotations: {helm.sh/hook: pre-install}}\n";
    let test = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n";
    let kustomization = "namespace: around\nnamePrefix: p-\nresources: [base]\nhelmCharts:\n- name: web\n  releaseName: one\n  namespace: shop\n  \
        includeCRDs: true\n  valuesInline: {list: [3], map: {b: null, c: 4}}\n- name: web\n  releaseName: two\n  skipHooks: true\n  \
        kubeVersion: 1.30.0\n  apiVersions: [acme.io/v9]\n  valuesFile: more.yaml\n  valuesMerge: merge\n  valuesInline: {list: [5], \
        map: {a: 7, d: 8}}\n  additionalValuesFiles: [../shared.yaml]\n- name: web\n  nameTemplate: '{{ \"THREE\" | lower }}'\n  \
        skipTests: true\n  valuesMerge: replace\n  valuesInline: {list: [6]}\n- name: other\n  version: 1.2.3\n  repo: https://charts.acme.io\n  \
        releaseName: four\npatches:\n- target: {kind: Deployment, name: one}\n  patch: '- {op: replace, path: /spec/replicas, value: 9}'\nimages:\n- \
        {name: ghcr.io/acme/web, newTag: 9.9.9}\n";
    let base =
        "helmGlobals: {chartHome: ../../elsewhere}\nhelmCharts:\n- {name: web, releaseName: base, skipHooks: true}\n";
    let other = CHART.replace("name: web", "name: other");
    let mut files = vec![
        ("app/kustomization.yaml", kustomization),
        ("app/base/kustomization.yaml", base),
        ("app/more.yaml", "list: [9]\nmap: {a: 1}\nreplicas: 2\nimage: ghcr.io/acme/web:2.0.0\n"),
        ("shared.yaml", "replicas: 4\n"),
        ("app/charts/other-1.2.3/other/Chart.yaml", &other),
        ("app/charts/other-1.2.3/other/values.yaml", ""),
        (
            "app/charts/other-1.2.3/other/templates/c.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n",
        ),
    ];
    for (place, text) in [
        ("Chart.yaml", CHART),
        ("values.yaml", values),
        ("crds/x.yaml", definition),
        ("templates/d.yaml", DEPLOYMENT),
        ("templates/c.yaml", template),
        ("templates/h.yaml", hook),
        ("templates/t.yaml", test),
    ] {
        for home in ["app/charts/web", "elsewhere/web"] {
            files.push((format!("{home}/{place}").leak(), text));
        }
    }
    // A hook and a test may stand there once.
    let files: Vec<_> = files
        .into_iter()
        .map(|(path, text)| match path {
            "app/charts/web/templates/h.yaml" => (path, text.replace("name: h", "name: {{ .Release.Name }}-h")),
            "app/charts/web/templates/t.yaml" => (path, text.replace("name: t", "name: {{ .Release.Name }}-t")),
            _ => (path, text.to_owned()),
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let dir = repository(&files);
    let ours = rendered_with(dir.path(), "app", &Overlay { charts: charts(None), ..Overlay::default() });
    assert_eq!(told(&ours), Vec::<String>::new());
    let deployment = ours.objects.iter().find(|object| object.value["metadata"]["name"] == "p-one").unwrap();
    assert_eq!(deployment.value["spec"]["replicas"], 9);
    assert_eq!(deployment.file.as_deref(), Some("app/charts/web/templates/d.yaml"));
    assert_eq!(deployment.namespace.as_deref(), Some("shop"));
    let theirs = kustomize_with_helm(&dir.path().join("app"));
    assert_eq!(sorted(ours.objects.into_iter().map(|object| object.value).collect()), sorted(theirs));
}

#[test]
fn each_release_of_one_chart_has_its_own_namespace_and_what_it_makes_at_random_is_generated() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\nstringData:\n  {{- if .Values.fixed }}\n  password: \
        {{ .Values.fixed }}\n  {{- else }}\n  password: {{ randAlphaNum 12 }}\n  {{- end }}\n";
    let kustomization = "helmCharts:\n- {name: web, releaseName: a, namespace: one}\n- {name: web, releaseName: b, namespace: two, valuesInline: \
        {fixed: given}}\n- {name: web, releaseName: c}\n";
    let rendered = rendered(
        &[
            ("app/kustomization.yaml", kustomization),
            ("app/charts/web/Chart.yaml", CHART),
            ("app/charts/web/values.yaml", "fixed: \"\"\n"),
            ("app/charts/web/templates/s.yaml", secret),
        ],
        "app",
        None,
    );
    assert_eq!(told(&rendered), Vec::<String>::new());
    let found: Vec<_> = rendered
        .objects
        .iter()
        .map(|object| {
            let name = object.value["metadata"]["name"].as_str().unwrap();
            (name, object.namespace.as_deref(), object.generated.fields.len(), object.generated.values.join(","))
        })
        .collect();
    assert_eq!(
        found,
        [("a", Some("one"), 1, String::new()), ("b", Some("two"), 0, String::new()), ("c", None, 1, String::new())]
    );
}

#[test]
fn what_is_wrong_with_helm_charts_is_told_at_its_line_with_the_remedy() {
    let kustomization = "helmCharts:\n- name: web\n  releaseNam: x\n- name: web\n  valuesFile: none.yaml\n- name: far\n  version: 1.2.3\n  repo: \
        https://charts.acme.io\n- name: web\n  releaseName: one\n  nameTemplate: two\n- name: web\n  includeCRDs: 'yes'\n- {}\n";
    let files = [
        ("app/kustomization.yaml", kustomization),
        ("app/charts/web/Chart.yaml", CHART),
        ("app/charts/web/templates/c.yaml", "{{ fail \"no\" }}"),
    ];
    let rendered = rendered(&files, "app", None);
    assert_eq!(rendered.objects, []);
    assert_eq!(
        told(&rendered),
        [
            "app/kustomization.yaml:3: `helmCharts` has no field `releaseNam`: correct it",
            "app/kustomization.yaml:5: there is no file `none.yaml`: correct it, or bring it back",
            "app/kustomization.yaml:6: there is no chart in `app/charts/far-1.2.3/far`, and nothing is fetched while rendering: run \
             `helm pull far --repo https://charts.acme.io --version 1.2.3 --untar --untardir charts/far-1.2.3` in `app`, and commit it, or name its host in `spec.remote.hosts`",
            "app/kustomization.yaml:11: helm takes `releaseName` or `nameTemplate`, and not both",
            "app/kustomization.yaml:13: `includeCRDs` of `helmCharts` must be a boolean",
            "app/kustomization.yaml:14: an entry of `helmCharts` must have the `name` of its chart",
        ]
    );
}

#[test]
fn nothing_that_a_repository_says_is_a_flag_of_helm() {
    let out = tempfile::tempdir().unwrap();
    let evil = format!("--output-dir={}", out.path().display());
    let kustomization = format!("helmCharts:\n- name: '{evil}'\n");
    let place = |file: &str| format!("app/charts/{evil}/{file}");
    let (chart, template) = (place("Chart.yaml"), place("templates/x.yaml"));
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    let refused =
        rendered(&[("app/kustomization.yaml", &kustomization), (&chart, CHART), (&template, text)], "app", None);
    assert!(told(&refused)[0].contains("is no name for a release"), "{refused:?}");

    // Where its release has a name, it is a folder with an odd name.
    let named = format!(
        "{kustomization}  releaseName: x\n  namespace: --output-dir=/nowhere\n  kubeVersion: --output-dir=/nowhere\n"
    );
    let refused = rendered(&[("app/kustomization.yaml", &named), (&chart, CHART), (&template, text)], "app", None);
    assert!(told(&refused)[0].contains("--output-dir=/nowhere"), "helm takes it for a version: {refused:?}");
    let named = format!("{kustomization}  nameTemplate: --output-dir=/nowhere\n  namespace: --output-dir=/nowhere\n");
    let done = rendered(&[("app/kustomization.yaml", &named), (&chart, CHART), (&template, text)], "app", None);
    assert!(done.objects.len() == 1 || told(&done)[0].contains("helm: "), "{done:?}");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn encrypted_values_of_a_chart_are_refused_before_helm_runs() {
    let sealed = "replicas: 1\nimage: x\nsops: {mac: x, version: 3.9.0}\n";
    let release = Release { values_files: vec!["sealed.yaml".to_owned()], ..Release::default() };
    let refused = rendered(&web(&[("web/sealed.yaml", sealed)]), "web", Some(release));
    assert!(told(&refused)[0].starts_with("web/sealed.yaml:1: it is encrypted with SOPS"), "{refused:?}");
    assert_eq!(refused.objects, []);
}

#[test]
fn a_chart_in_an_older_form_of_kustomize_is_told_with_the_form_that_is_carried_out() {
    let generator = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: web}\nname: web\n";
    for (kustomization, file) in [
        ("generators: [chart.yaml]\n", Some(("app/chart.yaml", generator))),
        ("helmChartInflationGenerator:\n- {chartName: web}\n", None),
    ] {
        let files: Vec<_> = [("app/kustomization.yaml", kustomization)].into_iter().chain(file).collect();
        let refused = told(&rendered(&files, "app", None));
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].ends_with("write it as an entry of `helmCharts`"), "{refused:?}");
    }
}
