//! Objects that leave the path: a delete is finished when the object is not there any more.

use heddle_testkit::webhook::Admission;
use serde_json::json;
use tokio::sync::RwLock;

use crate::setup::{Setup, config, definition, deployment, run};

/// Held while a namespace is deleted, and alone while an API group of the cluster does not answer: then no namespace goes.
static GROUPS: RwLock<()> = RwLock::const_new(());

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
        setup.annotate_sync(&approval).await;
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

/// A namespace of its own for a test, beside the target.
const EXTRA: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: 'extra-{target}'}\n";

impl Setup {
    /// Lets the Sync touch every namespace.
    async fn open_all_namespaces(&self) {
        let open = json!({"spec": {"namespaces": []}});
        self.patch_sync(&open).await;
    }

    async fn approve(&self) {
        self.condition("Pruned", "False", "Stopped").await;
        let plan = self.sync().await["status"]["stoppedPrune"]["plan"].as_str().unwrap().to_owned();
        let approval = format!("heddle.dev/approve-prune={plan}");
        self.annotate_sync(&approval).await;
    }
}

/// A Secret of the extra namespace that says that it stays.
fn kept_secret(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: 'extra-{{target}}', \
         annotations: {{heddle.dev/prune: keep}}}}\nstringData: {{key: x}}\n"
    )
}

impl Setup {
    /// Lets the Sync's account do everything with namespaces and ConfigMaps, and not see which of these kinds there are.
    async fn be_blind_for(&self, resources: &str) {
        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: blind-{0}}}\nrules:\n\
             - {{apiGroups: [''], resources: [namespaces, configmaps], verbs: ['*']}}\n\
             - {{apiGroups: [''], resources: [{resources}], verbs: [get, create, patch, delete]}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: blind-{0}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: blind-{0}}}\n\
             subjects: [{{kind: ServiceAccount, name: heddle-deployer, namespace: {0}}}]\n",
            self.system
        );
        self.kubectl(&["apply", "-f", "-"], &role).await;
    }
}

#[test]
fn what_stays_holds_its_namespace_also_where_its_kind_is_not_watched() {
    run(async |cluster| {
        let _deletes = GROUPS.read().await;
        let setup = Setup::start(cluster, "apps", &[("apps/stays.yaml", &config("stays", "x"))]).await;
        setup.be_blind_for("secrets").await;
        setup.condition("Ready", "True", "Ready").await;
        setup.open_all_namespaces().await;
        let head = setup
            .push(&[
                ("apps/extra.yaml", Some(EXTRA)),
                ("apps/a.yaml", Some(&kept_secret("a"))),
                ("apps/b.yaml", Some(&kept_secret("b"))),
            ])
            .await;
        setup.healthy_at(&head).await;

        // One of them is let go of before, and the other goes in the same commit as the namespace.
        let head = setup.push(&[("apps/a.yaml", None)]).await;
        setup.healthy_at(&head).await;
        setup.push(&[("apps/extra.yaml", None), ("apps/b.yaml", None)]).await;
        let held = setup.condition("Pruned", "False", "InUse").await;
        assert!(held.contains("lies in it and stays"), "{held}");
        let extra = format!("extra-{}", setup.target);
        let exists = async |name: &str| {
            let args = ["get", "secret", name, "-n", &extra, "-o", "name", "--ignore-not-found"];
            !setup.kubectl(&args, "").await.trim().is_empty()
        };
        assert!(exists("a").await && exists("b").await);
        for name in ["b", "a"] {
            setup.look();
            setup.condition("Pruned", "False", "InUse").await;
            setup.kubectl(&["delete", "secret", name, "-n", &extra], "").await;
        }
        setup.look();
        setup.approve().await;
        // Nobody here takes the finalizer of a namespace off but the control plane.
        setup.condition("Ready", "True", "Ready").await;
        let left = setup.kubectl(&["get", "namespace", &extra, "-o", "name", "--ignore-not-found"], "").await;
        assert_eq!(left.trim(), "");
    });
}

#[test]
fn what_another_sync_has_in_a_namespace_holds_it_whatever_its_kind() {
    run(async |cluster| {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: 'extra-{target}'}\n\
            spec: {selector: {app: web}, ports: [{port: 80}]}\n";
        let stays = config("stays", "x");
        let files = [("left/stays.yaml", &*stays), ("right/web.yaml", service)];
        let setup = Setup::start(cluster, "left", &files).await;
        setup.allow_all().await;
        setup.condition("Ready", "True", "Ready").await;
        setup.open_all_namespaces().await;
        let head = setup.push(&[("left/extra.yaml", Some(EXTRA))]).await;
        setup.healthy_at(&head).await;
        setup.add_sync("right", "right", json!({"namespaces": []})).await;
        setup.condition_of("right", "Ready", "True", "Ready").await;

        setup.push(&[("left/extra.yaml", None)]).await;
        setup.approve().await;
        let held = setup.condition("Pruned", "False", "InUse").await;
        assert!(held.contains("Service") && held.contains("lies in it and stays"), "{held}");
        let extra = format!("extra-{}", setup.target);
        let namespace = setup.kubectl(&["get", "namespace", &extra, "-o", "jsonpath={.status.phase}"], "").await;
        assert_eq!(namespace, "Active");
    });
}

