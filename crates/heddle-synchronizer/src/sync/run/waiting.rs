//! What waits for the health of something else: hooks, waves and `depends-on`.

use std::collections::HashMap;

use heddle_reconcile::{Apply, ObjectKey, Phase, Plan, Progress, Why};

use super::{super::health::AwaitedState, Run};

/// What a run left waiting.
#[derive(Debug, Default)]
pub(in crate::sync) struct Waiting {
    /// Each object with the one that it waits for.
    objects: HashMap<ObjectKey, ObjectKey>,
    /// How those were that are waited for. When one changes it is time for another run.
    awaited: HashMap<ObjectKey, AwaitedState>,
    /// For whom, and why, in the words of a person.
    words: Option<String>,
}

impl Waiting {
    /// Whether an object waits.
    pub fn holds(&self, key: &ObjectKey) -> bool {
        self.objects.contains_key(key)
    }

    /// How many objects wait.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// For whom, and why.
    pub fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// The object that another one waits for.
    pub fn awaited_by(&self, key: &ObjectKey) -> Option<&ObjectKey> {
        self.objects.get(key)
    }

    /// How an object was that is waited for.
    pub fn awaited_state_of(&self, key: &ObjectKey) -> Option<AwaitedState> {
        self.awaited.get(key).copied()
    }
}

impl Run<'_> {
    /// What of a step may be applied now. The rest is noted.
    pub(super) fn release<'s>(
        &mut self,
        plan: &Plan,
        step: &'s [Apply],
        desired: &[heddle_reconcile::DesiredObject],
    ) -> Vec<&'s Apply> {
        let opened = plan.open(step, desired, |index| self.progress(index));
        for waiting in opened.waiting {
            let object = self.object(waiting.index);
            if let Why::Needs(on) = waiting.why
                && !self.waiting.contains_key(&on)
            {
                let on = self.object(on).key();
                let error = object.error(format!("it waits for {on}, which could not be applied"));
                let key = object.key().clone();
                self.fail(key, error);
            } else {
                self.waiting.insert(waiting.index, waiting.why);
            }
        }
        opened.ready
    }

    fn progress(&self, index: usize) -> Progress {
        let object = self.object(index);
        if self.failed.contains(object.key()) || self.waiting.contains_key(&index) {
            return Progress::NotApplied;
        }
        self.scene().progress(object)
    }

    /// Remembers what waits and for what. Something that failed and is waited for is an error: it may never be better.
    pub(super) fn hold(&mut self) -> Waiting {
        let mut held = Waiting::default();
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for (index, why) in &self.waiting {
            let on = match why {
                Why::Needs(on) | Why::Awaits(on) => *on,
                Why::StillRuns => *index,
            };
            held.objects.insert(self.object(*index).key().clone(), self.object(on).key().clone());
            *counts.entry(on).or_default() += 1;
        }
        for (on, count) in counts {
            let (object, progress) = (self.object(on), self.progress(on));
            let is_itself = matches!(self.waiting.get(&on), Some(Why::StillRuns));
            if progress == Progress::NotApplied && !is_itself {
                continue;
            }
            let (key, hook) = (object.key(), object.desired.order.hook);
            let state = self.scene().awaited_state(object);
            let why = self.scene().why(object).unwrap_or_else(|| state.status.to_string());
            let words = match (is_itself, hook) {
                (true, _) => format!("{key}, whose last run is under way: {why}; delete it to go on at once"),
                (false, Some(_)) => format!("the hook {key}: {why}"),
                (false, None) => format!("{key}: {why}"),
            };
            held.awaited.insert(key.clone(), state);
            held.words = held.words.filter(|known| *known < words).or(Some(words));
            if progress == Progress::Broken && object.desired.order.phase != Phase::PostSync {
                let others = if count == 1 { "1 object waits".to_owned() } else { format!("{count} objects wait") };
                let remedy = match hook {
                    Some(_) => "; it runs again with the next change of the path, or when it is deleted",
                    None => "",
                };
                let error = object.error(format!("it failed, and {others} for it: {why}{remedy}"));
                self.errors.push(error);
            }
        }
        held
    }
}
