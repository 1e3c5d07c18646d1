//! What templates of charts learn of the cluster.

use std::{sync::Arc, time::Duration};

use heddle_kube::{AccountClient, KubeError};
use heddle_source::Capabilities;
use tokio::{sync::Mutex, time::Instant};

/// How long what was learnt is good enough. A definition that is new makes charts be rendered anew after that.
const FRESH: Duration = Duration::from_secs(30);

/// What a cluster is and serves, asked for by all Syncs together. It is the same for every account.
#[derive(Debug, Default)]
pub(crate) struct ClusterFacts {
    kube_version: String,
    known: Mutex<Option<(Instant, Arc<Capabilities>)>>,
}

impl ClusterFacts {
    /// Of a cluster of this version, `v1.34.4`.
    pub(crate) fn new(kube_version: String) -> Self {
        Self { kube_version, known: Mutex::new(None) }
    }

    /// What is known, asked for anew where it is old.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub(crate) async fn read(&self, client: &AccountClient) -> Result<Arc<Capabilities>, KubeError> {
        let mut known = self.known.lock().await;
        if let Some((_, facts)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(facts));
        }
        let api_versions = client.list_kinds().await?.api_versions();
        let facts = Arc::new(Capabilities { kube_version: self.kube_version.clone(), api_versions });
        *known = Some((Instant::now(), Arc::clone(&facts)));
        Ok(facts)
    }
}
