//! The roots of what is not healthy: faults in the pods of workloads.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use chrono::Utc;
use heddle_core::health::HealthStatus;
use heddle_kube::AccountClient;
use heddle_reconcile::{ObjectKey, health::worst_fault, is_workload};

use super::{cluster::Observed, desired::Desired};

/// Workloads whose pods are looked at in one go. The next go takes the next ones.
const MAX_ROOTS: usize = 10;

/// The labels that select the pods of a workload.
type PodLabels = Vec<(String, String)>;

/// What is known of the roots.
#[derive(Debug, Default)]
pub(super) struct Roots {
    found: HashMap<ObjectKey, String>,
    /// Where the last go ended.
    last: Option<ObjectKey>,
}

impl Roots {
    /// The fault in the pods of an object.
    pub fn of(&self, key: &ObjectKey) -> Option<&String> {
        self.found.get(key)
    }

    /// Whether a fault in the pods of an object is known.
    pub fn has(&self, key: &ObjectKey) -> bool {
        self.found.contains_key(key)
    }

    /// Looks into the pods of the next workloads that are not healthy.
    pub async fn find(&mut self, client: &AccountClient, desired: &Desired, observed: &Observed) {
        let unwell = unwell(desired, observed);
        self.found.retain(|key, _| unwell.contains_key(key));
        for (key, labels) in self.next(&unwell) {
            let namespace = key.namespace.as_deref().unwrap_or_default();
            match client.list_pods(namespace, labels).await {
                Ok(pods) => match worst_fault(&pods, Utc::now()) {
                    Some(fault) => drop(self.found.insert(key.clone(), fault.message)),
                    None => drop(self.found.remove(key)),
                },
                Err(error) => tracing::debug!(object = %key, %error, "the pods of {key} cannot be listed"),
            }
        }
    }

    /// The next workloads in turn, so that each has its turn however many there are.
    fn next<'a, T>(&mut self, unwell: &'a BTreeMap<ObjectKey, T>) -> Vec<(&'a ObjectKey, &'a T)> {
        let after = match &self.last {
            Some(last) => Bound::Excluded(last),
            None => Bound::Unbounded,
        };
        let rest = unwell.range((after, Bound::Unbounded));
        let all = rest.chain(unwell.iter()).take(MAX_ROOTS.min(unwell.len()));
        let next: Vec<_> = all.collect();
        self.last = next.last().map(|(key, _)| (*key).clone());
        next
    }
}

/// Workloads that are not healthy and have pods.
fn unwell(desired: &Desired, observed: &Observed) -> BTreeMap<ObjectKey, PodLabels> {
    let keys = desired.keys().iter().filter(|key| is_workload(&key.kind));
    let unwell = keys.filter_map(|key| {
        let judged = &observed.known(key)?.judged;
        let is_stuck = matches!(judged.verdict.status, HealthStatus::Progressing | HealthStatus::Degraded);
        (is_stuck && !judged.pod_labels.is_empty()).then(|| (key.clone(), judged.pod_labels.clone()))
    });
    unwell.collect()
}

#[cfg(test)]
mod tests;
