//! One object's fault is its own.

use std::os::unix::fs::PermissionsExt;

use heddle_core::health::HealthStatus;
use heddle_testkit::{cluster::Cluster, tools, webhook::Admission};
use heddle_wire::agent::Deploy;
use serde_json::json;

use crate::setup::{Setup, config, deployment, run};

impl Setup {
    /// Waits until it is told of a revision that this image was applied, beside a failure, and that it is healthy.
    async fn goes_on_beside_a_failure(&self, revision: &str, image: &str) {
        self.eventually("the image beside the failure", async || {
            let facts: Vec<_> =
                self.api.facts().into_iter().filter(|fact| fact.revision.as_str() == revision).collect();
            let has_failed = facts.iter().any(|fact| match &fact.what {
                Deploy::Failed { images, .. } => images.iter().any(|one| one.to_string() == image),
                _ => false,
            });
            let is_healthy = facts.iter().any(|fact| {
                matches!(&fact.what, Deploy::Health { image: one, status: HealthStatus::Healthy, .. }
                    if one.to_string() == image)
            });
            if has_failed && is_healthy { Ok(()) } else { Err(format!("{facts:?}")) }
        })
        .await;
    }
}

#[test]
fn a_fault_that_looks_passing_does_not_keep_a_healthy_image_waiting() {
    run(async |cluster| {
        let (a, web) = (config("a", "one"), deployment("web", "ghcr.io/acme/web:1"));
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &a), ("apps/web.yaml", &web)]).await;
        setup.condition("Ready", "True", "Ready").await;
        drop(setup.admit("configmaps", &["UPDATE"], Admission::Silence).await);

        let files = [("apps/a.yaml", config("a", "two")), ("apps/web.yaml", deployment("web", "ghcr.io/acme/web:2"))];
        let head = setup.push(&files.each_ref().map(|(path, text)| (*path, Some(text.as_str())))).await;
        setup.goes_on_beside_a_failure(&head, "ghcr.io/acme/web:2").await;
        let sync = setup.sync().await;
        let error = sync["status"]["errors"][0]["message"].as_str().unwrap();
        assert!(error.starts_with("failed calling webhook") && error.contains("mend that webhook"), "{error}");
        setup.condition("Stalled", "True", "Failed").await;

        // It is tried on.
        setup.admit_all().await;
        setup.healthy_at(&head).await;
    });
}

#[test]
fn an_object_that_is_refused_keeps_no_image_of_others_waiting_and_is_forgotten_when_it_leaves() {
    run(async |cluster| {
        let web = deployment("web", "ghcr.io/acme/web:1");
        let setup = Setup::start(cluster, "apps", &[("apps/web.yaml", &web)]).await;
        setup.condition("Ready", "True", "Ready").await;
        // What the account may neither write nor read.
        let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: '{target}'}\n";
        let web = deployment("web", "ghcr.io/acme/web:2");
        let head = setup.push(&[("apps/role.yaml", Some(role)), ("apps/web.yaml", Some(&web))]).await;
        setup.goes_on_beside_a_failure(&head, "ghcr.io/acme/web:2").await;
        assert_eq!(setup.sync().await["status"]["objects"], 1);
        let head = setup.push(&[("apps/role.yaml", None)]).await;
        setup.healthy_at(&head).await;
    });
}

