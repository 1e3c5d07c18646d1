//! A Kubernetes control plane without a container engine: etcd, API server, controllers, scheduler, and kwok, which
//! plays one node whose pods become ready after a second.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Node, ServiceAccount},
};
use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use rcgen::KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::{
    port,
    process::{Process, Program},
    scratch,
    tls::Authority,
    tools, wait,
};

mod kwok;

/// Names the service account tokens' issuer; nobody calls it.
const ISSUER: &str = "https://kubernetes.default.svc";

/// What a control plane is started with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether each request is written to [`Cluster::audit_log`].
    pub audit: bool,
}

/// A running control plane, fresh and empty.
pub struct Cluster {
    folder: TempDir,
    port: u16,
    authority: Authority,
    client: Client,
    kubectl: PathBuf,
    // In the order in which they are stopped.
    parts: Vec<Process>,
}

impl Cluster {
    /// Starts everything and waits until pods can be scheduled.
    pub async fn start(settings: Settings) -> Result<Self> {
        let folder = scratch::dir("cluster")?;
        let authority = Authority::generate()?;
        let port = port::free()?;
        let files = Files::write(folder.path(), &authority, port)?;
        let etcd_port = port::free()?;
        let etcd = spawn_etcd(&files, etcd_port)?;
        let server = spawn_server(&files, etcd_port, port, &settings)?;
        wait_ready(&authority, port, &server).await?;

        let client = Client::try_from(admin_config(&files.kubeconfig).await?)?;
        let controllers = spawn_controllers(&files)?;
        let scheduler = spawn_scheduler(&files)?;
        let kwok = spawn_kwok(&files)?;
        let parts = vec![kwok, scheduler, controllers, server, etcd];
        let cluster = Self { folder, port, authority, client, kubectl: tools::path("kubectl")?, parts };
        cluster.add_node().await?;
        cluster.wait_for_default_account().await?;
        Ok(cluster)
    }

    /// Everybody's rights.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The rights of a user, whom everybody's rights stand in for.
    ///
    /// # Errors
    /// When the connection is not set up right.
    pub async fn client_as(&self, user: &str) -> Result<Client> {
        let mut config = admin_config(&self.kubeconfig()).await?;
        config.auth_info.impersonate = Some(user.to_owned());
        Ok(Client::try_from(config)?)
    }

    /// The API server's address.
    pub fn url(&self) -> Result<Url> {
        Ok(Url::parse(&format!("https://127.0.0.1:{}/", self.port))?)
    }

    /// The certificate of the API server's authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.authority.ca_pem
    }

    /// Everybody's rights, for `kubectl --kubeconfig`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("admin.kubeconfig")
    }

    /// The `kubectl` that fits the API server.
    pub fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// Runs `kubectl` as a person would, with `stdin` as its input, and gives what it printed.
    ///
    /// # Errors
    /// With what it printed to standard error, when it fails.
    pub async fn kubectl(&self, args: &[&str], stdin: &str) -> Result<String> {
        use tokio::io::AsyncWriteExt;
        let mut command = tokio::process::Command::new(&self.kubectl);
        command.args(args).arg("--kubeconfig").arg(self.kubeconfig());
        command.env("HOME", self.folder.path()).kill_on_drop(true);
        command.stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().context("could not run kubectl")?;
        let mut input = child.stdin.take().context("kubectl has no input")?;
        // An early exit closes the pipe; its own message says more than the broken pipe.
        let _ = input.write_all(stdin.as_bytes()).await;
        drop(input);
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        anyhow::ensure!(output.status.success(), "kubectl {}: {}", args.join(" "), text(&output.stderr).trim());
        Ok(text(&output.stdout))
    }

    /// A kubeconfig with the rights of one service account, as a pod of it would have them, valid for a day. `server`
    /// is the API server's address or that of something in front of it with the same authority.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str, server: &Url) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(24 * 60 * 60), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let answer = answer.with_context(|| format!("no token for service account {namespace}/{name}"))?;
        let token = answer.status.context("the API server sent no token")?.token;
        Ok(kubeconfig(server, &self.authority.ca_pem, &token).to_string())
    }

    /// Certificate and key of the API server, for something that stands in front of it.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// One JSON object a line for each request, when [`Settings::audit`] asked for it.
    pub fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// Stops everything, in the order that leaves nobody waiting for another.
    pub async fn stop(self) -> Result<()> {
        for part in &self.parts {
            part.stop().await?;
        }
        Ok(())
    }

    async fn add_node(&self) -> Result<()> {
        let nodes: Api<Node> = Api::all(self.client());
        let node = kwok::node();
        nodes.create(&PostParams::default(), &serde_json::from_value(node.clone())?).await?;
        let status = json!({"apiVersion": "v1", "kind": "Node", "status": node["status"]});
        let patch = Patch::Merge(&status);
        nodes.patch_status(kwok::NODE, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// The controllers are there when the first of them has done its work.
    async fn wait_for_default_account(&self) -> Result<()> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), "default");
        wait::until("the account `default`, which the controllers make", wait::LONG, async || {
            for part in &self.parts {
                part.check_running().map_err(|error| format!("{error:#}"))?;
            }
            accounts.get("default").await.map(drop).map_err(|error| error.to_string())
        })
        .await
    }
}

/// The files that the parts read.
struct Files {
    root: PathBuf,
    kubeconfig: PathBuf,
}

