//! What a Sync adds to its path, against the real API server.

use serde_json::{Value, json};

use crate::setup::{Setup, config, run};

impl Setup {
    async fn patch_spec(&self, spec: &Value) -> Result<String, String> {
        self.sync().await;
        let patch = json!({"spec": spec}).to_string();
        let args = ["patch", "sync", "shop", "-n", &self.system, "--type", "merge", "-p", &patch];
        self.cluster.kubectl(&args, "").await.map_err(|error| format!("{error:#}"))
    }
}

#[test]
fn what_is_added_reaches_every_object_and_goes_when_it_is_taken_back() {
    run(async |cluster| {
        let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [../beside.yaml]\n";
        let (a, beside) = (config("a", "x"), config("beside", "x"));
        let setup = Setup::start(
            cluster,
            "apps",
            &[
                ("apps/a.yaml", &a),
                ("apps/deep/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: nowhere}\n"),
                ("shared/component/kustomization.yaml", component),
                ("shared/beside.yaml", &beside),
            ],
        )
        .await;
        setup.condition("Ready", "False", "Failed").await;
        let patch = "- {op: add, path: /data, value: {patched: \"yes\"}}";
        let added = json!({
            "components": ["../shared/component"],
            "targetNamespace": setup.target,
            "nameSuffix": "-s",
            "patches": [{"patch": patch, "target": {"kind": "ConfigMap", "name": "b"}}],
            "commonMetadata": {"labels": {"team": "shop"}, "annotations": {"owner": "me"}},
        });
        setup.patch_spec(&added).await.unwrap();
        setup.condition("Ready", "True", "Ready").await;
        for name in ["a-s", "b-s", "beside-s"] {
            let found = setup.find(&format!("configmap/{name}")).await.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found["metadata"]["labels"]["team"], "shop", "{found}");
            assert_eq!(found["metadata"]["annotations"]["owner"], "me", "{found}");
        }
        assert_eq!(setup.find("configmap/b-s").await.unwrap()["data"]["patched"], "yes");

        let head = setup.push(&[("apps/deep/b.yaml", None)]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/b-s").await.is_none());
        let gone = json!({"components": null, "nameSuffix": null, "commonMetadata": null, "patches": null});
        setup.patch_spec(&gone).await.unwrap();
        setup
            .eventually("what was added is gone", async || {
                let left = [setup.find("configmap/a-s").await, setup.find("configmap/beside-s").await];
                let plain = setup.find("configmap/a").await;
                let is_done = left.iter().all(Option::is_none) && plain.is_some();
                is_done.then_some(()).ok_or_else(|| format!("{left:?} {plain:?}"))
            })
            .await;
        assert!(setup.find("configmap/a").await.unwrap()["metadata"]["labels"]["team"].is_null());
    });
}

#[test]
fn what_cannot_be_added_is_refused_by_the_api_server_or_told_of_the_sync() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        for (spec, words) in [
            (json!({"components": ["/etc"]}), "write a component as its way from `path`"),
            (json!({"components": ["https://example.org/x"]}), "write a component as its way from `path`"),
            (json!({"targetNamespace": "Shop"}), "spec.targetNamespace"),
            (json!({"namePrefix": ""}), "spec.namePrefix"),
            (json!({"commonMetadata": {"labels": {"team": "a b"}}}), "spec.commonMetadata.labels"),
            (json!({"patches": [{"target": {"kind": "X"}}]}), "spec.patches[0].patch"),
            (json!({"images": [{"newTag": "1"}]}), "spec.images[0].name"),
        ] {
            let refused = setup.patch_spec(&spec).await.unwrap_err();
            assert!(refused.contains(words), "{spec}: {refused}");
        }
        setup.patch_spec(&json!({"components": ["../nowhere"]})).await.unwrap();
        setup.condition("Ready", "False", "Failed").await;
        let message = setup.sync().await["status"]["errors"][0]["message"].to_string();
        assert!(message.contains("of the fields of the Sync: `../nowhere`"), "{message}");
        assert!(setup.find("configmap/a").await.is_some(), "nothing is deleted meanwhile");
        setup.patch_spec(&json!({"components": null, "targetNamespace": "kube-system"})).await.unwrap();
        let message = setup.condition("Ready", "False", "BadSpec").await;
        assert!(message.contains("`spec.targetNamespace` is `kube-system`"), "{message}");
    });
}
