//! Charts, through the real `helm`.

use std::{path::Path, process::Command, sync::Arc};

use heddle_source::{
    Capabilities, Charts, ClusterView, Folder, GivenValues, Overlay, Release, RenderTools, Rendered, RenderedObject,
    Until, render,
};
use serde_json::{Value, json};

use crate::rendering::tool;

pub const CHART: &str = "apiVersion: v2\nname: web\nversion: 0.1.0\n";

pub const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n  labels: {by: \
    {{ .Release.Service }}, in: {{ .Release.Namespace }}}\nspec:\n  replicas: {{ .Values.replicas }}\n  template:\n    \
    spec:\n      containers: [{name: web, image: \"{{ .Values.image }}\"}]\n";

const VALUES: &str = "# ours\nreplicas: 1\nimage: ghcr.io/acme/web:1.0.0\n";

/// A repository of these files.
pub fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(".git")).unwrap();
    write(dir.path(), files);
    dir
}

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn tools() -> RenderTools {
    RenderTools::new(tool("kustomize"), tool("helm"))
}

pub fn charts(release: Option<Release>) -> Charts {
    Charts {
        release,
        name: Some("shop".to_owned()),
        namespace: Some("shop-prod".to_owned()),
        cluster: ClusterView::Helms,
    }
}

pub fn rendered_with(dir: &Path, path: &str, overlay: &Overlay) -> Rendered {
    let folder = Folder::open(&dir.join(path)).unwrap();
    render(&folder, folder.path(), overlay, &tools(), &Until::default())
}

pub fn rendered(files: &[(&str, &str)], path: &str, release: Option<Release>) -> Rendered {
    let dir = repository(files);
    rendered_with(dir.path(), path, &Overlay { charts: charts(release), ..Overlay::default() })
}

pub fn web(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let own = [("web/Chart.yaml", CHART), ("web/values.yaml", VALUES), ("web/templates/d.yaml", DEPLOYMENT)];
    own.into_iter().chain(more.iter().copied()).collect()
}

fn find<'r>(rendered: &'r Rendered, kind: &str) -> &'r RenderedObject {
    rendered.objects.iter().find(|object| object.value["kind"] == kind).unwrap()
}

/// What is wrong, as people read it.
pub fn told(rendered: &Rendered) -> Vec<String> {
    let told = |error: &heddle_source::RenderError| {
        let line = error.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}: {}", error.file.as_deref().unwrap_or_default(), error.message)
    };
    rendered.errors.iter().map(told).collect()
}

#[test]
fn a_directory_with_a_chart_gives_what_helm_template_gives_with_release_values_and_origin() {
    let definition =
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.acme.io}\n";
    let test = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n";
    let dir = repository(&web(&[
        ("web/crds/x.yaml", definition),
        ("web/templates/t.yaml", test),
        ("web/templates/NOTES.txt", "all is {{ .Values.image }}"),
        ("web/values-prod.yaml", "replicas: 3\n"),
        ("shared/values.yaml", "image: ghcr.io/acme/web:2.0.0\n"),
    ]));
    let release = Release {
        values_files: vec!["values-prod.yaml".to_owned(), "../shared/values.yaml".to_owned()],
        values: vec![GivenValues { name: "`spec.helm.values`".to_owned(), text: "replicas: 5\n".to_owned() }],
        ..Release::default()
    };
    let overlay = Overlay { charts: charts(Some(release.clone())), ..Overlay::default() };
    let rendered = rendered_with(dir.path(), "web", &overlay);

    assert_eq!(told(&rendered), Vec::<String>::new());
    assert_eq!(rendered.objects.len(), 2, "the test is left out: {rendered:?}");
    let deployment = find(&rendered, "Deployment");
    assert_eq!(deployment.value["metadata"], json!({"name": "shop", "labels": {"by": "Helm", "in": "shop-prod"}}));
    assert_eq!(deployment.value["spec"]["replicas"], 5);
    assert_eq!(deployment.value["spec"]["template"]["spec"]["containers"][0]["image"], "ghcr.io/acme/web:2.0.0");
    assert_eq!(deployment.file.as_deref(), Some("web/templates/d.yaml"));
    assert_eq!((deployment.unit.as_deref(), deployment.namespace.as_deref()), (Some("web"), Some("shop-prod")));
    assert_eq!(find(&rendered, "CustomResourceDefinition").file.as_deref(), Some("web/crds/x.yaml"));

    let without =
        Release { skip_crds: true, name: Some("other".to_owned()), namespace: Some("other-ns".to_owned()), ..release };
    let overlay = Overlay { charts: charts(Some(without)), ..Overlay::default() };
    let rendered = rendered_with(dir.path(), "web", &overlay);
    assert_eq!(rendered.objects.len(), 1, "{rendered:?}");
    assert_eq!(
        rendered.objects[0].value["metadata"],
        json!({"name": "other", "labels": {"by": "Helm", "in": "other-ns"}})
    );
}

