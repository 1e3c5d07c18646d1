//! Hooks, waves and `depends-on`: what waits, what goes on, and what is run again. Pods of Jobs complete a second after
//! they run; those with an image `:broken` never do.

use heddle_wire::agent::Deploy;
use serde_json::Value;

use crate::setup::{REPOSITORY, Setup, config, deployment, run};

/// A Job that is a hook. `name` is `name: …` or `generateName: …`.
fn hook(name: &str, annotations: &str, image: &str, spec: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  {name}\n  namespace: '{{target}}'\n  annotations: {{{annotations}}}\n\
         spec:\n  backoffLimit: 0\n{spec}  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      \
         - {{name: run, image: \"{image}\"}}\n"
    )
}

const PRE: &str = "argocd.argoproj.io/hook: PreSync";
const FAILS: &str = "  activeDeadlineSeconds: 1\n";

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}

async fn jobs(setup: &Setup) -> Vec<String> {
    let args = ["get", "jobs", "-n", &setup.target, "-o", "jsonpath={.items[*].metadata.name}"];
    let text = setup.kubectl(&args, "").await;
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_hook_ends_before_the_rest_begins_and_runs_once_for_each_change() {
    run(async |cluster| {
        let migrate = hook("name: migrate", PRE, "shop/api:1", "");
        let files = [("apps/api.yaml", deployment("api", "shop/api:1")), ("apps/migrate.yaml", migrate.clone())];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let mut setup = Setup::start(cluster, "apps", &files).await;
        let head = setup.github.head(REPOSITORY, "main").await.unwrap().unwrap();
        setup.healthy_at(&head).await;
        let (job, api) = (setup.find("job/migrate").await.unwrap(), setup.find("deployment/api").await.unwrap());
        let (ended, began) = (&job["status"]["completionTime"], &api["metadata"]["creationTimestamp"]);
        assert!(ended.as_str().unwrap() <= began.as_str().unwrap(), "{ended} {began}");

        // Nothing of the path changes, and later a restart: the hook has run.
        let head = setup.push(&[("README", Some("x"))]).await;
        setup.healthy_at(&head).await;
        setup.kill_and_restart().await;
        let head = setup.push(&[("README", Some("y"))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(uid(&setup.find("job/migrate").await.unwrap()), uid(&job));
        // Somebody tidies up.
        setup.kubectl(&["delete", "job/migrate", "-n", &setup.target], "").await;
        let head = setup.push(&[("README", Some("z"))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("job/migrate").await.is_none());

        let head = setup.push(&[("apps/api.yaml", Some(&deployment("api", "shop/api:2")))]).await;
        setup.healthy_at(&head).await;
        let again = setup.find("job/migrate").await.unwrap();
        assert_ne!(uid(&again), uid(&job));
        assert!(again["status"]["completionTime"].is_string(), "{again}");
        // And where the former run is still there.
        let head = setup.push(&[("apps/api.yaml", Some(&deployment("api", "shop/api:3")))]).await;
        setup.healthy_at(&head).await;
        assert_ne!(uid(&setup.find("job/migrate").await.unwrap()), uid(&again));
    });
}

#[test]
fn a_hook_that_fails_keeps_the_rest_back_says_so_and_the_next_commit_goes_on() {
    run(async |cluster| {
        let (bad, good) = (hook("name: migrate", PRE, "db:broken", FAILS), hook("name: migrate", PRE, "db:2", ""));
        let alarm = hook("name: alarm", "argocd.argoproj.io/hook: SyncFail", "alarm:1", "");
        let api = deployment("api", "shop/api:1");
        let files =
            [("apps/api.yaml", api.as_str()), ("apps/migrate.yaml", bad.as_str()), ("apps/alarm.yaml", alarm.as_str())];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Applied", "False", "Failed").await;
        assert!(setup.find("deployment/api").await.is_none());
        setup.eventually("the alarm", async || setup.find("job/alarm").await.ok_or("none yet".to_owned())).await;
        let error = setup
            .eventually("a failure in the facts", async || {
                let facts = setup.api.facts();
                let mut errors = facts.iter().filter_map(|fact| match &fact.what {
                    Deploy::Failed { errors, .. } => errors.first().cloned(),
                    _ => None,
                });
                errors.next_back().ok_or(format!("{facts:?}"))
            })
            .await;
        assert_eq!((error.file.as_deref(), error.line), (Some("apps/migrate.yaml"), Some(1)));
        assert!(error.object.unwrap().starts_with("Job shop-"));
        let told = "it failed, and 1 object waits for it: ";
        assert!(error.message.starts_with(told) && error.message.contains("runs again"), "{}", error.message);

        let head = setup.push(&[("apps/migrate.yaml", Some(&good))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("deployment/api").await.is_some());
    });
}

#[test]
fn a_hook_that_is_stuck_is_waited_for_and_replaced_by_the_next_commit() {
    run(async |cluster| {
        let (stuck, good) = (hook("name: migrate", PRE, "db:broken", ""), hook("name: migrate", PRE, "db:2", ""));
        let files = [("apps/a.yaml", config("a", "x")), ("apps/migrate.yaml", stuck)];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Applied", "Unknown", "Waiting").await;
        let message = setup
            .eventually("the root of it", async || {
                let message = setup.condition("Applied", "Unknown", "Waiting").await;
                if message.contains("ImagePullBackOff") { Ok(message) } else { Err(message) }
            })
            .await;
        assert!(message.contains("1 more wait for the hook Job "), "{message}");
        assert!(setup.find("configmap/a").await.is_none());
        // What waits does not look as if it were lost.
        setup.condition("Healthy", "False", "Progressing").await;

        let head = setup.push(&[("apps/migrate.yaml", Some(&good))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/a").await.is_some());
    });
}

#[test]
fn hooks_are_deleted_as_their_policies_say_and_named_for_each_run() {
    run(async |cluster| {
        let succeeded = format!("{PRE}, argocd.argoproj.io/hook-delete-policy: HookSucceeded");
        let helm = "helm.sh/hook: post-upgrade, helm.sh/hook-delete-policy: before-hook-creation";
        // A chart's Job brings its account along, without which its pod would never be made.
        let account = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: migrate, namespace: '{{target}}', annotations: {{{succeeded}}}}}\n"
        );
        let migrate = hook("name: migrate", &succeeded, "db:1", "");
        let migrate =
            migrate.replace("restartPolicy: Never", "restartPolicy: Never\n      serviceAccountName: migrate");
        let files = [
            ("apps/a.yaml", config("a", "x")),
            ("apps/account.yaml", account),
            ("apps/migrate.yaml", migrate),
            ("apps/smoke.yaml", hook("generateName: smoke-", helm, "smoke:1", "")),
        ];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        let first = jobs(&setup).await;
        assert!(setup.find("serviceaccount/migrate").await.is_none());
        assert!(first.len() == 1 && first[0].starts_with("smoke-") && first[0].len() == 11, "{first:?}");

        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "y")))]).await;
        setup.healthy_at(&head).await;
        let second = setup
            .eventually("the next run alone", async || {
                let names = jobs(&setup).await;
                if names.len() == 1 && names != first { Ok(names) } else { Err(format!("{names:?}")) }
            })
            .await;
        assert!(second[0].starts_with("smoke-"), "{second:?}");
    });
}

