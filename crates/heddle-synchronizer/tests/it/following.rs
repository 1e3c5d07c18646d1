use serde_json::{Value, json};

use crate::setup::{Setup, config, deployment, run};

#[test]
fn drift_is_healed_and_the_report_says_who_and_what() {
    run(async |cluster| {
        let (api, a) = (deployment("api", "nginx"), config("a", "x"));
        let setup = Setup::start(cluster, "apps", &[("apps/api.yaml", &api), ("apps/a.yaml", &a)]).await;
        setup.condition("Ready", "True", "Ready").await;

        setup.kubectl(&["scale", "deployment/api", "--replicas=3", "-n", &setup.target], "").await;
        setup
            .eventually("replicas back at 1", async || {
                let replicas = setup.find("deployment/api").await.unwrap()["spec"]["replicas"].clone();
                if replicas == 1 { Ok(()) } else { Err(replicas.to_string()) }
            })
            .await;
        let drift = setup
            .eventually("the drift in the report", async || {
                let drifts = setup.api.state("shop").map(|state| state.drifts).unwrap_or_default();
                drifts.into_iter().next().ok_or("none yet".to_owned())
            })
            .await;
        assert_eq!(drift.object, *format!("Deployment {}/api", setup.target));
        assert_eq!(drift.fields, ["spec.replicas"]);
        assert!(drift.manager.is_some_and(|manager| manager.starts_with("kubectl")));
        assert!(drift.healed_at.is_some());

        setup.kubectl(&["delete", "configmap/a", "-n", &setup.target], "").await;
        setup.eventually("the ConfigMap back", async || setup.find("configmap/a").await.ok_or("gone".to_owned())).await;
        setup.kubectl(&["label", "configmap/a", "heddle.dev/sync-", "-n", &setup.target], "").await;
        setup
            .eventually("the label back", async || {
                let labels = setup.find("configmap/a").await.unwrap()["metadata"]["labels"].clone();
                if labels["heddle.dev/sync"].is_string() { Ok(()) } else { Err(labels.to_string()) }
            })
            .await;
    });
}

#[test]
fn drift_is_only_told_where_the_sync_says_so() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let detect = json!({"spec": {"drift": "detect"}});
        setup.patch_sync(&detect).await;
        let change = r#"{"data": {"key": "changed"}}"#;
        setup.kubectl(&["patch", "configmap/a", "-n", &setup.target, "--type=merge", "-p", change], "").await;
        let drift = setup
            .eventually("the drift in the report", async || {
                let drifts = setup.api.state("shop").map(|state| state.drifts).unwrap_or_default();
                drifts.into_iter().find(|drift| drift.healed_at.is_none()).ok_or("none yet".to_owned())
            })
            .await;
        assert_eq!(drift.fields, ["data.key"]);
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "changed");

        // Whoever puts it back has the field from then on, and it is as Git has it.
        let edit = async |who: &str, value: &str| {
            let (who, data) = (format!("--field-manager={who}"), format!(r#"{{"data": {{"key": "{value}"}}}}"#));
            let args = ["patch", "configmap/a", "-n", &setup.target, "--type=merge", &who, "-p", &data];
            setup.kubectl(&args, "").await
        };
        let open = async |count: usize| {
            setup
                .eventually("what is open", async || {
                    let drifts = setup.api.state("shop").map(|state| state.drifts).unwrap_or_default();
                    let open = drifts.iter().filter(|drift| drift.healed_at.is_none()).count();
                    if open == count { Ok(()) } else { Err(format!("{drifts:?}")) }
                })
                .await;
        };
        edit("ada", "x").await;
        open(0).await;
        edit("eve", "again").await;
        open(1).await;
        // Of an object there is one drift, the latest.
        setup.kubectl(&["delete", "configmap/a", "-n", &setup.target], "").await;
        setup
            .eventually("the delete told", async || {
                let drifts = setup.api.state("shop").map(|state| state.drifts).unwrap_or_default();
                let open: Vec<_> = drifts.iter().filter(|drift| drift.healed_at.is_none()).collect();
                if open.len() == 1 && open[0].fields.is_empty() { Ok(()) } else { Err(format!("{drifts:?}")) }
            })
            .await;
        // What left Git is nobody's drift.
        setup.push(&[("apps/a.yaml", None), ("apps/b.yaml", Some(&config("b", "x")))]).await;
        open(0).await;
    });
}

