//! What the agent does with what stands in Git.

use heddle_testkit::wait;
use heddle_tests::{
    World,
    config_repository::{overlay, overlay_path},
    world::{FIRST_TAG, REPOSITORY},
};

async fn get(world: &World, args: &[&str]) -> String {
    let args: Vec<&str> = ["get"].iter().chain(args).copied().collect();
    world.cluster.kubectl(&args, "").await.unwrap_or_else(|error| format!("{error:#}"))
}

async fn wait_for(world: &World, what: &str, args: &[&str], wanted: &str) {
    let seen = wait::until(what, wait::LONG, async || match get(world, args).await {
        text if text == wanted => Ok(()),
        text => Err(text),
    });
    if let Err(error) = seen.await {
        panic!("{error:#}\n{}", world.complaints());
    }
}

async fn base(world: &World, file: &str) -> String {
    world.github.read_file(REPOSITORY, "main", &format!("base/{file}")).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_overlay_whose_base_changed_is_applied() {
    let world = World::start().await.unwrap();
    let text = base(&world, "deployment.yaml").await.replace("replicas: 2", "replicas: 3");
    world.commit(&[("base/deployment.yaml", Some(&text))], "Run three").await.unwrap();
    for namespace in ["shop-prod", "shop-staging"] {
        let args = ["deployment", "api", "-n", namespace, "-o", "jsonpath={.status.availableReplicas}"];
        wait_for(&world, "three replicas", &args, "3").await;
    }
}

#[tokio::test]
async fn a_broken_sync_does_not_stop_the_other() {
    let world = World::start().await.unwrap();
    let broken = overlay("shop-staging", &world.image(), FIRST_TAG).replace("../../base", "../../nowhere");
    let text = base(&world, "deployment.yaml").await.replace("replicas: 2", "replicas: 3");
    let files = [(overlay_path("staging"), broken), ("base/deployment.yaml".to_owned(), text)];
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    world.commit(&files, "Break staging, run three").await.unwrap();
    let replicas = "jsonpath={.status.availableReplicas}";
    wait_for(&world, "prod at three", &["deployment", "api", "-n", "shop-prod", "-o", replicas], "3").await;
    let error = wait::until("the error of staging", wait::LONG, async || {
        let sync = world.sync("staging").await.map_err(|error| format!("{error:#}"))?;
        sync.errors.first().cloned().ok_or_else(|| format!("{sync:?}"))
    })
    .await
    .unwrap();
    assert!(error.message.contains("nowhere"), "{error:?}");
    assert_eq!(error.file.as_deref(), Some("clusters/staging/kustomization.yaml"));
    assert_eq!(get(&world, &["deployment", "api", "-n", "shop-staging", "-o", replicas]).await, "2");
}

#[tokio::test]
async fn one_broken_manifest_of_ten_is_one_error_with_file_and_line_and_nine_are_applied() {
    let world = World::start().await.unwrap();
    let manifest = |number: usize| {
        let field = if number == 7 { "dataa" } else { "data" };
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{number}\n  namespace: shop-prod\n{field}: {{n: \"{number}\"}}\n"
        )
    };
    let files: Vec<(String, String)> = (0..10).map(|n| (format!("plain/c{n}.yaml"), manifest(n))).collect();
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    world.commit(&files, "Add ten").await.unwrap();
    world.add_sync("plain", "plain", "shop-prod").await.unwrap();
    let errors = wait::until("errors of the Sync", wait::LONG, async || {
        let sync = world.sync("plain").await.map_err(|error| format!("{error:#}"))?;
        if sync.errors.is_empty() { Err(format!("{sync:?}")) } else { Ok(sync.errors) }
    })
    .await
    .unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].file.as_deref(), Some("plain/c7.yaml"), "{errors:?}");
    assert!(errors[0].line.is_some() && errors[0].message.contains("dataa"), "{errors:?}");
    let names = get(&world, &["configmap", "-n", "shop-prod", "-o", "name"]).await;
    let applied = (0..10).filter(|n| names.contains(&format!("configmap/c{n}\n"))).count();
    assert_eq!(applied, 9, "{names}");
}