#[test]
fn a_failed_hook_is_deleted_where_it_says_so_and_its_failure_stays() {
    run(async |cluster| {
        let failed = format!("{PRE}, argocd.argoproj.io/hook-delete-policy: HookFailed");
        let migrate = hook("name: migrate", &failed, "db:broken", FAILS);
        let files = [("apps/a.yaml", config("a", "x")), ("apps/migrate.yaml", migrate)];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let mut setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Applied", "False", "Failed").await;
        setup
            .eventually("the Job gone", async || match setup.find("job/migrate").await {
                None => Ok(()),
                Some(job) => Err(job.to_string()),
            })
            .await;
        setup.kill_and_restart().await;
        setup.push(&[("README", Some("x"))]).await;
        setup.condition("Fetched", "True", "Fetched").await;
        setup.condition("Applied", "False", "Failed").await;
        assert!(setup.find("job/migrate").await.is_none() && setup.find("configmap/a").await.is_none());
        let errors = setup.sync().await["status"]["errors"].to_string();
        assert!(errors.contains("deadline") && errors.contains("1 object waits"), "{errors}");
    });
}

#[test]
fn waves_and_depends_on_wait_for_health_and_nothing_else_does() {
    run(async |cluster| {
        let db = deployment("db", "db:broken");
        let wave = |text: &str| {
            text.replace("  namespace:", "  annotations: {argocd.argoproj.io/sync-wave: \"1\"}\n  namespace:")
        };
        let depends = |text: &str, on: &str| {
            text.replace(
                "  namespace:",
                &format!("  annotations: {{config.kubernetes.io/depends-on: {on}}}\n  namespace:"),
            )
        };
        let on = "apps/namespaces/{target}/Deployment/db";
        let files = [
            ("apps/db.yaml", db.clone()),
            ("apps/api.yaml", wave(&deployment("api", "api:1"))),
            ("apps/user.yaml", depends(&config("user", "x"), on)),
            ("apps/free.yaml", config("free", "x")),
        ];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let setup = Setup::start(cluster, "apps", &files).await;
        let message = setup.condition("Applied", "Unknown", "Waiting").await;
        assert!(message.starts_with("2 objects of ") && message.contains("; 2 more wait for "), "{message}");
        assert!(setup.find("configmap/free").await.is_some());
        assert!(setup.find("configmap/user").await.is_none() && setup.find("deployment/api").await.is_none());

        let head = setup.push(&[("apps/db.yaml", Some(&db.replace(":broken", ":2")))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/user").await.is_some() && setup.find("deployment/api").await.is_some());
    });
}

#[test]
fn a_job_of_the_same_name_that_somebody_else_made_is_left_alone() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let theirs = hook("name: migrate", "", "db:1", "").replace("{target}", &setup.target);
        setup.kubectl(&["apply", "-f", "-"], &theirs).await;
        let before = uid(&setup.find("job/migrate").await.unwrap());

        setup.push(&[("apps/migrate.yaml", Some(&hook("name: migrate", PRE, "db:2", "")))]).await;
        setup.condition("Applied", "False", "Failed").await;
        let errors = setup.sync().await["status"]["errors"].to_string();
        assert!(errors.contains("this Sync did not make"), "{errors}");
        assert_eq!(uid(&setup.find("job/migrate").await.unwrap()), before);
    });
}