#[test]
fn charts_below_the_path_are_units_of_their_own_and_libraries_are_passed_over() {
    let files = web(&[
        ("lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n"),
        ("lib/templates/_l.tpl", "{{ define \"l\" }}x{{ end }}"),
        ("plain.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"),
    ]);
    let rendered = rendered(&files, "", None);
    assert_eq!(told(&rendered), Vec::<String>::new());
    assert_eq!(find(&rendered, "Deployment").value["metadata"]["name"], "web", "it is called as its directory is");
    assert_eq!(rendered.objects.len(), 2, "{rendered:?}");
    let unread: Vec<String> = rendered.unread.iter().map(ToString::to_string).collect();
    assert_eq!(unread, ["lib (a library chart, which other charts are made with)"]);
}

#[test]
fn what_a_sync_says_of_a_chart_needs_one() {
    let plain = [("a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n")];
    let told = told(&rendered(&plain, "a", Some(Release::default())));
    assert!(told.len() == 1 && told[0].contains("no `Chart.yaml` in `a`"), "{told:?}");
}

#[test]
fn dependencies_lie_in_the_chart_or_elsewhere_in_the_repository() {
    let dependency =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.name }}, namespace: {{ .Release.Namespace }}}\n";
    let chart = "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n- {name: db, version: 0.1.0, repository: \"file://../db\"}\n";
    let files = [
        ("web/Chart.yaml", chart),
        ("web/values.yaml", "db: {name: ours}\n"),
        ("db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 0.1.0\n"),
        ("db/values.yaml", "name: theirs\n"),
        ("db/templates/c.yaml", dependency),
    ];
    let rendered_here = rendered(&files, "web", None);
    assert_eq!(told(&rendered_here), Vec::<String>::new());
    assert_eq!(rendered_here.objects[0].value["metadata"]["name"], "ours");
    assert_eq!(rendered_here.objects[0].file.as_deref(), Some("db/templates/c.yaml"));

    let missing = chart.replace("file://../db", "https://charts.example.org");
    let told = told(&rendered(&[("web/Chart.yaml", missing.as_str())], "web", None));
    assert!(told.len() == 1 && told[0].starts_with("web/Chart.yaml:5: its dependency `db 0.1.0 of "), "{told:?}");
    assert!(told[0].contains("run `helm dependency build` and commit `charts/`, or name its host"), "{told:?}");

    // Whatever the folder is called.
    let there = [
        ("web/Chart.yaml", missing.as_str()),
        ("web/charts/of-others/Chart.yaml", files[2].1),
        ("web/charts/of-others/values.yaml", files[3].1),
        ("web/charts/of-others/templates/c.yaml", dependency),
    ];
    let there = rendered(&there, "web", None);
    assert_eq!(self::told(&there), Vec::<String>::new());
    assert_eq!(there.objects[0].value["metadata"]["name"], "theirs");
}

