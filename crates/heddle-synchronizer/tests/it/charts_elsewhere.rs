//! Charts of repositories elsewhere, against the real API server and a registry to which the real helm pushes.

use std::{path::Path, process::Command};

use heddle_testkit::{
    registry::{Door, PASSWORD, Registry, USER},
    tools,
};
use serde_json::{Value, json};

use crate::setup::{Setup, run};

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {key: '{{ .Values.text }}'}\n";

fn helm(dir: &Path, arguments: &[&str]) {
    let program = tools::path("helm").unwrap();
    let output = Command::new(program).args(arguments).current_dir(dir).env("HOME", dir).output().unwrap();
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Pushes a chart whose object has this text, with the login that is shown to a registry that is locked.
fn push(registry: &Registry, version: &str, text: &str, login: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let chart = format!("apiVersion: v2\nname: web\nversion: {version}\n");
    std::fs::create_dir_all(dir.path().join("web/templates")).unwrap();
    for (file, text) in
        [("Chart.yaml", &*chart), ("values.yaml", &format!("text: {text}\n")), ("templates/c.yaml", TEMPLATE)]
    {
        std::fs::write(dir.path().join("web").join(file), text).unwrap();
    }
    helm(dir.path(), &["package", "web"]);
    let (file, to) = (format!("web-{version}.tgz"), format!("oci://{}/acme/charts", registry.host()));
    helm(dir.path(), &[&["push", &file, &to, "--plain-http"], login].concat());
}

async fn let_fetch(setup: &Setup, registry: &Registry, pinned: &str) {
    let prefix = format!("{}/acme/", registry.host());
    let logins = json!([{"prefix": prefix, "secretName": "charts"}]);
    let patch = json!({"spec": {"remote": {"hosts": [prefix], "pinned": pinned, "logins": logins}}});
    setup.patch_sync(&patch).await;
}

/// A login that the account of the Sync may read.
async fn keep_login(setup: &Setup) {
    let (user, password) = (format!("--from-literal=username={USER}"), format!("--from-literal=password={PASSWORD}"));
    let create = ["create", "secret", "generic", "charts", "-n", &setup.system, &user, &password];
    setup.kubectl(&create, "").await;
    let create = ["create", "role", "charts", "-n", &setup.system, "--verb=get", "--resource=secrets"];
    setup.kubectl(&[&create[..], &["--resource-name=charts"]].concat(), "").await;
    let account = format!("--serviceaccount={}:heddle-deployer", setup.system);
    setup.kubectl(&["create", "rolebinding", "charts", "-n", &setup.system, "--role=charts", &account], "").await;
}

async fn name_version(setup: &Setup, registry: &Registry, version: &str) -> String {
    let kustomization = format!(
        "namespace: {}\nhelmCharts:\n- {{name: web, repo: 'oci://{}/acme/charts', version: '{version}', releaseName: web}}\n",
        setup.target,
        registry.host()
    );
    setup.push(&[("apps/kustomization.yaml", Some(&kustomization))]).await
}

async fn has(setup: &Setup, key: &str, version: &str) -> Value {
    setup
        .eventually("the chart is applied", async || {
            let (found, sync) = (setup.find("configmap/web").await.unwrap_or_default(), setup.sync().await);
            let remote = sync["status"]["remotes"][0].clone();
            if found["data"]["key"] == key && remote["version"] == version {
                return Ok(remote);
            }
            Err(format!("{found} {sync}"))
        })
        .await
}

#[test]
fn a_chart_of_a_registry_is_applied_with_its_login_goes_on_while_that_is_away_and_another_package_is_asked_about() {
    run(async |cluster| {
        let mut registry = Registry::start().await.unwrap();
        push(&registry, "0.1.0", "one", &[]);
        registry.lock(&Door::Basic).await.unwrap();
        let setup = Setup::start(cluster, "apps", &[("apps/README.md", "words")]).await;
        let mut setup = setup.allowing(&[&registry.host()]).await;
        setup.allow_all().await;
        keep_login(&setup).await;
        name_version(&setup, &registry, "0.1.0").await;
        let refused = setup.condition("Rendered", "False", "Failed").await;
        assert!(refused.contains("helm pull") && refused.contains("spec.remote.hosts"), "{refused}");
        let_fetch(&setup, &registry, "required").await;
        let first = has(&setup, "one", "0.1.0").await;
        setup.condition("Ready", "True", "Ready").await;
        assert_eq!(first["address"], format!("web 0.1.0 of oci://{}/acme/charts", registry.host()));

        // A later process knows by the status what the version was, and finds another package under it.
        let login = ["--username", USER, "--password", PASSWORD];
        push(&registry, "0.1.0", "two", &login);
        setup.kill_and_restart().await;
        let moved = setup.condition("RemoteBases", "False", "Moved").await;
        let asked = setup.sync().await["status"]["remotes"][0].clone();
        assert_eq!(asked["revision"], first["revision"]);
        let now = asked["movedTo"].as_str().unwrap().to_owned();
        assert!(moved.contains(&format!("heddle.dev/approve-remote={now}")), "{moved}");
        assert_eq!(setup.find("configmap/web").await.unwrap()["data"]["key"], "one");
        let approve = format!("heddle.dev/approve-remote={now}");
        setup.annotate_sync(&approve).await;
        let second = has(&setup, "two", "0.1.0").await;
        assert_eq!((&second["revision"], &second["movedTo"]), (&json!(now), &Value::Null));

        registry.stop().await.unwrap();
        setup.kill_and_restart().await;
        setup.condition("RemoteBases", "False", "Away").await;
        let patch = json!({"data": {"key": "by hand"}}).to_string();
        setup.kubectl(&["patch", "configmap", "web", "-n", &setup.target, "--type=merge", "-p", &patch], "").await;
        has(&setup, "two", "0.1.0").await;
    });
}

#[test]
fn a_range_is_followed_where_the_sync_says_so() {
    run(async |cluster| {
        let registry = Registry::start().await.unwrap();
        push(&registry, "0.1.0", "one", &[]);
        let setup = Setup::start(cluster, "apps", &[("apps/README.md", "words")]).await;
        let mut setup = setup.allowing(&[&registry.host()]).await;
        setup.allow_all().await;
        keep_login(&setup).await;
        let_fetch(&setup, &registry, "required").await;
        name_version(&setup, &registry, "^0.1").await;
        let refused = setup.condition("Rendered", "False", "Failed").await;
        assert!(refused.contains("names no single version"), "{refused}");
        let_fetch(&setup, &registry, "resolve").await;
        assert_eq!(has(&setup, "one", "0.1.0").await["branch"], true);
        push(&registry, "0.1.1", "two", &[]);
        setup.kill_and_restart().await;
        has(&setup, "two", "0.1.1").await;
    });
}
