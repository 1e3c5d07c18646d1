//! Whose the objects and their fields are: what is kept, taken over, fought over.

use crate::setup::{Setup, config, run};

/// A ConfigMap with an annotation.
fn guarded(name: &str, annotation: &str) -> String {
    config(name, "x").replace("metadata:\n", &format!("metadata:\n  annotations: {{{annotation}}}\n"))
}

#[test]
fn what_says_in_any_tools_words_that_it_stays_is_not_deleted_whatever_was_approved() {
    run(async |cluster| {
        let guards = [
            ("heddle", "heddle.dev/prune: keep"),
            ("flux", "kustomize.toolkit.fluxcd.io/prune: disabled"),
            ("argo", "argocd.argoproj.io/sync-options: 'Validate=false,Prune=false'"),
            ("helm", "helm.sh/resource-policy: keep"),
            ("kapp", "kapp.k14s.io/delete-strategy: orphan"),
        ];
        let mut files: Vec<(String, String)> =
            guards.iter().map(|(name, words)| (format!("apps/{name}.yaml"), guarded(name, words))).collect();
        files.push(("apps/asks.yaml".into(), guarded("asks", "argocd.argoproj.io/sync-options: Prune=confirm")));
        files.push(("apps/goes.yaml".into(), config("goes", "x")));
        files.push(("apps/stays.yaml".into(), config("stays", "x")));
        let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let setup = Setup::start(cluster, "apps", &borrowed).await;
        setup.condition("Ready", "True", "Ready").await;

        let gone: Vec<_> = files.iter().take(guards.len() + 2).map(|(path, _)| (path.as_str(), None)).collect();
        setup.push(&gone).await;
        // One of them asks, so that a person approves what is left of the plan.
        let message = setup.condition("Pruned", "False", "Stopped").await;
        assert!(message.contains("ConfigMap") && message.contains("asks for it"), "{message}");
        let plan = setup.sync().await["status"]["stoppedPrune"].clone();
        assert_eq!(plan["count"], 2, "{plan}");
        let approval = format!("heddle.dev/approve-prune={}", plan["plan"].as_str().unwrap());
        setup.kubectl(&["annotate", "sync", "shop", "-n", &setup.system, &approval], "").await;
        setup.condition("Pruned", "True", "Pruned").await;
        for (name, _) in guards {
            assert!(setup.find(&format!("configmap/{name}")).await.is_some(), "{name}");
        }
        assert!(setup.find("configmap/goes").await.is_none() && setup.find("configmap/asks").await.is_none());
        setup
            .eventually("nothing but what is in the path in the inventory, and no word of leftovers", async || {
                let status = setup.sync().await["status"].clone();
                let is_left = status["conditions"].as_array().unwrap().iter().any(|one| one["type"] == "Leftovers");
                if status["objects"] == 1 && !is_left { Ok(()) } else { Err(status.to_string()) }
            })
            .await;
    });
}