#[test]
fn helms_complaints_are_told_at_the_template_and_at_the_value() {
    let check = |files: &[(&'static str, &'static str)], wanted: &[&str]| {
        let told = told(&rendered(&web(files), "web", None));
        assert_eq!(told.len(), wanted.len(), "{told:?}");
        for (told, wanted) in told.iter().zip(wanted) {
            let parts: Vec<&str> = wanted.split(" … ").collect();
            assert!(
                parts.iter().all(|part| told.contains(part)) && told.starts_with(parts[0]),
                "{told} is not {wanted}"
            );
            assert!(!told.contains("/tmp/") && !told.contains("--debug"), "{told}");
        }
    };
    check(
        &[
            ("web/templates/_h.tpl", "{{ define \"x\" }}\n{{ .Values.image.tag }}{{ end }}"),
            ("web/templates/e.yaml", "\n{{ include \"x\" . }}\n"),
        ],
        &[
            "web/templates/_h.tpl:2: helm: executing \"x\" at <.Values.image.tag>: … (called by web/templates/e.yaml:2) … the value stands at web/values.yaml:3",
        ],
    );
    check(
        &[("web/templates/e.yaml", "a: {{ .Values.replicas | b64enc }}\n")],
        &["web/templates/e.yaml:1: … wrong type for value; expected string … the value stands at web/values.yaml:2"],
    );
    check(&[("web/templates/e.yaml", "\n{{ fail \"not like this\" }}")], &["web/templates/e.yaml:2: … not like this"]);
    check(&[("web/templates/e.yaml", "\n{{ if }}")], &["web/templates/e.yaml:2: … missing value for if"]);
    check(&[("web/templates/e.yaml", "a: b: c\n")], &["web/templates/e.yaml: … YAML parse error"]);
    check(
        &[(
            "web/values.schema.json",
            r#"{"properties": {"replicas": {"type": "string"}, "image": {"type": "object"}}}"#,
        )],
        &[
            "web/values.yaml:2: the value `replicas` does not fit",
            "web/values.yaml:3: the value `image` does not fit … got string, want object",
        ],
    );
}

#[test]
fn a_name_that_no_release_can_have_is_told_with_the_remedy() {
    let release = Release { name: Some("Bad Name".to_owned()), ..Release::default() };
    let told = told(&rendered(&web(&[]), "web", Some(release)));
    assert!(told[0].contains("`Bad Name` is no name for a release"), "{told:?}");
    assert!(told[0].contains("name it in `spec.helm.releaseName`"), "{told:?}");
}

#[test]
fn what_is_wrong_with_values_is_told_at_their_file_before_helm_runs() {
    let files = web(&[("web/broken.yaml", "a:\n\tb: c\n"), ("web/list.yaml", "- a\n")]);
    let names = ["broken.yaml", "list.yaml", "missing.yaml", "../../outside.yaml"];
    let release = Release { values_files: names.map(str::to_owned).into(), ..Release::default() };
    let told = told(&rendered(&files, "web", Some(release)));
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].starts_with("web/broken.yaml:2: "), "{told:?}");
    assert!(told[1].starts_with("web/list.yaml:1: values of a chart must be a mapping"), "{told:?}");
    assert!(told[2].starts_with("web/missing.yaml: there is no such file"), "{told:?}");
    assert!(
        told[3].contains("`../../outside.yaml` of the values files") && told[3].contains("leads out of the repository"),
        "{told:?}"
    );
}

