//! A thousand objects: applied, unchanged, one changed; beside `kubectl` and bare requests.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use heddle_tests::{
    World,
    world::{PERSON, REPOSITORY},
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    table::{Row, seconds},
    tell,
};

const OBJECTS: usize = 1000;
const FILES: usize = 10;

/// As many bare requests at once as the number to reach was measured with.
const AT_ONCE: usize = 16;

/// The branch on which commits are made that `main` moves to.
const PREPARED: &str = "prepared";

/// How often the first apply is measured.
const ROUNDS: usize = 3;

/// How long is waited for a commit.
const LIMIT: Duration = Duration::from_secs(120);

const AGENT_NAMESPACE: &str = "heddle-system";
const DEPLOYER: &str = "system:serviceaccount:heddle-system:heddle-deployer";

/// Measures all three, and the others beside them. The first apply and the bare requests are measured in turns, each time
/// in a namespace of its own, and the middle one of each counts: the API server alone makes a third of difference.
pub async fn measure(world: &World) -> Result<Vec<Row>> {
    tell("objects: kubectl");
    prepare(world, "bench-kubectl").await?;
    let kubectl = apply_with_kubectl(world).await?;
    let kubectl_again = apply_with_kubectl(world).await?;

    let (mut bare, mut applied, mut per_bare) = (Vec::new(), Vec::new(), Vec::new());
    let names: Vec<String> = (0..ROUNDS).map(|round| format!("bench-{round}")).collect();
    for (round, name) in names.iter().enumerate() {
        tell("objects: bare requests");
        let beside = format!("bench-bare-{round}");
        prepare(world, &beside).await?;
        let took = apply_bare(world, &beside).await?;
        prepare(world, name).await?;
        follow(world, name).await?;
        tell("objects: applied");
        let cost = commit(world, name, &files(name, 0), "A thousand").await?;
        per_bare.push(cost.took.as_secs_f64() / took.as_secs_f64());
        bare.push(took);
        applied.push(cost);
        if round + 1 < names.len() {
            // Its objects stay.
            world.cluster.kubectl(&["delete", "sync", name, "-n", AGENT_NAMESPACE], "").await?;
        }
    }
    let bare = middle(bare, |took| *took);
    let applied = middle(applied, |cost| cost.took);
    let per_bare = middle(per_bare, |ratio| Duration::from_secs_f64(*ratio));
    let name = &names[names.len() - 1];
    tell("objects: unchanged");
    let readme = [("README.md".to_owned(), "# Nothing that runs\n".to_owned())];
    let unchanged = commit(world, name, &readme, "Only words").await?;
    tell("objects: one changed");
    let one_changed = commit(world, name, &files(name, 1)[..1], "One of a thousand").await?;
    Ok(vec![
        Row {
            what: format!("commit → {OBJECTS} objects applied: time, requests an object"),
            heddle: format!("{} ({per_bare:.2} × bare), {:.1}", seconds(applied.took), per_object(applied.requests)),
            beside: format!(
                "bare {}, 1.0; kubectl {}, {:.1}",
                seconds(bare),
                seconds(kubectl.took),
                per_object(kubectl.requests)
            ),
            target: "1.3 × bare, 1.1",
            name: "objects",
        },
        Row {
            what: format!("{OBJECTS} objects, nothing changed: time, requests in all"),
            heddle: format!("{}, {}", seconds(unchanged.took), unchanged.requests),
            beside: format!("kubectl {}, {}", seconds(kubectl_again.took), kubectl_again.requests),
            target: "0 requests",
            name: "objects",
        },
        Row {
            what: format!("one of {OBJECTS} objects changed, commit → applied: time, requests in all"),
            heddle: format!("{}, {}", seconds(one_changed.took), one_changed.requests),
            beside: String::new(),
            target: "0.50 s, 3 requests",
            name: "objects",
        },
    ])
}

/// How long it took, and how many requests for objects the API server saw.
struct Cost {
    took: Duration,
    requests: usize,
}

/// The one in the middle of an odd number.
fn middle<T>(mut all: Vec<T>, by: impl Fn(&T) -> Duration) -> T {
    all.sort_by_key(by);
    all.swap_remove(all.len() / 2)
}

fn per_object(requests: usize) -> f64 {
    // Counts this small are exact.
    requests as f64 / OBJECTS as f64
}

/// A namespace to which the agent's deployer may write.
async fn prepare(world: &World, namespace: &str) -> Result<()> {
    let manifest = format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: heddle-deployer, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}
subjects: [{{kind: ServiceAccount, name: heddle-deployer, namespace: {AGENT_NAMESPACE}}}]
"
    );
    world.cluster.kubectl(&["apply", "-f", "-"], &manifest).await.map(drop)
}