#[test]
fn what_the_metadata_does_not_show_is_found_by_a_dry_run() {
    run(async |cluster| {
        let two = deployment("api", "nginx")
            .replace("      - {name: api,", "      - {name: log, image: nginx}\n      - {name: api,");
        let setup = Setup::start_sweeping(cluster, "apps", &[("apps/api.yaml", &two)], "1s").await;
        setup.condition("Ready", "True", "Ready").await;
        let names = async || {
            let object = setup.find("deployment/api").await.unwrap();
            let containers = object["spec"]["template"]["spec"]["containers"].as_array().unwrap().clone();
            containers.iter().map(|container| container["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["log", "api"]);
        // Another order in a keyed list takes no field from anybody.
        let mut object = setup.find("deployment/api").await.unwrap();
        object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse();
        setup.kubectl(&["replace", "-f", "-"], &object.to_string()).await;
        setup
            .eventually("the order as it was", async || {
                let names = names().await;
                if names == ["log", "api"] { Ok(()) } else { Err(format!("{names:?}")) }
            })
            .await;
        setup
            .eventually("the drift in the metrics", async || {
                let metrics = setup.probe("/metrics").await;
                let found = metrics.contains(r#"heddle_sync_drifts_total{sync="shop",found_by="sweep"} 1"#);
                if found { Ok(()) } else { Err(metrics) }
            })
            .await;
        assert!(setup.probe("/metrics").await.contains(r#"verb="dry-run",result="ok""#));
    });
}

#[test]
fn a_broken_sync_holds_no_other_up_and_one_object_has_one_owner() {
    run(async |cluster| {
        let setup =
            Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x")), ("other/a.yaml", &config("a", "y"))])
                .await;
        setup.condition("Ready", "True", "Ready").await;
        for (name, path) in [("broken", "nowhere"), ("thief", "other")] {
            let mut sync = setup.sync().await;
            sync["metadata"] = serde_json::json!({"name": name, "namespace": setup.system});
            sync["spec"]["path"] = path.into();
            sync.as_object_mut().unwrap().remove("status");
            setup.kubectl(&["create", "-f", "-"], &sync.to_string()).await;
        }
        let errors = |name: &'static str| {
            let setup = &setup;
            async move {
                setup
                    .eventually(name, async || {
                        let text = setup.kubectl(&["get", "sync", name, "-n", &setup.system, "-o", "json"], "").await;
                        let sync: Value = serde_json::from_str(&text).unwrap();
                        sync["status"]["errors"][0]["message"]
                            .as_str()
                            .map(str::to_owned)
                            .ok_or(sync["status"].to_string())
                    })
                    .await
            }
        };
        assert!(errors("broken").await.contains("does not exist in the repository"));
        assert!(errors("thief").await.contains("belongs to another Sync"));
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "z")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["data"]["key"], "z");
    });
}

#[test]
fn an_unchanged_sync_writes_nothing_and_a_deleted_one_leaves_its_objects() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let version = setup.find("configmap/a").await.unwrap()["metadata"]["resourceVersion"].clone();
        let head = setup.push(&[("README", Some("x"))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/a").await.unwrap()["metadata"]["resourceVersion"], version);

        setup.kubectl(&["delete", "sync", "shop", "-n", &setup.system], "").await;
        setup
            .eventually("the agent noticing", async || {
                if setup.log_text().contains("its objects stay") { Ok(()) } else { Err("not yet".to_owned()) }
            })
            .await;
        assert!(setup.find("configmap/a").await.is_some());
    });
}

#[test]
fn the_agent_has_no_rights_but_those_of_its_manifest() {
    run(async |cluster| {
        // The target's RoleBinding is the deployer's; without it nothing can be applied, whoever the agent is.
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.kubectl(&["delete", "rolebinding", "heddle-deployer", "-n", &setup.target], "").await;
        setup.push(&[("apps/a.yaml", Some(&config("a", "y")))]).await;
        setup.condition("Applied", "False", "Failed").await;
        let message = setup.sync().await["status"]["errors"][0]["message"].to_string();
        assert!(message.contains("heddle-deployer") && message.contains("forbidden"), "{message}");
    });
}

#[test]
fn a_rollout_that_hangs_says_why_and_holds_no_next_commit_up() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/api.yaml", &deployment("api", "acme/api:broken"))]).await;
        let reason = setup
            .eventually("the root of the fault", async || {
                let state = setup.api.state("shop").ok_or("no report".to_owned())?;
                let workloads = state.observed.map(|observed| observed.workloads).unwrap_or_default();
                let reason = workloads.first().and_then(|workload| workload.reason.clone()).unwrap_or_default();
                if reason.contains("container api") { Ok(reason) } else { Err(reason.into()) }
            })
            .await;
        assert!(reason.contains("BackOff") || reason.contains("Err"), "{reason}");
        let fix = deployment("api", "acme/api:1.0.0");
        let head = setup.push(&[("apps/api.yaml", Some(&fix))]).await;
        setup.healthy_at(&head).await;
    });
}