#[test]
fn a_secret_value_is_not_told_in_helms_words() {
    let files = web(&[
        ("web/values.yaml", "replicas: 1\nimage: x\ndbPassword: hunter2-canary\n"),
        ("web/templates/e.yaml", "{{ fail (printf \"bad %s\" .Values.dbPassword) }}"),
    ]);
    let files: Vec<_> =
        files.into_iter().filter(|(path, text)| *path != "web/values.yaml" || *text != VALUES).collect();
    let rendered = rendered(&files, "web", None);
    let told = told(&rendered);
    assert!(told.len() == 1 && told[0].contains("bad (secret)"), "{told:?}");
    assert!(serde_json::to_string(&rendered.withheld).unwrap().contains("hunter2-canary"));
}

#[test]
fn a_missing_helm_is_told_with_the_remedy() {
    let dir = repository(&web(&[]));
    let folder = Folder::open(&dir.path().join("web")).unwrap();
    let tools = RenderTools::new(tool("kustomize"), "helm");
    let overlay = Overlay { charts: charts(None), ..Overlay::default() };
    let told = told(&render(&folder, folder.path(), &overlay, &tools, &Until::default()));
    assert!(told.len() == 1 && told[0].contains("there is no program `helm`: install the official helm"), "{told:?}");
}

