//! `heddle list` and `heddle chart set`.

use std::fs;

use serde_json::Value;

use crate::local::{path, with};

const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: certs}
spec:
  chart:
    spec:
      chart: cert-manager
      version: v1.18.1 # held by nobody
      sourceRef: {kind: HelmRepository, name: jetstack}
  values:
    image: {repository: quay.io/jetstack/cert-manager-controller, tag: v1.18.1}
";

const SOURCE: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: jetstack}
spec: {url: 'https://charts.jetstack.io'}
";

const ARTIFACT: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web}
spec:
  url: oci://ghcr.io/acme/web
  ref: {tag: 1.4.1}
";

const KUSTOMIZATION: &str = "resources: [release.yaml, 'https://github.com/acme/base//prod?ref=v1.0.0']\n";

const CONFIG: &str = "version: 1
environments: [{name: prod, path: prod}]
charts: [{name: web, policy: {semver: 1.x}, mode: commit}]
";

const ALL: &[(&str, &str)] = &[
    (".heddle.yaml", CONFIG),
    ("prod/release.yaml", RELEASE),
    ("prod/kustomization.yaml", KUSTOMIZATION),
    ("sources/jetstack.yaml", SOURCE),
    ("sources/web.yaml", ARTIFACT),
];

#[tokio::test]
async fn what_moves_is_listed_by_its_kind_with_what_moves_it() {
    let person = with(ALL);
    let root = path(&person, "");
    let list = async |more: &[&str]| {
        let arguments: Vec<&str> = ["list", &root, "-o", "json"].into_iter().chain(more.iter().copied()).collect();
        let ended = person.run(&arguments).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        let word = |value: &Value, key: &str| value[key].as_str().unwrap_or("-").to_owned();
        let json = ended.json();
        let all = json["versions"].as_array().unwrap().iter();
        all.map(|one| format!("{} {} {}", word(one, "kind"), word(one, "name"), word(one, "version")))
            .collect::<Vec<_>>()
    };
    let chart = "chart cert-manager v1.18.1";
    let image = "image quay.io/jetstack/cert-manager-controller v1.18.1";
    let reference = "ref https://github.com/acme/base//prod v1.0.0";
    assert_eq!(list(&[]).await, [reference, chart, image, "chart web 1.4.1"]);
    assert_eq!(list(&["--kind", "chart"]).await, [chart, "chart web 1.4.1"]);
    assert_eq!(list(&["--kind", "ref", "--kind", "image"]).await, [reference, image]);
    let ended = person.run(&["list", &root, "--kind", "chart"]).await;
    assert!(ended.stdout.contains("nothing updates it") && ended.stdout.contains(".heddle.yaml:3"), "{ended:?}");
    let images = person.run(&["image", "list", &root]).await;
    assert!(!images.stdout.contains("ghcr.io/acme/web"), "{images:?}");
}

#[tokio::test]
async fn another_version_is_written_at_every_place_of_a_chart_or_at_none() {
    let person = with(ALL);
    let root = path(&person, "");
    let text = || fs::read_to_string(path(&person, "prod/release.yaml")).unwrap();
    let set = async |chart: &str, version: &str, more: &[&str]| {
        let arguments = ["chart", "set", &root, "--chart", chart, "--version", version];
        person.run(&arguments.into_iter().chain(more.iter().copied()).collect::<Vec<_>>()).await
    };
    let shown = set("cert-manager", "v1.18.2", &["--dry-run"]).await;
    assert!(shown.code == 0 && shown.stdout.contains("+      version: v1.18.2 # held by nobody"), "{shown:?}");
    assert_eq!(text(), RELEASE);
    let ended = set("cert-manager", "v1.18.2", &[]).await;
    assert_eq!((ended.code, text()), (0, RELEASE.replacen("v1.18.1", "v1.18.2", 1)), "{ended:?}");
    assert_eq!(set("cert-manager", "v1.18.2", &[]).await.code, 3);
    assert_eq!(set("nothing", "v1.18.2", &[]).await.code, 3);
    assert_eq!(set("cert-manager", "1.2.3+b", &[]).await.code, 2);

    let range = RELEASE.replace("v1.18.1 #", "v1.x #");
    fs::write(path(&person, "prod/release.yaml"), &range).unwrap();
    let ended = set("cert-manager", "v1.18.2", &[]).await;
    assert!(ended.code == 2 && ended.stderr.contains("moves by itself"), "{ended:?}");
    assert_eq!(text(), range);

    fs::write(path(&person, "sources/other.yaml"), ARTIFACT.replace("acme/web", "other/web")).unwrap();
    let ended = set("web", "1.4.2", &[]).await;
    assert!(ended.code == 2 && ended.stderr.contains("--from"), "{ended:?}");
    assert_eq!(set("web", "1.4.2", &["--from", "oci://ghcr.io/other"]).await.code, 0);
    assert_eq!(fs::read_to_string(path(&person, "sources/web.yaml")).unwrap(), ARTIFACT);
}

#[tokio::test]
async fn a_chart_is_no_image_and_a_file_that_cannot_be_read_refuses_it_everywhere() {
    let image = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'ghcr.io/acme/web:1.0.0'}]}\n";
    let person = with(&[("web.yaml", ARTIFACT), ("pod.yaml", image)]);
    let root = path(&person, "");
    let text = |name: &str| fs::read_to_string(path(&person, name)).unwrap();
    let ended = person.run(&["image", "set", &root, "--image", "ghcr.io/acme/web", "--tag", "2.0.0"]).await;
    assert_eq!((ended.code, text("web.yaml")), (0, ARTIFACT.to_owned()), "{ended:?}");
    assert!(text("pod.yaml").contains("web:2.0.0"));

    fs::remove_file(path(&person, "pod.yaml")).unwrap();
    fs::write(
        path(&person, "broken.yaml"),
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {chart: {spec: {chart: web, version: [\n",
    )
    .unwrap();
    let ended = person.run(&["chart", "set", &root, "--chart", "web", "--version", "1.5.0"]).await;
    assert_eq!((ended.code, text("web.yaml")), (2, ARTIFACT.to_owned()), "{ended:?}");
}
