//! Deleting what the repository does not have any more.

mod inside;

use std::collections::{BTreeMap, HashMap};

use chrono::Utc;
use heddle_kube::{AccountClient, Deleted, Kinds, KubeError};
use heddle_reconcile::{
    APPROVE_PRUNE_ANNOTATION, GroupKind, ObjectKey, Prune, PruneGuard, PruneRules, PruneVerdict, Reached, Spared,
    Terminating, judge_prune, suspects,
};
use heddle_source::WhyUnread;
use heddle_wire::agent::SyncError;

use super::{super::spec::closed_namespaces, Pruned, Run, gather::until_stopped};
use crate::{metrics::Verb, neighbors::Fate};

/// Requests at a time.
const CONCURRENCY: usize = 16;

/// Stands for the manifest of what the repository does not have any more.
const LEFT: &str = "";

/// What is to be deleted, with what came of it.
type Tried<'a> = (&'a Prune, Result<Ended, KubeError>);

impl Run<'_> {
    /// Deletes, or stops and asks. While anything else is wrong with the revision nothing is deleted that may be missed:
    /// it may have left by mistake, and what should take its place may have failed. `waits`: something is not applied yet.
    ///
    /// # Errors
    /// When the inventory cannot be written before a delete.
    pub(super) async fn prune(&mut self, mut surplus: Vec<ObjectKey>, waits: bool) -> Result<Pruned, KubeError> {
        let moved = self.give_up(&mut surplus);
        let count = surplus.len();
        if count == 0 {
            let none = if moved.is_empty() { Pruned::Nothing } else { Pruned::Kept { needed: Vec::new(), moved } };
            return Ok(none);
        }
        if !self.context.sync.spec.prune {
            return Ok(Pruned::Off(count));
        }
        let reached = self.reached();
        if reached == Reached::Applied && waits {
            return Ok(Pruned::WaitsForOthers(count));
        }
        let silent = self.context.ctx.neighbors.silent(&self.context.name.name);
        match (silent.is_empty(), reached) {
            (true, _) => self.prune_surplus(&surplus, reached, moved).await,
            (false, Reached::Applied) => {
                let now = Utc::now();
                Ok(Pruned::WaitsForNeighbors(count, silent.into_iter().map(|name| (name, now)).collect()))
            }
            (false, _) => Ok(Pruned::Held(count)),
        }
    }

    fn reached(&self) -> Reached {
        let is_read = self.context.desired.faults().next().is_none() && !self.is_suspect;
        match (is_read, self.errors.is_empty()) {
            (false, _) => Reached::Unread,
            (true, false) => Reached::Unapplied,
            (true, true) => Reached::Applied,
        }
    }

    /// What left the path may be missing by mistake where the place that it came from is there and gives nothing.
    pub(super) fn note_suspects(&mut self, surplus: &[ObjectKey]) {
        // Files of another repository are other files, whatever they are called.
        let repository = &self.context.desired.rendered.content.origin.repository;
        if self.context.applied.is_some_and(|applied| applied.source.repository != *repository) {
            return;
        }
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let is_approved = |key: &ObjectKey| self.inventory.find(key).is_some_and(|entry| entry.leaving);
        let unclaimed = surplus.iter().filter(|key| neighbors.fate(name, key) == Fate::Unclaimed && !is_approved(key));
        let content = &self.context.desired.rendered.content;
        let barren: HashMap<&str, WhyUnread> = content.barren().map(|place| (&*place.path, place.why)).collect();
        for suspect in suspects(unclaimed, &self.inventory, barren.keys().copied()) {
            let why = barren.get(suspect.place).map(ToString::to_string).unwrap_or_default();
            self.is_suspect = true;
            self.errors.push(SyncError {
                file: Some(suspect.place.into()),
                line: None,
                object: None,
                message: suspicion(&suspect.objects, &why).into(),
            });
        }
    }

    /// Gives up what another Sync wants: it is not gone, it has moved. What a suspended one wants stays, and is given.
    pub(super) fn give_up(&mut self, surplus: &mut Vec<ObjectKey>) -> Vec<(ObjectKey, String)> {
        let (neighbors, name) = (&self.context.ctx.neighbors, self.context.name);
        let mut stays = Vec::new();
        surplus.retain(|key| match neighbors.fate(&name.name, key) {
            Fate::Unclaimed => true,
            Fate::Moved(other) => {
                tracing::info!(sync = %name, object = %key, "{key} moved to the Sync {other}");
                self.inventory.give_up(key);
                false
            }
            Fate::MovedToSuspended(other) => {
                stays.push((key.clone(), other));
                false
            }
        });
        stays
    }

    async fn prune_surplus(
        &mut self,
        surplus: &[ObjectKey],
        reached: Reached,
        moved: Vec<(ObjectKey, String)>,
    ) -> Result<Pruned, KubeError> {
        let (sync, desired, name) = (self.context.sync, self.context.desired, self.context.name);
        let annotations = sync.metadata.annotations.as_ref();
        let plurals = self.cluster.kinds().map(Kinds::plurals).unwrap_or_default();
        let judge = |run: &Self, needed: &BTreeMap<ObjectKey, String>| {
            let rules = PruneRules {
                owner: run.owner(),
                desired: if desired.is_empty() { 0 } else { desired.objects().len() },
                reached,
                approved: annotations.and_then(|all| all.get(APPROVE_PRUNE_ANNOTATION)).map(String::as_str),
                closed: &closed_namespaces(&name.namespace),
                plurals: &plurals,
                needed,
            };
            judge_prune(surplus, &run.inventory, &run.cluster.observed.live, rules)
        };
        // What the guards hold back is not looked into: that costs requests.
        let mut verdict = judge(self, &BTreeMap::new());
        let in_question = verdict.holders_in_question();
        if !in_question.is_empty() {
            let noted = self.noted(&in_question);
            let mut needed = self.look_for_known(&noted, surplus).await;
            verdict = judge(self, &needed);
            let holders = verdict.holders();
            if !holders.is_empty() {
                // What is held now is approved with the rest, or each would ask anew for what is left of the plan.
                self.note_approved(&verdict);
                needed.extend(self.look_for_any(&holders, &noted, surplus).await);
                verdict = judge(self, &needed);
            }
        }
        self.note_approved(&verdict);
        for key in &verdict.forget {
            tracing::info!(sync = %name, object = %key, "{key} left the path, and is gone or not ours");
            self.inventory.forget(key);
        }
        for kept in verdict.kept {
            self.keep(kept);
        }
        if verdict.is_approved {
            self.save().await?;
        }
        let (mut terminating, mut waiting) = (verdict.terminating, verdict.waiting.len());
        let before = self.errors.len();
        for step in &verdict.steps {
            if terminating.is_empty() && self.errors.len() == before && !self.is_stopped() {
                // Of a delete that is cut short nothing is known but that it was begun.
                for prune in step {
                    self.inventory.unsettle(&prune.key);
                }
                self.save().await?;
                terminating.extend(self.delete_step(step).await);
            } else {
                waiting += step.len();
            }
        }
        let failed = self.errors.len() - before;
        Ok(match verdict.stopped {
            _ if failed > 0 => Pruned::Failed { count: failed, is_passing: self.undeleted == 0 },
            Some(stopped) => Pruned::Stopped(stopped),
            None if !terminating.is_empty() => Pruned::Terminating(terminating, waiting),
            None if reached < Reached::Applied && !verdict.held.is_empty() => Pruned::Held(verdict.held.len()),
            None if verdict.held.is_empty() && moved.is_empty() => Pruned::Done,
            None => Pruned::Kept { needed: verdict.held, moved },
        })
    }

    /// Notes what was approved of what is to be deleted: it is not asked about again until it is gone.
    fn note_approved(&mut self, verdict: &PruneVerdict) {
        if verdict.is_approved {
            for prune in verdict.steps.iter().flatten().chain(&verdict.waiting) {
                self.inventory.approve(&prune.key);
            }
        }
    }

    /// Lets go of an object that is not to be deleted.
    fn keep(&mut self, kept: Spared) {
        tracing::info!(sync = %self.context.name, object = %kept.key, "{} left the path and stays: {}", kept.key, kept.reason);
        let plurals = self.cluster.kinds().map(Kinds::plurals).unwrap_or_default();
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let elsewhere = neighbors.holders_elsewhere(name, &kept.key, &plurals);
        self.inventory.let_go(&kept.key, &plurals, &elsewhere);
        self.done.kept.push(kept);
    }

    /// Deletes what needs nothing else of the plan any more. Gives what is not gone yet.
    async fn delete_step(&mut self, step: &[Prune]) -> Vec<Terminating> {
        let mut tried = self.try_step(step.iter().collect()).await;
        // It may be served in another version by now.
        let unserved = tried.extract_if(.., |(_, result)| matches!(result, Err(KubeError::NotServed(_))));
        let unserved: Vec<&Prune> = unserved.map(|(prune, _)| prune).collect();
        if !unserved.is_empty() && self.cluster.renew_kinds().await.is_ok() {
            self.is_answered = true;
            tried.extend(self.try_step(unserved).await);
        }
        self.note_answers(tried.iter().map(|(_, result)| result.as_ref().err()));
        tried.into_iter().filter_map(|(prune, result)| self.note_deleted(prune, result)).collect()
    }

    async fn try_step<'p>(&self, step: Vec<&'p Prune>) -> Vec<Tried<'p>> {
        let (client, kinds, owner) = (&self.cluster.client, self.cluster.kinds(), self.owner());
        let is_approved = |prune: &Prune| self.inventory.find(&prune.key).is_some_and(|entry| entry.leaving);
        let requests: Vec<_> =
            step.into_iter().map(|prune| delete(client, kinds, owner, prune, is_approved(prune))).collect();
        until_stopped(requests, CONCURRENCY, self.context.stop).await
    }

    fn note_deleted(&mut self, prune: &Prune, result: Result<Ended, KubeError>) -> Option<Terminating> {
        let key = &prune.key;
        self.context.metrics.wrote(Verb::Delete, result.is_ok());
        match result {
            Ok(Ended::Stays(reason)) => {
                self.keep(Spared { key: key.clone(), reason });
                None
            }
            Ok(Ended::Deleted(Deleted::Gone)) => {
                tracing::info!(sync = %self.context.name, object = %key, "pruned {key}");
                self.done.deleted += 1;
                self.patience.end(key);
                self.inventory.forget(key);
                self.cluster.observed.forget(key);
                None
            }
            Ok(Ended::Deleted(Deleted::Terminating { finalizers })) => {
                tracing::info!(sync = %self.context.name, object = %key, ?finalizers, "{key} is being deleted");
                self.cluster.observed.observe_deleting(key, &finalizers);
                Some(Terminating { key: key.clone(), finalizers })
            }
            Err(error) => {
                let is_believed = self.believes(key, LEFT, &error);
                self.undeleted += usize::from(!is_believed);
                let error = self.context.desired.redact_about(&error.to_string(), key);
                self.errors.push(SyncError {
                    file: None,
                    line: None,
                    object: Some(key.to_string().into()),
                    message: format!("it left the path and could not be deleted: {error}").into(),
                });
                None
            }
        }
    }
}