#[test]
fn the_next_commit_takes_the_place_of_the_one_that_a_slow_webhook_holds() {
    run(async |cluster| {
        let maps = |value: &str| {
            (0..40).map(|number| format!("---\n{}", config(&format!("m{number}"), value))).collect::<String>()
        };
        let (first, web) = (maps("one"), deployment("web", "ghcr.io/acme/web:1"));
        let setup = Setup::start(cluster, "apps", &[("apps/maps.yaml", &first), ("apps/web.yaml", &web)]).await;
        setup.condition("Ready", "True", "Ready").await;
        let _webhook = setup.admit("configmaps", &["UPDATE"], Admission::Silence).await;

        let web = deployment("web", "ghcr.io/acme/web:2");
        setup.push(&[("apps/maps.yaml", Some(&maps("two"))), ("apps/web.yaml", Some(&web))]).await;
        let told = setup.condition("Reconciling", "True", "Applying").await;
        assert!(told.contains("is being applied"), "{told}");
        let web = deployment("web", "ghcr.io/acme/web:3");
        let head = setup.push(&[("apps/maps.yaml", Some(&first)), ("apps/web.yaml", Some(&web))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.log_text().contains("gives way to something newer"));
    });
}

#[test]
fn another_spec_ends_what_is_under_way() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "one"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let _webhook = setup.admit("configmaps", &["UPDATE"], Admission::Silence).await;
        setup.push(&[("apps/a.yaml", Some(&config("a", "two")))]).await;
        setup.condition("Reconciling", "True", "Applying").await;
        let suspend = json!({"spec": {"suspend": true}});
        setup.patch_sync(&suspend).await;
        setup.condition("Ready", "False", "Suspended").await;
        assert!(setup.log_text().contains("gives way to something newer"));
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "one");
    });
}

/// A kustomization whose build never ends.
const ENDLESS: [(&str, Option<&str>); 1] = [("apps/slow/kustomization.yaml", Some("namePrefix: x-\n"))];

/// An agent whose kustomize never ends below `slow`, and the folder of that program.
async fn with_an_endless_renderer(cluster: &'static Cluster) -> (Setup, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("kustomize");
    let script = "#!/bin/sh\ncase \"$2\" in */slow*) exec /bin/sleep 600;; esac\nexec {} \"$@\"\n";
    let real = tools::path("kustomize").unwrap();
    std::fs::write(&program, script.replace("{}", &std::path::Path::new(&real).display().to_string())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let files = [("apps/a.yaml", &*config("a", "one"))];
    let setup = Setup::start_with(cluster, "apps", &files, "1h", program).await;
    setup.condition("Ready", "True", "Ready").await;
    (setup, dir)
}

impl Setup {
    /// Pushes what renders without an end, and waits until it was fetched.
    async fn push_the_endless(&self) {
        let before = self.fetches().await;
        self.push(&ENDLESS).await;
        self.eventually("a look under way", async || {
            if self.fetches().await > before { Ok(()) } else { Err("not fetched yet".to_owned()) }
        })
        .await;
    }

    async fn suspend(&self) {
        let suspend = json!({"spec": {"suspend": true}});
        self.patch_sync(&suspend).await;
        self.condition("Ready", "False", "Suspended").await;
    }
}

#[test]
fn while_a_look_goes_on_for_long_drift_is_healed_and_a_suspended_sync_says_so() {
    run(async |cluster| {
        let (setup, _dir) = with_an_endless_renderer(cluster).await;
        setup.push_the_endless().await;
        setup.kubectl(&["delete", "configmap/a", "-n", &setup.target], "").await;
        setup.eventually("the ConfigMap back", async || setup.find("configmap/a").await.ok_or("gone".to_owned())).await;
        setup.suspend().await;
    });
}

#[test]
fn what_a_run_came_to_is_told_while_a_look_goes_on_for_long() {
    run(async |cluster| {
        let (setup, _dir) = with_an_endless_renderer(cluster).await;
        let webhook = setup.admit("configmaps", &["UPDATE"], Admission::Silence).await;
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "two")))]).await;
        setup.condition("Reconciling", "True", "Applying").await;
        setup.push_the_endless().await;
        drop(webhook);
        setup.admit_all().await;
        setup.healthy_at(&head).await;
        setup.suspend().await;
    });
}

#[test]
fn an_edit_that_is_taken_back_leaves_nothing_unseen() {
    run(async |cluster| {
        let (setup, _dir) = with_an_endless_renderer(cluster).await;
        setup.push_the_endless().await;
        let head =
            setup.push(&[("apps/slow/kustomization.yaml", None), ("apps/a.yaml", Some(&config("a", "two")))]).await;
        let path = async |path: &str| {
            let edit = json!({"spec": {"path": path}});
            setup.patch_sync(&edit).await;
        };
        path("elsewhere").await;
        path("apps").await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "two");
    });
}
