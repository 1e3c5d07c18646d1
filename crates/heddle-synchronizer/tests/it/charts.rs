//! Charts, also those of releases that Helm installed.

use std::process::Command;

use heddle_testkit::tools;
use serde_json::{Value, json};

use crate::setup::{Setup, run};

const CHART: &str = "apiVersion: v2\nname: web\nversion: 0.1.0\n";

/// Keeps its password as many charts do: by a look into the cluster, else at random.
const SECRET: &str = "{{- $old := lookup \"v1\" \"Secret\" .Release.Namespace \"web\" -}}\napiVersion: v1\nkind: Secret\nmetadata:\n  \
    name: web\n  labels: {managed-by: {{ .Release.Service }}}\ndata:\n  {{- if $old }}\n  password: {{ $old.data.password }}\n  {{- else }}\n  \
    password: {{ .Values.password | default (randAlphaNum 16) | b64enc }}\n  {{- end }}\n";

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: {{ .Values.replicas }}\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n      annotations:\n        \
    checksum/secret: {{ include (print $.Template.BasePath \"/secret.yaml\") . | sha256sum }}\n    spec:\n      containers:\n      - \
    {name: web, image: nginx}\n";

const FILES: [(&str, &str); 4] = [
    ("apps/Chart.yaml", CHART),
    ("apps/values.yaml", "replicas: 1\n"),
    ("apps/templates/secret.yaml", SECRET),
    ("apps/templates/deployment.yaml", DEPLOYMENT),
];

impl Setup {
    /// Installs a chart of these files as `shop`, as a person would.
    fn helm_install(&self, files: &[(&str, &str)]) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let output = Command::new(tools::path("helm").unwrap())
            .args(["install", "shop", "apps", "--namespace", &self.target, "--kubeconfig"])
            .arg(self.cluster.kubeconfig())
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn password(&self) -> Value {
        self.find("secret/web").await.unwrap()["data"]["password"].clone()
    }

    async fn deployment(&self) -> Value {
        self.find("deployment/web").await.unwrap()
    }
}

#[test]
fn a_release_of_helm_is_taken_over_with_its_password_and_no_pod_starts_anew() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &[("apps/README.md", "x")]).await;
        setup.allow_all().await;
        setup.helm_install(&FILES);
        let (password, before) = (setup.password().await, setup.deployment().await);

        let head = setup.push(&FILES.map(|(path, text)| (path, Some(text)))).await;
        setup.healthy_at(&head).await;
        let told = setup.condition("Generated", "True", "WrittenOnce").await;
        assert!(told.contains("Secret web: data.password (set by `password`)"), "{told}");
        assert!(told.contains("checksum/secret"), "{told}");
        assert_eq!(setup.password().await, password);
        let taken = setup.deployment().await;
        assert_eq!(
            taken["metadata"]["generation"], before["metadata"]["generation"],
            "nothing of the spec has changed"
        );
        let owner = setup.sync().await["metadata"]["uid"].clone();
        assert_eq!(taken["metadata"]["labels"]["heddle.dev/sync"], owner);

        // What everybody may change stays as they have it, and the rest follows Git.
        let patch = json!({"data": {"password": "cm90YXRlZA=="}}).to_string();
        setup.kubectl(&["patch", "secret", "web", "-n", &setup.target, "--type=merge", "-p", &patch], "").await;
        let head = setup.push(&[("apps/values.yaml", Some("replicas: 2\n"))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.deployment().await["spec"]["replicas"], 2);
        let template = |deployment: &Value| deployment["spec"]["template"].clone();
        assert_eq!(template(&setup.deployment().await), template(&before));
        let head = setup.push(&[("apps/templates/secret.yaml", Some(&SECRET.replace("managed-by", "by")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("secret/web").await.unwrap()["metadata"]["labels"]["by"], "Helm");
        assert_eq!(setup.password().await, "cm90YXRlZA==");
    });
}

#[test]
fn what_a_chart_makes_at_random_is_written_with_the_object_and_again_when_that_is_gone() {
    run(async |cluster| {
        let setup = Setup::start(cluster, "apps", &FILES).await;
        setup.allow_all().await;
        setup.condition("Ready", "True", "Ready").await;
        let password = setup.password().await;
        assert!(password.as_str().is_some_and(|password| password.len() > 16), "{password}");
        setup.kubectl(&["delete", "secret", "web", "-n", &setup.target], "").await;
        setup
            .eventually("another password", async || match setup.find("secret/web").await {
                Some(secret) if secret["data"]["password"].is_string() => Ok(()),
                other => Err(format!("{other:?}")),
            })
            .await;

        // A value that is wrong is told where it stands, and what was applied stays.
        setup.push(&[("apps/templates/deployment.yaml", Some("a: {{ .Values.replicas.of }}\n"))]).await;
        setup.condition("Rendered", "False", "Failed").await;
        let errors = setup.sync().await["status"]["errors"].clone();
        assert_eq!(errors[0]["file"], "apps/templates/deployment.yaml");
        assert_eq!(errors[0]["line"], 1);
        assert!(errors[0]["message"].as_str().unwrap().contains("the value stands at apps/values.yaml:1"), "{errors}");
        assert!(setup.find("deployment/web").await.is_some());
    });
}
