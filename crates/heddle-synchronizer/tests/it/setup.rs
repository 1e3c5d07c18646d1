//! One control plane for all tests; a namespace, a repository and an agent of its own for each.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use heddle_testkit::{
    cluster::{Cluster, Settings},
    github::{GitHub, GitHubConfig},
    port,
    process::{Process, Program},
    tools,
    wait::{LONG, until},
    webhook::{Admission, Webhook},
};
use heddle_wire::agent::Hint;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
};

use crate::api::Api;

pub const REPOSITORY: &str = "acme/config";

const MANIFEST: &str = include_str!("../../../../deploy/agent/install.yaml");

struct World {
    runtime: Runtime,
    cluster: Cluster,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let cluster = runtime.block_on(async {
        let cluster = Cluster::start(Settings { audit: true }).await.unwrap();
        // Two tests that create the same definition at once would be in each other's way.
        let definition =
            MANIFEST.split("\n---\n").find(|part| part.contains("kind: CustomResourceDefinition")).unwrap();
        cluster.kubectl(&["apply", "-f", "-"], definition).await.unwrap();
        cluster
    });
    World { runtime, cluster }
});

/// Runs a test on the runtime that the control plane was started on.
pub fn run(test: impl AsyncFnOnce(&'static Cluster)) {
    let world = LazyLock::force(&WORLD);
    world.runtime.block_on(test(&world.cluster));
}

/// An agent with what is around it.
pub struct Setup {
    pub cluster: &'static Cluster,
    pub github: GitHub,
    pub api: Api,
    /// The agent's own namespace.
    pub system: String,
    /// The namespace that it deploys to.
    pub target: String,
    program: Program,
    metrics_port: u16,
    agent: Option<Process>,
    dir: tempfile::TempDir,
}

impl Setup {
    /// Installs the agent for `path` of a repository with these files. `{target}` in them stands for the namespace.
    pub async fn start(cluster: &'static Cluster, path: &str, files: &[(&str, &str)]) -> Self {
        Self::start_sweeping(cluster, path, files, "1h").await
    }

    /// As [`Setup::start`], with an interval at which every object is compared by a dry run.
    pub async fn start_sweeping(
        cluster: &'static Cluster,
        path: &str,
        files: &[(&str, &str)],
        sweep_interval: &str,
    ) -> Self {
        Self::start_with(cluster, path, files, sweep_interval, tools::path("kustomize").unwrap()).await
    }

    /// As [`Setup::start`], with another program in the place of `kustomize`.
    pub async fn start_with(
        cluster: &'static Cluster,
        path: &str,
        files: &[(&str, &str)],
        sweep_interval: &str,
        kustomize: impl Into<PathBuf>,
    ) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (system, target) = (format!("heddle-system-{number}"), format!("shop-{number}"));
        let github = GitHub::start(GitHubConfig::default()).await.unwrap();
        github.add_user("ada");
        github.add_organization("acme", "ada");
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.replace("{target}", &target))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        github.create_repository(REPOSITORY, &files).await.unwrap();
        let api = Api::start(github.personal_token("ada")).await;

        let dir = tempfile::tempdir().unwrap();
        cluster.kubectl(&["create", "namespace", &target], "").await.unwrap();
        let metrics_port = port::free().unwrap();
        let setup = Self {
            metrics_port,
            program: Program::new(env!("CARGO_BIN_EXE_heddle-synchronizer"))
                .env("HEDDLE_API_URL", format!("http://{}", api.address))
                .env("HEDDLE_STATE_DIR", dir.path().join("state"))
                .env("HEDDLE_CA_FILE", github.ca_file())
                .env("HEDDLE_ALLOW_REMOTES", authority_of(&github))
                .env("HEDDLE_KUSTOMIZE", kustomize.into())
                .env("HEDDLE_HELM", tools::path("helm").unwrap())
                .env("HEDDLE_SOPS", tools::path("sops").unwrap())
                .env("HEDDLE_NAMESPACE", &system)
                .env("HEDDLE_KUBECONFIG", dir.path().join("kubeconfig"))
                .env("HEDDLE_METRICS_LISTEN", format!("127.0.0.1:{metrics_port}"))
                .env("HEDDLE_SWEEP_INTERVAL", sweep_interval),
            agent: None,
            cluster,
            github,
            api,
            system,
            target,
            dir,
        };
        setup.install(path).await;
        setup.run_agent().await
    }

    async fn install(&self, path: &str) {
        let url = self.github.clone_url(REPOSITORY);
        let values = [
            ("{{API_URL}}", json!(format!("http://{}", self.api.address))),
            ("{{CA_PEM}}", json!(self.github.ca_pem())),
            ("{{AGENT_IMAGE}}", json!("ghcr.io/acme/heddle:test")),
            ("{{BOOTSTRAP_TOKEN}}", json!("bootstrap")),
            ("{{SYNC_NAME}}", json!("shop")),
            ("{{REPOSITORY}}", json!(url)),
            ("{{BRANCH}}", json!("main")),
            ("{{PATH}}", json!(path)),
            ("{{NAMESPACES}}", json!([self.target])),
            ("{{NAMESPACE}}", json!(self.target)),
        ];
        let text =
            values.iter().fold(MANIFEST.to_owned(), |text, (place, value)| text.replace(place, &value.to_string()));
        let text = text.replace("heddle-system", &self.system);
        self.kubectl(&["apply", "-f", "-"], &text).await;
        let server = self.cluster.url().unwrap();
        let kubeconfig =
            self.cluster.service_account_kubeconfig(&self.system, "heddle-synchronizer", &server).await.unwrap();
        std::fs::write(self.dir.path().join("kubeconfig"), kubeconfig).unwrap();
    }

    /// Starts the agent's process.
    pub async fn run_agent(mut self) -> Self {
        self.agent = Some(self.program.spawn(&self.log()).unwrap());
        self
    }

    /// Starts another agent beside the first, as a second pod would be; its log is `name`.
    pub fn run_another(&self, name: &str) -> Process {
        let program = self.program.clone().env("HEDDLE_STATE_DIR", self.dir.path().join(name));
        let program = program.env("HEDDLE_METRICS_LISTEN", format!("127.0.0.1:{}", port::free().unwrap()));
        program.spawn(&self.dir.path().join(format!("{name}.log"))).unwrap()
    }

    /// Kills the agent with SIGKILL.
    pub async fn kill(&mut self) {
        self.agent.take().unwrap().kill().await.unwrap();
    }

    /// What the agent's port for probes answers.
    pub async fn probe(&self, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.metrics_port)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// How often the agent has fetched the branch of its first Sync.
    pub async fn fetches(&self) -> u64 {
        self.fetches_of("shop").await
    }

    /// How often the agent has fetched the branch of a Sync.
    pub async fn fetches_of(&self, sync: &str) -> u64 {
        let metrics = self.probe("/metrics").await;
        let of = format!("\"{sync}\"");
        let is_meant = |line: &&str| {
            line.starts_with("heddle_sync_fetches_total") && line.contains(r#""ok""#) && line.contains(&of)
        };
        let count = metrics.lines().find(is_meant).and_then(|line| line.rsplit(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_default()
    }

    /// Requests of the Sync's account for objects of this resource in the target namespace, by verb; watches, which
    /// last, are left out.
    pub fn requests(&self, resource: &str) -> BTreeMap<String, usize> {
        let account = format!("system:serviceaccount:{}:heddle-deployer", self.system);
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(self.cluster.audit_log()).unwrap().lines() {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let object = &event["objectRef"];
            let is_ours = event["impersonatedUser"]["username"] == account.as_str()
                && object["namespace"] == self.target.as_str()
                && object["resource"] == resource;
            if is_ours && event["verb"] != "watch" {
                *counts.entry(event["verb"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// What the Sync's account selected when it listed or watched objects of this resource in the target namespace: verb
    /// and label selector.
    pub fn label_selectors(&self, resource: &str) -> Vec<(String, String)> {
        let account = format!("system:serviceaccount:{}:heddle-deployer", self.system);
        let mut found = Vec::new();
        for line in std::fs::read_to_string(self.cluster.audit_log()).unwrap().lines() {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let object = &event["objectRef"];
            let is_ours = event["impersonatedUser"]["username"] == account.as_str()
                && object["namespace"] == self.target.as_str()
                && object["resource"] == resource;
            let verb = event["verb"].as_str().unwrap();
            if is_ours && matches!(verb, "list" | "watch") {
                let uri = format!("http://localhost{}", event["requestURI"].as_str().unwrap());
                let uri = url::Url::parse(&uri).unwrap();
                let selector = uri.query_pairs().find(|(key, _)| key == "labelSelector");
                found.push((verb.to_owned(), selector.map(|(_, value)| value.into_owned()).unwrap_or_default()));
            }
        }
        found
    }

    /// Kills the agent with SIGKILL and starts it again.
    pub async fn kill_and_restart(&mut self) {
        self.kill().await;
        self.restart();
    }

    /// Takes away the clones that the agent has on disk.
    pub fn forget_clones(&self) {
        std::fs::remove_dir_all(self.dir.path().join("state/repositories")).unwrap();
    }

    /// Starts the killed agent again.
    pub fn restart(&mut self) {
        self.agent = Some(self.program.spawn(&self.log()).unwrap());
    }

    /// The same with an agent to which these hosts are open, although they are on private addresses.
    pub async fn allowing(mut self, hosts: &[&str]) -> Self {
        self.kill().await;
        self.program = self.program.env("HEDDLE_ALLOW_REMOTES", hosts.join(","));
        self.restart();
        self
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("agent.log")
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    pub async fn kubectl(&self, args: &[&str], input: &str) -> String {
        self.cluster.kubectl(args, input).await.unwrap()
    }

    /// Lets the Sync's account do everything, as an administrator would for a platform's Sync.
    pub async fn allow_all(&self) {
        let account = format!("--serviceaccount={}:heddle-deployer", self.system);
        let args = ["create", "clusterrolebinding", &self.system, "--clusterrole=cluster-admin", &account];
        self.kubectl(&args, "").await;
        self.look();
    }

    /// Has a webhook asked about each of these operations on a resource of the target namespace.
    pub async fn admit(&self, resource: &str, operations: &[&str], answers: Admission) -> Webhook {
        let webhook = Webhook::start(answers).await.unwrap();
        let rule = json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": operations, "resources": [resource]});
        let registration = webhook.registration(&self.target, &rule, &self.target);
        self.kubectl(&["apply", "-f", "-"], &registration.to_string()).await;
        webhook
    }

    /// Takes back what [`Setup::admit`] has registered.
    pub async fn admit_all(&self) {
        self.kubectl(&["delete", "validatingwebhookconfiguration", &self.target], "").await;
    }

    /// Has the API hint at the branch, as after a push.
    pub fn look(&self) {
        self.tell(None);
    }

    /// Has the API hint at the branch and tell its head, where it knows it.
    pub fn tell(&self, head: Option<&str>) {
        let repository = self.github.clone_url(REPOSITORY).parse().unwrap();
        let revision = head.map(|head| head.parse().unwrap());
        self.api.hint(Hint::BranchMoved { repository, branch: "main".parse().unwrap(), revision });
    }

    /// Pushes files, removes those without content, and has the API hint at it; gives the commit.
    pub async fn push(&self, files: &[(&str, Option<&str>)]) -> String {
        let files: Vec<_> =
            files.iter().map(|(path, text)| (*path, text.map(|text| text.replace("{target}", &self.target)))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_deref())).collect();
        let head = self.github.push_files(REPOSITORY, "main", &files, "change", "ada").await.unwrap();
        self.look();
        head
    }

    /// Gives a file another mode in Git, and has the API hint at it; gives the commit.
    pub async fn set_mode(&self, path: &str, mode: &str) -> String {
        let head = self.github.set_mode(REPOSITORY, "main", path, mode, "ada").await.unwrap();
        self.look();
        head
    }

    /// A live object of the target namespace, as `kind/name`; `None` when it does not exist.
    pub async fn find(&self, object: &str) -> Option<Value> {
        let args = ["get", object, "-n", &self.target, "-o", "json", "--ignore-not-found"];
        let text = self.kubectl(&args, "").await;
        (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// The Sync, as soon as the agent that was just started has made it.
    pub async fn sync(&self) -> Value {
        self.eventually("the Sync is there", async || {
            let args = ["get", "sync", "shop", "-n", &self.system, "-o", "json", "--ignore-not-found"];
            let text = self.kubectl(&args, "").await;
            serde_json::from_str(&text).map_err(|_| "nothing".to_owned())
        })
        .await
    }

    /// Changes the Sync by a merge patch.
    pub async fn patch_sync(&self, patch: &Value) {
        self.sync().await;
        let patch = patch.to_string();
        self.kubectl(&["patch", "sync", "shop", "-n", &self.system, "--type=merge", "-p", &patch], "").await;
    }

    /// Sets an annotation of the Sync, as `key=value`.
    pub async fn annotate_sync(&self, annotation: &str) {
        self.sync().await;
        self.kubectl(&["annotate", "sync", "shop", "-n", &self.system, annotation], "").await;
    }

    /// Waits until a condition holds; when it never does, the agent's log is shown.
    pub async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Result<T, String>) -> T {
        match until(what, LONG, async || look().await).await {
            Ok(value) => value,
            Err(error) => panic!("{error:#}\nthe agent's log:\n{}", self.log_text()),
        }
    }

    /// Waits until the Sync's condition is as said, with this reason; gives its message.
    pub async fn condition(&self, kind: &str, status: &str, reason: &str) -> String {
        self.condition_of("shop", kind, status, reason).await
    }

    /// As [`Setup::condition`], of any Sync.
    pub async fn condition_of(&self, name: &str, kind: &str, status: &str, reason: &str) -> String {
        self.eventually(&format!("{name}: {kind}={status} ({reason})"), async || {
            let args = ["get", "sync", name, "-n", &self.system, "-o", "json", "--ignore-not-found"];
            let text = self.cluster.kubectl(&args, "").await.map_err(|error| error.to_string())?;
            let sync: Value = serde_json::from_str(&text).unwrap_or_default();
            let conditions = sync["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let found = conditions.iter().find(|condition| condition["type"] == kind);
            match found {
                Some(found) if found["status"] == status && found["reason"] == reason => {
                    Ok(found["message"].as_str().unwrap().to_owned())
                }
                _ => Err(serde_json::to_string_pretty(&sync["status"]).unwrap()),
            }
        })
        .await
    }

    /// Waits until this revision is applied and healthy.
    pub async fn healthy_at(&self, revision: &str) {
        self.applied_at("shop", revision).await;
    }

    /// Waits until a Sync has applied this revision and is ready.
    pub async fn applied_at(&self, name: &str, revision: &str) {
        self.eventually(&format!("{name}: {} healthy", &revision[..7]), async || {
            let text = self.cluster.kubectl(&["get", "sync", "-n", &self.system, "-o", "json"], "").await;
            let list: Value = serde_json::from_str(&text.map_err(|error| error.to_string())?).unwrap_or_default();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            let shop = items.iter().find(|sync| sync["metadata"]["name"] == name).cloned().unwrap_or_default();
            let status = &shop["status"];
            let ready = status["conditions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            if ready && status["appliedRevision"] == revision { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
    }
}

/// Host and port of a git host.
pub fn authority_of(github: &GitHub) -> String {
    let url: url::Url = github.clone_url(REPOSITORY).parse().unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

/// A Deployment of one container.
pub fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: '{{target}}'\nspec:\n  \
         replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
         spec:\n      containers:\n      - {{name: {name}, image: \"{image}\"}}\n"
    )
}

/// A definition of a kind whose objects may hold anything; the last of the versions that it serves is the stored one.
pub fn definition(group: &str, kind: &str, plural: &str, versions: &[(&str, bool)]) -> String {
    let stored = versions.len() - 1;
    let versions: Vec<Value> = versions
        .iter()
        .enumerate()
        .map(|(index, (name, served))| {
            let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
            json!({"name": name, "served": served, "storage": index == stored, "schema": schema})
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": versions,
        },
    })
    .to_string()
}

/// A ConfigMap with one value.
pub fn config(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: '{{target}}'\ndata:\n  key: \"{value}\"\n"
    )
}