impl Files {
    fn write(root: &Path, authority: &Authority, port: u16) -> Result<Self> {
        let files = Self { root: root.to_owned(), kubeconfig: root.join("admin.kubeconfig") };
        let token = hex::encode(random()?);
        let accounts = KeyPair::generate()?;
        let server = Url::parse(&format!("https://127.0.0.1:{port}/"))?;
        let texts = [
            ("ca.pem", authority.ca_pem.clone()),
            ("server.pem", authority.certificate_pem.clone()),
            ("server-key.pem", authority.key_pem.clone()),
            ("accounts.pem", accounts.public_key_pem()),
            ("accounts-key.pem", accounts.serialize_pem()),
            ("tokens.csv", format!("{token},admin,admin,system:masters\n")),
            ("admin.kubeconfig", kubeconfig(&server, &authority.ca_pem, &token).to_string()),
            ("audit-policy.yaml", audit_policy().to_string()),
            ("stages.yaml", kwok::STAGES.to_owned()),
        ];
        for (name, text) in texts {
            fs::write(files.file(name), text).with_context(|| format!("could not write {name}"))?;
        }
        Ok(files)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// `--name=/folder/file`.
    fn flag(&self, flag: &str, name: &str) -> String {
        format!("--{flag}={}", self.file(name).display())
    }

    fn spawn(&self, tool: &str, args: Vec<String>) -> Result<Process> {
        let program = Program::new(tools::path(tool)?).args(args).env("HOME", &self.root).folder(&self.root);
        program.spawn(&self.file(&format!("{tool}.log")))
    }
}

fn spawn_etcd(files: &Files, port: u16) -> Result<Process> {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", port::free()?));
    let args = vec![
        files.flag("data-dir", "etcd"),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=error".to_owned(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    files.spawn("etcd", args)
}

fn spawn_server(files: &Files, etcd_port: u16, port: u16, settings: &Settings) -> Result<Process> {
    let mut args = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        files.flag("cert-dir", "certificates"),
        files.flag("tls-cert-file", "server.pem"),
        files.flag("tls-private-key-file", "server-key.pem"),
        files.flag("service-account-key-file", "accounts.pem"),
        files.flag("service-account-signing-key-file", "accounts-key.pem"),
        format!("--service-account-issuer={ISSUER}"),
        files.flag("token-auth-file", "tokens.csv"),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
    ];
    if settings.audit {
        args.push(files.flag("audit-policy-file", "audit-policy.yaml"));
        args.push(files.flag("audit-log-path", "audit.log"));
    }
    files.spawn("kube-apiserver", args)
}

fn spawn_controllers(files: &Files) -> Result<Process> {
    let args = vec![
        files.flag("kubeconfig", "admin.kubeconfig"),
        files.flag("service-account-private-key-file", "accounts-key.pem"),
        files.flag("root-ca-file", "ca.pem"),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        format!("--secure-port={}", port::free()?),
        "--bind-address=127.0.0.1".to_owned(),
        // At the default rates the controllers take 5 s to start.
        "--kube-api-qps=300".to_owned(),
        "--kube-api-burst=600".to_owned(),
    ];
    files.spawn("kube-controller-manager", args)
}

fn spawn_scheduler(files: &Files) -> Result<Process> {
    let args = vec![
        files.flag("kubeconfig", "admin.kubeconfig"),
        "--leader-elect=false".to_owned(),
        format!("--secure-port={}", port::free()?),
        "--bind-address=127.0.0.1".to_owned(),
    ];
    files.spawn("kube-scheduler", args)
}

fn spawn_kwok(files: &Files) -> Result<Process> {
    let args = vec![
        files.flag("kubeconfig", "admin.kubeconfig"),
        files.flag("config", "stages.yaml"),
        "--manage-all-nodes=false".to_owned(),
        format!("--manage-nodes-with-annotation-selector={}", kwok::SELECTOR),
        "--node-lease-duration-seconds=40".to_owned(),
        format!("--server-address=127.0.0.1:{}", port::free()?),
    ];
    files.spawn("kwok", args)
}

async fn wait_ready(authority: &Authority, port: u16, server: &Process) -> Result<()> {
    let ca = reqwest::Certificate::from_pem(authority.ca_pem.as_bytes())?;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]).timeout(Duration::from_secs(5)).build()?;
    let probe = Url::parse(&format!("https://127.0.0.1:{port}/readyz"))?;
    server.wait_ready(&client, &probe).await.context("the API server did not start")
}

async fn admin_config(path: &Path) -> Result<Config> {
    let kubeconfig = Kubeconfig::read_from(path)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

fn kubeconfig(server: &Url, ca_pem: &str, token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "default",
        "clusters": [{"name": "default", "cluster": {
            "server": server.as_str().trim_end_matches('/'),
            "certificate-authority-data": STANDARD.encode(ca_pem),
        }}],
        "users": [{"name": "default", "user": {"token": token}}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
    })
}

fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    })
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).context("no random bytes")?;
    Ok(bytes)
}

/// Counts the requests of the audit log by verb, for one user agent's prefix.
pub fn count_requests(audit_log: &str, user_agent: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in audit_log.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        if event["userAgent"].as_str().is_some_and(|agent| agent.starts_with(user_agent)) {
            *counts.entry(event["verb"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    counts
}
