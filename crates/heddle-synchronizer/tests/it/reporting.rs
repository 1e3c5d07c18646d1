use heddle_wire::agent::{Follows, SyncReport};
use serde_json::json;

use crate::setup::{REPOSITORY, Setup, config, deployment, run};

#[test]
fn with_the_api_away_the_cluster_follows_git_and_the_facts_come_later_once_and_in_order() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "none"))]).await;
        let first = setup.github.head(REPOSITORY, "main").await.unwrap().unwrap();
        setup.healthy_at(&first).await;
        setup.api.go_away(true);
        let mut expected = vec![first];
        for value in ["1", "2", "3"] {
            let head = setup.push(&[("apps/a.yaml", Some(&config("a", value)))]).await;
            setup.healthy_at(&head).await;
            expected.push(head);
        }
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "3");
        setup.api.lose_next_answer();
        setup.api.go_away(false);
        setup
            .eventually("all facts", async || {
                let applied = setup.api.applied();
                if applied == expected { Ok(()) } else { Err(format!("{applied:?}")) }
            })
            .await;
    });
}

#[test]
fn an_agent_that_starts_while_the_api_is_away_repairs_drift_and_says_what_helps() {
    run(async |cluster| {
        let mut setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "one"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.kill().await;
        setup.api.go_away(true);
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "two")))]).await;
        setup.restart();
        let message = setup.condition("Fetched", "False", "NoToken").await;
        assert!(message.contains("`spec.credentials`"), "{message}");
        let change = r#"{"data": {"key": "changed"}}"#;
        setup.kubectl(&["patch", "configmap/a", "-n", &setup.target, "--type=merge", "-p", change], "").await;
        setup
            .eventually("the drift repaired", async || {
                let key = setup.find("configmap/a").await.unwrap()["data"]["key"].clone();
                if key == "one" { Ok(()) } else { Err(key.to_string()) }
            })
            .await;
        // With a Secret of its own it needs no API.
        let secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "git", "namespace": setup.system},
            "stringData": {"username": "ada", "password": setup.api.git_password()},
        });
        setup.kubectl(&["apply", "-f", "-"], &secret.to_string()).await;
        let system = &setup.system;
        let account = format!("--serviceaccount={system}:heddle-deployer");
        let role =
            ["create", "role", "read-git", "-n", system, "--verb=get", "--resource=secrets", "--resource-name=git"];
        setup.kubectl(&role, "").await;
        setup.kubectl(&["create", "rolebinding", "read-git", "-n", system, "--role=read-git", &account], "").await;
        let credentials = json!({"spec": {"credentials": {"secretName": "git"}}});
        setup.patch_sync(&credentials).await;
        setup.healthy_at(&head).await;
    });
}

#[test]
fn a_killed_agent_goes_on_where_it_was_and_tells_nothing_twice() {
    run(async |cluster| {
        let mut setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        let first = setup.github.head(REPOSITORY, "main").await.unwrap().unwrap();
        setup.healthy_at(&first).await;
        let version = setup.find("configmap/a").await.unwrap()["metadata"]["resourceVersion"].clone();
        setup.kill_and_restart().await;
        let second = setup.push(&[("apps/b.yaml", Some(&config("b", "x")))]).await;
        setup.healthy_at(&second).await;
        setup
            .eventually("both facts", async || {
                let applied = setup.api.applied();
                if applied == [first.clone(), second.clone()] { Ok(()) } else { Err(format!("{applied:?}")) }
            })
            .await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["metadata"]["resourceVersion"], version);
    });
}

