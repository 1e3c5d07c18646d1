//! What a real API server makes of the charts, in namespaces that hold every Pod to the restricted standard.

use std::{fs, path::PathBuf, process::Command, sync::LazyLock};

use heddle_testkit::{
    cluster::{Cluster, Settings},
    tools,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{AGENT, EVERYTHING, HUB, key, manifest, objects, render};
use crate::deploy::root;

/// The chart of API and automators as somebody tries it, with a database and secrets of its own.
const TRIAL: &str = "{publicUrl: 'http://127.0.0.1:8080', secrets: {generate: true}, \
    postgres: {enabled: true, persistence: false}, automator: {inApiPod: true}}";

struct World {
    runtime: Runtime,
    cluster: Cluster,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let world = World { cluster: runtime.block_on(Cluster::start(Settings::default())).unwrap(), runtime };
    // What the charts make for others: routes and monitors.
    let output = Command::new(root().join("tests/tools/definitions.sh")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for file in String::from_utf8(output.stdout).unwrap().lines() {
        world.kubectl(&["apply", "--server-side", "-f", file], "");
    }
    world
});

impl World {
    fn kubectl(&self, args: &[&str], input: &str) -> String {
        self.runtime.block_on(self.cluster.kubectl(args, input)).unwrap()
    }

    /// A namespace that takes no Pod with more rights than the restricted standard gives.
    fn add_namespace(&self, name: &str) {
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        });
        self.kubectl(&["apply", "-f", "-"], &namespace.to_string());
    }

    /// Runs helm with these values, last ones strongest.
    fn helm(&self, args: &[&str], values: &[&str]) -> String {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(tools::path("helm").unwrap());
        command.args(args).arg("--kubeconfig").arg(self.cluster.kubeconfig());
        for (number, values) in values.iter().enumerate() {
            let file: PathBuf = home.path().join(format!("{number}.yaml"));
            fs::write(&file, values).unwrap();
            command.arg("--values").arg(file);
        }
        command.current_dir(root().join("deploy/helm")).env_clear().env("HOME", home.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "helm {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn install(&self, release: &str, chart: &str, namespace: &str, values: &[&str], flags: &[&str]) {
        let args = ["upgrade", "--install", release, chart, "--namespace", namespace, "--wait", "--timeout", "120s"];
        self.helm(&[&args, flags].concat(), values);
    }

    fn uninstall(&self, release: &str, namespace: &str) {
        self.helm(&["uninstall", release, "--namespace", namespace, "--wait", "--timeout", "120s"], &[]);
    }

    fn find(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let text = self.kubectl(&["get", kind, name, "--namespace", namespace, "--ignore-not-found", "-o", "json"], "");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    fn is_there(&self, object: &Value, namespace: &str) -> bool {
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or(namespace);
        let (group, _) = object["apiVersion"].as_str().unwrap().split_once('/').unwrap_or_default();
        let kind = format!("{}.{group}", object["kind"].as_str().unwrap());
        !self.find(kind.trim_end_matches('.'), namespace, metadata["name"].as_str().unwrap()).is_null()
    }
}

#[test]
fn every_object_passes_a_strict_validation() {
    let world = LazyLock::force(&WORLD);
    // The definition is of the whole cluster, where another test installs it.
    let agent = AGENT.replacen('{', "{crds: {enabled: false}, ", 1);
    for (namespace, chart, values) in [
        ("strict-1", "heddle", HUB),
        ("strict-2", "heddle", EVERYTHING),
        ("strict-3", "heddle", TRIAL),
        ("strict-4", "heddle-agent", &agent),
    ] {
        world.add_namespace(namespace);
        let args = ["template", "acme", chart, "--namespace", namespace, "--dry-run=server"];
        let mut objects = objects(&world.helm(&args, &[values]));
        assert!(objects.len() > 5, "{objects:?}");
        // Namespaces of workloads are nobody's here, and two bindings of one name in one are told apart.
        for (number, object) in objects.iter_mut().enumerate() {
            object["metadata"]["namespace"] = json!(namespace);
            object["metadata"]["name"] = json!(format!("object-{number}"));
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        world.kubectl(&["create", "--dry-run=server", "--validate=strict", "-f", "-"], &list.to_string());
    }
}

#[test]
fn the_hub_is_installed_upgraded_and_uninstalled() {
    let world = LazyLock::force(&WORLD);
    world.add_namespace("hub");
    let (all, few) = (render("heddle", "hub", &[EVERYTHING]).unwrap(), render("heddle", "hub", &[HUB]).unwrap());
    world.install("acme", "heddle", "hub", &[EVERYTHING], &[]);
    for object in &all {
        assert!(world.is_there(object, "hub"), "{}", key(object));
    }
    let surge =
        |world: &World| world.find("deployment", "hub", "acme-heddle-api")["status"]["availableReplicas"].clone();
    assert!(surge(world).as_u64() >= Some(1));

    world.install("acme", "heddle", "hub", &[HUB], &[]);
    let kept: Vec<_> = few.iter().map(key).collect();
    for object in &all {
        assert_eq!(world.is_there(object, "hub"), kept.contains(&key(object)), "{}", key(object));
    }
    // Both have their Pods, which the restricted standard takes; no program runs in them, as these are kwok's.
    for part in ["api", "automator"] {
        let status = &world.find("deployment", "hub", &format!("acme-heddle-{part}"))["status"];
        assert_eq!(status["availableReplicas"], 2, "{part}: {status}");
    }

    world.uninstall("acme", "hub");
    for object in &few {
        assert!(!world.is_there(object, "hub"), "{} stayed", key(object));
    }
}

#[test]
fn secrets_that_were_generated_stay_through_everything() {
    let world = LazyLock::force(&WORLD);
    world.add_namespace("trial");
    let secret = |world: &World| world.find("secret", "trial", "heddle-generated")["data"].clone();
    world.install("heddle", "heddle", "trial", &[TRIAL], &[]);
    let first = secret(world);
    let open = |name: &str| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        String::from_utf8(STANDARD.decode(first[name].as_str().unwrap()).unwrap()).unwrap()
    };
    let keys = open("sealing-keys");
    assert!(keys.len() == 64 && keys.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(open("automator-token").len() >= 32);
    assert_eq!(
        open("database-url"),
        format!("postgres://heddle:{}@heddle-postgres:5432/heddle", open("postgres-password"))
    );

    world.install("heddle", "heddle", "trial", &[TRIAL, "{signup: open}"], &[]);
    assert_eq!(secret(world), first);
    world.uninstall("heddle", "trial");
    assert!(world.find("deployment", "trial", "heddle-api").is_null());
    assert_eq!(secret(world), first);
    world.install("heddle", "heddle", "trial", &[TRIAL], &[]);
    assert_eq!(secret(world), first);
}

#[test]
fn the_agents_chart_takes_over_from_the_manifest_and_keeps_key_and_syncs() {
    let world = LazyLock::force(&WORLD);
    for namespace in ["shop", "on"] {
        world.add_namespace(namespace);
    }
    let documents: Vec<String> = manifest().iter().map(Value::to_string).collect();
    world.kubectl(&["apply", "--server-side", "-f", "-"], &documents.join("\n---\n"));
    let agent = |world: &World| world.find("secret", "heddle-system", "heddle-identity")["data"].clone();
    let key = json!({"data": {"key": "aGVkZGxl"}}).to_string();
    world.kubectl(&["patch", "secret", "heddle-identity", "-n", "heddle-system", "--type=merge", "-p", &key], "");
    let sync = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: clusters-prod, namespace: heddle-system}\n\
        spec: {repository: 'https://github.com/acme/config'}\n";
    world.kubectl(&["apply", "-f", "-"], sync);

    let without_token = AGENT.replace("bootstrapToken: secret, ", "");
    world.install("agent", "heddle-agent", "heddle-system", &[AGENT], &["--take-ownership", "--force-conflicts"]);
    assert_eq!(agent(world), json!({"key": "aGVkZGxl"}));
    // The token was exchanged: an upgrade needs it no more.
    world.install("agent", "heddle-agent", "heddle-system", &[&without_token, "{settings: {HEDDLE_LOG: debug}}"], &[]);
    assert!(world.find("secret", "heddle-system", "heddle-bootstrap").is_null());
    assert_eq!(agent(world), json!({"key": "aGVkZGxl"}));
    let deployment = world.find("deployment", "heddle-system", "heddle-synchronizer");
    assert_eq!(deployment["status"]["availableReplicas"], 1, "{}", deployment["status"]);

    world.uninstall("agent", "heddle-system");
    for (kind, namespace, name) in [
        ("deployment", "heddle-system", "heddle-synchronizer"),
        ("role", "heddle-system", "heddle-synchronizer"),
        ("rolebinding", "shop", "heddle-deployer"),
    ] {
        assert!(world.find(kind, namespace, name).is_null(), "{kind} {name} stayed");
    }
    assert!(!world.find("sync", "heddle-system", "clusters-prod").is_null(), "the Sync went with its definition");
    // A token is good for one exchange: without its key the next release could not make itself known.
    assert_eq!(agent(world), json!({"key": "aGVkZGxl"}));
    world.install("agent", "heddle-agent", "heddle-system", &[&without_token], &[]);
    assert_eq!(agent(world), json!({"key": "aGVkZGxl"}));
}
