//! What others write again and again: it is left to them, and told.

use serde_json::{Value, json};

use crate::{
    fields::{beside, with_data},
    setup::{Setup, config, run},
};

impl Setup {
    /// Changes a ConfigMap as another writer until the agent leaves the field to it; gives what the Sync says.
    async fn fight(&self, object: &str, as_other: &[&str]) -> String {
        let write = async || self.kubectl(&[as_other, &["-n", &self.target, object]].concat(), "").await;
        self.eventually("the fight to be given up", async || {
            write().await;
            let status = self.sync().await["status"].clone();
            let said = status["conditions"].as_array().unwrap().iter().find(|one| one["type"] == "FoughtOver");
            said.map(|said| said["message"].as_str().unwrap().to_owned()).ok_or(status.to_string())
        })
        .await
    }
}

const OTHER: [&str; 4] = ["patch", "--type=merge", "--field-manager=other-operator", "-p"];

#[test]
fn a_field_that_is_fought_over_is_left_and_told_and_the_rest_of_the_object_is_not() {
    run(async |cluster| {
        let files = |k: &str, j: &str| with_data("a", &format!("{{k: {k}, j: {j}}}"));
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &files("git", "git"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let theirs = [&OTHER[..], &[r#"{"data": {"k": "other"}}"#]].concat();
        let message = setup.fight("configmap/a", &theirs).await;
        let words = format!("other-operator changes `data.k` of ConfigMap {}/a again and again", setup.target);
        assert!(message.contains(&words), "{message}");
        setup.condition("Ready", "False", "LeftAlone").await;
        setup
            .eventually("the condition in the report", async || {
                let conditions = setup.api.state("shop").map(|state| state.conditions).unwrap_or_default();
                let is_told = conditions.iter().any(|condition| &*condition.kind == "FoughtOver");
                if is_told { Ok(()) } else { Err(format!("{conditions:?}")) }
            })
            .await;
        let data = async || setup.find("configmap/a").await.unwrap()["data"].clone();
        assert_eq!(data().await["k"], "other");

        // Another field of the same object is healed, and a change of it in Git is applied; the fought one stays.
        let hand = [&OTHER[..], &[r#"{"data": {"j": "hand"}}"#, "-n", &setup.target, "configmap/a"]].concat();
        setup.kubectl(&hand, "").await;
        let becomes = async |expected: Value| {
            setup
                .eventually(&expected.to_string(), async || {
                    let data = data().await;
                    if data == expected { Ok(()) } else { Err(data.to_string()) }
                })
                .await;
        };
        becomes(json!({"k": "other", "j": "git"})).await;
        setup.push(&[("apps/a.yaml", Some(&files("git", "new")))]).await;
        becomes(json!({"k": "other", "j": "new"})).await;
        setup.condition("Ready", "False", "LeftAlone").await;
        // Another value in Git is tried at once.
        let head = setup.push(&[("apps/a.yaml", Some(&files("newer", "new")))]).await;
        becomes(json!({"k": "newer", "j": "new"})).await;
        setup.healthy_at(&head).await;
        setup.is_quiet_about("FoughtOver").await;
    });
}

#[test]
fn a_field_that_is_left_alone_is_so_after_a_restart() {
    run(async |cluster| {
        let files = |j: &str| with_data("a", &format!("{{k: git, j: {j}}}"));
        let mut setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &files("git"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let theirs = [&OTHER[..], &[r#"{"data": {"k": "other"}}"#]].concat();
        setup.fight("configmap/a", &theirs).await;
        let healed = setup.log_text().matches("and put back").count();
        setup.kill_and_restart().await;
        let head = setup.push(&[("apps/a.yaml", Some(&files("new")))]).await;
        setup
            .eventually("the rest of the object as it is in Git", async || {
                let data = setup.find("configmap/a").await.unwrap()["data"].clone();
                if data["j"] == "new" { Ok(()) } else { Err(data.to_string()) }
            })
            .await;
        setup
            .eventually("the next report", async || {
                let state = setup
                    .api
                    .state("shop")
                    .filter(|state| state.applied_revision.as_ref().is_some_and(|revision| revision.as_str() == head));
                let state = state.ok_or("not yet".to_owned())?;
                let is_told = state.conditions.iter().any(|condition| &*condition.kind == "FoughtOver");
                if is_told { Ok(()) } else { Err(format!("{:?}", state.conditions)) }
            })
            .await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["k"], "other");
        assert_eq!(setup.log_text().matches("and put back").count(), healed, "{}", setup.log_text());
    });
}

#[test]
fn an_object_that_is_deleted_by_hand_again_and_again_is_left_and_told() {
    run(async |cluster| {
        let (a, b) = (config("a", "x"), config("b", "x"));
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &a), ("apps/b.yaml", &b)]).await;
        setup.condition("Ready", "True", "Ready").await;
        let message = setup.fight("configmap/a", &["delete", "--ignore-not-found"]).await;
        let words = format!("ConfigMap {}/a is deleted again and again", setup.target);
        assert!(message.contains(&words), "{message}");
        setup.condition("Ready", "False", "LeftAlone").await;
        assert!(setup.find("configmap/a").await.is_none() && setup.find("configmap/b").await.is_some());
        // Another value in Git is tried at once.
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "y")))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/a").await.is_some());
        setup.is_quiet_about("FoughtOver").await;
    });
}

#[test]
fn an_object_whose_owner_does_not_exist_is_left_and_told() {
    run(async |cluster| {
        let owner = "ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: not-here, \
            uid: 11111111-2222-3333-4444-555555555555, controller: true}]";
        let owned = config("owned", "x").replace("metadata:\n", &format!("metadata:\n  {owner}\n"));
        let setup = Setup::start(cluster, "apps", &[("apps/owned.yaml", &owned)]).await;
        let message = setup.condition("FoughtOver", "True", "LeftAlone").await;
        assert!(message.contains("is deleted again and again") && message.contains("Deployment not-here"), "{message}");
        setup.condition("Ready", "False", "LeftAlone").await;
        // Without the owner it stays.
        let head = setup.push(&[("apps/owned.yaml", Some(&config("owned", "x")))]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/owned").await.is_some());
    });
}

#[test]
fn flux2_2472_an_aggregated_role_keeps_the_rules_that_the_control_plane_gives_it() {
    run(async |cluster| {
        let roles = |name: &str| {
            format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: '{name}-{{target}}'}}\n\
                 aggregationRule:\n  clusterRoleSelectors:\n  - matchLabels: {{'to-{{target}}': 'true'}}\nrules: []\n"
            )
        };
        let part = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
            metadata:\n  name: 'part-{target}'\n  labels: {'to-{target}': 'true'}\n\
            rules:\n- {apiGroups: [batch], resources: [jobs], verbs: [get]}\n";
        let setup = beside(cluster).await;
        setup.allow_everything().await;
        let null = roles("null").replace("rules: []", "rules: null");
        let head = setup
            .push(&[
                ("apps/empty.yaml", Some(&roles("empty"))),
                ("apps/null.yaml", Some(&null)),
                ("apps/part.yaml", Some(part)),
            ])
            .await;
        setup.healthy_at(&head).await;
        let rules = async |name: &str| {
            let name = format!("clusterrole/{name}-{}", setup.target);
            setup.kubectl(&["get", &name, "-o", "jsonpath={.rules[*].resources[*]}"], "").await
        };
        for name in ["empty", "null"] {
            setup
                .eventually("the rules of the part", async || {
                    let rules = rules(name).await;
                    if rules == "jobs" { Ok(()) } else { Err(rules) }
                })
                .await;
        }
        // An apply of the same role with something else in it leaves them, too.
        let labeled = roles("empty").replace("metadata: {", "metadata: {labels: {a: b}, ");
        let head = setup.push(&[("apps/empty.yaml", Some(&labeled))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(rules("empty").await, "jobs");
        assert!(setup.api.state("shop").is_some_and(|state| state.drifts.is_empty()), "{}", setup.log_text());
        setup.is_quiet_about("FoughtOver").await;
    });
}
