//! What the watches see, and what is said where they see nothing.

use serde_json::{Value, json};

use crate::setup::{Setup, config, definition, run};

impl Setup {
    /// The Sync's condition of this kind now.
    pub async fn find_condition(&self, kind: &str) -> Option<Value> {
        let conditions = self.sync().await["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == kind)
    }
}

#[test]
fn a_watch_goes_on_in_a_version_that_is_served() {
    run(async |cluster| {
        let group = "versions.example.org";
        let gadget = |version: &str, size: u8| {
            format!(
                "apiVersion: {group}/{version}\nkind: Gadget\nmetadata: {{name: a, namespace: '{{target}}'}}\nspec: {{size: {size}}}\n"
            )
        };
        let defined =
            |old_is_served| definition(group, "Gadget", "gadgets", &[("v1alpha1", old_is_served), ("v1", true)]);
        let (both, first) = (defined(true), gadget("v1alpha1", 1));
        let setup = Setup::start(cluster, "apps", &[("apps/crd.json", &both), ("apps/a.yaml", &first)]).await;
        setup.allow_all().await;
        setup.condition("Applied", "True", "Applied").await;
        let object = format!("gadgets.v1.{group}/a");
        let well = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}).to_string();
        setup.kubectl(&["patch", &object, "-n", &setup.target, "--type=merge", "-p", &well], "").await;
        let head = setup.push(&[("apps/a.yaml", Some(&gadget("v1", 2)))]).await;
        setup.healthy_at(&head).await;
        let head = setup.push(&[("apps/crd.json", Some(&defined(false)))]).await;
        setup.healthy_at(&head).await;

        let change = json!({"spec": {"size": 99}}).to_string();
        setup.kubectl(&["patch", &object, "-n", &setup.target, "--type=merge", "-p", &change], "").await;
        let size = async |wanted: &Value| {
            setup
                .eventually(&format!("the size {wanted}"), async || {
                    let size = setup.find(&object).await.map(|object| object["spec"]["size"].clone());
                    if size.as_ref() == Some(wanted) { Ok(()) } else { Err(format!("{size:?}")) }
                })
                .await;
        };
        size(&json!(2)).await;
        let unwell = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Broken"}]}});
        setup.kubectl(&["patch", &object, "-n", &setup.target, "--type=merge", "-p", &unwell.to_string()], "").await;
        setup
            .eventually("a verdict that is not the last one", async || match setup.find_condition("Healthy").await {
                Some(healthy) if healthy["status"] == "False" => Ok(()),
                other => Err(format!("{other:?}")),
            })
            .await;
        setup.kubectl(&["delete", &object, "-n", &setup.target], "").await;
        size(&json!(2)).await;
    });
}

/// A definition that somebody changes by hand, so that what git has is not served any more.
#[test]
fn a_version_that_is_not_served_any_more_is_said_within_seconds() {
    run(async |cluster| {
        let group = "handmade.example.org";
        let by_hand =
            |old_is_served| definition(group, "Thing", "things", &[("v1alpha1", old_is_served), ("v1", true)]);
        let thing =
            format!("apiVersion: {group}/v1alpha1\nkind: Thing\nmetadata: {{name: a, namespace: '{{target}}'}}\n");
        cluster.kubectl(&["apply", "-f", "-"], &by_hand(true)).await.unwrap();
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &thing)]).await;
        setup.allow_all().await;
        setup.condition("Applied", "True", "Applied").await;
        setup.kubectl(&["apply", "-f", "-"], &by_hand(false)).await;
        setup.condition("Applied", "False", "Failed").await;
        let error = setup.sync().await["status"]["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(error.contains("does not serve Thing") && error.contains(&format!("{group}/v1")), "{error}");
    });
}

#[test]
fn a_right_that_is_missing_to_watch_is_said_with_its_kind_and_its_verb() {
    run(async |cluster| {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: '{target}'}\nstringData: {key: x}\n";
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x")), ("apps/s.yaml", secret)]).await;
        setup.condition("Ready", "True", "Ready").await;
        assert!(setup.find_condition("Watched").await.is_none());
        let target = &setup.target;
        setup.kubectl(&["delete", "rolebinding", "heddle-deployer", "-n", target], "").await;
        let verbs = "--verb=get,create,patch,delete";
        setup.kubectl(&["create", "role", "blind", verbs, "--resource=configmaps,secrets", "-n", target], "").await;
        let account = format!("--serviceaccount={}:heddle-deployer", setup.system);
        setup.kubectl(&["create", "rolebinding", "blind", "--role=blind", &account, "-n", target], "").await;
        let mut setup = setup;
        setup.kill_and_restart().await;
        let told = setup.condition("Watched", "False", "Forbidden").await;
        for said in ["ConfigMap in", "Secret in", "(list)", "cannot list resource"] {
            assert!(told.contains(said), "{said}: {told}");
        }
        setup.condition("Ready", "True", "Ready").await;
    });
}

#[test]
fn what_kubernetes_and_operators_label_like_ours_is_no_leftover() {
    run(async |cluster| {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: '{target}'}\n\
            spec: {selector: {app: web}, ports: [{port: 80}]}\n";
        let endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: other, namespace: '{target}'}\n";
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: '{target}'}\nstringData: {key: x}\n";
        let kept = config("kept", "x").replace("  name: kept", "  name: kept\n  annotations: {heddle.dev/prune: keep}");
        let files =
            [("apps/a.yaml", service), ("apps/b.yaml", endpoints), ("apps/c.yaml", secret), ("apps/k.yaml", &*kept)];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.allow_all().await;
        setup.condition("Ready", "True", "Ready").await;
        let label = format!("heddle.dev/sync={}", setup.sync().await["metadata"]["uid"].as_str().unwrap());
        setup.kubectl(&["create", "secret", "generic", "made", "-n", &setup.target], "").await;
        setup.kubectl(&["label", "secret", "made", &label, "-n", &setup.target], "").await;
        let head = setup.push(&[("apps/k.yaml", None), ("apps/d.yaml", Some(&config("d", "x")))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("endpoints/web").await.unwrap()["metadata"]["labels"]["heddle.dev/sync"].is_string());
        assert!(setup.find("configmap/kept").await.is_some());
        assert_eq!(setup.find_condition("Leftovers").await, None);
    });
}

#[test]
fn leftovers_are_those_of_now() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        // One that is created anew has an empty inventory, and does not know the object of another path.
        let mut sync = setup.sync().await;
        setup.push(&[("other/b.yaml", Some(&config("b", "x")))]).await;
        setup.kubectl(&["delete", "sync", "shop", "-n", &setup.system], "").await;
        sync["metadata"] = json!({"name": "shop", "namespace": setup.system});
        sync["spec"]["path"] = "other".into();
        sync.as_object_mut().unwrap().remove("status");
        setup.kubectl(&["create", "-f", "-"], &sync.to_string()).await;
        let told = setup.condition("Leftovers", "True", "Found").await;
        assert!(told.contains("ConfigMap") && told.contains("/a"), "{told}");
        setup.kubectl(&["delete", "configmap", "a", "-n", &setup.target], "").await;
        setup.look();
        setup
            .eventually("nothing left over", async || match setup.find_condition("Leftovers").await {
                None => Ok(()),
                Some(told) => Err(told.to_string()),
            })
            .await;
    });
}
