use crate::{
    Files, config,
    documents::parse_document,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment},
    peers::{Imported, import},
    yaml::Documents,
};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n";
const SOURCE: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, namespace: flux-system}\nspec: {url: \"ssh://git@github.com/acme/config.git\", ref: {branch: main}}\n";

fn imported(list: &[(&str, &str)]) -> Imported {
    let mut files = Files::default();
    list.iter().for_each(|(path, text)| files.insert((*path).to_owned(), (*text).to_owned()));
    let environments = [FoundEnvironment::new("any".parse().unwrap(), "", EnvironmentOrigin::Folder)];
    let found = crate::find(&FindInput { files: &files, environments: &environments });
    let imported = import(&files, &found, None);
    assert_eq!(config::read(&imported.config).1, [], "{}", imported.config);
    assert_eq!(Documents::read(&imported.syncs).error, None, "{}", imported.syncs);
    imported
}

fn flux(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\nspec:\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n{spec}"
    )
}

#[test]
fn a_kustomization_of_flux_becomes_an_environment_and_a_sync() {
    let apps = flux(
        "apps",
        "  path: ./apps/prod\n  interval: 10m\n  prune: true\n  targetNamespace: shop\n  dependsOn: [{name: infra}]\n  decryption: {provider: sops}\n  postBuild: {substitute: {ZONE: eu}, substituteFrom: [{kind: ConfigMap, name: vars, optional: true}]}\n",
    );
    let own = flux("flux-system", "  path: ./clusters/prod\n  prune: true\n");
    let gone = flux("gone", "  path: ./nowhere\n");
    let imported = imported(&[
        ("apps/prod/web/pod.yaml", POD),
        ("clusters/prod/apps.yaml", &apps),
        ("clusters/prod/flux.yaml", &own),
        ("clusters/prod/gone.yaml", &gone),
        ("clusters/prod/source.yaml", SOURCE),
    ]);
    assert!(
        imported.config.starts_with("version: 1\nenvironments:\n  - name: prod\n    path: apps/prod\nimages: []\n"),
        "{}",
        imported.config
    );
    let expected = "# Kustomization `flux-system/apps` (clusters/prod/apps.yaml:1)\napiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata:\n  name: apps\n  namespace: heddle-system\nspec:\n  repository: 'https://github.com/acme/config'\n  branch: main\n  path: apps/prod\n  interval: '10m'\n  prune: true\n  dependsOn: [{name: infra}]\n  targetNamespace: shop\n  substitute:\n    values:\n      ZONE: eu\n    from:\n      - {kind: ConfigMap, name: vars, optional: true}\n";
    assert_eq!(imported.syncs, expected);
    let told: Vec<String> = imported.differs.iter().map(|one| format!("{}:{}", one.file, one.message)).collect();
    for words in [
        "apps.yaml:Kustomization `flux-system/apps`: a `Sync` has no `decryption`",
        "flux.yaml:Kustomization `flux-system/flux-system`: it applies itself",
        "gone.yaml:Kustomization `flux-system/gone`: its path `nowhere` is no folder here",
    ] {
        assert!(told.iter().any(|one| one.contains(words)), "{words}: {told:#?}");
    }
}

#[test]
fn what_a_sync_has_under_the_same_name_is_written_as_it_stands() {
    let spec = "path: apps\n  prune: true\n  components: [../ha]\n  namePrefix: p-\n  commonMetadata: {labels: {team: shop}}\n  images: [{name: acme/api, newTag: '1.10'}]\n  patches:\n    - target: {kind: Deployment}\n      patch: |\n        - op: add\n          path: /spec/x\n\n          value: \"${y}\"\n";
    let imported = imported(&[
        ("apps/pod.yaml", POD),
        ("flux/apps.yaml", &flux("apps", &format!("  {spec}"))),
        ("flux/source.yaml", SOURCE),
    ]);
    assert!(imported.differs.is_empty(), "{:#?}", imported.differs);
    let read = |text: &str| parse_document(text).unwrap();
    let (sync, wanted) = (read(&imported.syncs), read(&format!("  {spec}")));
    for field in ["components", "namePrefix", "commonMetadata", "images", "patches", "prune", "path"] {
        assert_eq!(sync["spec"][field], wanted[field], "{field}: {}", imported.syncs);
    }
}

#[test]
fn an_application_of_argo_cd_becomes_a_sync_and_one_of_a_chart_is_told() {
    let application = |name: &str, source: &str, policy: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec:\n  source: {{repoURL: \"https://github.com/acme/config.git\", targetRevision: HEAD, {source}}}\n  destination: {{namespace: shop}}\n{policy}"
        )
    };
    let web = application("web", "path: apps/web", "  syncPolicy: {automated: {prune: true}}\n");
    let hand = application("hand", "path: apps/web", "");
    let chart = application("chart", "chart: nginx", "");
    let imported = imported(&[
        ("apps/web/pod.yaml", POD),
        ("argo/web.yaml", &web),
        ("argo/hand.yaml", &hand),
        ("argo/chart.yaml", &chart),
    ]);
    assert!(imported.config.contains("  - name: web\n    path: apps/web\n"), "{}", imported.config);
    assert_eq!(imported.syncs.matches("kind: Sync").count(), 2, "{}", imported.syncs);
    assert!(
        imported.syncs.contains("  prune: false\n  suspend: true\n")
            && imported.syncs.contains("  path: apps/web\n  prune: true\n  namespaces: [shop]\n"),
        "{}",
        imported.syncs
    );
    assert!(
        imported.differs.iter().any(|one| one.file == "argo/chart.yaml" && one.message.contains("installs a chart"))
    );
}

#[test]
fn paths_below_others_make_no_environment_and_names_are_told_apart() {
    let list = [("a/prod/p.yaml", POD), ("a/prod/x/p.yaml", POD), ("b/prod/p.yaml", POD)];
    let texts: Vec<String> = ["a/prod", "a/prod/x", "b/prod"]
        .iter()
        .enumerate()
        .map(|(n, path)| flux(&format!("k{n}"), &format!("  path: {path}\n")))
        .collect();
    let files: Vec<(String, &str)> =
        texts.iter().enumerate().map(|(n, text)| (format!("flux/{n}.yaml"), text.as_str())).collect();
    let all: Vec<(&str, &str)> =
        list.iter().copied().chain(files.iter().map(|(path, text)| (path.as_str(), *text))).collect();
    let imported = imported(&all);
    let (config, _) = config::read(&imported.config);
    let names: Vec<String> = config.environments.iter().map(|one| format!("{} {}", one.name, one.path)).collect();
    assert_eq!(names, ["a-prod a/prod", "b-prod b/prod"]);
    assert_eq!(imported.syncs, "", "without a source nobody knows the repository");
}
