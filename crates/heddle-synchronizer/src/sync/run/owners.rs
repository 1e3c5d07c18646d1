//! Whose the objects are: what this Sync may touch, and what others have.

use heddle_reconcile::{ObjectKey, Plan, Scope};

use super::{Others, Run};

impl Run<'_> {
    /// What this Sync may touch, and who else is there.
    pub(super) fn scope(&self) -> Scope {
        let (neighbors, sync) = (&self.context.ctx.neighbors, self.context.sync);
        let was_given_up = |key: &&ObjectKey| {
            let owner = self.cluster.observed.live.objects.get(key).and_then(|live| live.owner.as_ref());
            owner.is_some_and(|owner| neighbors.was_given_up(owner, key))
        };
        Scope {
            owner: self.owner().to_owned(),
            living: neighbors.living(),
            given_up: self.context.desired.keys().iter().filter(was_given_up).cloned().collect(),
            namespaces: sync.spec.namespaces.clone(),
            kinds: sync.spec.kinds.clone(),
        }
    }

    /// Leaves alone of which it cannot be told whether another Sync has it.
    pub(super) fn leave_unknown(&mut self, plan: &mut Plan) {
        let unknown = std::mem::take(&mut self.cluster.unknown_owners);
        if unknown.is_empty() {
            return;
        }
        let mut left = Vec::new();
        for step in plan.steps.iter_mut().chain([&mut plan.on_failure]) {
            left.extend(step.extract_if(.., |apply| unknown.contains_key(self.object(apply.index).key())));
        }
        for apply in left {
            let object = self.object(apply.index);
            let error = &unknown[object.key()];
            self.believes(object.key(), &object.desired.manifest, error);
            let words = format!("whether another Sync has it cannot be told, so it is left alone: {error}");
            let error = self.context.desired.error(object, &words);
            self.fail(object.key().clone(), error);
        }
    }

    /// Whose the objects are that are refused because another Sync has them, and whether it is going to give them up.
    pub(super) fn others(&self, plan: &Plan, scope: &Scope) -> Others {
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let mut others = Others::default();
        for key in plan.refusals.iter().map(|refusal| self.object(refusal.index).key()) {
            let owner = self.cluster.observed.live.objects.get(key).and_then(|live| live.owner.as_ref());
            let Some(owner) = owner.filter(|owner| **owner != scope.owner) else { continue };
            let Some(sync) = scope.living.get(owner) else { continue };
            if neighbors.will_give_up(name, owner, key) {
                others.giving.push((key.clone(), sync.clone()));
            } else {
                others.keeping += 1;
            }
        }
        others
    }
}
