//! Drift: what of it a run heals, and what it tells instead.

use chrono::Utc;
use heddle_kube::{AccountClient, Applied, KubeError, sync::DriftMode};
use heddle_reconcile::{Apply, Plan, Reason};

use super::{super::desired::PlacedObject, Run, dry_run, would_change};
use crate::metrics::{FoundBy, SyncMetrics, Verb};

impl Run<'_> {
    /// Drift that is not to be healed, or not now, is taken out of the plan. Gives what is to be told instead.
    pub(super) fn take_out_drift(&self, plan: &mut Plan) -> Vec<Apply> {
        let (mode, now) = (self.context.sync.spec.drift, Utc::now());
        let mut taken = Vec::new();
        for step in &mut plan.steps {
            taken.extend(step.extract_if(.., |apply| {
                let key = self.object(apply.index).key();
                let heals = mode == DriftMode::Heal && !self.drift.leaves_alone(key, &self.cluster.observed, now);
                apply.reason == Reason::Drifted && !heals
            }));
        }
        if mode == DriftMode::Detect { taken } else { Vec::new() }
    }

    /// Looks at what is not to be healed: a dry run says which fields an apply would bring back, and the object whether it is
    /// as Git has it by now, whoever has its fields.
    pub(super) async fn detect(&mut self, not_healed: &[Apply]) {
        for apply in not_healed {
            if self.is_stopped() {
                return;
            }
            let object = self.object(apply.index);
            let key = object.key();
            let observed = &self.cluster.observed;
            if self.drift.was_looked_at(key, observed) || !observed.drifted(&object.desired, &self.inventory) {
                continue;
            }
            match look_at(&self.cluster.client, object, self.context.metrics).await {
                Ok((applied, differs)) => {
                    let observed = &self.cluster.observed;
                    if differs && let Some(drift) = self.drift.note(object, &applied, observed, None) {
                        self.context.metrics.drifted(FoundBy::Watch);
                        tracing::info!(sync = %self.context.name, object = %key, manager = drift.manager.as_deref(),
                            fields = ?drift.fields, "{key} was changed in the cluster");
                    }
                    self.drift.note_look(object, &applied, observed, differs, Utc::now());
                }
                // It is neither a drift nor none: the next run asks again.
                Err(error) => {
                    let error = self.context.desired.redact_about(&error.to_string(), key);
                    tracing::warn!(sync = %self.context.name, object = %key, "a drift cannot be explained: {error}");
                }
            }
        }
    }
}

/// What a dry run of an apply answers, and whether that apply would change what the object means.
async fn look_at(
    client: &AccountClient,
    object: &PlacedObject,
    metrics: &SyncMetrics,
) -> Result<(Applied, bool), KubeError> {
    let (_, tried) = dry_run(client, object).await;
    metrics.wrote(Verb::DryRun, tried.is_ok());
    Ok((tried?, would_change(client, object).await?))
}
