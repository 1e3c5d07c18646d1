use heddle_testkit::{
    cluster::{Cluster, Settings, count_requests},
    wait,
};

const WORKLOADS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "example.com/api:1.4.0"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: default}
spec: {containers: [{name: api, image: "example.com/api:broken-1"}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: narrow, namespace: default}
"#;

#[tokio::test]
async fn a_control_plane_runs_pods_and_gives_accounts_their_rights_only() {
    let cluster = Cluster::start(Settings { audit: true }).await.unwrap();
    cluster.kubectl(&["apply", "-f", "-"], WORKLOADS).await.unwrap();
    let get = async |args: &[&str]| cluster.kubectl(args, "").await.unwrap();
    wait::until("the Deployment to be available", wait::LONG, async || {
        let ready = get(&["get", "deployment", "api", "-o", "jsonpath={.status.availableReplicas}"]).await;
        if ready == "2" { Ok(()) } else { Err(get(&["get", "pods", "-o", "wide"]).await) }
    })
    .await
    .unwrap();
    wait::until("the broken image to be told", wait::LONG, async || {
        let path = "jsonpath={.status.containerStatuses[0].state.waiting.reason}";
        match get(&["get", "pod", "bad", "-o", path]).await {
            reason if reason == "ImagePullBackOff" => Ok(()),
            other => Err(other),
        }
    })
    .await
    .unwrap();

    let config = cluster.service_account_kubeconfig("default", "narrow", &cluster.url().unwrap()).await.unwrap();
    let file = cluster.kubeconfig().with_file_name("narrow.kubeconfig");
    std::fs::write(&file, config).unwrap();
    let output = std::process::Command::new(cluster.kubectl_path())
        .args(["get", "pods", "--kubeconfig"])
        .arg(&file)
        .output()
        .unwrap();
    let refusal = String::from_utf8_lossy(&output.stderr);
    assert!(refusal.contains("system:serviceaccount:default:narrow"), "{refusal}");

    let counts = count_requests(&std::fs::read_to_string(cluster.audit_log()).unwrap(), "kubectl");
    assert!(counts["get"] > 0, "{counts:?}");
    cluster.stop().await.unwrap();
}