/// A note of it goes with the namespace from Sync to Sync, for nobody can list what it is about.
#[test]
fn what_was_let_go_of_holds_its_namespace_whichever_sync_has_that_by_now() {
    run(async |cluster| {
        let (a, c) = (config("a", "x"), config("c", "x"));
        let setup = Setup::start(cluster, "left", &[("left/a.yaml", &*a), ("right/c.yaml", &*c)]).await;
        setup.be_blind_for("secrets").await;
        setup.condition("Ready", "True", "Ready").await;
        setup.open_all_namespaces().await;
        setup.add_sync("right", "right", json!({"namespaces": []})).await;
        setup.condition_of("right", "Ready", "True", "Ready").await;
        let both_at = async |head: &str| {
            setup.applied_at("shop", head).await;
            setup.applied_at("right", head).await;
        };
        let one = kept_secret("one");
        both_at(&setup.push(&[("left/extra.yaml", Some(EXTRA)), ("left/one.yaml", Some(&one))]).await).await;
        both_at(&setup.push(&[("left/one.yaml", None)]).await).await;
        both_at(&setup.push(&[("left/extra.yaml", None), ("right/extra.yaml", Some(EXTRA))]).await).await;
        // And what another Sync lets go of afterwards.
        both_at(&setup.push(&[("left/two.yaml", Some(&kept_secret("two")))]).await).await;
        both_at(&setup.push(&[("left/two.yaml", None)]).await).await;

        setup.push(&[("right/extra.yaml", None)]).await;
        let extra = format!("extra-{}", setup.target);
        let mut left = vec!["one", "two"];
        while !left.is_empty() {
            let named = setup
                .eventually("the namespace held", async || {
                    let told = setup.condition_of("right", "Pruned", "False", "InUse").await;
                    let is_named = |name: &&str| told.contains(&format!("Secret {extra}/{name} lies in it and stays"));
                    left.iter().position(is_named).ok_or(told.clone())
                })
                .await;
            setup.kubectl(&["delete", "secret", left.remove(named), "-n", &extra], "").await;
            setup.look();
        }
        setup.condition_of("right", "Pruned", "False", "Stopped").await;
    });
}

/// Kubernetes itself would not finish the delete: which kinds there are to empty is not known.
#[test]
fn a_namespace_stays_while_an_api_group_does_not_answer() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/stays.yaml", &config("stays", "x"))]).await;
        setup.allow_all().await;
        setup.condition("Ready", "True", "Ready").await;
        setup.open_all_namespaces().await;
        // A definition goes meanwhile, and neither is asked about again.
        let jars = definition("beside.example.org", "Jar", "jars", &[("v1", true)]);
        let head = setup.push(&[("apps/extra.yaml", Some(EXTRA)), ("apps/crd.json", Some(&jars))]).await;
        setup.healthy_at(&head).await;
        let alone = GROUPS.write().await;
        let service = "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.silent.example.org}\n\
            spec: {group: silent.example.org, version: v1, groupPriorityMinimum: 10, versionPriority: 10, \
            insecureSkipTLSVerify: true, service: {name: nowhere, namespace: default}}\n";
        setup.kubectl(&["apply", "-f", "-"], service).await;
        let args = ["get", "apiservice", "v1.silent.example.org", "-o", "jsonpath={.status.conditions[0].status}"];
        setup
            .eventually("the group known as silent", async || {
                let status = setup.kubectl(&args, "").await;
                if status == "False" { Ok(()) } else { Err(status) }
            })
            .await;
        setup.push(&[("apps/extra.yaml", None), ("apps/crd.json", None)]).await;
        setup.approve().await;
        let held = setup.condition("Pruned", "False", "InUse").await;
        let args = ["get", "crd", "jars.beside.example.org", "-o", "name", "--ignore-not-found"];
        assert_eq!(setup.kubectl(&args, "").await.trim(), "", "what is not held goes");
        assert!(held.contains("the API group `silent.example.org`"), "{held}");
        // The approval holds on.
        setup.kubectl(&["delete", "apiservice", "v1.silent.example.org"], "").await;
        setup.look();
        setup.condition("Ready", "True", "Ready").await;
        drop(alone);
    });
}

/// Another commit takes the place of a run that waits for a delete; what that run has let go of is nobody's already.
#[test]
fn what_a_run_let_go_of_that_gave_way_is_told_all_the_same() {
    run(async |cluster| {
        let kept = config("kept", "x").replace("  name: kept", "  name: kept\n  annotations: {heddle.dev/prune: keep}");
        let (goes, stays) = (config("goes", "x"), config("stays", "x"));
        let files = [("apps/kept.yaml", &*kept), ("apps/goes.yaml", &*goes), ("apps/stays.yaml", &*stays)];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        let webhook = setup.admit("configmaps", &["DELETE"], Admission::Silence).await;
        setup.push(&[("apps/kept.yaml", None), ("apps/goes.yaml", None)]).await;
        setup
            .eventually("the object let go", async || {
                let text = setup.log_text();
                if text.contains("/kept left the path and stays") { Ok(()) } else { Err("not yet".to_owned()) }
            })
            .await;
        setup.push(&[("apps/stays.yaml", Some(&config("stays", "y")))]).await;
        setup
            .eventually("the next run under way", async || {
                let value = setup.find("configmap/stays").await.unwrap()["data"]["key"].clone();
                if value == "y" { Ok(()) } else { Err(value.to_string()) }
            })
            .await;
        drop(webhook);
        setup.admit_all().await;
        setup
            .eventually("what was let go of in the condition", async || {
                let told = setup.find_condition("Pruned").await.unwrap_or_default();
                let is_it = told["status"] == "True" && told["message"].as_str().unwrap().contains("/kept stays");
                if is_it { Ok(()) } else { Err(told.to_string()) }
            })
            .await;
        setup
            .eventually("an Event about it", async || {
                let args = ["get", "events", "-n", &setup.system, "-o", "jsonpath={.items[*].reason}"];
                let reasons = setup.kubectl(&args, "").await;
                if reasons.split(' ').any(|reason| reason == "Kept") { Ok(()) } else { Err(reasons) }
            })
            .await;
    });
}