#[test]
fn variables_are_put_in_and_a_changed_one_is_applied() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "${region}-${tier:=low}"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let spec = json!({"spec": {"interval": "1s", "substitute": {"values": {"tier": "high"}, "from": [{"kind": "ConfigMap", "name": "vars"}]}}});
        setup.patch_sync(&spec).await;
        setup.condition("Rendered", "False", "NoVariables").await;

        let account = format!("--serviceaccount={}:heddle-deployer", setup.system);
        let role = ["create", "role", "vars", "--verb=get", "--resource=configmaps", "-n", &setup.system];
        setup.kubectl(&role, "").await;
        setup.kubectl(&["create", "rolebinding", "vars", "--role=vars", &account, "-n", &setup.system], "").await;
        setup.kubectl(&["create", "configmap", "vars", "--from-literal=region=eu", "-n", &setup.system], "").await;
        let becomes = async |wanted: &str| {
            setup
                .eventually(wanted, async || {
                    let key = setup.find("configmap/a").await.unwrap()["data"]["key"].clone();
                    if key == wanted { Ok(()) } else { Err(key.to_string()) }
                })
                .await;
        };
        becomes("eu-high").await;
        let change = r#"{"data": {"region": "us"}}"#;
        setup.kubectl(&["patch", "configmap/vars", "-n", &setup.system, "--type=merge", "-p", change], "").await;
        becomes("us-high").await;
    });
}

#[test]
fn an_autoscaler_keeps_its_replicas_and_so_does_anybody_where_the_sync_says_so() {
    run(async |cluster| {
        let (api, web) = (deployment("api", "api:1"), deployment("web", "web:1"));
        let setup = Setup::start(cluster, "apps", &[("apps/api.yaml", &api), ("apps/web.yaml", &web)]).await;
        setup.condition("Ready", "True", "Ready").await;
        let ignore = json!({"spec": {"ignore": [{"kind": "Deployment", "name": "web", "paths": ["spec.replicas"]}]}});
        setup.patch_sync(&ignore).await;
        let scale = async |name: &str, manager: &str, replicas: usize| {
            let (manager, patch) =
                (format!("--field-manager={manager}"), format!("{{\"spec\": {{\"replicas\": {replicas}}}}}"));
            let args =
                ["patch", "deployment", name, "--subresource=scale", "--type=merge", "-p", &patch, &manager, "-n"];
            setup.kubectl(&[&args[..], &[&setup.target]].concat(), "").await;
        };
        let replicas = async |name: &str| {
            setup.find(&format!("deployment/{name}")).await.unwrap()["spec"]["replicas"].as_u64().unwrap()
        };
        scale("api", "kube-controller-manager", 4).await;
        scale("web", "kubectl", 3).await;

        // What others set outlives a change of the same object.
        let head = setup
            .push(&[
                ("apps/api.yaml", Some(&api.replace("api:1", "api:2"))),
                ("apps/web.yaml", Some(&web.replace("web:1", "web:2"))),
            ])
            .await;
        setup.healthy_at(&head).await;
        assert_eq!((replicas("api").await, replicas("web").await), (4, 3));
        let image = &setup.find("deployment/api").await.unwrap()["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, "api:2");

        // What else is changed is put back and told; the rest was none.
        setup.kubectl(&["set", "image", "deployment/api", "api=evil:1", "-n", &setup.target], "").await;
        let drifts = setup
            .eventually("the drift in the report", async || {
                let drifts = setup.api.state("shop").map(|state| state.drifts).unwrap_or_default();
                if drifts.is_empty() { Err("none yet".to_owned()) } else { Ok(drifts) }
            })
            .await;
        let told: Vec<_> = drifts.iter().map(|drift| (drift.object.as_str(), drift.manager.as_deref())).collect();
        let api = format!("Deployment {}/api", setup.target);
        assert_eq!(told, [(api.as_str(), Some("kubectl-set"))]);
        assert_eq!((replicas("api").await, replicas("web").await), (4, 3));
    });
}

#[test]
fn events_say_what_happened_to_a_sync() {
    run(async |cluster| {
        let files = [("apps/api.yaml", deployment("api", "nginx")), ("apps/a.yaml", config("a", "x"))];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.kubectl(&["scale", "deployment/api", "--replicas=3", "-n", &setup.target], "").await;
        let path = "jsonpath={range .items[*]}{.involvedObject.name} {.type} {.reason}: {.message}{\"\\n\"}{end}";
        let args = ["get", "events", "-n", &setup.system, "-o", path];
        let told = async |wanted: &str| {
            setup
                .eventually(wanted, async || {
                    let text = setup.kubectl(&args, "").await;
                    if text.lines().any(|line| line.starts_with(wanted)) { Ok(()) } else { Err(text) }
                })
                .await;
        };
        told("shop Normal Applied: applied 2 objects of ").await;
        told(&format!("shop Normal DriftHealed: Deployment {}/api was changed by kubectl", setup.target)).await;
        setup
            .push(&[
                ("apps/a.yaml", None),
                ("apps/b.yaml", Some("apiVersion: v1\nkind: Nothing\nmetadata: {name: b}\n")),
            ])
            .await;
        told("shop Warning Failed: 1 errors in ").await;
        setup.push(&[("apps/b.yaml", None)]).await;
        told("shop Normal Pruned: deleted 1 objects that left the path").await;
    });
}
