//! What kwok plays: one node, and pods that become ready a second after they were scheduled.

use serde_json::{Value, json};

pub(super) const NODE: &str = "node-1";
pub(super) const SELECTOR: &str = "kwok.x-k8s.io/node=fake";

/// A node with room for everything.
pub(super) fn node() -> Value {
    let room = json!({"cpu": "64", "memory": "256Gi", "pods": "1000"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
        },
        "status": {
            "allocatable": room,
            "capacity": room,
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.34.4",
                "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "",
                "machineID": "", "osImage": "", "systemUUID": "",
            },
        },
    })
}

/// kwok's own stages for nodes and pods (its `kustomize/stage`), with two changes: a pod takes a second to become
/// ready, and one whose image says so fails to start: a tag that begins with `broken` ends in `ImagePullBackOff`.
pub(super) const STAGES: &str = include_str!("stages.yaml");
