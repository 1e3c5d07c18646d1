//! Remote bases, against the real API server and a git host that the Sync names.

use secrecy::ExposeSecret;
use serde_json::json;

use crate::setup::{Setup, authority_of, config, run};

const BASE: &str = "acme/base";

/// A Sync, and a private base beside its repository with a login that its account may read.
async fn start(cluster: &'static heddle_testkit::cluster::Cluster) -> Setup {
    let setup = Setup::start(cluster, "apps", &[("apps/README.md", "words")]).await;
    let files = [("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", &config("a", "one"))];
    let files = files.map(|(path, text)| (path, text.replace("{target}", &setup.target)));
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    setup.github.create_repository(BASE, &files).await.unwrap();
    setup
        .kubectl(
            &[
                "create",
                "secret",
                "generic",
                "base",
                "-n",
                &setup.system,
                "--from-literal=username=x-access-token",
                &format!("--from-literal=password={}", setup.github.personal_token("ada").expose_secret()),
            ],
            "",
        )
        .await;
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "base", "namespace": setup.system},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["base"], "verbs": ["get"]}],
    });
    setup.kubectl(&["apply", "-f", "-"], &role.to_string()).await;
    let account = format!("--serviceaccount={}:heddle-deployer", setup.system);
    setup.kubectl(&["create", "rolebinding", "base", "-n", &setup.system, "--role=base", &account], "").await;
    setup
}

async fn let_fetch(setup: &Setup, pinned: &str) {
    let host = authority_of(&setup.github);
    let logins = json!([{"prefix": host, "secretName": "base"}]);
    let remote = json!({"hosts": [format!("{host}/acme/")], "pinned": pinned, "logins": logins});
    let patch = json!({"spec": {"remote": remote}});
    setup.patch_sync(&patch).await;
}

async fn name_base(setup: &Setup, state: &str) -> String {
    let address = format!("{}//?ref={state}", setup.github.clone_url(BASE));
    let kustomization = format!("resources:\n- {address}\n");
    setup.push(&[("apps/kustomization.yaml", Some(&kustomization))]).await
}

#[test]
fn a_base_is_applied_where_the_sync_lets_it_be_fetched_and_a_branch_is_followed() {
    run(async |cluster| {
        let setup = start(cluster).await;
        let head = setup.github.push_files(BASE, "main", &[("README.md", Some("words"))], "one", "ada").await.unwrap();
        name_base(&setup, &head).await;
        let refused = setup.condition("Rendered", "False", "Failed").await;
        assert!(refused.contains("spec.remote.hosts"), "{refused}");
        let_fetch(&setup, "required").await;
        setup.condition("Ready", "True", "Ready").await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "one");
        assert!(setup.sync().await["status"]["remotes"].is_null());

        name_base(&setup, "main").await;
        let refused = setup.condition("Rendered", "False", "Failed").await;
        assert!(refused.contains("names no commit"), "{refused}");
        let_fetch(&setup, "resolve").await;
        setup.condition("Ready", "True", "Ready").await;
        assert_eq!(setup.sync().await["status"]["remotes"][0]["revision"], head.as_str());

        let two = config("a", "two").replace("{target}", &setup.target);
        let next = setup.github.push_files(BASE, "main", &[("a.yaml", Some(&two))], "two", "ada").await.unwrap();
        setup.look();
        setup
            .eventually("the branch is followed", async || {
                let (found, sync) = (setup.find("configmap/a").await.unwrap(), setup.sync().await);
                let is_new = found["data"]["key"] == "two" && sync["status"]["remotes"][0]["revision"] == next.as_str();
                is_new.then_some(()).ok_or_else(|| format!("{found} {sync}"))
            })
            .await;
    });
}