#[tokio::test]
async fn an_object_removed_from_git_is_pruned_and_one_that_is_not_ours_never() {
    let world = World::start().await.unwrap();
    let labels = get(&world, &["service", "api", "-n", "shop-prod", "-o", "jsonpath={.metadata.labels}"]).await;
    let foreign = serde_json::json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": "foreign", "namespace": "shop-prod",
            // Wears our labels, and was never applied by us.
            "labels": serde_json::from_str::<serde_json::Value>(&labels).unwrap_or_default(),
        },
        "spec": {"ports": [{"port": 80}]},
    });
    world.cluster.kubectl(&["apply", "-f", "-"], &foreign.to_string()).await.unwrap();
    let kustomization = base(&world, "kustomization.yaml").await.replace("  - service.yaml\n", "");
    let files = [("base/kustomization.yaml", Some(kustomization.as_str())), ("base/service.yaml", None)];
    world.commit(&files, "Take the Service away").await.unwrap();
    for namespace in ["shop-prod", "shop-staging"] {
        wait_for(&world, "the Service to go", &["service", "api", "-n", namespace, "--ignore-not-found"], "").await;
    }
    assert_eq!(get(&world, &["service", "foreign", "-n", "shop-prod", "-o", "name"]).await, "service/foreign\n");
}

#[tokio::test]
async fn a_path_emptied_by_mistake_deletes_nothing_and_asks() {
    let world = World::start().await.unwrap();
    let note = ("clusters/prod/README.md", Some("Nothing here yet.\n"));
    world.commit(&[(&overlay_path("prod"), None), note], "Empty prod").await.unwrap();
    let stopped = wait::until("the Sync to ask", wait::LONG, async || {
        let syncs = world.syncs().await.map_err(|error| format!("{error:#}"))?;
        let prod = syncs.iter().find(|sync| sync.path == "clusters/prod").ok_or("no Sync of prod")?;
        prod.stopped_prune.clone().ok_or_else(|| format!("{prod:?}"))
    })
    .await
    .unwrap();
    assert_eq!(stopped.count, 2, "{stopped:?}");
    world.wait_until_image_runs("prod", FIRST_TAG).await.unwrap();
    let sync = world.sync_name("clusters/prod").await.unwrap();
    let approval = format!("heddle.dev/approve-prune={}", stopped.plan);
    world.cluster.kubectl(&["annotate", "sync", "-n", "heddle-system", &sync, &approval], "").await.unwrap();
    wait_for(&world, "the approved prune", &["deployment,service", "-n", "shop-prod", "-o", "name"], "").await;
}

#[tokio::test]
async fn drift_by_kubectl_is_healed_and_the_report_says_who_and_what() {
    let world = World::start().await.unwrap();
    world.cluster.kubectl(&["scale", "deployment", "api", "-n", "shop-prod", "--replicas=5"], "").await.unwrap();
    let args = ["deployment", "api", "-n", "shop-prod", "-o", "jsonpath={.spec.replicas}"];
    wait_for(&world, "two replicas again", &args, "2").await;
    let drift = wait::until("the drift in a report", wait::LONG, async || {
        let syncs = world.syncs().await.map_err(|error| format!("{error:#}"))?;
        let drift = syncs.iter().flat_map(|sync| &sync.drifts).next().cloned();
        drift.filter(|drift| drift.healed_at.is_some()).ok_or_else(|| "no healed drift".to_owned())
    })
    .await
    .unwrap();
    assert_eq!(drift.object, "Deployment shop-prod/api");
    assert!(drift.manager.as_deref().is_some_and(|manager| manager.contains("kubectl")), "{drift:?}");
    assert!(drift.fields.iter().any(|field| field.contains("replicas")), "{drift:?}");
}