#[test]
fn a_secret_is_in_no_report_no_log_and_no_status() {
    run(async |cluster| {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: '{target}'}\n\
            stringData: {password: hunter2hunter2}\ntype: hunter2hunter2\nimmutable: hunter2hunter2\n";
        let good = "apiVersion: v1\nkind: Secret\nmetadata: {name: t, namespace: '{target}'}\n\
            stringData: {password: swordfish-swordfish}\n";
        let setup = Setup::start(cluster, "apps", &[("apps/s.yaml", secret), ("apps/t.yaml", good)]).await;
        setup.condition("Applied", "False", "Failed").await;
        assert_eq!(setup.find("secret/t").await.unwrap()["data"]["password"], "c3dvcmRmaXNoLXN3b3JkZmlzaA==");
        setup
            .eventually("the error in the report", async || {
                let state = setup.api.state("shop").filter(|state| !state.errors.is_empty());
                state.ok_or("none yet".to_owned())
            })
            .await;
        let told = [setup.api.everything(), setup.log_text(), setup.sync().await.to_string()].join("\n");
        for value in ["hunter2", "aHVudGVy", "swordfish", "c3dvcmRmaXNo"] {
            assert!(!told.contains(value), "`{value}` leaked:\n{told}");
        }
    });
}

#[test]
fn what_was_seen_outlives_an_edit_of_the_spec_while_git_is_away() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/api.yaml", &deployment("api", "api:1"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let spec = json!({"spec": {"interval": "5m", "credentials": {"secretName": "missing"}}});
        setup.patch_sync(&spec).await;
        setup.condition("Fetched", "False", "BadSecret").await;
        let state = setup
            .eventually("the fault in the report", async || {
                let state = setup.api.state("shop").ok_or("no report".to_owned())?;
                let fault = state.conditions.iter().any(|condition| condition.reason == "BadSecret");
                if fault { Ok(state) } else { Err(format!("{state:?}")) }
            })
            .await;
        assert_eq!(state.observed.map(|observed| (observed.objects, observed.workloads.len())), Some((1, 1)));
        // Drift is repaired all the same.
        setup.kubectl(&["delete", "deployment/api", "-n", &setup.target], "").await;
        setup.eventually("it is back", async || setup.find("deployment/api").await.ok_or("gone".to_owned())).await;
        for state in setup.api.states("shop").iter().skip_while(|state| state.observed.is_none()) {
            let observed = state.observed.as_ref().expect("something is said to be unknown that was known");
            assert_eq!(observed.workloads.len(), 1);
        }
    });
}

#[test]
fn nothing_is_said_of_objects_before_they_were_looked_at() {
    run(async |cluster| {
        let mut setup = Setup::start(cluster, "apps", &[("apps/api.yaml", &deployment("api", "api:1"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.kill().await;
        // Neither git nor the clone of the last process.
        setup.api.refuse_git(true);
        setup.forget_clones();
        let before = setup.api.states("shop").len();
        setup.restart();
        let states = setup
            .eventually("the fault in the report", async || {
                let states = setup.api.states("shop").split_off(before);
                let fault = states.iter().any(|state| state.conditions.iter().any(|c| c.reason == "NoToken"));
                if fault { Ok(states) } else { Err(format!("{states:?}")) }
            })
            .await;
        assert!(states.iter().all(|state| state.observed.is_none()), "{states:?}");
        assert_eq!(setup.sync().await["status"]["objects"], 1);
    });
}

#[test]
fn a_sync_with_a_fault_in_its_spec_is_there_with_its_fault() {
    run(async |cluster| {
        let mut setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let spec = json!({"spec": {"branch": "a..b"}});
        setup.patch_sync(&spec).await;
        let message = setup.condition("Stalled", "True", "BadSpec").await;
        assert!(message.contains("`spec.branch`"), "{message}");
        for restarts in [false, true] {
            let before = setup.api.states("shop").len() * usize::from(restarts);
            if restarts {
                setup.kill_and_restart().await;
            }
            setup
                .eventually("the fault in the report", async || {
                    let states = setup.api.states("shop").split_off(before);
                    let is_faulty = |state: &SyncReport| matches!(state.follows, Follows::Faulty { .. });
                    states.into_iter().rfind(is_faulty).ok_or("not yet".to_owned())
                })
                .await;
        }
        assert!(setup.api.present().iter().any(|sync| sync.name == "shop"));
    });
}
