use heddle_core::health::HealthStatus;
use heddle_wire::agent::Deploy;

use crate::setup::{REPOSITORY, Setup, config, deployment, run};

const OVERLAY: &str = "resources: [../../base]\nimages: [{name: ghcr.io/acme/api, newTag: 1.0.0}]\n";

#[test]
fn an_overlay_becomes_healthy_and_the_facts_say_so() {
    run(async |cluster| {
        let base = deployment("api", "ghcr.io/acme/api");
        let files = [
            ("clusters/prod/kustomization.yaml", OVERLAY),
            ("base/kustomization.yaml", "resources: [api.yaml]\n"),
            ("base/api.yaml", &base),
        ];
        let setup = Setup::start(cluster, "clusters/prod", &files).await;
        let head = setup.github.head(REPOSITORY, "main").await.unwrap().unwrap();
        setup.healthy_at(&head).await;

        let images: Vec<_> = setup
            .eventually("the facts", async || {
                let facts: Vec<_> =
                    setup.api.facts().into_iter().filter(|fact| fact.revision.as_str() == head).collect();
                let healthy = facts.iter().any(|fact| {
                    matches!(&fact.what, Deploy::Health { image, status: HealthStatus::Healthy, .. }
                    if image.to_string() == "ghcr.io/acme/api:1.0.0")
                });
                let applied = facts.iter().find_map(|fact| match &fact.what {
                    Deploy::Applied { images, .. } => Some(images.clone()),
                    _ => None,
                });
                applied.filter(|_| healthy).ok_or(format!("{facts:?}"))
            })
            .await;
        assert_eq!(images.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ghcr.io/acme/api:1.0.0"]);
        let state = setup
            .eventually("the state", async || {
                setup
                    .api
                    .state("shop")
                    .filter(|state| state.applied_revision.is_some())
                    .and_then(|state| state.observed)
                    .filter(|observed| observed.health == HealthStatus::Healthy)
                    .ok_or("none yet".to_owned())
            })
            .await;
        assert_eq!((state.objects, state.workloads.len()), (1, 1));

        // The overlay's own files stay; what changes is its base.
        let other = base.replace("replicas: 1", "replicas: 2");
        let head = setup.push(&[("base/api.yaml", Some(&other))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("deployment/api").await.unwrap()["spec"]["replicas"], 2);
    });
}

#[test]
fn of_ten_manifests_nine_are_applied_and_one_error_has_file_and_line() {
    run(async |cluster| {
        let mut files: Vec<(String, String)> =
            (0..9).map(|number| (format!("apps/c{number}.yaml"), config(&format!("c{number}"), "x"))).collect();
        let misspelt = format!("# a comment\n{}", deployment("api", "nginx").replace("replicas: 1", "replica: 1"));
        let line = misspelt.lines().position(|line| line.contains("replica: 1")).unwrap() + 1;
        files.push(("apps/api.yaml".into(), misspelt));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let setup = Setup::start(cluster, "apps", &files).await;

        setup.condition("Applied", "False", "Failed").await;
        for number in 0..9 {
            assert!(setup.find(&format!("configmap/c{number}")).await.is_some());
        }
        let sync = setup.sync().await;
        let errors = sync["status"]["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(
            (errors[0]["file"].as_str(), errors[0]["line"].as_u64()),
            (Some("apps/api.yaml"), Some(line as u64))
        );
        assert!(errors[0]["message"].as_str().unwrap().contains("spec.replica"), "{errors:?}");

        let good = deployment("api", "nginx");
        let head = setup.push(&[("apps/api.yaml", Some(&good))]).await;
        setup.healthy_at(&head).await;
    });
}

#[test]
fn what_left_git_is_pruned_and_what_is_not_ours_never() {
    run(async |cluster| {
        let (a, b) = (config("a", "x"), config("b", "x"));
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &a), ("apps/b.yaml", &b)]).await;
        setup.condition("Ready", "True", "Ready").await;
        setup.kubectl(&["create", "configmap", "theirs", "-n", &setup.target], "").await;

        let head = setup.push(&[("apps/b.yaml", None)]).await;
        setup.healthy_at(&head).await;
        assert!(setup.find("configmap/a").await.is_some());
        assert!(setup.find("configmap/b").await.is_none());
        assert!(setup.find("configmap/theirs").await.is_some());
    });
}

#[test]
fn an_emptied_path_deletes_nothing_and_asks() {
    run(async |cluster| {
        let (a, b) = (config("a", "x"), config("b", "x"));
        let setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &a), ("apps/b.yaml", &b), ("README", "x")]).await;
        setup.condition("Ready", "True", "Ready").await;

        // A path that is gone is a slip until somebody says otherwise.
        setup.push(&[("apps/a.yaml", None), ("apps/b.yaml", None)]).await;
        let gone = setup.condition("Rendered", "False", "Failed").await;
        assert!(gone.contains("the path `apps` does not exist"), "{gone}");
        setup.condition("Pruned", "False", "Held").await;

        setup.push(&[("apps/README", Some("emptied on purpose"))]).await;
        setup.condition("Pruned", "False", "Stopped").await;
        assert!(setup.find("configmap/a").await.is_some() && setup.find("configmap/b").await.is_some());
        let stopped = setup
            .eventually("the question", async || {
                setup.api.state("shop").and_then(|state| state.stopped_prune).ok_or("not asked yet".to_owned())
            })
            .await;
        assert_eq!(stopped.count, 2);

        let approval = format!("heddle.dev/approve-prune={}", stopped.plan);
        setup.annotate_sync(&approval).await;
        setup.condition("Pruned", "True", "Pruned").await;
        assert!(setup.find("configmap/a").await.is_none() && setup.find("configmap/b").await.is_none());
    });
}

#[test]
fn definitions_and_their_objects_go_in_one_commit() {
    run(async |cluster| {
        let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
            metadata: {name: widgets.example.org}\nspec:\n  group: example.org\n  scope: Namespaced\n  \
            names: {kind: Widget, plural: widgets, singular: widget}\n  versions:\n  - name: v1\n    served: true\n    \
            storage: true\n    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n";
        let widget =
            "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w, namespace: '{target}'}\nspec: {size: 3}\n";
        let setup = Setup::start(cluster, "apps", &[("apps/w.yaml", widget), ("apps/x.yaml", definition)]).await;
        // The deployer may edit its namespace, but neither define kinds nor touch them.
        setup.condition("Applied", "False", "Failed").await;
        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: define-{0}}}\nrules:\n\
             - {{apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: ['*']}}\n\
             - {{apiGroups: [example.org], resources: [widgets], verbs: ['*']}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: define-{0}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: define-{0}}}\n\
             subjects: [{{kind: ServiceAccount, name: heddle-deployer, namespace: {0}}}]\n",
            setup.system
        );
        setup.kubectl(&["apply", "-f", "-"], &role).await;
        let head = setup.push(&[("README", Some("x"))]).await;
        setup.condition("Applied", "True", "Applied").await;
        // A young object of which its controller has said nothing is not healthy yet.
        setup.condition("Healthy", "False", "Progressing").await;
        let status = r#"{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#;
        setup.kubectl(&["patch", "widget", "w", "-n", &setup.target, "--type=merge", "-p", status], "").await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("widget/w").await.unwrap()["spec"]["size"], 3);
    });
}
