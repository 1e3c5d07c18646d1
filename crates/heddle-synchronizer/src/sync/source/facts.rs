//! What templates of charts learn of the cluster.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use heddle_kube::{AccountClient, KubeError};
use heddle_source::Capabilities;
use tokio::{sync::Mutex, time::Instant};

/// How long what was learnt is good enough. A definition that is new makes charts be rendered anew after that.
const FRESH: Duration = Duration::from_secs(30);

/// What a cluster is and serves, asked for by all Syncs together. It is the same for every account.
#[derive(Debug, Default)]
pub(crate) struct ClusterFacts {
    known: Mutex<Option<(Instant, Arc<Capabilities>)>>,
}

impl ClusterFacts {
    /// What is known, asked for anew where it is old.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub(crate) async fn read(&self, client: &AccountClient) -> Result<Arc<Capabilities>, KubeError> {
        let mut known = self.known.lock().await;
        if let Some((_, facts)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(facts));
        }
        let kinds = client.list_kinds().await?;
        let before = known.as_ref().map(|(_, before)| &before.api_versions);
        let api_versions = with_unknown(kinds.api_versions(), &kinds.unknown_groups, before).ok_or_else(|| {
            KubeError::Unavailable(format!(
                "the API groups {} do not answer, and charts may ask whether they are served: mend or delete their APIService",
                kinds.unknown_groups.join(", ")
            ))
        })?;
        let facts = Arc::new(Capabilities { kube_version: client.kube_version().await?, api_versions });
        *known = Some((Instant::now(), Arc::clone(&facts)));
        Ok(facts)
    }
}

/// What is served, and of groups whose own server is down what they served before: not known is not gone, and objects that a
/// chart makes for them alone must not leave it meanwhile. `None` where what they served before is not known either.
fn with_unknown(
    mut served: BTreeSet<String>,
    unknown_groups: &[String],
    before: Option<&BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    if before.is_none() && !unknown_groups.is_empty() {
        return None;
    }
    let is_unknown = |version: &&String| {
        version.split_once('/').is_some_and(|(group, _)| unknown_groups.iter().any(|unknown| unknown == group))
    };
    served.extend(before.into_iter().flatten().filter(is_unknown).cloned());
    Some(served)
}

#[cfg(test)]
mod tests;