/// What is said of a place from which objects came, and that gives none now.
fn suspicion(objects: &[&ObjectKey], why: &str) -> String {
    let (first, more) = match objects {
        [] => (String::new(), String::new()),
        [first] => (first.to_string(), String::new()),
        [first, rest @ ..] => (first.to_string(), format!(" and {} more", rest.len())),
    };
    format!(
        "{first}{more} came from here, and it gives no objects now: {why}. Nothing is deleted while it is there: mend it, or \
         delete it if they are to go"
    )
}

/// What came of an object that was to be deleted.
enum Ended {
    Deleted(Deleted),
    /// It says itself that it is not to be deleted, which nothing watched had told.
    Stays(String),
}

async fn delete<'a>(
    client: &AccountClient,
    kinds: Option<&Kinds>,
    owner: &str,
    prune: &'a Prune,
    is_approved: bool,
) -> Tried<'a> {
    let result = match kinds {
        Some(kinds) => try_delete(client, kinds, owner, prune, is_approved).await,
        None => Err(KubeError::Unavailable("which kinds it serves is not known".to_owned())),
    };
    (prune, result)
}

async fn try_delete(
    client: &AccountClient,
    kinds: &Kinds,
    owner: &str,
    prune: &Prune,
    is_approved: bool,
) -> Result<Ended, KubeError> {
    let kind = &prune.key.kind;
    let Some(served) = kinds.find(kind, &prune.version).or_else(|| kinds.preferred(kind)) else {
        return of_unserved(kinds, kind);
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
                PruneGuard::Ask(_) if is_approved => {
                    client.delete(&prune.key, served, &found.uid).await.map(Ended::Deleted)
                }
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

/// What comes of the delete of an object whose kind the API server does not name.
///
/// # Errors
/// When its whole API group cannot be asked about. The API server itself has said so, and it may stay so.
fn of_unserved(kinds: &Kinds, kind: &GroupKind) -> Result<Ended, KubeError> {
    if kinds.unknown_groups.contains(&kind.group) {
        return Err(KubeError::Failing(format!("the server of the API group `{}` does not answer", kind.group)));
    }
    // Its definition is gone, and the objects with it.
    Ok(Ended::Deleted(Deleted::Gone))
}

#[cfg(test)]
mod tests;
