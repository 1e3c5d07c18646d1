//! Several Syncs in one cluster.

use std::os::unix::fs::PermissionsExt;

use heddle_testkit::{cluster::Cluster, tools};
use heddle_wire::agent::Hint;
use serde_json::{Value, json};

use crate::setup::{REPOSITORY, Setup, config, deployment, run};

impl Setup {
    /// Creates another Sync like the first, on another path.
    pub async fn add_sync(&self, name: &str, path: &str, fields: Value) {
        let mut sync = self.sync().await;
        sync["metadata"] = json!({"name": name, "namespace": self.system});
        sync["spec"]["path"] = path.into();
        sync["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        sync.as_object_mut().unwrap().remove("status");
        self.kubectl(&["create", "-f", "-"], &sync.to_string()).await;
    }

    /// Changes fields of the spec of a Sync.
    async fn edit(&self, name: &str, fields: Value) {
        let patch = json!({"spec": fields}).to_string();
        self.kubectl(&["patch", "sync", name, "-n", &self.system, "--type=merge", "-p", &patch], "").await;
    }

    async fn sync_uid(&self, name: &str) -> String {
        let args = ["get", "sync", name, "-n", &self.system, "-o", "jsonpath={.metadata.uid}"];
        self.kubectl(&args, "").await
    }

    async fn uid(&self, object: &str) -> String {
        self.find(object).await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
    }
}

/// A Sync `shop` of `left`, which holds two objects, and one of `right`, which holds another; both are ready.
async fn left_and_right(cluster: &'static Cluster) -> Setup {
    let (a, b, c) = (config("a", "one"), config("b", "one"), config("c", "one"));
    let files = [("left/a.yaml", &*a), ("left/b.yaml", &*b), ("right/c.yaml", &*c)];
    let setup = Setup::start(cluster, "left", &files).await;
    setup.condition("Ready", "True", "Ready").await;
    setup.add_sync("right", "right", json!({})).await;
    setup.condition_of("right", "Ready", "True", "Ready").await;
    setup
}

#[test]
fn an_object_that_moves_between_syncs_is_handed_over_and_never_deleted() {
    run(async |cluster| {
        let setup = left_and_right(cluster).await;
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

        let circle = json!({"spec": {"dependsOn": [{"name": "app"}]}});
        setup.patch_sync(&circle).await;
        setup.push(&[("app/app.yaml", Some(&config("app", "two")))]).await;
        let message = setup.condition_of("app", "Applied", "False", "DependencyNotReady").await;
        assert!(message.contains("it waits for itself: app → shop → app"), "{message}");
        assert_eq!(setup.find("configmap/app").await.unwrap()["data"]["key"], "one");
    });
}

#[test]
fn a_sync_hands_over_what_the_one_wants_that_it_waits_for() {
    run(async |cluster| {
        let (a, b, c) = (config("a", "one"), config("b", "one"), config("c", "one"));
        let files = [("platform/b.yaml", &*b), ("app/a.yaml", &*a), ("app/c.yaml", &*c)];
        let setup = Setup::start(cluster, "platform", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.add_sync("app", "app", json!({"dependsOn": [{"name": "shop"}]})).await;
        setup.condition_of("app", "Ready", "True", "Ready").await;
        let uid = setup.uid("configmap/a").await;

        let moved = config("a", "two");
        let head = setup.push(&[("app/a.yaml", None), ("platform/a.yaml", Some(&moved))]).await;
        setup.applied_at("shop", &head).await;
        setup.applied_at("app", &head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "two");
        assert_eq!(setup.uid("configmap/a").await, uid, "it was deleted in between");
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

#[test]
fn an_object_that_moves_to_a_suspended_sync_stays_until_that_one_is_resumed() {
    run(async |cluster| {
        let setup = left_and_right(cluster).await;
        let uid = setup.uid("configmap/a").await;

        setup.edit("right", json!({"suspend": true})).await;
        setup.condition_of("right", "Ready", "False", "Suspended").await;
        setup.push(&[("left/a.yaml", None), ("right/a.yaml", Some(&config("a", "two")))]).await;
        // At first it may wait for what the other one has to say.
        setup
            .eventually("the object named with where it moved", async || {
                let message = setup.condition("Pruned", "Unknown", "Waiting").await;
                if message.contains("moved to the Sync `right`, which is suspended") { Ok(()) } else { Err(message) }
            })
            .await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "one");

        setup.edit("right", json!({"suspend": false})).await;
        let head = setup.push(&[("README", Some("x"))]).await;
        setup.applied_at("right", &head).await;
        setup.applied_at("shop", &head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "two");
        assert_eq!(setup.uid("configmap/a").await, uid, "it was deleted in between");
    });
}

#[test]
fn what_left_a_path_stays_while_a_sync_of_the_branch_has_not_said_what_it_wants() {
    run(async |cluster| {
        let setup = left_and_right(cluster).await;
        let uid = setup.uid("configmap/a").await;

        // It cannot read the branch any more.
        setup.edit("right", json!({"credentials": {"secretName": "missing"}})).await;
        setup.condition_of("right", "Fetched", "False", "BadSecret").await;
        setup.push(&[("left/a.yaml", None), ("right/a.yaml", Some(&config("a", "two")))]).await;
        let message = setup.condition("Pruned", "Unknown", "Waiting").await;
        assert!(message.contains("whether they moved is not known: waits for right since "), "{message}");

        setup.edit("right", json!({"credentials": null})).await;
        let head = setup.push(&[("README", Some("x"))]).await;
        setup.applied_at("right", &head).await;
        setup.applied_at("shop", &head).await;
        assert_eq!(setup.uid("configmap/a").await, uid, "it was deleted in between");
    });
}

/// Who may not list a kind sees whose its objects are when it looks at one.
#[test]
fn an_object_of_another_sync_is_not_taken_where_nothing_can_be_listed() {
    run(async |cluster| {
        let (a, b) = (config("a", "one"), config("b", "one"));
        let setup = Setup::start(cluster, "left", &[("left/a.yaml", &*a), ("right/b.yaml", &*b)]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.kubectl(&["delete", "rolebinding", "heddle-deployer", "-n", &setup.target], "").await;
        let blind = |verbs: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": "blind", "namespace": setup.target},
                "rules": [{"apiGroups": [""], "resources": ["configmaps"],
                    "verbs": verbs.split(',').collect::<Vec<_>>()}],
            })
            .to_string()
        };
        setup.kubectl(&["apply", "-f", "-"], &blind("create,patch,delete")).await;
        let account = format!("--serviceaccount={}:heddle-deployer", setup.system);
        let binding = ["create", "rolebinding", "blind", "--role=blind", &account, "-n", &setup.target];
        setup.kubectl(&binding, "").await;
        setup.add_sync("right", "right", json!({})).await;
        let told = async |words: &str| {
            setup
                .eventually(words, async || {
                    let args = ["get", "sync", "right", "-n", &setup.system, "-o", "jsonpath={.status.errors}"];
                    let errors = setup.kubectl(&args, "").await;
                    if errors.contains(words) { Ok(()) } else { Err(errors) }
                })
                .await;
        };
        told("whether another Sync has it cannot be told").await;
        assert!(setup.find("configmap/b").await.is_none());
        setup.kubectl(&["apply", "-f", "-"], &blind("get,create,patch,delete")).await;
        setup.push(&[("right/a.yaml", Some(&config("a", "stolen")))]).await;
        told("belongs to another Sync, `shop`").await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "one");
        assert!(setup.find("configmap/b").await.is_some());
    });
}

#[test]
fn each_sync_watches_its_own_objects_and_lists_those_of_others_where_it_matters() {
    run(async |cluster| {
        let (a, b) = (config("a", "one"), config("b", "one"));
        let setup = Setup::start(cluster, "left", &[("left/a.yaml", &*a), ("right/b.yaml", &*b)]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.add_sync("right", "right", json!({})).await;
        setup.condition_of("right", "Ready", "True", "Ready").await;
        let selectors = setup.label_selectors("configmaps");
        let uids: Vec<String> = [setup.sync_uid("shop").await, setup.sync_uid("right").await].into();
        let own: Vec<String> = uids.iter().map(|uid| format!("heddle.dev/sync={uid}")).collect();
        let others: Vec<String> = uids.iter().map(|uid| format!("heddle.dev/sync,heddle.dev/sync!={uid}")).collect();
        for (verb, selector) in &selectors {
            assert!(own.contains(selector) || (verb == "list" && others.contains(selector)), "{verb} {selector}");
        }
        for selector in own.iter().chain(&others) {
            assert!(selectors.iter().any(|(_, seen)| seen == selector), "{selector} is missing in {selectors:?}");
        }
    });
}

#[test]
fn a_sync_that_is_given_another_account_does_nothing_as_the_former_one() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "one"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.edit("shop", json!({"serviceAccountName": "nobody"})).await;
        setup.condition("Applied", "False", "NoAccount").await;
        let change = r#"{"data": {"key": "changed"}}"#;
        setup.kubectl(&["patch", "configmap/a", "-n", &setup.target, "--type=merge", "-p", change], "").await;
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "two")))]).await;
        setup
            .eventually("the new revision tried", async || {
                let state = setup.api.state("shop").filter(|state| {
                    state.attempted_revision.as_ref().is_some_and(|revision| revision.as_str() == head)
                });
                state.ok_or("not yet".to_owned())
            })
            .await;
        setup.condition("Applied", "False", "NoAccount").await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "changed");
        setup.edit("shop", json!({"serviceAccountName": "heddle-deployer"})).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "two");
    });
}

