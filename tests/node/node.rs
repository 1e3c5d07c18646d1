//! The node that `node.sh` started: where it is, and what a person types there.

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf, process::Command};

use heddle_testkit::tools;

use crate::folder;

/// A running node.
pub struct Node {
    folder: PathBuf,
    /// Host and port of the registry.
    pub registry: String,
    /// Host and port of the registry with Heddle's own images, which wants a login.
    pub closed: String,
    /// The address of the database, with its password.
    pub database: String,
}

impl Node {
    pub fn from_environment() -> Self {
        let folder = folder();
        let text = fs::read_to_string(folder.join("environment")).unwrap();
        let mut named: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let mut take = |name: &str| named.remove(name).unwrap().to_owned();
        Self { registry: take("registry"), closed: take("closed"), database: take("database"), folder }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    pub async fn kubectl(&self, args: &[&str], input: &str) -> String {
        use tokio::io::AsyncWriteExt;
        let mut command = tokio::process::Command::new(tools::path("kubectl").unwrap());
        command.args(args).arg("--kubeconfig").arg(self.kubeconfig()).env("HOME", &self.folder);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // What ends early says more than the broken pipe.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs helm beside the charts, with these values.
    pub fn helm(&self, args: &[&str], values: &str) {
        let mut file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        file.write_all(values.as_bytes()).unwrap();
        let mut command = Command::new(tools::path("helm").unwrap());
        command.args(args).arg("--kubeconfig").arg(self.kubeconfig()).env("HOME", &self.folder);
        if args[0] != "uninstall" {
            command.arg("--values").arg(file.path());
        }
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/helm"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "helm {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Pushes a program that waits, as an image of a workload under a new tag.
    pub fn push_workload(&self, path: &str, tag: &str) {
        let from = format!("docker-archive:{}", self.folder.join("pause/image.tar").display());
        let to = format!("docker://{}/{path}:{tag}", self.registry);
        let output = Command::new("skopeo").args(["copy", "--dest-tls-verify=false", &from, &to]).output().unwrap();
        assert!(output.status.success(), "skopeo: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A Secret in this namespace with the login to the closed registry, as `kubectl create secret docker-registry` makes it.
    pub async fn add_pull_secret(&self, namespace: &str) {
        let password = fs::read_to_string(self.folder.join("closed-password")).unwrap();
        let (server, password) =
            (format!("--docker-server={}", self.closed), format!("--docker-password={}", password.trim_end()));
        let named = ["-n", namespace, "create", "secret", "docker-registry", "pull"];
        self.kubectl(&[&named[..], &[&server, "--docker-username=node", &password]].concat(), "").await;
    }

    /// Gives an image of the closed registry a further tag.
    pub fn tag(&self, path: &str, tag: &str) {
        let password = fs::read_to_string(self.folder.join("closed-password")).unwrap();
        let login = format!("node:{}", password.trim_end());
        let (from, to) = (format!("docker://{}/{path}", self.closed), path.split(':').next().unwrap());
        let to = format!("docker://{}/{to}:{tag}", self.closed);
        let flags =
            ["--src-tls-verify=false", "--dest-tls-verify=false", "--src-creds", &login, "--dest-creds", &login];
        let output = Command::new("skopeo").arg("copy").args(flags).args([&from, &to]).output().unwrap();
        assert!(output.status.success(), "skopeo: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Ends everything that runs on the node, and starts it again.
    pub fn lose_power(&self) {
        for word in ["kill", "boot"] {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/node.sh");
            let status = Command::new(script).arg(word).arg(&self.folder).status().unwrap();
            assert!(status.success(), "node.sh {word}: {status}");
        }
    }

    /// Pods and the last events of a namespace, for messages.
    pub async fn describe(&self, namespace: &str) -> String {
        let pods = self.kubectl(&["-n", namespace, "get", "pods", "-o", "wide"], "").await;
        let events = self.kubectl(&["-n", namespace, "get", "events", "--sort-by=.lastTimestamp"], "").await;
        let lines: Vec<&str> = events.lines().collect();
        format!("{pods}{}", lines[lines.len().saturating_sub(6)..].join("\n"))
    }
}