#[test]
fn templates_learn_the_cluster_and_nothing_is_rendered_while_it_is_unknown() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  version: {{ .Capabilities.KubeVersion.Version | quote }}\n  \
        has: {{ .Capabilities.APIVersions.Has \"acme.io/v1/Widget\" | quote }}\n";
    let dir = repository(&[("web/Chart.yaml", CHART), ("web/templates/c.yaml", template)]);
    let with = |cluster: ClusterView| {
        let overlay = Overlay { charts: Charts { cluster, ..charts(None) }, ..Overlay::default() };
        rendered_with(dir.path(), "web", &overlay)
    };
    let unknown = with(ClusterView::Unknown);
    assert!(unknown.needs_cluster && unknown.objects.is_empty() && unknown.errors.is_empty(), "{unknown:?}");
    let serves = ["acme.io/v1", "acme.io/v1/Widget"].map(str::to_owned);
    let known = Capabilities { kube_version: "v1.33.7+k3s1".to_owned(), api_versions: serves.into() };
    let rendered = with(ClusterView::Known(Arc::new(known)));
    assert!(rendered.needs_cluster);
    assert_eq!(rendered.objects[0].value["data"], json!({"version": "v1.33.7+k3s1", "has": "true"}));
}

#[test]
fn what_a_chart_makes_anew_each_time_is_marked_and_the_rest_is_not() {
    let template = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  user: ada\n  password: {{ .Values.password | default \
        (randAlphaNum 12) }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {at: {{ now | date \"2006-01-02\" \
        | quote }}}}\ndata: {all: {{ keys .Values.all | join \",\" | quote }}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n\
        list: {{ keys .Values.all | toJson }}\n";
    let values = "all: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1}\n";
    let files = [("web/Chart.yaml", CHART), ("web/values.yaml", values), ("web/templates/s.yaml", template)];
    let marked = rendered(&files, "web", None);
    assert_eq!(told(&marked), Vec::<String>::new());
    let secret = find(&marked, "Secret");
    assert_eq!(secret.generated.fields, ["/stringData/password"]);
    assert_eq!(secret.generated.values, ["password"]);
    let named = |name: &str| marked.objects.iter().find(|object| object.value["metadata"]["name"] == name).unwrap();
    assert_eq!(named("c").generated.fields, ["/metadata/annotations/at"]);
    assert_eq!(named("c").value["data"]["all"], "a,b,c,d,e,f,g,h", "what `keys` gives is in one order");
    assert_eq!(named("d").generated.fields, Vec::<String>::new(), "a list in another order is the same list");
    assert_eq!(named("d").value["list"], json!(["a", "b", "c", "d", "e", "f", "g", "h"]));

    let fixed = [
        ("web/Chart.yaml", CHART),
        ("web/values.yaml", "password: fixed\nall: {}\n"),
        ("web/templates/s.yaml", template),
    ];
    let fixed = rendered(&fixed, "web", None);
    assert_eq!(find(&fixed, "Secret").generated.fields, Vec::<String>::new());
}

#[test]
fn a_secret_of_a_chart_that_looks_into_the_cluster_is_generated_as_a_whole() {
    let template = "{{ $old := lookup \"v1\" \"Secret\" .Release.Namespace \"s\" }}apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  \
        password: {{ if $old }}{{ $old.data.password }}{{ else }}{{ .Values.auth.password | b64enc }}{{ end }}\n";
    let files = [
        ("web/Chart.yaml", CHART),
        ("web/values.yaml", "auth: {password: first}\n"),
        ("web/templates/s.yaml", template),
    ];
    let rendered = rendered(&files, "web", None);
    assert_eq!(told(&rendered), Vec::<String>::new());
    assert_eq!(rendered.objects[0].generated.fields, ["/data/password"]);
}

#[test]
fn what_a_sync_adds_reaches_what_a_chart_gives() {
    let random = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: {{ randAlphaNum 12 }}}\n";
    let dir = repository(&web(&[("web/templates/s.yaml", random)]));
    let kustomization =
        json!({"namespace": "other", "namePrefix": "a-", "images": [{"name": "ghcr.io/acme/web", "newTag": "9.9.9"}]});
    let overlay = Overlay { kustomization, charts: charts(None) };
    let rendered = rendered_with(dir.path(), "web", &overlay);
    assert_eq!(told(&rendered), Vec::<String>::new());
    let deployment = find(&rendered, "Deployment");
    assert_eq!(deployment.value["metadata"]["name"], "a-shop");
    assert_eq!(deployment.value["metadata"]["namespace"], "other");
    assert_eq!(deployment.value["spec"]["template"]["spec"]["containers"][0]["image"], "ghcr.io/acme/web:9.9.9");
    assert_eq!(deployment.file.as_deref(), Some("web/templates/d.yaml"));
    assert_eq!(find(&rendered, "Secret").generated.fields, ["/stringData/password"]);
}

#[test]
fn the_same_objects_come_as_from_helm_itself() {
    let dir = repository(&web(&[("web/values-prod.yaml", "replicas: 3\n")]));
    let release = Release { values_files: vec!["values-prod.yaml".to_owned()], ..Release::default() };
    let overlay = Overlay { charts: charts(Some(release)), ..Overlay::default() };
    let rendered = rendered_with(dir.path(), "web", &overlay);
    let helm = Command::new(tool("helm"))
        .args(["template", "shop", ".", "--namespace", "shop-prod", "--values", "values-prod.yaml", "--include-crds"])
        .current_dir(dir.path().join("web"))
        .output()
        .unwrap();
    let text = String::from_utf8(helm.stdout).unwrap();
    let theirs: Vec<Value> = heddle_manifest::documents::read_documents(&text)
        .map(|document| document.value.unwrap())
        .filter(|value| !value.is_null())
        .collect();
    let ours: Vec<Value> = rendered.objects.iter().map(|object| object.value.clone()).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn what_a_template_puts_into_a_secret_is_not_in_the_words_of_helm_in_any_form() {
    let template = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {url: {{ .Values.database.url }}}\n{{ fail (printf \"%s %s %q\" \
        .Values.database.url (.Values.database.url | b64enc) .Values.database.quoted) }}\n";
    let values = "database:\n  url: db://ada:correct-horse@db\n  quoted: 'battery\"staple'\n";
    let files = [("web/Chart.yaml", CHART), ("web/values.yaml", values), ("web/templates/s.yaml", template)];
    let rendered = rendered(&files, "web", None);
    let told = told(&rendered).join("\n");
    assert!(told.starts_with("web/templates/s.yaml:5: helm: "), "{told}");
    for word in ["horse", "ZGI6Ly9hZGE6Y29ycmVjdC1ob3JzZUBkYg", "staple"] {
        assert!(!told.contains(word), "{told}");
    }
}
