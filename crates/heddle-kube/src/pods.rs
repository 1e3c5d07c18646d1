//! The pods of a workload, for the root of what is wrong with it.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::ListParams};
use serde_json::Value;

use crate::{AccountClient, KubeError, error::bounded};

/// Pods of one workload fail alike; a few are enough.
const LIMIT: u32 = 20;

impl AccountClient {
    /// Some pods of a workload, by its `spec.selector.matchLabels`.
    ///
    /// # Errors
    /// When the account may not list pods, or the API server cannot be asked.
    pub async fn list_pods(&self, namespace: &str, labels: &[(String, String)]) -> Result<Vec<Value>, KubeError> {
        let selector = labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let pods: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let list = bounded(pods.list(&ListParams::default().labels(&selector).limit(LIMIT))).await?;
        Ok(list.items.into_iter().filter_map(|pod| serde_json::to_value(pod).ok()).collect())
    }
}
