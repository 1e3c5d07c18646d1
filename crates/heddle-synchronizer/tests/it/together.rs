//! Several Syncs in one cluster.

use serde_json::{Value, json};

use crate::setup::{Setup, config, deployment, run};

impl Setup {
    /// Creates another Sync like the first, on another path.
    async fn add_sync(&self, name: &str, path: &str, fields: Value) {
        let mut sync = self.sync().await;
        sync["metadata"] = json!({"name": name, "namespace": self.system});
        sync["spec"]["path"] = path.into();
        sync["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        sync.as_object_mut().unwrap().remove("status");
        self.kubectl(&["create", "-f", "-"], &sync.to_string()).await;
    }

    async fn uid(&self, object: &str) -> String {
        self.find(object).await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
    }
}

#[test]
fn an_object_that_moves_between_syncs_is_handed_over_and_never_deleted() {
    run(async |cluster| {
        let (a, b, c) = (config("a", "one"), config("b", "one"), config("c", "one"));
        let files = [("left/a.yaml", &*a), ("left/b.yaml", &*b), ("right/c.yaml", &*c)];
        let setup = Setup::start(cluster, "left", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.add_sync("right", "right", json!({})).await;
        setup.condition_of("right", "Ready", "True", "Ready").await;
        let uid = setup.uid("configmap/a").await;

        for (from, to, value) in [("left", "right", "two"), ("right", "left", "three")] {
            let (old, new) = (format!("{from}/a.yaml"), format!("{to}/a.yaml"));
            let head = setup.push(&[(&old, None), (&new, Some(&config("a", value)))]).await;
            setup.applied_at("shop", &head).await;
            setup.applied_at("right", &head).await;
            let object = setup.find("configmap/a").await.unwrap();
            assert_eq!(object["data"]["key"], value);
            assert_eq!(object["metadata"]["uid"], uid.as_str(), "it was deleted in between");
        }
        // It is pruned by whoever had it last.
        let head = setup.push(&[("left/a.yaml", None)]).await;
        setup.applied_at("shop", &head).await;
        setup
            .eventually("the object pruned", async || {
                match setup.find("configmap/a").await {
                    None => Ok(()),
                    Some(_) => Err("it is there"),
                }
                .map_err(str::to_owned)
            })
            .await;
    });
}

#[test]
fn a_sync_waits_for_those_that_it_depends_on_and_a_circle_is_named() {
    run(async |cluster| {
        let (platform, app) = (deployment("db", "acme/db:broken"), config("app", "one"));
        let files = [("platform/db.yaml", &*platform), ("app/app.yaml", &*app)];
        let setup = Setup::start(cluster, "platform", &files).await;
        setup.condition("Fetched", "True", "Fetched").await;
        setup.add_sync("app", "app", json!({"dependsOn": [{"name": "shop"}]})).await;
        let message = setup.condition_of("app", "Applied", "False", "DependencyNotReady").await;
        assert!(message.contains("shop"), "{message}");
        assert!(setup.find("configmap/app").await.is_none());

        let head = setup.push(&[("platform/db.yaml", Some(&deployment("db", "acme/db:1.0.0")))]).await;
        setup.applied_at("app", &head).await;
        assert!(setup.find("configmap/app").await.is_some());

        let circle = r#"{"spec": {"dependsOn": [{"name": "app"}]}}"#;
        setup.kubectl(&["patch", "sync", "shop", "-n", &setup.system, "--type=merge", "-p", circle], "").await;
        setup.push(&[("app/app.yaml", Some(&config("app", "two")))]).await;
        let message = setup.condition_of("app", "Applied", "False", "DependencyNotReady").await;
        assert!(message.contains("it waits for itself: app → shop → app"), "{message}");
        assert_eq!(setup.find("configmap/app").await.unwrap()["data"]["key"], "one");
    });
}

#[test]
fn what_a_deleted_sync_left_is_shown_taken_over_and_never_pruned() {
    run(async |cluster| {
        let (a, b) = (config("a", "one"), config("b", "one"));
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &a), ("apps/b.yaml", &b)]).await;
        setup.condition("Ready", "True", "Ready").await;
        let uid = setup.uid("configmap/a").await;
        let mut anew = setup.sync().await;
        anew["metadata"] = json!({"name": "shop", "namespace": setup.system});
        anew.as_object_mut().unwrap().remove("status");
        setup.kubectl(&["delete", "sync", "shop", "-n", &setup.system], "").await;
        setup.push(&[("apps/b.yaml", None)]).await;
        setup.kubectl(&["create", "-f", "-"], &anew.to_string()).await;
        let message = setup.condition("Leftovers", "True", "Found").await;
        assert!(message.contains(&format!("ConfigMap {}/b", setup.target)), "{message}");
        setup.condition("Ready", "True", "Ready").await;
        assert!(setup.find("configmap/b").await.is_some());
        assert_eq!(setup.uid("configmap/a").await, uid);
        assert_eq!(setup.sync().await["status"]["objects"], 1);
    });
}

#[test]
fn without_its_account_nothing_happens_and_another_manifest_changes_nothing() {
    run(async |cluster| {
        let mut setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "one"))]).await;
        setup.condition("Ready", "True", "Ready").await;

        // The install manifest is applied again, with another path.
        let path = ["get", "configmap", "heddle-sync", "-n", &setup.system, "-o", "json"];
        let mut map: Value = serde_json::from_str(&setup.kubectl(&path, "").await).unwrap();
        let text = map["data"]["sync.yaml"].as_str().unwrap().replace("path: \"apps\"", "path: other");
        assert!(text.contains("path: other"), "{text}");
        map["data"]["sync.yaml"] = text.into();
        setup.kubectl(&["replace", "-f", "-"], &map.to_string()).await;
        setup.kill_and_restart().await;
        let message = setup.condition("InstallManifest", "False", "Differs").await;
        assert!(message.contains("about path:"), "{message}");
        setup.condition("Ready", "True", "Ready").await;
        assert_eq!(setup.sync().await["spec"]["path"], "apps");

        // Its rights stay bound to a name that nobody has any more.
        setup.kubectl(&["delete", "serviceaccount", "heddle-deployer", "-n", &setup.system], "").await;
        setup.kill_and_restart().await;
        let message = setup.condition("Applied", "False", "NoAccount").await;
        assert!(message.contains("`heddle-deployer`"), "{message}");
        setup.push(&[("apps/a.yaml", Some(&config("a", "two")))]).await;
        let account =
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: heddle-deployer, namespace: '{system}'}\n";
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "one");
        setup.kubectl(&["apply", "-f", "-"], &account.replace("{system}", &setup.system)).await;
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "three")))]).await;
        setup.healthy_at(&head).await;
    });
}
