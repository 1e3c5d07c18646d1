//! How the objects are doing, as far as the watches have seen.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::health::HealthStatus;
use heddle_kube::Judged;
use heddle_reconcile::{DesiredObject, ObjectKey};

use super::{Observed, is_newer, places::Unwatched};

/// How an object is doing, and since when.
#[derive(Debug, Clone)]
pub(in crate::sync) struct Known {
    pub judged: Judged,
    pub since: DateTime<Utc>,
    pub(super) resource_version: String,
}

impl Observed {
    /// How an object is doing; `None` while the watch has not seen what was applied last.
    pub fn known(&self, key: &ObjectKey) -> Option<&Known> {
        let known = self.judged.get(key)?;
        let live = self.live.objects.get(key)?;
        (!is_newer(&live.resource_version, &known.resource_version)).then_some(known)
    }

    /// How an object was doing last, whatever was applied since.
    pub fn last_known(&self, key: &ObjectKey) -> Option<&Known> {
        self.judged.get(key)
    }

    /// From now on the last verdict on these is kept when they are gone.
    pub fn remember(&mut self, hooks: BTreeSet<ObjectKey>) {
        self.gone.retain(|key, _| hooks.contains(key));
        self.hooks = hooks;
    }

    /// The verdict on the object with this UID, also when it is gone by now; `None` while nothing was said of it.
    pub fn last_word(&self, key: &ObjectKey, uid: &str, now: DateTime<Utc>) -> Option<(HealthStatus, String)> {
        if self.live.objects.get(key).is_some_and(|live| live.uid == uid) {
            let verdict = &self.known(key)?.judged.verdict;
            return Some((verdict.status_at(now), verdict.message.clone()));
        }
        let (_, status, message) = self.gone.get(key).filter(|(gone, ..)| gone == uid)?;
        Some((*status, message.clone()))
    }

    /// When the next verdict changes by itself, because nobody waits for ever for a controller that says nothing.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = self.judged.values().filter_map(|known| known.judged.verdict.waits_until);
        let ends = ends.chain(self.unwatchable.values().map(Unwatched::blind_from));
        ends.filter(|end| *end > now).min()
    }

    /// The verdict on an object that ought to exist.
    pub fn status_of(&self, desired: &DesiredObject, now: DateTime<Utc>) -> HealthStatus {
        let key = &desired.key;
        match self.known(key) {
            _ if self.blindness(key, now).is_some() => HealthStatus::Unknown,
            Some(known) => known.judged.verdict.status_at(now),
            None if self.live.objects.contains_key(key) => HealthStatus::Progressing,
            None if desired.may_vanish => HealthStatus::Healthy,
            None if self.live.covers(key) => HealthStatus::Missing,
            None => HealthStatus::Unknown,
        }
    }
}
