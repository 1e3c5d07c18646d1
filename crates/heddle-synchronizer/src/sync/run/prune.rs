//! Deleting what the repository does not have any more.

use futures::StreamExt;
use heddle_kube::{AccountClient, Deleted, Kinds, KubeError};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, Held, ObjectKey, Prune, PruneGuard, PruneRules, judge_prune};
use heddle_wire::agent::SyncError;

use super::{Pruned, Run};
use crate::{metrics::Verb, neighbors::Fate};

/// Requests at a time.
const CONCURRENCY: usize = 16;

impl Run<'_> {
    /// Deletes, or stops and asks. While anything else is wrong with the revision nothing is deleted: what is missing may
    /// be missing by mistake, and what should take its place may have failed. `waits`: something is not applied yet.
    pub(super) async fn prune(&mut self, mut surplus: Vec<ObjectKey>, waits: bool) -> Pruned {
        let moved = self.give_up(&mut surplus);
        let count = surplus.len();
        if count == 0 {
            return if moved.is_empty() { Pruned::Nothing } else { Pruned::Kept { needed: Vec::new(), moved } };
        }
        if !self.context.sync.spec.prune {
            return Pruned::Off(count);
        }
        if !self.errors.is_empty() {
            return Pruned::Held(count);
        }
        if waits {
            return Pruned::WaitsForOthers(count);
        }
        let silent = self.context.ctx.neighbors.silent(&self.context.name.name);
        if !silent.is_empty() {
            return Pruned::WaitsForNeighbors(count, silent);
        }
        self.prune_surplus(&surplus, moved).await
    }

    /// Gives up what another Sync wants: it is not gone, it has moved. What a suspended one wants stays, and is given.
    pub(super) fn give_up(&mut self, surplus: &mut Vec<ObjectKey>) -> Vec<(ObjectKey, String)> {
        let (neighbors, name) = (&self.context.ctx.neighbors, self.context.name);
        let mut stays = Vec::new();
        surplus.retain(|key| match neighbors.fate(&name.name, key) {
            Fate::Unclaimed => true,
            Fate::Moved(other) => {
                tracing::info!(sync = %name, object = %key, "{key} moved to the Sync {other}");
                self.inventory.forget(key);
                false
            }
            Fate::MovedToSuspended(other) => {
                stays.push((key.clone(), other));
                false
            }
        });
        stays
    }

    async fn prune_surplus(&mut self, surplus: &[ObjectKey], moved: Vec<(ObjectKey, String)>) -> Pruned {
        let (sync, desired, name) = (self.context.sync, self.context.desired, self.context.name);
        let annotations = sync.metadata.annotations.as_ref();
        let rules = PruneRules {
            owner: self.owner(),
            desired: if desired.is_empty() { 0 } else { desired.objects().len() },
            complete: self.errors.is_empty(),
            approved: annotations.and_then(|all| all.get(APPROVE_PRUNE_ANNOTATION)).map(String::as_str),
        };
        let verdict = judge_prune(surplus, &self.inventory, &self.cluster.observed.live, rules);
        for key in &verdict.forget {
            tracing::info!(sync = %name, object = %key, "{key} left the path, and is gone or not ours");
            self.inventory.forget(key);
        }
        for kept in verdict.kept {
            self.keep(kept);
        }
        if let Some(stopped) = verdict.stopped {
            return Pruned::Stopped(stopped);
        }
        for held in &verdict.held {
            tracing::info!(sync = %name, object = %held.key, "{} left the path and stays: {}", held.key, held.reason);
        }
        let before = self.errors.len();
        for step in &verdict.waves {
            self.delete_step(step).await;
        }
        match self.errors.len() - before {
            0 if verdict.held.is_empty() && moved.is_empty() => Pruned::Done,
            0 => Pruned::Kept { needed: verdict.held, moved },
            failed => Pruned::Failed(failed),
        }
    }

    /// Lets go of an object that says itself that it stays.
    fn keep(&mut self, kept: Held) {
        tracing::info!(sync = %self.context.name, object = %kept.key, "{} left the path and stays: {}", kept.key, kept.reason);
        self.inventory.forget(&kept.key);
        self.kept.push(kept);
    }

    async fn delete_step(&mut self, step: &[Prune]) {
        let Some(kinds) = self.cluster.kinds() else { return };
        let (client, owner) = (&self.cluster.client, self.owner());
        let requests: Vec<_> = step.iter().map(|prune| delete(client, kinds, owner, prune)).collect();
        let results: Vec<_> = futures::stream::iter(requests).buffer_unordered(CONCURRENCY).collect().await;
        for (prune, result) in results {
            let key = &prune.key;
            self.context.metrics.wrote(Verb::Delete, result.is_ok());
            match result {
                Ok(Ended::Stays(reason)) => self.keep(Held { key: key.clone(), reason }),
                Ok(Ended::Deleted(deleted)) => {
                    tracing::info!(sync = %self.context.name, object = %key, ?deleted, "pruned {key}");
                    self.deleted += 1;
                    self.inventory.forget(key);
                    self.cluster.observed.forget(key);
                }
                Err(error) => {
                    let error = self.context.desired.redact(&error.to_string());
                    self.errors.push(SyncError {
                        file: None,
                        line: None,
                        object: Some(key.to_string().into()),
                        message: format!("it left the path and could not be deleted: {error}").into(),
                    });
                }
            }
        }
    }
}

/// What came of an object that was to be deleted.
enum Ended {
    Deleted(Deleted),
    /// It says itself that it is not to be deleted, which nothing watched had told.
    Stays(String),
}

async fn delete<'a>(
    client: &AccountClient,
    kinds: &Kinds,
    owner: &str,
    prune: &'a Prune,
) -> (&'a Prune, Result<Ended, KubeError>) {
    (prune, try_delete(client, kinds, owner, prune).await)
}

async fn try_delete(client: &AccountClient, kinds: &Kinds, owner: &str, prune: &Prune) -> Result<Ended, KubeError> {
    let kind = &prune.key.kind;
    let Some(served) = kinds.find(kind, &prune.version).or_else(|| kinds.preferred(kind)) else {
        if kinds.unknown_groups.contains(&kind.group) {
            return Err(KubeError::Unavailable(format!(
                "the server of the API group `{}` does not answer",
                kind.group
            )));
        }
        // Its definition is gone, and the objects with it.
        return Ok(Ended::Deleted(Deleted::Gone));
    };
    if let (true, Some(uid)) = (prune.proved, &prune.uid) {
        return client.delete(&prune.key, served, uid).await.map(Ended::Deleted);
    }
    match client.find_metadata(&prune.key, served).await? {
        Some(found)
            if found.owner.as_deref() == Some(owner) && prune.uid.as_ref().is_none_or(|uid| *uid == found.uid) =>
        {
            match found.guard {
                PruneGuard::None => client.delete(&prune.key, served, &found.uid).await.map(Ended::Deleted),
                PruneGuard::Keep(_) => Ok(Ended::Stays(found.guard.reason_to_keep().unwrap_or_default())),
                PruneGuard::Ask(name) => Err(KubeError::Refused(format!(
                    "its `{name}` asks for a person's word, and the account may not watch its kind: delete it by hand, or \
                     allow the account to list and watch it"
                ))),
            }
        }
        // Gone, or not ours.
        _ => Ok(Ended::Deleted(Deleted::Gone)),
    }
}
