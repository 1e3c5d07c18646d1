//! How the objects of a Sync are doing.

use std::collections::BTreeMap;

use chrono::Utc;
use heddle_core::{health::HealthStatus, image::ImageRef};
use heddle_reconcile::{
    HookEnd, Inventory, ObjectKey,
    health::{has_health, worst_fault},
    is_workload,
};
use heddle_wire::agent::{ContainerImage, Deploy, WorkloadReport};

use super::{Follower, objects::WantedObject};

/// Workloads whose pods are looked at in one go.
const MAX_ROOTS: usize = 10;

/// The verdict on everything together.
pub(super) struct Health {
    pub status: HealthStatus,
    /// Why, for the worst.
    pub message: String,
    pub workloads: Vec<WorkloadReport>,
}

impl Follower {
    /// Judges everything that the repository wants.
    pub(super) fn health(&self) -> Health {
        let objects = self.wanted.as_ref().map(|wanted| wanted.objects.as_slice()).unwrap_or_default();
        let judged = objects.iter().filter(|object| has_health(&object.desired.key.kind));
        let statuses = judged.map(|object| (object, self.status_of(&object.desired)));
        let worst = statuses.max_by_key(|(_, status)| *status);
        let (status, message) = match worst {
            Some((object, status)) if status != HealthStatus::Healthy => {
                let key = &object.desired.key;
                (status, format!("{key}: {}", self.why(object).unwrap_or_else(|| status.to_string())))
            }
            _ => (HealthStatus::Healthy, String::new()),
        };
        let workloads = objects.iter().filter(|object| is_workload(&object.desired.key.kind));
        Health { status, message, workloads: workloads.map(|object| self.workload(object)).collect() }
    }

    pub(super) fn is_unwell(&self) -> bool {
        let objects = self.wanted.as_ref().map(|wanted| wanted.objects.as_slice()).unwrap_or_default();
        objects.iter().any(|object| {
            is_workload(&object.desired.key.kind)
                && matches!(self.status_of(&object.desired), HealthStatus::Progressing | HealthStatus::Degraded)
        })
    }

    fn workload(&self, object: &WantedObject) -> WorkloadReport {
        let key = &object.desired.key;
        let known = self.view.last_known(key);
        let images = known.map(|known| known.judged.images.clone()).unwrap_or_default();
        let health = self.status_of(&object.desired);
        WorkloadReport {
            kind: key.kind.kind.as_str().into(),
            namespace: key.namespace.as_deref().unwrap_or_default().into(),
            name: key.name.as_str().into(),
            images: images
                .into_iter()
                .map(|(container, image)| ContainerImage { container: container.into(), image })
                .collect(),
            health,
            reason: self.why(object).filter(|_| health != HealthStatus::Healthy).map(Into::into),
            since: self.view.known(key).map_or_else(Utc::now, |known| known.since),
        }
    }

    /// The fault in the pods of an object.
    pub(super) fn root_of(&self, key: &ObjectKey) -> Option<String> {
        self.roots.get(key).cloned()
    }

    /// Why an object is not healthy: the root in its pods, else its own word.
    fn why(&self, object: &WantedObject) -> Option<String> {
        self.why_in(object, self.inventory.as_ref())
    }

    pub(super) fn why_in(&self, object: &WantedObject, inventory: Option<&Inventory>) -> Option<String> {
        let key = &object.desired.key;
        if let Some(awaited) = self.held.awaited_by(key).filter(|awaited| *awaited != key) {
            return Some(format!("it waits for {awaited}"));
        }
        let root = self.root_of(key);
        let ended = || match &inventory?.find(key)?.ended {
            Some(HookEnd::Failed { reason }) => Some(reason.clone()),
            _ => None,
        };
        let own = || {
            let verdict = &self.view.known(key)?.judged.verdict;
            let text = if verdict.message.is_empty() { &verdict.reason } else { &verdict.message };
            Some(text.clone())
        };
        let unseen = || match self.status_of(&object.desired) {
            HealthStatus::Missing => Some("it is not in the cluster".to_owned()),
            HealthStatus::Progressing => Some("its controller has not seen it yet".to_owned()),
            HealthStatus::Unknown => Some("it cannot be watched".to_owned()),
            _ => None,
        };
        root.or_else(ended).or_else(own).or_else(unseen).map(|text| self.redactor.redact(&text))
    }

    /// Looks into the pods of workloads that are not healthy.
    pub(super) async fn find_roots(&mut self) {
        let Some(wanted) = &self.wanted else { return };
        let keys = wanted.objects.iter().map(|object| &object.desired.key).filter(|key| is_workload(&key.kind));
        let unwell = keys.filter_map(|key| {
            let known = self.view.known(key)?;
            let status = known.judged.verdict.status;
            let stuck = matches!(status, HealthStatus::Progressing | HealthStatus::Degraded);
            (stuck && !known.judged.pod_labels.is_empty()).then(|| (key.clone(), known.judged.pod_labels.clone()))
        });
        let unwell: Vec<_> = unwell.take(MAX_ROOTS).collect();
        let mut roots = std::mem::take(&mut self.roots);
        roots.retain(|key, _| unwell.iter().any(|(other, _)| other == key));
        for (key, labels) in unwell {
            let namespace = key.namespace.as_deref().unwrap_or_default();
            match self.client.list_pods(namespace, &labels).await {
                Ok(pods) => match worst_fault(&pods, Utc::now()) {
                    Some(fault) => drop(roots.insert(key, fault.message)),
                    None => drop(roots.remove(&key)),
                },
                Err(error) => tracing::debug!(sync = %self.name, object = %key, %error, "its pods cannot be listed"),
            }
        }
        self.roots = roots;
    }

    /// Tells the verdict on each image of the applied revision, where it changed.
    pub(super) fn tell_health_facts(&mut self) {
        let (Some(wanted), Some(revision)) = (&self.wanted, self.applied_revision.clone()) else { return };
        if wanted.revision != revision {
            return;
        }
        let mut verdicts: BTreeMap<String, (ImageRef, HealthStatus, Option<String>)> = BTreeMap::new();
        for object in wanted.objects.iter().filter(|object| is_workload(&object.desired.key.kind)) {
            let key = &object.desired.key;
            let status = self.status_of(&object.desired);
            let why = self.why(object).filter(|_| status != HealthStatus::Healthy);
            let reason = why.map(|why| format!("{key}: {why}"));
            for image in &object.images {
                let verdict =
                    verdicts.entry(image.to_string()).or_insert_with(|| (image.clone(), status, reason.clone()));
                if status > verdict.1 {
                    *verdict = (image.clone(), status, reason.clone());
                }
            }
        }
        for (image, status, reason) in verdicts.into_values() {
            self.tell_fact(revision.clone(), Deploy::Health { image, status, reason: reason.map(Into::into) });
        }
    }
}
