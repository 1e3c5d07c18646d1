//! How the objects of a Sync are doing: from what is wanted and what the watches saw to verdicts. Values in, values out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use heddle_core::{health::HealthStatus, image::ImageRef};
use heddle_reconcile::{HookEnd, Inventory, Phase, Progress, health::has_health, is_workload};
use heddle_wire::agent::{ContainerImage, Deploy, WorkloadReport};

use super::{
    cluster::Observed,
    desired::{Desired, PlacedObject},
    roots::Roots,
    run::{Compared, Waiting},
};

/// What verdicts are made of.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    pub inventory: &'a Inventory,
    /// What the last run left waiting.
    pub waiting: Option<&'a Waiting>,
    pub roots: &'a Roots,
    pub now: DateTime<Utc>,
}

/// The verdict on everything together.
#[derive(Debug)]
pub(super) struct Health {
    pub status: HealthStatus,
    /// Why, for the worst.
    pub message: String,
    pub workloads: Vec<WorkloadReport>,
}

/// How an object is, as far as those that wait for it care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AwaitedState {
    pub status: HealthStatus,
    /// Whether it is known not to come further by itself.
    pub is_stuck: bool,
}

impl Scene<'_> {
    /// Judges everything that the repository wants.
    pub fn health(self) -> Health {
        let judged = self.desired.objects().iter().filter(|object| has_health(&object.key().kind));
        let worst = judged.map(|object| (object, self.status(object))).max_by_key(|(_, status)| *status);
        let (status, message) = match worst {
            Some((object, status)) if status != HealthStatus::Healthy => {
                (status, format!("{}: {}", object.key(), self.why(object).unwrap_or_else(|| status.to_string())))
            }
            _ => (HealthStatus::Healthy, String::new()),
        };
        Health { status, message, workloads: self.workloads().map(|object| self.workload(object)).collect() }
    }

    fn workloads(&self) -> impl Iterator<Item = &PlacedObject> {
        self.desired.objects().iter().filter(|object| is_workload(&object.key().kind))
    }

    /// Whether there is a workload of which a root may be found.
    pub fn is_unwell(self) -> bool {
        self.workloads().any(|object| matches!(self.status(object), HealthStatus::Progressing | HealthStatus::Degraded))
    }

    fn workload(self, object: &PlacedObject) -> WorkloadReport {
        let key = object.key();
        let last = self.observed.last_known(key);
        let images = last.map(|known| known.judged.images.clone()).unwrap_or_default();
        let health = self.status(object);
        WorkloadReport {
            kind: key.kind.kind.as_str().into(),
            namespace: key.namespace.as_deref().unwrap_or_default().into(),
            name: key.name.as_str().into(),
            images: images.into_iter().map(|(name, image)| ContainerImage { container: name.into(), image }).collect(),
            health,
            reason: self.why(object).filter(|_| health != HealthStatus::Healthy).map(Into::into),
            since: self.observed.known(key).map_or(self.desired.since(), |known| known.since),
        }
    }

    /// The verdict on an object that ought to exist. A hook that has run may be gone, and one that has yet to run is not
    /// there.
    pub fn status(self, object: &PlacedObject) -> HealthStatus {
        if self.waiting.is_some_and(|waiting| waiting.holds(object.key())) {
            return HealthStatus::Progressing;
        }
        if object.desired.order.hook.is_some() {
            let of_this_run = self.inventory.find_applied(&object.desired);
            match of_this_run.and_then(|entry| entry.ended.as_ref()) {
                Some(HookEnd::Succeeded) => return HealthStatus::Healthy,
                Some(HookEnd::Failed { .. }) => return HealthStatus::Degraded,
                // What comes after a failure is no part of what is wanted.
                None if object.desired.order.phase == Phase::SyncFail => return HealthStatus::Healthy,
                None => {}
            }
        }
        self.observed.status_of(&object.desired, self.now)
    }

    /// How far an object that is applied is.
    pub fn progress(self, object: &PlacedObject) -> Progress {
        let AwaitedState { status, is_stuck } = self.awaited_state(object);
        Progress::of(&object.key().kind, status, is_stuck)
    }

    /// How an object is, for those that wait for it.
    pub fn awaited_state(self, object: &PlacedObject) -> AwaitedState {
        AwaitedState { status: self.status(object), is_stuck: self.roots.has(object.key()) }
    }

    /// Why an object is not healthy: the root in its pods, else its own word.
    pub fn why(self, object: &PlacedObject) -> Option<String> {
        let key = object.key();
        let awaited = self.waiting.and_then(|waiting| waiting.awaited_by(key));
        if let Some(awaited) = awaited.filter(|awaited| *awaited != key) {
            return Some(format!("it waits for {awaited}"));
        }
        let blind = self.observed.blindness(key, self.now).map(|why| self.desired.redact_about(&why, key));
        if blind.is_some() && self.status(object) == HealthStatus::Unknown {
            return blind;
        }
        let ended = || match &self.inventory.find(key)?.ended {
            Some(HookEnd::Failed { reason }) => Some(reason.clone()),
            _ => None,
        };
        let own = || {
            let verdict = &self.observed.known(key)?.judged.verdict;
            let text = if verdict.message.is_empty() { &verdict.reason } else { &verdict.message };
            Some(text.clone())
        };
        let unseen = || match self.status(object) {
            HealthStatus::Missing => Some("it is not in the cluster".to_owned()),
            HealthStatus::Progressing => Some("its controller has not seen it yet".to_owned()),
            HealthStatus::Unknown => Some("it cannot be watched".to_owned()),
            _ => None,
        };
        let why = self.roots.of(key).cloned().or_else(ended).or_else(own).or_else(unseen);
        why.map(|text| self.desired.redact_about(&text, key))
    }

    /// The end of a hook that ended and whose end is not in the inventory yet.
    pub fn end_of(self, object: &PlacedObject) -> Option<HookEnd> {
        let hook = object.desired.order.hook?;
        let entry = self.inventory.find_applied(&object.desired).filter(|entry| entry.ended.is_none())?;
        if !has_health(&object.key().kind) {
            return Some(HookEnd::Succeeded);
        }
        match self.observed.last_word(object.key(), entry.uid.as_deref()?, self.now)? {
            (HealthStatus::Healthy, _) => Some(HookEnd::Succeeded),
            (HealthStatus::Degraded, why) if hook.delete_failed => {
                let reason = self.roots.of(object.key()).cloned().unwrap_or(why);
                Some(HookEnd::Failed { reason: self.desired.redact_about(&reason, object.key()) })
            }
            _ => None,
        }
    }

    /// Whether something that is waited for is not as it was, or a hook has ended since.
    pub fn has_news(self) -> bool {
        if self.desired.hooks().any(|object| self.end_of(object).is_some()) {
            return true;
        }
        let Some(waiting) = self.waiting else { return false };
        // What waits counts as progressing for a person; here it is what it is.
        let scene = Scene { waiting: None, ..self };
        let objects = self.desired.objects().iter();
        let mut awaited = objects.filter_map(|object| Some((object, waiting.awaited_state_of(object.key())?)));
        awaited.any(|(object, before)| scene.awaited_state(object) != before)
    }

    /// The verdict on each image, by the worst of the workloads that have it; of a revision that has failed: on each image
    /// of what could be applied of it.
    pub fn facts(self, failed: Option<&Compared>) -> impl Iterator<Item = Deploy> {
        let mut verdicts: BTreeMap<String, (ImageRef, HealthStatus, Option<String>)> = BTreeMap::new();
        for object in self.workloads() {
            let is_applied = failed.is_none_or(|failed| !failed.failed.contains(object.key()));
            let (status, why) = match is_applied {
                true => (self.status(object), self.why(object)),
                false => (HealthStatus::Degraded, Some("it could not be applied".to_owned())),
            };
            let why = why.filter(|_| status != HealthStatus::Healthy);
            let reason = why.map(|why| format!("{}: {why}", object.key()));
            for image in &object.images {
                let verdict =
                    verdicts.entry(image.to_string()).or_insert_with(|| (image.clone(), status, reason.clone()));
                if status > verdict.1 {
                    *verdict = (image.clone(), status, reason.clone());
                }
            }
        }
        let fact = |(image, status, reason): (_, _, Option<String>)| Deploy::Health {
            image,
            status,
            reason: reason.map(Into::into),
        };
        let is_told = |(image, ..): &(ImageRef, _, _)| failed.is_none_or(|failed| failed.images.contains(image));
        let told: Vec<_> = verdicts.into_values().filter(is_told).collect();
        told.into_iter().map(fact)
    }
}