/// The same objects as the same account, with nothing before, beside or after them.
async fn apply_bare(world: &World, namespace: &str) -> Result<Duration> {
    let maps: Api<ConfigMap> = Api::namespaced(world.cluster.client_as(DEPLOYER).await?, namespace);
    let parameters = PatchParams::apply("bench").validation_strict();
    let began_at = Instant::now();
    stream::iter(0..OBJECTS)
        .map(|index| {
            let (maps, parameters) = (&maps, &parameters);
            async move { maps.patch(&name(index), parameters, &Patch::Apply(object(index, 0))).await }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(began_at.elapsed())
}

async fn apply_with_kubectl(world: &World) -> Result<Cost> {
    let text: String = files("bench-kubectl", 0).into_iter().map(|(_, text)| text).collect();
    let seen = audit(world)?.len();
    let began_at = Instant::now();
    world.cluster.kubectl(&["apply", "--server-side", "-f", "-"], &text).await?;
    let took = began_at.elapsed();
    Ok(Cost { took, requests: count(&audit(world)?[seen..], "bench-kubectl", |_| true) })
}

/// A Sync of its own, at first with one object.
async fn follow(world: &World, name: &str) -> Result<()> {
    let (path, first) = (format!("clusters/{name}/first.yaml"), document(name, "first", 0));
    let first = [(path.as_str(), Some(first.as_str()))];
    let revision = world.commit(&first, "Begin").await?;
    let sync = json!({
        "apiVersion": "heddle.dev/v1alpha1",
        "kind": "Sync",
        "metadata": {"name": name, "namespace": AGENT_NAMESPACE},
        "spec": {
            "repository": format!("{}/{REPOSITORY}", world.github.web_url()),
            "path": format!("clusters/{name}"),
            "namespaces": [name],
        },
    });
    world.cluster.kubectl(&["apply", "-f", "-"], &sync.to_string()).await?;
    wait_for(world, name, &revision).await
}

/// Pushes a commit, and waits until the Sync says that it is applied: from the moment on at which the host has moved the
/// branch and sends its webhook. What it takes for a commit is measured no more than what it takes to write the bare requests
/// down.
async fn commit(world: &World, name: &str, files: &[(String, String)], message: &str) -> Result<Cost> {
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let main = world.github.head(REPOSITORY, "main").await?;
    world.github.force_branch(REPOSITORY, PREPARED, main.as_deref(), PERSON).await?;
    let revision = world.github.push_files(REPOSITORY, PREPARED, &files, message, PERSON).await?;
    let seen = audit(world)?.len();
    world.github.force_branch(REPOSITORY, "main", Some(&revision), PERSON).await?;
    let began_at = Instant::now();
    wait_for(world, name, &revision).await?;
    let took = began_at.elapsed();
    let is_agent = |event: &Value| event["impersonatedUser"]["username"] == DEPLOYER;
    Ok(Cost { took, requests: count(&audit(world)?[seen..], name, is_agent) })
}

/// Watches the Sync: asking again and again would take of the API server what the bare requests have for themselves.
async fn wait_for(world: &World, name: &str, revision: &str) -> Result<()> {
    let kind = GroupVersionKind::gvk("heddle.dev", "v1alpha1", "Sync");
    let resource = ApiResource::from_gvk_with_plural(&kind, "syncs");
    let syncs: Api<DynamicObject> = Api::namespaced_with(world.cluster.client(), AGENT_NAMESPACE, &resource);
    let is_applied =
        |sync: Option<&DynamicObject>| sync.is_some_and(|sync| sync.data["status"]["appliedRevision"] == revision);
    timeout(LIMIT, await_condition(syncs, name, is_applied))
        .await
        .with_context(|| format!("{revision} is not applied\n{}", world.complaints()))??;
    Ok(())
}

/// The audit log so far, a request a line.
fn audit(world: &World) -> Result<Vec<String>> {
    let path = world.cluster.audit_log();
    let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// How many requests went to objects of a namespace; watches, which last, are not counted.
fn count(lines: &[String], namespace: &str, by: impl Fn(&Value) -> bool) -> usize {
    let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| event["objectRef"]["namespace"] == namespace && event["objectRef"]["resource"] == "configmaps")
        .filter(|event| event["verb"] != "watch" && by(event))
        .count()
}

fn name(index: usize) -> String {
    format!("map-{index:04}")
}

/// The objects as files; those of the first file have an edit as often as `edits` says, in one object.
fn files(namespace: &str, edits: usize) -> Vec<(String, String)> {
    let in_file = OBJECTS / FILES;
    let file = |file: usize| {
        let all = (file * in_file..(file + 1) * in_file).map(|index| {
            let edited = if index == 0 { edits } else { 0 };
            document(namespace, &name(index), edited)
        });
        (format!("clusters/{namespace}/{file}.yaml"), all.collect())
    };
    (0..FILES).map(file).collect()
}

fn document(namespace: &str, name: &str, edits: usize) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{edits: \"{edits}\"}}\n"
    )
}

fn object(index: usize, edits: usize) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name(index)},
        "data": {"edits": edits.to_string()},
    })
}
