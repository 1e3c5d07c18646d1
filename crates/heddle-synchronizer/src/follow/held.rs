//! What waits for the health of something else: hooks, waves and `depends-on`.

use std::collections::HashMap;

use heddle_core::health::HealthStatus;
use heddle_reconcile::{Apply, Desired, HookEnd, Inventory, ObjectKey, Phase, Plan, Progress, Why};

use super::{
    Follower,
    objects::{Wanted, WantedObject},
    reconcile::Outcome,
};

/// What was held back by the last run.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Each object with the one that it waits for.
    objects: HashMap<ObjectKey, ObjectKey>,
    /// How those were that are waited for. When one changes it is time for another run.
    awaited: HashMap<ObjectKey, Standing>,
    /// For whom, and why, in the words of a person.
    told: Option<String>,
}

/// How an object is, as far as those that wait for it care.
type Standing = (HealthStatus, bool);

impl Held {
    pub fn holds(&self, key: &ObjectKey) -> bool {
        self.objects.contains_key(key)
    }

    /// What is waited for.
    pub fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    /// The object that another one waits for.
    pub fn awaited_by(&self, key: &ObjectKey) -> Option<&ObjectKey> {
        self.objects.get(key)
    }
}

impl Follower {
    /// What of a step may be applied now. The rest is noted in the outcome.
    pub(super) fn open<'a>(
        &self,
        plan: &Plan,
        step: &'a [Apply],
        desired: &[Desired],
        wanted: &Wanted,
        inventory: &Inventory,
        outcome: &mut Outcome,
    ) -> Vec<&'a Apply> {
        let opened = plan.open(step, desired, |index| self.progress(index, &wanted.objects[index], inventory, outcome));
        for waiting in opened.waiting {
            let object = &wanted.objects[waiting.index];
            if let Why::Needs(on) = waiting.why
                && !outcome.waiting.contains_key(&on)
            {
                let on = &wanted.objects[on].desired.key;
                outcome.errors.push(object.error(format!("it waits for {on}, which could not be applied")));
                outcome.failed.insert(object.desired.key.clone());
            } else {
                outcome.waiting.insert(waiting.index, waiting.why);
            }
        }
        opened.ready
    }

    fn progress(&self, index: usize, object: &WantedObject, inventory: &Inventory, outcome: &Outcome) -> Progress {
        let key = &object.desired.key;
        if outcome.failed.contains(key) || outcome.waiting.contains_key(&index) {
            return Progress::NotApplied;
        }
        Progress::of(&key.kind, self.status_in(&object.desired, Some(inventory)), self.roots.contains_key(key))
    }

    /// Remembers what waits and for what. Something that failed and is waited for is an error: it may never be better.
    pub(super) fn hold(&mut self, wanted: &Wanted, inventory: &Inventory, outcome: &mut Outcome) {
        // What was held before is no reason of what is held now.
        self.held = Held::default();
        let mut held = Held::default();
        let mut waiting: HashMap<usize, usize> = HashMap::new();
        for (index, why) in &outcome.waiting {
            let on = match why {
                Why::Needs(on) | Why::Awaits(on) => *on,
                Why::StillRuns => *index,
            };
            held.objects.insert(wanted.objects[*index].desired.key.clone(), wanted.objects[on].desired.key.clone());
            *waiting.entry(on).or_default() += 1;
        }
        for (on, count) in waiting {
            let object = &wanted.objects[on];
            let key = &object.desired.key;
            let progress = self.progress(on, object, inventory, outcome);
            let is_itself = matches!(outcome.waiting.get(&on), Some(Why::StillRuns));
            if progress == Progress::NotApplied && !is_itself {
                continue;
            }
            let standing = self.standing(object, inventory);
            let why = self.why_in(object, Some(inventory)).unwrap_or_else(|| standing.0.to_string());
            let what = match (is_itself, object.desired.order.hook.is_some()) {
                (true, _) => format!("{key}, whose last run is under way: {why}; delete it to go on at once"),
                (false, true) => format!("the hook {key}: {why}"),
                (false, false) => format!("{key}: {why}"),
            };
            if progress == Progress::Broken && object.desired.order.phase != Phase::PostSync {
                let others = if count == 1 { "1 object waits".to_owned() } else { format!("{count} objects wait") };
                let remedy = match object.desired.order.hook.is_some() {
                    true => "; it runs again with the next change of the path, or when it is deleted",
                    false => "",
                };
                outcome.errors.push(object.error(format!("it failed, and {others} for it: {why}{remedy}")));
            }
            held.awaited.insert(key.clone(), standing);
            held.told = held.told.filter(|told| *told < what).or(Some(what));
        }
        self.held = held;
    }

    fn standing(&self, object: &WantedObject, inventory: &Inventory) -> Standing {
        (self.status_in(&object.desired, Some(inventory)), self.roots.contains_key(&object.desired.key))
    }

    /// Whether something that is waited for is not as it was, or a hook has ended since.
    pub(super) fn has_news(&self) -> bool {
        let (Some(wanted), Some(inventory)) = (&self.wanted, &self.inventory) else { return false };
        if wanted.hooks().any(|object| self.end_of(object, inventory).is_some()) {
            return true;
        }
        let awaited =
            wanted.objects.iter().filter_map(|object| Some((object, self.held.awaited.get(&object.desired.key)?)));
        !self.held.awaited.is_empty()
            && awaited.into_iter().any(|(object, before)| self.standing(object, inventory) != *before)
    }

    /// The verdict on an object that ought to exist. A hook that has run may be gone, and one that has yet to run is
    /// not there.
    pub(super) fn status_of(&self, desired: &Desired) -> HealthStatus {
        if self.held.holds(&desired.key) {
            return HealthStatus::Progressing;
        }
        self.status_in(desired, self.inventory.as_ref())
    }

    fn status_in(&self, desired: &Desired, inventory: Option<&Inventory>) -> HealthStatus {
        if desired.order.hook.is_some() {
            let of_this_run = inventory.and_then(|inventory| inventory.find_applied(desired));
            match of_this_run.and_then(|entry| entry.ended.as_ref()) {
                Some(HookEnd::Succeeded) => return HealthStatus::Healthy,
                Some(HookEnd::Failed { .. }) => return HealthStatus::Degraded,
                // What comes after a failure is no part of what is wanted.
                None if desired.order.phase == Phase::SyncFail => return HealthStatus::Healthy,
                None => {}
            }
        }
        self.view.status_of(desired)
    }
}