#[test]
fn paths_that_render_for_long_hold_no_other_up_and_an_edit_ends_them() {
    run(async |cluster| {
        // A renderer that never ends below `slow`.
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("kustomize");
        let real = tools::path("kustomize").unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$2\" in */slow/*) exec /bin/sleep 600;; esac\nexec {} \"$@\"\n",
            std::path::Path::new(&real).display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (a, b) = (config("a", "one"), config("b", "one"));
        let files = [
            ("quick/kustomization.yaml", "resources: [a.yaml]\n"),
            ("quick/a.yaml", &*a),
            ("other/b.yaml", &*b),
            ("slow/a/kustomization.yaml", "namePrefix: x-\n"),
            ("slow/b/kustomization.yaml", "namePrefix: x-\n"),
        ];
        let setup = Setup::start_with(cluster, "quick", &files, "1h", program).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.add_sync("one", "slow/a", json!({})).await;
        setup.add_sync("two", "slow/b", json!({})).await;
        for name in ["one", "two"] {
            setup
                .eventually("a render under way", async || {
                    let taken = setup.probe("/metrics").await.contains(&format!(r#"sync="{name}""#));
                    if taken { Ok(()) } else { Err("not known yet".to_owned()) }
                })
                .await;
        }

        let head = setup.push(&[("quick/a.yaml", Some(&config("a", "two")))]).await;
        setup.applied_at("shop", &head).await;
        setup.edit("one", json!({"path": "other"})).await;
        setup.condition_of("one", "Ready", "True", "Ready").await;
        assert!(setup.find("configmap/b").await.is_some());
    });
}

#[test]
fn a_head_is_looked_at_once_however_often_it_is_told_and_by_whomever() {
    run(async |cluster| {
        let setup = left_and_right(cluster).await;
        for name in ["shop", "right"] {
            setup.edit(name, json!({"interval": "9m"})).await;
        }
        let push = async |text: &str| {
            let file = config("a", text).replace("{target}", &setup.target);
            setup
                .github
                .push_files(REPOSITORY, "main", &[("left/a.yaml", Some(&*file))], "change", "ada")
                .await
                .unwrap()
        };
        let settled = async |head: &str| {
            setup.applied_at("shop", head).await;
            setup.applied_at("right", head).await;
        };
        let first = push("two").await;
        setup.tell(Some(&first));
        settled(&first).await;

        let before = (setup.fetches().await, setup.fetches_of("right").await);
        for _ in 0..3 {
            // The read tells again what the webhook told. A full report says that the hint before it was heard.
            setup.tell(Some(&first));
            let told = setup.api.states("shop").len();
            setup.api.hint(Hint::Resync);
            setup
                .eventually("a full report", async || match setup.api.states("shop").len() {
                    after if after > told => Ok(()),
                    after => Err(format!("{after} reports")),
                })
                .await;
        }
        let second = push("three").await;
        setup.tell(Some(&second));
        settled(&second).await;
        let after = (setup.fetches().await, setup.fetches_of("right").await);
        assert_eq!(after, (before.0 + 1, before.1 + 1), "{}", setup.log_text());
    });
}

#[test]
fn a_sync_that_no_hint_reached_follows_another_one_of_its_branch() {
    run(async |cluster| {
        let setup = left_and_right(cluster).await;
        // The interval is long, no hint is left, and the other Sync, which was changed, finds a new head.
        setup.edit("shop", json!({"interval": "9m"})).await;
        let file = config("a", "two").replace("{target}", &setup.target);
        let files = [("left/a.yaml", Some(&*file))];
        let head = setup.github.push_files(REPOSITORY, "main", &files, "change", "ada").await.unwrap();
        setup.edit("right", json!({"interval": "9m"})).await;
        setup.applied_at("right", &head).await;
        setup.applied_at("shop", &head).await;
    });
}
