//! `health` and `diff` on objects as a cluster has them.

use serde_json::json;

use crate::local::{path, with};

const STUCK: &str = "apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api, namespace: shop, generation: 1}
    spec: {replicas: 1, selector: {matchLabels: {app: api}}}
    status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1}
  - apiVersion: v1
    kind: Pod
    metadata: {name: api-1, namespace: shop, labels: {app: api}}
    status:
      phase: Pending
      containerStatuses:
        - {name: main, state: {waiting: {reason: ImagePullBackOff, message: no such image}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
";

#[tokio::test]
async fn health_names_the_root_of_a_stuck_deployment() {
    let person = with(&[("live.yaml", STUCK)]);
    let ended = person.run(&["health", "-f", &path(&person, "live.yaml"), "-o", "json"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    let deployment = &ended.json()[0];
    assert_eq!(deployment["object"], "Deployment shop/api");
    assert_eq!(deployment["status"], "progressing");
    assert_eq!(deployment["reason"], "ImagePullBackOff");
    assert_eq!(deployment["message"], "pod api-1, container main: ImagePullBackOff: no such image");
    assert_eq!(ended.json()[2]["status"], "healthy");
}

#[tokio::test]
async fn a_peers_profile_prints_the_peers_words() {
    let person = with(&[("live.yaml", STUCK)]);
    let words = async |profile: &str| {
        let ended =
            person.run(&["health", "-f", &path(&person, "live.yaml"), "--profile", profile, "-o", "json"]).await;
        ended.json().as_array().unwrap().iter().map(|one| one["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(words("kstatus").await, [json!("InProgress"), json!("InProgress"), json!("Current")]);
    assert_eq!(words("argo").await, [json!("Progressing"), json!("Degraded"), json!("Healthy")]);
}

#[tokio::test]
async fn expressions_judge_a_kind_that_nobody_knows() {
    let live = "apiVersion: acme.io/v1\nkind: Gadget\nmetadata: {name: one}\nstatus: {level: 3}\n";
    let checks = "- {apiVersion: acme.io/v1, kind: Gadget, current: status.level >= 3, failed: status.level == 0}\n";
    let person = with(&[("live.yaml", live), ("checks.yaml", checks)]);
    let (live, checks) = (path(&person, "live.yaml"), path(&person, "checks.yaml"));
    let ended = person.run(&["health", "-f", &live, "--expressions", &checks]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[tokio::test]
async fn a_broken_file_is_told_with_its_line() {
    let person = with(&[("live.yaml", "apiVersion: v1\nkind: ConfigMap\n---\na: [\n")]);
    let ended = person.run(&["health", "-f", &path(&person, "live.yaml")]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("live.yaml:4") || ended.stderr.contains("live.yaml:5"), "{}", ended.stderr);
}

const WANTED: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - {name: api, image: 'api:2', resources: {limits: {cpu: 1000m}}}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {password: hunter2}
";

const LIVE: &str = "apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api, namespace: shop, uid: u, generation: 4}
    spec:
      replicas: 2
      progressDeadlineSeconds: 600
      template:
        spec:
          containers:
            - {name: api, image: 'api:1', imagePullPolicy: Always, resources: {limits: {cpu: '1'}}}
    status: {replicas: 2}
  - apiVersion: v1
    kind: Secret
    metadata: {name: key, namespace: shop}
    data: {password: b2xk}
";

#[tokio::test]
async fn diff_tells_what_is_not_as_wanted_and_no_secret() {
    let person = with(&[("wanted.yaml", WANTED), ("live.yaml", LIVE)]);
    let (wanted, live) = (path(&person, "wanted.yaml"), path(&person, "live.yaml"));
    let ended = person.run(&["diff", &wanted, "--live", &live, "-o", "json"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    let json = ended.json();
    let image = json!({"path": "spec.template.spec.containers[name=api].image", "live": "api:1", "desired": "api:2"});
    assert_eq!(json[0]["differences"], json!([image]));
    assert_eq!(json[1]["differences"][0]["path"], "data.password");
    let text = person.run(&["diff", &wanted, "--live", &live]).await.stdout;
    assert!(text.contains("Deployment api") && text.contains("+ \"api:2\""), "{text}");
    for secret in ["hunter2", "aHVudGVy", "b2xk"] {
        assert!(!text.contains(secret) && !ended.stdout.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn diff_exits_with_0_for_the_same_and_tells_what_is_missing() {
    let person = with(&[("wanted.yaml", WANTED), ("other.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n")]);
    let (wanted, other) = (path(&person, "wanted.yaml"), path(&person, "other.yaml"));
    assert_eq!(person.run(&["diff", &wanted, "--live", &wanted]).await.code, 0);
    let ended = person.run(&["diff", &wanted, "--live", &other]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("Deployment api is not in the cluster"), "{}", ended.stdout);
    assert_eq!(person.run(&["diff", &wanted, "--live", "/nowhere"]).await.code, 2);
}
