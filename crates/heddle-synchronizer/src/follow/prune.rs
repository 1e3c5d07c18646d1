//! Deleting what the repository does not have any more.

use chrono::Utc;
use futures::StreamExt;
use heddle_kube::{AccountClient, Deleted, Kinds, KubeError};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, Inventory, ObjectKey, Prune, PruneRules, judge_prune};
use heddle_wire::agent::SyncError;

use super::{Follower, objects::Wanted};
use crate::metrics::Verb;

const CONCURRENCY: usize = 16;

/// What an apply left undone.
pub(super) struct Left<'a> {
    pub errors: &'a mut Vec<SyncError>,
    /// Whether anything is not applied yet, because it waits.
    pub waits: bool,
}

impl Follower {
    /// Deletes, or stops and asks. While anything else is wrong with the revision nothing is deleted: what is missing may
    /// be missing by mistake, and what should take its place may have failed.
    pub(super) async fn prune(
        &mut self,
        mut surplus: Vec<ObjectKey>,
        wanted: &Wanted,
        inventory: &mut Inventory,
        Left { errors, waits }: Left<'_>,
    ) {
        self.stopped_prune = None;
        let now = Utc::now();
        self.give_up(&mut surplus, inventory);
        if surplus.is_empty() {
            return self.conditions.set("Pruned", Some(true), "NothingToPrune", "", now);
        }
        let count = surplus.len();
        if !self.sync.spec.prune {
            let message = format!("{count} objects left the path and stay, because `spec.prune` is false");
            return self.conditions.set("Pruned", Some(true), "Off", &message, now);
        }
        if !errors.is_empty() {
            let message = format!("{count} objects left the path and stay until the errors are mended");
            return self.conditions.set("Pruned", Some(false), "Held", &message, now);
        }
        if waits {
            let message = format!("{count} objects left the path and stay until all others are applied");
            return self.conditions.set("Pruned", None, "Waiting", &message, now);
        }
        let awaited = self.awaited_takers(&wanted.revision);
        if !awaited.is_empty() {
            let message =
                format!("{count} objects left the path; it waits for {} to say if they moved", awaited.join(", "));
            return self.conditions.set("Pruned", None, "Waiting", &message, now);
        }
        let annotations = self.sync.metadata.annotations.as_ref();
        let owner = self.sync.metadata.uid.clone().unwrap_or_default();
        let rules = PruneRules {
            owner: &owner,
            desired: if wanted.is_empty() { 0 } else { wanted.objects.len() },
            complete: errors.is_empty(),
            approved: annotations.and_then(|all| all.get(APPROVE_PRUNE_ANNOTATION)).map(String::as_str),
        };
        let verdict = judge_prune(&surplus, inventory, &self.view.live, rules);
        for key in verdict.forget.iter().chain(&verdict.kept) {
            tracing::info!(sync = %self.name, object = %key, "{key} left the path, and is gone or not to be deleted");
            inventory.forget(key);
        }
        if let Some(stopped) = verdict.stopped {
            let message = format!(
                "stopped: {}. To let it go on: kubectl annotate sync -n {} {} {APPROVE_PRUNE_ANNOTATION}={} --overwrite",
                stopped.reason, self.name.namespace, self.name.name, stopped.plan
            );
            self.conditions.set("Pruned", Some(false), "Stopped", &message, now);
            self.stopped_prune = Some(stopped);
            return;
        }
        for held in &verdict.held {
            tracing::info!(sync = %self.name, object = %held.key, "{} left the path and stays: {}", held.key, held.reason);
        }
        let before = errors.len();
        for wave in &verdict.waves {
            self.delete_wave(wave, inventory, errors).await;
        }
        match errors.len() - before {
            0 if !verdict.held.is_empty() => {
                let reasons: Vec<String> =
                    verdict.held.iter().map(|held| format!("{}: {}", held.key, held.reason)).collect();
                self.conditions.set("Pruned", Some(false), "InUse", &reasons.join("; "), now);
            }
            0 => self.conditions.set("Pruned", Some(true), "Pruned", "", now),
            failed => {
                let message = format!("{failed} objects could not be deleted");
                self.conditions.set("Pruned", Some(false), "Failed", &message, now);
            }
        }
    }

    async fn delete_wave(&mut self, wave: &[Prune], inventory: &mut Inventory, errors: &mut Vec<SyncError>) {
        let Some(kinds) = &self.kinds else { return };
        let (client, owner) = (&self.client, self.sync.metadata.uid.as_deref().unwrap_or_default());
        let requests: Vec<_> = wave.iter().map(|prune| delete(client, kinds, owner, prune)).collect();
        let results: Vec<_> = futures::stream::iter(requests).buffer_unordered(CONCURRENCY).collect().await;
        for (prune, result) in results {
            let key = &prune.key;
            self.metrics.wrote(Verb::Delete, result.is_ok());
            match result {
                Ok(deleted) => {
                    tracing::info!(sync = %self.name, object = %key, ?deleted, "pruned {key}");
                    inventory.forget(key);
                    self.view.forget(key);
                }
                Err(error) => errors.push(SyncError {
                    file: None,
                    line: None,
                    object: Some(key.to_string().into()),
                    message: format!(
                        "it left the path and could not be deleted: {}",
                        self.redactor.redact(&error.to_string())
                    )
                    .into(),
                }),
            }
        }
    }
}

async fn delete<'a>(
    client: &AccountClient,
    kinds: &Kinds,
    owner: &str,
    prune: &'a Prune,
) -> (&'a Prune, Result<Deleted, KubeError>) {
    (prune, try_delete(client, kinds, owner, prune).await)
}

async fn try_delete(client: &AccountClient, kinds: &Kinds, owner: &str, prune: &Prune) -> Result<Deleted, KubeError> {
    let kind = &prune.key.kind;
    let Some(served) = kinds.find(kind, &prune.version).or_else(|| kinds.preferred(kind)) else {
        if kinds.unknown_groups.contains(&kind.group) {
            return Err(KubeError::Unavailable(format!(
                "the server of the API group `{}` does not answer",
                kind.group
            )));
        }
        // Its definition is gone, and the objects with it.
        return Ok(Deleted::Gone);
    };
    if let (true, Some(uid)) = (prune.proved, &prune.uid) {
        return client.delete(&prune.key, served, uid).await;
    }
    match client.find_metadata(&prune.key, served).await? {
        Some(found)
            if found.owner.as_deref() == Some(owner) && prune.uid.as_ref().is_none_or(|uid| *uid == found.uid) =>
        {
            client.delete(&prune.key, served, &found.uid).await
        }
        // Gone, or not ours.
        _ => Ok(Deleted::Gone),
    }
}
