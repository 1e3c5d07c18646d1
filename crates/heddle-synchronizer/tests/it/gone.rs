//! Objects that leave the path: a delete is finished when the object is not there any more.

use heddle_testkit::webhook::Admission;
use serde_json::json;

use crate::setup::{Setup, config, definition, deployment, run};

/// An object that its operator has to let go.
fn jar(group: &str) -> String {
    format!(
        "apiVersion: {group}/v1\nkind: Jar\nmetadata:\n  name: jar\n  namespace: '{{target}}'\n  finalizers: [{group}/drain]\n"
    )
}

#[test]
fn an_operator_and_a_definition_go_after_their_objects_are_gone() {
    run(async |cluster| {
        let group = "operated.example.org";
        let (jars, jar, operator) =
            (definition(group, "Jar", "jars", &[("v1", true)]), jar(group), deployment("operator", "o:1"));
        let stays = config("stays", "x");
        let files = [
            ("apps/crd.json", &*jars),
            ("apps/jar.yaml", &*jar),
            ("apps/operator.yaml", &*operator),
            ("apps/stays.yaml", &*stays),
        ];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.allow_all().await;
        setup.condition("Applied", "True", "Applied").await;

        let head = setup.push(&[("apps/crd.json", None), ("apps/jar.yaml", None), ("apps/operator.yaml", None)]).await;
        setup.condition("Pruned", "False", "Stopped").await;
        let plan = setup.sync().await["status"]["stoppedPrune"]["plan"].as_str().unwrap().to_owned();
        let approval = format!("heddle.dev/approve-prune={plan}");
        setup.kubectl(&["annotate", "sync", "shop", "-n", &setup.system, &approval], "").await;
        let told = setup.condition("Pruned", "Unknown", "Terminating").await;
        assert!(told.contains("Jar") && told.contains(&format!("{group}/drain")), "{told}");
        assert!(told.contains("2 more are deleted after that"), "{told}");
        assert!(setup.find("deployment/operator").await.is_some(), "nobody can let the object go any more");
        assert!(setup.sync().await["status"]["objects"] == 4, "{}", setup.sync().await["status"]);

        let release = json!({"metadata": {"finalizers": null}}).to_string();
        let object = format!("jars.{group}/jar");
        setup.kubectl(&["patch", &object, "-n", &setup.target, "--type=merge", "-p", &release], "").await;
        setup.healthy_at(&head).await;
        assert!(setup.find("deployment/operator").await.is_none());
        let left = setup.kubectl(&["get", "crd", &format!("jars.{group}"), "--ignore-not-found"], "").await;
        assert_eq!(left.trim(), "");
    });
}

#[test]
fn a_delete_that_a_webhook_denies_is_no_delete_whatever_code_it_answers() {
    run(async |cluster| {
        let (stays, goes) = (config("stays", "x"), config("goes", "x"));
        let setup = Setup::start(cluster, "apps", &[("apps/stays.yaml", &stays), ("apps/goes.yaml", &goes)]).await;
        setup.condition("Ready", "True", "Ready").await;
        let webhook = setup.admit("configmaps", &["DELETE"], Admission::Deny(404)).await;
        let head = setup.push(&[("apps/goes.yaml", None)]).await;
        setup.condition("Pruned", "False", "Failed").await;
        let error = setup.sync().await["status"]["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(error.contains("could not be deleted") && error.contains("it is in use"), "{error}");
        assert!(setup.find("configmap/goes").await.is_some());

        drop(webhook);
        setup.admit_all().await;
        setup.look();
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/goes").await.is_none());
    });
}

#[test]
fn a_webhook_without_its_service_can_be_taken_out_by_git() {
    run(async |cluster| {
        let (a, webhook) = (config("a", "one"), dead_webhook());
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &a)]).await;
        setup.allow_all().await;
        setup.condition("Ready", "True", "Ready").await;
        let head = setup.push(&[("apps/webhook.yaml", Some(&webhook))]).await;
        setup.healthy_at(&head).await;

        let head = setup.push(&[("apps/webhook.yaml", None), ("apps/a.yaml", Some(&config("a", "two")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "two");
    });
}

/// A webhook for the ConfigMaps of the namespace, whose service does not exist.
fn dead_webhook() -> String {
    "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: 'dead-{target}'}\n\
     webhooks:\n- name: dead.example.org\n  clientConfig: {service: {name: nowhere, namespace: '{target}'}}\n  rules:\n  \
     - {apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}\n  \
     namespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': '{target}'}}\n  sideEffects: None\n  \
     admissionReviewVersions: [v1]\n"
        .to_owned()
}

#[test]
fn a_finalizer_that_nobody_takes_off_is_named_and_the_object_is_not_forgotten() {
    run(async |cluster| {
        let (stays, held) = (config("stays", "x"), config("held", "x"));
        let setup = Setup::start(cluster, "apps", &[("apps/stays.yaml", &stays), ("apps/held.yaml", &held)]).await;
        setup.condition("Ready", "True", "Ready").await;
        let hold = json!({"metadata": {"finalizers": ["example.org/held"]}}).to_string();
        setup.kubectl(&["patch", "configmap/held", "-n", &setup.target, "--type=merge", "-p", &hold], "").await;
        setup.push(&[("apps/held.yaml", None)]).await;
        let told = setup.condition("Pruned", "Unknown", "Terminating").await;
        assert!(told.contains("held by the finalizer example.org/held"), "{told}");
        // Another commit changes nothing about it.
        setup.push(&[("apps/stays.yaml", Some(&config("stays", "y")))]).await;
        setup
            .eventually("the next commit applied", async || {
                let value = setup.find("configmap/stays").await.unwrap()["data"]["key"].clone();
                if value == "y" { Ok(()) } else { Err(value.to_string()) }
            })
            .await;
        setup.condition("Pruned", "Unknown", "Terminating").await;
        let release = json!({"metadata": {"finalizers": null}}).to_string();
        setup.kubectl(&["patch", "configmap/held", "-n", &setup.target, "--type=merge", "-p", &release], "").await;
        setup.condition("Ready", "True", "Ready").await;
    });
}
